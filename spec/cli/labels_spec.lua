-- Fields and values by their labels, in every command that names them.
local cjson = require "cjson"
local helper = require "spec.helper"
local script_crm = require "spec.script_crm"

describe("cli.labels", function()
  local crm, dir

  setup(function()
    crm = script_crm.start { fields = { "Accounts.shipping_&_handling:double" } }
    dir = helper.tmpdir()
  end)

  teardown(function()
    crm.stop()
  end)

  local function run(arguments, code)
    local result = crm.run(arguments, { cwd = dir })
    assert.equal(code or 0, result.code, result.err)
    return result
  end

  local function query(text, ...)
    local result = run { "query", text, "-o", "json", ... }
    return cjson.decode(result.out), result.err
  end

  local function has(text, part)
    assert.truthy(text:find(part, 1, true), ("%q is not in %q"):format(part, text))
  end

  it("puts names in their place, wherever a query has them, and says so", function()
    local named = query("SELECT ticket_title, ticketstatus FROM HelpDesk WHERE ticketstatus = "
      .. "'Open' ORDER BY createdtime DESC")
    assert.truthy(#named > 0)
    local rows, said = query("select Titre, Statut from HelpDesk where Statut = 'Ouvert' "
      .. "order by Date de création desc;")
    assert.same(named, rows)
    has(said, "that is: select ticket_title, ticketstatus from HelpDesk where ticketstatus = "
      .. "'Open' order by createdtime desc;")
    local _, quiet = query "SELECT ticket_title FROM HelpDesk WHERE ticketstatus = 'Open'"
    assert.falsy(quiet:find("that is", 1, true))
  end)

  it("takes values of parameters, lists, quoted names and yes or no", function()
    local open = query "SELECT id FROM HelpDesk WHERE ticketstatus = 'Open'"
    assert.same(open, (query("SELECT id FROM HelpDesk WHERE `Statut` = :s", "-p", "s=ouvert")))
    local two = query "SELECT id FROM HelpDesk WHERE ticketstatus IN ('Open', 'Closed')"
    assert.same(two, (query "SELECT id FROM HelpDesk WHERE \"statut\" IN ('Ouvert','Fermé')"))
    has(run({ "query", "SELECT id FROM Contacts WHERE Référence = 'Oui'" }).err, "reference = '1'")
  end)

  it("takes dates and numbers as they are written here, and refuses what is none", function()
    local since = query("SELECT id FROM HelpDesk WHERE createdtime >= '2026-03-02'")
    local rows, said = query "SELECT id FROM HelpDesk WHERE Date de création >= '02/03/2026'"
    assert.same(since, rows)
    has(said, "createdtime >= '2026-03-02'")
    has(run({ "query", "SELECT id FROM HelpDesk WHERE Heures > '1 000,5' OR Heures = ' '" }).err,
      "hours > '1000.5' OR hours = ' '")
    has(run({ "update", "HelpDesk", "--all", "--set", "Heures=1,5", "--plan-only", "--out",
      "h.icrm" }).err, "1.5")
    has(run({ "update", "HelpDesk", "--all", "--set", "Heures=une" }, 1).err,
      'Heures (hours): "une" is no number')
    has(run({ "query", "SELECT id FROM HelpDesk WHERE createdtime > 'hier'" }, 1).err,
      'Date de création (createdtime): "hier" is no date; write it like 2026-02-28')
    has(run({ "query", "SELECT id FROM HelpDesk WHERE hours > 'x'" }, 1).err,
      'Heures (hours): "x" is no number; write it like 1234.5')
  end)

  it("says values that a picklist has not, and looks all the same", function()
    local rows, said = query "SELECT id FROM HelpDesk WHERE Statut = 'Ouvret'"
    assert.same({}, rows)
    has(said, 'Statut (ticketstatus) has no value "Ouvret"; did you mean "Ouvert"? allowed: '
      .. "Ouvert (Open), En cours (In Progress)")
    local _, quiet = query "SELECT id FROM HelpDesk WHERE ticketstatus LIKE 'Ouv%'"
    assert.falsy(quiet:find("has no value", 1, true))
  end)

  it("refuses a name that is none, and leaves broken queries to the parser", function()
    has(run({ "query", "SELECT id FROM HelpDesk WHERE Date de creatoin > '2026-01-01'" }, 1).err,
      'HelpDesk has no field "Date de creatoin"; did you mean "createdtime"?')
    has(run({ "query", "SELECT id FROM HelpDesk WHERE hours between '1' AND hours < '2'" }, 1).err,
      "expected an operator")
    has(run({ "query", "SELECT id FROM HelpDesk WHERE hours IS NULL AND days = '2'" }, 1).err, "IS")
  end)

  it("holds in conditions, assignments and groups of the other commands", function()
    local result = run { "update", "HelpDesk", "--where", "Statut = 'Ouvert'", "--set",
      "Priorité=Haute", "--plan-only", "--out", "a.icrm" }
    has(result.err, "that is: ticketstatus = 'Open'")
    has(result.err, "ticketpriorities")
    has(run({ "update", "HelpDesk", "--all", "--set", "Prioritée=Haute" }, 1).err,
      '--set: HelpDesk has no field "Prioritée"; did you mean "ticketpriorities"?')
    has(run({ "update", "HelpDesk", "--all", "--set", "Priorité=High", "--set",
      "ticketpriorities=Low" }, 1).err, "--set names ticketpriorities twice")
    has(run({ "delete", "HelpDesk", "--where", "Statut = 'Fermé'", "--where", "Priorité = 'Bas'",
      "--plan-only", "--out", "b.icrm" }).err, "that is: ticketpriorities = 'Low'")
    local by_label = run { "report", "HelpDesk", "--by", "Statut", "--sum", "Heures", "--where",
      "Statut != 'Fermé'", "-o", "csv" }
    local by_name = run { "report", "HelpDesk", "--by", "ticketstatus", "--sum", "hours", "--where",
      "ticketstatus != 'Closed'", "-o", "csv" }
    assert.equal(by_name.out, by_label.out)
    local through = run { "report", "HelpDesk", "--by", "Relatif à.SIREN", "-o", "csv" }
    assert.equal(run({ "report", "HelpDesk", "--by", "parent_id.siren", "-o", "csv" }).out,
      through.out)
    local one = query "SELECT id FROM HelpDesk LIMIT 1"[1].id
    assert.equal(run({ "get", one, "-f", "ticket_title,ticketstatus", "-o", "csv" }).out,
      run({ "get", one, "-f", "Titre, Statut", "-o", "csv" }).out)
  end)

  it("takes owners by their names", function()
    local one = "id > '9x0' AND assigned_user_id = '19x1'"
    assert.same(query("SELECT id FROM HelpDesk WHERE " .. one),
      (query "SELECT id FROM HelpDesk WHERE id > '9x0' AND Assigné à = 'Castaing Hélène'"))
    has(run({ "update", "HelpDesk", "--where", "Assigné à IN ('service clients', 'admin')", "--set",
      "Assigné à=Naïma Daoud", "--plan-only", "--out", "d.icrm" }).err, "19x6")
    has(run({ "query", "SELECT id FROM HelpDesk WHERE Assigné à = 'Naima Daout'" }, 1).err,
      'Assigné à (assigned_user_id): "Naima Daout" is no user or group that this user may see; '
        .. 'did you mean "Naïma Daoud"?')
  end)

  it("names fields with any character, where the CRM's queries can", function()
    run { "update", "Accounts", "--where", "id = '3x1'", "--set", "shipping_&_handling=12.5",
      "--yes", "--out", "c.icrm" }
    has(run({ "report", "Accounts", "--by", "id", "--sum", "shipping_&_handling", "-o",
      "csv" }).out, "12.5")
    has(run({ "query", "SELECT id FROM Accounts WHERE shipping_&_handling > '5'" }, 1).err,
      "the CRM's queries cannot name shipping_&_handling")
    local one = { "--where", "accountname LIKE '%a%'", "--where", "shipping_&_handling > '12'" }
    has(run({ "report", "Accounts", "--by", "id", "-o", "csv", table.unpack(one) }).out, "3x1,1")
    local planned = run { "update", "Accounts", "--set", "phone=1", "--plan-only", "--out",
      "e.icrm", table.unpack(one) }
    has(planned.err, "~ update Accounts                    1")
    has(run({ "delete", "Accounts", "--where", "shipping_&_handling >= '13'", "--plan-only",
      "--out", "f.icrm" }).err, "0 records of Accounts match")
  end)
end)
