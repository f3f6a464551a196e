-- Every fault that the sandbox can be told, and what the client makes of it: a
-- read comes through or fails clearly; a write that may have been done says so,
-- and the server's log says whether it was.
local core = require "icrm.core"
local client_of = require "spec.sandbox_client"

local ELEMENT = '{"ticket_title":"%s","ticketstatus":"Open","assigned_user_id":"19x1"}'

local sandbox, client

local function start(plan, options)
  sandbox = assert(core.sandbox.start { empty = true, faults = plan,
    fields = { "HelpDesk.cf_token:string" } })
  local all = { url = sandbox:url(), username = sandbox:username(),
    key = core.credentials(sandbox:key()), lanes = 1, timeout = 1, patience = 5 }
  for name, value in pairs(options or {}) do
    all[name] = value
  end
  client = assert(core.client(all))
end

local function stop()
  if client then
    client:close()
    sandbox:stop()
  end
  client, sandbox = nil, nil
end

local function wait(id)
  while true do
    local got, reply, err = client:next()
    if got then
      assert.equal(id, got)
      return reply and tostring(reply), err
    end
    assert(client:step(20))
  end
end

local function create(title)
  return wait(assert(client:submit { operation = "create", write = true, method = "POST", params = {
    { "elementType", "HelpDesk" }, { "element", ELEMENT:format(title or "one") } } }))
end

local function query(text)
  return wait(assert(client:submit { operation = "query", method = "GET", params = {
    { "query", text or "SELECT id, ticket_title FROM HelpDesk;" } } }))
end

-- How many creates the server took, and how many of them it committed.
local function creates()
  local taken, committed = 0, 0
  for _, event in ipairs(sandbox:log()) do
    if event.operation == "create" then
      taken = taken + 1
      committed = committed + (event.committed and 1 or 0)
    end
  end
  return { taken, committed }
end

local UNKNOWN, OK = "unknown_outcome", "ok"

-- fault → what becomes of a create, how many were committed, what becomes of a
-- query. A create is sent once, unless its row says twice.
local CASES = {
  { "after_headers reset", UNKNOWN, 0, OK },
  { "after_headers close", UNKNOWN, 0, OK },
  { "before_commit reset", UNKNOWN, 0, OK },
  { "before_commit close", UNKNOWN, 0, OK },
  { "after_commit reset", UNKNOWN, 1, OK },
  { "after_commit close", UNKNOWN, 1, OK },
  { "mid_reply reset", UNKNOWN, 1, OK },
  { "mid_reply close", UNKNOWN, 1, OK },
  { "half_reply", UNKNOWN, 1, OK },
  { "half_headers", UNKNOWN, 1, OK },
  { "after_reply close", OK, 1, OK },
  { "length=short", UNKNOWN, 1, OK },
  { "length=long", UNKNOWN, 1, OK },
  { "length=twice", UNKNOWN, 1, OK },
  { "length=negative", UNKNOWN, 1, OK },
  { "chunks", UNKNOWN, 1, OK },
  { "empty", UNKNOWN, 1, OK },
  { "html", UNKNOWN, 1, OK },
  { "before_commit html", UNKNOWN, 0, OK },
  { "notice", UNKNOWN, 1, OK },
  { "json=nan", UNKNOWN, 1, OK },
  { "json=huge", UNKNOWN, 1, OK },
  { "json=twice", UNKNOWN, 1, OK },
  { "json=deep", UNKNOWN, 1, OK },
  { "json=cut", UNKNOWN, 1, OK },
  { "status=403", UNKNOWN, 0, "http" },
  { "after_commit status=403", UNKNOWN, 1, "http" },
  { "status=408", UNKNOWN, 0, OK },
  { "status=429 retry_after=0", UNKNOWN, 0, OK },
  { "after_commit status=429 retry_after=-5", UNKNOWN, 1, OK },
  { "status=429 retry_after=\"Wed, 21 Oct 2015 07:28:00 GMT\"", UNKNOWN, 0, OK },
  { "status=500", UNKNOWN, 0, OK },
  { "after_commit status=500", UNKNOWN, 1, OK },
  { "status=502", UNKNOWN, 0, OK },
  { "after_commit status=502", UNKNOWN, 1, OK },
  { "status=503", UNKNOWN, 0, OK },
  { "after_commit status=503", UNKNOWN, 1, OK },
  { "status=504", UNKNOWN, 0, OK },
  { "after_commit status=504", UNKNOWN, 1, OK },
  { "redirect=loop", UNKNOWN, 0, "http" },
  { "redirect=other", UNKNOWN, 0, "http" },
  { "redirect=file", UNKNOWN, 0, "http" },
  { "after_commit error=DATABASE_QUERY_ERROR", UNKNOWN, 1, "refused" },
  { "error=INTERNAL_SERVER_ERROR", UNKNOWN, 0, "refused" },
  { "error=0", UNKNOWN, 0, "refused" },
  { "error=ACCESS_DENIED", "refused", 0, "refused" },
  { "error=MANDATORY_FIELDS_MISSING", "refused", 0, "refused" },
  { "error=SESSION_LEFT_IDLE", OK, 1, OK, twice = true },
  { "expire", OK, 1, OK, twice = true },
  { "expire_all", OK, 1, OK, twice = true },
  { "refusing=404", UNKNOWN, 1, "http" },
  { "refusing=500", UNKNOWN, 1, OK },
  { "huge=100000000", UNKNOWN, 1, "decode" },
  { "bomb=100000000", UNKNOWN, 1, "decode" },
  { "stall=1500", UNKNOWN, 1, OK, later = true },
  { "after_commit stall=1500", UNKNOWN, 1, OK },
  { "mid_reply stall=1500", UNKNOWN, 1, OK },
  { "slow=200", UNKNOWN, 1, OK },
}
for _, status in ipairs { 400, 401, 404, 405, 411, 413, 414, 415, 431 } do
  table.insert(CASES, { "status=" .. status, "http", 0, "http" })
