local core = require "icrm.core"
local helper = require "spec.helper"
local icrm = require "icrm"
local sandbox = require "icrm.sandbox"

local raised = helper.raised

describe("icrm.connect", function()
  it("starts a sandbox, logs in and knows who it is", function()
    local crm <close> = icrm.connect "sandbox:"
    assert.equal("19x1", crm.user)
    assert.equal("6.0.0", crm.version)
    assert.matches("^http://127%.0%.0%.1:%d+/", crm.url)
  end)

  it("takes options and refuses unknown ones with the nearest name", function()
    local server <close> = sandbox.start {}
    local options = { url = server:url(), username = server:username(),
                      access_key = server:key(), insecure = true }
    icrm.connect(options):close()
    options.timout = 3
    local err = raised(icrm.connect, options)
    assert.equal("config", err.kind)
    assert.equal('unknown option "timout"; did you mean "timeout"?', err.message)
  end)

  it("says what is missing and where to set it", function()
    assert.equal("connect needs url; set it in the profile or as ICRM_URL",
      raised(icrm.connect, {}).message)
    assert.matches("connect needs username; .* ICRM_USERNAME",
      raised(icrm.connect, { url = "https://crm.example" }).message)
    assert.matches("connect needs an access key; .* ICRM_ACCESS_KEY",
      raised(icrm.connect, { url = "https://crm.example", username = "x/y" }).message)
  end)

  it("fails for a wrong key and an unknown user, and leaves nothing open", function()
    local server <close> = sandbox.start {}
    local before = core.open_count()
    local err = raised(icrm.connect, { url = server:url(), username = server:username(),
      access_key = "wrong", insecure = true })
    assert.equal("auth", err.kind)
    err = raised(icrm.connect, { url = server:url(), username = "prefix/nobody",
      access_key = server:key(), insecure = true })
    assert.equal("auth", err.kind)
    assert.equal(before, core.open_count())
  end)

  it("fails for a server that is not there", function()
    local server = sandbox.start {}
    local url, name, key = server:url(), server:username(), server:key()
    server:stop()
    local err = raised(icrm.connect, { url = url, username = name, access_key = key,
      insecure = true })
    assert.equal("transport", err.kind)
  end)

  it("shows no secret of itself", function()
    local server <close> = sandbox.start {}
    local crm <close> = icrm.connect { url = server:url(), username = server:username(),
      access_key = server:key(), insecure = true }
    local text = tostring(crm)
    assert.matches("^icrm%.Client %(.*admin at http://127%.0%.0%.1:%d+%)$", text)
    local seen = {}
    local function search(value)
      if type(value) == "string" then
        assert.is_nil(value:find(server:key(), 1, true))
      elseif type(value) == "table" and not seen[value] then
        seen[value] = true
        for k, v in pairs(value) do search(k) search(v) end
      end
    end
    search(crm)
  end)

  it("closes once, and raises when used after", function()
    local before = core.open_count()
    local crm = icrm.connect "sandbox:"
    crm:close()
    crm:close()
    assert.equal(before, core.open_count())
    assert.error_matches(function() crm:retrieve "9x1" end, "closed icrm.Client")
  end)

  it("tries both names of the entry where the URL has none", function()
    local function connect(faults)
      local server = sandbox.start { faults = faults }
      return icrm.connect { url = server:url():match "^(.*)/[^/]*$", username = "admin",
        access_key = server:key(), insecure = true, owner = server, site = "x" }
    end
    local crm <close> = connect "at getchallenge#1 status=404"
    assert.matches("/webservice%.php$", crm.url)
    assert.truthy(crm:describe "HelpDesk")
    local other <close> = connect()
    assert.not_matches("webservice", other.url)
    local err = raised(connect, "p=1 getchallenge status=404")
    assert.equal("http", err.kind)
    assert.matches("^neither wstiger.php nor webservice.php answers there", err.message)
    err = raised(connect, "p=1 login error=INVALID_USER_CREDENTIALS")
    assert.not_matches("webservice", err.message)
  end)

  it("loads nothing that is not used", function()
    local file = helper.tmpfile [[
      package.path = "lua/?.lua;lua/?/init.lua;" .. package.path
      package.cpath = "build/lib/?.so;" .. package.cpath
      require "icrm"
      for name in pairs(package.loaded) do
        if name:find "^icrm" or name == "cjson" then print(name) end
      end]]
    assert.equal("icrm\n", helper.run({ "lua5.4", file }).out)
  end)
end)

