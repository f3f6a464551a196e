local report = require "icrm.report"

local function total(...)
  local sum = report.sum()
  for _, text in ipairs { ... } do
    assert(sum:add(text))
  end
  return tostring(sum)
end

describe("report", function()
  it("adds amounts without losing a cent", function()
    assert.equal("12345.67", total "12345.67000000")
    assert.equal("0.3", total("0.1", "0.2"))
    assert.equal("-0.42", total("12345.67000000", "-0.1", "-12345.99"))
    assert.equal("-0.5", total "-0.5")
    assert.equal("-2", total("-2", ""))
    local cents = {}
    for i = 1, 10000 do
      cents[i] = "0.01"
    end
    assert.equal("100", total(table.unpack(cents)))
    assert.equal("900719925474099.31", total("900719925474099.30", "0.01"))
  end)

  it("says what is no number instead of taking it for zero", function()
    local sum = report.sum()
    assert.is_nil(sum:add "12,5")
    assert.is_nil(sum:add "x")
    assert.is_nil(sum:add "1e5")
    assert.equal("0", tostring(sum))
  end)

  it("groups by two fields and orders without case and accents", function()
    local r = report.new { by = { "region", "type" }, sum = { "hours" } }
    for _, row in ipairs {
      { region = "Île-de-France", type = "b", hours = "1.50000000" },
      { region = "Bretagne", type = "a", hours = "0.25" },
      { region = "Île-de-France", type = "b", hours = "2" },
      { region = "Île-de-France", type = "a", hours = "?" },
      { type = "a" },
    } do
      r:add(row)
    end
    assert.same({ "region", "type", "count", "sum hours" }, r:columns())
    assert.same({
      { region = "", type = "a", count = 1, ["sum hours"] = "0.00" },
      { region = "Bretagne", type = "a", count = 1, ["sum hours"] = "0.25" },
      { region = "Île-de-France", type = "a", count = 1, ["sum hours"] = "0.00" },
      { region = "Île-de-France", type = "b", count = 2, ["sum hours"] = "3.50" },
    }, r:result())
    assert.equal(2, r:result("count")[1].count)
    assert.equal(5, r.rows)
    assert.equal(1, r.not_numbers)
  end)

  it("keeps groups apart whatever their texts are", function()
    local r = report.new { by = { "a", "b" } }
    r:add { a = "1", b = ":2" }
    r:add { a = "1:", b = "2" }
    assert.equal(2, #r:result())
  end)

  it("refuses three fields", function()
    assert.error_matches(function() report.new { by = { "a", "b", "c" } } end, "one or two")
  end)
end)
