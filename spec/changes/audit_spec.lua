local audit = require "icrm.changes.audit"
local changes = require "icrm.changes"
local changes_crm = require "spec.changes.crm"
local json = require "icrm.json"
local by_hand = require "icrm.changes.by_hand"

describe("an audit", function()
  local crm, plan

  local function start(options, faults)
    crm = changes_crm.start { faults = faults }
    plan = crm.plan("set.icrm", options)
    for i = 1, 60 do
      plan:create("Accounts", { accountname = "Société " .. i }, { key = "row " .. i })
    end
    plan:apply { settle = 0.02 }
  end

  after_each(function()
    plan:close()
    crm.close()
  end)

  local function counts()
    local result = audit.run(plan)
    return { result.checked, result.lost, result.duplicates, result.ghosts, result.unrecorded },
      result.list
  end

  for name, witness in pairs { ["a tag"] = changes_crm.WITNESS,
    ["a key"] = { Accounts = { key = { "accountname" } } }, ["its id"] = {} } do
    it("agrees when every record is there once, by " .. name, function()
      start { witness = witness }
      assert.same({ 60, 0, 0, 0, 0 }, (counts()))
    end)

    it("names what is lost, by " .. name, function()
      start { witness = witness }
      local gone = plan.store:get(7).record
      crm.client:delete(gone)
      local found, list = counts()
      assert.same({ 60, 1, 0, 0, 0 }, found)
      assert.same({ kind = "lost", key = "row 7", detail = gone }, list[1])
    end)
  end

  it("names what is there twice", function()
    start {}
    crm.client:create("Accounts", json.decode(plan.store:get(7).fields))
    local found, list = counts()
    assert.same({ 60, 0, 1, 0, 0 }, found)
    assert.matches("^3x%d+, 3x%d+$", list[1].detail)
  end)

  it("names what is there although the file does not say so", function()
    start {}
    plan.store:mark(7, { state = "failed", record = false })
    assert.same({ 60, 0, 0, 0, 1 }, (counts()))
  end)

  it("says what it cannot see", function()
    start({ witness = {} }, "at create#7 after_commit reset")
    local result = audit.run(plan)
    assert.same({ 59, 59, 1 }, { result.checked, result.by_id, result.unsought })
    assert.same({}, result.list)
  end)

  it("knows a record again whose key was changed since", function()
    start { witness = { Accounts = { key = { "accountname" } } } }
    crm.client:update("Accounts", { id = plan.store:get(7).record, accountname = "Autre" })
    local result = audit.run(plan)
    assert.same({ 60, 0, 0, 1 }, { result.checked, result.lost, result.ghosts, result.changed })
    assert.same({}, result.list)
  end)

  it("of a plan that was never sent finds nothing to check", function()
    crm = changes_crm.start {}
    plan = crm.plan "set.icrm"
    plan:create("Accounts", { accountname = "Plan" })
    plan:seal()
    local result = audit.run(plan)
    assert.same({ 0, 1, 0 }, { result.checked, result.unsent, #result.list })
  end)

  it("of a set that was undone looks for what should not be there any more", function()
    start {}
    local undo <close> = plan:undo(crm.dir .. "/undo.icrm")
    assert.equal(60, undo:apply({ settle = 0.02, allow_delete = 60 }).states.done)
    local result = audit.run(plan)
    assert.same({ 60, 60, 0, 0 }, { result.checked, result.undone, result.lost, #result.list })
  end)

  it("calls what this user may not see hidden, not lost", function()
    crm = changes_crm.start { profile = "vtiger8", user = "jdupont",
      fields = { "Leads.cf_icrm_token:string" }, traits = "private-owners,owner-workflow" }
    plan = crm.plan("set.icrm", { witness = { Leads = changes_crm.TAG } })
    for i = 1, 3 do
      plan:create("Leads", { lastname = "Prospect " .. i })
    end
    assert.same({ done = 3 }, plan:apply({ settle = 0.02 }).states)
    local result = audit.run(plan)
    assert.same({ 3, 3, 0, 0 }, { result.checked, result.hidden, result.lost, #result.list })
  end)

  it("compares what was updated, and tells what was changed since from what is lost", function()
    start {}
    local later <close> = crm.plan "later.icrm"
    for i = 1, 3 do
      later:update(plan.store:get(i).record, { bill_city = "Lyon" }, { key = "row " .. i })
    end
    assert.same({ done = 3 }, later:apply({ settle = 0.02 }).states)
    local result = audit.run(later)
    assert.same({ 3, 0, 0 }, { result.checked, result.altered, #result.list })
    crm.server:advance(5)
    crm.client:update("Accounts", { id = plan.store:get(1).record, bill_city = "Nantes" })
    crm.client:delete(plan.store:get(2).record)
    local after = json.decode(later.store:get(3).after)
    after.bill_city = "Lyon, that nobody stored"
    later.store:mark(3, { after = json.encode(after) })
    result = audit.run(later)
    assert.same({ 3, 1, 2 }, { result.checked, result.altered, result.lost })
  end)

  it("names what was deleted and is there all the same", function()
    start {}
    local deletions <close> = crm.plan "deletions.icrm"
    deletions:delete(plan.store:get(1).record)
    deletions:delete(plan.store:get(2).record)
    assert.same({ done = 2 }, deletions:apply({ settle = 0.02, allow_delete = 2 }).states)
    assert.equal(0, #audit.run(deletions).list)
    deletions.store:mark(2, { record = plan.store:get(3).record })
    local result = audit.run(deletions)
    assert.same({ 2, 1 }, { result.checked, result.undeleted })
  end)

  it("names a record that only its id can reach", function()
    start({}, "at create#61 ghost")
    pcall(crm.client.create, crm.client, "Accounts", { accountname = "fantôme" })
    local ghost
    for _, event in ipairs(crm.server:log()) do
      ghost = event.fault and event.operation == "create" and event.record or ghost
    end
    plan.store:mark(7, { record = assert(ghost) })
    crm.client:delete(plan.store:get(8).record)
    plan.store:mark(8, { state = "failed" })
    crm.client:delete((crm.client:query("SELECT * FROM Accounts WHERE accountname = ?",
      "Société 7"):first()).id)
    assert.same({ 60, 0, 0, 1, 0 }, (counts()))
  end)
end)

describe("settling by hand", function()
  local crm, plan

  before_each(function()
    crm = changes_crm.start { faults = "at create#2 after_commit reset", lanes = 1 }
    plan = crm.plan("set.icrm", { witness = {} })
    plan:create("Accounts", { accountname = "A" }, { key = "a" })
    plan:create("Accounts", { accountname = "B" }, { key = "b" })
    plan:create("Accounts", { accountname = "C", account_id = changes.ref "b" }, { key = "c" })
    assert.same({ done = 1, needs_human = 1, blocked = 1 }, plan:apply({ settle = 0.02 }).states)
  end)

  after_each(function()
    plan:close()
    crm.close()
  end)

  it("shows what was sent, when, and which records may be it", function()
    local text = table.concat(by_hand.describe(plan, "b"), "\n")
    local id = crm.client:query("SELECT * FROM Accounts WHERE accountname = 'B'"):first().id
    assert.truthy(text:find('sent: {"accountname":"B"', 1, true))
    assert.matches("attempt 1 at %d%d%d%d%-%d%d%-%d%d ", text)
    assert.truthy(text:find("candidate: " .. id, 1, true))
  end)

  it("takes no record that is not there, and none of another module", function()
    for _, id in ipairs { "3x999999", "9x1", "nonsense" } do
      assert.falsy(pcall(by_hand.mark_done, plan, "b", id))
    end
    local ticket = crm.client:create("HelpDesk", { ticket_title = "T", ticketstatus = "Open" })
    local ok, err = pcall(by_hand.mark_done, plan, "b", ticket.id)
    assert.truthy(not ok and err.message:find("is no record of Accounts", 1, true))
    ok, err = pcall(by_hand.mark_done, plan, "b", plan.store:by_key("a").record)
    assert.truthy(not ok and err.message:find('is the record of change "a"', 1, true))
    ok, err = pcall(by_hand.mark_absent, plan, "a")
    assert.truthy(not ok and err.message:find('change "a" is done', 1, true))
    assert.equal("needs_human", plan.store:by_key("b").state)
  end)

  it("lets the children go on", function()
    local id = crm.client:query("SELECT * FROM Accounts WHERE accountname = 'B'"):first().id
    by_hand.mark_done(plan, "b", id)
    assert.same({ done = 3 }, plan:apply().states)
    assert.equal(id, crm.client:retrieve(plan.store:by_key("c").record).account_id)
  end)

  it("as absent has it sent again", function()
    crm.client:delete(crm.client:query("SELECT * FROM Accounts WHERE accountname = 'B'"):first().id)
    by_hand.mark_absent(plan, "b")
    assert.same({ done = 3 }, plan:apply().states)
    assert.equal(1, crm.count("Accounts", "accountname = 'B'"))
  end)
end)
