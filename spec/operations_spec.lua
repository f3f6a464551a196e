local errors = require "icrm.error"
local operations = require "icrm.operations"

local function raised(...)
  local ok, err = pcall(operations.check_parts, ...)
  assert.is_false(ok)
  return err
end

describe("an operation that does several things", function()
  it("is known by its name, however it is written", function()
    assert.is_true(operations.is_in_parts "convertlead")
    assert.is_true(operations.is_in_parts "MassCreate")
    assert.is_false(operations.is_in_parts "create")
  end)

  it("is of unknown outcome when it is refused, with the server's words", function()
    local err = raised("convertlead", nil, errors.new { kind = "refused",
      code = "MANDATORY_FIELDS_MISSING", message = "closingdate does not have a value" })
    assert.same({ "unknown_outcome", "MANDATORY_FIELDS_MISSING" }, { err.kind, err.code })
    assert.truthy(err.message:find("may have stayed", 1, true))
    assert.truthy(err.message:find("closingdate does not have a value", 1, true))
  end)

  it("did nothing where the result is null", function()
    assert.equal("NOTHING_DONE", raised("convertlead", nil).code)
  end)

  it("says which parts failed although it says success", function()
    local result = { success_updates = { {} }, failed_updates = { { code = "X" }, {} } }
    local err = raised("MassUpdate", result)
    assert.same({ "PARTLY_DONE", result }, { err.code, err.result })
    assert.truthy(err.message:find("2 records", 1, true))
  end)

  it("gives its result back when all was done, and other errors as they are", function()
    local result = { success_deletes = { {} }, failed_deletes = {} }
    assert.equal(result, operations.check_parts("MassDelete", result))
    assert.equal("x", operations.check_parts("convertlead", "x"))
    local unsent = errors.new { kind = "transport", message = "no route" }
    assert.equal(unsent, raised("convertlead", nil, unsent))
  end)
end)