describe("icrm.Client", function()
  local server, crm

  setup(function()
    server = sandbox.start {}
    crm = icrm.connect { url = server:url(), username = server:username(),
      access_key = server:key(), insecure = true }
  end)
  teardown(function()
    crm:close()
    server:stop()
  end)

  local function ticket(fields)
    local all = { ticket_title = "Essai", ticketstatus = "Open" }
    for name, value in pairs(fields or {}) do all[name] = value end
    return crm:create("HelpDesk", all)
  end

  local function calls(operation, module)
    local count = 0
    for _, event in ipairs(server:log()) do
      if event.operation == operation and (not module or event.module == module) then
        count = count + 1
      end
    end
    return count
  end

  it("lists the modules", function()
    local information, names = crm:list_types()
    assert.equal("Tickets", information.HelpDesk.label)
    assert.is_true(information.HelpDesk.isEntity)
    assert.is_true(#names > 10)
  end)

  it("describes a module once, however many ask", function()
    local before = calls("describe", "Products")
    icrm.map({ 1, 2, 3, 4, 5, 6, 7, 8 }, function() return crm:describe "Products" end)
    assert.equal("Products", crm:describe("Products").name)
    assert.equal(before + 1, calls("describe", "Products"))
  end)

  it("suggests the module that was meant", function()
    local err = raised(crm.describe, crm, "HelpDeks")
    assert.equal("input", err.kind)
    assert.matches('there is no module "HelpDeks" for .*did you mean "HelpDesk"%?$',
      err.message)
    assert.matches('did you mean "HelpDesk"%?$',
      raised(crm.create, crm, "Ticket", {}).message)
    assert.matches("crm:list_types%(%) lists them$",
      raised(crm.describe, crm, "Zzzzzzzzzzz").message)
  end)

  it("creates, retrieves, updates and deletes a record", function()
    local created, changes = ticket { ticketpriorities = "Haute", hours = 1.5 }
    assert.same({}, changes)
    assert.matches("^9x%d+$", created.id)
    assert.equal("High", created.ticketpriorities)
    assert.equal(crm.user, created.assigned_user_id)
    local stored = crm:retrieve(created.id)
    assert.equal("Essai", stored.ticket_title)
    assert.equal("1.50000000", crm:retrieve(created).hours)
    local updated
    updated, changes = crm:update("HelpDesk", { id = created.id, ticketstatus = "Closed" })
    assert.same({}, changes)
    assert.equal("Closed", updated.ticketstatus)
    assert.equal("High", updated.ticketpriorities)
    assert.is_true(crm:delete(created))
    local err = raised(crm.retrieve, crm, created.id)
    assert.equal("refused", err.kind)
    assert.equal("ACCESS_DENIED", err.code)
    assert.matches("^9x%d+ does not exist, was deleted, or .* may not read it: ",
      err.message)
  end)

  it("sends what changes alone, and reads the first record of a module again", function()
    local account = crm:create("Accounts", { accountname = "Seule", phone = "1" })
    local retrieves, revised = calls "retrieve", calls "revise"
    crm:update("Accounts", { id = account.id, phone = "2" })
    assert.equal(retrieves + 2, calls "retrieve")
    crm:update("Accounts", { id = account.id, phone = "3" }, { partial = true })
    assert.equal(retrieves + 3, calls "retrieve")
    assert.equal(revised + 2, calls "revise")
    assert.same({ "Seule", "3" }, { crm:retrieve(account).accountname,
      crm:retrieve(account).phone })
  end)

  it("empties a reference by revise, and says that update did not", function()
    local account = crm:create("Accounts", { accountname = "Réf 1" })
    local created = ticket { parent_id = account }
    assert.equal(account.id, created.parent_id)
    local _, changes = crm:update("HelpDesk", { id = created.id, parent_id = "" })
    if #changes > 0 then
      assert.same({ { field = "parent_id", sent = "", stored = account.id } }, changes)
    end
    local revised
    revised, changes = crm:revise("HelpDesk", { id = created.id, parent_id = "" })
    assert.equal("", revised.parent_id)
    assert.same({}, changes)
  end)

  it("reports what the server stored otherwise than it was sent", function()
    local long = ("é"):rep(300)
    local created, changes = ticket { ticket_title = long }
    assert.equal(1, #changes)
    assert.equal("ticket_title", changes[1].field)
    assert.equal(long, changes[1].sent)
    assert.equal(created.ticket_title, changes[1].stored)
    assert.equal(255, utf8.len(created.ticket_title))
  end)

  it("refuses, before anything is sent, what the server would take blindly", function()
    local sent = #server:log()
    for fields, message in pairs {
      [{ ticketstatus = "Opne", ticket_title = "x" }] =
        'HelpDesk: ticketstatus ("Opne") is no value of this picklist: did you mean "Open"?',
      [{ ticketstatus = "Open" }] = "HelpDesk: ticket_title is mandatory",
      [{ ticketstatus = "Open", ticket_title = "x", titel = "y" }] = 'has no field "titel"',
      [{ ticketstatus = "Open", ticket_title = "x", id = "9x1" }] = "create takes no id",
      [{ ticketstatus = "Open", ticket_title = "x", parent_id = "1x1" }] =
        'parent_id ("1x1") points to a wrong module: it must be an id of Accounts',
    } do
      local err = raised(crm.create, crm, "HelpDesk", fields)
      assert.equal("input", err.kind)
      assert.truthy(err.message:find(message, 1, true), err.message)
    end
    for _, event in ipairs(server:log(sent)) do
      assert.is_not.equal("create", event.operation)
    end
  end)

  it("gives the faults as a list too", function()
    local err = raised(crm.create, crm, "HelpDesk", {})
    assert.equal(2, #err.faults)
    assert.equal("ticket_title", err.faults[1].field)
  end)

  it("sends anything when told not to check", function()
    local created = crm:create("HelpDesk", { ticket_title = "x", ticketstatus = "Inventé" },
      { check = false })
    assert.equal("Inventé", created.ticketstatus)
  end)

  it("refuses ids that are none, or of another module", function()
    for _, id in ipairs { "12", "9x", "x5", "9x1 ", "9x1;", "", 12, true } do
      local err = raised(crm.retrieve, crm, id)
      assert.equal("input", err.kind)
      assert.matches("is no record id; an id is .* like 9x6617554$", err.message)
    end
    local err = raised(crm.update, crm, "HelpDesk", { id = "3x1", ticketstatus = "Open" })
    assert.equal("3x1 is no id of HelpDesk: those begin with 9x", err.message)
    assert.matches("is no record id", raised(crm.update, crm, "HelpDesk",
      { ticketstatus = "Open" }).message)
  end)

  it("does not deactivate users by deleting them", function()
    assert.matches("^19x5 is a user", raised(crm.delete, crm, "19x5").message)
  end)

  it("lists related records", function()
    local account = crm:create("Accounts", { accountname = "Liée 1" })
    for i = 1, 3 do
      crm:create("Contacts", { lastname = "Contact " .. i, account_id = account })
    end
    local rows = crm:related(account, "Contacts")
    assert.equal(3, #rows)
    assert.equal(account.id, rows[1].account_id)
    assert.same({}, crm:related(account.id, "Potentials"))
  end)

  it("reads related records past the server's hundred", function()
    local account = crm:create("Accounts", { accountname = "Liée 2" })
    local list = {}
    for i = 1, 103 do list[i] = i end
    icrm.map(list, function(i)
      return crm:create("Contacts", { lastname = "Contact " .. i, account_id = account.id })
    end)
    assert.equal(100, #crm:related(account, "Contacts", { cap = true }))
    -- How queries page is the business of their own spec.
    local asked
    crm.from = function(_, module)
      asked = { module }
      local walk = {}
      function walk.where(_, ...) table.move({ ... }, 1, 3, 2, asked) return walk end
      function walk.each()
        local rows, last = {}, "4x0"
        return function()
          if #rows == 0 then
            rows = crm:call("query", { query = ("SELECT * FROM %s WHERE %s %s '%s' "
              .. "AND id > '%s' ORDER BY id LIMIT 100;"):format(
                asked[1], asked[2], asked[3], asked[4], last) })
          end
          local row = table.remove(rows, 1)
          last = row and row.id
          return row
        end
      end
      return walk
    end
    local rows = crm:related(account, "Contacts")
    crm.from = nil
    assert.same({ "Contacts", "account_id", "=", account.id }, asked)
    assert.equal(103, #rows)
    local seen = {}
    for _, row in ipairs(rows) do seen[row.lastname] = true end
    for i = 1, 103 do assert.is_true(seen["Contact " .. i]) end
  end)

  it("raises when it cannot tell what is past the hundred", function()
    local id = ticket().id
    local list = {}
    for i = 1, 100 do list[i] = i end
    icrm.map(list, function(i)
      local document = crm:create("Documents", { note_title = "Pièce " .. i })
      crm:call("add_related", { sourceRecordId = id, relatedRecordId = document.id,
        relationIdLabel = "Documents" })
    end)
    local err = raised(crm.related, crm, id, "Documents")
    assert.equal("query", err.kind)
    assert.matches("never gives more than that; pass { cap = true }", err.message)
    assert.equal(100, #crm:related(id, "Documents", { cap = true }))
  end)

  it("says that a relation does not exist", function()
    local id = ticket().id
    assert.matches('did you mean "Documents"', raised(crm.related, crm, id, "Documentz").message)
    assert.matches('has no relation "Pièces" to Documents; those to it are called "Documents"',
      raised(crm.related, crm, id, "Documents", { label = "Pièces" }).message)
  end)

  it("explains a refused duplicate", function()
    local one <close> = icrm.connect "sandbox:?profile=vtiger8"
    one:create("Accounts", { accountname = "Double" })
    assert.matches("^a record of Accounts with the same accountname exists: ",
      raised(one.create, one, "Accounts", { accountname = "double" }).message)
  end)

  it("calls any operation", function()
    local result = crm:call("retrieve", { id = ticket().id })
    assert.equal("Essai", result.ticket_title)
    local err = raised(crm.call, crm, "nosuchoperation", { a = 1 })
    assert.is_string(err.kind)
    err = raised(crm.call, crm, "retrieve", { sessionName = "x" })
    assert.equal("input", err.kind)
  end)

  it("works next to others in one map", function()
    local several = {}
    for i = 1, 6 do
      several[i] = icrm.connect(i % 2 == 0 and "sandbox:" or "sandbox:?profile=vtiger8")
    end
    local result = icrm.map(several, function(one, i)
      local ids = icrm.map({ 1, 2, 3 }, function(j)
        return one:create("Accounts", { accountname = ("Compte %d.%d"):format(i, j) }).id
      end)
      return one:retrieve(ids[3]).accountname
    end)
    for i, one in ipairs(several) do
      assert.equal(("Compte %d.3"):format(i), result[i])
      one:close()
    end
  end)

  it("runs calls of one map over several lanes", function()
    local list = {}
    for i = 1, 30 do list[i] = i end
    local result = icrm.map(list, function(i)
      return ticket({ ticket_title = "Ligne " .. i }).ticket_title
    end)
    for i = 1, 30 do assert.equal("Ligne " .. i, result[i]) end
    assert.is_true(crm.core:stats().lanes > 1)
  end)
end)
