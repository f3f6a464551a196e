local audit = require "icrm.changes.audit"
local changes = require "icrm.changes"
local changes_crm = require "spec.changes.crm"
local json = require "icrm.json"
local settle = require "icrm.changes.settle"

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
    local text = table.concat(settle.describe(plan, "b"), "\n")
    local id = crm.client:query("SELECT * FROM Accounts WHERE accountname = 'B'"):first().id
    assert.truthy(text:find('sent: {"accountname":"B"', 1, true))
    assert.matches("attempt 1 at %d%d%d%d%-%d%d%-%d%d ", text)
    assert.truthy(text:find("candidate: " .. id, 1, true))
  end)

  it("takes no record that is not there, and none of another module", function()
    for _, id in ipairs { "3x999999", "9x1", "nonsense" } do
      assert.falsy(pcall(settle.done, plan, "b", id))
    end
    local ticket = crm.client:create("HelpDesk", { ticket_title = "T", ticketstatus = "Open" })
    local ok, err = pcall(settle.done, plan, "b", ticket.id)
    assert.truthy(not ok and err.message:find("is no record of Accounts", 1, true))
    ok, err = pcall(settle.done, plan, "b", plan.store:by_key("a").record)
    assert.truthy(not ok and err.message:find('is the record of change "a"', 1, true))
    ok, err = pcall(settle.absent, plan, "a")
    assert.truthy(not ok and err.message:find('change "a" is done', 1, true))
    assert.equal("needs_human", plan.store:by_key("b").state)
  end)

  it("lets the children go on", function()
    local id = crm.client:query("SELECT * FROM Accounts WHERE accountname = 'B'"):first().id
    settle.done(plan, "b", id)
    assert.same({ done = 3 }, plan:apply().states)
    assert.equal(id, crm.client:retrieve(plan.store:by_key("c").record).account_id)
  end)

  it("as absent has it sent again", function()
    crm.client:delete(crm.client:query("SELECT * FROM Accounts WHERE accountname = 'B'"):first().id)
    settle.absent(plan, "b")
    assert.same({ done = 3 }, plan:apply().states)
    assert.equal(1, crm.count("Accounts", "accountname = 'B'"))
  end)
end)
