local helper = require "spec.helper"
local icrm = require "icrm"
local import = require "icrm.import"

describe("import.columns", function()
  local crm

  setup(function()
    crm = icrm.connect "sandbox:?demo=off&field=Accounts.cf_when:datetime"
    crm:create("Accounts", { accountname = "Un", phone = "03 20 00 27 05" })
    crm:create("Accounts", { accountname = "Deux", phone = "04 74 45 46 47" })
  end)

  teardown(function()
    crm:close()
  end)

  local function opened(text, opts)
    opts = opts or {}
    opts.path = helper.tmpfile(text, "rows.csv")
    opts.mapping = { module = "Accounts", match = true }
    return import.open(crm, opts)
  end

  local function notes_of(text, opts)
    local job <close> = opened(text, opts)
    return table.concat(job.notes, "\n")
  end

  local function first_of(text, opts)
    local job <close> = opened(text, opts)
    return job:items()()
  end

  it("says what a table program has made of numbers, beside what the CRM has", function()
    assert.equal("phone: a digit less than \"03 20 00 27 05\" in 2 cells such as \"474454647\" "
      .. "(line 2); a table program may have dropped leading zeros: export the column as text",
      notes_of "accountname;phone\nA;474454647\nB;479425959\n")
    assert.equal("", notes_of "accountname;phone\nA;0474454647\nB;0479425959\n")
  end)

  it("takes times without an offset in the user's zone, or in the one that is said", function()
    local text = "accountname;cf_when\nA;2026-08-12 14:30\n"
    local zone = require("icrm.server").own_settings(crm).time_zone
    assert.matches("times without an offset are those of " .. zone
      .. " %(the zone of this user in the CRM%): cf_when", notes_of(text))
    assert.matches("of Europe/Paris %(as you say%)", notes_of(text, { timezone = "Europe/Paris" }))
    assert.equal("2026-08-12 12:30:00",
      first_of(text, { timezone = "Europe/Paris" }).fields.cf_when)
    local ok, err = pcall(opened, text, { timezone = "Europe/Lille" })
    assert.is_false(ok)
    assert.matches('the time zone "Europe/Lille" is not known here', err.message)
  end)

  it("says that blanks go, and that a date is none", function()
    local notes = notes_of "accountname;cf_when\nA\u{A0};0000-00-00\n\u{A0}B;0000-00-00\n"
    assert.matches('cf_when: no date stands in 2 cells such as "0000%-00%-00" %(line 2%); read as '
      .. "empty", notes)
    assert.matches("blanks around texts are left out: accountname %(2%)", notes)
  end)

  it("says that a column has several currencies", function()
    assert.matches("annual_revenue: the amounts are taken as they stand, whatever their currency: "
      .. 'CHF in 1 cell such as "CHF 12.50" %(line 3%), EUR in 2 cells such as "12.50 €" '
      .. "%(line 2%)",
      notes_of "accountname;annual_revenue\nA;12.50 €\nB;CHF 12.50\nC;EUR 1.25\nD;3\n")
    assert.not_matches("currency",
      notes_of "accountname;annual_revenue\nA;1.50 €\nB;EUR 2.50\n")
  end)

  it("takes the words that mean nothing", function()
    local text = "accountname;phone\nA;NULL\n"
    assert.matches("is what programs write for nothing; say null = \"NULL\"",
      first_of(text).faults[1].message)
    assert.same({ "phone" }, first_of(text, { null = "NULL" }).empty)
    assert.same({ "phone" }, first_of(text, { null = { "-", "NULL" } }).empty)
  end)
end)
