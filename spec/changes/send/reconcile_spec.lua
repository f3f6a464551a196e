local changes = require "icrm.changes"
local changes_crm = require "spec.changes.crm"
local classify = require "icrm.changes.send.classify"

describe("a write whose answer is lost", function()
  local crm

  after_each(function()
    crm.close()
  end)

  local KEY = { Accounts = { key = { "accountname" } } }

  local function start(faults, more)
    more = more or {}
    more.faults, more.lanes = faults, more.lanes or 1
    crm = changes_crm.start(more)
  end

  local function accounts(plan, from, to)
    for i = from, to do
      plan:create("Accounts", { accountname = "Société " .. i }, { key = "row " .. i })
    end
  end

  -- The one change that waits for a person, or failed.
  local function left(plan, state)
    local only
    for change in plan.store:each { states = { state or "needs_human" } } do
      assert.is_nil(only)
      only = change
    end
    return assert(only)
  end

  it("is a duplicate when two records have its tag; none is picked", function()
    start "at create#4 after_commit reset"
    local plan <close> = crm.plan()
    accounts(plan, 1, 2)
    plan:seal()
    -- A proxy that sends a request twice makes such a pair.
    local fields = require("icrm.json").decode(plan.store:get(2).fields)
    plan.store:mark(2, { attempts = 0, state = "skipped" })
    plan:apply()
    crm.client:create("Accounts", fields)
    fields.phone = "1"
    crm.client:create("Accounts", fields)
    plan.store:mark(2, { state = "sending", attempts = 1 })
    assert.same({ done = 1, needs_human = 1 }, plan:apply({ settle = 0.02 }).states)
    local change = left(plan)
    assert.equal("DUPLICATE", change.code)
    assert.truthy(change.message:find "created more than once: 3x%d+, 3x%d+")
    assert.is_nil(change.record)
  end)

  it("is a candidate when a record has its key and other values", function()
    start "at create#2 before_commit reset; at create#3 after_commit reset"
    local plan <close> = crm.plan("set.icrm", { witness = KEY })
    accounts(plan, 1, 1)
    plan:create("Accounts", { accountname = "Doublon", bill_city = "Lyon" }, { key = "d" })
    plan:seal()
    plan.store:mark(2, { state = "sending", attempts = 1 })
    crm.client:create("Accounts", { accountname = "Doublon", bill_city = "Nice" })
    assert.same({ done = 1, needs_human = 1 }, plan:apply({ settle = 0.02 }).states)
    local change = left(plan)
    assert.equal("CANDIDATE", change.code)
    assert.truthy(change.message:find('bill_city: sent "Lyon", stored "Nice"', 1, true))
  end)

  it("is found among more records than the server gives at once", function()
    start("at create#124 after_commit reset", { lanes = 1 })
    for i = 1, 121 do
      crm.client:create("Accounts", { accountname = "Avant " .. i, bill_city = "LYON" })
    end
    local plan <close> = crm.plan("set.icrm",
      { witness = { Accounts = { key = { "bill_city", "accountname" } } } })
    for i = 1, 3 do
      plan:create("Accounts", { accountname = "Société " .. i, bill_city = "Lyon" })
    end
    assert.same({ done = 3 }, plan:apply({ settle = 0.02 }).states)
    assert.equal(124, crm.commits "create")
  end)

  it("is not absent because a query finds nothing: another record must show", function()
    start "at create#1 before_commit reset"
    local plan <close> = crm.plan()
    accounts(plan, 1, 1)
    assert.same({ needs_human = 1 }, plan:apply({ settle = 0.02 }).states)
    assert.equal("NO_CONTROL", left(plan).code)
    assert.equal(0, crm.commits "create")
    -- With a record that shows, it is looked for again, and then sent.
    crm.client:create("Accounts", { accountname = "autre", cf_icrm_token = "ICOTHER" })
    assert.same({ done = 1 }, plan:apply({ settle = 0.02 }).states)
    assert.equal(1, crm.count("Accounts", "cf_icrm_token = ?", plan.store:get(1).tag))
  end)

  it("is sent once more when others of the set show that the query works", function()
    start("at create#1 before_commit reset", { lanes = 2 })
    local plan <close> = crm.plan()
    accounts(plan, 1, 6)
    assert.same({ done = 6 }, plan:apply({ settle = 0.02 }).states)
    assert.equal(6, crm.commits "create")
  end)

  it("is given up when it is proven not done again and again", function()
    start "at create#2..99 before_commit reset"
    local plan <close> = crm.plan()
    accounts(plan, 1, 2)
    assert.same({ done = 1, failed = 1 }, plan:apply({ settle = 0 }).states)
    local change = left(plan, "failed")
    assert.equal("NO_ANSWER", change.code)
    assert.equal(10, change.attempts)
    assert.equal(10, #plan.store:attempts(2))
    assert.equal(1, crm.commits "create")
  end)

  it("is waited for where a query sees new records late", function()
    start("lag=300; at create#2 after_commit reset")
    local plan <close> = crm.plan()
    accounts(plan, 1, 2)
    assert.same({ done = 2 }, plan:apply({ settle = 0.6 }).states)
    assert.equal(2, crm.commits "create")
  end)

  describe("but was a whole reply of the API", function()
    local function requests()
      local n = 0
      for _, event in ipairs(crm.server:log()) do
        n = n + (event.operation == "create" and 1 or 0)
      end
      return n
    end

    for name, witness in pairs { tag = { Accounts = changes_crm.TAG }, key = KEY,
      nothing = {} } do
      it("fails in the server's words, sent once, with a witness of " .. name, function()
        start("", { profile = "vtiger8", traits = "duplicate-words" })
        local plan <close> = crm.plan("set.icrm", { witness = witness })
        accounts(plan, 1, 4)
        plan:seal()
        for i = 1, 3 do -- meanwhile
          crm.client:create("Accounts", { accountname = "Société " .. i })
        end
        local before, states = requests(), plan:apply({ settle = 30 }).states
        if name == "key" then -- they are candidates for their own row, not made by it
          assert.same({ done = 4 }, states)
          assert.equal(before + 1, requests())
        else
          assert.same({ done = 1, failed = 3 }, states)
          assert.equal(before + 4, requests())
          local change = plan.store:get(1)
          assert.same({ "0", "Duplicate(s) detected!" }, { change.code, change.message })
        end
      end)
    end

    it("is looked for all the same: it may have been made", function()
      start("at create#2 after_commit error=INTERNAL_SERVER_ERROR")
      local plan <close> = crm.plan()
      accounts(plan, 1, 3)
      assert.same({ done = 3 }, plan:apply({ settle = 30 }).states)
      assert.equal(3, crm.commits "create")
    end)

    it("is known to have ended after a crash as well", function()
      start "at create#2 error=INTERNAL_SERVER_ERROR"
      local plan <close> = crm.plan()
      accounts(plan, 1, 3)
      assert.falsy(pcall(plan.apply, plan, { on_point = function(name)
        assert(name ~= "committed" or plan.store:get(2).state ~= "unknown", "the end")
      end }))
      assert.same({ done = 2, failed = 1 }, plan:apply({ settle = 30 }).states)
      assert.equal(1, plan.store:get(2).attempts)
    end)
  end)

  it("ends the run where the server answers with what was not asked for", function()
    start("at create#253 after_commit reset", { traits = "in-ignored" })
    for i = 1, 250 do
      crm.client:create("Accounts", { accountname = "Avant " .. i, cf_icrm_token = "ICX" .. i })
    end
    local plan <close> = crm.plan()
    accounts(plan, 1, 3)
    local summary = plan:apply { settle = 0.02 }
    assert.truthy((summary.states.done or 0) + summary.remaining == 3, summary.stopped)
    assert.equal(250 + (summary.states.done or 0) + (summary.states.unknown or 0),
      crm.commits "create")
  end)

  it("holds up its children, which go on when it is found", function()
    start "at create#1 after_commit reset; at create#3 before_commit reset"
    local plan <close> = crm.plan()
    plan:create("Accounts", { accountname = "A" }, { key = "a" })
    plan:create("HelpDesk", { ticket_title = "T", ticketstatus = "Open",
      parent_id = changes.ref "a" }, { key = "t" })
    plan:create("HelpDesk", { ticket_title = "U", ticketstatus = "Open",
      parent_id = changes.ref "a" }, { key = "u" })
    assert.same({ done = 3 }, plan:apply({ settle = 0.02 }).states)
    local a = plan.store:by_key("a").record
    assert.equal(2, crm.count("HelpDesk", "parent_id = ?", a))
  end)

  it("is looked for before it is sent again, whoever planned it again", function()
    start ""
    local plan <close> = crm.plan()
    accounts(plan, 1, 60)
    plan:apply()
    plan.store:mark(60, { state = "planned" }) -- a person was wrong
    for n = 2, 59 do
      plan.store:mark(n, { state = "skipped" })
    end
    plan:apply()
    assert.equal(60, crm.commits "create")
    assert.equal("done", plan.store:get(60).state)
  end)

  describe("of an update", function()
    local ticket

    local function plan_update(faults)
      start(faults)
      ticket = crm.client:create("HelpDesk", { ticket_title = "T", ticketstatus = "Open" })
      local plan = crm.plan()
      plan:update(ticket, { ticketstatus = "Closed" })
      plan:seal()
      crm.server:advance(2)
      return plan
    end

    it("is sent again when the record is as it was", function()
      local plan <close> = plan_update "at revise#2 before_commit reset"
      assert.same({ done = 1 }, plan:apply({ settle = 0.02 }).states)
      assert.equal(1, crm.commits "revise")
      assert.equal(2, plan.store:get(1).attempts)
    end)

    it("is left to a person when the record was changed by someone else", function()
      local plan <close> = plan_update ""
      plan.store:mark(1, { state = "sending", attempts = 1 })
      crm.client:update("HelpDesk", { id = ticket.id, ticketstatus = "In Progress" })
      assert.same({ needs_human = 1 }, plan:apply({ settle = 0.02 }).states)
      assert.equal("MOVED", plan.store:get(1).code)
      assert.equal("In Progress", crm.client:retrieve(ticket.id).ticketstatus)
    end)

    it("is left to a person when the record is gone", function()
      local plan <close> = plan_update ""
      plan.store:mark(1, { state = "sending", attempts = 1 })
      crm.client:delete(ticket.id)
      assert.same({ needs_human = 1 }, plan:apply({ settle = 0.02 }).states)
      assert.equal("GONE", plan.store:get(1).code)
    end)

    it("that changed other fields as well is a conflict", function()
      -- As a server whose update blanks what is absent, or a workflow, would.
      local plan <close> = plan_update ""
      local call = crm.client.core.submit
      local core = setmetatable({}, { __index = function(_, name)
        local method = crm.client.core[name]
        return function(_, ...) return method(crm.client.core, ...) end
      end })
      function core.submit(_, options)
        if options.operation == "revise" then
          local element = require("icrm.json").decode(options.params.element)
          element.solution = "by a workflow"
          options.params.element = require("icrm.json").encode_element(element)
        end
        return call(crm.client.core, options)
      end
      local real = crm.client
      plan.client = setmetatable({ core = core }, { __index = real })
      local summary = plan:apply { settle = 0.02 }
      assert.same({ needs_human = 1 }, summary.states)
      local change = plan.store:get(1)
      assert.equal("CONFLICT", change.code)
      assert.truthy(change.message:find('solution: was "", is "by a workflow"', 1, true))
    end)
  end)

  describe("of a deletion", function()
    it("is a refusal where the server knows no deletions", function()
      start "p=1 delete before_commit status=500"
      local ticket = crm.client:create("HelpDesk", { ticket_title = "Z", ticketstatus = "Open" })
      local plan <close> = crm.plan()
      plan:delete(ticket)
      assert.same({ failed = 1 }, plan:apply({ settle = 30, allow_delete = 1 }).states)
      assert.equal("UNKNOWN_OPERATION", left(plan, "failed").code)
      assert.equal(1, plan.store:get(1).attempts)
    end)

    for moment, commits in pairs { after_commit = 1, before_commit = 1 } do
      it("is made once, " .. moment, function()
        start(("at delete#1 %s reset"):format(moment))
        local gone = crm.client:create("HelpDesk", { ticket_title = "Z", ticketstatus = "Open" })
        local plan <close> = crm.plan()
        plan:delete(gone)
        assert.same({ done = 1 }, plan:apply({ settle = 0.02, allow_delete = 1 }).states)
        assert.equal(commits, crm.commits "delete")
        assert.falsy(pcall(crm.client.retrieve, crm.client, gone.id))
      end)
    end
  end)

  describe("and whose key the server does not keep as it was sent", function()
    local BY_SIRET = { Accounts = { key = { "siret" } } } -- 14 characters are kept

    local function plan_of(sirets)
      local plan = crm.plan("set.icrm", { witness = BY_SIRET })
      for i, siret in ipairs(sirets) do
        plan:create("Accounts", { accountname = "Client " .. i, bill_city = "Lille",
          siret = siret }, { key = "row " .. i })
      end
      return plan
    end

    it("makes one record, and the cut is said before the second", function()
      start()
      local plan <close> = plan_of { "999 007 919 00015", "999 023 757 00019" }
      local summary = plan:apply { settle = 0.02 }
      assert.same({ done = 1, planned = 1 }, summary.states)
      assert.truthy(summary.stopped:find("Accounts.siret was sent as", 1, true))
      assert.equal(1, crm.commits "create")
      summary = plan:apply { settle = 0.02, accept = { "siret:cut" } }
      assert.same({ done = 2 }, summary.states)
      assert.equal(2, crm.commits "create")
    end)

    it("makes one record where the answer is lost besides", function()
      start "at create#2 after_commit reset"
      local plan <close> = plan_of { "99900791900015", "999 023 757 00019" }
      assert.same({ done = 1, needs_human = 1 }, plan:apply({ settle = 0.02 }).states)
      local change = left(plan)
      assert.equal("PARTIAL", change.code)
      assert.truthy(change.message:find("siret", 1, true))
      assert.equal(2, crm.commits "create")
    end)

    it("is left to a person where nothing of the key is left, and sent once", function()
      start()
      local plan <close> = plan_of { "99900791900015", "99902375700019" }
      -- A workflow that gives each new record a code of its own.
      local own = classify.record
      finally(function()
        classify.record = own
      end)
      function classify.record(record, ...)
        if record and record.siret then
          record.siret = "C-4711"
          crm.client:update("Accounts", record)
        end
        return own(record, ...)
      end
      local summary = plan:apply { settle = 0.02 }
      assert.truthy(summary.stopped:find("what was sent does not show", 1, true))
      assert.same({ needs_human = 2 }, plan:apply({ settle = 0.02 }).states)
      for change in plan.store:each() do
        assert.equal("NOT_SHOWN", change.code)
        assert.equal(1, change.attempts)
      end
      assert.equal(2, crm.commits "create")
    end)
  end)
end)
