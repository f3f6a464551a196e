-- Imports by key into a CRM that cuts lists of values at a parenthesis.
local changes = require "icrm.changes"
local helper = require "spec.helper"
local icrm = require "icrm"
local import = require "icrm.import"
local plans = require "icrm.import.plan"

describe("an import into a CRM that misreads lists", function()
  local crm, names

  setup(function()
    crm = icrm.connect "sandbox:?profile=corebos"
    names = {}
    for i = 1, 120 do
      names[i] = i % 8 == 0 and ("Enseignes %d (Lyon) S.A.R.L."):format(i)
        or i % 3 == 0 and ("L'Atelier, n° %d"):format(i)
        or i % 7 == 0 and ("Dossier\\%d"):format(i) or ("Société %d"):format(i)
    end
    icrm.map(names, function(name)
      crm:create("Accounts", { accountname = name })
    end)
  end)

  teardown(function()
    crm:close()
  end)

  local function planned(text, mapping)
    local job <close> = import.open(crm, { path = helper.tmpfile(text, "rows.csv"),
      mapping = mapping })
    local set <close> = changes.create(crm, helper.tmpdir() .. "/set.icrm", {
      witness = plans.witness(job) })
    plans.fill(job, set)
    local count = { create = 0, update = 0 }
    for change in set.store:each {} do
      count[change.operation] = count[change.operation] + 1
    end
    return count
  end

  it("makes no second record of what exists", function()
    local rows = { "accountname;phone" }
    for i, name in ipairs(names) do
      rows[#rows + 1] = ('"%s";%d'):format(name, 1000 + i)
    end
    for i = 1, 30 do
      rows[#rows + 1] = ('"Nouveau %d (Paris)";1'):format(i)
    end
    assert.same({ create = 30, update = 120 }, planned(table.concat(rows, "\n"),
      { module = "Accounts", match = true, existing = { "accountname" } }))
  end)

  it("finds what rows refer to", function()
    local rows = { "lastname;company" }
    for i, name in ipairs(names) do
      rows[#rows + 1] = ('Nom %d;"%s"'):format(i, name)
    end
    assert.same({ create = 120, update = 0 }, planned(table.concat(rows, "\n"),
      { module = "Contacts", fields = { lastname = { column = "lastname" },
        account_id = { ref = "Accounts.accountname", from = "{company}" } } }))
  end)

  it("counts a record once that two spellings of the file lead to", function()
    crm:create("Accounts", { accountname = "Studio Naïve" })
    local rows = { "lastname;company", "Un;Studio Naïve" }
    for i = 1, 60 do
      rows[#rows + 1] = ('Nom %d;"%s"'):format(i, names[i])
    end
    rows[#rows + 1] = "Deux;studio naive"
    local err = helper.raised(planned, table.concat(rows, "\n"),
      { module = "Contacts", fields = { lastname = { column = "lastname" },
        account_id = { ref = "Accounts.accountname", from = "{company}" } } })
    assert.matches('no record of Accounts has the accountname "studio naive"', err.message)
    assert.not_matches("2 records", err.message)
    assert.matches(": 1 fault; nothing was sent", err.message)
  end)
end)
