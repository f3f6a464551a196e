local helper = require "spec.helper"
local icrm = require "icrm"
local import = require "icrm.import"

describe("import", function()
  local crm

  setup(function()
    crm = icrm.connect "sandbox:"
  end)

  teardown(function()
    crm:close()
  end)

  local function opened(text, mapping, opts)
    opts = opts or {}
    opts.path, opts.mapping = helper.tmpfile(text, "rows.csv"), mapping
    return import.open(crm, opts)
  end

  local function items_of(text, mapping, opts)
    local job <close> = opened(text, mapping, opts)
    local items = {}
    for item in job:items() do
      items[#items + 1] = item
    end
    return items, job
  end

  -- All faults, without the path.
  local function faults_of(text, mapping, opts)
    local job <close> = opened(text, mapping, opts)
    local out = {}
    for item in job:items() do
      for _, fault in ipairs(item.faults) do
        out[#out + 1] = job:describe_fault(fault):gsub("^.*rows%.csv: ", "")
      end
    end
    return out, job
  end

  local ACCOUNT = { module = "Accounts", match = true }

  it("makes items in the API's form, with what was empty", function()
    local items = items_of("accountname;employees;emailoptout;phone;annual_revenue\n"
      .. "L'Été;1 200;Oui;06 12;1.234,50\n", ACCOUNT)
    assert.equal(1, #items)
    assert.same({ accountname = "L'Été", employees = "1200", emailoptout = "1", phone = "06 12",
      annual_revenue = "1234.50", assigned_user_id = crm.user }, items[1].fields)
    assert.equal("Accounts:line 2", items[1].key)
    assert.equal(2, items[1].line)
    assert.same({}, items[1].faults)
    local sparse = items_of("accountname;phone\nX;\n", ACCOUNT)
    assert.same({ "phone" }, sparse[1].empty)
    assert.is_nil(sparse[1].fields.phone)
  end)

  it("finds all faults at once, each with line, column, field and cure", function()
    assert.same({
      'line 2, Effectif (employees): "1,5" is no whole number',
      'line 3, E (Email): "x" is no e-mail address; write it like name@example.com',
      'line 3, rating: "Actve" is no value of this picklist; did you mean "Active"? '
        .. 'columns = { ["rating"] = { values = { ["Actve"] = "Active" } } }; '
        .. "allowed: Acquis (Acquired), Actif (Active), Marché perdu (Market Failed), "
        .. "Projet annulé (Project Cancelled), Fermé (Shutdown)",
      "line 5, accountname: is mandatory; give accountname (Nom du compte) a value",
    }, (faults_of("accountname;Effectif;E;rating\nA;1,5;;\nB;;x;Actve\n\n;2,0;;\n", {
      module = "Accounts", match = true, columns = { E = "email1" } })))
  end)

  it("decides numbers by all columns, and asks where nothing proves it", function()
    local items, job = items_of("accountname;latitude;longitude\nA;48,804;1,5\n", ACCOUNT)
    assert.equal("48.804", items[1].fields.latitude)
    assert.same({ "decimal comma: latitude, longitude" }, job.notes)
    assert.error_matches(function()
      opened("accountname;latitude\nA;48,804\nB;48,805\n", ACCOUNT)
    end, 'column latitude: "48,804" %(line 2%) may be read in two ways, and no other cell tells '
      .. "which; say decimal = .comma. or decimal = .point.")
    items = items_of("accountname;latitude\nA;48,804\n", ACCOUNT, { decimal = "point" })
    assert.equal("48804", items[1].fields.latitude)
    assert.error_matches(function()
      opened("accountname;latitude\nA;1,5\nB;1.5\n", ACCOUNT)
    end, 'column latitude: "1,5" %(line 2%) and "1.5" %(line 3%) contradict each other; '
      .. "say decimal = .comma.")
  end)

  it("says that dates were taken as day first when no cell proves it", function()
    local mapping = { module = "Potentials", match = true, fields = {
      related_to = { const = crm:from("Accounts"):select("id"):first().id } } }
    local text = "potentialname;closingdate;sales_stage\nX;03/04/2026;Prospecting\n"
    local items, job = items_of(text, mapping)
    assert.equal("2026-04-03", items[1].fields.closingdate)
    assert.matches("closingdate: 03/04/2026 is taken as day/month", table.concat(job.notes, "\n"))
    items = items_of(text, mapping, { dates = "month" })
    assert.equal("2026-03-04", items[1].fields.closingdate)
  end)

  it("names the columns that nothing reads", function()
    local _, job = items_of("accountname;Truc;Machin\nA;1;2\n", ACCOUNT)
    assert.same({ "not imported: Truc, Machin" }, job.notes)
  end)

  describe("two levels", function()
    local LEVELS = { records = {
      { name = "company", module = "Accounts", key = { "{SIREN}", "{Nom}" }, distinct = true,
        fields = { accountname = "Nom", siren = "SIREN" } },
      { name = "site", module = "Accounts", fields = { accountname = "Site",
        account_id = { record = "company" } } },
      { name = "ticket", module = "HelpDesk", when = function(row) return row.SIREN == "" end,
        fields = { ticket_title = { fn = function(row) return "SIREN: " .. row.Site end },
          ticketstatus = { const = "Ouvert" }, parent_id = { record = "site" } } },
    } }

    it("come in order, parents once, children by their keys", function()
      local items, job = items_of("Nom;SIREN;Site\nA;111111111;A1\nB;;B1\na;111111111;A2\n", LEVELS)
      local seen = {}
      for i, item in ipairs(items) do
        seen[i] = ("%s %s"):format(item.key, item.refs.account_id or item.refs.parent_id or "-")
      end
      assert.same({ "company:111111111 -", "company:B -", "site:line 2 company:111111111",
        "site:line 3 company:B", "site:line 4 company:111111111", "ticket:line 3 site:line 3",
      }, seen)
      assert.equal("SIREN: B1", items[6].fields.ticket_title)
      assert.equal("Open", items[6].fields.ticketstatus)
      assert.same({ 1, 1 }, { job.merged, job.differing }) -- "a" is another name than "A"
    end)

    it("a row without a key is a fault, in its children too", function()
      assert.same({
        "line 2: no key for this company: the columns of its key are empty; fill one of them",
        "line 2, Nom (Nom du compte): is mandatory; give accountname (Nom du compte) a value",
        "line 2, account_id: this row makes no company to refer to; give it what its key is made "
          .. "of, or make the reference optional",
      }, (faults_of("Nom;SIREN;Site\n;;A1\n", LEVELS)))
    end)

    it("a function that fails is a fault of the row", function()
      local faults = faults_of("accountname;x\nA;1\n", { module = "Accounts",
        columns = { accountname = "accountname" },
        fields = { phone = { fn = function(row) return row.y end } } })
      assert.matches('line 2, phone: the mapping\'s function failed: .*no column "y"', faults[1])
    end)
  end)

  it("refuses a key that comes twice", function()
    local faults = faults_of("accountname;siret\nA;1\nB;1\n", { module = "Accounts", match = true,
      key = "{siret}" })
    assert.matches('^line 3: the key "Accounts:1" is in row 2 already; remove one', faults[1])
  end)

  describe("references to the CRM", function()
    local siren = "900000001"

    setup(function()
      crm:create("Accounts", { accountname = "Cible", siren = siren })
      crm:create("Accounts", { accountname = "Été", customer_code = "É-1" })
      crm:create("Accounts", { accountname = "Double 1", customer_code = "D-2" })
      crm:create("Accounts", { accountname = "Double 2", customer_code = "D-2" })
    end)

    local function mapping(by, optional)
      return { module = "Accounts", columns = { accountname = "accountname" },
        fields = { account_id = { ref = by, from = "{key}", optional = optional } } }
    end

    it("are found by any field", function()
      local items = items_of("accountname;key\nX;" .. siren .. "\n", mapping "Accounts.siren")
      assert.equal(crm:from("Accounts"):select("id"):where("siren", "=", siren):first().id,
        items[1].fields.account_id)
    end)

    it("are found whatever nobody sees in them", function()
      local items = items_of("accountname;key\nX;E\u{301}-1\u{A0}\nY;\u{200B}É-\u{FEFF}1\n",
        mapping "Accounts.customer_code")
      local id = crm:from("Accounts"):select("id"):where("customer_code", "=", "É-1"):first().id
      assert.same({ id, id }, { items[1].fields.account_id, items[2].fields.account_id })
    end)

    it("count only when case and accents are the same", function()
      assert.same({ 'line 2, key (Membre de): no record of Accounts has the customer_code "e-1"; '
        .. 'near: "É-1" (' .. crm:from("Accounts"):where("customer_code", "=", "É-1"):first().id
        .. '); columns = { ["key"] = { values = { ["e-1"] = "É-1" } } }; or create it first, or '
        .. "mend the key" },
        (faults_of("accountname;key\nX;e-1\nY;É-1\n", mapping "Accounts.customer_code")))
    end)

    it("are faults when empty or ambiguous, unless empty ones are allowed", function()
      local faults = faults_of("accountname;key\nX;D-2\nY;\n", mapping "Accounts.customer_code")
      assert.matches('^line 2, key %(Membre de%): 2 records of Accounts have the customer_code '
        .. '"D%-2": 3x%d+, 3x%d+', faults[1])
      assert.matches("^line 3, key %(Membre de%): the reference to Accounts is empty", faults[2])
      local items = items_of("accountname;key\nY;\n", mapping("Accounts.customer_code", true))
      assert.same({}, items[1].faults)
      assert.is_nil(items[1].fields.account_id)
    end)

    it("name records whose key is near, by a few queries more", function()
      local ids = {}
      for _, name in ipairs { "Menuiserie Dupont", "Société Étoilée", "Dupont et fils" } do
        ids[name] = crm:create("Accounts", { accountname = name }).id
      end
      local faults = faults_of("accountname;key\nX;Menuiserie Dupond\nY;societe etoilee\n"
        .. "Z;Dupont\nQ;Rien de semblable ici\nR;(]\nS;Menuiserie Zacharie\n",
        mapping "Accounts.accountname")
      assert.equal(6, #faults)
      assert.falsy(faults[6]:find("near:", 1, true)) -- another name, and as long a part the same
      assert.matches('near: "Menuiserie Dupont" %(' .. ids["Menuiserie Dupont"] .. "%)", faults[1])
      assert.matches('near: "Société Étoilée" %(' .. ids["Société Étoilée"] .. "%)", faults[2])
      assert.matches('near: "Menuiserie Dupont" %(3x%d+%), "Dupont et fils" %(3x%d+%); or create',
        faults[3])
      assert.matches('has the accountname "Rien de semblable ici"; create it first', faults[4])
      assert.matches('has the accountname "%(%]"; create it first', faults[5])
      local rows = {}
      for i = 1, 200 do
        rows[i] = ("X;Inconnue numéro %d"):format(i)
      end
      local before = crm.core:stats().calls
      faults_of("accountname;key\n" .. table.concat(rows, "\n") .. "\n",
        mapping "Accounts.accountname")
      assert.truthy(crm.core:stats().calls - before < 60)
    end)

    it("may be the id itself, where a key means several", function()
      local text = "accountname;key\nX;D-2\n"
      local first = faults_of(text, mapping "Accounts.customer_code")[1]
      local id = first:match "3x%d+"
      assert.matches('or give the id itself', first)
      assert.matches('say which: columns = { %["key"%] = { values = { %["D%-2"%] = "ID" } } }',
        first)
      local items = items_of("accountname;key\nX;" .. id .. "\n",
        mapping "Accounts.customer_code")
      assert.equal(id, items[1].fields.account_id)
      assert.matches('no record of Accounts has the customer_code "3x99999"',
        faults_of("accountname;key\nX;3x99999\n", mapping "Accounts.customer_code")[1])
    end)

    it("are looked up many at a time, each once", function()
      local rows = {}
      for i = 1, 240 do
        rows[i] = ("X%d;9%08d"):format(i, i % 120)
      end
      local queries, query = 0, crm.query
      crm.query = function(...)
        queries = queries + 1
        return query(...)
      end
      faults_of("accountname;key\n" .. table.concat(rows, "\n") .. "\n", mapping "Accounts.siren")
      crm.query = nil
      assert.equal(4, queries) -- 120 keys, and what shows that they are found
    end)

    it("ask for near records only where no key finds any", function()
      local rows = {}
      for i = 1, 30 do
        rows[i] = ("X%d;Sirène %d;%s"):format(i, i, siren)
      end
      local before = crm.core:stats().calls
      local items = items_of("accountname;key;siren\n" .. table.concat(rows, "\n") .. "\n", {
        module = "Accounts", columns = { accountname = "accountname" }, fields = { account_id = {
          ref = { { ref = "Accounts.accountname", from = "{key}" },
            { ref = "Accounts.siren", from = "{siren}" } } } } })
      assert.equal(30, #items)
      assert.same({}, items[30].faults)
      assert.truthy(crm.core:stats().calls - before < 10)
    end)

    it("name a row whose key is near as often as the text comes", function()
      local rows = { "Mère Étoilée;" }
      for i = 1, 30 do
        rows[#rows + 1] = ("X%d;Mère Étoliée"):format(i)
      end
      rows[#rows + 1] = "Z;Mère Etoilee"
      local faults = faults_of("accountname;key\n" .. table.concat(rows, "\n") .. "\n",
        mapping("Accounts.accountname", true))
      assert.equal(31, #faults)
      for _, fault in ipairs(faults) do
        assert.truthy(fault:find('a row makes "Mère Étoilée"', 1, true), fault)
      end
    end)

    it("name a field that exists", function()
      assert.error_matches(function()
        faults_of("accountname;key\nX;1\n", mapping "Accounts.sirn")
      end, 'reference Accounts.sirn: .*did you mean "siren"?')
    end)
  end)

  it("refuses a file that it cannot read again, or that changes meanwhile", function()
    local dir = helper.tmpdir()
    assert(os.execute(("mkfifo %s/f; printf 'accountname\\nA\\n' > %s/f &"):format(dir, dir)))
    assert.error_matches(function()
      import.open(crm, { path = dir .. "/f", mapping = ACCOUNT })
    end, "is a pipe")
    local job <close> = opened("accountname\nA\n", ACCOUNT)
    helper.write_file(job.source.path, "phone\nA\n")
    assert.error_matches(job:items(), "changed while it was being read")
  end)
end)
