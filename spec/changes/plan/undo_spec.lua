local changes = require "icrm.changes"
local changes_crm = require "spec.changes.crm"

describe("undo", function()
  local crm

  before_each(function()
    crm = changes_crm.start {}
  end)

  after_each(function()
    crm.close()
  end)

  it("brings every value back, references included, and deletes what was created", function()
    local account = crm.client:create("Accounts", { accountname = "A" })
    local ticket = crm.client:create("HelpDesk", { ticket_title = "T", ticketstatus = "Open" })
    local plan <close> = crm.plan()
    plan:update(ticket, { ticketstatus = "Closed", parent_id = account.id, solution = "s" })
    plan:create("Accounts", { accountname = "N" }, { key = "n" })
    plan:create("HelpDesk", { ticket_title = "C", ticketstatus = "Open",
      parent_id = changes.ref "n" })
    plan:apply()
    local way_back <close> = plan:undo(crm.dir .. "/undo.icrm")
    assert.same({ done = 3 }, way_back:apply({ allow_delete = 2 }).states)
    local now = crm.client:retrieve(ticket.id)
    for _, field in ipairs { "ticketstatus", "parent_id", "solution" } do
      assert.equal(ticket[field], now[field])
    end
    assert.equal(0, crm.count("Accounts", "accountname = 'N'"))
  end)

  it("knows the old value also when the row that was given had it not", function()
    local ticket = crm.client:create("HelpDesk",
      { ticket_title = "T", ticketstatus = "Open", solution = "old" })
    local row = crm.client:query("SELECT ticket_title, modifiedtime FROM HelpDesk WHERE id = ?",
      ticket.id):first()
    local plan <close> = crm.plan()
    plan:update(row, { solution = "new" })
    plan:apply()
    local way_back <close> = plan:undo(crm.dir .. "/undo.icrm")
    assert.same({ done = 1 }, way_back:apply().states)
    assert.equal("old", crm.client:retrieve(ticket.id).solution)
  end)

  for _, seconds in ipairs { 0, 2 } do
    it(("keeps what someone changed %d seconds later, and says what"):format(seconds), function()
      local ticket = crm.client:create("HelpDesk", { ticket_title = "T", ticketstatus = "Open" })
      local plan <close> = crm.plan()
      plan:update(ticket, { ticketstatus = "Closed" })
      plan:apply()
      crm.server:advance(seconds)
      crm.client:update("HelpDesk", { id = ticket.id, solution = "by a person" })
      local way_back <close> = plan:undo(crm.dir .. "/undo.icrm")
      local change = way_back.store:get(1)
      assert.equal("KEPT", change.code)
      assert.truthy(change.message:find('solution was "", is "by a person"', 1, true))
      assert.same({ skipped = 1 }, way_back.store:states())
    end)
  end

  it("undoes one set after another, the last one first", function()
    local ticket = crm.client:create("HelpDesk", { ticket_title = "T", ticketstatus = "Open" })
    local first <close> = crm.plan "1.icrm"
    first:update(ticket, { ticketstatus = "In Progress" })
    first:apply()
    crm.server:advance(2)
    local second <close> = crm.plan "2.icrm"
    second:update(ticket.id, { ticketstatus = "Closed" })
    second:apply()
    for i, set in ipairs { second, first } do
      crm.server:advance(2)
      local way_back <close> = set:undo(("%s/undo%d.icrm"):format(crm.dir, i))
      assert.same({ done = 1 }, way_back:apply().states)
    end
    assert.equal("Open", crm.client:retrieve(ticket.id).ticketstatus)
  end)

  it("deletes what refers to a record before that record, on all lanes", function()
    crm.close()
    crm = changes_crm.start { faults = "p=0.5 delete before_commit reset; seed=4" }
    local plan <close> = crm.plan()
    for i = 1, 8 do
      plan:create("Accounts", { accountname = "A" .. i }, { key = "a" .. i })
      plan:create("HelpDesk", { ticket_title = "T" .. i, ticketstatus = "Open",
        parent_id = changes.ref("a" .. i) }, { key = "t" .. i })
    end
    plan:apply()
    local way_back <close> = plan:undo(crm.dir .. "/undo.icrm")
    assert.same({ done = 16 }, way_back:apply({ allow_delete = 16, settle = 0.02 }).states)
    local gone = {}
    for i, event in ipairs(crm.server:log()) do
      if event.operation == "delete" and event.committed then
        gone[event.record] = i
      end
    end
    for i = 1, 8 do
      assert.truthy(gone[plan.store:by_key("t" .. i).record]
        < gone[plan.store:by_key("a" .. i).record])
    end
  end)

  it("says of a deletion that it is impossible to undo", function()
    local plan <close> = crm.plan()
    plan:delete(crm.client:create("HelpDesk", { ticket_title = "T", ticketstatus = "Open" }))
    plan:apply { allow_delete = 1 }
    local way_back <close> = plan:undo(crm.dir .. "/undo.icrm")
    assert.equal("IMPOSSIBLE", way_back.store:get(1).code)
  end)

  it("leaves alone what was handed to somebody out of sight, and does not call it gone", function()
    crm.close()
    crm = changes_crm.start { profile = "vtiger8", user = "jdupont", traits = "private-owners",
      fields = { "Leads.cf_icrm_token:string" } }
    local plan <close> = crm.plan("set.icrm", { witness = { Leads = changes_crm.TAG } })
    for i = 1, 2 do
      plan:create("Leads", { lastname = "Lead " .. i }, { key = "l" .. i, check = false })
    end
    plan:apply()
    local given = plan.store:by_key("l1").record
    crm.client:update("Leads", { id = given, assigned_user_id = "19x1" }, { partial = true })
    local way_back <close> = plan:undo(crm.dir .. "/undo.icrm")
    local change = way_back.store:by_key "l1"
    assert.equal("IMPOSSIBLE", change.code)
    assert.matches("cannot be read: it was deleted, or is out of this user's sight", change.message)
    assert.same({ done = 1, skipped = 1 }, way_back:apply({ allow_delete = 1 }).states)
    assert.equal(1, crm.commits "delete")
  end)

  it("waits for a set that is not settled", function()
    local plan <close> = crm.plan()
    plan:create("Accounts", { accountname = "A" })
    plan:seal()
    plan.store:mark(1, { state = "unknown" })
    local ok, err = pcall(plan.undo, plan, crm.dir .. "/undo.icrm")
    assert.falsy(ok)
    assert.truthy(err.message:find("first: set:apply()", 1, true))
  end)
end)
