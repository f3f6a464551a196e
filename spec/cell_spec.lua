local cell = require "icrm.cell"
local locale = require "icrm.cli.locale"

describe("a value as a cell", function()
  local function is(text, kind, value, decimal, style)
    local v, d, s = cell.value(text, kind)
    assert.same({ value, decimal, style or kind }, { v, d, s })
  end

  local function stays_text(kind, ...)
    for _, text in ipairs { ... } do
      assert.is_nil((cell.value(text, kind)), text)
    end
  end

  it("is a number where no digit is lost", function()
    is("59.97000000", "number", 59.97, "59.97")
    is("-12", "number", -12.0, "-12")
    is("0.50", "amount", 0.5, "0.5")
    is("1.234", "amount", 1.234, "1.234", "number")
    is("123456789012345", "number", 123456789012345.0, "123456789012345")
    stays_text("number", "1234567890123456", "0123", "1.", "1e5", "12 €", "abc", "")
    stays_text(nil, "12", "2026-03-31")
  end)

  it("is a day of the calendar, from March 1900 on", function()
    is("1900-03-01", "date", 61)
    is("2026-03-31", "date", 46112)
    is("2024-02-29", "date", 45351)
    stays_text("date", "1900-02-28", "0000-00-00", "2026-02-29", "31/03/2026", "2026-13-01")
  end)

  it("is a moment or a time of day", function()
    is("2026-03-31 18:00:00", "datetime", 46112.75)
    is("18:00", "time", 0.75)
    is("06:00:00", "time", 0.25)
    stays_text("datetime", "2026-03-31", "2026-03-31T18:00:00Z", "2026-03-31 24:00:00")
    stays_text("time", "24:00", "9:05", "12:60")
  end)

  it("is yes or no", function()
    is("1", "boolean", 1)
    is("0", "boolean", 0)
    stays_text("boolean", "on", "")
  end)

  it("is what the type of its field says", function()
    local function field(type) return { type = type } end
    local schema = { by_name = { a = field "currency", b = field "phone", c = field "date" } }
    assert.same({ a = "amount", c = "date" }, cell.kinds(schema, { "id", "a", "b", "c" }))
  end)
end)

describe("the decimal mark", function()
  local function of(env)
    return locale.decimal(function(name) return env[name] end)
  end

  it("is the locale's, and the comma where none is named", function()
    assert.equal("comma", of { LC_ALL = "fr_FR.UTF-8", LANG = "en_US.UTF-8" })
    assert.equal("point", of { LC_NUMERIC = "en_GB.UTF-8", LANG = "fr_FR.UTF-8" })
    assert.equal("point", of { LANG = "de_CH.UTF-8" })
    assert.equal("comma", of { LANG = "en_ZA.UTF-8" })
    for _, name in ipairs { "C", "C.UTF-8", "POSIX", "" } do
      assert.equal("comma", of { LC_ALL = name })
    end
  end)
end)
