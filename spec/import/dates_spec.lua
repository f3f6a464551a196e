local dates = require "icrm.import.dates"
local zones = require "icrm.import.zones"

local function all(read, wanted)
  for text, want in pairs(wanted) do
    local value, problem = read(text)
    assert.equal(want, value, ("%s: %s"):format(text, tostring(problem)))
  end
end

local function none(read, wanted)
  for text, pattern in pairs(wanted) do
    local value, problem = read(text)
    assert.is_nil(value, text)
    assert.matches(pattern, problem)
  end
end

describe("import.dates", function()
  it("reads times with an offset, as other programs write them, in UTC", function()
    all(dates.datetime, {
      ["2026-08-12T10:20:30+02:00"] = "2026-08-12 08:20:30",
      ["2026-08-12T10:20:30.123Z"] = "2026-08-12 10:20:30",
      ["2026-08-12T10:20:30,5Z"] = "2026-08-12 10:20:30",
      ["2017-03-21T04:27:00.000+0000"] = "2017-03-21 04:27:00",
      ["2024-04-08T12:35:10.460+0800"] = "2024-04-08 04:35:10",
      ["2026-08-12 10:20:30 UTC"] = "2026-08-12 10:20:30",
      ["2026-08-12 10:20 GMT"] = "2026-08-12 10:20:00",
      ["2026-08-12 10:20:30 +0200"] = "2026-08-12 08:20:30",
      ["2026-08-12T23:30:00-05:30"] = "2026-08-13 05:00:00",
      ["2026-08-12T10:20:30+02:00[Europe/Paris]"] = "2026-08-12 08:20:30",
      ["2026-01-01T00:30+01"] = "2025-12-31 23:30:00",
      ["12/08/2026 14:30"] = "2026-08-12 14:30:00", ["12/08/2026 14h30"] = "2026-08-12 14:30:00",
      ["12/08/2026 2:30 PM"] = "2026-08-12 14:30:00",
      ["12/08/2026 12:05:09 am"] = "2026-08-12 00:05:09",
      ["12 août 2026 à 14h30"] = "2026-08-12 14:30:00",
      ["Aug 12, 2026 2:30 p.m."] = "2026-08-12 14:30:00",
      ["12 août 2026 14 h"] = "2026-08-12 14:00:00",
      ["0000-00-00 00:00:00"] = "", ["1899-12-30T00:00:00Z"] = "",
    })
  end)

  it("blames the part that is wrong", function()
    none(dates.datetime, {
      ["2026-08-12 10:99"] = '^"10:99" is no time of day', ["2026-02-30 10:20"] = "2026%-02%-30",
      ["2026-08-12 13:00 PM"] = '"13:00 PM" is no time of day',
      ["2026-08-12T10:20:30+19:00"] = "is no time of day", ["demain 10:20"] = "is no date",
      ["2026-08-12 10:20 XYZ"] = '"10:20 XYZ" is no time of day',
    })
  end)

  it("takes the date of a midnight, and no other time", function()
    all(dates.date, {
      ["12/08/2026 00:00:00"] = "2026-08-12", ["12/08/2026 00:00"] = "2026-08-12",
      ["2026-08-12 00:00:00"] = "2026-08-12", ["2026-08-12T00:00:00.000Z"] = "2026-08-12",
      ["2026-08-12T00:00:00+02:00"] = "2026-08-12", ["2026-08-12Z"] = "2026-08-12",
      ["2026-08-12+02:00"] = "2026-08-12", ["8/12/2026 12:00 AM"] = "2026-12-08",
    })
    none(dates.date, { ["2026-08-11T22:00:00Z"] = "has a time of day, and the field holds a date",
      ["12/08/2026 00:0"] = "is no", ["12/08/2026 25:00"] = "no time of day" })
  end)

  it("reads months by their names", function()
    all(dates.date, {
      ["12 août 2026"] = "2026-08-12", ["1er janvier 2026"] = "2026-01-01",
      ["mercredi 12 AOUT 2026"] = "2026-08-12", ["12-févr.-2026"] = "2026-02-12",
      ["3 déc. 2026"] = "2026-12-03", ["12 Aug 2026"] = "2026-08-12",
      ["August 12, 2026"] = "2026-08-12", ["Mar. 3 2026"] = "2026-03-03",
      ["Tue Mar 3 2026"] = "2026-03-03", ["mar. 3 mars 2026"] = "2026-03-03",
    })
    none(dates.date, { ["août-26"] = "is a month; write a day", ["août 2026"] = "is a month",
      ["12 aout 26"] = "year of 2 digits", ["31 avril 2026"] = "does not exist",
      ["12 brumaire 2026"] = "is no date", ["12/08/26"] = "year of 2 digits",
      ["12/08/0026"] = "the year 26" })
  end)

  it("takes what programs write for no date as empty, and asks where it may be one", function()
    for _, text in ipairs { "0000-00-00", "00/00/0000", "30/12/1899", "1899-12-31", "00/01/1900",
      "0001-01-01", "0001-01-01T00:00:00" } do
      assert.equal("", dates.date(text), text)
      assert.is_true(dates.is_nothing(text), text)
    end
    none(dates.date, { ["01/01/1900"] = "for no date; empty the cell, or",
      ["1900-01-01"] = "no date",
      ["31/12/9999"] = "no date", ["1753-01-01 00:00:00.000"] = "no date" })
    all(dates.date, { ["12/05/1850"] = "1850-05-12", ["02/01/1900"] = "1900-01-02",
      ["1970-01-01"] = "1970-01-01" })
    assert.is_false(dates.is_nothing "12/05/1850")
  end)

  it("reads times of day", function()
    all(dates.time, { ["9:05"] = "09:05:00", ["14h30"] = "14:30:00", ["14 h"] = "14:00:00",
      ["14:30:59.7"] = "14:30:59", ["2:30 PM"] = "14:30:00", ["12 am"] = "00:00:00",
      ["30/12/1899 09:05:00"] = "09:05:00", ["1899-12-30T09:05:00.000Z"] = "09:05:00" })
    none(dates.time, { ["25:00"] = "no time of day", ["12/08/2026 09:05"] = "no time of day",
      ["24:00"] = "no time", ["12"] = "no time", ["13 pm"] = "no time", ["9:5"] = "no time" })
  end)

  it("takes times without an offset in the zone that is said", function()
    local paris = zones.find "Europe/Paris"
    local function read(text) return dates.datetime(text, "day", paris) end
    all(read, { ["12/08/2026 14:30"] = "2026-08-12 12:30:00",
      ["12/01/2026 00:30"] = "2026-01-11 23:30:00", ["12/01/2026"] = "2026-01-11 23:00:00",
      ["12/08/2026 14:30Z"] = "2026-08-12 14:30:00" })
    none(read, { ["29/03/2026 02:30"] = "does not exist in Europe/Paris: clocks went forward",
      ["25/10/2026 02:30"] = "came twice in Europe/Paris: clocks went back" })
  end)
end)
