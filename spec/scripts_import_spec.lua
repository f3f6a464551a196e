-- Imports as a user goes through them: what is refused by the server, what nobody
-- knows, what is corrected and imported again.
local cjson = require "cjson"
local helper = require "spec.helper"
local script_crm = require "spec.script_crm"

describe("icrm-lua import", function()
  local crm, dir

  setup(function()
    crm = script_crm.start { fields = { "Accounts.cf_icrm_token:string",
      "HelpDesk.cf_icrm_token:string" } }
  end)

  teardown(function()
    crm.stop()
  end)

  before_each(function()
    dir = helper.tmpdir()
  end)

  local function here(arguments, code)
    local result = crm.run(arguments, { cwd = dir })
    assert.equal(code or 0, result.code, result.err)
    return result
  end

  local function file(name, text)
    helper.write_file(dir .. "/" .. name, text)
  end

  local function has(text, ...)
    for _, part in ipairs { ... } do
      assert.truthy(text:find(part, 1, true), ("%q is not in %q"):format(part, text))
    end
  end

  local function alter(name, sql)
    script_crm.alter(dir .. "/" .. name, sql)
  end

  local function records(text)
    return cjson.decode(here({ "query", text, "-o", "json" }).out)
  end

  it("takes columns, constants and references from its options", function()
    file("a.csv", "Raison sociale;SIREN mère;Ville;Bizarre\r\nFille;900000123;Évry;x\r\n"
      .. "Orpheline;;Lyon;y\r\n")
    file("mere.csv", "accountname;siren\nMère;900000123\n")
    here { "import", "mere.csv", "--module", "Accounts", "--yes" }
    local result = here { "import", "a.csv", "--module", "Accounts", "--map",
      "Raison sociale=accountname", "--map", "Ville=bill_city", "--set", "accounttype=Customer",
      "--ref", "account_id=Accounts.siren:{SIREN mère}?", "--yes" }
    has(result.err, "a.csv: utf-8, separator ;, 4 columns, 2 rows", "not imported: Bizarre")
    local mother = records "SELECT id FROM Accounts WHERE siren = '900000123'"[1].id
    local rows = records("SELECT accountname, account_id, accounttype, bill_city FROM Accounts "
      .. "WHERE accountname IN ('Fille', 'Orpheline')")
    table.sort(rows, function(a, b) return a.accountname < b.accountname end)
    assert.equal(2, #rows)
    assert.same({ mother, "Customer", "Évry" },
      { rows[1].account_id, rows[1].accounttype, rows[1].bill_city })
    assert.equal("Lyon", rows[2].bill_city)
    assert.not_equal(mother, rows[2].account_id)
  end)

  it("looks for a reference in several ways, and the first that finds it counts", function()
    file("mere.csv", "accountname;siren\nPar son nom;\nPar son numéro;900000456\n"
      .. "Autre;900000789\n")
    here { "import", "mere.csv", "--module", "Accounts", "--yes" }
    file("a.csv", "accountname;SIREN;Mère\nF1;900000456;Autre\nF2;;Par son nom\n"
      .. "F3;111111111;Par son nom\nF4;;\n")
    local arguments = { "import", "a.csv", "--module", "Accounts", "--ref",
      "account_id=Accounts.siren:{SIREN}?", "--ref", "account_id=Accounts.accountname:{Mère}" }
    arguments[#arguments + 1] = "--yes"
    here(arguments)
    local mothers = {}
    for _, row in ipairs(records "SELECT id, accountname, account_id FROM Accounts") do
      mothers[row.id] = row.accountname
      mothers[row.accountname] = row.account_id
    end
    assert.same({ "Par son numéro", "Par son nom", "Par son nom" },
      { mothers[mothers.F1], mothers[mothers.F2], mothers[mothers.F3] })
    file("b.csv", "accountname;SIREN;Mère\nF5;222222222;Personne\n")
    arguments[2] = "b.csv"
    has(here(arguments, 1).err, 'b.csv: line 2, SIREN, Mère (Membre de): no record of Accounts '
      .. 'but the row itself has the siren "222222222"; no record of Accounts has the '
      .. 'accountname "Personne"')
  end)

  it("says how it read the file, and reads it as it is told", function()
    file("a.csv", "accountname\tlatitude\nCaf\xE9\t48,804\n")
    has(here({ "import", "a.csv", "--module", "Accounts", "--plan-only" }, 1).err,
      'a.csv: column latitude: "48,804" (line 2) may be read in two ways, and no other cell tells '
        .. "which; say --decimal comma or --decimal point")
    has(here({ "import", "a.csv", "--module", "Accounts", "--plan-only", "--decimal",
      "comma", "--encoding", "Windows-1252", "--delimiter", "tab" }).err, "latitude: 48.804",
      "accountname: Café", "planned in a.csv.icrm; to send it: icrm-lua apply " .. dir
      .. "/a.csv.icrm")
    has(here({ "show", "a.csv.icrm" }).out, "  read as windows-1252, separator tab, 2 columns; "
      .. "decimal comma: latitude\n")
  end)

  it("refuses texts that are longer than it is told", function()
    file("a.csv", "Titre;Statut\n" .. ("é"):rep(12) .. ";Open\nCourt;Open\n")
    has(here({ "import", "a.csv", "--module", "HelpDesk", "--max-length", "ticket_title=11" },
      1).err, "a.csv: line 2, Titre (ticket_title): \"éééééééééééé\" has 12 characters, and 11 at "
      .. "most are allowed; shorten it", "1 fault; nothing was sent")
    here { "import", "a.csv", "--module", "HelpDesk", "--max-length", "ticket_title=12",
      "--plan-only" }
    local result = here({ "import", "b.csv", "--module", "HelpDesk", "--max-length",
      "ticket_title=0" }, 1)
    has(result.err, '--max-length "ticket_title=0": write FIELD=N')
    file("m.lua", [[return { module = "HelpDesk", match = true, max_length = { titel = 3 } }]])
    has(here({ "import", "a.csv", "--mapping", "m.lua", "--out", "m.icrm" }, 1).err,
      'HelpDesk has no field "titel"')
  end)

  it("tells what the server cuts, and how many are still to come", function()
    local lines = { "Titre;Statut" }
    for i = 1, 60 do
      lines[#lines + 1] = ("%d "):format(i) .. ("long "):rep(i % 2 * 60 + 2) .. ";Open"
    end
    file("a.csv", table.concat(lines, "\n") .. "\n")
    has(here({ "import", "a.csv", "--module", "HelpDesk", "--yes" }, 3).err,
      "the server keeps fewer characters of this field and cuts the rest",
      "icrm-lua undo " .. dir .. "/a.csv.icrm", "icrm-lua resume " .. dir
      .. "/a.csv.icrm --accept ticket_title:cut")
    has(here({ "resume", "a.csv.icrm" }, 1).err, "--accept ticket_title:cut")
    local result = here { "resume", "a.csv.icrm", "--accept", "ticket_title:cut" }
    local _, said = result.err:gsub("the server keeps 255 characters of HelpDesk.ticket_title and "
      .. "cuts the rest; %d+ more that are still to be sent are longer", "")
    assert.equal(1, said)
    has(result.err, "the server stored 30 records otherwise than sent",
      "ticket_title: cut, 255 of 311 characters stored",
      "… and 20 more: icrm-lua show " .. dir .. "/a.csv.icrm --full")
    has(here({ "show", "a.csv.icrm" }).out,
      "HelpDesk:line 2  [done, but ticket_title: cut, 255 of 311 characters stored]")
  end)

  it("leaves the owner and all that the file does not name as they are", function()
    file("a.csv", "accountname;siret;assigned_user_id;phone\nTenue;80000000000001;19x6;01\n")
    here { "import", "a.csv", "--module", "Accounts", "--key", "siret", "--yes" }
    file("b.csv", "siret;fax\n80000000000001;02\n")
    local result = here { "import", "b.csv", "--module", "Accounts", "--key", "siret", "--yes" }
    has(result.err, "~ Accounts: fax  (1)")
    local row = records("SELECT accountname, assigned_user_id, phone, fax FROM Accounts "
      .. "WHERE siret = '80000000000001'")[1]
    row.id = nil
    assert.same({ accountname = "Tenue", assigned_user_id = "19x6", phone = "01", fax = "02" }, row)
  end)

  it("refuses what is said of records that a key finds where there is none", function()
    file("a.csv", "accountname\nSans clé\n")
    for _, option in ipairs { "--on-match skip", "--no-match error" } do
      local name, value = option:match "(%S+) (%S+)"
      has(here({ "import", "a.csv", "--module", "Accounts", "--plan-only", name, value }, 1).err,
        option .. " is for records that a key finds: say --key FIELD")
    end
    here { "import", "a.csv", "--module", "Accounts", "--plan-only", "--no-match", "create" }
  end)

  it("says that rows without any key are made anew", function()
    file("a.csv", "accountname;siret\nSans;80000000000003\n")
    local said = "no key, so made anew whatever the CRM has already: Accounts\n"
    has(here({ "import", "a.csv", "--module", "Accounts", "--plan-only" }).err, said)
    local result = here { "import", "a.csv", "--module", "Accounts", "--plan-only", "--key",
      "siret", "--out", "b.icrm" }
    assert.falsy(result.err:find(said, 1, true))
  end)

  it("asks what to do with rows that have no key to be found by", function()
    file("a.csv", "accountname;siret\nSans;\nAussi;\nAvec;80000000000002\n")
    local arguments = { "import", "a.csv", "--module", "Accounts", "--key", "siret", "--plan-only" }
    has(here(arguments, 1).err, "a.csv: 2 rows (2, 3), siret: is empty, so nobody can look whether "
      .. "the record is there already; fill it, or say --empty-key create",
      "2 faults; nothing was sent")
    table.move({ "--empty-key", "create" }, 1, 2, #arguments + 1, arguments)
    has(here(arguments).err, "without a key, so nobody looked whether it exists: 2 rows",
      "+ create Accounts                    3")
    arguments[#arguments] = "skip"
    os.remove(dir .. "/a.csv.icrm")
    has(here(arguments).err, "without a key, left out: 2 rows",
      "+ create Accounts                    1           2")
  end)

  it("marks the faults in a copy of the file, which is corrected and imported", function()
    file("a.csv", "Nom du compte;Effectif;Note\r\n\"Caf\xE9;1\";douze;\"deux\r\nlignes\"\r\n"
      .. "B;2;x\r\n;;\r\nC;treize;\xE9\r\n")
    local arguments = { "import", "a.csv", "--module", "Accounts", "--faults", "bad.csv", "--yes" }
    local result = here(arguments, 1)
    has(result.err, 'a.csv: line 2, Effectif (employees): "douze" is no', "a.csv: row 5 (line 6), "
      .. 'Effectif (employees): "treize"', "2 rows with faults, marked in bad.csv\n",
      "2 faults; nothing was sent\n")
    local marked = helper.read_file(dir .. "/bad.csv")
    local first, second = marked:match '""douze"" ([^"]*)".*""treize"" ([^"]*)"'
    assert.equal("Nom du compte;Effectif;Note;icrm_faults\r\n"
      .. "\"Caf\xE9;1\";douze;\"deux\r\nlignes\";"
      .. '"Effectif (employees): ""douze"" ' .. first .. "\"\r\nB;2;x;\"\"\r\nC;treize;\xE9;"
      .. '"Effectif (employees): ""treize"" ' .. second .. "\"\r\n", marked)
    file("again.csv", (marked:gsub("douze", "12")))
    arguments[2] = "again.csv"
    has(here(arguments, 1).err, "not imported: Note, icrm_faults", "1 row with faults, marked in")
    marked = helper.read_file(dir .. "/bad.csv")
    assert.equal(1, select(2, marked:gsub("icrm_faults", "")))
    assert.falsy(marked:find("douze", 1, true))
    file("good.csv", (marked:gsub(";treize", ";13")))
    arguments[2] = "good.csv"
    os.remove(dir .. "/bad.csv")
    here(arguments)
    assert.falsy(helper.exists and helper.exists(dir .. "/bad.csv") or io.open(dir .. "/bad.csv"))
    arguments[2], arguments[6] = "a.csv", "x/.././a.csv"
    has(here(arguments, 2).err, "--faults must not write over the file itself")
    arguments[5] = "--errors"
    has(here(arguments, 2).err, "--errors must not write over the file itself")
  end)

  it("suggests what a value stands for, and the suggestion can be pasted", function()
    file("a.csv", "Nom;Civilité: titre\r\nX;Madame\r\nY;Madame\r\nZ;Mme\r\n")
    local arguments = { "import", "a.csv", "--module", "Contacts", "--map",
      '"Civilité: titre"=Civilité', "--yes" }
    local said = here(arguments, 1).err
    local pasted = said:match "did you mean \"Mme\"%? %-%-value '(.-)'; allowed: M%. %(Mr%.%)"
    assert.equal('"Civilité: titre":Madame=Mme', pasted)
    table.move({ "--value", pasted, "--value", pasted:gsub("Madame", "Mlle") }, 1, 4,
      #arguments + 1, arguments)
    has(here(arguments).err, 'Civilité: titre: no cell is "Mlle", so nothing stands for it')
    assert.equal("Mrs.", records("SELECT salutationtype FROM Contacts WHERE lastname = 'X'")[1]
      .salutationtype)
  end)

  it("takes fields by their labels in all of its options", function()
    file("a.csv", "Société;Numéro;Note;Mère\r\nLabel SA;81234567800001;x;\r\n")
    local result = here { "import", "a.csv", "--module", "Accounts", "--map",
      "Société=Nom du compte", "--map", "Numéro=SIRET", "--set", "Type=Client", "--key", "siret",
      "--max-length", "Nom du compte=20", "--ref", "Membre de=Accounts.Nom du compte:{Mère}?",
      "--plan-only" }
    has(result.err, "accountname: Label SA", "accounttype: Customer", "siret: 81234567800001")
  end)

  it("suggests commands that can be pasted, whatever the file is called", function()
    file("l'année 1.csv", "accountname\nX\n")
    local arguments = { "import", "l'année 1.csv", "--module", "Accounts" }
    here({ "import", "l'année 1.csv", "--module", "Accounts", "--yes" })
    has(here({ "status", "l'année 1.csv.icrm", "--profile", "mon CRM" }).err,
      "icrm-lua undo '" .. dir .. "/l'\\''année 1.csv.icrm' --profile 'mon CRM'")
    has(crm.run({ "status", "l'année 1.csv.icrm" }, { cwd = dir, env = { PWD = "/" } }).err,
      "icrm-lua undo '" .. dir .. "/l'\\''année 1.csv.icrm'") -- as started by no shell
    has(here(arguments, 1).err, "with --out, such as '" .. dir .. "/l'\\''année 1.csv-2")
  end)

  it("gives the failed rows back until they go in", function()
    local text = "accountname;siren\r\n\"Un; é\";811111111\r\n;\r\nDeux;822222222\r\n"
    file("a.csv", text)
    here { "import", "a.csv", "--module", "Accounts", "--plan-only" }
    alter("a.csv.icrm", "UPDATE changes SET state = 'failed', code = 'TEST', message = 'non'")
    local name = "a.csv"
    for round = 1, 3 do
      local errors = here { "errors", name .. ".icrm" }
      assert.equal("accountname;siren;icrm_code;icrm_message\r\n"
        .. "\"Un; é\";811111111;\"TEST\";\"non\"\r\n"
        .. "Deux;822222222;\"TEST\";\"non\"\r\n", errors.out)
      assert.equal("2 rows\n", errors.err)
      name = ("again%d.csv"):format(round)
      file(name, errors.out)
      has(here({ "import", name, "--module", "Accounts", "--plan-only" }).err,
        "not imported: icrm_code, icrm_message")
      if round < 3 then
        alter(name .. ".icrm", "UPDATE changes SET state = 'failed', code = 'TEST', "
          .. "message = 'non'")
      end
    end
    here { "apply", name .. ".icrm", "--yes" }
    assert.equal(2, #records "SELECT id FROM Accounts WHERE siren IN ('811111111', '822222222')")
  end)

  it("keeps out of the failed rows what may be in the CRM", function()
    file("a.csv", "accountname\nUn\nDeux\nTrois\n")
    here { "import", "a.csv", "--module", "Accounts", "--plan-only" }
    alter("a.csv.icrm", "UPDATE changes SET code = 'X', message = 'x', state = CASE n "
      .. "WHEN 1 THEN 'failed' WHEN 2 THEN 'needs_human' ELSE 'done' END")
    local errors = here { "errors", "a.csv.icrm" }
    assert.equal('accountname;icrm_code;icrm_message\nUn;"X";"x"\n', errors.out)
    assert.equal("1 row\nleft out, for they may be in the CRM: 1 more; see icrm-lua unknown "
      .. dir .. "/a.csv.icrm\n", errors.err)
  end)

  it("says what undo leaves out because nobody knows what became of it", function()
    file("a.csv", "accountname\nUn\nDeux\n")
    here { "import", "a.csv", "--module", "Accounts", "--yes" }
    alter("a.csv.icrm", "UPDATE changes SET state = 'needs_human', code = 'X' WHERE n = 1")
    has(here({ "undo", "a.csv.icrm", "--plan-only" }).err, "left out, for only a person can tell "
      .. "what became of it: 1 change; see icrm-lua unknown " .. dir .. "/a.csv.icrm\n",
      "- delete Accounts                    1",
      "to send it: icrm-lua apply " .. dir .. "/a.csv.undo.icrm --allow-delete 1")
  end)

  it("warns when failed rows imported again would make records twice", function()
    file("m.lua", [[return { records = {
      { name = "company", module = "Accounts", key = "{Firme}", distinct = true,
        fields = { accountname = "Firme" } },
      { name = "ticket", module = "HelpDesk", fields = { ticket_title = "Titre",
        ticketstatus = { const = "Open" }, parent_id = { record = "company" } } } } }]])
    file("a.csv", "Firme;Titre\nA;a1\nA;a2\nB;b1\n")
    here { "import", "a.csv", "--mapping", "m.lua", "--plan-only" }
    -- a2 failed, and its company stands on the line before; b1 waits for an open one.
    alter("a.csv.icrm", [[UPDATE changes SET code = 'X', message = 'x', state = CASE key
      WHEN 'company:A' THEN 'done' WHEN 'ticket:line 2' THEN 'done'
      WHEN 'ticket:line 3' THEN 'failed' WHEN 'company:B' THEN 'unknown' ELSE 'blocked' END]])
    local errors = here { "errors", "a.csv.icrm" }
    assert.equal('Firme;Titre;icrm_code;icrm_message\nA;a2;"X";"x"\n', errors.out)
    has(errors.err, "1 row\n", "1 more; see icrm-lua unknown " .. dir .. "/a.csv.icrm",
      "1 of them need records that were made already; imported again, those are made twice")
  end)

  it("lists what failed of a set that no file was the source of", function()
    here { "update", "HelpDesk", "--where", "ticketstatus = 'Closed'", "--set", "hours=3", "--out",
      "u.icrm", "--plan-only" }
    alter("u.icrm", "UPDATE changes SET state = 'failed', code = 'STALE', message = 'a, \"b\"' "
      .. "WHERE n = 1")
    local out = here({ "errors", "u.icrm" }).out
    has(out, "key,operation,module,record,code,message\r\n#1,update,HelpDesk,9x",
      ',STALE,"a, ""b"""\r\n')
  end)

  it("shows what may be the record of a lost answer", function()
    file("a.csv", "accountname\nPerdue\n")
    here { "import", "a.csv", "--module", "Accounts", "--yes" }
    alter("a.csv.icrm", "UPDATE changes SET state = 'needs_human', code = 'NO_WITNESS', "
      .. "record = NULL")
    local shown = here { "unknown", "a.csv.icrm", "show", "Accounts:line 2" }
    local id = records "SELECT id FROM Accounts WHERE accountname = 'Perdue'"[1].id
    has(shown.out, 'sent: {"accountname":"Perdue"', "attempt 1 at ", "candidate: " .. id)
    has(here({ "unknown", "a.csv.icrm", "show", "nobody" }, 1).err, 'has no change "nobody"')
    has(here({ "unknown", "a.csv.icrm", "show" }, 2).err, "show needs the key of a change")
    here { "unknown", "a.csv.icrm", "mark-done", "Accounts:line 2", id }
    assert.equal(0, here({ "status", "a.csv.icrm" }).code)
  end)

  it("is undone where nobody touched what it made", function()
    file("a.csv", "accountname;siret\nRetour;80000000000003\n")
    here { "import", "a.csv", "--module", "Accounts", "--key", "siret", "--yes" }
    file("b.csv", "siret;phone\n80000000000003;1\n")
    here { "import", "b.csv", "--module", "Accounts", "--key", "siret", "--yes" }
    file("c.csv", "siret;phone\n80000000000003;2\n")
    here { "import", "c.csv", "--module", "Accounts", "--key", "siret", "--yes" }
    local kept = here { "undo", "b.csv.icrm", "--yes" }
    has(kept.err, 'Accounts:line 2  KEPT: changed since: phone was "1", is "2"',
      "nothing can be taken back")
    here { "undo", "c.csv.icrm", "--yes" }
    assert.equal("1", records "SELECT phone FROM Accounts WHERE siret = '80000000000003'"[1].phone)
  end)

  it("writes the failed rows where it is told, or sends nothing", function()
    file("a.csv", "accountname\nUn\nDeux\n")
    local before = crm.commits "create"
    here({ "import", "a.csv", "--module", "Accounts", "--plan-only" })
    has(here({ "apply", "a.csv.icrm", "--yes", "--errors", "/nowhere/e.csv" }, 1).err,
      "--errors: cannot write /nowhere/e.csv: No such file")
    assert.equal(before, crm.commits "create")
    alter("a.csv.icrm", "UPDATE changes SET state = 'failed', code = 'T' WHERE n = 1")
    here({ "apply", "a.csv.icrm", "--yes", "--errors", "e.csv" }, 4)
    assert.equal('accountname;icrm_code;icrm_message\nUn;"T";""\n',
      helper.read_file(dir .. "/e.csv"))
    assert(os.remove(dir .. "/e.csv"))
    here({ "apply", "a.csv.icrm", "--yes", "--errors", "e.csv" }, 4) -- nothing is left to send
    assert.equal('accountname;icrm_code;icrm_message\nUn;"T";""\n',
      helper.read_file(dir .. "/e.csv"))
    assert.equal(before + 1, crm.commits "create")
  end)

  it("looks at the whole file before it sends a row, however late the fault", function()
    local rows = { "accountname;siret" }
    for i = 1, 300 do
      rows[#rows + 1] = ("Ligne %d;8%013d"):format(i, i)
    end
    rows[#rows + 1] = "Dernière;8" .. ("%013d"):format(7)
    file("a.csv", table.concat(rows, "\n"))
    local before = crm.commits "create"
    has(here({ "import", "a.csv", "--module", "Accounts", "--key", "siret", "--yes" }, 1).err,
      'a.csv: line 302, siret: "80000000000007" is in row 8 already')
    assert.equal(before, crm.commits "create")
  end)
end)
