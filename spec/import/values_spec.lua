local values = require "icrm.import.values"

local picklist = { name = "ticketstatus", type = "picklist", picklist = {
  values = { "Open", "Closed" }, by_value = { Open = "Ouvert", Closed = "Fermé" },
} }

local function field(kind)
  return { name = "f", type = kind }
end

describe("values", function()
  it("reads numbers in both ways of writing", function()
    for text, want in pairs {
      ["48,804"] = "48.804", ["-4,503"] = "-4.503", ["1 234,50"] = "1234.50",
      ["1.234,5"] = "1234.5", ["1\u{A0}234\u{202F}567"] = "1234567", ["12,5 €"] = "12.5",
      ["1.234.567"] = "1234567", ["007"] = "7", ["0,5"] = "0.5", [",5"] = "0.5",
    } do
      assert.equal(want, values.number(text, "comma"), text)
    end
    for text, want in pairs {
      ["48.804"] = "48.804", ["1,234.50"] = "1234.50", ["1,234"] = "1234", ["-0.5"] = "-0.5",
    } do
      assert.equal(want, values.number(text, "point"), text)
    end
  end)

  it("refuses what is no number, and what may be two", function()
    for _, text in ipairs { "12a", "1,2,3", "12,34,567", "--1", "," , "1..2", "1.2345,6" } do
      local value, problem = values.number(text, "comma")
      assert.is_nil(value, text)
      assert.matches("is no number", problem)
    end
    assert.matches("two ways", select(2, values.number "1,234"))
    assert.equal("1234.5", values.number "1,234.5")
    assert.matches("whole", select(2, values.integer("1,5", "comma")))
    assert.equal("12", values.integer("12,00", "comma"))
  end)

  it("reads dates, day first unless told otherwise", function()
    assert.equal("2026-08-12", values.date "12/08/2026")
    assert.equal("2026-12-08", values.date("12/08/2026", "month"))
    assert.equal("2026-08-12", values.date "2026-08-12")
    assert.equal("2024-02-29", values.date "29.2.2024")
    assert.equal("2026-08-12 14:30:00", values.datetime "12/08/2026 14:30")
    assert.equal("2026-08-12 00:00:00", values.datetime "12/08/2026")
    assert.equal("09:05:00", values.time "9h05")
  end)

  it("refuses days that do not exist and years of two digits", function()
    assert.matches("does not exist", select(2, values.date "31/02/2026"))
    assert.matches("does not exist", select(2, values.date "29/02/2026"))
    assert.matches("does not exist", select(2, values.date "08/13/2026"))
    assert.matches("year of 2 digits", select(2, values.date "12/08/26"))
    assert.matches("no date", select(2, values.date "demain"))
    assert.matches("no time", select(2, values.time "25:00"))
  end)

  it("reads yes and no in both languages", function()
    for _, word in ipairs { "Oui", "VRAI", "true", "1", "x" } do
      assert.equal("1", values.boolean(word))
    end
    for _, word in ipairs { "Non", "faux", "false", "0" } do
      assert.equal("0", values.boolean(word))
    end
    assert.matches("neither yes nor no", select(2, values.boolean "peut-être"))
  end)

  it("finds picklist values and labels whatever the case and accents", function()
    assert.equal("Closed", values.picklist("Closed", picklist))
    assert.equal("Closed", values.picklist(" ferme", picklist))
    assert.equal("zzz", values.picklist("zzz", picklist))
  end)

  it("keeps texts and phone numbers as they are", function()
    assert.equal("06 12 ", values.read("06 12 ", field "phone", {}))
    assert.equal("00123", values.read("00123", field "string", {}))
    assert.equal("a@b.fr", values.read(" a@b.fr\u{A0}", field "email", {}))
    assert.equal("", values.read(" \u{A0}", field "double", {}))
  end)

  it("decides a column by all of its cells", function()
    local column = values.column()
    column:see("48,804", 2)
    assert.is_nil(column:decimal())
    assert.equal(2, column:doubtful_number().line)
    column:see("1,96", 3)
    assert.equal("comma", column:decimal())
    column:see("1.5", 4)
    local mark, problem = column:decimal()
    assert.is_nil(mark)
    assert.equal('"1,96" (line 3) and "1.5" (line 4) contradict each other', problem)
  end)

  it("decides the order of dates", function()
    local column = values.column()
    column:see("12/08/2026", 2)
    assert.is_nil(column:date_order())
    assert.equal("12/08/2026", column:doubtful_date().text)
    column:see("13/08/2026", 3)
    assert.equal("day", column:date_order())
  end)
end)
