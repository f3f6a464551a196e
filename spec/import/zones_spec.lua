local zones = require "icrm.import.zones"

local function wall(text)
  local y, m, d, h, n = text:match "(%d+)-(%d+)-(%d+) (%d+):(%d+)"
  local days = 0
  for year = 1970, tonumber(y) - 1 do
    days = days + ((year % 4 == 0 and (year % 100 ~= 0 or year % 400 == 0)) and 366 or 365)
  end
  for month = 1, tonumber(m) - 1 do
    days = days + ({ 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 })[month]
  end
  return (days + tonumber(d) - 1) * 86400 + tonumber(h) * 3600 + tonumber(n) * 60
end

describe("import.zones", function()
  it("knows the zones of the system, offsets and UTC", function()
    local moment = wall "2026-07-01 12:00" -- 2026 is no leap year
    for name, hours in pairs { ["Europe/Paris"] = 2, ["America/New_York"] = -4, UTC = 0, GMT = 0,
      ["Asia/Kolkata"] = 5.5, ["+02:00"] = 2, ["-0330"] = -3.5, ["UTC+2"] = 2,
      ["Pacific/Auckland"] = 12 }
    do
      local utc, is_twice = zones.find(name):utc(moment)
      assert.equal(moment - hours * 3600, utc, name)
      assert.is_false(is_twice)
    end
    assert.equal(moment - 2 * 3600, zones.find "Europe/Paris":utc(moment))
  end)

  it("follows the rule of a zone after the last change in its file", function()
    for name, hours in pairs { ["Europe/Paris"] = { 1, 2 }, ["America/New_York"] = { -5, -4 },
      ["Pacific/Auckland"] = { 13, 12 }, ["America/Nuuk"] = { -2, -1 },
      ["Asia/Kolkata"] = { 5.5, 5.5 },
      ["Asia/Jerusalem"] = { 2, 3 } } do
      for i, month in ipairs { "01", "07" } do
        local moment = wall(("2060-%s-01 12:00"):format(month))
        assert.equal(moment - hours[i] * 3600, (zones.find(name):utc(moment)), name)
      end
    end
    local paris = zones.find "Europe/Paris"
    assert.is_nil((paris:utc(wall "2050-03-27 02:30"))) -- the last Sunday
    assert.is_true(select(2, paris:utc(wall "2050-10-30 02:30")))
    assert.is_false(select(2, paris:utc(wall "2050-10-30 03:00")))
  end)

  it("takes no other file for a zone", function()
    for _, name in ipairs { "Europe/Nowhere", "../../../etc/passwd", "", "zone.tab", "+25:00",
      "a b" } do
      assert.is_nil(zones.find(name), name)
    end
  end)

  it("tells what a clock shows never, and twice", function()
    local paris = zones.find "Europe/Paris"
    assert.is_nil((paris:utc(wall "2026-03-29 02:30")))
    assert.equal(wall "2026-03-29 01:00", (paris:utc(wall "2026-03-29 03:00")))
    local utc, is_twice = paris:utc(wall "2026-10-25 02:30")
    assert.equal(wall "2026-10-25 00:30", utc)
    assert.is_true(is_twice)
  end)
end)