end

local function outcome(body, err)
  return body and OK or err.kind
end

describe("with the fault", function()
  after_each(stop)

  for _, case in ipairs(CASES) do
    local fault, of_write, committed, of_read = table.unpack(case)

    it(fault .. ", a write is " .. of_write, function()
      start("at create#2 " .. fault)
      assert(create "zero") -- the connection is a used one, the session known
      assert.equal(of_write, outcome(create()))
      if case.later then -- a client that hangs up does not stop the server
        assert.equal(1, creates()[2])
        repeat
          core.interrupt.wait(0.05)
        until creates()[2] == 2
      end
      assert.same({ case.twice and 3 or 2, 1 + committed }, creates())
    end)

    it(fault .. ", a read is " .. of_read, function()
      start("at query#2 " .. fault)
      assert(create())
      local expected = assert(query())
      local body, err = query()
      assert.equal(of_read, outcome(body, err))
      if body then
        assert.equal(expected, body)
      else
        assert.truthy(#err.message > 20)
      end
    end)
  end
end)

local function resident_mib()
  local file = assert(io.open "/proc/self/status")
  local text = file:read "a"
  file:close()
  return tonumber(text:match "VmRSS:%s+(%d+)") // 1024
end

describe("the client", function()
  after_each(stop)

  it("keeps its memory when a small reply unpacks to a large one", function()
    start("at query#2 bomb=100000000", { timeout = 60 })
    query()
    local before = resident_mib()
    local _, err = query()
    assert.equal("decode", err.kind)
    if not os.getenv "ASAN_OPTIONS" then -- it keeps freed memory for itself
      assert.truthy(resident_mib() - before < 32)
    end
  end)

  it("takes a reset after the whole reply for an answer, or for none", function()
    start "at create#2 after_reply reset"
    create "zero"
    local kind = outcome(create())
    assert.truthy(kind == OK or kind == UNKNOWN)
    assert.same({ 2, 2 }, creates())
  end)

  it("waits as long as it is told to, up to its own patience", function()
    start "at query#1 status=429 retry_after=1"
    local started = core.clock()
    assert(query())
    assert.truthy(core.clock() - started >= 1)
    stop()
    start "at query#1 status=429 retry_after=1000000000"
    assert(wait(client:login()))
    local id = client:submit { operation = "query", method = "GET",
      params = { { "query", "SELECT id FROM HelpDesk;" } } }
    local body, err = wait(id)
    assert.is_nil(body)
    assert.equal("rate_limited", err.kind)
    assert.truthy(err.retry_after > 86300 and err.retry_after <= 86401)
  end)

  it("connects again where a connection is refused, reset or closed", function()
    for _, fault in ipairs { "refuse=200", "reset", "close" } do
      start("at connect#1 " .. fault)
      assert.equal(OK, outcome(create()))
      assert.same({ 1, 1 }, creates())
      stop()
    end
  end)

  it("has not sent a write that meets a closed door", function()
    start("at create#1 after_commit close; at connect#2 refuse=300", { patience = 0.1 })
    assert.equal(UNKNOWN, outcome(create()))
    local id = client:submit { operation = "create", write = true, method = "POST", params = {
      { "elementType", "HelpDesk" }, { "element", ELEMENT:format "two" } } }
    local kind = outcome(wait(id))
    assert.truthy(kind == OK or kind == "transport")
    assert.same(kind == OK and { 2, 2 } or { 1, 1 }, creates())
  end)

  it("logs in again when another's login voids its token", function()
    start "at login#1 steal"
    assert.equal(OK, outcome(create()))
  end)

  it("says so when every login is refused", function()
    start "p=1 login error=INVALID_USER_CREDENTIALS"
    local _, err = create()
    assert.equal("auth", err.kind)
    assert.same({ 0, 0 }, creates())
  end)

  it("gives a call some new sessions, not more for ever", function()
    start "at create#1..9 expire"
    local _, err = create()
    assert.equal("auth", err.kind)
    assert.same({ 6, 0 }, creates())
  end)

  it("survives that all lanes lose their sessions, and the next ones too", function()
    start("at create#30..37 expire", { lanes = 4 })
    for _ = 1, 60 do
      assert(client:submit { operation = "create", write = true, method = "POST", params = {
        { "elementType", "HelpDesk" }, { "element", ELEMENT:format "many" } } })
    end
    for _ = 1, 60 do
      local id, reply, err = client:next()
      while not id do
        assert(client:step(100))
        id, reply, err = client:next()
      end
      assert(reply, err)
    end
    assert.same({ 68, 60 }, creates())
  end)

  it("logs in through notices around the reply, and quotes none that is broken", function()
    start "at login#1 notice; at getchallenge#1 bom"
    assert.equal(OK, outcome(create()))
    for _, fault in ipairs { "json=twice", "json=cut", "html", "status=500", "length=short" } do
      for _, operation in ipairs { "login", "getchallenge" } do
        stop()
        start(("p=1 %s %s"):format(operation, fault))
        local _, err = create()
        assert.is_nil(err.message:find("sessionName", 1, true), err.message)
        assert.is_nil(err.message:find("token\"", 1, true), err.message)
      end
    end
  end)

  it("tells what the server answered, and that it has ended", function()
    start("at create#1 error=0; at create#2 after_commit error=DATABASE_QUERY_ERROR; "
      .. "at create#3 close")
    for _, answered in ipairs { true, true, false } do
      local _, err = create()
      assert.equal(UNKNOWN, err.kind)
      assert.equal(answered, err.answered or false)
      assert.equal(answered, err.reason ~= nil)
    end
  end)

  it("logs in at once when the last session goes, though a second login had failed", function()
    start("at login#2..3 json=nan; at create#1 close; at query#1..40 stall=30",
      { lanes = 2, timeout = 20 })
    assert(wait(client:login()))
    local left = 0
    for _ = 1, 40 do -- they want a second lane, which twice cannot log in
      left = left + (client:submit { operation = "query", method = "GET",
        params = { { "query", "SELECT id FROM HelpDesk;" } } } and 1 or 0)
    end
    while left > 0 do
      left = left - (client:next() and 1 or 0)
      assert(client:step(20))
    end
    assert.equal(UNKNOWN, outcome(create()))
    local started = core.clock()
    assert.equal(OK, outcome(query()))
    assert.truthy(core.clock() - started < 10)
  end)

  it("reads past a byte order mark, or takes it for no answer", function()
    start "at create#1 bom; at query#1 bom"
    local kind = outcome(create())
    assert.truthy(kind == OK or kind == UNKNOWN)
    assert.same({ 1, 1 }, creates())
    assert.equal(OK, outcome(query()))
  end)
end)

describe("the sandbox", function()
  local crm
  after_each(function()
    if crm then
      crm:close()
      crm = nil
    end
  end)

  local function begin(plan, options)
    options = options or {}
    options.faults, options.empty = plan, true
    options.fields = options.fields or {}
    table.insert(options.fields, "HelpDesk.cf_token:string")
    crm = client_of.start(options)
    crm:login()
  end

  local function ticket(title)
    return { ticket_title = title, assigned_user_id = "19x1", ticketstatus = "Open",
      ticketpriorities = "Low", cf_token = "ICTOKEN" .. title }
  end

  local function create_raw(title)
    local status, text = crm:send("POST", nil, { operation = "create", sessionName = crm.session,
      elementType = "HelpDesk", element = require "cjson".encode(ticket(title)) })
    return status, text
  end

  it("leaves a ghost that retrieve returns and query never finds", function()
    begin "at create#1 ghost"
    assert.equal(502, (create_raw "A"))
    local id = crm.sandbox:log()[3].record
    local record = crm:get("retrieve", { id = id })
    assert.same({ id, "", "" }, { record.id, record.ticket_title, record.ticketstatus })
    assert.same({}, crm:query "SELECT * FROM HelpDesk;")
  end)

  it("leaves a record without its custom fields", function()
    begin "at create#1 partial"
    assert.equal(502, (create_raw "A"))
    local rows = crm:query "SELECT * FROM HelpDesk;"
    assert.same({ 1, "A", "" }, { #rows, rows[1].ticket_title, rows[1].cf_token })
  end)

  it("empties every custom field of such a record, whatever its name", function()
    begin("at create#1 partial", { fields = { "HelpDesk.siren:string" } })
    local element = ticket "A"
    element.siren = "732829320"
    crm:send("POST", nil, { operation = "create", sessionName = crm.session,
      elementType = "HelpDesk", element = require "cjson".encode(element) })
    local rows = crm:query "SELECT * FROM HelpDesk;"
    assert.same({ "A", "" }, { rows[1].ticket_title, rows[1].siren })
  end)

  it("answers with the reply of the request before", function()
    begin "at create#1..2 swapped; at query#3 swapped"
    local first = crm:create("HelpDesk", ticket "A") -- nothing was before
    local second = crm:create("HelpDesk", ticket "B")
    local third = crm:create("HelpDesk", ticket "C")
    assert.same({ "A", "A", "C" },
      { first.ticket_title, second.ticket_title, third.ticket_title })
    assert.equal(first.id, second.id)
    crm:query "SELECT id FROM HelpDesk;"
    local one = crm:query "SELECT ticket_title FROM HelpDesk WHERE ticket_title = 'B';"
    assert.same({ "B", "B" }, { one[1].ticket_title,
      crm:query "SELECT id FROM HelpDesk;"[1].ticket_title })
  end)

  it("puts a refusing status over a good reply", function()
    begin "at create#1 refusing=404"
    local status, text = create_raw "A"
    assert.same({ 404, true }, { status, require "cjson".decode(text).success })
    assert.equal(1, #crm:query "SELECT id FROM HelpDesk;")
  end)

  it("ends every session at once", function()
    begin "at create#2 expire_all"
    assert.truthy(crm:create("HelpDesk", ticket "A").id)
    local first = crm.session
    crm:login()
    assert.truthy((select(2, create_raw "B")):find("INVALID_SESSIONID", 1, true))
    crm.session = first
    assert.truthy((select(2, create_raw "C")):find("INVALID_SESSIONID", 1, true))
    crm:login()
    assert.truthy(crm:create("HelpDesk", ticket "D").id)
  end)

  it("shows a new record to queries after a while", function()
    begin "lag=300"
    local made = crm:create("HelpDesk", ticket "A")
    assert.same({}, crm:query "SELECT id FROM HelpDesk;")
    assert.equal(made.id, crm:get("retrieve", { id = made.id }).id)
    repeat
      core.interrupt.wait(0.05)
    until #crm:query "SELECT id FROM HelpDesk;" == 1
  end)

  it("keeps a session that was logged out", function()
    for how, status in pairs { broken = 500, lies = 200 } do
      begin("logout=" .. how)
      local got = crm:send("POST", nil, { operation = "logout", sessionName = crm.session })
      assert.equal(status, got)
      assert.truthy(crm:create("HelpDesk", ticket "A").id)
      crm:close()
    end
  end)

  -- On one session, a logout takes its time and a query waits for it.
  local function race(plan)
    start(plan, { lanes = 2, timeout = 20 })
    assert(wait(client:login()))
    local secret = client:session_secret(1)
    local logout = client:submit { operation = "logout", session = client:import_session(secret),
      method = "POST", params = {} }
    client:step(0.1)
    local read = client:submit { operation = "query", session = client:import_session(secret),
      method = "GET", params = { { "query", "SELECT id FROM HelpDesk;" } } }
    local answers = {}
    while not (answers[logout] and answers[read]) do
      local id, body, err = client:next()
      if id then
        answers[id] = body and OK or err.code
      else
        assert(client:step(20))
      end
    end
    stop()
    assert.equal(OK, answers[logout])
    return answers[read]
  end

  it("refuses a request that waited for a session that ended, or has the race", function()
    assert.equal("INVALID_SESSIONID", race "at logout#1 stall=500")
    assert.equal(OK, race "at logout#1 stall=500; unlink_race")
  end)

  local function faults_of(plan, n)
    begin(plan)
    for i = 1, n do
      create_raw(i)
      crm:query "SELECT id FROM HelpDesk;"
    end
    local list = {}
    for i, event in ipairs(crm.sandbox:log()) do
      list[i] = event.operation .. " " .. event.fault
    end
    crm:close()
    crm = nil
    return list
  end

  it("does the same again for the same seed, and other things for another", function()
    local plan = "seed=%d; p=0.2 create status=502; p=0.2 query after_commit html"
    local first = faults_of(plan:format(7), 40)
    assert.same(first, faults_of(plan:format(7), 40))
    assert.are_not.same(first, faults_of(plan:format(8), 40))
    local hit = 0
    for _, line in ipairs(first) do
      hit = hit + (line:find(" ..") and 1 or 0)
    end
    assert.truthy(hit > 8 and hit < 40)
  end)

  for plan, problem in pairs {
    ["at creat#2 reset"] = "there is no operation creat",
    ["seed=1; at create#2 hal_reply"] = "clause 2 (at create#2 hal_reply): there is no fault "
      .. "hal_reply; did you mean half_reply?",
    ["at create#0 reset"] = "needs a number from 1",
    ["p=2 reset"] = "p=2 must be from 0 to 1",
    ["p=0.5 status"] = "status needs a value",
    ["p=0.5 reset=3"] = "reset takes no value",
    ["p=0.5 after_commit"] = "names no fault",
    ["at query#1 ghost"] = "ghost does not go with that moment",
    ["at create#1 after_reply stall=3"] = "stall does not go with that moment",
    ["at create#1 json=wrong"] = "the value wrong is not known here",
    ["lag=soon"] = "soon is no whole number",
    ["sed=4"] = "sed=4 is neither",
  } do
    it("refuses the plan " .. plan, function()
      local server, err = core.sandbox.start { faults = plan }
      assert.is_nil(server)
      assert.equal("config", err.kind)
      assert.truthy(err.message:find(problem, 1, true), err.message)
    end)
  end
end)
