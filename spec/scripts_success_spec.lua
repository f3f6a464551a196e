-- From a file of companies to the file of what belongs to them: the rows whose records
-- are in the CRM, with their ids, however many runs it took.
local cjson = require "cjson"
local core = require "icrm.core"
local helper = require "spec.helper"
local script_crm = require "spec.script_crm"

describe("icrm-lua success", function()
  local crm, dir

  before_each(function()
    crm = script_crm.start { fields = { "Accounts.cf_icrm_token:string" } }
    dir = helper.tmpdir()
  end)

  after_each(function()
    crm.stop()
  end)

  local function here(arguments, code)
    local result = crm.run(arguments, { cwd = dir })
    assert.equal(code or 0, result.code, result.err)
    return result
  end

  local function file(name, text)
    helper.write_file(dir .. "/" .. name, text)
  end

  local function read(name)
    return helper.read_file(dir .. "/" .. name)
  end

  local function id_of(module, condition)
    return cjson.decode(here({ "query", ("SELECT id FROM %s WHERE %s"):format(module, condition),
      "-o", "json" }).out)[1].id
  end

  it("gives each row the id of its record, and what was done", function()
    file("old.csv", "accountname;siret;phone\nGardée;80000000000001;1\nChangée;80000000000002;1\n")
    here { "import", "old.csv", "--module", "Accounts", "--key", "siret", "--yes" }
    file("a.csv", "accountname;siret;phone\r\n\"Gar\"\"dée\";80000000000003;1\r\n"
      .. "Gardée;80000000000001;1\r\nChangée;80000000000002;2\r\n")
    local result = here { "import", "a.csv", "--module", "Accounts", "--key", "siret", "--yes",
      "--success", "ids.csv" }
    assert.truthy(result.err:find("3 rows in ids.csv", 1, true))
    local expected = "accountname;siret;phone;icrm_id;icrm_done\r\n"
    for i, row in ipairs { '"Gar""dée";80000000000003;1;"%s";"created"',
      'Gardée;80000000000001;1;"%s";"unchanged"', 'Changée;80000000000002;2;"%s";"updated"' } do
      expected = expected .. row:format(id_of("Accounts", ("siret = '8000000000000%d'"):format(
        ({ 3, 1, 2 })[i]))) .. "\r\n"
    end
    assert.equal(expected, read "ids.csv")
    assert.equal(expected, here({ "success", "a.csv.icrm" }).out)
    -- Imported again, all is as it was, and still the ids are wanted; the old ones give way.
    result = here { "import", "ids.csv", "--module", "Accounts", "--key", "siret", "--yes",
      "--success", "again.csv" }
    assert.truthy(result.err:find("the CRM has all of this already", 1, true))
    assert.equal(expected:gsub("created", "unchanged"):gsub("updated", "unchanged"),
      read "again.csv")
  end)

  it("has what an earlier run made, too, and leaves out what failed", function()
    crm.stop()
    crm = script_crm.start { fields = { "Accounts.cf_icrm_token:string" },
      faults = "at create#3 error=ACCESS_DENIED" }
    local rows = { "accountname" }
    for i = 1, 60 do
      rows[#rows + 1] = ("Société %d"):format(i)
    end
    file("a.csv", table.concat(rows, "\n") .. "\n")
    here({ "import", "a.csv", "--module", "Accounts", "--tag", "cf_icrm_token", "--lanes", "1",
      "--max-errors", "1", "--yes", "--success", "first.csv" }, 75)
    local _, first = read("first.csv"):gsub("created", "")
    assert.truthy(first > 0 and first < 59)
    here({ "resume", "a.csv.icrm", "--success", "all.csv" }, 4)
    local ids = {}
    for _, row in ipairs(cjson.decode(here({ "query", "SELECT id, accountname FROM Accounts WHERE "
      .. "accountname LIKE 'Société %'", "-o", "json" }).out)) do
      ids[row.accountname] = row.id
    end
    local count = 0
    for name, id in read("all.csv"):gmatch '\n([^;\n]+);"(3x%d+)";"created"' do
      count = count + 1
      assert.equal(ids[name], id)
    end
    assert.equal(59, count)
  end)

  it("names the record where a row makes several, those of rows before it as well", function()
    file("m.lua", [[return { records = {
      { name = "company", module = "Accounts", key = "{Firme}", distinct = true,
        fields = { accountname = "Firme" } },
      { name = "ticket", module = "HelpDesk", when = function(row) return row.Titre ~= "" end,
        fields = { ticket_title = "Titre", ticketstatus = { const = "Open" },
          parent_id = { record = "company" } } } } }]])
    file("a.csv", "Firme;Titre\nA;a1\nA;a2\nB;\n")
    here { "import", "a.csv", "--mapping", "m.lua", "--yes", "--success", "ids.csv" }
    local a, b = id_of("Accounts", "accountname = 'A'"), id_of("Accounts", "accountname = 'B'")
    local a1 = id_of("HelpDesk", "ticket_title = 'a1'")
    local a2 = id_of("HelpDesk", "ticket_title = 'a2'")
    assert.equal(("Firme;Titre;icrm_company_id;icrm_company_done;icrm_ticket_id;icrm_ticket_done\n"
      .. 'A;a1;"%s";"created";"%s";"created"\nA;a2;"%s";"shared";"%s";"created"\n'
      .. 'B;;"%s";"created";"";""\n'):format(a, a1, a, a2, b), read "ids.csv")
  end)

  it("gives the file of the children their parent", function()
    file("a.csv", "accountname\nMère\n")
    here { "import", "a.csv", "--module", "Accounts", "--yes", "--success", "ids.csv" }
    local id = read("ids.csv"):match "3x%d+"
    file("t.csv", "Titre;Statut;Relatif à\nBâche;Ouvert;" .. id .. "\n")
    here { "import", "t.csv", "--module", "HelpDesk", "--yes" }
    assert.equal(id, cjson.decode(here({ "query", "SELECT parent_id FROM HelpDesk WHERE "
      .. "ticket_title = 'Bâche'", "-o", "json" }).out)[1].parent_id)
  end)

  it("accounts for every row of the file, whatever became of it", function()
    file("old.csv", "accountname;siret;phone\nGardée;80000000000001;1\nChangée;80000000000002;1\n")
    here { "import", "old.csv", "--module", "Accounts", "--key", "siret", "--yes" }
    local rows = { "accountname;siret;phone", "Gardée;80000000000001;1",
      "Changée;80000000000002;2", "Sans clé;;3" }
    for i = 3, 7 do
      rows[#rows + 1] = ("Neuve %d;8000000000000%d;1"):format(i, i)
    end
    file("a.csv", table.concat(rows, "\n") .. "\n")
    local arguments = { "import", "a.csv", "--module", "Accounts", "--key", "siret",
      "--empty-key", "skip", "--plan-only" }
    here(arguments)
    for n, state in ipairs { "failed", "unknown", "needs_human", "blocked" } do
      script_crm.alter(dir .. "/a.csv.icrm", ("UPDATE changes SET state = '%s' WHERE key = "
        .. "'Accounts:line %d'"):format(state, n + 4))
    end
    script_crm.alter(dir .. "/a.csv.icrm", "UPDATE changes SET state = 'done', record = '3x1' "
      .. "WHERE state = 'planned'")
    script_crm.alter(dir .. "/a.csv.icrm", "UPDATE meta SET value = 1 WHERE name = 'generation'")
    assert.truthy(here({ "status", "a.csv.icrm" }, 75).err:find("8 rows of a.csv: 2 unknown, "
      .. "1 failed, 1 held back by one that failed, 1 created, 1 updated, 1 unchanged, "
      .. "1 left out\n", 1, true))
    file("b.csv", "accountname;siret;phone\nGardée;80000000000001;1\n")
    arguments[2] = "b.csv"
    assert.truthy(here(arguments).err:find("1 row of b.csv: 1 unchanged\n", 1, true))
    file("m.lua", [[return { records = { { name = "company", module = "Accounts",
      key = "{Firme}", distinct = true, fields = { accountname = "Firme" } } } }]])
    file("c.csv", "Firme;Titre\nA;a1\nA;a2\nB;\nTotal;\n")
    assert.truthy(here({ "import", "c.csv", "--mapping", "m.lua", "--yes" }).err:find("4 rows of "
      .. "c.csv: 2 created, 1 total left out, 1 without a record of their own\n", 1, true))
  end)

  it("lists the records of a set that no file was the source of", function()
    here { "update", "HelpDesk", "--where", "ticketstatus = 'Closed'", "--set", "hours=3", "--out",
      "u.icrm", "--yes", "--success", "done.csv" }
    assert.matches("^key,operation,module,record,done\r\n#1,update,HelpDesk,9x%d+,updated\r\n",
      read "done.csv")
  end)

  it("is refused before anything is sent where it could not be written", function()
    file("a.csv", "accountname\nUn\n")
    here { "import", "a.csv", "--module", "Accounts", "--plan-only" }
    local refused = here({ "apply", "a.csv.icrm", "--yes", "--success", "/nowhere/ids.csv" }, 1)
    assert.truthy(refused.err:find("--success: cannot write /nowhere/ids.csv: No such file", 1,
      true))
    helper.run({ "ln", "-s", "a.csv", dir .. "/link.csv" })
    local source = "a.csv, which the rows came from"
    for path, words in pairs { ["a.csv"] = source, [dir .. "/a.csv"] = source, ["././a.csv"] =
      source, ["link.csv"] = source, ["a.csv.icrm"] = "the change set a.csv.icrm" } do
      for _, option in ipairs { "success", "errors" } do
        refused = here({ "apply", "a.csv.icrm", "--yes", "--" .. option, path }, 1)
        assert.truthy(refused.err:find(("--%s must not write over %s"):format(option, words), 1,
          true), refused.err)
      end
    end
    refused = here({ "apply", "a.csv.icrm", "--yes", "--success", "x.csv", "--errors", "x.csv" },
      1)
    assert.truthy(refused.err:find("--success must not write over x.csv, which --errors writes", 1,
      true), refused.err)
    file("a.csv", "accountname\nDeux\n")
    refused = here({ "apply", "a.csv.icrm", "--yes", "--success", "ids.csv" }, 1)
    assert.truthy(refused.err:find("a.csv is not as it was when it was planned", 1, true))
    file("c.csv", "accountname\nTrois\n")
    here { "import", "c.csv", "--module", "Accounts", "--plan-only", "--success", "ids.csv" }
    assert.is_false(core.files.exists(dir .. "/ids.csv")) -- no empty list of what was not sent
    assert.equal(0, crm.commits "create")
    file("b.csv", "accountname;siret\nUn;80000000000031\n")
    here { "import", "b.csv", "--module", "Accounts", "--key", "siret", "--yes" }
    refused = here({ "import", "b.csv", "--module", "Accounts", "--key", "siret", "--yes", "--out",
      "again.icrm", "--success", "b.csv" }, 2) -- all of it is there already
    assert.truthy(refused.err:find("must not write over the file itself", 1, true), refused.err)
    assert.equal("accountname;siret\nUn;80000000000031\n", read "b.csv")
  end)

  it("says that the disk is full, and how to have it all the same", function()
    file("a.csv", "accountname\nUn\n")
    for _, option in ipairs { "success", "errors" } do
      local result = here({ "import", "a.csv", "--module", "Accounts", "--yes", "--out",
        option .. ".icrm", "--" .. option, "/dev/full" }, 74)
      assert.truthy(result.err:find("/dev/full could not be written in full: No space left on "
        .. ("device; make room, then: icrm-lua %s %s/%s.icrm >/dev/full"):format(option, dir,
          option), 1, true), result.err)
    end
    helper.run({ "ln", "-s", "/dev/full", dir .. "/ids.xlsx" })
    local result = here({ "import", "a.csv", "--module", "Accounts", "--yes", "--out", "x.icrm",
      "--success", "ids.xlsx" }, 74)
    assert.truthy(result.err:find(("icrm-lua success %s/x.icrm -o xlsx >%s/ids.xlsx"):format(dir,
      dir), 1, true), result.err)
  end)
end)
