-- The sandbox's quota: what its replies tell, and how a call too many is refused.
local core = require "icrm.core"
local raw_http = require "spec.raw_http"

local NOON = 1795521600 -- Tue, 24 Nov 2026 12:00:00 GMT

describe("a sandbox with a quota", function()
  local server

  local function start(quota)
    server = assert(core.sandbox.start { quota = quota, now = NOON })
  end

  after_each(function()
    server:stop()
  end)

  local function call()
    local status, _, headers = raw_http.request(server:url()
      .. "?operation=getchallenge&username=admin", "GET")
    return status, headers
  end

  it("tells what is left, and refuses a call too many until the minute is over", function()
    start "3/min, 1000/day"
    for left = 2, 0, -1 do
      local status, headers = call()
      assert.same({ 200, "3", tostring(left) }, { status, headers["x-floodcontrol-limit"],
        headers["x-floodcontrol-remaining"] })
      assert.same({ "1000", tostring(997 + left) }, { headers["x-ratelimit-limit"],
        headers["x-ratelimit-remaining"] })
      assert.truthy(tonumber(headers["x-floodcontrol-reset"]) <= 60)
      assert.truthy(tonumber(headers["x-ratelimit-reset"]) <= 12 * 3600)
    end
    local status, headers = call()
    assert.equal(429, status)
    assert.equal(headers["x-floodcontrol-reset"], headers["retry-after"])
    assert.equal("997", headers["x-ratelimit-remaining"]) -- a refused call costs nothing
    local log = server:log()
    assert.same({ "429", false }, { log[4].code, log[4].committed })
    server:advance(60)
    assert.equal(200, (call()))
  end)

  it("names the time at which a day is over", function()
    start "1/day"
    assert.equal(200, (call()))
    local status, headers = call()
    assert.same({ 429, "Wed, 25 Nov 2026 00:00:00 GMT" }, { status, headers["retry-after"] })
    server:advance(12 * 3600)
    assert.equal(200, (call()))
  end)

  it("is refused when it is none", function()
    start()
    local wrong, err = core.sandbox.start { quota = "many" }
    assert.is_nil(wrong)
    assert.truthy(err.message:find("`many`", 1, true))
  end)
end)
