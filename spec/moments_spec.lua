local helper = require "spec.helper"
local moments = require "icrm.moments"

describe("icrm.moments", function()
  it("reads points in time in UTC", function()
    for _, seconds in ipairs { 0, 951782400, 951868799, 1709164800, 1709251200, 1798761599,
        4102444800 } do
      assert.equal(seconds, moments.of_utc(os.date("!%Y-%m-%d %H:%M:%S", seconds)))
      assert.equal(seconds, moments.of_utc(os.date("!%Y-%m-%dT%H:%M:%SZ", seconds)))
    end
    assert.is_nil(moments.of_utc "soon")
  end)

  it("writes them as the clock of the place shows them, with its zone", function()
    local code = 'local m = require "icrm.moments" print(m.utc_here "2026-11-24 23:30:00") '
      .. 'print(m.utc_here "2026-07-01 09:00:00") print(m.utc_here "soon")'
    local result = helper.icrm({ "-e", code }, { env = { TZ = "CET-1CEST,M3.5.0,M10.5.0/3" } })
    assert.equal("2026-11-25 00:30:00 CET\n2026-07-01 11:00:00 CEST\nsoon\n", result.out)
  end)
end)
