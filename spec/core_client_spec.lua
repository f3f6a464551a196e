local core = require "icrm.core"
local errors = require "icrm.error"
local helper = require "spec.helper"

describe("icrm.core.client", function()
  local sandbox, client

  local function connect(options)
    local all = { url = sandbox:url(), username = sandbox:username(),
      key = core.credentials(sandbox:key()), lanes = 1 }
    for name, value in pairs(options or {}) do
      all[name] = value
    end
    return core.client(all)
  end

  -- Wait for that result and no other: its text and status, or nil, err, status.
  local function wait(of, id)
    while true do
      local got, reply, err, status = of:next()
      if got then
        assert.equal(id, got)
        if reply then
          return tostring(reply), reply:status()
        end
        return nil, err, status
      end
      assert(of:step(20))
    end
  end

  local function call(options)
    return wait(client, assert(client:submit(options)))
  end

  local function read(id)
    return call { operation = "retrieve", method = "GET", params = { id = id } }
  end

  local function create(title, more)
    local options = { operation = "create", params = {
      { "elementType", "HelpDesk" },
      { "element", ('{"ticket_title":"%s","ticketstatus":"Open","assigned_user_id":"19x1"}')
        :format(title) },
    } }
    for name, value in pairs(more or {}) do
      options[name] = value
    end
    return assert(client:submit(options))
  end

  local function operations()
    local list = {}
    for _, event in ipairs(sandbox:log()) do
      list[#list + 1] = event.operation
    end
    return list
  end

  before_each(function()
    sandbox = assert(core.sandbox.start {})
    client = assert(connect())
  end)

  after_each(function()
    client:close()
    sandbox:stop()
    assert.equal(0, core.open_count())
  end)

  it("logs in when it is asked to, or when a call waits", function()
    assert.is_nil(client:session())
    assert.same({}, operations())
    assert.equal("true", (wait(client, client:login())))
    assert.same({ "getchallenge", "login" }, operations())
    local session = client:session()
    assert.matches("^19x%d+$", session.user_id)
    assert.equal("6.0.0", session.vtiger_version)
    assert.is_true(math.abs(session.server_time_offset) <= 2)
    assert.is_nil(session.name)
  end)

  it("gives the text of the result and how it was had", function()
    local body, status = wait(client, create "été \\\\ '&=+")
    local id = body:match '"id":"(%d+x%d+)"'
    assert.equal("{", body:sub(1, 1))
    assert.equal("}", body:sub(-1))
    assert.same({ 1, 1, 200 }, { status.lane, status.attempts, status.status })
    assert.is_true(status.seconds > 0 and status.session == 1)
    assert.truthy(read(id):find("ticket_title", 1, true))
  end)

  it("returns the server's refusal as an error", function()
    assert(call { operation = "listtypes", method = "GET" })
    local body, err, status = read "9x999999"
    assert.is_nil(body)
    assert.is_true(errors.is(err, "refused"))
    assert.equal("ACCESS_DENIED", err.code)
    assert.equal("retrieve", err.operation)
    assert.equal(1, status.attempts)
  end)

  it("sends nothing before the next step", function()
    wait(client, client:login())
    local id = create "later"
    assert.same({ "getchallenge", "login" }, operations())
    assert.truthy((wait(client, id)))
  end)

  it("holds a call until it is released", function()
    local id = create("held", { hold = true })
    assert.is_nil(client:held())
    while client:step(5) == 0 do end
    local held, session = client:held()
    assert.same({ id, 1 }, { held, session })
    assert.equal(0, client:step(0.02))
    assert.same({ "getchallenge", "login" }, operations())
    assert.is_true(client:release(id))
    assert.truthy((wait(client, id)))
    assert.is_false(client:release(id))
  end)

  it("gives up a call that was not sent", function()
    local id = create("never", { hold = true })
    assert.is_true(client:cancel(id))
    local body, err = wait(client, id)
    assert.is_nil(body)
    assert.is_true(errors.is(err, "canceled"))
    assert.is_false(client:cancel(id))
  end)

  it("renews a session that has expired", function()
    wait(client, client:login())
    sandbox:advance(90000)
    local body, status = wait(client, create "after a long lunch")
    assert.truthy(body)
    assert.same({ 2, 2 }, { status.attempts, status.session })
    assert.equal(1, client:stats().renewals)
  end)

  it("fences a session by logout", function()
    wait(client, create "first")
    local secret = client:session_secret(1)
    assert(call { operation = "logout", session = 1 })
    local other <close> = assert(connect())
    local old = other:import_session(secret)
    local body, err = wait(other, assert(other:submit {
      operation = "listtypes", method = "GET", session = old }))
    assert.is_nil(body)
    assert.same({ "auth", "INVALID_SESSIONID" }, { err.kind, err.code })
    assert.equal(0, other:stats().logins)
  end)

  it("moves all clients of the state with one step", function()
    local other <close> = assert(connect())
    local id = other:login()
    wait(client, client:login())
    local deadline = os.time() + 20
    local got
    repeat
      client:step(0.1)
      got = other:next()
    until got or os.time() > deadline
    assert.equal(id, got)
  end)

  it("uses several lanes when there is work for them", function()
    client:close()
    sandbox:stop()
    sandbox = assert(core.sandbox.start { latency_ms = 20 })
    client = assert(connect { lanes = 4 })
    local waiting = {}
    for i = 1, 24 do
      waiting[create("n" .. i)] = true
    end
    while next(waiting) do
      local id, body = client:next()
      if id then
        assert.truthy(body)
        waiting[id] = nil
      else
        client:step(5)
      end
    end
    assert.equal(4, client:stats().lanes)
    local sessions = {}
    for _, event in ipairs(sandbox:log()) do
      sessions[event.session] = true
    end
    sessions[""] = nil
    local count = 0
    for _ in pairs(sessions) do
      count = count + 1
    end
    assert.equal(4, count)
  end)

  it("refuses what cannot be sent, with the cure", function()
    for params, text in pairs {
      [{ operation = "x" }] = "belongs to the protocol",
      [{ SESSIONNAME = "x" }] = "belongs to the protocol",
      [{ [""] = "x" }] = "empty name",
    } do
      local id, err = client:submit { operation = "create", params = params }
      assert.is_nil(id)
      assert.equal("input", err.kind)
      assert.truthy(err.message:find(text, 1, true))
    end
    local id, err = client:submit { operation = "query", method = "GET",
      params = { query = ("x"):rep(8000) } }
    assert.is_nil(id)
    assert.truthy(err.message:find("smaller portions", 1, true))
    id, err = client:submit { operation = "create", parts = {
      { name = "filename", filename = "a", path = "/nowhere/a" } } }
    assert.is_nil(id)
    assert.truthy(err.message:find("/nowhere/a", 1, true))
    assert.same({}, operations())
  end)

  it("raises on misuse", function()
    for _, options in ipairs {
      {}, { operation = 1 }, { operation = "a", method = "PUT" },
      { operation = "a", params = { x = {} } }, { operation = "a", params = { x = true } },
      { operation = "a", params = { "x" } }, { operation = "a", timeout = -1 },
      { operation = "a", timeout = "soon" }, { operation = "a", parts = { {} } },
      { operation = "a", method = "GET", parts = { { name = "x", data = "y" } } },
    } do
      assert.has_error(function() client:submit(options) end)
    end
    assert.has_error(function() connect { lanes = 0 } end)
    assert.has_error(function() connect { url = 5 } end)
    assert.has_error(function() connect { key = "a string" } end)
    assert.has_error(function() client:session_secret(99) end)
  end)

  it("refuses settings that would leak or cannot work", function()
    for options, text in pairs {
      [{ url = "http://crm.example.fr" }] = "unencrypted",
      [{ url = "crm.example.fr" }] = "https://",
      [{ url = "https://crm.example.fr", insecure = true }] = "insecure",
      [{ ca_file = "/nowhere.pem" }] = "/nowhere.pem",
      [{ rate = "many" }] = "many",
    } do
      local none, err = connect(options)
      assert.is_nil(none)
      assert.equal(options.rate and "input" or "config", err.kind)
      assert.truthy(err.message:find(text, 1, true), err.message)
    end
  end)

  it("explains a wrong key after one more try", function()
    local other <close> = assert(connect { key = core.credentials "wrong" })
    local body, err = wait(other, other:login())
    assert.is_nil(body)
    assert.equal("auth", err.kind)
    assert.truthy(err.message:find("Mes préférences", 1, true))
    assert.same({ "getchallenge", "login", "getchallenge", "login" }, operations())
  end)

  it("can be closed at any time, and twice", function()
    create "in flight"
    client:step(0.01)
    client:close()
    client:close()
    assert.has_error(function() client:step(0) end,
      "attempt to use a closed icrm.Client")
    assert(connect()):login() -- and forgotten
    collectgarbage()
    collectgarbage()
    assert.equal(0, core.open_count())
  end)

  it("dies with its state in the middle of a transfer", function()
    local result = helper.icrm { "-e", [[
      local core = require "icrm.core"
      local sandbox = assert(core.sandbox.start { latency_ms = 300 })
      client = assert(core.client { url = sandbox:url(),
        username = sandbox:username(), key = core.credentials(sandbox:key()) })
      client:login()
      client:submit { operation = "listtypes", method = "GET" }
      client:step(0.05)
      print(client:stats().in_flight)
    ]] }
    assert.same({ "1\n", "", 0 }, { result.out, result.err, result.code })
  end)
end)

describe("icrm.core.credentials", function()
  it("keep the key from Lua", function()
    local key = core.credentials "s3cr3t"
    assert.equal("icrm.Credentials", tostring(key))
    assert.equal("icrm.Credentials", getmetatable(key))
    assert.is_nil((select(2, pcall(function() return key.key end))):match "s3cr3t")
    local none, err = core.credentials ""
    assert.is_nil(none)
    assert.equal("config", err.kind)
  end)

  it("are read from the environment, which stays the host's", function()
    local result = helper.run({ "lua5.4", helper.tmpfile [[
      package.cpath = "build/lib/?.so;" .. package.cpath
      local core = require "icrm.core"
      print(core.credentials_from_env "MY_KEY", os.getenv "MY_KEY")]] },
      { env = { MY_KEY = "s3cr3t" } })
    assert.equal("icrm.Credentials\ts3cr3t\n", result.out)
  end)

  it("come out of the environment of the runner, which keeps nothing", function()
    local result = helper.icrm({ "-e", [[
      local core = require "icrm.core"
      print(core.credentials_from_env "ICRM_ACCESS_KEY", core.credentials_from_env "NO_KEY")
      print(os.getenv "ICRM_ACCESS_KEY")
      local environ = io.open "/proc/self/environ" -- root alone may
      print(environ and environ:read "a":find("s3cr3t", 1, true))
      print((io.popen "env":read "a"):find("s3cr3t", 1, true))
    ]] }, { env = { ICRM_ACCESS_KEY = "s3cr3t" } })
    assert.equal("icrm.Credentials\tnil\nnil\nnil\nnil\n", result.out)
  end)

  it("come from a command or a descriptor", function()
    assert.truthy(core.credentials_from_command "echo s3cr3t")
    local none, err = core.credentials_from_command "exit 3"
    assert.is_nil(none)
    assert.truthy(err.message:find("exit code 3", 1, true))
    local result = helper.icrm({ "-e", [[
      print(require "icrm.core".credentials_from_fd(0))]] }, { stdin = "s3cr3t\n" })
    assert.equal("icrm.Credentials\n", result.out)
  end)
end)
