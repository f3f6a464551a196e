-- Change sets as a process meets them: killed, interrupted, out of disk.
local core = require "icrm.core"
local helper = require "spec.helper"
local script_crm = require "spec.script_crm"

local ROWS = 120

describe("icrm-lua applying a change set", function()
  local crm, dir

  local function start(options)
    options.fields = { "Accounts.cf_icrm_token:string" }
    crm, dir = script_crm.start(options), helper.tmpdir()
    local lines = { "accountname;bill_city" }
    for i = 1, ROWS do
      lines[#lines + 1] = ("Société %d;Lyon"):format(i)
    end
    helper.write_file(dir .. "/a.csv", table.concat(lines, "\r\n") .. "\r\n")
  end

  after_each(function()
    crm.stop()
  end)

  local function run(code, ...)
    local result = crm.run({ ... }, { cwd = dir })
    assert.equal(code, result.code, result.err)
    return result
  end

  local function plan(...)
    return run(0, "import", "a.csv", "--module", "Accounts", "--tag", "cf_icrm_token",
      "--out", "a.icrm", "--plan-only", ...)
  end

  -- Apply in a process of its own; its exit code is in dir/code when it has ended.
  local function command_apart(command, ...)
    local words = {}
    for name, value in pairs(crm.env) do
      words[#words + 1] = name .. "=" .. helper.quote(value)
    end
    for _, word in ipairs { helper.icrm_lua, command, "a.icrm", "--settle", "0.2", ... } do
      words[#words + 1] = helper.quote(word)
    end
    local pipe = assert(io.popen(("cd %s && { env %s >out 2>err & echo $!; wait $!; "
      .. "echo $? >code; } 2>shell"):format(helper.quote(dir), table.concat(words, " "))))
    local pid = pipe:read "l"
    return {
      kill = function(signal) assert(os.execute(("kill -%s %s"):format(signal, pid))) end,
      kill_if_there = function()
        return os.execute(("kill -KILL %s 2>/dev/null"):format(pid)) or false
      end,
      finish = function()
        pipe:close()
        return tonumber(helper.read_file(dir .. "/code")), helper.read_file(dir .. "/err")
      end,
    }
  end

  local function apply_apart(...)
    return command_apart("apply", "--yes", ...)
  end

  local function wait_until(holds, what)
    local limit = core.clock() + 20
    while not holds() do
      assert(core.clock() < limit, what)
      core.interrupt.wait(0.01)
    end
  end

  local function wait_for(operation, n)
    wait_until(function() return crm.commits(operation) >= n end, "the creates did not come")
  end

  local function ends_of_sessions()
    local n = 0
    for _, event in ipairs(crm.server:log()) do
      n = n + (event.operation == "logout" and 1 or 0)
    end
    return n
  end

  local function accounted_for()
    run(0, "resume", "a.icrm", "--settle", "0.2")
    assert.truthy(run(0, "audit", "a.icrm").out:find(("checked %d, lost 0, duplicates 0, ghosts 0")
      :format(ROWS), 1, true))
    assert.equal(ROWS, crm.commits "create")
  end

  it("is the only one that creates in its modules, so two runs of one file make it once", function()
    start { faults = "at create#25 after_commit stall=2000" }
    for _, out in ipairs { "a.icrm", "b.icrm" } do
      run(0, "import", "a.csv", "--module", "Accounts", "--key", "accountname", "--out", out,
        "--plan-only")
    end
    local apply = apply_apart()
    wait_for("create", 25)
    local other = run(75, "apply", "b.icrm", "--yes").err
    assert.truthy(other:find("records of Accounts are being created already by process %d+ with "
      .. "/.*/a%.icrm, since %d%d%d%d%-%d%d%-%d%d %d%d:%d%d:%d%d; "), other)
    assert.equal(0, (apply.finish()))
    local late = run(0, "apply", "b.icrm", "--yes", "--settle", "0.2").err
    assert.truthy(late:find(("%d of them were in the CRM already"):format(ROWS), 1, true), late)
    assert.equal(ROWS, crm.commits "create")
  end)

  it("killed again and again loses nothing and doubles nothing", function()
    start { faults = "at create#25 after_commit stall=2000; at create#50 after_commit stall=2000; "
      .. "at create#75 after_commit stall=2000" }
    plan()
    for i = 1, 3 do
      local apply = apply_apart()
      wait_for("create", i * 25)
      apply.kill "KILL"
      assert.equal(137, (apply.finish()))
      run(75, "status", "a.icrm")
    end
    accounted_for()
  end)

  it("killed in its resumes as well, while a request hangs, doubles nothing", function()
    start { faults = "at create#25 before_commit stall=8000" }
    plan("--lanes", "4")
    local apply = apply_apart()
    wait_for("create", 24 + 12) -- three lanes go on
    apply.kill "KILL"
    assert.equal(137, (apply.finish()))
    local killed = 0
    for _ = 1, 2 do -- sessions that are idle end at once, the one that hangs does not
      local ended = ends_of_sessions()
      local resume = command_apart "resume"
      wait_until(function() return ends_of_sessions() > ended end, "no session was ended")
      killed = killed + (resume.kill_if_there() and 1 or 0) -- it may have come through
      resume.finish()
    end
    assert.is_true(killed > 0)
    accounted_for()
  end)

  -- The end of the terminal and of the machine are the same wish.
  for signal, what in pairs { INT = "Ctrl-C", TERM = "SIGTERM", HUP = "SIGHUP" } do
    it("on the first " .. what .. " waits for answers and says how to go on", function()
      start { latency_ms = 40 }
      plan()
      local apply = apply_apart()
      wait_for("create", 20)
      apply.kill(signal)
      local code, err = apply.finish()
      assert.equal(130, code, err)
      assert.truthy(err:find("to go on: icrm-lua resume " .. dir .. "/a.icrm", 1, true))
      local status = run(75, "status", "a.icrm").err
      assert.truthy(status:find("planned +done") and not status:find("sending", 1, true), status)
      accounted_for()
    end)
  end

  it("on the second Ctrl-C ends at once", function()
    start { latency_ms = 10, faults = "at create#10 after_commit stall=60000" }
    plan()
    local apply = apply_apart()
    wait_for("create", 10)
    apply.kill "INT"
    core.interrupt.wait(0.3)
    local started = core.clock()
    apply.kill "INT"
    assert.equal(130, (apply.finish()))
    assert.truthy(core.clock() - started < 2)
  end)

  it("is looked at by others meanwhile, and applied by no other", function()
    start { faults = "at create#30 after_commit stall=5000" }
    plan()
    local apply = apply_apart()
    wait_for("create", 30)
    assert.truthy(run(0, "show", "a.icrm").out:find("Société 1", 1, true))
    run(0, "show", "a.icrm", "-o", "json")
    assert.truthy(run(75, "status", "a.icrm").err:find("create Accounts", 1, true))
    assert.truthy(run(75, "resume", "a.icrm").err:find("in use by another process", 1, true))
    apply.kill "KILL"
    apply.finish()
    accounted_for()
  end)

  it("stops when the disk is full", function()
    start {}
    plan()
    local words = {}
    for name, value in pairs(crm.env) do
      words[#words + 1] = name .. "=" .. helper.quote(value)
    end
    -- No file may grow beyond 64 kB: the log of the database soon would.
    local full = helper.run({ "sh", "-c", "trap '' XFSZ; ulimit -f 128; exec env "
      .. table.concat(words, " ") .. " " .. helper.quote(helper.icrm_lua)
      .. " apply a.icrm --yes" }, { cwd = dir })
    assert.equal(74, full.code, full.err)
    assert.truthy(crm.commits "create" < ROWS)
    accounted_for()
  end)

  it("says how many changes took more than one attempt", function()
    start { faults = "at create#10 before_commit reset; at create#20 before_commit reset" }
    plan()
    assert.truthy(run(0, "apply", "a.icrm", "--yes", "--settle", "0.2").err:find(
      "2 changes took more than one attempt, each after it was proven not to be done", 1, true))
    assert.equal(ROWS, crm.commits "create")
  end)

  it("says with its exit code why it stopped", function()
    start { faults = "at create#30 after_commit reset; p=1 query status=429 retry_after=0" }
    plan()
    local env = crm.env
    crm.env = { ICRM_URL = env.ICRM_URL, ICRM_USERNAME = env.ICRM_USERNAME,
      ICRM_ACCESS_KEY = "wrong" }
    run(6, "apply", "a.icrm", "--yes")
    crm.env = env
    run(7, "apply", "a.icrm", "--yes")
    run(1, "apply", "nothing.icrm", "--yes")
    run(2, "apply")
    crm.stop()
    run(75, "apply", "a.icrm", "--yes")
  end)

  it("needs the host said where the profile is protected", function()
    start {}
    plan()
    local config = helper.tmpdir()
    assert(os.execute("mkdir " .. config .. "/icrm"))
    local profiles = config .. "/icrm/profiles.lua"
    helper.write_file(profiles, ("return { default = { url = %q, username = %q, "
      .. "access_key = %q, protected = true } }"):format(crm.env.ICRM_URL,
      crm.env.ICRM_USERNAME, crm.env.ICRM_ACCESS_KEY))
    assert(os.execute("chmod 600 " .. profiles))
    crm.env = { XDG_CONFIG_HOME = config }
    assert.truthy(run(77, "apply", "a.icrm", "--yes").err:find("--confirm-host 127.0.0.1", 1, true))
    run(77, "apply", "a.icrm", "--yes", "--confirm-host", "crm.example.fr")
    assert.equal(0, crm.commits "create")
    run(0, "apply", "a.icrm", "--yes", "--confirm-host", "127.0.0.1")
    assert.equal(ROWS, crm.commits "create")
  end)

  it("has the failed rows in a file, to be run again", function()
    start { faults = "at create#7 error=ACCESS_DENIED" }
    plan()
    local result = run(4, "apply", "a.icrm", "--yes", "--errors", "failed.csv", "--progress",
      "json")
    assert.truthy(result.err:find("1 row in failed.csv", 1, true))
    assert.truthy(result.err:find('"failed":1', 1, true))
    local again = helper.read_file(dir .. "/failed.csv")
    assert.matches('^accountname;bill_city;icrm_code;icrm_message\r\n'
      .. 'Société %d+;Lyon;"ACCESS_DENIED";".-"\r\n$', again)
    run(4, "apply", "a.icrm", "--yes") -- says it again, sends nothing
    run(0, "import", "failed.csv", "--module", "Accounts", "--tag", "cf_icrm_token", "--yes")
    assert.equal(ROWS, crm.commits "create")
  end)
end)
