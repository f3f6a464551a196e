-- The sandbox answers as the samples of the API's documentation do.
local core = require "icrm.core"
local json = require "cjson"
local raw_http = require "spec.raw_http"

local function encode(params)
  local words = {}
  for i = 1, #params, 2 do
    words[#words + 1] = params[i] .. "=" .. params[i + 1]:gsub("[^%w]", function(byte)
      return ("%%%02X"):format(byte:byte())
    end)
  end
  return table.concat(words, "&")
end

-- The keys of the first object that follows `"result":` in a reply, in order.
-- Values of these replies hold no brace and no colon after a quote.
local function keys_in_order(body)
  local keys = {}
  for key in body:match '"result":%[?(%b{})':gmatch '[{,]"([%w_]+)":' do
    keys[#keys + 1] = key
  end
  return table.concat(keys, " ")
end

local TICKET = "ticket_no assigned_user_id parent_id ticketpriorities product_id ticketseverities "
  .. "ticketstatus ticketcategories update_log hours days createdtime modifiedtime modifiedby "
  .. "ticket_title description solution contact_id id"

describe("the sandbox as Initiative", function()
  local sandbox, session

  local function call(method, ...)
    local text = encode { ... }
    local status, body
    if method == "GET" then
      status, body = raw_http.request(sandbox:url() .. "?" .. text, "GET")
    else
      status, body = raw_http.request(sandbox:url(), "POST",
        { ["Content-Type"] = "application/x-www-form-urlencoded" }, text)
    end
    assert.are.equal(200, status)
    return json.decode(body), body
  end

  local function get(operation, ...)
    return call("GET", "operation", operation, "sessionName", session, ...)
  end

  local function create(module, element, ...)
    return call("POST", "operation", "create", "sessionName", session, "elementType", module,
      "element", json.encode(element), ...)
  end

  lazy_setup(function()
    sandbox = assert(core.sandbox.start {})
  end)

  lazy_teardown(function()
    sandbox:stop()
  end)

  before_each(function()
    local token = call("GET", "operation", "getchallenge", "username", "prefix/admin").result.token
    local login, body = call("POST", "operation", "login", "username", "prefix/admin",
      "accessKey", raw_http.md5(token .. sandbox:key()))
    session = login.result.sessionName
    assert.are.equal("sessionName userId version VtigerVersion", keys_in_order(body))
    assert.are.equal("6.0.0", login.result.VtigerVersion)
    assert.are.equal("19x1", login.result.userId)
    assert.truthy(session:find "^prefix%-%x+$")
  end)

  it("gives a challenge that lives five minutes", function()
    local reply, body = call("GET", "operation", "getchallenge", "username", "prefix/admin")
    assert.are.equal("token serverTime expireTime", keys_in_order(body))
    assert.are.equal(300, reply.result.expireTime - reply.result.serverTime)
  end)

  it("lists its modules in French", function()
    local result = get "listtypes".result
    assert.are.equal("Quotes", result.types[1])
    assert.are.same({ isEntity = true, label = "Offres de prix", singular = "Offres de prix" },
      result.information.Quotes)
    assert.are.same({ isEntity = true, label = "Tickets", singular = "Ticket" },
      result.information.HelpDesk)
    assert.are.same({ isEntity = false, label = "Groups", singular = "Groups" },
      result.information.Groups)
  end)

  it("describes HelpDesk", function()
    local result = get("describe", "elementType", "HelpDesk").result
    local names = {}
    for i, field in ipairs(result.fields) do
      names[i] = field.name
    end
    assert.are.equal(TICKET, table.concat(names, " "))
    assert.are.equal("9", result.idPrefix)
    assert.are.equal("title", result.labelFields)
    assert.are.same({
      name = "parent_id", label = "Relatif à", mandatory = false, nullable = true,
      editable = true, default = "", type = { refersTo = { "Accounts" }, name = "reference" },
    }, result.fields[3])
    assert.are.same({ label = "Attente réponse", value = "Wait For Response" },
      result.fields[7].type.picklistValues[3])
  end)

  it("creates, retrieves, updates, queries and counts tickets", function()
    local account = create("Accounts", { accountname = "Client", assigned_user_id = "19x1" }).result
    local reply, body = create("HelpDesk", {
      assigned_user_id = "19x1", parent_id = account.id, ticketpriorities = "High",
      ticketseverities = "Major", ticketstatus = "Open", ticketcategories = "Small Problem",
      ticket_title = "Panneau livré en retard",
      description = "Plus de 3 heures de retard, chantier ....", contact_id = "",
    })
    local ticket = reply.result
    assert.are.equal(TICKET, keys_in_order(body))
    assert.truthy(account.id:find "^3x%d+$")
    assert.truthy(ticket.id:find "^9x%d+$")
    assert.truthy(ticket.ticket_no:find "^TT%d+$")
    assert.are.equal("0.00000000", ticket.hours)
    assert.are.equal("", ticket.product_id)
    assert.are.same(ticket, get("retrieve", "id", ticket.id).result)

    ticket.ticketstatus = "Closed"
    local updated = call("POST", "operation", "update", "sessionName", session,
      "elementType", "HelpDesk", "element", json.encode(ticket)).result
    assert.are.equal("Closed", updated.ticketstatus)

    local where = " FROM HelpDesk WHERE ticketstatus = 'Closed' AND parent_id = " .. account.id
    local rows, text = get("query", "query", "SELECT *" .. where .. ";")
    assert.are.equal(TICKET, keys_in_order(text))
    assert.are.equal(1, #rows.result)
    assert.are.equal(ticket.id, rows.result[1].id)
    local count = get("query", "query", "SELECT COUNT(*)" .. where .. ";").result
    assert.are.same({ { count = "1" } }, count)
  end)

  it("names the mandatory field that is missing", function()
    local reply = create("HelpDesk", { assigned_user_id = "19x1", ticketstatus = "Open" })
    assert.are.same({
      success = false,
      error = { code = "MANDATORY_FIELDS_MISSING", message = "ticket_title does not have a value" },
    }, reply)
  end)

  it("stores an attachment and relates it", function()
    local deal = get("query", "query", "SELECT id FROM Potentials LIMIT 1;").result[1].id
    local document = create("Documents", {
      note_title = "my first document", assigned_user_id = "19x1",
      filelocationtype = "I", filestatus = "1",
    }, "filename_attachment", "aGVsbG8=", "filename_attachment_name", "myFile",
      "related_to", deal).result
    assert.are.equal("5", document.filesize)
    assert.truthy(document.filename:find "^myFile")
    local related = get("retrieve_related", "id", deal, "relatedType", "Documents").result
    assert.are.equal(document.id, related[1].id)
  end)

  it("lists the contacts of a deal without a label", function()
    local deal = get("query", "query", "SELECT id FROM Potentials LIMIT 1;").result[1].id
    local contact = create("Contacts", {
      salutationtype = "Mr.", firstname = "christophe", lastname = "Michel",
      assigned_user_id = "19x1",
    }).result
    assert.is_true(call("POST", "operation", "add_related", "sessionName", session,
      "sourceRecordId", deal, "relatedRecordId", contact.id, "relationIdLabel", "Contacts").success)
    local rows, body = get("retrieve_related", "id", deal, "relatedType", "Contacts")
    assert.are.equal("salutationtype firstname contact_no phone lastname mobile account_id "
      .. "homephone leadsource otherphone title fax birthday email assigned_user_id reference "
      .. "notify_owner createdtime modifiedtime modifiedby tickets_access mailingstreet "
      .. "otherstreet mailingcity othercity mailingstate otherstate mailingzip otherzip "
      .. "mailingcountry othercountry mailingpobox otherpobox description isconvertedfromlead "
      .. "accounting_code customer_code last_contact last_event last_task last_mail_in "
      .. "last_mail_out massmailing_subscribed massmailing_undeliverable creator "
      .. "last_futur_contact gdpr_access id",
      keys_in_order(body))
    local row = rows.result[#rows.result]
    assert.are.equal("christophe", row.firstname)
    assert.truthy(row.contact_no:find "^CON%d%d%d%d%d$")
    assert.are.same({ "", "", "0", "1", "0", "19x1", "0" }, {
      row.reference, row.notify_owner, row.isconvertedfromlead, row.massmailing_subscribed,
      row.massmailing_undeliverable, row.creator, row.gdpr_access,
    })
  end)
end)
