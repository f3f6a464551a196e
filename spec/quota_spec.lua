-- Quotas as a script meets them.
local core = require "icrm.core"
local icrm = require "icrm"
local times = require "icrm.cli.times"

describe("a quota", function()
  local server, crm

  local function start(options, more)
    server = assert(core.sandbox.start(options))
    local target = { url = server:url(), username = server:username(), access_key = server:key() }
    for name, value in pairs(more or {}) do
      target[name] = value
    end
    target.site = "spec:" .. server:url()
    crm = icrm.connect(target)
  end

  after_each(function()
    if crm then
      crm:close()
    end
    server:stop()
    crm = nil
  end)

  local function rows(n)
    local list = {}
    for i = 1, n do
      list[i] = i
    end
    return list
  end

  it("is forecast: when it ends, and where it stops", function()
    start({}, { rate = "60/min, 7200/day" })
    local f = crm:forecast(12400, 20)
    assert.same({ 12400, 1, 7198 }, { f.calls, f.stops, f.first_calls }) -- a login was 2
    assert.truthy(f.first_seconds > 119 * 60 and f.first_seconds < 124 * 60)
    assert.truthy(f.seconds > 24 * 3600 and f.seconds < 28 * 3600)
    assert.is_true(f.by_quota)
    f = crm:forecast(5000, 20)
    assert.same({ 0, 5000 }, { f.stops, f.first_calls })
    assert.truthy(f.seconds > 82 * 60 and f.seconds < 86 * 60)
    assert.equal(0, crm:forecast(0).seconds)
  end)

  it("is forecast at the speed that was seen, where nothing else limits", function()
    start({ latency_ms = 20 }, { lanes = 2 })
    assert.is_nil(crm:forecast(5000).calls_per_s)
    crm:describe "Accounts"
    local f = crm:forecast(5000)
    assert.truthy(f.call_seconds >= 0.02)
    assert.truthy(math.abs(f.seconds - 5000 * f.call_seconds / 2) < 1)
    assert.is_false(f.by_quota)
  end)

  it("is kept to, and takes as long as forecast", function()
    start({ quota = "30/s" }, { rate = "20/s", lanes = 4 })
    crm:describe "Accounts"
    local f = crm:forecast(80)
    local started = core.clock()
    icrm.map(rows(80), function() crm:call "listtypes" end)
    local took = core.clock() - started
    assert.truthy(took > 0.8 * f.seconds and took < 1.3 * f.seconds + 0.3, took .. " " .. f.seconds)
    for _, event in ipairs(server:log()) do
      assert.equal("", event.code)
    end
  end)

  it("of the server's headers is kept to", function()
    start({ quota = "15/s" }, { lanes = 3 })
    local before = #server:log()
    icrm.map(rows(40), function() crm:call "listtypes" end)
    local refused = 0
    for _, event in ipairs(server:log(before)) do
      refused = refused + (event.code == "429" and 1 or 0)
    end
    assert.truthy(refused <= 2, refused) -- replies that overtook each other
  end)

  it("that stays closed too long raises, unsent, and says until when", function()
    start({ quota = "20/day" }, { lanes = 1 })
    local done, ok, err = -1
    repeat
      done = done + 1
      ok, err = pcall(crm.call, crm, "listtypes")
    until not ok or done > 20
    assert.equal(18, done)
    assert.equal("rate_limited", err.kind)
    assert.truthy(err.retry_after > 0 and err.retry_after <= 86400)
    assert.truthy(err.message:find("the CRM's quota is used up until 20", 1, true))
    assert.equal(20, #server:log())
    local started = core.clock()
    assert.falsy(pcall(function() return crm:query("SELECT id FROM Accounts"):all() end))
    crm:close() -- logs nobody out: that would be a call
    assert.truthy(core.clock() - started < 1)
    assert.equal(20, #server:log())
  end)

  it("that was used up is known to the next client", function()
    start({}, { rate = "10/h", lanes = 1 })
    for _ = 1, 8 do
      crm:call "listtypes"
    end
    local again = { url = server:url(), username = server:username(), access_key = server:key(),
      site = crm.site, rate = "10/h" }
    local ok, err = pcall(icrm.connect, again)
    assert.falsy(ok)
    assert.equal("rate_limited", err.kind)
    assert.truthy(err.message:find("the quota of 10/h is used up until 20", 1, true))
    assert.equal(10, #server:log())
    again.site = "spec:another " .. server:url()
    icrm.connect(again):close()
  end)

  it("is waited for as long as is said", function()
    start({}, { rate = "6/s", max_wait = 0, lanes = 1 })
    local ok, err
    repeat
      ok, err = pcall(crm.call, crm, "listtypes")
    until not ok
    assert.equal("rate_limited", err.kind)
  end)
end)

describe("times", function()
  it("are short", function()
    assert.same({ "12 s", "3 min 05 s", "2 h 10 min", "5 days" }, { times.span(12),
      times.span(185), times.span(7800), times.span(5 * 86400) })
    local now = os.time { year = 2026, month = 11, day = 24, hour = 22, min = 30, sec = 10 }
    assert.same({ "22:30:20", "23:40", "tomorrow 01:31", "2026-11-27 22:31" }, {
      times.moment(10, now), times.moment(4140, now), times.moment(3 * 3600, now),
      times.moment(3 * 86400, now) })
    assert.matches("^%d%d%d%d%-%d%d%-%d%dT%d%d:%d%d:%d%dZ$", times.stamp(0))
  end)
end)
