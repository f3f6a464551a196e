local helper = require "spec.helper"
local json = require "icrm.json"
local schema = require "icrm.schema"
local values = require "icrm.values"

local function load_schema(profile, module)
  local text = helper.read_file(
    ("src/sandbox/schemas/%s/%s.json"):format(profile, module))
  return schema.new(json.decode(text).describe)
end

local ticket = load_schema("initiative", "HelpDesk")

local function faults_of(fields, opts)
  local _, faults = ticket:check(fields, opts or { partial = true })
  return schema.describe_faults(faults)
end

describe("icrm.schema", function()
  it("knows fields by name and by label", function()
    assert.equal("HelpDesk", ticket.name)
    assert.equal("9", ticket.id_prefix)
    assert.equal("picklist", ticket:field("ticketstatus").type)
    assert.equal("ticketstatus", ticket:field("Statut").name)
    assert.equal("createdtime", ticket:field("date de creation").name)
    assert.equal("ticketstatus", ticket:field("TicketStatus").name)
    assert.is_nil(ticket:field "status")
    assert.same({ "Accounts" }, ticket:field("parent_id").refers_to)
    assert.same({ "parent_id" }, { ticket:references_to("Accounts")[1].name })
    assert.same({}, ticket:references_to "Products2")
  end)

  it("knows what a client may write", function()
    assert.is_true(ticket:field("ticket_title").editable)
    for _, name in ipairs { "ticket_no", "id", "createdtime", "modifiedtime", "modifiedby" } do
      assert.is_false(ticket:field(name).editable, name)
    end
    assert.same({ "assigned_user_id", "ticketstatus", "ticket_title" }, ticket.mandatory)
  end)

  it("finds the field that was meant, by name or label", function()
    assert.equal("ticket_title", ticket:nearest "ticket_titel")
    assert.equal("ticketpriorities", ticket:nearest "Prioritee")
    assert.equal("assigned_user_id", ticket:nearest "assignee a")
    assert.is_nil(ticket:nearest "zzzzzzzz")
  end)

  it("brings values into the server's form", function()
    local fields, faults = ticket:check {
      ticket_title = "Panneau livré en retard", ticketstatus = "Ouvert",
      ticketpriorities = "High", assigned_user_id = "19x1", hours = 1.5, days = 2,
      parent_id = { id = "3x262015", accountname = "Dupont" }, description = "",
    }
    assert.same({}, faults)
    assert.same({ ticket_title = "Panneau livré en retard", ticketstatus = "Open",
      ticketpriorities = "High", assigned_user_id = "19x1", hours = "1.5", days = "2",
      parent_id = "3x262015", description = "" }, fields)
  end)

  it("names all mandatory fields that are missing at once", function()
    local _, faults = ticket:check { ticketstatus = "" }
    local names = {}
    for i, fault in ipairs(faults) do names[i] = fault.field end
    assert.same({ "assigned_user_id", "ticket_title", "ticketstatus" }, names)
    assert.equal("give assigned_user_id (Assigné à) a value", faults[1].cure)
    assert.equal("", faults_of { description = "x" })
  end)

  it("does not choose between fields of one label", function()
    local twins = schema.new { name = "Twins", idPrefix = "7", fields = {
      { name = "a", label = "Ville", type = { name = "string" } },
      { name = "b", label = "Ville", type = { name = "string" } },
      { name = "c", label = "VILLE", type = { name = "string" } },
      { name = "ville", label = "Cité", type = { name = "string" } } } }
    assert.equal("ville", twins:field("ville").name)
    assert.equal("c", twins:field("VILLE").name)
    local field, fault = twins:field "Ville"
    assert.is_nil(field)
    assert.equal('Twins has 2 fields that "Ville" may mean', fault.message)
    assert.equal("name one: a, b", fault.cure)
    assert.equal("name one: a, b, c, ville", select(2, twins:field "vîlle").cure)
    assert.matches("has no field", select(2, twins:field "Pays").message)
  end)

  it("refuses what the server would store blindly, with place and cure", function()
    assert.equal('ticketstatus ("Opne") is no value of this picklist: did you mean "Open"? '
      .. "allowed: Ouvert (Open), En cours (In Progress), Attente réponse (Wait For Response), "
      .. "Fermé (Closed)",
      faults_of { ticketstatus = "Opne" })
    assert.matches('did you mean "Attente réponse"%?',
      faults_of { ticketstatus = "Attente reponce" })
    assert.equal('ticket_titel ("x") HelpDesk has no field "ticket_titel": '
      .. 'did you mean "ticket_title"?', faults_of { ticket_titel = "x" })
    assert.matches("crm:describe%(\"HelpDesk\"%) lists", faults_of { zzzzzz = "x" })
    assert.matches('hours %("1,5"%) is no number; the server would cut it: write it with',
      faults_of { hours = "1,5" })
    assert.matches("written by the server alone: leave it out", faults_of { ticket_no = "T1" })
    assert.matches("parent_id %(32%) is no record id", faults_of { parent_id = 32 })
  end)

  it("refuses a reference to another module when prefixes are known", function()
    local prefixes = { Accounts = "3", Users = "19" }
    local opts = { partial = true, prefix_of = function(name) return prefixes[name] end }
    assert.equal('parent_id ("4x12") points to a wrong module: it must be an id of Accounts',
      faults_of({ parent_id = "4x12" }, opts))
    assert.equal("", faults_of({ parent_id = "3x12", contact_id = "77x1" }, opts))
    prefixes.Groups = "20"
    assert.matches("Users or Groups", faults_of({ assigned_user_id = "3x1" }, opts))
    assert.equal("", faults_of({ assigned_user_id = "20x1" }, opts))
  end)

  it("reads both profiles' modules", function()
    for _, profile in ipairs { "initiative", "vtiger8" } do
      local list = helper.run { "ls", "src/sandbox/schemas/" .. profile }
      for module in list.out:gmatch "(%u%w+)%.json" do
        local one = load_schema(profile, module)
        assert.equal(module, one.name)
        assert.matches("^%d+$", one.id_prefix)
      end
    end
  end)
end)

