-- Creates that died in the middle: what they left is found, and shown to a person.
local changes_crm = require "spec.changes.crm"

describe("half a record", function()
  local crm

  after_each(function()
    crm.close()
  end)

  local function apply(faults, witness)
    crm = changes_crm.start { faults = faults, lanes = 1 }
    local plan = crm.plan("set.icrm", witness and { witness = witness })
    for i = 1, 5 do
      plan:create("Accounts", { accountname = "Société " .. i, phone = "0" .. i },
        { key = "row " .. i })
    end
    return plan, plan:apply({ settle = 0.05 }).states
  end

  local function left(plan)
    return assert(plan.store:each { states = { "needs_human" } }())
  end

  it("without the field of the tag is found by its other fields", function()
    local plan <close>, states = apply "at create#3 partial"
    assert.same({ done = 4, needs_human = 1 }, states)
    assert.equal("PARTIAL", left(plan).code)
    assert.equal(5, crm.count("Accounts", "accountname LIKE 'Soci%'"))
  end)

  it("that no query shows is found in the gap of its id", function()
    local plan <close>, states = apply "at create#3 ghost"
    assert.same({ done = 4, needs_human = 1 }, states)
    assert.equal("PARTIAL", left(plan).code)
    assert.truthy(left(plan).message:find "3x%d+ is there, but ")
  end)

  it("that is the last of all is found behind the last id", function()
    local plan <close>, states = apply "at create#5 ghost"
    assert.same({ done = 4, needs_human = 1 }, states)
    assert.equal("PARTIAL", left(plan).code)
  end)

  it("is looked for where a key is the witness", function()
    local plan <close>, states = apply("at create#3 ghost",
      { Accounts = { key = { "accountname" } } })
    assert.same({ done = 4, needs_human = 1 }, states)
    assert.equal("PARTIAL", left(plan).code)
  end)

  it("is not seen in a record of somebody else", function()
    crm = changes_crm.start { faults = "at create#4 before_commit reset", lanes = 1 }
    local plan <close> = crm.plan()
    for i = 1, 5 do
      plan:create("Accounts", { accountname = "Société " .. i }, { key = "row " .. i })
    end
    plan:seal()
    crm.client:create("Accounts", { accountname = "Autre" })
    assert.same({ done = 5 }, plan:apply({ settle = 0.05 }).states)
    assert.equal(5, crm.count("Accounts", "accountname LIKE 'Soci%'"))
  end)
end)
