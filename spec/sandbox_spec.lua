-- The sandbox CRM, seen from the socket. The recorded exchanges are replayed
-- by transcripts_spec.lua; here is what no recording shows.
local client = require "spec.sandbox_client"
local core = require "icrm.core"
local helper = require "spec.helper"
local icrm = require "icrm"
local raw_http = require "spec.raw_http"
local sandbox = require "icrm.sandbox"
local socket = require "socket"

local TICKET = { ticket_title = "Titre", assigned_user_id = "19x1", ticketstatus = "Open",
  ticketpriorities = "Low" }

local function ticket(changes)
  local element = {}
  for name, value in pairs(TICKET) do
    element[name] = value
  end
  for name, value in pairs(changes or {}) do
    element[name] = value
  end
  return element
end

describe("the sandbox", function()
  local crm

  local function start(options)
    crm = client.start(options)
    crm:login()
    return crm
  end

  after_each(function()
    if crm then
      crm:close()
      crm = nil
    end
  end)

  describe("is private:", function()
    it("listens on 127.0.0.1 alone", function()
      start()
      local port = crm.sandbox:url():match ":(%d+)/"
      local lines = helper.read_file "/proc/net/tcp"
      local hex = (":%04X"):format(tonumber(port))
      assert.truthy(lines:find("0100007F" .. hex, 1, true))
      assert.is_nil(lines:find("00000000" .. hex, 1, true))
    end)

    it("refuses a Host that is another's", function()
      start()
      local connection = assert(socket.connect("127.0.0.1",
        tonumber(crm.sandbox:url():match ":(%d+)/")))
      local path = crm.sandbox:url():match "//[^/]*(/.*)$"
      connection:send("GET " .. path .. " HTTP/1.1\r\nHost: evil.example\r\n"
        .. "Connection: close\r\n\r\n")
      assert.truthy(connection:receive "*l":find " 403 ")
      connection:close()
    end)

    it("answers under its secret path alone, and by both names", function()
      start()
      local url = crm.sandbox:url()
      assert.truthy(url:find "/%x+/wstiger%.php$")
      assert.are.equal(32, #url:match "/(%x+)/")
      assert.are.equal(404, (raw_http.request(url:gsub("/%x+/", "/"), "GET")))
      local guess = url:gsub("/%x+/", "/" .. ("0"):rep(32) .. "/")
      assert.are.equal(404, (raw_http.request(guess, "GET")))
      local other = url:gsub("wstiger", "webservice")
      assert.are.equal(200, (raw_http.request(other .. "?operation=listtypes", "GET")))
    end)

    it("has a new key and a new path with every start in memory", function()
      local one, two = client.start(), client.start()
      assert.are_not.equal(one.sandbox:key(), two.sandbox:key())
      assert.are_not.equal(one.sandbox:url():match "/%x+/", two.sandbox:url():match "/%x+/")
      one:close()
      two:close()
    end)
  end)

  describe("as Initiative", function()
    it("logs in as the seed says", function()
      start()
      local reply = crm:login "prefix/admin"
      assert.truthy(reply.result.sessionName:find "^prefix%-")
      reply.result.sessionName = nil
      assert.are.same({ userId = "19x1", version = "0.22", VtigerVersion = "6.0.0" },
        reply.result)
    end)

    it("describes and stores a ticket as the seed does", function()
      start()
      local described = crm:get("describe", { elementType = "HelpDesk" })
      assert.are.equal("9", described.idPrefix)
      local made = crm:create("HelpDesk", ticket { hours = "2,5", nosuch = "x" })
      assert.truthy(made.id:find "^9x%d+$")
      assert.truthy(made.ticket_no:find "^TT%d+$")
      assert.are.equal("2.00000000", made.hours)
      assert.is_nil(made.nosuch)
      assert.is_nil(made.label)
      assert.are.same(made, crm:get("retrieve", { id = made.id }))
      assert.are.same({ made }, crm:query("SELECT * FROM HelpDesk WHERE id = " .. made.id .. ";"))
    end)

    it("takes AND and OR from left to right", function()
      start { empty = true }
      crm:create("HelpDesk", ticket { ticketstatus = "Open", ticketpriorities = "High" })
      local query = "SELECT count(*) FROM HelpDesk WHERE ticketstatus = 'Open' OR "
        .. "ticketstatus = 'Closed' AND ticketpriorities = 'Low';"
      assert.are.same({ { count = "0" } }, crm:query(query))
      crm:close()
      start { empty = true, profile = "vtiger8" }
      crm:create("HelpDesk", ticket { ticketstatus = "Open", ticketpriorities = "High" })
      assert.are.same({ { count = "1" } }, crm:query(query))
    end)

    it("needs no relatedLabel", function()
      start { empty = true }
      local account = crm:create("Accounts", { accountname = "A", assigned_user_id = "19x1" })
      crm:create("Contacts", { lastname = "B", assigned_user_id = "19x1", account_id = account.id })
      local rows = crm:get("retrieve_related", { id = account.id, relatedType = "Contacts" })
      assert.are.same({ "B" }, { rows[1].lastname, rows[2] })
    end)

    it("reads filename_attachment and related_to", function()
      start { empty = true }
      local made = crm:create("HelpDesk", ticket())
      local document = crm:post("create", {
        elementType = "Documents",
        element = { note_title = "Photo", assigned_user_id = "19x1", filelocationtype = "I",
          filestatus = "1" },
        filename_attachment = "JVBERi1kdW1teQ==",
        filename_attachment_name = "bon de livraison",
        related_to = made.id,
      })
      assert.are.equal("bon_de_livraison.pdf", document.filename)
      assert.are.equal("10", document.filesize)
      local rows = crm:get("retrieve_related", { id = made.id, relatedType = "Documents" })
      assert.are.equal(document.id, rows[1].id)
      local files = crm:get("files_retrieve", { id = document.imageattachmentids })
      assert.are.equal("JVBERi1kdW1teQ==", files[1].filecontents)
    end)
  end)

  describe("stores", function()
    it("nothing of what is refused", function()
      start { empty = true }
      local _, err = crm:create("HelpDesk", { ticket_title = "x" })
      assert.are.same({ code = "MANDATORY_FIELDS_MISSING",
        message = "assigned_user_id does not have a value" }, err)
      assert.are.same({ { count = "0" } }, crm:query "SELECT count(*) FROM HelpDesk;")
    end)

    it("a ticket whose owner is nobody, and dies", function()
      start { empty = true }
      local _, text = crm:create("HelpDesk", ticket { assigned_user_id = "19x999" })
      assert.are.equal("Sorry! Attempt to access restricted file.", text)
      assert.are.same({ { count = "1" } }, crm:query "SELECT count(*) FROM HelpDesk;")
    end)

    it("decimals digit by digit", function()
      start { empty = true }
      local made = crm:create("Potentials", { potentialname = "Affaire", assigned_user_id = "19x1",
        amount = "12345678901234.56", closingdate = "2026-12-31", sales_stage = "Prospecting" })
      assert.are.equal("12345678901234.56000000", made.amount)
    end)

    it("100 rows a page, whatever LIMIT says", function()
      start { empty = true }
      for i = 1, 103 do
        crm:create("HelpDesk", ticket { ticket_title = "n" .. i })
      end
      assert.are.equal(100, #crm:query "SELECT id FROM HelpDesk LIMIT 1000;")
      assert.are.equal(3, #crm:query "SELECT id FROM HelpDesk LIMIT 100, 1000;")
      assert.are.same({ { count = "103" } }, crm:query "SELECT count(*) FROM HelpDesk LIMIT 5;")
    end)

    it("a field that was asked for at the start", function()
      start { empty = true, fields = { "HelpDesk.cf_icrm_token:string" } }
      crm:create("HelpDesk", ticket { cf_icrm_token = "ICABCDEF" })
      crm:create("HelpDesk", ticket())
      local rows = crm:query "SELECT cf_icrm_token FROM HelpDesk WHERE cf_icrm_token = 'icabcdef';"
      assert.are.equal("ICABCDEF", rows[1].cf_icrm_token)
      assert.is_nil(rows[2])
    end)
  end)

  it("takes new users, gives them a key, and shows them less", function()
    start { empty = true }
    local user = assert(crm:create("Users", { user_name = "robot", is_admin = "off",
      status = "Active", last_name = "Robot", roleid = "H2", email1 = "robot@example.test" }))
    assert.are.equal(16, #crm.sandbox:key "robot")
    assert.are.equal(user.id, crm:login("robot").result.userId)
    local _, err = crm:get("describe", { elementType = "Users" })
    assert.are.equal("ACCESS_DENIED", err.code)
  end)

  it("lets no SQL through", function()
    start()
    for _, value in ipairs { "9x1 OR 1=1", "9x0) OR (1=1", "9x0) UNION SELECT 1,2 -- " } do
      assert.are.same({}, crm:query("SELECT id FROM HelpDesk WHERE id = '" .. value .. "';"))
    end
    assert.are.same({}, crm:query [[SELECT id FROM HelpDesk WHERE parent_id = '3x0 OR 1=1';]])
    assert.are.same({},
      crm:query [[SELECT id FROM HelpDesk WHERE ticket_title = 'x\' OR solution = ' OR 1=1) -- ';]])
  end)

  describe("keeps time:", function()
    it("a token lives 300 seconds and may be used twice", function()
      start()
      local token = crm:challenge "admin"
      assert.is_true(crm:login("admin", token).success)
      crm.sandbox:advance(298) -- the clock runs on meanwhile
      assert.is_true(crm:login("admin", token).success)
      crm.sandbox:advance(3)
      assert.are.equal("INVALID_AUTH_TOKEN", crm:login("admin", token).error.code)
    end)

    it("a newer token voids the one before", function()
      start()
      local token = crm:challenge "admin"
      crm:challenge "admin"
      assert.are.equal("INVALID_USER_CREDENTIALS", crm:login("admin", token).error.code)
    end)

    it("a session ends after 1440 idle seconds, and its create creates nothing", function()
      start { empty = true }
      crm.sandbox:advance(1438)
      assert.truthy(crm:get "listtypes")
      crm.sandbox:advance(1441)
      local _, err = crm:create("HelpDesk", ticket())
      assert.are.equal("INVALID_SESSIONID", err.code)
      crm:login()
      assert.are.same({ { count = "0" } }, crm:query "SELECT count(*) FROM HelpDesk;")
    end)
  end)

  it("counts nothing in a module that is only listed", function()
    start { profile = "vtiger8" }
    assert.are.same({ { count = "0" } }, crm:query "SELECT count(*) FROM Vendors;")
    assert.are.same({}, crm:query "SELECT * FROM Vendors;")
    local _, err = crm:query "SELECT * FROM Vendors"
    assert.are.equal("QUERY_SYNTAX_ERROR", err.code)
  end)

  describe("locks a session:", function()
    -- Send requests at once; return the seconds until all are answered.
    local function together(requests)
      local url, started, open = crm.sandbox:url(), socket.gettime(), {}
      local port, path = tonumber(url:match ":(%d+)/"), url:match "//[^/]*(/.*)$"
      for i, params in ipairs(requests) do
        open[i] = assert(socket.connect("127.0.0.1", port))
        open[i]:send(("GET %s?%s HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
          :format(path, client.encode(params)))
      end
      for _, connection in ipairs(open) do
        assert.truthy(connection:receive "*a":find("200 OK", 1, true))
        connection:close()
      end
      return socket.gettime() - started
    end

    local function listing(session)
      return { operation = "listtypes", sessionName = session }
    end

    it("its requests run one after another, those of others do not wait", function()
      start { latency_ms = 400 }
      local one = crm.session
      local two = crm:login().result.sessionName
      assert.is_true(together { listing(one), listing(one) } >= 0.8)
      assert.is_true(together { listing(one), listing(two),
        { operation = "getchallenge", username = "admin" } } < 0.8)
    end)

    it("unless told not to", function()
      start { latency_ms = 400, session_lock = false }
      assert.is_true(together { listing(crm.session), listing(crm.session) } < 0.8)
    end)
  end)

  describe("with a file", function()
    local file

    before_each(function()
      file = helper.tmpdir() .. "/crm.db"
    end)

    it("keeps records, counters and keys; sessions end", function()
      start { file = file, empty = true }
      local key, session = crm.sandbox:key(), crm.session
      local made = crm:create("HelpDesk", ticket())
      crm:close()
      crm = client.start { file = file, empty = true }
      assert.are.equal(key, crm.sandbox:key())
      crm.session = session
      local _, err = crm:get("retrieve", { id = made.id })
      assert.are.equal("INVALID_SESSIONID", err.code)
      crm:login()
      assert.are.same(made, crm:get("retrieve", { id = made.id }))
      local next_made = crm:create("HelpDesk", ticket())
      assert.are.equal("TT2", next_made.ticket_no)
      assert.are_not.equal(made.id, next_made.id)
    end)

    it("is readable by its owner alone, and tells its log", function()
      start { file = file, empty = true }
      local made = crm:create("HelpDesk", ticket())
      crm:close()
      crm = nil
      assert.are.equal("600", helper.run({ "stat", "-c", "%a", file }).out:match "%d+")
      local driver = require "luasql.sqlite3".sqlite3()
      local db = driver:connect(file)
      local cursor = db:execute "SELECT * FROM log WHERE operation = 'create'"
      local row = cursor:fetch({}, "a")
      cursor:close()
      assert.are.same({ made.id, 1, 1 },
        { row.record, math.tointeger(row.committed), math.tointeger(row.replied) })
      db:close()
      driver:close()
    end)

    it("says so when it was made by another profile", function()
      client.start { file = file }:close()
      local server, err = core.sandbox.start { file = file, profile = "vtiger8" }
      assert.is_nil(server)
      assert.are.equal("config", err.kind)
      assert.truthy(err.message:find("profile initiative", 1, true))
    end)
  end)

  describe("logs", function()
    it("what happened, in order", function()
      start { empty = true }
      local made = crm:create("HelpDesk", ticket())
      crm:create("HelpDesk", {})
      crm:query "SELECT * FROM HelpDesk;"
      local words = {}
      for i, event in ipairs(crm.sandbox:log()) do
        assert.are.equal(i, event.n)
        words[i] = table.concat({ event.operation, event.module, event.record, event.code,
          event.committed and "committed" or "" }, " ")
      end
      assert.are.same({ "getchallenge    ", "login    ",
        "create HelpDesk " .. made.id .. "  committed",
        "create HelpDesk  MANDATORY_FIELDS_MISSING ", "query HelpDesk   " }, words)
      assert.are.equal(1, #crm.sandbox:log(4))
    end)

    it("no session name and no key", function()
      start()
      local key = crm.sandbox:key()
      for _, event in ipairs(crm.sandbox:log()) do
        for _, value in pairs(event) do
          assert.is_nil(tostring(value):find(crm.session, 1, true))
          assert.is_nil(tostring(value):find(key, 1, true))
        end
      end
    end)
  end)

  describe("ends", function()
    it("twice without harm, and is then closed", function()
      local server = core.sandbox.start {}
      server:stop()
      server:stop()
      assert.has_error(function() server:url() end, "attempt to use a closed icrm.Sandbox")
    end)

    it("at once, though a request has a minute to wait", function()
      local server = core.sandbox.start { latency_ms = 60000 }
      local connection = assert(socket.connect("127.0.0.1",
        tonumber(server:url():match ":(%d+)/")))
      connection:send("GET " .. server:url():match "//[^/]*(/.*)$"
        .. "?operation=getchallenge&username=admin HTTP/1.1\r\nHost: localhost\r\n\r\n")
      local started = socket.gettime()
      server:stop()
      assert.is_true(socket.gettime() - started < 10)
      connection:close()
    end)
  end)

  describe("says what is wrong:", function()
    local function refusal(options)
      local server, err = core.sandbox.start(options)
      assert.is_nil(server)
      return err.kind .. ": " .. err.message
    end

    it("a profile that is none", function()
      assert.are.equal('config: the sandbox has no profile "vtiger9"; did you mean "vtiger8"?',
        refusal { profile = "vtiger9" })
    end)

    it("a field that cannot be added", function()
      for _, field in ipairs { "Foo.x", "HelpDesk", "HelpDesk.", "HelpDesk.Bad Name", "x" } do
        assert.truthy(refusal { fields = { field } }:find("write Module.field:type", 1, true))
      end
      assert.truthy(refusal { fields = { "HelpDesk.ticket_title" } }
        :find("has a field of that name", 1, true))
    end)

    it("a port that is taken", function()
      start()
      local port = tonumber(crm.sandbox:url():match ":(%d+)/")
      assert.truthy(refusal { port = port }:find("cannot listen on port " .. port, 1, true))
    end)

    it("data that is none", function()
      local path = helper.tmpfile '[{"module":"Nope"}]'
      assert.truthy(refusal { data = path }:find("entry 1 cannot be stored", 1, true))
      assert.truthy(refusal { data = helper.tmpfile "{" }:find(":1:", 1, true))
    end)
  end)
end)

describe("icrm.sandbox", function()
  it("takes a URL apart", function()
    assert.are.same({}, sandbox.parse "sandbox:")
    assert.are.same({ file = "/tmp/a b.db" }, sandbox.parse "sandbox:/tmp/a%20b.db")
    assert.are.same({ profile = "vtiger8", latency_ms = 50, demo = false, session_lock = false,
      fields = { "HelpDesk.cf_a", "Accounts.cf_b:text" } }, sandbox.parse(
      "sandbox:?profile=vtiger8&latency=50&demo=off&lock=off&field=HelpDesk.cf_a"
      .. "&field=Accounts.cf_b:text"))
  end)

  it("refuses what it does not know", function()
    local function refusal(url)
      local ok, err = pcall(sandbox.open, url)
      return not ok and tostring(err)
    end
    assert.are.equal('config: sandbox option "latancy" is unknown; did you mean "latency"?',
      refusal "sandbox:?latancy=4")
    assert.truthy(refusal "sandbox:?latency=4a":find "write a whole number")
    assert.truthy(refusal "sandbox:?port=70000":find "from 0 to 65535")
    assert.truthy(refusal "sandbox:?most=2001":find "from 0 to 2000")
    assert.truthy(refusal "sandbox:?demo=no":find "write on or off")
    assert.truthy(refusal "http://x":find "no sandbox URL")
  end)

  it("takes requests as large as it is told, and says so in describe", function()
    local crm <close> = icrm.connect "sandbox:?profile=vtiger8&most=1"
    assert.are.equal(700000, crm:describe("Documents").by_name.filename.max_size)
    local function create(bytes)
      return pcall(crm.create, crm, "Accounts", { accountname = "A",
        description = ("x"):rep(bytes) }, { check = false })
    end
    assert.is_true(create(900000))
    local ok, err = create(1 << 20) -- its parameters are dropped
    assert.is_false(ok)
    assert.are.equal("unknown_outcome", err.kind)
    assert.are.equal(500, err.status)
    assert.matches("^the request had 1%.0 MB, and the server's limit .* is probably smaller: "
      .. "HTTP 500", err.message)
  end)

  it("opens a server that stops with its owner", function()
    local options = sandbox.open "sandbox:?demo=off"
    local url = options.url
    assert.are.equal(200, (raw_http.request(url .. "?operation=listtypes", "GET")))
    options.owner:close()
    assert.is_nil(socket.connect("127.0.0.1", tonumber(url:match ":(%d+)/")))
  end)
end)

describe("icrm-lua sandbox", function()
  it("prints how to connect, serves, and ends on Ctrl-C", function()
    local out = helper.tmpdir() .. "/out"
    local pipe = io.popen(("exec 2>&1; %s sandbox --empty --profile vtiger8 >%s & "
      .. "echo $!; wait $!; echo ended $?")
      :format(helper.quote(helper.icrm_lua), helper.quote(out)))
    local pid = pipe:read "l"
    finally(function()
      os.execute(("kill -KILL %s 2>/dev/null"):format(pid)) -- where it has failed before its end
      pipe:close()
    end)
    assert.truthy(pipe:read "l":find("another shell", 1, true))
    local export = pipe:read "l"
    assert.truthy(pipe:read "l":find("Ctrl-C", 1, true))
    local url, user, key = helper.read_file(out):match "^url\t(%S+)\nuser\t(%S+)\nkey\t(%S+)\n$"
    assert.are.same({ "admin", 16 }, { user, #key })
    assert.are.equal(("  export ICRM_URL=%s ICRM_USERNAME=admin ICRM_ACCESS_KEY=%s"):format(
      url, key), export)
    assert.are.equal(200, (raw_http.request(url .. "?operation=listtypes", "GET")))
    os.execute("kill -INT " .. pid)
    assert.are.equal("ended 0", pipe:read "l")
  end)
end)
