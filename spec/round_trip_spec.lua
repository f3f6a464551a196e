-- Export, correct in a table program, import: LibreOffice opens the file, changes a cell
-- and saves, and the plan is that change and nothing else.
local cjson = require "cjson"
local helper = require "spec.helper"
local icrm = require "icrm"
local script_crm = require "spec.script_crm"

local FIELDS = { "Accounts.cf_when:datetime", "Accounts.cf_at:time", "Accounts.cf_day:date",
  "Accounts.cf_kinds:multipicklist" }
-- What table programs are known to spoil.
local RECORDS = {
  { accountname = "Éva & Fils \"L'Épi\"", siret = "01234567890123", phone = "+33 6 12 34 56 78",
    annual_revenue = "1234567.89", description = "ligne 1\r\nligne 2\n\nfin ", employees = "0",
    cf_when = "2026-03-31 14:30:07", cf_at = "09:05:00", cf_day = "1850-01-02",
    cf_kinds = "A |##| B", bill_code = "01000" },
  { accountname = "=1+1", siret = "00000000000000", phone = "0612345678", annual_revenue = "0.10",
    description = "_x000D_", cf_when = "2026-03-31 00:00:00", cf_at = "00:00:00",
    cf_day = "1900-02-28", cf_kinds = "A", bill_code = "-5" },
  { accountname = "été", siret = "1E5", phone = "'06", annual_revenue = "-12.5",
    description = " leading", cf_at = "23:59:59", cf_day = "2024-02-29", bill_code = "3/4",
    employees = "1234567" },
  { accountname = "NBSP\u{a0}", description = "TRUE", bill_code = "12,50", cf_at = "14:30" },
}

describe("a round trip through LibreOffice", function()
  local crm, dir, profile
  local ids = {}

  setup(function()
    crm = script_crm.start { fields = FIELDS, empty = true }
    profile = helper.tmpdir()
    local client <close> = icrm.connect { url = crm.server:url(), username = crm.server:username(),
      access_key = crm.server:key() }
    for i, record in ipairs(RECORDS) do
      ids[i] = client:create("Accounts", record).id
    end
  end)

  teardown(function()
    crm.stop()
  end)

  before_each(function()
    dir = helper.tmpdir()
  end)

  local has_office = os.execute "command -v soffice >/dev/null"
  local function when_there(name, fn)
    it(name, function()
      if not has_office then
        pending "soffice is missing, so nothing was tried; tools/deps installs it"
        return
      end
      fn()
    end)
  end

  local function run(arguments, code)
    local result = crm.run(arguments, { cwd = dir })
    assert.equal(code or 0, result.code, result.err)
    return result
  end

  -- Opened and saved as something else; returns the path in dir.
  local function convert(name, format, ...)
    local folder = dir .. "/saved"
    local url = "file://" .. profile:gsub("[^%w/._-]", function(byte)
      return ("%%%02X"):format(byte:byte())
    end)
    local words = { "timeout", "150", "soffice", "-env:UserInstallation=" .. url, "--headless",
      "--convert-to", format, "--outdir", folder, dir .. "/" .. name, ... }
    local result = helper.run(words, { env = { HOME = profile, LC_ALL = "C.UTF-8",
      LD_PRELOAD = "" } })
    local path = "saved/" .. name:match "([^/]+)%.%w+$" .. "." .. format:match "^%w+"
    assert(io.open(dir .. "/" .. path), result.err):close()
    return path
  end

  -- What an import by id would change: id and field, old and new.
  local function changes_of(name)
    run { "import", name, "--module", "Accounts", "--key", "id", "--plan-only", "--out", "x.icrm" }
    local list = {}
    for _, change in ipairs(cjson.decode(run({ "show", "x.icrm", "-o", "json" }).out).changes) do
      if change.state == "planned" then
        list[#list + 1] = { change.record, change.fields }
      end
    end
    os.remove(dir .. "/x.icrm")
    return list
  end

  local function export(name, ...)
    return run { "query", "SELECT * FROM Accounts", "--out", name, ... }
  end

  local function change(path, from, to)
    local text, count = helper.read_file(dir .. "/" .. path):gsub(from, to)
    assert.equal(1, count)
    helper.write_file(dir .. "/" .. path, text)
  end

  it("changes nothing where nothing was changed, without a table program either", function()
    export "a.xlsx"
    assert.same({}, changes_of "a.xlsx")
    export("a.csv", "-o", "excel-csv")
    assert.same({}, changes_of "a.csv")
  end)

  when_there("plans the cell that was changed in a workbook, and nothing else", function()
    export "a.xlsx"
    local flat = convert("a.xlsx", "fods")
    change(flat, "0612345678", "0698765432")
    change(flat, "ligne 2", "ligne deux")
    assert.same({ { ids[1], { description = "ligne 1\r\nligne deux\r\n\r\nfin" } },
      { ids[2], { phone = "0698765432" } } }, changes_of(convert(flat, "xlsx")))
  end)

  when_there("plans nothing for CSV that was opened and saved", function()
    export("a.csv", "-o", "excel-csv", "--decimal", "comma")
    local french = "--infilter=CSV:59,34,76,1,,1036,false,true,false"
    assert.same({}, changes_of(convert("a.csv", "xlsx", french)))
    local saved = convert("a.csv", "csv:Text - txt - csv (StarCalc):59,34,76,1,,1036", french)
    assert.same({}, changes_of(saved))
  end)
end)
