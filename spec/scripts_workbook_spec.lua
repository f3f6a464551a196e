-- A workbook imported as a user does it.
local cjson = require "cjson"
local core = require "icrm.core"
local helper = require "spec.helper"
local script_crm = require "spec.script_crm"

local BOOKS = os.getenv "PWD" .. "/spec/data/workbooks/"

describe("icrm-lua import of a workbook", function()
  local crm, dir

  setup(function()
    crm = script_crm.start {}
  end)

  teardown(function()
    crm.stop()
  end)

  before_each(function()
    dir = helper.tmpdir()
  end)

  local function copy(name)
    helper.write_file(dir .. "/" .. name, helper.read_file(BOOKS .. name))
  end

  local function here(arguments, code)
    local result = crm.run(arguments, { cwd = dir })
    assert.equal(code or 0, result.code, result.err)
    return result
  end

  local function has(text, ...)
    for _, part in ipairs { ... } do
      assert.truthy(text:find(part, 1, true), ("%q is not in %q"):format(part, text))
    end
  end

  local ACCOUNTS = { "--module", "Accounts", "--map", "Raison sociale=accountname", "--map",
    "Code postal=bill_code", "--map", "Mobile=otherphone", "--map", "CA HT=annual_revenue" }

  local function import(file, ...)
    return { "import", file, table.unpack(table.move({ ... }, 1, select("#", ...),
      #ACCOUNTS + 1, table.move(ACCOUNTS, 1, #ACCOUNTS, 1, {}))) }
  end

  for _, name in ipairs { "lo-bureau.xlsx", "lo-bureau.ods" } do
    it("stores what the table shows of " .. name, function()
      copy(name)
      local result = here(import(name, "--yes"))
      has(result.err, "sheet Comptes (1 of 5), headings in row 5, 11 columns, 9 rows",
        "is a total and left out: Total",
        "1 of the rows is hidden in the sheet; they are read as well",
        "9 changes settled in")
      local rows = here { "query", "SELECT accountname, bill_code, otherphone, siret, "
        .. "annual_revenue FROM Accounts WHERE siret = '45851781200076';", "-o", "jsonl" }
      local row = cjson.decode(rows.out:match "[^\n]+")
      assert.same({ "Cabinet Œil & Vue", "01000", "892204.65000000" },
        { row.accountname, row.bill_code, row.annual_revenue })
      local mobile = here { "query", "SELECT otherphone FROM Accounts "
        .. "WHERE siret = '50008063600013';", "-o", "jsonl" }
      has(mobile.out, '"07 48 40 71 12"')
      here { "undo", name .. ".icrm", "--yes", "--allow-delete", "9" }
    end)
  end

  it("takes the sheet by name or number, and lists the sheets otherwise", function()
    copy "lo-bureau.xlsx"
    has(here({ "import", "lo-bureau.xlsx", "--module", "Contacts", "--sheet", "contacts",
      "--suggest" }).out, '["Prénom"] = "firstname"')
    has(here({ "import", "lo-bureau.xlsx", "--module", "Contacts", "--sheet", "2",
      "--suggest" }).out, '["Prénom"] = "firstname"')
    has(here({ "import", "lo-bureau.xlsx", "--module", "Contacts", "--sheet", "Kontakte" }, 1).err,
      'lo-bureau.xlsx has no sheet "Kontakte"; its sheets are 1 "Comptes", 2 "Contacts", '
        .. '3 "Tickets", 4 "Listes" (hidden), 5 "_param" (hidden)')
  end)

  -- A row's tag comes of its file and its number: the second sheet's must not be
  -- found done because the first's are.
  it("makes the rows of two sheets of one workbook", function()
    copy "xlsxwriter-contacts.xlsx"
    local function count()
      return tonumber(here({ "query", "SELECT count(*) FROM HelpDesk;", "-o", "csv" }).out
        :match "(%d+)%s*$")
    end
    local before = count()
    for _, sheet in ipairs { "1", "2" } do
      here { "import", "xlsxwriter-contacts.xlsx", "--module", "HelpDesk", "--sheet", sheet,
        "--map", sheet == "1" and "Nom=ticket_title" or "Titre=ticket_title", "--set",
        "ticketstatus=Open", "--tag", "description", "--out", sheet .. ".icrm", "--yes" }
    end
    assert.equal(before + 20, count())
  end)

  it("names the row of the sheet and the cell that no field can hold", function()
    copy "nombres.xlsx"
    has(here({ "import", "nombres.xlsx", "--module", "Potentials", "--map",
      "Nombre=potentialname", "--map", "Moment=closingdate", "--set", "sales_stage=Prospecting" },
      1).err, "nombres.xlsx: row 8, Moment (Date de clôture prévue): the cell has a date "
        .. "format, but there is no such date (1900-02-29)",
      "nombres.xlsx: row 2, Moment (Date de clôture prévue): is 2026-03-31 10:00:00, a date with "
        .. "a time; the field holds a date")
  end)

  it("marks the faults in a copy of the sheet", function()
    copy "nombres.xlsx"
    has(here({ "import", "nombres.xlsx", "--module", "Potentials", "--map",
      "Nombre=potentialname", "--map", "Moment=closingdate", "--set", "sales_stage=Prospecting",
      "--faults", "bad.csv" }, 1).err, "rows with faults, marked in bad.csv")
    local marked = helper.read_file(dir .. "/bad.csv")
    has(marked, "\u{FEFF}Nombre;Moment;icrm_faults\r\n", "(1900-02-29)")
    assert.equal(19, select(2, marked:gsub("\r\n", "")))
  end)

  it("gives the rows that failed, and those that were made, as workbooks", function()
    copy "lo-bureau.xlsx"
    here { "import", "lo-bureau.xlsx", "--module", "Accounts", "--map",
      "Raison sociale=accountname", "--map", "Code postal=bill_code", "--plan-only" }
    script_crm.alter(dir .. "/lo-bureau.xlsx.icrm", "UPDATE changes SET state = 'failed', "
      .. "code = 'NO', message = 'why' WHERE line = 9")
    here { "errors", "lo-bureau.xlsx.icrm", "--out", "again.xlsx" }
    assert.equal(helper.read_file(dir .. "/again.xlsx"),
      here({ "errors", "lo-bureau.xlsx.icrm", "-o", "xlsx" }).out)
    local book <close> = assert(core.workbook.open(dir .. "/again.xlsx"))
    assert(book:select(1))
    assert.equal("icrm_message", book:next()[13])
    local cells = book:next()
    assert.same({ "01000", "NO", "why" }, { cells[3], cells[12], cells[13] })
    assert.is_nil(book:next())
    here({ "apply", "lo-bureau.xlsx.icrm", "--yes", "--success", "made.xlsx" }, 4)
    assert.equal("PK", helper.read_file(dir .. "/made.xlsx"):sub(1, 2))
  end)

  it("says what a file is that is no workbook", function()
    copy "html-en-xls.xls"
    has(here(import "html-en-xls.xls", 1).err, "html-en-xls.xls is HTML, not a workbook; save it")
    copy "lo-bureau.xls"
    has(here(import "lo-bureau.xls", 1).err, "in the old Excel format (.xls); open it and save it")
    helper.write_file(dir .. "/a.csv", "accountname\nA\n")
    has(here({ "import", "a.csv", "--module", "Accounts", "--sheet", "2" }, 1).err,
      "a.csv is no workbook: only .xlsx and .ods have sheets")
    copy "lo-bureau.xlsx"
    has(here(import("lo-bureau.xlsx", "--encoding", "utf-8"), 1).err,
      "lo-bureau.xlsx is a workbook: it has neither an encoding nor a separator to state")
  end)

  it("writes the rows that were not applied as CSV", function()
    copy "lo-bureau.xlsx"
    here(import("lo-bureau.xlsx", "--plan-only"))
    script_crm.alter(dir .. "/lo-bureau.xlsx.icrm",
      "UPDATE changes SET state = 'failed', code = 'X', message = 'non' WHERE line = 9")
    local lines = {}
    for line in here({ "errors", "lo-bureau.xlsx.icrm" }).out:gmatch "[^\r\n]+" do
      lines[#lines + 1] = line
    end
    assert.equal("\u{FEFF}Raison sociale;SIRET;Code postal;Ville;Téléphone;Mobile;E-mail;CA HT;"
      .. "Remise;Créé le;Actif;icrm_code;icrm_message", lines[1])
    has(lines[2], "Cabinet Œil & Vue;45851781200076;01000;Bourg-en-Bresse;", ";X;non")
  end)
end)
