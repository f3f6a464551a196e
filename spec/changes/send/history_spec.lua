local changes = require "icrm.changes"
local changes_crm = require "spec.changes.crm"
local helper = require "spec.helper"

describe("a change set that was applied further than it knows", function()
  local crm

  before_each(function()
    crm = changes_crm.start {}
  end)

  after_each(function()
    crm.close()
  end)

  local function accounts(plan, n)
    for i = 1, n do
      plan:create("Accounts", { accountname = "Société " .. i }, { key = "row " .. i })
    end
    plan:seal()
  end

  local function copy(from, to)
    assert(os.execute(("cp -p %s %s"):format(helper.quote(from), helper.quote(to))))
  end

  -- A backup of the plan, or of a set that was half applied, is put back.
  local function restored(plan, stop_at)
    local path, backup = plan.path, plan.path .. ".backup"
    if stop_at then
      plan:apply { max_errors = 1, on_change = function() end, on_turn = function(run)
        if run.engine.finished >= stop_at then
          run.engine:stop "enough"
        end
      end }
    end
    plan:close()
    copy(path, backup)
    do
      local set <close> = changes.open(crm.client, path)
      set:apply()
    end
    os.remove(path)
    copy(backup, path)
    return changes.open(crm.client, path)
  end

  for name, stop_at in pairs { ["was not applied yet"] = false, ["was half applied"] = 20 } do
    it("finds what was made since its copy " .. name .. ", and sends nothing twice", function()
      local plan = crm.plan()
      accounts(plan, 120)
      local set <close> = restored(plan, stop_at)
      local before = set.store:states().done or 0
      local summary = set:apply()
      assert.same({ done = 120 }, summary.states)
      assert.equal(120 - before, summary.found_before)
      assert.equal(120, crm.commits "create")
    end)
  end

  it("leaves what has no tag and no key to a person", function()
    local plan = crm.plan("set.icrm", { witness = {} })
    accounts(plan, 5)
    local set <close> = restored(plan)
    assert.same({ needs_human = 5 }, set:apply().states)
    assert.equal("NO_WITNESS", set.store:get(1).code)
    assert.equal(5, crm.commits "create")
  end)

  it("sees that an update was made", function()
    local ticket = crm.client:create("HelpDesk", { ticket_title = "T", ticketstatus = "Open" })
    local plan = crm.plan()
    plan:update(ticket, { ticketstatus = "Closed" })
    accounts(plan, 2)
    crm.server:advance(2)
    local set <close> = restored(plan)
    assert.same({ done = 3 }, set:apply().states)
    assert.equal(1, crm.commits "revise")
  end)

  it("finds the rows of another plan of the same input, on any machine", function()
    local first <close> = crm.plan "1.icrm"
    accounts(first, 60)
    first:apply()
    local second <close> = crm.plan "2.icrm"
    accounts(second, 80)
    local summary = second:apply()
    assert.equal(60, summary.found_before)
    assert.same({ done = 80 }, summary.states)
    assert.equal(80, crm.commits "create")
  end)

  it("asks once when there is nothing to find", function()
    local plan <close> = crm.plan()
    accounts(plan, 120)
    plan:apply()
    local queries = 0
    for _, event in ipairs(crm.server:log()) do
      queries = queries + (event.operation == "query" and 1 or 0)
    end
    assert.equal(2, queries) -- a page, and how much stands behind it
  end)

  describe("by a user who does not see all,", function()
    local USER = "19x5"

    -- Every second lead goes to the administrator, whose records are hidden.
    local function leads(witness)
      crm.close()
      crm = changes_crm.start { profile = "vtiger8", user = "jdupont", lanes = 1,
        traits = "private-owners", fields = { "Leads.cf_icrm_token:string" } }
      assert.equal(USER, crm.client.user)
      local plan = crm.plan("set.icrm", { witness = { Leads = witness or changes_crm.TAG } })
      for i = 1, 8 do
        plan:create("Leads", { lastname = "Lead " .. i,
          assigned_user_id = i % 2 == 1 and "19x1" or USER }, { key = "r" .. i, check = false })
      end
      plan:seal()
      return plan
    end

    it("takes nothing for not sent whose owner is out of sight", function()
      local set <close> = restored(leads())
      local summary = set:apply()
      assert.same({ done = 4, needs_human = 4 }, summary.states)
      assert.equal(8, crm.commits "create")
      for change in set.store:each { states = { "needs_human" } } do
        assert.equal("NO_SIGHT", change.code)
        assert.truthy(change.message:find("19x1", 1, true))
      end
      -- Looked for once more, it is no more certain.
      assert.same({ done = 4, needs_human = 4 }, set:apply({ settle = 0 }).states)
      assert.equal(8, crm.commits "create")
    end)

    it("sends what is missing where a record of the owner shows", function()
      local plan = leads()
      plan.store:mark(8, { state = "skipped" })
      local set <close> = restored(plan)
      set.store:mark(8, { state = "planned" })
      assert.same({ done = 4, needs_human = 4 }, set:apply().states)
      assert.equal("done", set.store:get(8).state)
      assert.equal(8, crm.commits "create")
    end)
  end)
end)
