local changes = require "icrm.changes"
local changes_crm = require "spec.changes.crm"
local json = require "icrm.json"

describe("apply", function()
  local crm

  after_each(function()
    crm.close()
  end)

  local function accounts(plan, n)
    for i = 1, n do
      plan:create("Accounts", { accountname = "Société " .. i }, { key = "row " .. i })
    end
  end

  it("does each change once, and nothing when it is called again", function()
    crm = changes_crm.start {}
    local plan <close> = crm.plan()
    accounts(plan, 30)
    assert.same({ done = 30 }, plan:apply().states)
    assert.equal(0, plan:apply().remaining)
    assert.equal(30, crm.commits "create")
  end)

  it("leaves no session behind in the file", function()
    crm = changes_crm.start {}
    local plan <close> = crm.plan()
    accounts(plan, 5)
    plan:apply()
    assert.same({}, plan.store:sessions())
  end)

  it("refuses a record that changed since the plan, naming what moved", function()
    crm = changes_crm.start {}
    local ticket = crm.client:create("HelpDesk", { ticket_title = "T", ticketstatus = "Open" })
    local plan <close> = crm.plan()
    plan:update(ticket, { ticketstatus = "Closed" })
    plan:seal()
    crm.client:update("HelpDesk", { id = ticket.id, ticketstatus = "In Progress" })
    assert.same({ failed = 1 }, plan:apply().states)
    local change = plan.store:get(1)
    assert.equal("STALE", change.code)
    assert.truthy(change.message:find('ticketstatus was "Open", is "In Progress"', 1, true))
    assert.equal("In Progress", crm.client:retrieve(ticket.id).ticketstatus)
  end)

  it("overwrites it when told so, and undo brings back what was overwritten", function()
    crm = changes_crm.start {}
    local ticket = crm.client:create("HelpDesk", { ticket_title = "T", ticketstatus = "Open" })
    local plan <close> = crm.plan()
    plan:update(ticket, { ticketstatus = "Closed" })
    plan:seal()
    crm.client:update("HelpDesk", { id = ticket.id, ticketstatus = "In Progress" })
    assert.same({ done = 1 }, plan:apply({ stale = "force" }).states)
    local way_back <close> = plan:undo(crm.dir .. "/undo.icrm")
    assert.same({ done = 1 }, way_back:apply().states)
    assert.equal("In Progress", crm.client:retrieve(ticket.id).ticketstatus)
  end)

  it("says what the server stored otherwise", function()
    crm = changes_crm.start {}
    local plan <close> = crm.plan()
    plan:create("HelpDesk", { ticket_title = "Urgent 🚚", ticketstatus = "Open" })
    plan:apply()
    assert.truthy(plan.store:get(1).differences:find('stored "Urgent ????"', 1, true))
  end)

  it("deletes only the number that was said", function()
    crm = changes_crm.start {}
    local gone = crm.client:create("HelpDesk", { ticket_title = "Z", ticketstatus = "Open" })
    local plan <close> = crm.plan()
    plan:delete(gone)
    local ok, err = pcall(plan.apply, plan, { allow_delete = 2 })
    assert.falsy(ok)
    assert.truthy(err.message:find("allow_delete = 1", 1, true))
    assert.same({ done = 1 }, plan:apply({ allow_delete = 1 }).states)
    assert.falsy(pcall(crm.client.retrieve, crm.client, gone.id))
  end)

  it("asks for the number of deletions once, not again after a crash", function()
    crm = changes_crm.start {}
    local plan <close> = crm.plan()
    for i = 1, 3 do
      plan:delete(crm.client:create("HelpDesk", { ticket_title = "Z" .. i, ticketstatus = "Open" }))
    end
    plan:seal()
    assert.equal(3, plan:deletions_to_allow())
    assert.equal(3, plan:deletions_to_allow(2))
    assert.equal(0, plan:deletions_to_allow(3))
    local point = 0
    assert.falsy(pcall(plan.apply, plan, { allow_delete = 3, on_point = function(name)
      point = point + (name == "reply" and 1 or 0)
      assert(point < 2, "the end of the process")
    end }))
    assert.equal(0, plan:deletions_to_allow())
    assert.same({ done = 3 }, plan:apply({ settle = 0.02 }).states)
    plan:delete(crm.client:create("HelpDesk", { ticket_title = "Y", ticketstatus = "Open" }))
    plan:seal()
    assert.equal(1, plan:deletions_to_allow())
  end)

  it("blocks what refers to a change that failed, and goes on with the rest", function()
    crm = changes_crm.start { faults = "at create#1 error=MANDATORY_FIELDS_MISSING", lanes = 1 }
    local plan <close> = crm.plan()
    plan:create("Accounts", { accountname = "A" }, { key = "a" })
    plan:create("Accounts", { accountname = "B", account_id = changes.ref "a" }, { key = "b" })
    plan:create("Accounts", { accountname = "C", account_id = changes.ref "b" }, { key = "c" })
    plan:create("Accounts", { accountname = "D" }, { key = "d" })
    assert.same({ failed = 1, blocked = 2, done = 1 }, plan:apply().states)
    plan.store:mark(1, { state = "planned" })
    assert.same({ done = 4 }, plan:apply().states)
  end)

  it("stops after too many failures", function()
    crm = changes_crm.start { faults = "p=1 create error=MANDATORY_FIELDS_MISSING", lanes = 1 }
    local plan <close> = crm.plan()
    accounts(plan, 40)
    local summary = plan:apply { max_errors = 3 }
    assert.truthy(summary.states.failed < 10)
    assert.truthy(summary.stopped:find("after 3 failed changes", 1, true))
    assert.truthy(summary.states.planned > 30)
  end)

  it("stops at once when a tag does not survive", function()
    crm = changes_crm.start {}
    local plan <close> = crm.plan("set.icrm", { witness = { Accounts = { tag = "siret" } } })
    accounts(plan, 40) -- a siret has 14 characters, a tag 20
    local summary = plan:apply { settle = 0 }
    assert.truthy(summary.stopped:find("did not keep a tag", 1, true))
    assert.truthy(crm.commits "create" < 12)
  end)

  describe("when answers are lost", function()
    local function apply_with(faults, options)
      crm = changes_crm.start { faults = faults }
      local plan = crm.plan()
      accounts(plan, 40)
      options = options or {}
      options.settle = options.settle or 0.05
      local summary = plan:apply(options)
      return plan, summary
    end

    local function once_each(plan)
      assert.equal(40, crm.count("Accounts", "cf_icrm_token LIKE ?", "IC%"))
      local seen = {}
      for change in plan.store:each() do
        assert.falsy(seen[change.record])
        seen[change.record] = true
      end
    end

    for name, faults in pairs {
      ["after the commit"] = "seed=1; p=0.3 create after_commit reset",
      ["before the commit"] = "seed=2; p=0.3 create before_commit reset",
      ["in the middle"] = "seed=3; p=0.3 create half_reply",
      ["all of them"] = "p=1 create after_commit close",
      ["as HTML"] = "seed=4; p=0.3 create html",
      ["as an empty 500 before the commit"] = "seed=5; p=0.3 create before_commit status=500",
    } do
      it(name .. ", every row is there once", function()
        local plan, summary = apply_with(faults)
        assert.same({ done = 40 }, summary.states)
        once_each(plan)
        plan:close()
      end)
    end

    it("never sends again with resend never", function()
      local plan, summary = apply_with("at create#5 before_commit reset", { resend = "never" })
      assert.equal(39, crm.commits "create")
      assert.same({ done = 39, needs_human = 1 }, summary.states)
      plan:close()
    end)

    it("leaves it to a person where a session does not end", function()
      local plan, summary = apply_with "logout=lies; at create#5 before_commit reset"
      assert.same({ done = 39, needs_human = 1 }, summary.states)
      assert.equal(39, crm.commits "create")
      local n = 0
      for change in plan.store:each { states = { "needs_human" } } do
        n = n + 1
        assert.equal("NO_FENCE", change.code)
      end
      assert.equal(1, n)
      plan:close()
    end)

    it("takes the session lock as a barrier, where it was seen and that was asked for", function()
      local function apply(lock)
        crm = changes_crm.start {
          faults = "logout=lies; at create#5 before_commit reset", session_lock = lock }
        local plan <close> = crm.plan()
        plan.client:server():learn("session_lock", lock) -- see lock_spec
        accounts(plan, 12)
        return plan:apply({ resend = "barrier", settle = 0.05 }).states
      end
      assert.same({ done = 11, needs_human = 1 }, apply(false))
      crm.close()
      assert.same({ done = 12 }, apply(true))
    end)

    it("leaves it to a person without a tag and a key", function()
      crm = changes_crm.start { faults = "at create#2 after_commit reset" }
      local plan <close> = crm.plan("set.icrm", { witness = {} })
      accounts(plan, 5)
      local summary = plan:apply { settle = 0.05 }
      assert.same({ done = 4, needs_human = 1 }, summary.states)
      assert.equal(5, crm.commits "create")
    end)

    it("finds a half-written record, and does not call it done", function()
      crm = changes_crm.start { faults = "at create#2 partial" }
      local plan <close> = crm.plan("set.icrm",
        { witness = { Accounts = { key = { "accountname" } } } })
      for i = 1, 4 do
        plan:create("Accounts", { accountname = "Société " .. i, cf_icrm_token = "a value" })
      end
      assert.same({ done = 3, needs_human = 1 }, plan:apply({ settle = 0.05 }).states)
      for change in plan.store:each { states = { "needs_human" } } do
        assert.equal("PARTIAL", change.code)
        assert.truthy(change.message:find('cf_icrm_token: sent "a value", stored ""', 1, true))
      end
    end)

    it("does an update once, and sees that it was done", function()
      crm = changes_crm.start { faults = "p=0.5 revise after_commit reset; seed=3" }
      local plan <close> = crm.plan()
      for i = 1, 12 do
        local ticket = crm.client:create("HelpDesk",
          { ticket_title = "T" .. i, ticketstatus = "Open" })
        plan:update(ticket, { ticketstatus = "Closed" })
      end
      assert.same({ done = 12 }, plan:apply({ settle = 0.05 }).states)
      assert.equal(12, crm.count("HelpDesk", "ticketstatus = 'Closed' AND ticket_title LIKE 'T%'"))
      assert.equal(12, crm.commits "revise")
    end)

    it("takes up what a dead process left", function()
      crm = changes_crm.start {}
      local plan = crm.plan()
      accounts(plan, 6)
      plan:seal()
      -- As a kill leaves it: two were being sent, one of them arrived.
      local sent = json.decode(plan.store:get(2).fields)
      crm.client:create("Accounts", sent)
      for n = 2, 3 do
        plan.store:mark(n, { state = "sending", attempts = 1 })
      end
      plan:close()
      local again <close> = changes.open(crm.client, plan.path)
      assert.same({ done = 6 }, again:apply({ settle = 0.05 }).states)
      assert.equal(6, crm.commits "create")
    end)
  end)
end)
