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

  it("reads amounts as they are written elsewhere", function()
    for text, want in pairs {
      ["1'234'567.89"] = "1234567.89", ["1’234’567.89"] = "1234567.89", ["1’234"] = "1234",
      ["(1,234.50)"] = "-1234.50", ["($1,234.50)"] = "-1234.50", ["$(1,234.50)"] = "-1234.50",
      ["1.234,50-"] = "-1234.50", ["12.50 -"] = "-12.50", ["\u{2212}12.5"] = "-12.5",
      ["– 12.5"] = "-12.5", ["+12"] = "12", ["$1,234.50"] = "1234.50", ["-$12"] = "-12",
      ["$-12"] = "-12", ["12 EUR"] = "12", ["eur 12"] = "12", ["CHF 12.50"] = "12.50",
      ["CHF 1'200.-"] = "1200.00", ["12,- €"] = "12.00", ["1'200.—"] = "1200.00",
      ["£12.50"] = "12.50", ["12.50 £"] = "12.50", ["12 euros"] = "12", ["US$ 12"] = "12",
      ["€ 1 234 567,89"] = "1234567.89", ["1 234.50"] = "1234.50", ["1\u{2009}234,5"] = "1234.5",
      ["1 234,567"] = "1234.567", ["12 %"] = "12", ["-3,5%"] = "-3.5", ["1.234,-"] = "1234.00",
      ["(12 €)"] = "-12", ["\u{A0}12\u{A0}€\u{A0}"] = "12",
    } do
      assert.equal(want, values.number(text), text)
    end
  end)

  it("takes blanks and apostrophes only between groups of three", function()
    for _, text in ipairs { "10 20", "3 5", "1 234 56", "12 34", "1234 567", "1'23", "1 234'567",
      "0 123", "12 345 6,7", "1,234 567", "06 12 34 56 78", "1\u{A0}2",
      "(12", "12)", "--12", "-12-",
      "(-12)", "€12€", "12 %%", "12 k€", "12 EURO 50", "12²", "a 12",
      "12 eurx", "-", "€", "1.234 567,8" }
    do
      local value, problem = values.number(text)
      assert.is_nil(value, text)
      assert.matches("is no number", problem)
    end
    assert.equal("250499", values.number "250 499")
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

  it("keeps texts and phone numbers as they are, without the blanks around them", function()
    assert.equal("06 12", values.read("\u{A0}06 12 ", field "phone", {}))
    assert.equal("café\nbar", values.read("cafe\u{301}\nbar\n", field "string", {}))
    assert.equal("0601", values.read('="0601"', field "string", {}))
    assert.equal('a "b"', values.read('="a ""b"""', field "string", {}))
    assert.equal('="a"&"b"', values.read('="a"&"b"', field "string", {})) -- a formula
    assert.equal("00123", values.read("00123", field "string", {}))
    assert.equal("a@b.fr", values.read(" a@b.fr\u{A0}", field "email", {}))
    assert.equal("", values.read(" \u{A0}", field "double", {}))
  end)

  it("takes the day 0 of a workbook for no date", function()
    local function read(kind, typed, style)
      return (values.read_cell({ "00/01/1900", typed = { typed } }, 1, field(kind), style or {}))
    end
    assert.equal("", read("date", { "error", "1900-01-00" }))
    assert.equal("", read("datetime", { "error", "1900-01-00" }))
    assert.is_nil(read("date", { "error", "1900-02-29" }))
    assert.is_nil(read("date", { "moment", "1900-01-01" }))
    assert.equal("1850-05-12", read("date", { "moment", "1850-05-12" }))
    assert.equal("", read("phone", { "error", "#N/A" }, { nulls = { ["#N/A"] = true } }))
  end)

  it("reads several values of a picklist, whatever is between them", function()
    local colours = { name = "f", type = "multipicklist", picklist = {
      values = { "Red", "Blue, dark", "Green" },
      by_value = { Red = "Rouge", ["Blue, dark"] = "Bleu", Green = "Vert" },
      by_label = { Rouge = "Red", Bleu = "Blue, dark", Vert = "Green" } } }
    for text, want in pairs {
      ["Rouge |##| vert"] = "Red |##| Green", ["Red|##|Green"] = "Red |##| Green",
      ["rouge;VERT"] = "Red |##| Green", ["Rouge, Vert"] = "Red |##| Green",
      ["Rouge\nVert\n"] = "Red |##| Green", ["Blue, dark"] = "Blue, dark", ["vert;"] = "Green",
      ["Blue, dark; Red"] = "Blue, dark |##| Red", ["Rouge;Jaune"] = "Rouge;Jaune",
      ["Red |##| Jaune"] = "Red |##| Jaune",
    } do
      assert.equal(want, values.read(text, colours, {}), text)
    end
  end)

  it("refuses what an earlier tool has damaged, and takes the words for nothing", function()
    for _, text in ipairs { "#N/A", "2,601E+13", "NULL", "Caf\u{FFFD}", "#DIV/0!" } do
      for _, kind in ipairs { "phone", "string", "double", "date" } do
        assert.is_nil((values.read(text, field(kind), {})), text)
      end
    end
    local style = { nulls = { ["n.c."] = true, ["01/01/1900"] = true } }
    assert.equal("", values.read(" n.c.\u{A0}", field "double", style))
    assert.equal("", values.read("01/01/1900", field "date", style))
    assert.is_nil((values.read("NULL", field "string", style))) -- nobody said that it is empty
    assert.is_nil((values.read("#N/A", field "string", style)))
    assert.equal('"n.c." is no number; say null = "n.c.", where it means an empty cell',
      select(2, values.read("n.c.", field "double", {})))
  end)

  it("takes off what stands around an e-mail address", function()
    for text, want in pairs {
      ["<c@x.fr>"] = "c@x.fr", ["mailto:e@x.fr"] = "e@x.fr", ["MAILTO:e@x.fr?subject=a"] = "e@x.fr",
      ["Jean Dupont <d@x.fr>"] = "d@x.fr", ['"Dupont, Jean" <d@x.fr>'] = "d@x.fr",
      ["<mailto:d@x.fr>"] = "d@x.fr", ["\u{A0}a@x.fr\u{200B}"] = "a@x.fr", ["a@x.fr"] = "a@x.fr",
      ["< a@x.fr >"] = "a@x.fr",
    } do
      assert.equal(want, values.email(text), text)
    end
  end)

  it("leaves what is no single e-mail address to the check", function()
    for _, text in ipairs { "a@x.fr, b@x.fr", "Jean <a@x.fr>, Marie <b@x.fr>", "f@x", "nobody" } do
      assert.equal(text, values.email(text))
    end
  end)
end)
