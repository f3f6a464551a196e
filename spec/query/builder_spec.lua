local errors = require "icrm.error"
local builder = require "icrm.query.builder"

local function things()
  return builder.new({}, "Things")
end

local function refused(fn)
  local ok, err = pcall(fn)
  assert.is_false(ok)
  assert.is_true(errors.is(err, "query"), tostring(err))
  return err.message
end

describe("crm:from", function()
  it("builds the text of a query", function()
    assert.equal("SELECT * FROM Things;", tostring(things()))
    assert.equal("SELECT a, b FROM Things WHERE c = 'L''Or' AND d >= '5' AND e IN ('x', 'y') "
      .. "ORDER BY a, b DESC LIMIT 10, 200;",
      things():select("a", "b"):where("c", "=", "L'Or"):where("d", ">=", 5)
        :where("e", "in", { "x", "y" }):order_by("a"):order_by("b", "desc"):limit(200, 10):text())
  end)

  it("writes every kind of value", function()
    assert.equal("SELECT * FROM Things WHERE a = '1' AND b = '0' AND c = '1000.5' AND d = '3x7';",
      things():where("a", "=", true):where("b", "=", false):where("c", "=", 1000.5)
        :where("d", "=", { id = "3x7", accountname = "x" }):text())
  end)

  it("puts the alternative of several conditions first", function()
    assert.equal("SELECT * FROM Things WHERE b = '2' AND c = '3' OR a = '1' OR d = '4';",
      things():where("a", "=", 1):or_where("b", "=", 2):where("c", "=", 3):or_where("d", "=", 4)
        :text())
    assert.equal("SELECT * FROM Things WHERE a = '1' AND c = '3' OR b = '2' AND c = '3';",
      things():where("a", "=", 1):where("c", "=", 3):or_where("b", "=", 2):where("c", "=", 3)
        :text())
  end)

  it("refuses two alternatives of several conditions", function()
    assert.matches("^AND after OR can be read in two ways.*run one query for each branch",
      refused(function()
        things():where("a", "=", 1):where("b", "=", 2):or_where("c", "=", 3):where("d", "=", 4)
          :text()
      end))
  end)

  it("refuses what is no name, operator, direction, value or number of rows", function()
    assert.equal('"a b" is no name of a field or module', refused(function()
      things():select "a b"
    end))
    assert.equal('"a = 1 OR b" is no name of a field or module', refused(function()
      things():where("a = 1 OR b", "=", 1)
    end))
    assert.matches("^\"<>\" is no operator", refused(function() things():where("a", "<>", 1) end))
    assert.equal("a direction is asc or desc", refused(function() things():order_by("a", "up") end))
    assert.matches("put desc last", refused(function()
      things():order_by("a", "desc"):order_by "b"
    end))
    assert.matches("^placeholder 1: an empty text cannot be written", refused(function()
      things():where("a", "=", "")
    end))
    assert.matches("^placeholder 1: an empty list", refused(function()
      things():where("a", "IN", {})
    end))
    assert.equal("limit: -1 is no number of rows", refused(function() things():limit(-1) end))
    assert.equal("limit: 1.5 is no number of rows", refused(function() things():limit(1.5) end))
  end)
end)
