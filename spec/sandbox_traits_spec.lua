-- The sandbox's traits: how they are chosen, and what each one does.
local json = require "cjson"
local socket = require "socket"
local client_of = require "spec.sandbox_client"
local helper = require "spec.helper"
local icrm = require "icrm"
local sandbox = require "icrm.sandbox"

local DOCS = "docs/sandbox.md"

-- The rows of the table in the documentation that begins with this head.
local function documented(head)
  local rows = {}
  local text = helper.read_file(DOCS)
  local _, at = text:find(head .. "\n|---|---|\n", 1, true)
  for name, words in text:sub(at + 1):match("^(.-)\n\n"):gmatch "| `(.-)` | (.-) |\n?" do
    rows[#rows + 1] = { name, words }
  end
  return rows
end

describe("the sandbox's traits", function()
  it("are the ones of the documentation", function()
    local rows = {}
    for i, trait in ipairs(sandbox.traits()) do
      local name = trait.value and ("%s=%d"):format(trait.name, trait.value) or trait.name
      rows[i] = { name, trait.sentence }
    end
    assert.are.same(rows, documented "| trait | the server |")
  end)

  it("make up the profiles, as the documentation says", function()
    local rows = {}
    for i, profile in ipairs(sandbox.profiles()) do
      rows[i] = { profile.name, (profile.traits:gsub("[^, ]+", "`%0`")) }
    end
    assert.are.same(rows, documented "| profile | traits |")
  end)

  it("are added to a profile and taken from it, by URL and from Lua", function()
    local with <close> = icrm.connect "sandbox:?traits=record-label,-left-to-right&demo=off"
    local account = with:create("Accounts", { accountname = "Rhône" })
    assert.equal("Rh&ocirc;ne", account.label)
    local without <close> = sandbox.start { profile = "vtiger8", traits = { "-record-label" } }
    local crm <close> = icrm.connect {
      url = without:url(), username = without:username(), access_key = without:key(),
    }
    assert.is_nil(crm:create("Accounts", { accountname = "Rhône" }).label)
  end)

  it("that do not exist are refused, with the nearest name", function()
    for text, message in pairs {
      ["left-to-rigth"] = 'no trait "left%-to%-rigth"; did you mean "left%-to%-right"%?',
      ["-user-prefx"] = 'no trait "user%-prefx"; did you mean "user%-prefix"%?',
      ["zzzzzzzz"] = 'no trait "zzzzzzzz"; docs/sandbox%.md lists them',
      ["user-prefix=3"] = "trait user%-prefix takes no value",
    } do
      assert.error_matches(function()
        sandbox.start { traits = text }
      end, message)
    end
    assert.error_matches(function()
      sandbox.start { profile = "vtiger9" }
    end, 'no profile "vtiger9"; did you mean "vtiger8"%?')
  end)

  it("are chosen and listed by the command", function()
    local result = helper.icrm { "sandbox", "--traits" }
    assert.equal(0, result.code)
    assert.truthy(result.out:find("left-to-right\tAND and OR", 1, true))
    result = helper.icrm { "sandbox", "--trait", "-no-such-trait" }
    assert.truthy(result.err:find('no trait "no-such-trait"', 1, true))
  end)
end)

-- Start a sandbox with these traits and connect as `user`, an admin without it.
local function connect(options, user)
  local server = sandbox.start(options)
  user = user or server:username()
  return icrm.connect {
    url = server:url(), username = user, access_key = server:key(user), owner = server,
  }, server
end

-- The record as a query shows it.
local function stored(crm, module, id, field)
  return crm:call("query", { query = ("SELECT %s FROM %s WHERE id = '%s';"):format(field, module,
    id) })[1][field]
end

local function update(crm, element)
  return crm:call("update", { element = element })
end

local function revise(crm, element)
  return crm:call("revise", { element = element })
end

local TEXT = "Été & <1 kg>"

describe("the trait update-encodes-description", function()
  it("stores an old description coded, once more at each update, unseen in the reply", function()
    local crm <close> = connect { profile = "vtiger8", traits = "update-encodes-description" }
    local made = crm:create("Leads", { lastname = "Été", description = TEXT })
    local element = { id = made.id, lastname = "Été", assigned_user_id = made.assigned_user_id }
    assert.equal(TEXT, update(crm, element).description)
    assert.equal("&Eacute;t&eacute; &amp; &lt;1 kg&gt;", crm:retrieve(made.id).description)
    update(crm, element)
    assert.equal("&amp;Eacute;t&amp;eacute; &amp;amp; &amp;lt;1 kg&amp;gt;",
      stored(crm, "Leads", made.id, "description"))
  end)

  it("leaves a description that is sent, and one that revise does not name", function()
    local crm <close> = connect { profile = "vtiger8", traits = "update-encodes-description" }
    local made = crm:create("Leads", { lastname = "Été", description = TEXT })
    update(crm, { id = made.id, lastname = "Été", assigned_user_id = made.assigned_user_id,
      description = TEXT })
    revise(crm, { id = made.id, lastname = "Hiver" })
    assert.equal(TEXT, stored(crm, "Leads", made.id, "description"))
  end)
end)

describe("the trait update-rounds", function()
  it("rounds amounts that are sent to the caller's decimals, but percents", function()
    local crm <close> = connect { profile = "vtiger8", traits = "update-rounds",
      fields = { "Potentials.latitude:double" } }
    local made = crm:create("Potentials", { potentialname = "P", closingdate = "2026-12-31",
      sales_stage = "Prospecting", amount = "1234.56789", probability = "12.3456",
      latitude = "48.999" })
    assert.same({ "1234.57000000", "12.346", "49.00000000" },
      { made.amount, made.probability, made.latitude })
  end)

  it("keeps what is not sent, whoever writes", function()
    local crm <close> = connect { profile = "vtiger8", traits = "update-rounds" }
    revise(crm, { id = crm.user, no_of_currency_decimals = "5" })
    local made = crm:create("Accounts", { accountname = "A", annual_revenue = "1234.567891" })
    assert.equal("1234.56789000", made.annual_revenue)
    revise(crm, { id = crm.user, no_of_currency_decimals = "2" })
    assert.equal("1234.56789000", revise(crm, { id = made.id, phone = "1" }).annual_revenue)
    made.phone = "2"
    assert.equal("1234.57000000", update(crm, made).annual_revenue)
  end)
end)

describe("the trait update-blanks", function()
  it("empties what an update does not name, and nothing of a revise", function()
    local crm <close> = connect { traits = "update-blanks", demo = false }
    local made = crm:create("Accounts", { accountname = "A", phone = "1", bill_city = "Metz" })
    assert.equal("Metz", revise(crm, { id = made.id, phone = "2" }).bill_city)
    local after = update(crm, { id = made.id, accountname = "A",
      assigned_user_id = made.assigned_user_id })
    assert.same({ "A", "", "" }, { after.accountname, after.phone, after.bill_city })
  end)
end)

describe("the price list", function()
  local LAMP = { productname = "Lampe", unit_price = "1234.567", tax1 = "20", tax2 = "5.5" }

  it("is shown by retrieve and writes only, as JSON numbers", function()
    local crm <close> = connect { profile = "vtiger8" }
    local made = crm:call("create", { elementType = "Products", element = {
      productname = "Lampe", unit_price = "99.9", tax1 = "20", assigned_user_id = crm.user } })
    assert.same({ 99.9, "20.000" }, { made.currency1, made.tax1 })
    assert.equal(99.9, crm:retrieve(made.id).currency1)
    assert.is_nil(crm:call("query", { query = "SELECT * FROM Products;" })[1].currency1)
    assert.error_matches(function()
      crm:call("query", { query = "SELECT currency1 FROM Products;" })
    end, "attribute denied")
    local texts <close> = connect { profile = "vtiger8", traits = "-json-numbers" }
    made = texts:call("create", { elementType = "Products", element = {
      productname = "Lampe", unit_price = "99.9", assigned_user_id = crm.user } })
    assert.equal("99.9", made.currency1)
  end)

  it("is taken away by any revise with revise-drops, and stays without", function()
    for traits, left in pairs { ["revise-drops"] = { 0, "10.000" },
      ["-revise-drops"] = { 1234.57, "10.000", "5.500" } } do
      local crm <close> = connect { profile = "vtiger8", traits = traits }
      LAMP.assigned_user_id = crm.user
      local made = crm:call("create", { elementType = "Products", element = LAMP })
      assert.same({ 1234.57, "20.000", "5.500" }, { made.currency1, made.tax1, made.tax2 })
      local after = revise(crm, { id = made.id, tax1 = "10" })
      assert.same(left, { after.currency1, after.tax1, after.tax2 })
    end
  end)

  it("survives an update of the whole record; currency1 follows unit_price", function()
    local crm <close> = connect { profile = "vtiger8", traits = "revise-drops, update-rounds" }
    LAMP.assigned_user_id = crm.user
    local made = crm:call("create", { elementType = "Products", element = LAMP })
    made.currency1 = 5
    local after = update(crm, made)
    assert.same({ 1234.57, "20.000", "5.500" }, { after.currency1, after.tax1, after.tax2 })
  end)

  it("kills PHP where a price is no number", function()
    local crm <close> = connect { profile = "vtiger8" }
    local ok, err = pcall(crm.call, crm, "create", { elementType = "Products",
      element = { productname = "L", unit_price = "gratuit", assigned_user_id = crm.user } })
    assert.is_false(ok)
    assert.equal(500, err.status)
  end)
end)

describe("the trait revise-drops", function()
  it("empties the reminder of an event", function()
    local crm <close> = connect { profile = "vtiger8", traits = "-activity-types" }
    local made = crm:call("create", { elementType = "Events", element = {
      subject = "E", date_start = "2026-12-01", time_start = "09:00:00", due_date = "2026-12-01",
      time_end = "10:00:00", duration_hours = "1", eventstatus = "Planned", activitytype = "Call",
      reminder_time = "15", assigned_user_id = crm.user } })
    assert.equal("15", made.reminder_time)
    assert.equal("", revise(crm, { id = made.id, location = "Metz" }).reminder_time)
  end)
end)

describe("the trait foreign-currency", function()
  it("converts amounts at each write of them", function()
    local crm <close> = connect { profile = "vtiger8", traits = "foreign-currency=2" }
    local made = crm:create("Accounts", { accountname = "A", annual_revenue = "100" })
    assert.equal("50.00000000", made.annual_revenue)
    assert.equal("25.00000000", update(crm, made).annual_revenue)
    assert.equal("25.00000000", revise(crm, { id = made.id, phone = "1" }).annual_revenue)
  end)
end)

describe("the profile vtiger8-stock", function()
  it("has no logout, sync and files_retrieve, and a session lives on", function()
    local crm <close> = client_of.start { profile = "vtiger8-stock" }
    crm:login()
    local session = { sessionName = crm.session }
    for operation, method in pairs { logout = "POST", sync = "GET", files_retrieve = "GET" } do
      session.operation = operation
      local status, body = crm:send(method, method == "GET" and session or nil,
        method == "POST" and session or nil)
      assert.same({ 500, "" }, { status, body }, operation)
    end
    assert.truthy(crm:get "listtypes".types)
  end)
end)

describe("a module whose records are private", function()
  local admin, owner, crm
  local function begin(traits)
    local server
    admin, server = connect { profile = "vtiger8", traits = traits }
    crm = icrm.connect {
      url = server:url(), username = "jdupont", access_key = server:key "jdupont",
    }
    owner = crm.user
  end

  after_each(function()
    crm:close()
    admin:close()
  end)

  local function contact(name, user)
    return admin:create("Contacts", { lastname = name, assigned_user_id = user })
  end

  local function names(query)
    local list = {}
    for i, row in ipairs(crm:call("query", { query = query })) do
      list[i] = row.lastname or row.count
    end
    return list
  end

  it("shows a user his own and his groups' with private-owners", function()
    begin "private-owners"
    local foreign = contact("A", admin.user)
    contact("B", owner)
    contact("C", "20x2")
    assert.same({ "B", "C" }, names "SELECT lastname FROM Contacts ORDER BY lastname;")
    assert.same({ "2" }, names "SELECT count(*) FROM Contacts;")
    for _, operation in ipairs { "retrieve", "delete" } do
      local ok, err = pcall(crm.call, crm, operation, { id = foreign.id })
      assert.is_false(ok)
      assert.truthy(err.message:find("Permission to read given object is denied", 1, true))
    end
  end)

  it("falls short with rows-hidden-after-limit", function()
    begin "private-owners, rows-hidden-after-limit"
    for i = 1, 6 do
      contact("N" .. i, i % 3 == 0 and admin.user or owner)
    end
    assert.same({ "N1", "N2" }, names "SELECT lastname FROM Contacts ORDER BY id LIMIT 3;")
    assert.same({ "N4", "N5" }, names "SELECT lastname FROM Contacts ORDER BY id LIMIT 3, 3;")
    assert.same({ "6" }, names "SELECT count(*) FROM Contacts;")
  end)

  it("may be what a workflow makes of a new record, told or not", function()
    for traits, shown in pairs { ["owner-workflow"] = true, ["owner-workflow-late"] = false } do
      begin("private-owners, " .. traits)
      local made = crm:create("Contacts", { lastname = "A" })
      assert.equal(shown and admin.user or owner, made.assigned_user_id)
      assert.equal(admin.user, admin:retrieve(made.id).assigned_user_id)
      assert.same({}, names "SELECT lastname FROM Contacts;")
      crm:close()
      admin:close()
    end
    begin ""
  end)

  it("takes no peer for an owner with owners-checked", function()
    begin "owners-checked"
    local made
    for _, user in ipairs { owner, admin.user, "20x2" } do
      made = crm:create("Contacts", { lastname = "A", assigned_user_id = user })
    end
    for _, user in ipairs { "19x6", "19x999" } do
      for _, element in ipairs { { lastname = "B" }, { id = made.id } } do
        element.assigned_user_id = user
        local ok, err = pcall(crm.call, crm, element.id and "revise" or "create",
          { elementType = not element.id and "Contacts" or nil, element = element })
        assert.is_false(ok)
        assert.truthy(tostring(err):find("Cannot assign record to the given user", 1, true))
      end
    end
  end)
end)

describe("creates at once", function()
  -- Create on many lanes; return how many were made and how many differ in a field.
  local function race(traits, module, field, values)
    local server <close> = sandbox.start { profile = "vtiger8", traits = traits }
    local lanes <close> = icrm.connect {
      url = server:url(), username = server:username(), access_key = server:key(), lanes = 8,
    }
    local made, seen, different = 0, {}, 0
    icrm.map({ 1, 2, 3, 4, 5, 6, 7, 8 }, function(i)
      local ok, record = pcall(lanes.create, lanes, module, values(i))
      if ok then
        made = made + 1
        different = different + (seen[record[field]] and 0 or 1)
        seen[record[field]] = true
      else
        assert.truthy(tostring(record):find("Duplicate(s) detected!", 1, true))
      end
    end)
    return made, different
  end

  local function ticket(i)
    return { ticket_title = "T" .. i, ticketstatus = "Open", ticketpriorities = "Low" }
  end

  local function account()
    return { accountname = "Rhône" }
  end

  it("share numbers with repeated-numbers only", function()
    local made, different = race("repeated-numbers=300", "HelpDesk", "ticket_no", ticket)
    assert.equal(8, made)
    assert.is_true(different < 8)
    assert.same({ 8, 8 }, { race("-repeated-numbers", "HelpDesk", "ticket_no", ticket) })
  end)

  it("pass the check for duplicates with unique-race only", function()
    assert.is_true((race("unique-race=300", "Accounts", "id", account)) > 1)
    assert.equal(1, (race("-unique-race", "Accounts", "id", account)))
  end)

  it("one after another have numbers of their own, and see each other", function()
    local crm <close> = connect { profile = "vtiger8",
      traits = "repeated-numbers=1, unique-race=1, -duplicate-words" }
    local first, second = crm:create("HelpDesk", ticket(1)), crm:create("HelpDesk", ticket(2))
    assert.same({ "TT1", "TT2" }, { first.ticket_no, second.ticket_no })
    crm:create("Accounts", account())
    local ok, err = pcall(crm.create, crm, "Accounts", account())
    assert.is_false(ok)
    assert.truthy(tostring(err):find("LBL_DUPLICATES_DETECTED", 1, true))
  end)
end)

describe("pages of a query", function()
  -- Seven accounts, the ids of which have one digit and two.
  local function ids(traits, query)
    local crm <close> = connect { traits = traits, demo = false }
    for i = 1, 12 do
      crm:create("Accounts", { accountname = "A" .. i })
    end
    local list = {}
    for i, row in ipairs(crm:call("query", { query = query })) do
      list[i] = row.id:match "x(%d+)"
    end
    return table.concat(list, " ")
  end

  local PAGE = "SELECT id FROM Accounts WHERE id > '3x8' ORDER BY id LIMIT 3;"

  it("follow the numbers of ids without a trait", function()
    assert.equal("9 10 11", ids("", PAGE))
  end)

  it("follow the letters of ids with ids-as-text", function()
    assert.equal("10 11 12", ids("ids-as-text", PAGE))
  end)

  it("are turned round with reversed-page", function()
    assert.equal("11 10 9", ids("reversed-page", PAGE))
    assert.equal("", ids("reversed-page", "SELECT id FROM Accounts WHERE id > '3x99';"))
  end)

  it("are the first one for ever with same-page, where they are ordered", function()
    assert.equal("1 2 3", ids("same-page", PAGE))
    assert.equal("1 2", ids("same-page", "SELECT id FROM Accounts ORDER BY id LIMIT 5, 2;"))
    assert.equal("9 10 11 12", ids("same-page", "SELECT id FROM Accounts WHERE id > '3x8';"))
  end)

  it("hold rows that IN did not ask for with in-ignored", function()
    local query = "SELECT id FROM Accounts WHERE id IN ('3x2', '3x4') AND accountname LIKE 'A1%%';"
    query = query:gsub("%%%%", "%%")
    assert.equal("", ids("", query))
    assert.equal("1 10 11 12", ids("in-ignored", query))
  end)

  it("hold fewer records than LIMIT says with limit-counts-lines", function()
    local EXPECTED = { [""] = { 6, 6, "6", 6 }, ["limit-counts-lines"] = { 3, 6, "6", 6 },
      ["lines-as-rows"] = { 6, 6, "6", 12 } }
    for traits, expected in pairs(EXPECTED) do
      local crm <close> = connect { traits = traits, demo = false }
      local account = crm:create("Accounts", { accountname = "A" })
      for i = 1, 6 do
        crm:create("Quotes", { subject = "Q" .. i, account_id = account.id,
          quotestage = "Created" }, { check = false })
      end
      local function rows(query)
        return crm:call("query", { query = query })
      end
      assert.same(expected, { #rows "SELECT * FROM Quotes ORDER BY id LIMIT 6;",
        #rows "SELECT id FROM Quotes ORDER BY id LIMIT 6;",
        rows "SELECT count(*) FROM Quotes;"[1].count, #rows "SELECT * FROM Quotes;" })
    end
  end)
end)

describe("the trait lock-gives-up", function()
  it("lets a call run beside one that takes too long", function()
    local crm <close> = client_of.start { traits = "lock-gives-up=50",
      faults = "at create#1 after_commit stall=60000" }
    crm:login()
    local port, path = crm.sandbox:url():match ":(%d+)(/.*)$"
    local body = client_of.encode { operation = "create", sessionName = crm.session,
      elementType = "Accounts",
      element = json.encode { accountname = "A", assigned_user_id = "19x1" } }
    local stalled = assert(socket.connect("127.0.0.1", tonumber(port)))
    stalled:send(("POST %s HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: %d\r\n"
      .. "Content-Type: application/x-www-form-urlencoded\r\n\r\n%s"):format(path, #body, body))
    local log
    repeat
      log = crm.sandbox:log()
    until log[#log].operation == "create" and log[#log].committed
    local at = #log
    assert.equal("successfull", crm:post "logout".message)
    log = crm.sandbox:log()
    assert.same({ "create", false, "logout" },
      { log[at].operation, log[at].replied, log[at + 1].operation })
    stalled:close()
  end)
end)

describe("the trait activity-types", function()
  local EVENT = { subject = "E", date_start = "2026-12-01", time_start = "09:00:00",
    due_date = "2026-12-01", time_end = "10:15:00", duration_hours = "1",
    eventstatus = "Planned", taskstatus = "Planned" }

  local function create(crm, module, activitytype)
    local element = { activitytype = activitytype, assigned_user_id = crm.user }
    for name, value in pairs(EVENT) do
      element[name] = value
    end
    return crm:call("create", { elementType = module, element = element })
  end

  local function count(crm, module)
    return crm:call("query", { query = ("SELECT count(*) FROM %s;"):format(module) })[1].count
  end

  it("makes an event of what is no task, under an id that does not tell", function()
    local crm <close> = connect { profile = "vtiger8", traits = "activity-types" }
    local made = create(crm, "Calendar", "Call")
    assert.same({ "9x", "1", "15", "" }, { made.id:match "^%d+x", made.duration_hours,
      made.duration_minutes, made.taskstatus })
    assert.same({ "0", "1" }, { count(crm, "Calendar"), count(crm, "Events") })
    assert.error_matches(function()
      crm:retrieve(made.id)
    end, "Id specified is incorrect")
    assert.equal("E", crm:retrieve((made.id:gsub("^9x", "18x"))).subject)
    assert.equal("18x", create(crm, "Events", "Task").id:match "^%d+x")
    assert.equal("9x", create(crm, "Calendar", "Task").id:match "^%d+x")
    assert.same({ "2", "1" }, { count(crm, "Calendar"), count(crm, "Events") })
  end)

  it("moves a record whose type changes", function()
    local crm <close> = connect { profile = "vtiger8", traits = "activity-types" }
    local made = create(crm, "Events", "Meeting")
    revise(crm, { id = made.id, activitytype = "Task" })
    assert.same({ "1", "0" }, { count(crm, "Calendar"), count(crm, "Events") })
  end)

  it("leaves both modules alone when it is off", function()
    local crm <close> = connect { profile = "vtiger8", traits = "-activity-types" }
    crm:retrieve(create(crm, "Calendar", "Call").id)
    assert.same({ "1", "0" }, { count(crm, "Calendar"), count(crm, "Events") })
  end)
end)

describe("the trait forecast-workflow", function()
  it("sets a field that was not sent", function()
    local crm <close> = connect { profile = "vtiger8", traits = "forecast-workflow" }
    local made = crm:create("Potentials", { potentialname = "P", closingdate = "2026-12-31",
      sales_stage = "Prospecting", amount = "1234.5", probability = "20" })
    assert.equal("246.90000000", made.forecast_amount)
    assert.equal("200.00000000", revise(crm, { id = made.id, amount = "1000" }).forecast_amount)
    assert.equal("200.00000000", revise(crm, { id = made.id, nextstep = "x" }).forecast_amount)
  end)
end)

describe("the trait describe-isunique", function()
  local function unique(options)
    local crm <close> = connect(options)
    for _, field in ipairs(crm:call("describe", { elementType = "Accounts" }).fields) do
      if field.name == "accountname" then
        return field.isunique
      end
    end
  end

  it("tells what is unique; without it that is kept from the client", function()
    assert.is_true(unique { profile = "vtiger8" })
    assert.is_nil(unique { profile = "vtiger8", traits = "-describe-isunique" })
    local crm <close> = connect { profile = "vtiger8", traits = "-describe-isunique" }
    crm:create("Accounts", { accountname = "Rhône" })
    assert.error_matches(function()
      crm:create("Accounts", { accountname = "rhone " })
    end, "same value of a unique field exists")
  end)
end)

describe("the trait everyone-creates", function()
  it("lets a user create where he may not, but in what is no entity", function()
    for traits, may in pairs { [""] = false, ["everyone-creates"] = true } do
      local crm <close> = connect({ profile = "vtiger8", traits = traits }, "jdupont")
      local ok = pcall(crm.call, crm, "create", { elementType = "HelpDesk", element = {
        ticket_title = "T", ticketstatus = "Open", ticketpriorities = "Low",
        assigned_user_id = crm.user } })
      assert.equal(may, ok)
      assert.is_false((pcall(crm.call, crm, "create", { elementType = "Groups",
        element = { groupname = "G" } })))
    end
  end)
end)

describe("the trait private-events", function()
  it("shows in queries what may not be retrieved", function()
    local server = sandbox.start { profile = "vtiger8" }
    local admin <close> = icrm.connect { url = server:url(), username = "admin",
      access_key = server:key "admin", owner = server }
    local crm <close> = icrm.connect { url = server:url(), username = "jdupont",
      access_key = server:key "jdupont" }
    local made = admin:create("Events", { subject = "E", date_start = "2026-12-01",
      time_start = "09:00:00", due_date = "2026-12-01", time_end = "10:00:00",
      duration_hours = "1", eventstatus = "Planned", activitytype = "Meeting",
      visibility = "Private" })
    assert.equal("E", stored(crm, "Events", made.id, "subject"))
    for _, operation in ipairs { "retrieve", "delete" } do
      assert.error_matches(function()
        crm:call(operation, { id = made.id })
      end, "Permission to read given object is denied")
    end
    assert.equal("E", admin:retrieve(made.id).subject)
  end)
end)

describe("the trait hidden-fields", function()
  it("keeps a field from a user, who may write it once", function()
    local server = sandbox.start { profile = "vtiger8",
      traits = "hidden-fields, everyone-creates" }
    local admin <close> = icrm.connect { url = server:url(), username = "admin",
      access_key = server:key "admin", owner = server }
    local crm <close> = icrm.connect { url = server:url(), username = "jdupont",
      access_key = server:key "jdupont" }
    local made = crm:call("create", { elementType = "HelpDesk", element = { ticket_title = "T",
      ticketstatus = "Open", ticketpriorities = "Low", hours = "3", assigned_user_id = crm.user } })
    assert.is_nil(made.hours)
    assert.is_nil(revise(crm, { id = made.id, hours = "9" }).hours)
    assert.equal("3.00000000", admin:retrieve(made.id).hours)
    assert.error_matches(function()
      stored(crm, "HelpDesk", made.id, "hours")
    end, "attribute denied")
    for _, field in ipairs(crm:call("describe", { elementType = "HelpDesk" }).fields) do
      assert.not_equal("hours", field.name)
    end
  end)
end)
