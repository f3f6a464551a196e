-- What goes wrong at a user's desk: one clear sentence with the place and the
-- cure, an exit code that is not 0, and nothing half-done that goes unsaid.
local core = require "icrm.core"
local helper = require "spec.helper"
local script_crm = require "spec.script_crm"
local socket = require "socket"

describe("bad input", function()
  local crm

  setup(function()
    crm = script_crm.start {}
  end)

  teardown(function()
    crm.stop()
  end)

  local function says(result, code, ...)
    for _, text in ipairs { ... } do
      assert.truthy(result.err:find(text, 1, true), ("%q is not in %q"):format(text, result.err))
    end
    assert.equal(code, result.code)
    assert.equal("", result.out)
    assert.falsy(result.err:find("traceback", 1, true))
    assert.falsy(result.err:find(crm.env.ICRM_ACCESS_KEY, 1, true))
  end

  it("an option that is given twice, of which one would be forgotten", function()
    for _, arguments in ipairs {
      { "delete", "HelpDesk", "--where", "id > '9x1'", "--out", "a.icrm", "--out", "b.icrm" },
      { "import", "a.csv", "--module", "Accounts", "--module", "Leads" },
      { "report", "HelpDesk", "--by", "ticketstatus", "--by", "ticketpriorities", "--by", "id" },
    } do
      says(crm.run(arguments), 2, "must be used")
    end
    helper.write_file(helper.tmpdir() .. "/a.csv", "Nom\na\n")
    for _, options in ipairs {
      { "--set names phone twice", "--set", "phone=1", "--set", "phone=2" },
      { "--map names Nom twice", "--map", "Nom=accountname", "--map", "Nom=phone" },
      { "--max-length names phone twice", "--max-length", "phone=1", "--max-length", "phone=2" },
      { "--set and --ref both feed account_id", "--set", "account_id=3x1", "--ref",
        "account_id=Accounts.siren:{Nom}" },
    } do
      says(crm.run { "import", "a.csv", "--module", "Accounts", table.unpack(options, 2) }, 1,
        options[1])
    end
  end)

  it("conditions that no query can hold together", function()
    local function refuses(words, ...)
      says(crm.run { "delete", "HelpDesk", ... }, 1, words)
    end
    refuses("two of the conditions have alternatives (OR)", "--where", "id > '9x1' OR id = '9x1'",
      "--where", "hours = '1' OR hours = '2'")
    refuses("has an ORDER BY or a LIMIT", "--where", "id > '9x1' LIMIT 1", "--where", "hours = '1'")
    refuses("put quotes around a text", "--where", "id > '9x1'", "--where", "ticketstatus = Open")
  end)

  describe("at the login", function()
    it("a wrong key", function()
      says(crm.run({ "modules" }, { env = { ICRM_ACCESS_KEY = "0123456789abcdef" } }), 6,
        "does not accept the access key of admin", "Mes préférences")
    end)

    it("an unknown user", function()
      says(crm.run({ "modules" }, { env = { ICRM_USERNAME = "nobody" } }), 6,
        "refused the login of nobody", "check the user name")
    end)

    it("a host that does not answer", function()
      local listener = assert(socket.bind("127.0.0.1", 0))
      local _, port = listener:getsockname()
      listener:close()
      says(crm.run({ "modules" }, { env = { ICRM_URL = "http://127.0.0.1:" .. port } }), 1,
        "cannot reach 127.0.0.1:" .. port, "check the URL or the network")
    end)

    it("a host that has no name", function()
      says(crm.run({ "modules" }, { env = { ICRM_URL = "https://crm.invalid" } }), 1,
        "cannot find the host of crm.invalid", "check the URL")
    end)

    it("a key on the command line", function()
      local result = crm.run { "modules", "--key=abc" }
      assert.equal(2, result.code)
      assert.truthy(result.err:find("unknown option '--key'", 1, true))
    end)

    it("http beyond this machine, with no byte sent", function()
      says(crm.run({ "modules" }, { env = { ICRM_URL = "http://crm.example.fr" } }), 77,
        "would send the login to crm.example.fr:80 unencrypted", "use https://")
    end)
  end)

  describe("of the network", function()
    -- A server in a process of its own that answers every request the same way.
    local function serve(reply)
      local script = helper.tmpfile(([[
        local socket = require "socket"
        local listener = assert(socket.bind("127.0.0.1", 0))
        io.stdout:write("port ", select(2, listener:getsockname()), "\n")
        io.stdout:flush()
        while true do
          local client = listener:accept()
          repeat local line = client:receive() until not line or line == ""
          client:send(%q)
          client:close()
        end]]):format(reply), "server.lua")
      local pipe = assert(io.popen("lua5.4 " .. script .. " & echo $!; wait"))
      -- The shell and the server write in any order.
      local text = pipe:read "l" .. " " .. pipe:read "l"
      local port = text:match "port (%d+)"
      return { pid = text:gsub("port %d+", ""):match "%d+", port = port, pipe = pipe }
    end

    local function with_server(reply, fn)
      local server = serve(reply)
      local ok, err = pcall(fn, "http://127.0.0.1:" .. server.port)
      os.execute("kill " .. server.pid)
      server.pipe:close()
      assert(ok, err)
    end

    it("a server that goes away in the middle of a reply", function()
      with_server("HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{\"success\":tr", function(url)
        says(crm.run({ "modules" }, { env = { ICRM_URL = url } }), 1,
          "closed the connection in the middle of its answer", url:match "[%d.:]+$",
          "the server's log says why")
      end)
    end)

    it("a login that is answered by a web page, which is not quoted", function()
      local page = "<html>\27[2J<title>Maintenance</title></html>"
      with_server(("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s"):format(#page, page),
        function(url)
          local result = crm.run({ "modules" }, { env = { ICRM_URL = url } })
          says(result, 1, "is a web page, not JSON",
            "check its URL, and whether it is closed for maintenance")
          assert.falsy(result.err:find("Maintenance</title>", 1, true)) -- it may hold a secret
          assert.falsy(result.err:find("\27", 1, true))
        end)
    end)

    it("a server that speaks another protocol", function()
      with_server("SSH-2.0-OpenSSH_9.2\r\n", function(url)
        says(crm.run({ "modules" }, { env = { ICRM_URL = url } }), 1, "is no web server",
          "check the URL's host and port")
      end)
    end)

    it("a redirection, which is not followed", function()
      with_server("HTTP/1.1 302 Found\r\nLocation: https://crm.example.fr/\r\n"
        .. "Content-Length: 0\r\n\r\n", function(url)
        says(crm.run({ "modules" }, { env = { ICRM_URL = url } }), 1, "redirects elsewhere",
          "use the address that it leads to")
      end)
    end)

    it("a certificate that nobody vouches for", function()
      local dir = helper.tmpdir()
      assert(os.execute(("cd %s && openssl req -x509 -newkey rsa:2048 -nodes -days 2 "
        .. "-subj /CN=localhost -keyout key.pem -out cert.pem 2>/dev/null"):format(dir)))
      local listener = assert(socket.bind("127.0.0.1", 0))
      local _, port = listener:getsockname()
      listener:close()
      local pipe = assert(io.popen(("echo $$; cd %s && exec openssl s_server -accept "
        .. "127.0.0.1:%d -cert cert.pem -key key.pem </dev/zero 2>&1"):format(dir, port)))
      local pid = pipe:read "l"
      repeat local line = pipe:read "l" until not line or line:find "ACCEPT"
      local result = crm.run({ "modules" },
        { env = { ICRM_URL = ("https://localhost:%d"):format(port) } })
      os.execute("kill " .. pid)
      pipe:close()
      says(result, 1, "tls: the certificate of localhost:" .. port .. " is not trusted",
        "self-signed", "ca_file")
    end)
  end)

  describe("in a query or an id", function()
    it("a typo, with a caret under the place", function()
      says(crm.run { "query", "SELECT * FORM HelpDesk" }, 1, "did you mean FROM?",
        "    SELECT * FORM HelpDesk\n             ^")
    end)

    it("a field that does not exist", function()
      says(crm.run { "query", "SELECT ticket_titl FROM HelpDesk" }, 1,
        'did you mean "ticket_title"?')
    end)

    it("an order that the server would answer with silence", function()
      says(crm.run { "query", "SELECT * FROM HelpDesk ORDER BY ticket_titl" }, 1,
        'did you mean "ticket_title"?')
    end)

    it("an id that is none", function()
      says(crm.run { "get", "9y12" }, 1, '"9y12" is no record id', "like 9x6617554")
    end)

    it("a record that is not there", function()
      says(crm.run { "get", "9x999999" }, 1, "9x999999 does not exist, was deleted")
    end)

    it("a value without its place, a place without its value", function()
      local text = "SELECT id FROM HelpDesk WHERE ticketstatus = :s"
      says(crm.run { "query", text }, 1, "no value was given for :s")
      says(crm.run { "query", text, "--param", "s=Open", "--param", "st=Open" }, 1,
        "--param st: there is no :st in the query")
      says(crm.run { "query", text, "--param", "s" }, 1, '--param "s": write name=value')
    end)

    it("no query, or two", function()
      says(crm.run { "query" }, 2, "give the query, or a file with --file")
      says(crm.run { "query", "SELECT id FROM HelpDesk", "--file", "q" }, 2, "or a file")
      says(crm.run { "query", "--file", "/nowhere/q" }, 1, "/nowhere/q: No such file")
    end)

    it("a report by what is no field or no reference", function()
      says(crm.run { "report", "HelpDesk", "--by", "ticketstatu" }, 1,
        'did you mean "ticketstatus"?')
      says(crm.run { "report", "HelpDesk", "--by", "parent_id.bill_cit" }, 1, "parent_id.bill_cit",
        'Accounts, which parent_id of HelpDesk refers to, has no field "bill_cit"',
        'did you mean "bill_city"?')
      says(crm.run { "report", "HelpDesk", "--by", "ticketstatus.x" }, 1,
        "ticketstatus is no reference to another record")
      says(crm.run { "report", "HelpDesk" }, 2, "missing option '--by'")
    end)

    it("a file to attach that is not there, a record to attach it to that is not", function()
      says(crm.run { "attach", "9x42", "/nowhere/a.pdf" }, 1, "cannot read /nowhere/a.pdf")
      local before = crm.commits "create"
      local file = helper.tmpfile("x", "a.txt")
      says(crm.run { "attach", "9x999999", file }, 1, "9x999999 does not exist")
      assert.equal(before, crm.commits "create")
    end)

    it("a module that does not exist", function()
      says(crm.run { "describe", "HelpDsk" }, 1, 'no module "HelpDsk"', 'did you mean "HelpDesk"?')
    end)
  end)

  describe("in a CSV file", function()
    local function import(text, ...)
      local dir = helper.tmpdir()
      helper.write_file(dir .. "/rows.csv", text)
      local before = crm.commits "create"
      local result = crm.run({ "import", "rows.csv", "--module", "HelpDesk", "--yes", ... },
        { cwd = dir })
      if result.code ~= 0 then
        assert.equal(before, crm.commits "create", "nothing may be sent")
      end
      return result
    end

    it("one that is not there, or no file", function()
      local dir = helper.tmpdir()
      says(crm.run { "import", "/nowhere/x.csv", "--module", "HelpDesk" }, 1,
        "/nowhere/x.csv: cannot open the file: No such file")
      says(crm.run { "import", dir, "--module", "HelpDesk" }, 1, "Is a directory")
    end)

    it("options that contradict each other", function()
      local function usage(message, ...)
        says(crm.run { "import", "rows.csv", ... }, 2, message)
      end
      usage "say --module MODULE, or --mapping FILE"
      usage("say --module MODULE, or --mapping FILE", "--module", "HelpDesk", "--mapping", "m.lua")
      usage("--key has its place in the mapping file", "--mapping", "m.lua", "--key", "siret")
      usage("--suggest drafts a mapping file", "--mapping", "m.lua", "--suggest")
      for _, words in ipairs { { "--key", "siret" }, { "--map", "A=b" }, { "--value", "A:b=c" } } do
        usage(words[1] .. " has its place in the mapping file", "--module", "HelpDesk",
          "--suggest", table.unpack(words))
      end
      usage("must be one of 'update', 'skip', 'error'", "--module", "HelpDesk", "--on-match", "x")
    end)

    local faults = {
      { "a broken quote", 'Titre;Statut\n"Panne;Ouvert\nAutre;Ouvert\n',
        "rows.csv: line 2, cell 1 (Titre)", "close it, or remove it" },
      { "a wrong encoding", "Titre;Statut\nPan\xe9e;Ouvert\n", "line 2, character 4",
        "the file may be windows-1252", args = { "--encoding", "UTF-8" } },
      { "a missing column", "Titre;Statut\nPanne;Ouvert\n", 'has no column "Sujet"',
        "it has Titre, Statut", args = { "--map", "Sujet=ticket_title" } },
      { "an empty file", "", "rows.csv is empty", "a line of headings" },
      { "headings alone", "Titre;Statut\n", "has headings but no rows" },
      { "a heading twice", "Titre;Titre\na;b\n",
        'the heading "Titre" stands over columns 1 and 2' },
      { "no heading that is a field", "Machin;Truc\na;b\n", "no column of rows.csv matches a field",
        '--map COLUMN=FIELD' },
      { "a mandatory field without a column", "Titre;Heures\nPanne;1\n",
        "no column of rows.csv feeds ticketstatus (Statut)", '--map COLUMN=ticketstatus',
        "the columns are Titre, Heures" },
      { "a constant that the field does not take", "Titre;Statut\nPanne;Ouvert\n",
        'ticketpriorities ("Haut") is no value of this picklist: did you mean "Haute"?',
        args = { "--set", "ticketpriorities=Haut" } },
      { "a key that no column feeds", "Titre;Statut\nPanne;Ouvert\n",
        "the key parent_id: no column of the file feeds this field",
        args = { "--key", "parent_id" } },
      { "a tag field that does not exist", "Titre;Statut\nPanne;Ouvert\n",
        'the tag: HelpDesk has no field "cf_tag"', args = { "--tag", "cf_tag" } },
      { "a reference that is three records", "Titre;Statut;Client\nPanne;Ouvert;"
        .. "Les Halles de l'Écluse\n", "line 2, Client (Relatif à): 3 records of Accounts have",
        "3x1, 3x2, 3x3", args = { "--ref", "parent_id=Accounts.accountname:{Client}" } },
      { "an empty reference", "Titre;Statut;Client\nPanne;Ouvert;\n",
        "rows.csv: line 2, Client (Relatif à): the reference to Accounts is empty",
        "a ? after it", args = { "--ref", "parent_id=Accounts.accountname:{Client}" } },
      { "a reference by no field", "Titre;Statut;Client\nPanne;Ouvert;x\n",
        'reference Accounts.accountnam: Accounts has no field "accountnam"',
        'did you mean "accountname"?',
        args = { "--ref", "parent_id=Accounts.accountnam:{Client}" } },
      { "a mandatory field without a value", "Titre;Statut\n;Ouvert\n",
        "rows.csv: line 2, Titre (ticket_title)", "is mandatory" },
      { "a picklist value that the server would store blindly", "Titre;Statut\nPanne;Ouvrt\n",
        "rows.csv: line 2, Statut (ticketstatus)", '"Ouvrt" is no value',
        'did you mean "Ouvert"?' },
      { "text in a number", "Titre;Statut;Heures\nPanne;Ouvert;douze\n", "line 2, Heures (hours)",
        "douze" },
      { "a cell too many", "Titre;Statut\nPanne;Ouvert;trop\n", "line 2" },
      { "two rows with one key", "Titre;Statut\nPanne;Ouvert\nPanne;Ouvert\n", "line 3",
        "is in row 2 already", args = { "--key", "ticket_title" } },
      { "an id of no record", "Titre;Statut;Relatif à\nPanne;Ouvert;3x99999\n",
        "rows.csv: line 2, Relatif à (parent_id)", '"3x99999" is no record or owner' },
      { "an owner that is nobody", "Titre;Statut;Assigné à\nPanne;Ouvert;19x999\n",
        "rows.csv: line 2, Assigné à (assigned_user_id)", '"19x999" is no record or owner' },
      { "a reference to nothing", "Titre;Statut;Client\nPanne;Ouvert;Zzz\n", "line 2",
        "no record of Accounts has the accountname", args = { "--ref",
          "parent_id=Accounts.accountname:{Client}" } },
    }
    for _, fault in ipairs(faults) do
      it(fault[1], function()
        local result = import(fault[2], table.unpack(fault.args or {}))
        for i = 3, #fault do
          assert.truthy(result.err:find(fault[i], 1, true),
            ("%q is not in %q"):format(fault[i], result.err))
        end
        assert.equal(1, result.code)
      end)
    end

    it("every fault of the file at once", function()
      local result = import "Titre;Statut\n;Ouvert\nPanne;Ouvrt\n;Fermé\n"
      assert.truthy(result.err:find("3 faults; nothing was sent", 1, true))
    end)

    it("nothing of it in the plan's place", function()
      local dir = helper.tmpdir()
      helper.write_file(dir .. "/rows.csv", "Titre;Statut;Relatif à\nPanne;Ouvert;3x99999\n")
      local arguments = { "import", "rows.csv", "--module", "HelpDesk", "--plan-only" }
      says(crm.run(arguments, { cwd = dir }), 1, "1 fault; nothing was sent")
      helper.write_file(dir .. "/rows.csv", "Titre;Statut\nPanne;Ouvert\n")
      assert.equal(0, crm.run(arguments, { cwd = dir }).code)
    end)

    it("nobody to ask", function()
      local dir = helper.tmpdir()
      helper.write_file(dir .. "/rows.csv", "Titre;Statut\nPersonne;Ouvert\n")
      local before = crm.commits "create"
      says(crm.run({ "import", "rows.csv", "--module", "HelpDesk" }, { cwd = dir }), 1,
        "there is no terminal to ask on: nothing was sent", "icrm-lua apply " .. dir
          .. "/rows.csv.icrm --yes")
      assert.equal(before, crm.commits "create")
      assert.equal(0, crm.run({ "apply", "rows.csv.icrm", "--yes" }, { cwd = dir }).code)
      assert.equal(before + 1, crm.commits "create")
    end)

    it("a file that was planned before", function()
      local dir = helper.tmpdir()
      helper.write_file(dir .. "/rows.csv", "Titre;Statut\nUne fois;Ouvert\n")
      local arguments = { "import", "rows.csv", "--module", "HelpDesk", "--yes" }
      assert.equal(0, crm.run(arguments, { cwd = dir }).code)
      local before = crm.commits "create"
      -- Said before the file is read: there is no such file any more.
      os.remove(dir .. "/rows.csv")
      says(crm.run(arguments, { cwd = dir }), 1, "rows.csv.icrm exists: it is a change set that "
        .. "was applied, and undo needs it", "name another with --out, such as "
        .. dir .. "/rows.csv-2")
      assert.equal(before, crm.commits "create")
      helper.write_file(dir .. "/rows.csv.icrm", "something else")
      says(crm.run(arguments, { cwd = dir }), 1, "rows.csv.icrm exists: it is no change set")
    end)

    it("a plan whose file was corrected: it is planned anew, not sent as it was", function()
      local dir = helper.tmpdir()
      local arguments = { "import", "rows.csv", "--module", "HelpDesk" }
      helper.write_file(dir .. "/rows.csv", "Titre;Statut\nFaute de frape;Ouvert\n")
      says(crm.run(arguments, { cwd = dir }), 1, "nothing was sent; to send what is planned in")
      helper.write_file(dir .. "/rows.csv", "Titre;Statut\nFaute de frappe;Ouvert\n")
      arguments[#arguments + 1] = "--yes"
      says(crm.run(arguments, { cwd = dir }), 0,
        "rows.csv.icrm was planned before, and nothing of it was sent: it is planned anew")
      local titles = crm.run({ "query", "SELECT ticket_title FROM HelpDesk WHERE ticket_title "
        .. "LIKE 'Faute de %'", "-o", "csv" }).out
      assert.truthy(titles:find("Faute de frappe", 1, true), titles)
      assert.falsy(titles:find("Faute de frape", 1, true), titles)
    end)

    it("a plan of another file, which is left alone", function()
      local dir = helper.tmpdir()
      helper.write_file(dir .. "/a.csv", "Titre;Statut\nA;Ouvert\n")
      helper.write_file(dir .. "/b.csv", "Titre;Statut\nB;Ouvert\n")
      local function plan(file)
        return crm.run({ "import", file, "--module", "HelpDesk", "--out", "x.icrm", "--plan-only" },
          { cwd = dir })
      end
      assert.equal(0, plan("a.csv").code)
      says(plan "b.csv", 1, "x.icrm exists: it is a plan of which nothing was sent; send it with "
        .. "icrm-lua apply " .. dir .. "/x.icrm, or name another with --out")
    end)

    it("a plan whose file was changed since: what is sent is what it held then", function()
      local dir = helper.tmpdir()
      local said = "rows.csv was changed since this was planned; its rows are sent as they "
        .. "were then"
      helper.write_file(dir .. "/rows.csv", "Titre;Statut\nAvant;Ouvert\n")
      assert.equal(0, crm.run({ "import", "rows.csv", "--module", "HelpDesk", "--plan-only" },
        { cwd = dir }).code)
      assert.falsy(crm.run({ "apply", "rows.csv.icrm" }, { cwd = dir }).err:find(said, 1, true))
      helper.write_file(dir .. "/rows.csv", "Titre;Statut\nAprès;Ouvert\n")
      says(crm.run { "apply", dir .. "/rows.csv.icrm" }, 1, said .. ". To plan it anew, run the "
        .. "same import again", "nothing was sent")
      says(crm.run { "apply", dir .. "/rows.csv.icrm", "--yes" }, 0, said)
    end)

    it("a plan that another process has open: it is in use", function()
      local dir = helper.tmpdir()
      helper.write_file(dir .. "/rows.csv", "Titre;Statut\nEn cours;Ouvert\n")
      local arguments = { "import", "rows.csv", "--module", "HelpDesk", "--plan-only" }
      assert.equal(0, crm.run(arguments, { cwd = dir }).code)
      local _ <close> = assert(core.files.lock(dir .. "/rows.csv.icrm"))
      says(crm.run(arguments, { cwd = dir }), 75, "rows.csv.icrm is in use by another process")
    end)

    it("a file that was sent before, under another name too", function()
      local dir = helper.tmpdir()
      local text = ("Titre;Statut\nDeux fois %s;Ouvert\n"):format(dir)
      helper.write_file(dir .. "/rows.csv", text)
      helper.write_file(dir .. "/copy.csv", text)
      local first = crm.run({ "import", "rows.csv", "--module", "HelpDesk", "--yes" },
        { cwd = dir })
      assert.equal(0, first.code)
      assert.falsy(first.err:find("was sent to this CRM", 1, true))
      local today = os.date "%Y-%m-%d"
      says(crm.run({ "import", "copy.csv", "--module", "HelpDesk", "--plan-only" }, { cwd = dir }),
        0, "this very file was sent to this CRM on " .. today,
        ", with " .. dir .. "/rows.csv.icrm; what has no key would be there twice")
    end)

    it("one of several files that were sent before", function()
      local dir = helper.tmpdir()
      for _, name in ipairs { "a", "b" } do
        helper.write_file(("%s/%s.csv"):format(dir, name),
          ("Titre;Statut\n%s of several %s;Ouvert\n"):format(name, dir))
      end
      helper.write_file(dir .. "/both.lua", [[return { files = {
        { module = "HelpDesk", match = true }, { module = "HelpDesk", match = true } } }]])
      says(crm.run({ "import", "b.csv", "--module", "HelpDesk", "--yes" }, { cwd = dir }), 0)
      local both = { "import", "a.csv", "b.csv", "--mapping", "both.lua", "--out", "ab.icrm",
        "--plan-only" }
      says(crm.run(both, { cwd = dir }), 0, "  b.csv was sent to this CRM on ",
        ", with " .. dir .. "/b.csv.icrm; what has no key would be there twice")
      says(crm.run({ "apply", "ab.icrm", "--yes" }, { cwd = dir }), 0)
      says(crm.run({ "import", "a.csv", "--module", "HelpDesk", "--plan-only" }, { cwd = dir }), 0,
        "this very file was sent to this CRM on ", ", with " .. dir .. "/ab.icrm")
    end)

    it("a file of which two plans were made, of which one was sent", function()
      local dir = helper.tmpdir()
      helper.write_file(dir .. "/rows.csv", ("Titre;Statut\nPlan %s;Ouvert\n"):format(dir))
      for _, out in ipairs { "a.icrm", "b.icrm" } do
        assert.equal(0, crm.run({ "import", "rows.csv", "--module", "HelpDesk", "--plan-only",
          "--out", out }, { cwd = dir }).code)
      end
      assert.equal(0, crm.run({ "apply", "a.icrm", "--yes" }, { cwd = dir }).code)
      says(crm.run({ "apply", "b.icrm" }, { cwd = dir }), 1, "this very file was sent to this CRM "
        .. "on ", ", with " .. dir .. "/a.icrm; what has no key would be there twice",
        "nothing was sent")
    end)

    it("an empty cell where the CRM has a value", function()
      assert.equal(0, import("Titre;Statut;Description\nVide;Ouvert;avant\n").code)
      local text = "Titre;Statut;Description\nVide;Ouvert;\n"
      local result = import(text, "--key", "ticket_title")
      assert.truthy(result.err:find("say --empty keep or --empty clear", 1, true))
      assert.equal(1, result.code)
      assert.equal(0, import(text, "--key", "ticket_title", "--empty", "clear").code)
      local row = crm.run { "query", "SELECT description FROM HelpDesk WHERE ticket_title = 'Vide'",
        "-o", "jsonl" }
      assert.truthy(row.out:find('"description":""', 1, true))
    end)
  end)

  it("a file that is no change set", function()
    local file = helper.tmpfile("hello", "a.icrm")
    says(crm.run { "apply", file, "--yes" }, 1, "a.icrm: this is no change set; an import, an "
      .. "update and the like write one, FILE.icrm")
    assert(os.execute("chmod 600 " .. file))
    for _, name in ipairs { "show", "status", "errors", "unknown", "apply", "resume", "undo",
      "audit" } do
      says(crm.run { name, file, table.unpack(name == "apply" and { "--yes" } or {}) }, 1,
        "a.icrm: this is no change set")
      says(crm.run { name, "/nowhere/a.icrm" }, 1, "/nowhere/a.icrm: there is no such file")
    end
    assert.equal("hello", helper.read_file(file))
  end)

  it("a change set of another CRM", function()
    local other = script_crm.start {}
    local dir = helper.tmpdir()
    assert.equal(0, crm.run({ "update", "HelpDesk", "--all", "--set", "ticketpriorities=High",
      "--out", "a.icrm", "--plan-only" }, { cwd = dir }).code)
    local result = other.run({ "apply", "a.icrm", "--yes" }, { cwd = dir })
    other.stop()
    says(result, 1, "a.icrm was planned for host", "use the profile")
  end)

  it("a bulk update of a value, a field or records that are none", function()
    local before, dir = crm.commits "revise", helper.tmpdir()
    local function update(code, arguments, ...)
      says(crm.run({ "update", "HelpDesk", "--yes", table.unpack(arguments) }, { cwd = dir }),
        code, ...)
    end
    update(1, { "--all", "--set", "ticketstatus=Opn" }, '"Opn"', 'did you mean "Open"?')
    update(1, { "--all", "--set", "ticketstats=Open" }, 'did you mean "ticketstatus"?')
    update(1, { "--all", "--set", "createdtime=2026-01-01" }, "written by the server alone")
    update(1, { "--all", "--set", "ticketstatus" }, '--set "ticketstatus": write name=value')
    update(1, { "--where", "ticketstatus = Open", "--set", "hours=1" }, "put quotes around a text",
      "^")
    update(2, { "--set", "hours=1" }, "say which records: --where CONDITION, or --all")
    update(2, { "--all", "--where", "id > '9x1'", "--set", "hours=1" }, "say which records")
    update(0, { "--where", "ticket_title = 'Zzz'", "--set", "hours=1" },
      "0 records of HelpDesk match; nothing to do")
    assert.equal(before, crm.commits "revise")
    assert.equal("", helper.run({ "ls", dir }).out) -- no plan is left behind
  end)

  it("a profile that is not there", function()
    local result = helper.icrm { "modules", "--profile", "prod" }
    says(result, 77, "icrm/profiles.lua is not there; profile 'prod' was asked for")
    says(helper.icrm { "modules" }, 77, "no CRM is known: set ICRM_URL")
    says(crm.run { "modules", "--url", "https://crm.example.fr" }, 77,
      "belongs in a profile, or in ICRM_URL")
  end)
end)
