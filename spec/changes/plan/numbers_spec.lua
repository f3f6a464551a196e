local changes_crm = require "spec.changes.crm"
local numbers = require "icrm.changes.plan.numbers"

describe("numbers that the CRM counts up", function()
  local crm, plan

  local function start(options)
    options.profile, options.fields = "vtiger8", { "HelpDesk.cf_icrm_token:string" }
    crm = changes_crm.start(options)
    plan = crm.plan "set.icrm"
    for i = 1, 24 do
      plan:create("HelpDesk", { ticket_title = "Ticket " .. i, ticketstatus = "Open",
        ticketpriorities = "Low" })
    end
  end

  after_each(function()
    plan:close()
    crm.close()
  end)

  local function apply(options)
    options.settle = 0.02
    local summary = plan:apply(options)
    assert.same({ done = 24 }, summary.states)
    return numbers.repeated(plan)
  end

  it("repeat where records are created at once, and that is counted", function()
    start { traits = "repeated-numbers=100", lanes = 8 }
    local repeated = apply {}
    assert.truthy(#repeated > 0)
    assert.equal("ticket_no", repeated[1].field)
    assert.truthy(#repeated[1].records > 1)
  end)

  it("do not where they must be unique: one is created at a time", function()
    start { traits = "repeated-numbers=20", lanes = 8 }
    assert.same({}, apply { numbers = "unique" })
  end)

  it("are chosen once: who goes on need not say it again", function()
    start { traits = "repeated-numbers=20", lanes = 8 }
    plan:number "unique"
    assert.same({}, apply {})
  end)

  it("stay unique when the answer to a create is lost", function()
    start { traits = "repeated-numbers=20", lanes = 8, faults = "at create#5 after_commit close" }
    assert.same({}, apply { numbers = "unique" })
  end)
end)

describe("modules whose numbers are a legal matter", function()
  it("are those with a total, unless anything goes", function()
    local crm = changes_crm.start {}
    local plan <close> = crm.plan "set.icrm"
    assert.is_true(numbers.is_serial(plan, "SalesOrder"))
    assert.is_true(numbers.is_serial(plan, "Quotes"))
    assert.is_false(numbers.is_serial(plan, "HelpDesk"))
    plan:number "any"
    assert.is_false(numbers.is_serial(plan, "SalesOrder"))
    plan:number "unique"
    assert.is_true(numbers.is_serial(plan, "HelpDesk"))
    assert.is_false(numbers.is_serial(plan, "ModComments"))
    crm.close()
  end)
end)

-- The gate is asked outside of any job, where a call would wait for lanes that hold
-- writes which only the asker lets go.
describe("the gate", function()
  it("asks the CRM nothing once it is made", function()
    local crm = changes_crm.start {}
    local plan <close> = crm.plan "set.icrm"
    plan:create("Accounts", { accountname = "Un" }, { key = "a" })
    local gate = numbers.gate(plan, function() return true end)
    plan.schema = function() error "the CRM is asked" end
    assert.is_true(gate:admits { operation = "create", module = "Accounts", n = 1 })
    plan.schema = nil
    crm.close()
  end)
end)
