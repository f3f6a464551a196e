local core = require "icrm.core"

local vtql = core.vtql

local function refused(text, values)
  local bound, err = vtql.bind(text, values)
  assert.is_nil(bound)
  assert.equal("query", err.kind)
  return err.message
end

describe("vtql.bind", function()
  it("writes values for ? in order and :name by name", function()
    assert.equal("a = 'x' AND b IN ('1', '2.5', '1', '9x3')",
      vtql.bind("a = ? AND b IN (?)", { "x", { 1, 2.5, true, { id = "9x3" } } }))
    assert.equal("a = 'x' AND b = 'x' AND c = '0'",
      vtql.bind("a = :v AND b = :v AND c = :w", { v = "x", w = false }))
  end)

  it("leaves placeholders in texts alone", function()
    assert.equal("a = '? :x' AND b = '?'", vtql.bind("a = '? :x' AND b = ?", { "?" }))
  end)

  it("names the placeholder whose value is missing, too much or wrong", function()
    assert.equal("no value was given for placeholder 2", refused("a = ? AND b = ?", { "x" }))
    assert.equal("no value was given for :b", refused("a = :b", {}))
    assert.equal("2 values were given for 1 placeholders", refused("a = ?", { "x", "y" }))
    assert.equal("placeholder 1: a function is no value", refused("a = ?", { print }))
    assert.equal("placeholder 1: a list inside a list", refused("a IN (?)", { { { "x" } } }))
    assert.equal("placeholder 2: NaN cannot be written in a query",
      refused("a = ? AND b = ?", { 1, 0 / 0 }))
    assert.matches("^:b: a text for a query holds a NUL byte", refused("a = :b", { b = "a\0b" }))
    assert.matches("^placeholder 1: a text for a query is not UTF%-8: byte 4 is 0xE9",
      refused("a = ?", { "Soc\xE9" }))
    assert.matches("^the quote at byte 5 of the query is not closed", refused("a = 'x", {}))
  end)

  it("takes records only with an id that is one", function()
    for _, id in ipairs { "3x1 OR 1=1", "", 5, {}, true } do
      assert.matches("^placeholder 1: the id of a record is a number, x and a number",
        refused("a = ?", { { id = id } }))
    end
    local circular = {}
    circular.id = circular
    refused("a = ?", { circular })
  end)
end)

describe("vtql.parse", function()
  it("tells the facts of a query", function()
    local query = vtql.parse("select a,b from M where c in ('x',1) or d like '%y' "
      .. "order by a, b desc limit 5, 7")
    assert.same({
      module = "M", select = "columns", columns = { "a", "b" }, order = { "a", "b" },
      descending = true, offset = 5, rows = 7,
      conditions = {
        { field = "c", operator = "IN", values = { "'x'", "1" }, after_or = false },
        { field = "d", operator = "LIKE", values = { "'%y'" }, after_or = true },
      },
    }, query:facts())
  end)

  it("writes itself, changed", function()
    local query = vtql.parse "SELECT * FROM M WHERE a = '1' OR b = '2' LIMIT 7"
    assert.equal("SELECT * FROM M WHERE a = '1' OR b = '2' LIMIT 7;", query:write())
    assert.equal("SELECT * FROM M WHERE a = '1' AND id > '9x8' OR b = '2' AND id > '9x8' "
      .. "ORDER BY id LIMIT 100;", query:write { after_id = "9x8", by_id = true, rows = 100 })
    assert.equal("SELECT count(*) FROM M WHERE a = '1' OR b = '2';", query:write { count = true })
    assert.error_matches(function() query:write { after_id = "9x8 OR 1" } end, "no record id")
  end)

  it("shows the place of an error", function()
    local query, err = vtql.parse "SELECT * FROM M WHERE a <> 'é'"
    assert.is_nil(query)
    assert.equal("query", err.kind)
    assert.equal("expected an operator (= != < <= > >= LIKE IN), found <>: write != instead\n"
      .. "    SELECT * FROM M WHERE a <> 'é'\n"
      .. "                            ^", err.message)
  end)
end)
