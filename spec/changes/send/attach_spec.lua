local changes = require "icrm.changes"
local changes_crm = require "spec.changes.crm"
local helper = require "spec.helper"

for _, profile in ipairs { "initiative", "vtiger8", "corebos" } do
  describe("attachments of a change set, profile " .. profile, function()
    local crm

    local function start(faults)
      crm = changes_crm.start { profile = profile, faults = faults }
      return crm.client:create("Accounts", { accountname = "A" })
    end

    after_each(function()
      crm.close()
    end)

    local function documents_of(record)
      return crm.client:related(record.id, "Documents")
    end

    it("are documents with their file and their relation, also to a new record", function()
      local account = start()
      local plan <close> = crm.plan()
      plan:attach(account, helper.tmpfile("premier", "a.txt"))
      plan:create("Accounts", { accountname = "N" }, { key = "n" })
      plan:attach(changes.ref "n", helper.tmpfile("second é", "b.txt"), { title = "Constat" })
      assert.truthy(plan:show():find("b.txt (9 bytes) → record of n", 1, true))
      assert.same({ done = 3 }, plan:apply().states)
      assert.equal(1, #documents_of(account))
      local rows = documents_of { id = plan.store:by_key("n").record }
      assert.equal("9", rows[1].filesize)
      local way_back <close> = plan:undo(crm.dir .. "/undo.icrm")
      assert.same({ done = 3 }, way_back:apply({ allow_delete = 3 }).states)
      assert.equal(0, #documents_of(account))
    end)

    it("are there once when answers are lost", function()
      local account = start("at create#2..5 after_commit reset; "
        .. "at create#7..8 before_commit reset")
      local plan <close> = crm.plan()
      for i = 1, 8 do
        plan:attach(account, helper.tmpfile("fichier " .. i, i .. ".txt"))
      end
      assert.same({ done = 8 }, plan:apply({ settle = 0.05 }).states)
      assert.equal(8, #documents_of(account))
    end)

    it("are not sent when the file changed since the plan", function()
      local account = start()
      local path = helper.tmpfile("avant", "a.txt")
      local other = helper.tmpfile("avant", "b.txt")
      local plan <close> = crm.plan()
      plan:attach(account, path)
      plan:attach(account, other)
      helper.write_file(path, "après")
      helper.write_file(other, "avent") -- as long as before
      assert.same({ failed = 2 }, plan:apply().states)
      assert.equal("FILE_CHANGED", plan.store:get(2).code)
      assert.equal("FILE_CHANGED", plan.store:get(1).code)
      assert.equal(0, #documents_of(account))
    end)

    it("are not sent when the file changes between plan, journal and wire", function()
      local account = start()
      local path = helper.tmpfile("avant", "a.txt")
      local plan <close> = crm.plan()
      plan:attach(account, path)
      local summary = plan:apply { on_point = function(name)
        if name == "send" then
          helper.write_file(path, "après coup")
        end
      end }
      assert.same({ failed = 1 }, summary.states)
      local change = plan.store:get(1)
      assert.equal("FILE_CHANGED", change.code)
      assert.truthy(change.message:find(path, 1, true))
      assert.equal(0, #documents_of(account))
    end)

    it("are done on a record with more documents than the server lists", function()
      local account = start()
      for i = 1, 100 do
        crm.client:attach(account.id, { name = i .. ".txt", data = "n" .. i })
      end
      local plan <close> = crm.plan()
      plan:attach(account, helper.tmpfile("le dernier", "a.txt"))
      assert.same({ done = 1 }, plan:apply({ settle = 0.02 }).states)
    end)

    it("without their relation are partial, and not sent again", function()
      if profile ~= "vtiger8" then
        return -- one call makes both there
      end
      local account = start "p=1 add_related error=ACCESS_DENIED"
      local plan <close> = crm.plan()
      plan:attach(account, helper.tmpfile("seul", "a.txt"))
      assert.same({ needs_human = 1 }, plan:apply({ settle = 0.05 }).states)
      assert.equal("PARTIAL", plan.store:get(1).code)
      assert.same({ needs_human = 1 }, plan:apply({ settle = 0.05 }).states)
      assert.equal(2, crm.commits "create") -- the account and one document
    end)
  end)
end

describe("attachments of a change set", function()
  it("are no plan where the server has no operation to relate them", function()
    local crm = changes_crm.start { profile = "vtiger8", traits = "corebos-relations" }
    local account = crm.client:create("Accounts", { accountname = "A" })
    local plan <close> = crm.plan()
    local err = helper.raised(plan.attach, plan, account, helper.tmpfile("premier", "a.txt"))
    crm.close()
    assert.matches("no operation retrieve_related.*nothing was sent", err.message)
  end)
end)
