local changes = require "icrm.changes"
local helper = require "spec.helper"
local icrm = require "icrm"
local import = require "icrm.import"
local import_plan = require "icrm.import.plan"

describe("values that the CRM takes once", function()
  local crm

  setup(function()
    crm = icrm.connect "sandbox:?profile=vtiger8" -- accountname is unique there
    crm:create("Accounts", { accountname = "Société Existante", bill_city = "Lyon" })
  end)

  teardown(function()
    crm:close()
  end)

  local function plan(text, mapping, opts)
    local path = helper.tmpfile(text, "rows.csv")
    local job <close> = import.open(crm, { path = path, mapping = mapping })
    local set <close> = changes.create(crm, path .. ".icrm",
      { input = "x", witness = import_plan.witness(job) })
    import_plan.fill(job, set, opts)
    return set.store:states()
  end

  local function refused(...)
    local ok, err = pcall(plan, ...)
    assert.is_false(ok)
    return err.message
  end

  local ANEW = { module = "Accounts", match = true }

  it("are free: the rows are planned", function()
    assert.same({ planned = 2 }, plan("accountname;bill_city\nA;Lyon\nB;Lyon\n", ANEW))
  end)

  it("are not on two rows of the file, however they are written", function()
    local message = refused("accountname\nÉté\nB\nETE\n", ANEW)
    assert.truthy(message:find('line 4, accountname: "ETE" is in row 2 already, and the CRM '
      .. "takes each accountname once; remove one of the rows", 1, true), message)
  end)

  it("are not of a record that is there", function()
    local message = refused("accountname\nB\nsociete existante\n", ANEW)
    assert.matches('line 3, accountname: "societe existante" is the accountname of %d+x%d+ '
      .. "already, and the CRM takes each once; take the row out, or let the key find the "
      .. "record: key = .accountname.", message)
  end)

  it("may be those of the record that is changed", function()
    local by_name = { module = "Accounts", match = true, existing = { "accountname" } }
    assert.same({ planned = 1 }, plan("accountname;bill_city\nSociété Existante;Nantes\n", by_name))
    assert.truthy(refused("accountname;bill_city\nsociete existante;Nantes\n", by_name):find(
      "is the key of no record, but the CRM has", 1, true))
  end)

  it("do not matter where nothing is sent for the row", function()
    local by_name = { module = "Accounts", match = true, existing = { "accountname" } }
    assert.same({ skipped = 1 }, plan("accountname;bill_city\nSociété Existante;Nantes\n",
      by_name, { on_match = "skip" }))
  end)
end)