describe("icrm.values", function()
  local function check(kind, cases, field)
    for _, case in ipairs(cases) do
      local given, want = case[1], case[2]
      local normal = values.normalise(field or { type = kind }, given)
      assert.equal(want, normal, kind .. " " .. tostring(given))
    end
  end

  it("checks each type", function()
    check("boolean", { { true, "1" }, { false, "0" }, { "1", "1" }, { "off", "0" },
      { "", "" }, { 0, "0" }, { "2", nil }, { {}, nil } })
    check("integer", { { 12, "12" }, { "0012", "0012" }, { 3.0, "3" }, { "1.5", nil },
      { "douze", nil }, { "", "" } })
    check("double", { { 1.5, "1.5" }, { "-.5", "-.5" }, { "12.", "12." }, { "1e3", nil },
      { "1 000", nil }, { "12345,67", nil }, { 1e21, "1000000000000000000000" } })
    check("currency", { { "12345.67", "12345.67" }, { "€5", nil } })
    check("date", { { "2024-02-29", "2024-02-29" }, { "2026-02-29", nil },
      { "1980-02-31", nil }, { "2026-13-01", nil }, { "24/11/2026", nil }, { "", "" } })
    check("time", { { "9:30", "09:30:00" }, { "23:59:59", "23:59:59" }, { "24:00", nil },
      { "12:5", nil }, { "12:05:1", nil }, { "", "" } })
    check("datetime", { { "2026-11-24 09:30:00", "2026-11-24 09:30:00" },
      { "2026-11-24T09:30Z", "2026-11-24 09:30:00" }, { "2026-11-24", nil }, { "", "" } })
    check("email", { { "a@b.fr", "a@b.fr" }, { "a@b@c", nil }, { "nobody", nil }, { "", "" },
      { "jean.d'arc+crm@mail.example-x.co.uk", "jean.d'arc+crm@mail.example-x.co.uk" },
      { "a@b.xn--p1ai", "a@b.xn--p1ai" }, { "zoé@café.fr", "zoé@café.fr" }, { "f@x", nil },
      { "x@y..fr", nil }, { "x@.fr", nil }, { "x@y.fr.", nil }, { ".x@y.fr", nil },
      { "x.@y.fr", nil }, { "x@y.f", nil }, { "x@10.0.0.1", nil }, { "<c@x.fr>", nil },
      { "mailto:e@x.fr", nil }, { "Jean <d@x.fr>", nil }, { "a@x.fr, b@x.fr", nil },
      { "a@x.fr;b@x.fr", nil }, { "x@-y.fr", nil } })
    check("string", { { "x", "x" }, { 1.0, "1" }, { true, nil }, { "\xE9", nil },
      { "a\0", nil } })
    check("reference", { { "3x1", "3x1" }, { "", "" }, { "3", nil }, { "3x", nil },
      { "3x1 OR 1=1", nil }, { {}, nil } })
    check("a type of the future", { { "x", "x" } })
  end)

  it("takes several values of a multiple picklist", function()
    local field = { type = "multipicklist", picklist = {
      values = { "a", "b" }, by_value = { a = "Un", b = "Deux" } } }
    check("multipicklist", { { { "Un", "b" }, "a |##| b" }, { "a |##| Deux", "a |##| b" },
      { "a|##|b", "a |##| b" },
      { "c", nil }, { "", "" } }, field)
  end)

  it("shows a few values of a long picklist", function()
    local picklist = { values = {}, by_value = {} }
    for i = 1, 30 do
      picklist.values[i] = "value " .. i
      picklist.by_value["value " .. i] = "value " .. i
    end
    local _, _, cure = values.normalise({ type = "picklist", picklist = picklist }, "x")
    assert.matches("value 16 and 14 more$", cure)
  end)

  it("knows when the server wrote the same value in its own way", function()
    local same = values.same
    assert.is_true(same({ type = "double" }, "1.5", "1.50000000"))
    assert.is_true(same({ type = "integer" }, "", "0"))
    assert.is_false(same({ type = "double" }, "2,5", "2.00000000"))
    assert.is_true(same({ type = "boolean" }, "0", ""))
    assert.is_false(same({ type = "string" }, "🚚", "????"))
    assert.is_true(same({ type = "string" }, "", nil))
    assert.is_false(same({ type = "reference" }, "11x999", ""))
    assert.is_false(same(nil, "a", "b"))
  end)

  it("cuts long texts in messages between characters", function()
    assert.equal(("é"):rep(59) .. "…", values.shorten(("é"):rep(80)))
    assert.equal("court", values.shorten "court")
  end)
end)
