-- The main job: the company list as a French Excel saves it goes in, and what
-- the CRM then has is compared, cell by cell, with the same list as a UTF-8 file,
-- read and grouped by sqlite3.
local helper = require "spec.helper"
local json = require "icrm.json"
local script_crm = require "spec.script_crm"

local DATA = "examples/data/etablissements-excel.csv"
local TWIN = "examples/data/etablissements.csv"
local WORKBOOK = "examples/data/etablissements.xlsx"

describe("the company list", function()
  local crm, dir

  local function run(...)
    local result = crm.run { ... }
    assert.equal(0, result.code, result.err)
    return result
  end

  -- What sqlite3 answers when the twin is the table t, and what the CRM has is in
  -- the tables a (Accounts) and h (HelpDesk).
  local function sql(query)
    local pipe = assert(io.popen(("sqlite3 :memory: %s %s %s %s"):format(
      helper.quote(".import --csv " .. TWIN .. " t"),
      helper.quote((".import --csv %s/a.csv a"):format(dir)),
      helper.quote((".import --csv %s/h.csv h"):format(dir)), helper.quote(query))))
    local text = pipe:read "a"
    assert(pipe:close())
    return (text:gsub("\n$", ""))
  end

  setup(function()
    crm, dir = script_crm.start { empty = true }, helper.tmpdir()
    local plan = dir .. "/list.icrm"
    run("import", DATA, "--mapping", "examples/etablissements.lua", "--out", plan, "--yes")
    for name, module in pairs { a = "Accounts", h = "HelpDesk" } do
      local rows = run("query", "SELECT * FROM " .. module, "-o", "csv", "--raw").out
      helper.write_file(("%s/%s.csv"):format(dir, name), rows)
    end
  end)

  teardown(function()
    crm.stop()
  end)

  it("becomes one establishment a row, one company a SIREN or name, tickets", function()
    assert.equal("462", sql "SELECT count(*) FROM t")
    assert.equal("462", sql "SELECT count(*) FROM a WHERE accounttype = 'Establishment'")
    assert.equal(
      sql "SELECT count(DISTINCT CASE siren WHEN '' THEN 'n' || entite ELSE siren END) FROM t",
      sql "SELECT count(*) FROM a WHERE accounttype = 'Headquarters'")
    assert.equal(sql "SELECT count(*) FROM t WHERE siret = ''", sql "SELECT count(*) FROM h")
    assert.equal("151", sql "SELECT count(*) FROM h")
  end)

  it("has every cell as the twin has it", function()
    local want = [[SELECT entite || ' – ' || etablissement, siren, siret, ape, adresse, ville,
      region, round(latitude, 6), round(longitude, 6), activite FROM t]]
    local have = [[SELECT accountname, siren, siret, siccode, bill_street, bill_city, bill_state,
      round(latitude, 6), round(longitude, 6), description FROM a
      WHERE accounttype = 'Establishment']]
    for _, difference in ipairs { want .. " EXCEPT " .. have, have .. " EXCEPT " .. want } do
      assert.equal("", sql(difference))
    end
  end)

  it("has every establishment below its company, every ticket at its establishment", function()
    assert.equal("462", sql [[SELECT count(*) FROM a site JOIN a company
      ON company.id = site.account_id AND company.accounttype = 'Headquarters'
      AND company.siren = site.siren
      AND (site.siren <> '' OR site.accountname LIKE company.accountname || ' – %')
      WHERE site.accounttype = 'Establishment']])
    assert.equal("151", sql [[SELECT count(DISTINCT h.parent_id) FROM h JOIN a
      ON a.id = h.parent_id AND a.accounttype = 'Establishment' AND a.siret = ''
      WHERE h.ticket_title = 'SIRET à trouver : ' || replace(a.accountname, ' – ', ', ')
         OR h.ticket_title LIKE 'SIRET à trouver : %']])
  end)

  it("makes the same plan as a workbook", function()
    local function planned(path)
      local out = ("%s/%s.icrm"):format(dir, path:match "[^/]+$")
      run("import", path, "--mapping", "examples/etablissements.lua", "--plan-only", "--out", out)
      return json.decode(run("show", out, "--full", "-o", "json").out).changes
    end
    local from_csv, from_workbook = planned(DATA), planned(WORKBOOK)
    assert.equal(732, #from_csv)
    for i, change in ipairs(from_csv) do
      for field, value in pairs(change.fields) do
        local other = from_workbook[i].fields[field]
        assert.equal(tonumber(value) or value, tonumber(other) or other)
      end
    end
  end)

  it("is reported by region with the right counts and sums", function()
    run("update", "HelpDesk", "--all", "--set", "hours=0.35", "--out", dir .. "/u.icrm", "--yes")
    local have = run("report", "Accounts", "--by", "bill_state", "--where",
      "accounttype = 'Establishment'", "-o", "csv").out
    helper.write_file(dir .. "/sites.csv", have)
    local tickets = run("report", "HelpDesk", "--by", "parent_id.bill_state", "--sum", "hours",
      "-o", "csv").out
    helper.write_file(dir .. "/tickets.csv", tickets)
    for name, query in pairs {
      sites = "SELECT region, count(*) FROM t GROUP BY 1",
      tickets = [[SELECT region, count(*), printf('%.2f', count(*) * 0.35) FROM t
        WHERE siret = '' GROUP BY 1]],
    } do
      local rows = {}
      for line in helper.read_file(("%s/%s.csv"):format(dir, name)):gmatch "[^\r\n]+" do
        rows[#rows + 1] = line
      end
      table.remove(rows, 1)
      table.sort(rows)
      local want = {}
      for line in sql(query):gmatch "[^\n]+" do
        want[#want + 1] = line:gsub("|", ",")
      end
      table.sort(want)
      assert.same(want, rows)
      assert.is_true(#rows > 10)
    end
  end)

  it("goes in, survives a kill and comes out again in the demo", function()
    if os.getenv "ICRM_SPEC_GC" then
      return -- the same code, ten times slower
    end
    local pipe = assert(io.popen(helper.quote(helper.icrm_lua) .. " tools/demo.lua 2>&1"))
    local text = pipe:read "a"
    assert.is_true((pipe:close()), text)
    assert.truthy(text:find("462 of 462 accounted for", 1, true))
    assert.truthy(text:find("lost 0, duplicates 0, ghosts 0", 1, true))
  end)
end)
