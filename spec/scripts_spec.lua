-- Each command as a user runs it, against a sandbox CRM.
local cjson = require "cjson"
local helper = require "spec.helper"
local script_crm = require "spec.script_crm"

local TAGS = { "Accounts.cf_icrm_token:string", "HelpDesk.cf_icrm_token:string" }

describe("icrm-lua", function()
  local crm

  setup(function()
    crm = script_crm.start { fields = TAGS }
  end)

  teardown(function()
    crm.stop()
  end)

  local function ok(arguments, more)
    local result = crm.run(arguments, more)
    assert.equal(0, result.code, result.err)
    return result
  end

  local function lines(text)
    local list = {}
    for line in text:gmatch "[^\r\n]+" do
      list[#list + 1] = line
    end
    return list
  end

  describe("reading", function()
    it("modules lists them in the server's order", function()
      local out = lines(ok({ "modules", "-o", "csv" }).out)
      assert.equal("module,label,singular,records", out[1])
      assert.equal("Quotes,Offres de prix,Offres de prix,yes", out[2])
    end)

    it("describe lists fields, or the values of a picklist", function()
      assert.truthy(ok({ "describe", "HelpDesk" }).out:find("ticket_title", 1, true))
      local values = ok { "describe", "HelpDesk", "--picklists", "-o", "csv" }
      assert.truthy(values.out:find("Wait For Response", 1, true))
      assert.truthy(values.out:find("Attente réponse", 1, true))
    end)

    it("query prints the same rows in each form", function()
      local text = "SELECT ticket_title, ticketstatus FROM HelpDesk WHERE ticketstatus = :s LIMIT 3"
      local arguments = { "query", text, "--param", "s=Open", "-o" }
      local function as(format)
        return ok({ arguments[1], arguments[2], arguments[3], arguments[4], "-o", format }).out
      end
      local rows = cjson.decode(as "json")
      assert.equal(3, #rows)
      assert.equal("Open", rows[1].ticketstatus)
      local jsonl = lines(as "jsonl")
      assert.same(rows[2], cjson.decode(jsonl[2]))
      assert.equal(4, #lines(as "csv"))
      assert.truthy(as("table"):find(rows[3].ticket_title, 1, true))
    end)

    it("query stops at --max, and reads its text from a file", function()
      local file = helper.tmpfile("SELECT id FROM HelpDesk", "q.vtql")
      assert.equal(5, #lines(ok({ "query", "--file", file, "--max", "5", "-o", "jsonl" }).out))
    end)

    it("query counts", function()
      local row = cjson.decode(ok({ "query", "SELECT count(*) FROM HelpDesk", "-o", "jsonl" }).out)
      assert.truthy(tonumber(row.count) > 0)
    end)

    it("get shows a record, related what hangs on it", function()
      local first = cjson.decode(lines(ok({ "query",
        "SELECT id, parent_id FROM HelpDesk WHERE parent_id > '3x0'", "--max", "1", "-o",
        "jsonl" }).out)[1])
      assert.truthy(ok({ "get", first.id }).out:find(first.parent_id, 1, true))
      local related = ok { "related", first.parent_id, "HelpDesk", "-o", "csv" }
      assert.truthy(related.out:find(first.id, 1, true))
    end)

    it("report counts by a field of the record referred to, and sums", function()
      local out = ok { "report", "HelpDesk", "--by", "parent_id.bill_city", "--by", "ticketstatus",
        "--sum", "hours", "-o", "csv" }
      assert.equal("parent_id.bill_city,ticketstatus,count,sum hours", lines(out.out)[1])
      local total = 0
      for _, line in ipairs(lines(out.out)) do
        total = total + (tonumber(line:match ",(%d+),[%d.]*$") or 0)
      end
      local all = cjson.decode(ok({ "query", "SELECT count(*) FROM HelpDesk", "-o", "jsonl" }).out)
      assert.equal(tonumber(all.count), total)
    end)

    it("report names the owners", function()
      local out = ok({ "report", "HelpDesk", "--by", "assigned_user_id.user_name", "-o",
        "csv" }).out
      -- What a group owns has no user's name.
      for name, where in pairs { jbrunel = "= '19x5'", [""] = "IN ('20x2', '20x3')" } do
        local count = cjson.decode(ok({ "query", "SELECT count(*) FROM HelpDesk WHERE "
          .. "assigned_user_id " .. where, "-o", "jsonl" }).out).count
        assert.truthy(out:find(("\r\n%s,%s\r\n"):format(name, count), 1, true), out)
      end
    end)

    it("rows that are none are none in each form", function()
      local text = "SELECT ticket_title FROM HelpDesk WHERE ticket_title = 'Zzz'"
      for format, want in pairs { json = "[]\n", jsonl = "", csv = "", table = "" } do
        local result = ok { "query", text, "-o", format }
        assert.equal(want, result.out)
        assert.equal("0 rows\n", result.err)
      end
    end)

    it("get prints the fields asked for, in their order", function()
      assert.equal("ticketstatus,ticket_title\r\nOpen,Panneau d'accueil livré en retard\r\n",
        ok({ "get", "9x42", "--fields", "ticketstatus,ticket_title", "-o", "csv" }).out)
      local all = ok({ "get", "9x42", "--all" }).out
      assert.truthy(all:find "\nsolution +Solution *\n")
      assert.falsy(ok({ "get", "9x42" }).out:find("\nsolution", 1, true))
    end)

    it("CSV is fit for a table program, or raw", function()
      local dir = helper.tmpdir()
      helper.write_file(dir .. "/a.csv", "accountname;bill_city\n'=1+1;+33\n")
      assert.equal(0, crm.run({ "import", "a.csv", "--module", "Accounts", "--yes" },
        { cwd = dir }).code)
      local text = "SELECT accountname FROM Accounts WHERE accountname = '=1+1'"
      assert.truthy(ok({ "query", text, "-o", "csv" }).out:find(",'=1+1\r\n", 1, true))
      assert.truthy(ok({ "query", text, "-o", "csv", "--raw" }).out:find(",=1+1\r\n", 1, true))
    end)

    it("fields are named whatever is in their names, and by their labels", function()
      local url = "sandbox:" .. helper.tmpdir() .. "/crm.db?field=HelpDesk.shipping_%26_handling"
        .. ":double"
      local out = helper.tmpdir() .. "/set.icrm"
      local result = helper.icrm { "update", "HelpDesk", "--all", "--set",
        "shipping_&_handling=12.5", "--set", "Priorité=High", "--yes", "--out", out,
        "--url", url }
      assert.equal(0, result.code, result.err)
      result = helper.icrm { "report", "HelpDesk", "--by", "ticketpriorities", "--sum",
        "shipping_&_handling", "-o", "csv", "--url", url }
      assert.equal(0, result.code, result.err)
      local count, sum = result.out:match "\nHigh,(%d+),([%d.]+)\r?\n$"
      assert.equal(tonumber(count) * 12.5, tonumber(sum), result.out)
      result = helper.icrm { "update", "HelpDesk", "--all", "--set", "nope&=1", "--url", url }
      assert.matches('HelpDesk has no field "nope&"', result.err)
    end)

    it("doctor names what is wrong and exits with 1", function()
      local result = crm.run({ "doctor" }, { env = { ICRM_ACCESS_KEY = "wrong" } })
      assert.equal(1, result.code)
      assert.truthy(result.out:find "\nFAIL  login +the CRM does not accept the access key of ad")
      result = helper.icrm { "doctor" }
      assert.equal(1, result.code)
      assert.truthy(result.out:find "\nFAIL  configuration +no CRM is known.-\n +→ see docs")
      assert.equal(0, helper.icrm({ "doctor", "--url", "sandbox:" }).code)
    end)

    it("doctor finds nothing to mend", function()
      local out = ok({ "doctor" }).out
      assert.truthy(out:find "ok +login")
      assert.falsy(out:find("FAIL", 1, true))
    end)

    it("every command explains itself", function()
      for name in ok({ "help" }).out:gmatch "\n  (%l+) " do
        local result = ok { name, "--help" }
        assert.truthy(result.out:find("Usage: icrm-lua " .. name, 1, true), name)
      end
    end)
  end)

  it("download writes the file of a document, never over another", function()
    local id = ok({ "query", "SELECT id FROM HelpDesk LIMIT 1", "-o", "csv" }).out:match "%d+x%d+"
    local file = helper.tmpfile("du papier\n", "note.txt")
    local document = ok({ "attach", id, file }).out:match "%S+"
    local folder = helper.tmpdir()
    local path = ok({ "download", document, folder .. "/" }).out:match "^(%S+)\n$"
    assert.equal("du papier\n", helper.read_file(path))
    assert.matches("exists already", crm.run({ "download", document, path }).err)
    folder = helper.tmpdir()
    path = ok({ "download", document }, { cwd = folder }).out:match "^(%S+)\n$"
    assert.equal("du papier\n", helper.read_file(folder .. "/" .. path))
  end)

  it("attach stores a file with the record", function()
    local id = cjson.decode(ok({ "query", "SELECT id FROM HelpDesk", "--max", "1", "-o",
      "jsonl" }).out).id
    local file = helper.tmpfile("contenu é\n", "constat.txt")
    local document = ok({ "attach", id, file }).out:match "%S+"
    assert.truthy(ok({ "related", id, "Documents", "-o", "csv" }).out:find(document, 1, true))
  end)

  describe("change sets", function()
    local dir

    before_each(function()
      dir = helper.tmpdir()
    end)

    local function here(arguments, code)
      local result = crm.run(arguments, { cwd = dir })
      assert.equal(code or 0, result.code, result.err)
      return result
    end

    local function alter(name, sql)
      script_crm.alter(dir .. "/" .. name, sql)
    end

    local function count(where)
      return tonumber(cjson.decode(here({ "query", "SELECT count(*) FROM Accounts WHERE " .. where,
        "-o", "jsonl" }).out).count)
    end

    it("import plans, apply sends, audit agrees, undo takes back", function()
      helper.write_file(dir .. "/clients.csv",
        "\239\187\191Nom du compte;Ville (facturation);SIREN\r\n"
        .. "Société Été;L'Haÿ-les-Roses;012345678\r\n\"Deux; lignes\";\"Saint\nDenis\";\r\n")
      here { "import", "clients.csv", "--module", "Accounts", "--tag", "cf_icrm_token",
        "--plan-only" }
      assert.equal(0, count "accountname = 'Société Été'")
      assert.truthy(here({ "show", "clients.csv.icrm" }).out:find("siren: 012345678", 1, true))
      local plan = cjson.decode(here({ "show", "clients.csv.icrm", "-o", "json" }).out)
      assert.equal(1, plan.format_version)
      assert.equal("Saint\nDenis", plan.changes[2].fields.bill_city)
      here { "apply", "clients.csv.icrm", "--yes" }
      assert.equal(1, count "accountname = 'Société Été' AND siren = '012345678'")
      assert.truthy(here({ "audit", "clients.csv.icrm" }).out:find(
        "checked 2, lost 0, duplicates 0, ghosts 0, unrecorded 0", 1, true))
      assert.equal(0, here({ "status", "clients.csv.icrm" }).code)
      local undo = here({ "undo", "clients.csv.icrm", "--yes" }, 1) -- deletes are not said
      assert.truthy(undo.err:find("apply " .. dir
        .. "/clients.csv.undo.icrm --allow-delete 2", 1, true))
      assert.truthy(here({ "undo", "clients.csv.icrm", "--yes" }, 1).err:find(
        "clients.csv.undo.icrm was planned before, and nothing of it was sent: it is planned anew",
        1, true))
      here { "apply", "clients.csv.undo.icrm", "--yes", "--allow-delete", "2" }
      assert.equal(0, count "accountname = 'Société Été'")
    end)

    it("import says how long unique numbers take, and keeps the choice", function()
      helper.write_file(dir .. "/numbers.csv", "accountname\nNuméro 1\nNuméro 2\n")
      local plan = { "import", "numbers.csv", "--module", "Accounts", "--plan-only" }
      assert.matches("Accounts: several at once, about %d+ s, and some may get one account_no "
        .. "%(%-%-numbers unique: one at a time, about %d+ s%)", here(plan).err)
      table.move({ "--numbers", "unique" }, 1, 2, #plan + 1, plan)
      assert.matches("Accounts: one at a time, so that no two get one account_no: about %d+ s",
        here(plan).err)
      assert.matches("one at a time", here({ "apply", "numbers.csv.icrm", "--yes" }).err)
    end)

    it("import goes over as many lanes as are said", function()
      local rows = { "accountname" }
      for i = 1, 12 do
        rows[#rows + 1] = "Voie " .. i
      end
      helper.write_file(dir .. "/lanes.csv", table.concat(rows, "\n") .. "\n")
      local seen = #crm.server:log()
      here { "import", "lanes.csv", "--module", "Accounts", "--lanes", "1", "--yes" }
      local sessions, lanes = {}, 0
      for i, event in ipairs(crm.server:log()) do
        if i > seen and event.operation == "create" and not sessions[event.session] then
          sessions[event.session], lanes = true, lanes + 1
        end
      end
      assert.equal(1, lanes)
      local none = here({ "apply", "lanes.csv.icrm", "--lanes", "0" }, 2)
      assert.matches("at least one lane", none.err)
    end)

    it("import matches existing records by a key, byte for byte", function()
      helper.write_file(dir .. "/a.csv",
        "accountname;siret;bill_city\nÀ jour;73282932000074;Lyon\n")
      here { "import", "a.csv", "--module", "Accounts", "--key", "siret", "--yes" }
      helper.write_file(dir .. "/b.csv",
        "accountname;siret;bill_city\nÀ jour;73282932000074;Paris\nNeuf;73282932000075;Nice\n")
      local plan = here { "import", "b.csv", "--module", "Accounts", "--key", "siret", "--yes" }
      assert.truthy(plan.err:find("bill_city: Lyon → Paris", 1, true))
      assert.equal(1, count "siret = '73282932000074' AND bill_city = 'Paris'")
      helper.write_file(dir .. "/c.csv", "accountname;siret\nAutre;73282932000074\n")
      here({ "import", "c.csv", "--module", "Accounts", "--key", "siret", "--yes", "--on-match",
        "error" }, 1)
      local skipped = here { "import", "c.csv", "--module", "Accounts", "--key", "siret", "--yes",
        "--on-match", "skip" }
      assert.truthy(skipped.err:find("nothing to do", 1, true))
      local again = here { "import", "b.csv", "--module", "Accounts", "--key", "siret", "--yes",
        "--out", "again.icrm" }
      assert.truthy(again.err:find("the CRM has all of this already", 1, true))
    end)

    it("import writes a draft of a mapping that loads", function()
      helper.write_file(dir .. "/a.csv", "Nom du compte;Truc\nDraft;1\n")
      local draft = here { "import", "a.csv", "--module", "Accounts", "--suggest" }
      assert.truthy(draft.out:find('["Nom du compte"] = "accountname"', 1, true))
      helper.write_file(dir .. "/m.lua", draft.out)
      here { "import", "a.csv", "--mapping", "m.lua", "--yes" }
      assert.equal(1, count "accountname = 'Draft'")
    end)

    it("errors gives back the failed rows as they were, to be run again", function()
      -- The owner is refused by the server alone, after the checks.
      local text = "accountname;siret\r\n\"Bon; é\";73282932000080\r\nDouble;73282932000081\r\n"
      helper.write_file(dir .. "/a.csv", text)
      here { "import", "a.csv", "--module", "Accounts", "--key", "siret", "--plan-only" }
      alter("a.csv.icrm", "UPDATE changes SET state = 'failed', code = 'TEST', "
        .. "message = 'refusé' WHERE n = 1")
      local errors = here { "errors", "a.csv.icrm" }
      assert.equal("accountname;siret;icrm_code;icrm_message\r\n"
        .. "\"Bon; é\";73282932000080;\"TEST\";\"refusé\"\r\n", errors.out)
      assert.equal(errors.out, crm.run({ "errors", dir .. "/a.csv.icrm" }, { cwd = "/" }).out)
      helper.write_file(dir .. "/again.csv", errors.out)
      here { "import", "again.csv", "--module", "Accounts", "--key", "siret", "--yes" }
      assert.equal(1, count "siret = '73282932000080'")
      helper.write_file(dir .. "/a.csv", text .. "x;y\r\n")
      assert.truthy(here({ "errors", "a.csv.icrm" }, 1).err:find("not as it was", 1, true))
      os.remove(dir .. "/a.csv")
      assert.truthy(here({ "errors", "a.csv.icrm" }, 1).err:find("not where it was", 1, true))
    end)

    it("errors gives back multi-line cells in the encoding of the source", function()
      local text = 'accountname;description\nA;"une\nligne ""é"""\n\nB;"x\ny\nz"\nC;d'
      for _, encoding in ipairs { "UTF-8", "WINDOWS-1252", "UTF-16" } do
        local name = encoding .. ".csv"
        helper.write_file(dir .. "/utf8.csv", text)
        assert(os.execute(("cd %s && iconv -f UTF-8 -t %s utf8.csv >%s"):format(dir, encoding,
          name)))
        here { "import", name, "--module", "Accounts", "--plan-only" }
        alter(name .. ".icrm", "UPDATE changes SET state = 'failed', code = 'X', "
          .. "message = 'm' WHERE n <> 2")
        local out = here({ "errors", name .. ".icrm" }).out
        helper.write_file(dir .. "/out", out)
        assert(os.execute(("cd %s && iconv -f %s -t UTF-8 out >out2 && mv out2 out"):format(dir,
          encoding)))
        assert.equal('accountname;description;icrm_code;icrm_message\n'
          .. 'A;"une\nligne ""é""";"X";"m"\nC;d;"X";"m"\n', helper.read_file(dir .. "/out"))
      end
    end)

    it("update shows old and new, and leaves alone what was changed meanwhile", function()
      local id = cjson.decode(here({ "query", "SELECT id FROM HelpDesk WHERE ticketstatus = 'Open'",
        "--max", "1", "-o", "jsonl" }).out).id
      local where = ("id = '%s'"):format(id)
      local plan = here { "update", "HelpDesk", "--where", where, "--set", "ticketstatus=Fermé",
        "--out", "u.icrm", "--plan-only" }
      assert.truthy(plan.err:find("ticketstatus: Open → Closed", 1, true))
      crm.server:advance(2)
      here { "update", "HelpDesk", "--where", where, "--set", "solution=entre-temps", "--yes" }
      local result = here({ "apply", "u.icrm", "--yes" }, 5)
      assert.truthy(result.err:find("changed since the plan: modifiedtime was", 1, true))
      here { "update", "HelpDesk", "--where", where, "--set", "ticketstatus=Closed", "--yes",
        "--out", "v.icrm" }
      here { "undo", "v.icrm", "--yes" }
      local row = cjson.decode(here({ "get", id, "-o", "json" }).out)[1]
      assert.equal("Open", row.ticketstatus)
      assert.equal("entre-temps", row.solution)
    end)

    it("takes several conditions, all of which must hold", function()
      local function plan(out, ...)
        local arguments = { "update", "HelpDesk", "--set", "hours=99", "--plan-only", "--out", out }
        table.move({ ... }, 1, select("#", ...), #arguments + 1, arguments)
        here(arguments)
        local shown = cjson.decode(here({ "show", out, "-o", "json" }).out)
        return #shown.changes
      end
      local function count_of(condition)
        return tonumber(here({ "report", "HelpDesk", "--by", "ticketstatus", "--where", condition,
          "-o", "csv" }).err:match "^(%d+) record")
      end
      local open = count_of "ticketstatus = 'Open'"
      local high = count_of "ticketstatus = 'Open' AND ticketpriorities = 'High'"
      assert.truthy(high > 0 and high < open)
      assert.equal(high, plan("w.icrm", "--where", "ticketstatus = 'Open'", "--where",
        "ticketpriorities = 'High'"))
      assert.equal(open, plan("x.icrm", "--where", "ticketpriorities IN ('High') OR "
        .. "ticketpriorities != 'High'", "--where", "ticketstatus = 'Open'"))
      local report = here { "report", "HelpDesk", "--by", "ticketstatus", "--where",
        "ticketstatus = 'Open'", "--where", "ticketpriorities = 'High'" }
      assert.truthy(report.err:find(("%d record"):format(high), 1, true))
    end)

    it("delete wants the number said", function()
      helper.write_file(dir .. "/a.csv", "accountname\nÀ jeter\n")
      here { "import", "a.csv", "--module", "Accounts", "--yes" }
      local arguments = { "delete", "Accounts", "--where", "accountname = 'À jeter'", "--yes" }
      local refused = here({ table.unpack(arguments) }, 1)
      assert.truthy(refused.err:find("--allow-delete 1", 1, true))
      arguments[#arguments + 1] = "--allow-delete"
      arguments[#arguments + 1] = "1"
      arguments[#arguments + 1] = "--out"
      arguments[#arguments + 1] = "d.icrm"
      here(arguments)
      assert.equal(0, count "accountname = 'À jeter'")
    end)

    it("unknown lists what a person must settle, and settles it", function()
      helper.write_file(dir .. "/a.csv", "accountname\nPerdu\nEncore\n")
      here { "import", "a.csv", "--module", "Accounts", "--plan-only" }
      alter("a.csv.icrm", "UPDATE changes SET state = 'needs_human', code = 'NO_WITNESS', "
        .. "message = 'lost'")
      local list = here({ "unknown", "a.csv.icrm", "-o", "csv" }, 3)
      assert.truthy(list.out:find("Accounts:line 2,2,create,Accounts,,NO_WITNESS,lost", 1, true))
      here({ "status", "a.csv.icrm" }, 3)
      here { "unknown", "a.csv.icrm", "mark-absent", "Accounts:line 2" }
      local id = cjson.decode(here({ "query", "SELECT id FROM Accounts", "--max", "1", "-o",
        "jsonl" }).out).id
      here({ "unknown", "a.csv.icrm", "mark-done", "Accounts:line 3" }, 1) -- which record?
      here { "unknown", "a.csv.icrm", "mark-done", "Accounts:line 3", id }
      here({ "resume", "a.csv.icrm" }, 1) -- it was not begun
      here { "apply", "a.csv.icrm", "--yes" }
      assert.equal(1, count "accountname = 'Perdu'")
      assert.equal(0, count "accountname = 'Encore'")
    end)

    it("unknown settles many at once", function()
      local rows = { "accountname" }
      for i = 1, 6 do
        rows[#rows + 1] = "Ensemble " .. i
      end
      helper.write_file(dir .. "/many.csv", table.concat(rows, "\n") .. "\n")
      here { "import", "many.csv", "--module", "Accounts", "--plan-only" }
      alter("many.csv.icrm", "UPDATE changes SET state = 'needs_human', code = CASE WHEN n < 3 "
        .. "THEN 'NO_FENCE' WHEN n < 6 THEN 'NO_WITNESS' ELSE 'DUPLICATE' END, message = 'lost'")
      local function unknown(code, ...)
        return here({ "unknown", "many.csv.icrm", ... }, code)
      end
      local list = unknown(3, "--where", "code=NO_FENCE")
      assert.truthy(list.err:find("2 open", 1, true))
      assert.truthy(list.err:find("NO_FENCE: icrm-lua resume " .. dir
        .. "/many.csv.icrm looks again", 1, true))
      assert.truthy(unknown(1, "--where", "colour=red").err:find(
        "chosen by code, operation, state, module or record, not by colour", 1, true))
      unknown(2, "mark-absent")
      unknown(2, "mark-absent", "Accounts:line 2", "--all")
      assert.truthy(unknown(1, "mark-done", "--all").err:find("names no record", 1, true))
      assert.truthy(unknown(0, "mark-absent", "--where", "code=NO_FENCE").err:find(
        "2 changes settled: icrm-lua resume " .. dir .. "/many.csv.icrm sends them again", 1, true))
      local all = unknown(0, "mark-absent", "--all").err
      assert.truthy(all:find("3 changes settled", 1, true))
      assert.truthy(all:find("1 change left, for their records were seen", 1, true))
      local id = cjson.decode(here({ "query", "SELECT id FROM Accounts", "--max", "1", "-o",
        "jsonl" }).out).id
      alter("many.csv.icrm", ("UPDATE changes SET record = '%s' WHERE code = 'DUPLICATE'"):format(
        id))
      assert.truthy(unknown(0, "mark-done", "--all").err:find("1 change settled: done", 1, true))
      here { "apply", "many.csv.icrm", "--yes" }
      assert.equal(5, count "accountname LIKE 'Ensemble %'")
    end)
  end)
end)
