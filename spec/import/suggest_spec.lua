-- Drafts of mapping files, and that they run as they are.
local helper = require "spec.helper"
local icrm = require "icrm"
local import = require "icrm.import"
local mapping = require "icrm.import.mapping"
local sources = require "icrm.source"
local suggest = require "icrm.import.suggest"
local vocabulary = require "icrm.import.vocabulary"

describe("import.suggest", function()
  local crm

  setup(function()
    crm = icrm.connect "sandbox:"
  end)

  teardown(function()
    crm:close()
  end)

  local function draft(path, module, opts)
    opts = opts or {}
    opts.path = path
    local source <close> = sources.open(opts)
    local text = suggest.draft(source, crm:describe(module), function(name)
      return crm:describe(name)
    end, opts)
    return mapping.load(helper.tmpfile(text, "m.lua")), text
  end

  local function draft_of(text, module)
    return draft(helper.tmpfile(text, "a.csv"), module)
  end

  -- All faults of a file that is read with the draft of its own mapping.
  local function faults_of(path, module)
    local job <close> = import.open(crm, { path = path, mapping = draft(path, module) })
    local messages = {}
    for item in job:items() do
      for _, one in ipairs(item.faults) do
        messages[#messages + 1] = ("%s: %s"):format(one.column or one.field, one.message)
      end
    end
    return messages
  end

  it("writes a file that loads, with guesses and what is mandatory", function()
    local spec, text = draft_of("Titre;Prio;\"Zzz\n\"\"\"\na;b;1\n", "HelpDesk")
    assert.equal("HelpDesk", spec.module)
    assert.same({ Titre = "ticket_title", Prio = false, ["Zzz \""] = false }, spec.columns)
    assert.same({ const = "Open" }, spec.fields.ticketstatus)
    assert.matches("mandatory: Statut; one of Open, ", text)
    assert.matches('%["Prio"%] = false, %-%- perhaps "ticketpriorities"', text)
  end)

  it("writes a file that works as it is, but for what nothing feeds", function()
    local path = helper.tmpfile("Titre;N° interne;Statut du ticket\nx;x;x\n", "a.csv")
    assert.same({}, faults_of(path, "HelpDesk"))
    local ok, err = pcall(faults_of, helper.tmpfile("Naf;SIREN\n1;2\n", "a.csv"), "Accounts")
    assert.is_false(ok)
    assert.matches("no column of .* feeds accountname %(Nom du compte%)", err.message)
  end)

  local FRENCH = {
    Accounts = { ["Raison sociale"] = "accountname", ["N° SIRET"] = "siret", ["Tél."] = "phone",
      ["Tél. portable"] = "otherphone", ["E-mail"] = "email1", ["Adresse de facturation"] =
      "bill_street", CP = "bill_code", Ville = "bill_city", ["Ville de livraison"] = "ship_city",
      ["CP (livraison)"] = "ship_code", Pays = "bill_country", ["CA annuel (€)"] =
      "annual_revenue", ["Nb salariés"] = "employees", ["Site internet"] = "website",
      ["Code NAF"] = "siccode", Remarques = "description", ["Secteur d'activité"] = "industry" },
    Contacts = { Nom = "lastname", ["PRENOM"] = "firstname", Portable = "mobile", Courriel =
      "email", Poste = "title", ["Né(e) le"] = "birthday", ["Code Postal"] = "mailingzip",
      Commune = "mailingcity", ["Téléphone fixe"] = "phone" },
    HelpDesk = { Objet = "ticket_title", Urgence = "ticketpriorities", ["Détails"] =
      "description", ["Temps passé"] = "hours" },
  }
  local ENGLISH = {
    Accounts = { ["Company Name"] = "accountname", ["Office Phone"] = "phone", ["Primary Email"] =
      "email1", ["Postal Code"] = "bill_code", City = "bill_city", ["Number of Employees"] =
      "employees", ["Annual Revenue"] = "annual_revenue", Website = "website", ["Shipping City"] =
      "ship_city" },
    Contacts = { ["Last Name"] = "lastname", ["First Name"] = "firstname", ["Mobile Phone"] =
      "mobile", ["E-Mail Address"] = "email", ["Job Title"] = "title", ["Date of Birth"] =
      "birthday" },
    HelpDesk = { Subject = "ticket_title", Status = "ticketstatus", Priority = "ticketpriorities" },
  }
  for language, modules in pairs { French = FRENCH, English = ENGLISH } do
    it("knows what people write over their columns in " .. language, function()
      for module, columns in pairs(modules) do
        local headings, cells = {}, {}
        for heading in pairs(columns) do
          headings[#headings + 1], cells[#cells + 1] = heading, "x"
        end
        local spec = draft_of(table.concat(headings, ";") .. "\n" .. table.concat(cells, ";")
          .. "\n", module)
        for heading, target in pairs(spec.columns) do
          spec.columns[heading] = type(target) == "table" and target.field or target
        end
        assert.same(columns, spec.columns)
      end
    end)
  end

  it("takes the heading that is the field's own before one that means it", function()
    local spec = draft_of("Client;Nom du compte;Département;Région (facturation);Tél 2;Tél\n"
      .. "C1;Nom;59;Nord;03;03\n", "Accounts")
    assert.same({ Client = false, ["Nom du compte"] = "accountname", ["Département"] = false,
      ["Région (facturation)"] = "bill_state", ["Tél 2"] = "phone", ["Tél"] = "otherphone" },
      spec.columns)
  end)

  it("goes by what the cells hold where the heading says nothing", function()
    local spec, text = draft_of("Truc;A;B;C;D;E;F\n"
      .. "Un;73282932000074;x@y.fr;06 12 34 56 78;03.20.00.00.00;www.x.fr;59000\n"
      .. "Deux;732 829 320 00082;z@y.fr;+33 7 12 34 56 78;0320000001;https://y.fr;01000\n"
      .. "Trois;;;;;;\n", "Accounts")
    assert.truthy(spec.fields.siret)
    assert.same({ Truc = "accountname", B = "email1", C = "otherphone", D = "phone",
      E = "website", F = "bill_code" }, spec.columns)
    assert.truthy(text:find('["B"] = "email1", -- by its cells: e-mail addresses', 1, true))
    assert.truthy(text:find("a guess: accountname is mandatory, and every row fills this column", 1,
      true))
  end)

  it("looks references up by name where the cells are no ids", function()
    local spec = draft_of("Nom;Société;Compte parent\nDupont;ACME;\n", "Contacts")
    assert.same({ field = "account_id", ref = "Accounts.accountname", optional = true },
      spec.columns["Société"])
    spec = draft_of("Objet;Client\nPanne;3x12\n", "HelpDesk")
    assert.equal("parent_id", spec.columns.Client)
    spec = draft_of("Raison sociale;Maison mère\nFille;Mère\n", "Accounts")
    assert.same({ field = "account_id", ref = "Accounts.accountname", optional = true },
      spec.columns["Maison mère"])
  end)

  it("takes no column of free texts for a picklist, and drafts what stands for others", function()
    local rows = { "Objet;Priorité;Type demande" }
    for i = 1, 20 do
      rows[#rows + 1] = ("t;%s;libre %d"):format(({ "Haute", "Extrême", "basse" })[i % 3 + 1], i)
    end
    local path = helper.tmpfile(table.concat(rows, "\n") .. "\n", "a.csv")
    local spec, text = draft(path, "HelpDesk")
    assert.same({ field = "ticketpriorities", values = { ["Extrême"] = "", basse = "Low" } },
      spec.columns["Priorité"])
    assert.truthy(text:find('      ["Extrême"] = "", -- ? no value is near\n', 1, true))
    assert.truthy(text:find('      ["basse"] = "Low", -- that is Bas?', 1, true), text)
    assert.is_false(spec.columns["Type demande"])
    assert.same({}, faults_of(path, "HelpDesk"))
    -- Of a mandatory field something must stand there, and nobody guesses what.
    spec, text = draft_of("Objet;Statut\nt;Zzzz\n", "HelpDesk")
    assert.same({}, spec.columns.Statut.values)
    assert.truthy(text:find('      -- ["Zzzz"] = "", -- ? no value is near', 1, true), text)
  end)

  it("knows values that mean the same in French and in English", function()
    local english = { by_value = {}, values = { "Open", "In Progress", "Wait For Response",
      "Closed", "High", "Low", "Customer", "Mrs.", "Big Problem" } }
    for _, value in ipairs(english.values) do
      english.by_value[value] = value
    end
    for text, value in pairs { Ouvert = "Open", ["En cours"] = "In Progress", ["Fermé"] = "Closed",
      ["Attente réponse"] = "Wait For Response", HAUTE = "High", Basse = "Low",
      client = "Customer", Madame = "Mrs.", ["Mme."] = "Mrs.",
      ["Gros problème"] = "Big Problem" } do
      assert.equal(value, vocabulary.value(english, text), text)
    end
    assert.is_nil(vocabulary.value(english, "Fournisseur"))
    assert.is_nil(vocabulary.value(english, ""))
  end)

  it("takes the digits of numbers that are written in groups, which the CRM would cut", function()
    local path = helper.tmpfile("Raison sociale;N° SIRET\nUn;732 829 320 00074\nDeux;\n", "a.csv")
    local spec, text = draft(path, "Accounts")
    assert.is_nil(spec.columns["N° SIRET"])
    assert.truthy(text:find('siret = { fn = function(row) return (row["N° SIRET"]:gsub("%D", "")) '
      .. "end }, -- its digits alone", 1, true), text)
    local job <close> = import.open(crm, { path = path, mapping = spec })
    local found = {}
    for item in job:items() do
      assert.same({}, item.faults)
      found[#found + 1] = item.fields.siret or "empty"
    end
    assert.same({ "73282932000074", "empty" }, found)
    assert.equal("siret", draft_of("Nom du compte;SIRET\nUn;73282932000074\n", "Accounts").columns
      .SIRET)
  end)

  it("takes words that mean nothing for empty cells, where they cannot be a value", function()
    local path = helper.tmpfile("Raison sociale;Effectif;Date de création;Type;Remarques\n"
      .. "NC;n.c.;;Client;#N/A\nDeux;12;;-;\n", "a.csv")
    local spec, text = draft(path, "Accounts", { null = { "vide" } })
    assert.same({ "vide", "n.c.", "-", "#N/A" }, spec.null, text)
    assert.equal("accounttype", spec.columns.Type)
    assert.same({}, faults_of(path, "Accounts"))
    assert.is_nil(draft_of("Raison sociale\nNC\n-\n", "Accounts").null)
  end)

  it("runs as it is on a workbook, whatever was said to open it", function()
    local book = os.getenv "PWD" .. "/spec/data/workbooks/lo-bureau.xlsx"
    assert.same({}, faults_of(book, "Accounts"))
    local spec = draft(book, "Contacts", { sheet = "contacts" })
    assert.equal("contacts", spec.sheet)
    assert.equal("firstname", spec.columns["Prénom"])
    import.open(crm, { path = book, mapping = spec }):close()
    spec = draft(helper.tmpfile("a\tb\n1\t2\n", "a.csv"), "Accounts", { delimiter = "tab" })
    assert.equal("tab", spec.delimiter)
  end)

  it("has words that are as it reads headings", function()
    for _, heading in ipairs { "Chiffre d'affaires", "Nom de l’entreprise", "N°  de téléphone" } do
      assert.truthy(vocabulary.field(heading, crm:describe "Accounts", {}), heading)
    end
  end)
end)
