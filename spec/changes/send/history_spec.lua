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
end)
