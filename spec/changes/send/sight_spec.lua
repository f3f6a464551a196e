-- Users who do not see all: a record that they may not read is not absent.
local changes_crm = require "spec.changes.crm"

describe("a create whose answer is lost, of a user who does not see all,", function()
  local crm

  after_each(function()
    crm.close()
  end)

  local function start(traits, faults)
    crm = changes_crm.start { profile = "vtiger8", user = "jdupont", lanes = 1, traits = traits,
      fields = { "Leads.cf_icrm_token:string" }, faults = faults }
    return crm.plan("set.icrm", { witness = { Leads = changes_crm.TAG } })
  end

  local function leads(plan, owners)
    for i, owner in ipairs(owners) do
      plan:create("Leads", { lastname = "Lead " .. i, assigned_user_id = owner },
        { key = "r" .. i, check = false })
    end
  end

  local function stored()
    local count = 0
    for _, event in ipairs(crm.server:log()) do
      if event.operation == "create" and event.committed then
        count = count + 1
      end
    end
    return count
  end

  it("is sent again where a record of the same owner shows", function()
    local plan <close> = start("private-owners", "at create#3 before_commit close")
    local me = crm.client.user
    leads(plan, { me, me, me, me })
    assert.same({ done = 4 }, plan:apply({ settle = 0.05 }).states)
    assert.equal(4, stored())
  end)

  for moment, made in pairs { after_commit = 8, before_commit = 6 } do
    it("is left to a person where it went to an owner out of sight, " .. moment, function()
      local plan <close> = start("private-owners,rows-hidden-after-limit",
        ("at create#3 %s close; at create#5 %s close"):format(moment, moment))
      local me, owners = crm.client.user, {}
      for i = 1, 8 do
        owners[i] = i % 2 == 1 and "19x1" or me
      end
      leads(plan, owners)
      local summary = plan:apply { settle = 0.05 }
      assert.same({ done = 6, needs_human = 2 }, summary.states, summary.stopped)
      for change in plan.store:each { states = { "needs_human" } } do
        assert.equal("NO_SIGHT", change.code)
        assert.truthy(change.message:find("19x1", 1, true))
      end
      assert.equal(made, stored())
    end)
  end

  it("is left to a person where a workflow hands it on behind the answer", function()
    local plan <close> = start("private-owners,owner-workflow-late",
      "at create#3 after_commit close")
    local me = crm.client.user
    leads(plan, { me, me, me, me })
    local summary = plan:apply { settle = 0.05 }
    assert.equal(1, summary.states.needs_human, summary.stopped)
    assert.equal(4, stored())
  end)
end)
