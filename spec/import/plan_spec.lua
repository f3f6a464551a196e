local changes = require "icrm.changes"
local helper = require "spec.helper"
local icrm = require "icrm"
local import = require "icrm.import"
local import_plan = require "icrm.import.plan"
local json = require "icrm.json"
local lookup = require "icrm.query.lookup"

describe("import.plan", function()
  local crm

  setup(function()
    crm = icrm.connect "sandbox:"
  end)

  teardown(function()
    crm:close()
  end)

  -- What the rows become: a list of changes, and what fill returned.
  local function planned(text, mapping, opts)
    local path = helper.tmpfile(text, "rows.csv")
    local job <close> = import.open(crm, { path = path, mapping = mapping })
    local set <close> = changes.create(crm, path .. ".icrm",
      { input = "x", witness = import_plan.witness(job) })
    local without_key = import_plan.fill(job, set, opts)
    local list = {}
    for change in set.store:each() do
      list[#list + 1] = change
    end
    return list, without_key
  end

  local function refused(text, mapping, opts)
    local ok, err = pcall(planned, text, mapping, opts)
    assert.is_false(ok)
    return err.message
  end

  it("refuses a file that changes while it is read", function()
    local path = helper.tmpfile("accountname\nA\n", "rows.csv")
    local job <close> = import.open(crm, { path = path, mapping = { module = "Accounts",
      match = true } })
    local set <close> = changes.create(crm, path .. ".icrm",
      { input = "x", witness = import_plan.witness(job) })
    helper.write_file(path, "accountname\nA\nB\n")
    assert.error_matches(function() import_plan.fill(job, set) end,
      "rows.csv changed while it was being read; nothing was sent")
  end)

  local function by(...)
    return { module = "Accounts", match = true, existing = { ... } }
  end

  local function account(fields)
    return crm:create("Accounts", fields).id
  end

  it("takes blanks around a text and other line ends for no change", function()
    local id = account { accountname = "Form", description = " a\r\nb " }
    local function fields_of(text)
      local list = planned(("id;description\n%s;\"%s\"\n"):format(id, text),
        { module = "Accounts", match = true, existing = "id" })
      return list[1].state == "planned" and json.decode(list[1].fields).description
        or list[1].state
    end
    assert.equal("skipped", fields_of "a\nb")
    assert.equal("skipped", fields_of " a\nb\n")
    assert.equal("a\r\nc", fields_of "a\nc")
  end)

  it("changes what the file names, and nothing else: the owner stays", function()
    local id = account { accountname = "Propriétaire", siret = "10000000000001",
      assigned_user_id = "19x6", phone = "01" }
    local list = planned("siret;phone\n10000000000001;02\n", by "siret")
    assert.equal(1, #list)
    assert.equal("update", list[1].operation)
    assert.equal(id, list[1].record)
    assert.equal('{"phone":"02"}', list[1].fields)
  end)

  it("says all references to a wrong module at once, each with its place", function()
    local contact = crm:create("Contacts", { lastname = "Autre" }).id
    local message = refused(("titre;client\nun;%s\ndeux;%s\n"):format(contact, contact),
      { module = "HelpDesk", fields = { ticket_title = { column = "titre" },
        parent_id = { column = "client" }, ticketstatus = { const = "Open" },
        ticketpriorities = { const = "Normal" } } })
    assert.truthy(message:find("rows.csv: 2 rows (2, 3), client (Relatif à): ", 1, true), message)
    assert.truthy(message:find("2 faults; nothing was sent", 1, true), message)
  end)

  it("does not clear what is mandatory", function()
    account { accountname = "Obligatoire", siret = "10000000000077" }
    local message = refused("siret;accountname\n10000000000077;\n", by "siret",
      { empty = "clear" })
    assert.truthy(message:find("line 2, accountname: is empty, and is mandatory", 1, true), message)
  end)

  it("finds a record whose key differs in nothing that is seen, and keeps its spelling", function()
    local id = account { accountname = "Vu", siret = "10000000000501", email1 = "Jean@X.fr" }
    local list = planned('siret;phone\n"\u{A0}10000000000501 ";05\n', by "siret")
    assert.same({ "update", id, '{"phone":"05"}' },
      { list[1].operation, list[1].record, list[1].fields })
    list = planned("siret;phone\n1000000\u{200B}0000501;05\n", by "siret")
    assert.same({ "update", id, '{"phone":"05"}' },
      { list[1].operation, list[1].record, list[1].fields })
    list = planned("email1;phone\njean@x.fr;05\n", by "email1")
    assert.same({ "update", id, '{"phone":"05"}' },
      { list[1].operation, list[1].record, list[1].fields })
  end)

  it("makes no second record of what a person takes for the same", function()
    local id = account { accountname = "Société Nébuleuse", siret = "10000000000502" }
    local message = refused("accountname;phone\nSOCIETE NEBULEUSE;05\n", by "accountname")
    assert.truthy(message:find(('"SOCIETE NEBULEUSE" is the key of no record, but the CRM has %s '
      .. 'with "Société Nébuleuse"'):format(id), 1, true), message)
    message = refused("siret;accountname\n100 000 000 00502;Autre\n", by "siret")
    assert.truthy(message:find(('but the CRM has %s with "10000000000502"'):format(id), 1, true),
      message)
  end)

  it("takes two rows for one record where their keys differ in what is overlooked", function()
    local message = refused("accountname\nDeux Fois Même\nDEUX FOIS MEME\n", by "accountname")
    assert.truthy(message:find('line 3, accountname: "DEUX FOIS MEME" is in row 2 already as '
      .. '"Deux Fois Même"', 1, true), message)
    message = refused("email1;accountname\nnew@x.fr;A1\nNEW@x.fr;A2\n", by "email1")
    assert.truthy(message:find('"NEW@x.fr" is in row 2 already as "new@x.fr"', 1, true), message)
  end)

  it("gives an owner to what it creates", function()
    local list = planned("siret;accountname\n10000000000002;Neuf\n", by "siret")
    assert.equal("create", list[1].operation)
    assert.truthy(list[1].fields:find('"assigned_user_id":"' .. crm.user .. '"', 1, true))
  end)

  it("wants the mandatory fields of what it creates alone", function()
    account { accountname = "Là", siret = "10000000000003" }
    local message = refused("siret;phone\n10000000000003;1\n10000000000004;2\n;3\n", by "siret",
      { empty_key = "create" })
    assert.matches('line 3, siret: "10000000000004" is the key of no record of Accounts, so this '
      .. "is a new one, which needs accountname %(Nom du compte%); give it a value", message)
    assert.matches("line 4, siret: is empty, so this is a new record, which needs accountname",
      message)
    assert.matches("2 faults; nothing was sent$", message)
  end)

  it("creates a row whose key is empty only when told so", function()
    local text = "accountname;siret\nA;\nB;10000000000005\n"
    assert.matches("line 2, siret: is empty, so nobody can look", refused(text, by "siret"))
    local list, without_key = planned(text, by "siret", { empty_key = "create" })
    assert.same({ "planned", "planned" }, { list[1].state, list[2].state })
    assert.equal(1, without_key)
    list = planned(text, by "siret", { empty_key = "skip" })
    assert.same({ "skipped", "NO_KEY", "planned" }, { list[1].state, list[1].code, list[2].state })
  end)

  it("leaves out what refers to a row that is left out", function()
    local list = planned("Firme;siret;Titre\nA;;a\nB;10000000000008;b\n", { records = {
      { name = "firm", module = "Accounts", existing = "siret",
        fields = { accountname = "Firme", siret = "siret" } },
      { name = "ticket", module = "HelpDesk", fields = { ticket_title = "Titre",
        ticketstatus = { const = "Open" }, parent_id = { record = "firm" } } } } },
      { empty_key = "skip" })
    local states = {}
    for _, change in ipairs(list) do
      states[change.key] = change.code or change.state
    end
    assert.same({ ["firm:line 2"] = "NO_KEY", ["firm:line 3"] = "planned",
      ["ticket:line 2"] = "NO_KEY", ["ticket:line 3"] = "planned" }, states)
  end)

  it("finds records by their ids, as an export has them", function()
    local id = account { accountname = "Exporté", phone = "1" }
    local number = id:match "%d+$"
    local text = ("id;accountname;phone\n %s ;Exporté;2\n"):format(id)
    local list = planned(text, by "id")
    assert.same({ "update", id, '{"phone":"2"}' },
      { list[1].operation, list[1].record, list[1].fields })
    list = planned(text .. ";Nouveau;3\n", by "id", { empty_key = "create" })
    assert.equal("create", list[2].operation)
    local message = refused(text .. "3x99999;A;\n9x" .. number .. ";A;\n12;B;\n;C;\n"
      .. id .. ";D;\n", by "id")
    for _, part in ipairs { 'line 3, id: "3x99999" is the id of no record of Accounts that',
      ('line 4, id: "9x%s" is the id of no record'):format(number),
      'line 5, id: "12" is no record id; give an id like 3x262015',
      "line 6, id: is empty, so nobody", ('line 7, id: "%s" is in row 2 already'):format(id),
      "6 faults" } do
      assert.truthy(message:find(part, 1, true), part .. "\nis not in\n" .. message)
    end
    assert.matches("an id is a key by itself", refused(text, by("id", "phone")))
    assert.matches("id of Accounts is written by the server alone",
      refused(text, { module = "Accounts", columns = { id = "id", accountname = "accountname" } }))
  end)

  it("compares all fields of a key", function()
    account { accountname = "Été", customer_code = "K1" }
    local list = planned("accountname;customer_code\nÉté;K2\nÉté;K1\n",
      by("accountname", "customer_code"))
    assert.same({ "create", "skip" }, { list[1].operation, list[2].state == "skipped" and "skip" })
    assert.equal("UNCHANGED", list[2].code)
  end)

  it("looks the keys of several batches up at once, and plans them in order", function()
    local rows = { "accountname;siret" }
    for i = 1, 430 do
      rows[i + 1] = ("Suite %d;3%013d"):format(i, i)
    end
    local lines, reached, at_once, most = table.concat(rows, "\n"), {}, 0, 0
    local Lookup = getmetatable(lookup.new(crm, "Accounts", "siret"))
    local find = Lookup.find
    finally(function() Lookup.find = find end)
    function Lookup.find(...)
      at_once = at_once + 1
      most = math.max(most, at_once)
      local found = find(...)
      at_once = at_once - 1
      return found
    end
    local list = planned(lines, by "siret", { on_rows = function(count)
      reached[#reached + 1] = count
    end })
    for i, change in ipairs(list) do
      assert.equal(i + 1, change.line)
    end
    assert.equal(430, #list)
    assert.equal(430, reached[#reached])
    assert.truthy(#reached > 8 and most > 1)
  end)

  it("does what it is told with keys that no record has", function()
    account { accountname = "Connue", siret = "10000000000016", phone = "1" }
    local text = "accountname;siret;phone\nConnue;10000000000016;2\nNeuve;10000000000017;3\n"
    local list = planned(text, by "siret")
    assert.same({ "update", "create" }, { list[1].operation, list[2].operation })
    list = planned(text, by "siret", { no_match = "skip" })
    assert.same({ "planned", "skipped", "NO_MATCH", "left out, for no record has its key" },
      { list[1].state, list[2].state, list[2].code, list[2].message })
    assert.matches('line 3, siret: "10000000000017" is the key of no record of Accounts; mend it, '
      .. 'or say no_match = "create"', refused(text, by "siret", { no_match = "error" }))
  end)

  describe("references to other rows", function()
    local function mothers(more)
      local mapping = { module = "Accounts", match = true, fields = { account_id = {
        ref = "Accounts.accountname", from = "{Mère}", optional = true } } }
      for name, value in pairs(more or {}) do
        mapping[name] = value
      end
      return mapping
    end

    it("find what the same file makes, wherever it stands", function()
      local list = planned("accountname;Mère\nFille A;Mère Z\nPetite-fille;Fille A\nMère Z;\n"
        .. "Fille B;\u{A0}Mère Z \n", mothers())
      local order, refs = {}, {}
      for i, change in ipairs(list) do
        order[i], refs[change.line] = change.line, change.refs
      end
      assert.same({ 4, 2, 3, 5 }, order)
      assert.equal('{"account_id":"Accounts:line 4"}', refs[2])
      assert.equal('{"account_id":"Accounts:line 2"}', refs[3])
      assert.equal('{"account_id":"Accounts:line 4"}', refs[5])
      assert.is_nil(refs[4])
    end)

    it("mean the record of the CRM where there is one", function()
      local id = account { accountname = "Mère du CRM", siret = "10000000000018" }
      local list = planned("accountname;siret;Mère\nFille du CRM;;Mère du CRM\n"
        .. "Mère du CRM;10000000000018;\n", mothers { existing = "siret" },
        { empty = "keep", empty_key = "create" })
      assert.equal('"' .. id .. '"', list[1].fields:match '"account_id":("[^"]+")')
      assert.is_nil(list[1].refs)
    end)

    it("mean the record that a row changes, by its new name, too", function()
      local id = account { accountname = "Ancien nom", siret = "10000000000019" }
      local list = planned("accountname;siret;Mère\nFille renommée;;Nouveau nom\n"
        .. "Nouveau nom;10000000000019;\n", mothers { existing = "siret" },
        { empty = "keep", empty_key = "create" })
      assert.same({ "update", "create" }, { list[1].operation, list[2].operation })
      assert.equal('"' .. id .. '"', list[2].fields:match '"account_id":("[^"]+")')
    end)

    it("leave out what refers to a row that is left out, wherever it stands", function()
      local list = planned("accountname;siret;Mère\nFille laissée;10000000000020;Mère sans clé\n"
        .. "Mère sans clé;;\n", mothers { existing = "siret" }, { empty_key = "skip" })
      assert.same({ "skipped", "skipped" }, { list[1].state, list[2].state })
      assert.equal("left out, for what it refers to is left out", list[2].message)
    end)

    it("that lead to nothing, to two rows, to the row itself or in a circle are faults", function()
      local function says(text, ...)
        local message = refused("accountname;Mère\n" .. text, mothers())
        for _, part in ipairs { ... } do
          assert.truthy(message:find(part, 1, true), message)
        end
        return message
      end
      says("A;Personne\n", 'no record of Accounts has the accountname "Personne"')
      says("A;groupe Étoile\nGroupe étoile;\n", "line 2, Mère", 'a row makes "Groupe étoile"; '
        .. "write it alike")
      says("A;Deux\nDeux;\nDeux;\n", "line 2, Mère", "2 rows make a record of Accounts with the "
        .. 'accountname "Deux"; refer by a field that only one of them has')
      says("Seule;Seule\n", "line 2, Mère", "no record of Accounts but the row itself has the "
        .. 'accountname "Seule"; empty the cell')
      local message = says("Dehors;A\nA;B\nB;C\nC;A\nX;Y\nY;X\n", "line 3, Mère (Membre de): "
        .. "refers to itself, through others: row 3 → row 4 → row 5 → row 3; empty the cell in "
        .. "one of these rows", "line 6, Mère", "row 6 → row 7 → row 6")
      assert.matches("2 faults", message)
    end)

    it("are not made of a value that the row has itself", function()
      local id = account { accountname = "Siège", siren = "100000021" }
      local mapping = { module = "Accounts", match = true, fields = { account_id = {
        ref = "Accounts.siren", from = "{SIREN}" } } }
      local list = planned("accountname;SIREN\nUn site;100000021\nAutre site;100000021\n", mapping)
      assert.truthy(list[1].fields:find(id, 1, true) and list[2].fields:find(id, 1, true))
      assert.matches("2 rows.*no record of Accounts has the siren", refused(
        "accountname;SIREN\nUn site;100000022\nAutre site;100000022\n", mapping))
    end)

    it("are ordered in any depth", function()
      local rows, n = { "accountname;Mère" }, 3000
      for i = 1, n do
        rows[#rows + 1] = ("Chaîne %d;%s"):format(i, i < n and ("Chaîne %d"):format(i + 1) or "")
      end
      local list = planned(table.concat(rows, "\n") .. "\n", mothers())
      assert.equal(n, #list)
      assert.equal(n + 1, list[1].line)
      assert.equal(2, list[n].line)
    end)
  end)

  it("does what it is told with records that exist", function()
    local id = account { accountname = "Existe", siret = "10000000000006" }
    local text = "accountname;siret\nAutre;10000000000006\n"
    local list = planned(text, by "siret", { on_match = "skip" })
    assert.same({ "skipped", "EXISTS", id }, { list[1].state, list[1].code, list[1].record })
    assert.matches('line 2, siret: "10000000000006" exists already as ' .. id,
      refused(text, by "siret", { on_match = "error" }))
  end)

  it("refuses a key that is twice in the file or in the CRM, in the order of lines", function()
    local one = account { accountname = "Jumeau", customer_code = "J" }
    local two = account { accountname = "Jumeau", customer_code = "J" }
    local message = refused("accountname;customer_code\nJ1;J\nX;9\nY;9\n", by "customer_code")
    local first = message:find(('line 2, customer_code: "J" is the key of 2 records of Accounts: '
      .. "%s, %s"):format(one, two), 1, true)
    local second = message:find('line 4, customer_code: "9" is in row 3 already', 1, true)
    assert.is_true(first < second)
  end)

  it("asks what an empty cell means where the CRM has a value", function()
    account { accountname = "Vide", siret = "10000000000007", phone = "1" }
    local text = "siret;phone;fax\n10000000000007;;\n"
    assert.matches("line 2, phone: is empty where the CRM has a value; say "
      .. 'empty = "keep" or empty = "clear"', refused(text, by "siret"))
    assert.equal("UNCHANGED", planned(text, by "siret", { empty = "keep" })[1].code)
    assert.equal('{"phone":""}', planned(text, by "siret", { empty = "clear" })[1].fields)
  end)

  it("asks its questions together with what else is wrong", function()
    account { accountname = "Deux", siret = "10000000000009", phone = "1", fax = "2" }
    local message = refused("siret;phone;fax;accountname\n;1;2;X\n10000000000009;;;Deux\n"
      .. "10000000000009;1;2;Deux\n", by "siret")
    assert.matches("line 2, siret: is empty.*line 3, phone: is empty where the CRM has a value; "
      .. ".*line 3, fax: is empty where.*line 4, siret: .* is in row 3 already.*4 faults; nothing "
      .. "was sent$", message)
  end)

  it("says all that is wrong at once: cells, references, keys", function()
    account { accountname = "Là", siret = "10000000000010" }
    local message = refused("siret;accountname;account_id;employees;assigned_user_id\n"
      .. "10000000000010;A;;douze;\n10000000000011;B;3x99999;1;\n;C;;;\n"
      .. "10000000000011;D;;;jbrunal\n10000000000010;E;3x99998;douze;19x999\n", by "siret")
    for _, part in ipairs { '2 rows (2, 6), employees: "douze" is no',
      'line 3, account_id: "3x99999" is no',
      "line 4, siret: is empty", 'line 5, siret: "10000000000011" is in row 3 already',
      'line 5, assigned_user_id: "jbrunal" is no user or group that this user may see; did you '
        .. 'mean "jbrunel"? give a name, a login or an id such as 19x1',
      'line 6, siret: "10000000000010" is in row 2 already',
      'line 6, account_id: "3x99998" is no', 'line 6, assigned_user_id: "19x999" is no',
      "9 faults; nothing was sent" } do
      assert.truthy(message:find(part, 1, true), part .. "\nis not in\n" .. message)
    end
  end)

  it("looks ids up before anything is planned", function()
    assert.matches('line 2, account_id: "3x99999" is no record or owner',
      refused("accountname;account_id\nA;3x99999\n", { module = "Accounts", match = true }))
  end)

  it("says of constants and mandatory fields once what is wrong with all rows", function()
    assert.matches('^Accounts, the same value in every row: rating %("Actve"%) is no value',
      refused("accountname\nA\nB\n", { module = "Accounts", match = true,
        fields = { rating = { const = "Actve" } } }))
    assert.matches("feeds accountname %(Nom du compte%), without which Accounts takes no record; "
      .. "name one with columns = .*the columns are Nom, phone$",
      refused("Nom;phone\nA;1\n", { module = "Accounts", match = true }))
  end)

  it("tells what is wrong in many rows once, and how to see all of them", function()
    local rows = ("A;3x99999\n"):rep(30)
    local message = refused("accountname;account_id\n" .. rows,
      { module = "Accounts", match = true }, { see_all = "--faults does" })
    local _, shown = message:gsub("is no record or owner", "")
    assert.equal(1, shown)
    assert.matches("30 rows %(2, 3, 4, 5, 6, 7, 8, 9, …%), account_id: \"3x99999\" is no record",
      message)
    assert.matches("30 faults; nothing was sent; %-%-faults does$", message)
  end)

  it("says once, and first, that what nearly all rows refer to is not there", function()
    local rows = {}
    for i = 1, 9 do
      rows[i] = ("N%d;Absente %d"):format(i, i)
    end
    local mapping = { module = "Contacts", match = true, fields = {
      account_id = { ref = "Accounts.accountname", from = "{Entreprise}" } } }
    local text = "Nom;Entreprise\n" .. table.concat(rows, "\n") .. "\n"
    assert.matches("^[^\n]*rows.csv: Entreprise: 9 of 9 rows name records of Accounts that are not "
      .. "there; import those first, or their file and this one in one job\n",
      refused(text, mapping))
    assert.falsy(refused("Nom;Entreprise\nA;Absente\n", mapping):find("of 1 rows", 1, true))
  end)

  it("does not ask about an empty cell where the CRM has its own zero", function()
    account { accountname = "Zéro", siret = "10000000000020" }
    local list = planned("siret;employees;phone;emailoptout\n10000000000020;;;\n", by "siret")
    assert.equal("UNCHANGED", list[1].code)
  end)

  it("numbers rows as a table program does, and says the line where that differs", function()
    local message = refused('accountname;description;employees\n"A";"un\ndeux\n";1\n\n'
      .. "B;x;beaucoup\n", { module = "Accounts", match = true })
    assert.matches('rows.csv: row 4 %(line 6%), employees: "beaucoup"', message)
  end)
end)
