-- Records are changed, and nothing else is: before each kind of server, by single
-- writes, by change sets and by their undo.
local changes = require "icrm.changes"
local core = require "icrm.core"
local helper = require "spec.helper"
local icrm = require "icrm"

local COMPUTED = { modifiedtime = true, modifiedby = true, update_log = true, label = true }

describe("writing to a server that", function()
  local server, crm, admin

  local function connect(name)
    return icrm.connect { url = server:url(), username = name, access_key = server:key(name) }
  end

  -- Start a server; `user` is who writes.
  local function start(options, user)
    server = assert(core.sandbox.start(options))
    admin = connect(server:username())
    crm = user and connect(user) or admin
  end

  after_each(function()
    if crm ~= admin then
      crm:close()
    end
    admin:close()
    server:stop()
  end)

  local function plan(options)
    options = options or {}
    options.input = options.input or "spec"
    return changes.create(crm, helper.tmpdir() .. "/set.icrm", options)
  end

  -- What is not as it was: field → { before, after }.
  local function moved(before, meant)
    local now, list = admin:retrieve(before.id), {}
    for field, value in pairs(before) do
      if not COMPUTED[field] and now[field] ~= value and type(value) ~= "table"
        and meant[field] == nil
      then
        list[field] = { value, now[field] or "gone" }
      end
    end
    for field, value in pairs(meant) do
      assert.equal(value, now[field])
    end
    return list
  end

  -- Change records by the three roads; nothing else may move.
  local function keeps(record, module, fields, more)
    local before = admin:retrieve(record.id)
    local _, differences = crm:update(module, (function()
      local element = core.copy(fields)
      element.id = record.id
      return element
    end)())
    assert.same({}, differences)
    assert.same({}, moved(before, more or fields))
    before = admin:retrieve(record.id)
    local old = {}
    for field in pairs(fields) do
      old[field] = before[field]
    end
    local set <close> = plan()
    for field, value in pairs(fields) do
      fields[field] = value .. "1"
    end
    set:update(record.id, fields)
    assert.same({ done = 1 }, set:apply({ settle = 0.02 }).states)
    assert.same({}, moved(before, fields))
    server:advance(2)
    local back <close> = set:undo(helper.tmpdir() .. "/undo.icrm")
    assert.same({ done = 1 }, back:apply({ settle = 0.02 }).states)
    assert.same({}, moved(before, old))
  end

  local TEXT = 'Été & "hiver" <1 kg>\nligne 2'

  for name, options in pairs {
    ["encodes a description and rounds"] = { profile = "vtiger8",
      traits = "update-encodes-description,update-rounds,revise-drops" },
    ["blanks what an update leaves out"] = { traits = "update-blanks" },
  } do
    for how, offered in pairs { [" by revise"] = true, [" without revise"] = false } do
      it(name .. " keeps the rest of an account" .. how, function()
        start(options)
        crm.offered = { revise = offered }
        local account = crm:create("Accounts", { accountname = "A", description = TEXT,
          annual_revenue = "1234.50", phone = "1" })
        keeps(account, "Accounts", { phone = "2" })
      end)
    end
  end

  it("reads amounts in the user's own currency says so before it is sent", function()
    start { profile = "vtiger8", traits = "foreign-currency=2" }
    assert.same({ name = "US Dollar", rate = 2, base = "Euro" }, crm:foreign_currency())
    local account = crm:create("Accounts", { accountname = "A", annual_revenue = "100" })
    keeps(account, "Accounts", { phone = "2" })
    local set <close> = plan()
    set:create("Accounts", { accountname = "B", annual_revenue = "100" })
    local text = set:show()
    assert.truthy(text:find("Accounts.annual_revenue: 1 amount is read in US Dollar", 1, true))
    assert.truthy(text:find("Accounts.annual_revenue:converted", 1, true))
    assert.same({ done = 1 }, set:apply({ settle = 0.02,
      accept = { "Accounts.annual_revenue:converted" } }).states)
  end)

  it("reads amounts in the user's own currency is sent none to take one back", function()
    start { profile = "vtiger8", traits = "foreign-currency=2" }
    local account = crm:create("Accounts", { accountname = "A", annual_revenue = "100" })
    local before = crm:retrieve(account.id).annual_revenue
    local set <close> = plan()
    set:update(account.id, { annual_revenue = "70" })
    set:apply { settle = 0.02, accept = { "Accounts.annual_revenue:converted" } }
    local stored = crm:retrieve(account.id).annual_revenue
    assert.not_equal(before, stored)
    local back <close> = set:undo(helper.tmpdir() .. "/undo.icrm")
    assert.same({ skipped = 1 }, back.store:states())
    assert.truthy(back.store:get(1).message:find("converted from US Dollar to Euro", 1, true))
    back:apply { settle = 0.02 }
    assert.equal(stored, crm:retrieve(account.id).annual_revenue)
  end)

  it("reads amounts in the CRM's own currency says nothing of it", function()
    start { profile = "vtiger8" }
    assert.is_nil(crm:foreign_currency())
  end)

  it("has no revise any more is seen at the first record, and nothing is done twice", function()
    start { traits = "no-revise" }
    crm:server():learn("offers revise", true) -- of another day
    local records = {}
    for i = 1, 3 do
      records[i] = crm:create("Accounts", { accountname = "A" .. i, phone = "1" })
    end
    local set <close> = plan()
    for _, record in ipairs(records) do
      set:update(record, { phone = "2" })
    end
    assert.same({ done = 3 }, set:apply({ settle = 0.02 }).states)
    assert.is_false(crm:server():fact "offers revise")
    for _, record in ipairs(records) do
      assert.equal("2", admin:retrieve(record.id).phone)
    end
  end)

  it("blanks, and was probed, is sent the first record whole", function()
    start { traits = "no-revise,update-blanks" }
    crm:server():learn("update", "blanks")
    local account = crm:create("Accounts", { accountname = "A", phone = "1", description = "d" })
    keeps(account, "Accounts", { phone = "2" })
    local updates = 0
    for _, call in ipairs(server:log()) do
      updates = updates + (call.operation == "update" and 1 or 0)
    end
    assert.equal(3, updates) -- one on each of the three roads; none put the rest back
  end)

  it("drops prices by revise keeps them and the taxes of a product", function()
    start { profile = "vtiger8", traits = "update-encodes-description,update-rounds,"
      .. "revise-drops,price-list,json-numbers" }
    local product = crm:create("Products", { productname = "P", unit_price = "80", tax1 = "20",
      description = TEXT, discontinued = "1" })
    product = crm:retrieve(product.id)
    assert.equal("number", type(product.currency1))
    keeps(product, "Products", { productname = "Q" })
  end)

  it("gives numbers in JSON changes a price, and takes it back", function()
    start { profile = "vtiger8", traits = "revise-drops,price-list,json-numbers" }
    local product = crm:create("Products", { productname = "P", unit_price = "80", tax1 = "20" })
    local set <close> = plan()
    set:update(product.id, { unit_price = "90.50" })
    assert.same({ done = 1 }, set:apply({ settle = 0.02 }).states)
    assert.equal(90.5, crm:retrieve(product.id).currency1)
    local back <close> = set:undo(helper.tmpdir() .. "/undo.icrm")
    assert.same({ done = 1 }, back:apply({ settle = 0.02 }).states)
    local now = crm:retrieve(product.id)
    assert.same({ "80.00000000", 80, "20.000" }, { now.unit_price, now.currency1, now.tax1 })
  end)

  describe("is coreBOS, of a user with a comma in Paris,", function()
    before_each(function()
      start({ profile = "corebos" }, "jeanne")
    end)

    it("keeps the rest of an account", function()
      local account = admin:create("Accounts", { accountname = "A", annual_revenue = "1234.5",
        description = TEXT })
      keeps(account, "Accounts", { phone = "2" })
    end)

    it("stores numbers as they were meant, in creates and changes", function()
      local account = crm:create("Accounts", { accountname = "N", annual_revenue = "1234.56" })
      assert.equal("1234.560000", admin:retrieve(account.id).annual_revenue)
      crm:update("Accounts", { id = account.id, annual_revenue = "77.25" })
      assert.equal("77.250000", admin:retrieve(account.id).annual_revenue)
      local set <close> = plan()
      set:create("Accounts", { accountname = "S", annual_revenue = "0.5" }, { key = "s" })
      set:update(account.id, { annual_revenue = "8.125" })
      assert.same({ done = 2 }, set:apply({ settle = 0.02 }).states)
      assert.equal("8.125000", admin:retrieve(account.id).annual_revenue)
      assert.equal("0.500000",
        admin:retrieve(set.store:by_key("s").record).annual_revenue)
    end)

    it("revises in the same form, and not without what belongs to it", function()
      local account = crm:create("Accounts", { accountname = "A", annual_revenue = "1234.56" })
      crm:revise("Accounts", { id = account.id, annual_revenue = "77.25" })
      assert.equal("77.250000", admin:retrieve(account.id).annual_revenue)
      local ticket = crm:create("HelpDesk", { ticket_title = "T", ticketstatus = "Open" })
      local document = crm:attach(ticket, { name = "a.txt", data = "abc" })
      crm:revise("Documents", { id = document.id, notecontent = "x" })
      assert.equal("abc", (crm:download(document.id)))
      assert.equal("a", admin:retrieve(document.id).notes_title)
    end)

    it("moves no event's times but those that were meant", function()
      local event = crm:create("cbCalendar", { subject = "S", activitytype = "Meeting",
        eventstatus = "Planned", dtstart = "2026-12-01 09:30:00", dtend = "2026-12-01 10:30:00" })
      keeps(event, "cbCalendar", { location = "Lyon" })
      crm:update("cbCalendar", { id = event.id, dtstart = "2026-07-01 08:00:00" })
      local now = admin:retrieve(event.id)
      assert.equal("2026-07-01 08:00:00", now.dtstart)
      assert.equal("2026-12-01 10:30:00", now.dtend)
      local set <close> = plan()
      set:update(event.id, { dtend = "2026-07-01 23:30:00" })
      assert.same({ done = 1 }, set:apply({ settle = 0.02 }).states)
      assert.equal("2026-07-01 23:30:00", admin:retrieve(event.id).dtend)
      assert.equal("2026-07-01 08:00:00", admin:retrieve(event.id).dtstart)
    end)

    it("gives nobody a birthday", function()
      local contact, differences = crm:create("Contacts", { lastname = "C" })
      assert.same({}, differences)
      assert.equal("", admin:retrieve(contact.id).birthday)
    end)

    it("leaves the file of a document alone", function()
      local document = admin:call("create", { elementType = "Documents", element = {
        notes_title = "T", filelocationtype = "I", filestatus = "1",
        assigned_user_id = admin.user, filename = { name = "a.txt", size = 3,
          type = "text/plain", content = core.base64.encode "abc" } } }, { method = "POST" })
      keeps(document, "Documents", { notecontent = "x" })
    end)
  end)

  it("makes an absent date today's stops at the first record and says so", function()
    start { profile = "vtiger8", traits = "absent-date-today" }
    local set <close> = plan()
    for i = 1, 5 do
      set:create("Contacts", { lastname = "C" .. i })
    end
    local summary = set:apply { settle = 0.02 }
    assert.same({ done = 1, planned = 4 }, summary.states)
    assert.truthy(summary.stopped:find("birthday was not sent and is stored as", 1, true))
    assert.equal("NOT_ACCEPTED", select(2, pcall(set.apply, set)).code)
    local words = summary.halted.words
    assert.same({ done = 5 }, set:apply({ settle = 0.02, accept = words }).states)
  end)

  it("reads numbers in the user's form unasked stops at the first record", function()
    start({ profile = "corebos", traits = "user-form" }, "jeanne")
    crm:server().kind = "unknown" -- as a relative that nobody has met
    local set <close> = plan()
    for i = 1, 30 do
      set:create("Accounts", { accountname = "S" .. i, annual_revenue = "1234.56" })
    end
    local summary = set:apply { settle = 0.02 }
    assert.same({ done = 1, planned = 29 }, summary.states)
    assert.same({ "annual_revenue:converted" }, summary.halted.words)
  end)

  describe("files activities by their type", function()
    local ACTIVITY = { subject = "S", date_start = "2026-12-01", time_start = "09:00:00",
      due_date = "2026-12-01", time_end = "10:00:00", taskstatus = "Planned",
      eventstatus = "Planned" }

    local function activity(kind)
      local fields = core.copy(ACTIVITY)
      fields.activitytype = kind
      return fields
    end

    before_each(function()
      start { profile = "vtiger8", traits = "activity-types" }
    end)

    it("creates tasks, and knows the id of what became an event", function()
      local task = crm:create("Calendar", activity "Task")
      assert.equal("Task", crm:retrieve(task.id).activitytype)
      assert.equal("Task", crm:create("Calendar", activity()).activitytype)
      local call = crm:create("Calendar", activity "Call")
      assert.equal(crm:describe("Events").id_prefix, call.id:match "^%d+")
      assert.equal("Call", crm:retrieve(call.id).activitytype)
    end)

    it("does so in change sets, and finds them again for undo", function()
      local set <close> = plan()
      for _, kind in ipairs { "Task", "Call", "Task" } do
        set:create("Calendar", activity(kind))
      end
      assert.same({ done = 3 }, set:apply({ settle = 0.02 }).states)
      for change in set.store:each() do
        assert.truthy(crm:retrieve(change.record).id)
      end
      local back <close> = set:undo(helper.tmpdir() .. "/undo.icrm")
      assert.same({ done = 3 }, back:apply({ settle = 0.02, allow_delete = 3 }).states)
    end)
  end)

  it("gives records with tables gets them back whole, with one field changed", function()
    start({ profile = "corebos" }, "jeanne")
    local account = admin:create("Accounts", { accountname = "A", annual_revenue = "1234.5" })
    local whole = crm:retrieve(account.id)
    assert.equal("table", type(whole.assigned_user_idename))
    local before = core.copy(whole)
    whole.phone = "7"
    crm:update("Accounts", whole)
    assert.same({}, moved(before, { phone = "7" }))
    local revised = #server:log()
    local same, differences = crm:update("Accounts", crm:retrieve(account.id))
    assert.same({ "7", {} }, { same.phone, differences })
    assert.equal(revised + 2, #server:log()) -- two reads
  end)

  it("rounds is known of before anything is sent, and stops at the first record", function()
    start { profile = "vtiger8", traits = "update-rounds" }
    local set <close> = plan()
    for i = 1, 4 do
      set:create("Accounts", { accountname = "R" .. i, annual_revenue = i .. "234.56789" })
    end
    assert.truthy(set:show():find("Accounts.annual_revenue: 4 values have more decimals than "
      .. "the 2 of this user's settings", 1, true))
    local summary = set:apply { settle = 0.02 }
    assert.same({ done = 1, planned = 3 }, summary.states)
    assert.same({ "annual_revenue:rounded" }, summary.halted.words)
    local ok, err = pcall(set.apply, set, { accept = { "annual_revenue:round" } })
    assert.same({ false, "input" }, { ok, err.kind })
    assert.same({ done = 4 },
      set:apply({ settle = 0.02, accept = { "Accounts.annual_revenue:rounded" } }).states)
  end)

  it("spills into other fields harms one record, which undo mends", function()
    start { profile = "vtiger8", traits = "revise-drops,price-list,json-numbers" }
    crm:server().kind = "corebos" -- taken for one whose revise is pure
    local set <close> = plan()
    local before
    for i = 1, 3 do
      local product = crm:create("Products", { productname = "P" .. i, unit_price = "80",
        tax1 = "20" })
      before = before or crm:retrieve(product.id)
      set:update(product.id, { productname = "Q" .. i })
    end
    local summary = set:apply { settle = 0.02 }
    assert.same({ needs_human = 1, planned = 2 }, summary.states)
    assert.equal("CONFLICT", set.store:get(1).code)
    assert.equal(0, crm:retrieve(before.id).currency1)
    crm:server().kind = "vtiger8"
    local back <close> = set:undo(helper.tmpdir() .. "/undo.icrm")
    assert.same({ done = 1 }, back:apply({ settle = 0.02 }).states)
    assert.same({}, moved(before, { productname = "P1" }))
  end)

  it("swaps its answers has no record of another change taken for its own", function()
    start { faults = "p=0.4 create swapped; seed=2" }
    local set <close> = plan { witness = { Accounts = { key = { "accountname" } } } }
    for i = 1, 12 do
      set:create("Accounts", { accountname = "Société n° " .. i })
    end
    local states = set:apply({ settle = 0.02, resend = "proven" }).states
    assert.same({ done = 12 }, states)
    assert.equal(12, crm:count "Accounts WHERE accountname LIKE 'Société n° %'")
    for change in set.store:each() do
      local sent = require("icrm.json").decode(change.fields)
      assert.equal(sent.accountname, crm:retrieve(change.record).accountname)
    end
  end)
end)
