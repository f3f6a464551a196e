-- Several files in one import, which refer to one another.
local cjson = require "cjson"
local helper = require "spec.helper"
local script_crm = require "spec.script_crm"

local BOOKS = os.getenv "PWD" .. "/spec/data/workbooks/"

describe("icrm-lua import of several files", function()
  local crm, dir

  before_each(function()
    crm, dir = script_crm.start {}, helper.tmpdir()
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

  local function says(result, ...)
    for _, part in ipairs { ... } do
      assert.truthy(result.err:find(part, 1, true), ("%q is not in %q"):format(part, result.err))
    end
  end

  local function records(text)
    return cjson.decode(here({ "query", text, "-o", "json" }).out)
  end

  local COMPANIES = [[module = "Accounts", existing = "siret", columns = {
    ["Raison sociale"] = "accountname", SIRET = "siret", ["Maison mère"] = { field = "account_id",
    ref = "Accounts.accountname", optional = true } }]]
  local PEOPLE = [[module = "Contacts", columns = { Nom = "lastname",
    ["Société"] = { field = "account_id", ref = "Accounts.accountname" } }]]

  local function mapping(...)
    local parts = {}
    for i, part in ipairs { ... } do
      parts[i] = "{ " .. part .. " }"
    end
    file("both.lua", "return { files = { " .. table.concat(parts, ", ") .. " } }")
  end

  local function office()
    file("accounts.csv", "Raison sociale;SIRET;Maison mère\nFille;80000000000002;Mère SA\n"
      .. "Mère SA;80000000000001;\n")
    file("contacts.csv", "Nom;Société\nDupont;Fille\nDurand;Mère SA\n")
    mapping(COMPANIES, PEOPLE)
  end

  local function parents()
    local name_of, found = {}, {}
    for _, row in ipairs(records "SELECT id, accountname FROM Accounts") do
      name_of[row.id] = row.accountname
    end
    for _, row in ipairs(records("SELECT lastname, account_id FROM Contacts WHERE lastname IN "
      .. "('Dupont', 'Durand')")) do
      found[row.lastname] = name_of[row.account_id]
    end
    return found
  end

  for _, order in ipairs { { "accounts.csv", "contacts.csv" },
    { "contacts.csv", "accounts.csv" } } do
    it("finds what another of them makes: " .. table.concat(order, ", "), function()
      office()
      if order[1] == "contacts.csv" then
        mapping(PEOPLE, COMPANIES)
      end
      local result = here { "import", order[1], order[2], "--mapping", "both.lua", "--yes" }
      says(result, "accounts.csv: utf-8, separator ;, 3 columns, 2 rows", "contacts.csv: utf-8",
        "from " .. order[1] .. ", " .. order[2], "account_id: record of Accounts:line 3")
      assert.same({ Dupont = "Fille", Durand = "Mère SA" }, parents())
      -- Once more: the companies are found by their key, the people by what the CRM has.
      local again = here { "import", order[1], order[2], "--mapping", "both.lua", "--plan-only",
        "--out", "again.icrm" }
      says(again, "+ create Contacts                    2")
      assert.falsy(again.err:find("create Accounts", 1, true))
    end)
  end

  it("writes for each what failed and what was made, and undoes all of them at once", function()
    office()
    here { "import", "accounts.csv", "contacts.csv", "--mapping", "both.lua", "--plan-only",
      "--out", "s.icrm" }
    script_crm.alter(dir .. "/s.icrm", "UPDATE changes SET state = 'failed', code = 'X', "
      .. "message = 'x' WHERE key = 'Accounts:line 2'")
    script_crm.alter(dir .. "/s.icrm", "UPDATE changes SET state = 'blocked', code = 'Y', "
      .. "message = 'y' WHERE key = 'Contacts:line 2'")
    here({ "apply", "s.icrm", "--yes", "--errors", "e.csv", "--success", "ids.csv" }, 4)
    assert.equal('Nom;Société;icrm_code;icrm_message\nDupont;Fille;"Y";"y"\n',
      read "e-contacts.csv")
    assert.equal('Raison sociale;SIRET;Maison mère;icrm_code;icrm_message\n'
      .. 'Fille;80000000000002;Mère SA;"X";"x"\n', read "e-accounts.csv")
    assert.matches('^Nom;Société;icrm_id;icrm_done\nDurand;Mère SA;"4x%d+";"created"\n$',
      read "ids-contacts.csv")
    assert.matches('\nMère SA;80000000000001;;"3x%d+";"created"\n$', read "ids-accounts.csv")
    assert.equal(read "e-contacts.csv", here({ "errors", "s.icrm", "--of", "contacts.csv" }).out)
    assert.equal(read "ids-accounts.csv", here({ "success", "s.icrm", "--of", "1" }).out)
    says(here({ "errors", "s.icrm" }, 1), "say which file's rows: --of 1 (accounts.csv), 2 "
      .. "(contacts.csv)")
    here { "undo", "s.icrm", "--yes", "--allow-delete", "2" }
    assert.same({}, parents())
  end)

  it("names the file of each fault, and marks the rows in a copy of it", function()
    office()
    file("contacts.csv", "Nom;Société\nDupont;Mere SA\n;Fille\nMartin;Mèrre SA\n")
    says(here({ "import", "accounts.csv", "contacts.csv", "--mapping", "both.lua", "--faults",
      "f.csv" }, 1), 'contacts.csv: line 2, Société (Compte): no record of Accounts has the '
      .. 'accountname "Mere SA"; a row makes "Mère SA"; write it alike',
      "contacts.csv: line 3", 'accountname "Mèrre SA"; a row makes "Mère SA"; write it alike: '
        .. "--value 'Société:Mèrre SA=Mère SA'",
      "accounts.csv, contacts.csv: 3 faults; nothing was sent",
      "3 rows with faults, marked in f-contacts.csv")
    assert.falsy(helper.run({ "ls", dir }).out:find("f-accounts", 1, true))
  end)

  it("tells rows of two files with one key, and files of one module apart", function()
    file("nord.csv", "Raison sociale;SIRET\nA;80000000000003\n")
    file("sud.csv", "Raison sociale;SIRET\nB;80000000000003\n")
    local part = 'module = "Accounts", existing = "siret", columns = { ["Raison sociale"] = '
      .. '"accountname", SIRET = "siret" }'
    mapping(part, part)
    local words = { "import", "nord.csv", "sud.csv", "--mapping", "both.lua", "--yes" }
    says(here(words, 1), 'sud.csv: line 2, SIRET', "is in row 2 of nord.csv already")
    file("sud.csv", "Raison sociale;SIRET\nB;80000000000004\n")
    says(here(words), "new Accounts (sud.csv):line 2", "new Accounts:line 2")
    assert.matches("B;80000000000004;", here({ "success", "nord.csv.icrm", "--of", "sud.csv" }).out)
  end)

  it("takes the sheets of a workbook as files", function()
    file("lo-bureau.xlsx", helper.read_file(BOOKS .. "lo-bureau.xlsx"))
    mapping([[file = "lo-bureau.xlsx#Comptes", module = "Accounts", columns = {
        ["Raison sociale"] = "accountname" }]],
      [[file = "*#Contacts", module = "Contacts", columns = { Nom = "lastname" } ]])
    local result = here { "import", "lo-bureau.xlsx#Contacts", "lo-bureau.xlsx#Comptes",
      "--mapping", "both.lua", "--plan-only", "--out", "s.icrm" }
    says(result, "sheet Comptes (1 of 5)", "sheet Contacts (2 of 5)", "create Contacts",
      "create Accounts")
    result = here { "import", "lo-bureau.xlsx#Contacts", "--module", "Contacts", "--map",
      "Nom=lastname", "--plan-only" }
    says(result, "sheet Contacts (2 of 5)", "planned in lo-bureau.xlsx-Contacts.icrm")
  end)

  it("takes a mapping file for each, such as their drafts", function()
    office()
    file("contacts.csv", "Civilité;Nom;Société\nMadame;Dupont;Fille\nMonsieur;Durand;Mère SA\n")
    for name, module in pairs { accounts = "Accounts", contacts = "Contacts" } do
      file(name .. ".lua", here({ "import", name .. ".csv", "--module", module, "--suggest" }).out)
    end
    here { "import", "accounts.csv", "contacts.csv", "--mapping", "accounts.lua", "--mapping",
      "contacts.lua", "--yes" }
    assert.same({ Dupont = "Fille", Durand = "Mère SA" }, parents())
    assert.equal(2, #records("SELECT id FROM Contacts WHERE salutationtype IN ('Mrs.', 'Mr.') AND "
      .. "lastname IN ('Dupont', 'Durand')"))
    local result = here({ "import", "accounts.csv", "--mapping", "accounts.lua", "--mapping",
      "contacts.lua" }, 2)
    says(result, "2 mapping files for 1 file")
    says(here({ "import", "accounts.csv", "contacts.csv", "--mapping", "both.lua", "--mapping",
      "contacts.lua", "--out", "x.icrm" }, 1), "both.lua is for several files")
  end)

  it("takes what is said of all files once", function()
    file("a.csv", "Raison sociale;Effectif\nUn;n.c.\n")
    file("b.csv", "Raison sociale;Effectif\nDeux;1,5\nTrois;n.c.\n")
    local part = '{ module = "Accounts", columns = { ["Raison sociale"] = "accountname", '
      .. 'Effectif = "annual_revenue" } }'
    file("both.lua", ('return { null = "n.c.", decimal = "comma", files = { %s, %s } }'):format(
      part, part))
    here { "import", "a.csv", "b.csv", "--mapping", "both.lua", "--plan-only" }
    file("both.lua", ("return { files = { %s, %s } }"):format(part, part))
    here { "import", "a.csv", "b.csv", "--mapping", "both.lua", "--null", "n.c.", "--plan-only" }
    says(here({ "import", "a.csv", "b.csv", "--mapping", "both.lua" }, 1), '"n.c." is no number')
    here { "import", "a.csv", "b.csv", "--mapping", "both.lua", "--value", "Effectif:n.c.=0",
      "--plan-only" }
    says(here({ "import", "a.csv", "b.csv", "--mapping", "both.lua", "--value", "Truc:a=b" }, 1),
      'values of the column "Truc": there is none')
  end)

  it("is planned anew in place after a correction of one of the files", function()
    office()
    local words = { "import", "accounts.csv", "contacts.csv", "--mapping", "both.lua",
      "--plan-only" }
    here(words)
    file("contacts.csv", "Nom;Société\nDupont;Fille\n")
    says(here({ "apply", "accounts.csv.icrm" }, 1), "contacts.csv was changed since")
    says(here(words), "was planned before, and nothing of it was sent: it is planned anew",
      "+ create Contacts                    1")
  end)

  it("writes no list over one of its files", function()
    office()
    file("f-contacts.csv", read "accounts.csv")
    mapping('file = "f-contacts.csv", ' .. COMPANIES, 'file = "contacts.csv", ' .. PEOPLE)
    for _, option in ipairs { "faults", "errors", "success" } do
      says(here({ "import", "f-contacts.csv", "contacts.csv", "--mapping", "both.lua", "--"
        .. option, "f.csv" }, 1), "--" .. option
        .. " must not write over f-contacts.csv, which the rows came from")
    end
    assert.equal(read "accounts.csv", read "f-contacts.csv")
  end)

  it("refuses files and parts of a mapping that do not fit", function()
    office()
    local function refuses(words, ...)
      says(here({ "import", table.unpack(words) }, 1), ...)
      assert.falsy(helper.run({ "ls", dir }).out:find("icrm", 1, true))
    end
    local both = { "accounts.csv", "contacts.csv", "--mapping", "both.lua" }
    refuses({ "accounts.csv", "accounts.csv", "--mapping", "both.lua" },
      "accounts.csv is given twice")
    refuses({ "accounts.csv", "--mapping", "both.lua" },
      "the mapping is for 2 files, and 1 are given")
    mapping('file = "clients.csv", ' .. COMPANIES, PEOPLE)
    refuses(both, 'the mapping has a part for "clients.csv", which is none of the files '
      .. "accounts.csv, contacts.csv")
    mapping('file = "*.csv", ' .. COMPANIES, PEOPLE)
    refuses(both, "means accounts.csv and contacts.csv; give each a part of its own")
    mapping(COMPANIES:gsub('SIRET = "siret"', 'SIRET = "siret", Nom = "phone"'), PEOPLE)
    refuses(both, 'accounts.csv has no column "Nom"; contacts.csv has one: is it in the wrong part '
      .. "of the mapping?")
    mapping("module = 1", PEOPLE)
    refuses(both, "the mapping: file 1: module is a string, not a number")
    file("both.lua", "return { files = { 1, 2 } }")
    refuses(both, "the mapping: file 1 is a table, not a number")
    file("both.lua", 'return { files = {}, module = "Accounts" }')
    refuses(both, "the mapping: beside files, it has no module")
    file("both.lua", "return { " .. COMPANIES .. " }")
    refuses(both, "several files need a mapping with `files`")
    assert.truthy(here({ "import", "accounts.csv", "contacts.csv", "--module", "Accounts" }, 2).err
      :find("several files need a --mapping with files", 1, true))
    helper.run({ "sh", "-c", "mkdir x && cp accounts.csv x/" }, { cwd = dir })
    mapping('file = "accounts.csv", ' .. COMPANIES, 'file = "accounts.csv", ' .. COMPANIES)
    refuses({ "accounts.csv", "x/accounts.csv", "--mapping", "both.lua" }, 'the mapping\'s file '
      .. '"accounts.csv" means accounts.csv and x/accounts.csv; give each a part of its own, with '
      .. "its folder or its sheet")
  end)

  it("may be of one name in two folders", function()
    office()
    helper.run({ "sh", "-c", "mkdir a b && mv accounts.csv a/f.csv && mv contacts.csv b/f.csv" },
      { cwd = dir })
    mapping('file = "a/f.csv", ' .. COMPANIES, 'file = "b/f.csv", ' .. PEOPLE)
    here { "import", "b/f.csv", "a/f.csv", "--mapping", "both.lua", "--yes", "--out", "s.icrm",
      "--success", "ids.csv" }
    assert.matches("Durand;Mère SA;", read "ids-f-1.csv")
    assert.matches("Mère SA;80000000000001;", read "ids-f-2.csv")
    says(here({ "success", "s.icrm", "--of", "f.csv" }, 1), "say which file's rows")
  end)
end)
