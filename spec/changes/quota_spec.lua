-- Change sets under a quota, as a person meets them: told before, paused, stopped
-- for the day, resumed.
local core = require "icrm.core"
local helper = require "spec.helper"
local json = require "icrm.json"
local script_crm = require "spec.script_crm"

local ROWS = 120

describe("icrm-lua under a quota", function()
  local crm, dir

  local function forget() -- what was spent, as a day that has passed does
    crm.env.XDG_STATE_HOME = helper.tmpdir()
  end

  local function start(options)
    options.fields = { "Accounts.cf_icrm_token:string" }
    crm, dir = script_crm.start(options), helper.tmpdir()
    forget()
    local lines = { "accountname" }
    for i = 1, ROWS do
      lines[#lines + 1] = ("Société %d"):format(i)
    end
    helper.write_file(dir .. "/a.csv", table.concat(lines, "\n") .. "\n")
  end

  -- From now on the quota is stated in a profile.
  local function state(rate)
    local config = helper.tmpdir()
    assert(os.execute("mkdir " .. config .. "/icrm"))
    local path = helper.write_file(config .. "/icrm/profiles.lua", ("return { default = { "
      .. "url = %q, username = %q, access_key = %q, rate = %q } }"):format(crm.server:url(),
      crm.server:username(), crm.server:key(), rate))
    assert(os.execute("chmod 600 " .. path))
    crm.env = { XDG_CONFIG_HOME = config, XDG_STATE_HOME = crm.env.XDG_STATE_HOME }
  end

  after_each(function()
    crm.stop()
  end)

  local function run(code, ...)
    local result = crm.run({ ... }, { cwd = dir })
    assert.equal(code, result.code, result.err)
    return result
  end

  local function plan()
    return run(0, "import", "a.csv", "--module", "Accounts", "--tag", "cf_icrm_token",
      "--out", "a.icrm", "--plan-only")
  end

  local function has(text, what)
    assert.truthy(text:find(what, 1, true), text)
  end

  -- The rows by state; none is lost.
  local function states()
    local n, shown = {}, run(0, "show", "a.icrm", "-o", "json").out
    local all = 0
    for _, change in ipairs(json.decode(shown).changes) do
      n[change.state] = (n[change.state] or 0) + 1
      all = all + 1
    end
    assert.equal(ROWS, all)
    return n
  end

  local function accounted_for()
    assert.same({ done = ROWS }, states())
    has(run(0, "audit", "a.icrm").out,
      ("checked %d, lost 0, duplicates 0, ghosts 0"):format(ROWS))
    assert.equal(ROWS, crm.commits "create")
  end

  local function refused()
    local n = 0
    for _, event in ipairs(crm.server:log()) do
      n = n + (event.code == "429" and 1 or 0)
    end
    return n
  end

  it("stops for the day, and goes on the next", function()
    start { quota = "100/day" }
    plan()
    local result = run(7, "apply", "a.icrm", "--yes")
    assert.matches("\nstopped: the CRM.- until 20", result.err)
    assert.matches("to go on, from .-: icrm%-lua resume /%S+/a%.icrm\n", result.err)
    local first = states()
    assert.equal(ROWS, first.done + first.planned + (first.unknown or 0))
    assert.truthy(first.done > 60 and first.done < 100)
    local calls = #crm.server:log()
    assert.same({ 100, 0 }, { calls - refused(), refused() })

    result = run(7, "resume", "a.icrm") -- too early
    assert.matches("rate_limited: the CRM.- until 20", result.err)
    run(7, "query", "SELECT id FROM Accounts")
    assert.equal(calls, #crm.server:log())

    crm.server:advance(86400)
    forget()
    run(0, "resume", "a.icrm", "--settle", "0.2")
    crm.server:advance(86400)
    forget()
    accounted_for()
  end)

  local function stops_at_429(retry_after)
    start { faults = ("at create#30 status=429 retry_after=%s"):format(retry_after) }
    plan()
    run(7, "apply", "a.icrm", "--yes", "--settle", "0.2")
    local found = states()
    assert.truthy(found.unknown == 1 and found.planned > 0)
    local calls = #crm.server:log()
    has(run(7, "resume", "a.icrm").err, "the CRM asked to wait until 20")
    assert.equal(calls, #crm.server:log())
    forget()
    run(0, "resume", "a.icrm", "--settle", "0.2")
    accounted_for()
  end

  it("stops when it is told to wait for hours", function()
    stops_at_429 "7200"
  end)

  it("stops when it is told to wait until a time", function()
    stops_at_429(('"%s"'):format(os.date("!%a, %d %b %Y %H:%M:%S GMT", os.time() + 7200)))
  end)

  it("does not think that the day begins anew with each start", function()
    start {}
    plan()
    state "50/h"
    has(run(7, "apply", "a.icrm", "--yes").err, "the quota of 50/h is used up until 20")
    local before = #crm.server:log()
    for _ = 1, 2 do
      run(7, "resume", "a.icrm")
      assert.equal(before, #crm.server:log())
    end
    state "80/h, 7200/day" -- another contract; the hour is the same
    has(run(7, "resume", "a.icrm").err, "the quota of 80/h is used up")
    assert.equal(before + 30, #crm.server:log())
    state "7200/day"
    run(0, "resume", "a.icrm")
    accounted_for()
  end)

  it("stops and goes on again and again, never beyond the quota", function()
    start {}
    plan()
    state "40/2s"
    local starts, before = 1, #crm.server:log()
    run(7, "apply", "a.icrm", "--yes", "--max-wait", "1")
    repeat
      local result = crm.run({ "resume", "a.icrm", "--max-wait", "1" }, { cwd = dir })
      starts = starts + 1
      assert.truthy(result.code == 7 or result.code == 0, result.err)
    until result.code == 0 or starts > 2000
    assert.truthy(starts > 2)
    local events = crm.server:log(before)
    for i = 41, #events do
      local span = events[i].time - events[i - 40].time
      assert.truthy(span > 1.9, ("%d: %.3f"):format(i, span))
    end
    accounted_for()
  end)

  it("says before it asks how many calls it needs and until when", function()
    start {}
    state "60/min, 7200/day"
    local text = plan().err
    has(text, ("\n%d calls: about "):format(ROWS + 3)) -- and looks for
      -- another copy, what the server is, and the first record
    assert.matches(" by the quota of 60/min, 7200/day, until %d%d:%d%d\n", text)
    has(run(0, "show", "a.icrm").out, ("%d calls to send it"):format(ROWS + 4))
    state "60/min, 100/day"
    local again = crm.run({ "apply", "a.icrm" }, { cwd = dir }).err
    assert.matches(("%d calls%%. The quota of 60/min, 100/day lets %%d+ of them through, "
      .. "until %%d%%d:%%d%%d %%(%%d+ of %d changes%%); then this stops%%.\n")
      :format(ROWS + 5, ROWS), again)
    assert.matches("To go on, from tomorrow %d%d:%d%d: icrm%-lua resume /%S+/a%.icrm; once, done "
      .. "by tomorrow %d%d:%d%d at the earliest%.\n", again)
    has(again, "nothing was sent; to send what is planned in a.icrm: icrm-lua apply " .. dir
      .. "/a.icrm --yes")
  end)

  it("tells programs what is to come, and when it pauses", function()
    start {}
    plan()
    state "60/3s"
    local events = {}
    for line in run(0, "apply", "a.icrm", "--yes", "--progress", "json").err:gmatch "%b{}" do
      local event = json.decode(line)
      events[event.event] = events[event.event] or event
    end
    assert.same({ ROWS, ROWS + 4, 0 },
      { events.start.total, events.start.calls, events.start.stops })
    assert.truthy(events.start.seconds >= 3)
    assert.matches("^20%d%d%-%d%d%-%d%dT.*Z$", events.start["until"])
    assert.equal("the quota of 60/3s is used up", events.wait.cause)
    assert.truthy(events.wait.waiting >= 1 and events.wait.waiting < 3.1)
    assert.matches("^20%d%d%-%d%d%-%d%dT.*Z$", events.wait["until"])
    assert.equal(ROWS, events["end"].done)
  end)

  it("ends at once on Ctrl-C in a pause", function()
    start {}
    plan()
    state "60/5min"
    local words = {}
    for name, value in pairs(crm.env) do
      words[#words + 1] = name .. "=" .. helper.quote(value)
    end
    local pipe = assert(io.popen(("cd %s && { env %s %s apply a.icrm --yes --progress json "
      .. ">out 2>err & echo $!; wait $!; echo $? >code; } 2>shell"):format(helper.quote(dir),
      table.concat(words, " "), helper.quote(helper.icrm_lua))))
    local pid, limit = pipe:read "l", core.clock() + 30
    local err = dir .. "/err"
    while not (core.files.exists(err) and helper.read_file(err):find('"wait"', 1, true)) do
      assert(core.clock() < limit, "no pause came")
      core.interrupt.wait(0.02)
    end
    local before = core.clock()
    assert(os.execute("kill -INT " .. pid))
    pipe:close()
    assert.equal("130\n", helper.read_file(dir .. "/code"))
    assert.truthy(core.clock() - before < 2)
    has(helper.read_file(err), "to go on: icrm-lua resume " .. dir .. "/a.icrm")
    local found = states()
    assert.equal(ROWS, found.done + found.planned)
    state "7200/day"
    run(0, "resume", "a.icrm")
    accounted_for()
  end)
end)

describe("icrm-lua", function()
  local crm, dir

  before_each(function()
    dir = helper.tmpdir()
    helper.write_file(dir .. "/a.csv", "accountname\n" .. ("Société\n"):rep(1)
      .. table.concat({ "B", "C", "D", "E", "F", "G", "H", "I", "J", "K" }, "\n") .. "\n")
  end)

  after_each(function()
    crm.stop()
  end)

  it("tells a job that stopped with rows left from one that finished with failed rows", function()
    crm = script_crm.start { faults = "at create#1..6 error=MANDATORY_FIELDS_MISSING" }
    local words = { "import", "a.csv", "--module", "Accounts", "--out", "a.icrm", "--yes",
      "--max-errors", "2" }
    local result = crm.run(words, { cwd = dir })
    assert.equal(75, result.code, result.err)
    for _, text in ipairs { "stopped: after ", "to go on: icrm-lua resume " .. dir
      .. "/a.icrm", "icrm-lua errors " .. dir .. "/a.icrm" } do
      assert.truthy(result.err:find(text, 1, true), result.err)
    end
    assert.equal(75, crm.run({ "status", "a.icrm" }, { cwd = dir }).code)
    result = crm.run({ "resume", "a.icrm" }, { cwd = dir })
    assert.equal(4, result.code, result.err)
    assert.equal(4, crm.run({ "status", "a.icrm" }, { cwd = dir }).code)
  end)

  it("names the plan that Ctrl-C at the question leaves", function()
    crm = script_crm.start {}
    if not os.execute "script -qec true /dev/null >/dev/null 2>&1" then
      pending "this machine has no pseudo-terminals (/dev/pts)"
      return
    end
    local words = { "env" }
    for name, value in pairs(crm.env) do
      words[#words + 1] = name .. "=" .. helper.quote(value)
    end
    words[#words + 1] = helper.quote(helper.icrm_lua)
      .. " import a.csv --module Accounts --out a.icrm"
    local terminal = assert(io.popen(("cd %s && script -qec %s /dev/null >shown 2>&1; "
      .. "echo $? >code"):format(helper.quote(dir), helper.quote(table.concat(words, " "))), "w"))
    local limit, shown = core.clock() + 30, dir .. "/shown"
    while not (core.files.exists(shown) and helper.read_file(shown):find("[y/N]", 1, true)) do
      assert(core.clock() < limit, "no question came")
      core.interrupt.wait(0.02)
    end
    terminal:write "\3"
    terminal:close()
    assert.equal("130\n", helper.read_file(dir .. "/code"))
    assert.truthy(helper.read_file(shown):find(
      "nothing was sent; to send what is planned in a.icrm: icrm-lua apply a.icrm", 1, true))
    assert.equal(0, crm.commits "create")
    assert.equal(0, crm.run({ "apply", "a.icrm", "--yes" }, { cwd = dir }).code)
  end)
end)
