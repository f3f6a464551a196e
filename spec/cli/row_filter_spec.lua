local row_filter = require "icrm.cli.row_filter"

describe("cli.row_filter", function()
  local function passes(value, operator, ...)
    return row_filter.of({ name = "a&b" }, operator, { ... })({ ["a&b"] = value })
  end

  it("compares numbers by value, texts without case and accents", function()
    for _, case in ipairs { { "12.50", "=", "'12.5'" }, { "9", "<", "'10'" }, { "b", ">", "'A'" },
        { "Été", "=", "'ete'" }, { "10", ">=", "'10'" }, { "x", "!=", "'y'" },
        { "L'Or", "=", "'L''Or'" }, { "3", "in", "'1'", "'3.0'" }, { "5", "<=", "5" } } do
      assert.is_true(passes(table.unpack(case)), table.concat(case, " "))
    end
    for _, case in ipairs { { "9", ">", "'10'" }, { "", "=", "'0'" }, { "3", "IN", "'1'" },
        { "x", "!=", "'X'" } } do
      assert.is_false(passes(table.unpack(case)), table.concat(case, " "))
    end
  end)

  it("takes the wildcards of LIKE, and nothing else for one", function()
    assert.is_true(passes("Société (x)", "LIKE", "'%été (_)'"))
    assert.is_true(passes("50 % de", "like", "'50%de'"))
    assert.is_true(passes("5 €", "LIKE", "'5 _'"))
    assert.is_false(passes("5 €", "LIKE", "'5 __'"))
    assert.is_false(passes("abc", "LIKE", "'a.c'"))
    assert.is_false(passes("abc", "LIKE", "'b'"))
  end)

  it("refuses a record that does not show the field", function()
    assert.error_matches(function() row_filter.of({ name = "a&b" }, "=", { "'1'" }) {} end,
      "the CRM gives no a&b to a query")
  end)

  it("lets rows pass for which all holds", function()
    local rows = { { ["a&b"] = "1" }, { ["a&b"] = "5" }, { ["a&b"] = "9" } }
    local function each()
      return table.remove(rows, 1)
    end
    local test = row_filter.all { row_filter.of({ name = "a&b" }, ">", { "'2'" }),
      row_filter.of({ name = "a&b" }, "<", { "'8'" }) }
    assert.equal("5", row_filter.rows(each, test)()["a&b"])
    assert.is_nil(row_filter.all {})
    assert.equal(each, row_filter.rows(each, nil))
  end)
end)
