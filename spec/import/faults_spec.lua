local faults_module = require "icrm.import.faults"

describe("import.faults", function()
  local function describe_fault(one, places)
    return ("%s%s: %s %s%s"):format(places and places ~= "" and places .. ", "
      or places == "" and "" or "row " .. one.row .. ", ", one.column, one.value, one.message,
      one.cure and "; " .. one.cure or "")
  end

  local function list(opts)
    return faults_module.new(describe_fault, opts)
  end

  local function wrong(row, value, more)
    local one = { line = row, row = row, column = "Civilité", field = "salutationtype",
      value = value, message = "is none", cure = "allowed: M., Mme", allowed = "allowed: M., Mme" }
    for name, word in pairs(more or {}) do
      one[name] = word
    end
    return one
  end

  it("tells each value once, with its rows; what is allowed once", function()
    local faults = list()
    faults:add(wrong(2, "Docteur"))
    for row = 3, 22 do
      faults:add(wrong(row, "Madame", { hint = "Mme?", cure = "Mme? allowed: M., Mme" }))
    end
    faults:add(wrong(30, "Mr"))
    faults:add { line = 40, row = 40, column = "Effectif", value = "x", message = "is no number" }
    local lines, is_whole = faults:lines()
    assert.same({
      "20 rows (3, 4, 5, 6, 7, 8, 9, 10, …), Civilité: Madame is none; Mme? allowed: M., Mme",
      "row 2, Civilité: Docteur is none", "row 30, Civilité: Mr is none",
      "row 40, Effectif: x is no number",
    }, lines)
    assert.is_false(is_whole)
    assert.equal(23, faults.count)
  end)

  it("keeps a rare kind apart from the thousands of another in its column", function()
    local faults = list()
    for row = 2, 5001 do
      faults:add { line = row, row = row, column = "SIRET", field = "siret",
        value = ("v%d"):format(row), message = "is no number" }
    end
    faults:add { line = 6000, row = 6000, column = "SIRET", field = "siret", value = "9",
      message = "is in row 12 already" }
    local lines = faults:lines()
    assert.equal(22, #lines)
    assert.equal("row 2, SIRET: v2 is no number", lines[1])
    assert.equal("4980 rows more, SIRET: nil more than 980 other values, wrong in the same way",
      lines[21])
    assert.equal("row 6000, SIRET: 9 is in row 12 already", lines[22])
  end)

  it("bounds its memory, however many kinds, values and rows", function()
    local faults = list { by_row = true }
    collectgarbage()
    local before = collectgarbage "count"
    for row = 2, 30001 do
      faults:add { line = row, row = row, column = "C" .. row % 300, field = "f",
        value = ("value %d"):format(row), message = "is none of the values that are allowed",
        cure = ("mend it, and this is a long text that helps in row %d"):format(row) }
    end
    collectgarbage()
    assert.truthy(collectgarbage "count" - before < 16 * 1024)
    assert.truthy(#faults:lines() < 200 * 22)
    assert.equal("C101: value 101 is none of the values that are allowed; mend it, and this is a "
      .. "long text that helps in row 101", faults:of_row(101))
  end)

  it("knows of each row all that is wrong with it, whatever came between", function()
    local faults = list { by_row = true }
    faults:add(wrong(2, "A"))
    faults:add(wrong(3, "B"))
    faults:add(wrong(2, "C", { message = ("x"):rep(70000) }))
    assert.equal("Civilité: A is none; allowed: M., Mme | Civilité: C " .. ("x"):rep(70000)
      .. "; allowed: M., Mme", faults:of_row(2))
    assert.equal("Civilité: B is none; allowed: M., Mme", faults:of_row(3))
    assert.is_nil(faults:of_row(4))
  end)
end)
