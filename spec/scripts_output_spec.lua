-- Where commands write, and in which form, as a user runs them.
local core = require "icrm.core"
local helper = require "spec.helper"
local script_crm = require "spec.script_crm"

describe("icrm-lua -o and --out", function()
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

  local function run(arguments, code, env)
    local result = crm.run(arguments, { cwd = dir, env = env })
    assert.equal(code or 0, result.code, result.err)
    return result
  end

  local function first_rows(path)
    local book <close> = assert(core.workbook.open(path))
    assert(book:select(1))
    local headings = book:next()
    return book:sheets()[1].name, headings, (book:next())
  end

  it("query gives a workbook to a pipe, or to the file that the name calls for", function()
    local query = "SELECT accountname, siret FROM Accounts LIMIT 2"
    helper.write_file(dir .. "/piped.xlsx", run({ "query", query, "-o", "xlsx" }).out)
    run { "query", query, "--out", "named.xlsx" }
    assert.equal(helper.read_file(dir .. "/piped.xlsx"), helper.read_file(dir .. "/named.xlsx"))
    local sheet, headings, row = first_rows(dir .. "/named.xlsx")
    assert.equal("Accounts", sheet)
    assert.same({ "id", "accountname", "siret" }, headings)
    assert.equal("99970011500010", row[3])
    assert.is_false(core.files.exists(dir .. "/named.xlsx.part"))
  end)

  it("query without rows still has its headings", function()
    run { "query", "SELECT siret FROM Accounts WHERE siret = 'none'", "--out", "none.xlsx" }
    local _, headings, row = first_rows(dir .. "/none.xlsx")
    assert.same({ "id", "siret" }, headings)
    assert.is_nil(row)
    assert.equal("\u{FEFF}id;siret\r\n", run({ "query",
      "SELECT siret FROM Accounts WHERE siret = 'none'", "-o", "excel-csv" }).out)
  end)

  it("related and report give workbooks too", function()
    run { "related", "3x2", "HelpDesk", "--out", "tickets.xlsx" }
    assert.equal("HelpDesk", (first_rows(dir .. "/tickets.xlsx")))
    run { "report", "HelpDesk", "--by", "ticketstatus", "--sum", "hours", "--out", "hours.xlsx" }
    local _, headings, row = first_rows(dir .. "/hours.xlsx")
    assert.same({ "ticketstatus", "count", "sum hours" }, headings)
    assert.same({ "Closed", "5", "2" }, row)
  end)

  it("excel-csv goes by the locale or by what is asked for", function()
    local query = { "query", "SELECT annual_revenue FROM Accounts "
      .. "WHERE annual_revenue = '720000.5'", "-o", "excel-csv" }
    local function as(env, ...)
      return run(table.move({ ... }, 1, select("#", ...), #query + 1, { table.unpack(query) }), 0,
        env).out
    end
    assert.matches('%d;"720000,5"\r\n$', as { LC_ALL = "C" })
    assert.matches("%d,720000.5\r\n$", as { LC_ALL = "en_US.UTF-8" })
    assert.matches("%d\t720000.5\r\n$", as({ LC_ALL = "C" }, "--decimal", "point", "--delimiter",
      "tab"))
  end)

  it("refuses what it cannot write, before the CRM is asked", function()
    helper.write_file(dir .. "/there.csv", "corrected by hand")
    local function refused(part, ...)
      local result = crm.run({ "query", "SELECT id FROM Accounts", ... }, { cwd = dir })
      assert.equal(1, result.code, result.err)
      assert.truthy(result.err:find(part, 1, true), result.err)
    end
    refused("there.csv exists", "--out", "there.csv")
    refused("--decimal is for", "-o", "csv", "--decimal", "comma")
    refused("--delimiter is for", "-o", "json", "--delimiter", ";")
    assert.equal("corrected by hand", helper.read_file(dir .. "/there.csv"))
    local result = crm.run({ "query", "SELECT id FROM Accounts", "--out", "no/such/folder.csv" },
      { cwd = dir })
    assert.truthy(result.err:find("no/such/folder.csv cannot be written", 1, true), result.err)
  end)

  it("leaves nothing of a file whose rows could not all be had", function()
    local result = crm.run({ "query", "SELECT nofield FROM Accounts", "--out", "x.csv" },
      { cwd = dir })
    assert.equal(1, result.code)
    assert.is_false(core.files.exists(dir .. "/x.csv"))
    assert.is_false(core.files.exists(dir .. "/x.csv.part"))
  end)

  it("keeps a workbook from a terminal", function()
    if not os.execute "script -qec true /dev/null >/dev/null 2>&1" then
      pending "this machine has no pseudo-terminals (/dev/pts)"
      return
    end
    local command = helper.quote(helper.icrm_lua
      .. " query 'SELECT id FROM Accounts' -o xlsx --url sandbox:")
    local shown <close> = assert(io.popen(("script -qec %s /dev/null </dev/null"):format(command)))
    assert.matches("say %-%-out FILE.xlsx, or > FILE.xlsx", shown:read "a")
  end)
end)
