-- The sandbox's traits: how they are chosen, and what each one does.
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
      ["zzzzzzzz"] = 'no trait "zzzzzzzz"; icrm%-lua sandbox %-%-traits lists them',
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
      [""] = { 1234.57, "10.000", "5.500" } } do
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
    local crm <close> = connect { profile = "vtiger8", traits = "revise-drops" }
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
