local changes_crm = require "spec.changes.crm"
local undone = require "icrm.changes.plan.undone"

describe("what was undone of a change set", function()
  local crm, plan

  before_each(function()
    crm = changes_crm.start {}
    plan = crm.plan "set.icrm"
    for i = 1, 3 do
      plan:create("Accounts", { accountname = "Société " .. i }, { key = "row " .. i })
    end
    plan:apply { settle = 0.02 }
  end)

  after_each(function()
    plan:close()
    crm.close()
  end)

  local function is_undone(key)
    local undo <close> = undone.of(plan)
    return undo:has_undone(plan.store:by_key(key))
  end

  it("is nothing before an undo, and nothing while it is only planned", function()
    assert.is_false(is_undone "row 1")
    local undo <close> = plan:undo(crm.dir .. "/undo.icrm")
    assert.is_false(is_undone "row 1")
    assert.equal(3, undo.store:states().planned)
  end)

  it("is each change whose way back was done, by any of its undos", function()
    local first <close> = plan:undo(crm.dir .. "/first.icrm")
    first.store:mark(1, { state = "failed" })
    local kept = first.store:get(1).key
    first:apply { settle = 0.02, allow_delete = 2 }
    assert.is_false(is_undone(kept))
    local second <close> = plan:undo(crm.dir .. "/second.icrm")
    second:apply { settle = 0.02, allow_delete = 1 }
    for i = 1, 3 do
      assert.is_true(is_undone("row " .. i))
    end
  end)

  it("is not known where the undo is gone", function()
    local undo <close> = plan:undo(crm.dir .. "/undo.icrm")
    undo:apply { settle = 0.02, allow_delete = 3 }
    undo:close()
    assert(os.remove(crm.dir .. "/undo.icrm"))
    assert.is_false(is_undone "row 1")
  end)
end)
