local helper = require "spec.helper"
local icrm = require "icrm"

local BYTES = {}
for i = 0, 255 do BYTES[#BYTES + 1] = string.char(i) end
local CONTENT = table.concat(BYTES):rep(41)

local raised = helper.raised

for _, profile in ipairs { "initiative", "vtiger8", "corebos" } do
  describe("attachments on " .. profile, function()
    local crm, ticket

    setup(function()
      crm = icrm.connect("sandbox:?profile=" .. profile)
      ticket = crm:create("HelpDesk", { ticket_title = "Avec pièce",
        ticketstatus = "Open", ticketpriorities = "Low" })
    end)
    teardown(function() crm:close() end)

    it("keep file, name and relation", function()
      local path = helper.tmpfile(CONTENT, "photo du chantier.jpg")
      local document = crm:attach(ticket, path)
      assert.is_not.equal("", document.filename)
      assert.equal(tostring(#CONTENT), document.filesize)
      local title = document.note_title or document.notes_title
      assert.equal("photo du chantier", title)
      local related = crm:related(ticket, "Documents")
      assert.equal(1, #related)
      assert.equal(document.id, related[1].id)
    end)

    it("come back byte for byte", function()
      local document = crm:attach(ticket.id, { name = "a.bin", data = CONTENT },
        { title = "Binaire" })
      local content, name = crm:download(document)
      assert.equal(CONTENT, content)
      assert.matches("^a", name)
      assert.equal(CONTENT, (crm:download(document.id)))
    end)

    it("come back into a new file, never over an old one", function()
      local document = crm:attach(ticket, { name = "b.bin", data = CONTENT })
      local folder = helper.tmpdir() .. "/"
      local path, name = crm:download(document, folder)
      assert.equal(folder .. name, path)
      assert.equal(CONTENT, helper.read_file(path))
      local err = raised(crm.download, crm, document, path)
      assert.equal("store", err.kind)
      err = raised(crm.download, crm, document, "/nonexistent/x")
      assert.matches("/nonexistent", err.message)
    end)

    it("take further fields of the document", function()
      local document = crm:attach(ticket, { name = "note.txt", data = "x" },
        { fields = { notecontent = "vu sur place" } })
      assert.equal("vu sur place", document.notecontent)
    end)

    it("go up several at once", function()
      local before = #crm:related(ticket, "Documents")
      local names = { "un.txt", "deux.txt", "trois.txt", "quatre.txt" }
      icrm.map(names, function(name)
        return crm:attach(ticket, { name = name, data = "contenu de " .. name })
      end)
      assert.equal(before + 4, #crm:related(ticket, "Documents"))
    end)

    it("are refused before anything is sent when they cannot work", function()
      local before = #crm:related(ticket, "Documents")
      assert.matches("cannot read /nonexistent/x.pdf: No such file",
        raised(crm.attach, crm, ticket, "/nonexistent/x.pdf").message)
      assert.matches("cannot read .*: Is a directory",
        raised(crm.attach, crm, ticket, helper.tmpdir()).message)
      assert.matches("is empty", raised(crm.attach, crm, ticket,
        helper.tmpfile("", "vide.txt")).message)
      assert.matches("no record id", raised(crm.attach, crm, "12", "x").message)
      assert.matches("no usable file name", raised(crm.attach, crm, ticket,
        { name = "../..", data = "x" }).message)
      assert.error_matches(function() crm:attach(ticket, { data = "x" }) end,
        "a file is a path, or a table with name and data")
      assert.equal(before, #crm:related(ticket, "Documents"))
    end)

    it("are not made for a record that does not exist", function()
      local sent = #crm._owner:log()
      local err = raised(crm.attach, crm, (ticket.id:gsub("x%d+$", "x999999")),
        { name = "perdu.txt", data = "x" })
      assert.matches("x999999 does not exist", err.message)
      for _, event in ipairs(crm._owner:log(sent)) do
        assert.is_not.equal("create", event.operation)
      end
    end)

    it("name the document when the relation cannot be made", function()
      -- A record of a module that has no documents.
      local user = { id = crm.user }
      local err = raised(crm.attach, crm, user, { name = "perdu.txt", data = "x" })
      assert.equal("refused", err.kind)
      assert.matches("%(document " .. err.document .. " was created%)$", err.message)
      assert.matches("^perdu", crm:retrieve(err.document).filename)
    end)

    it("say that a document has no file", function()
      local title = crm:describe("Documents").by_name.note_title and "note_title"
        or "notes_title"
      local empty = crm:create("Documents", { [title] = "Sans fichier" })
      assert.matches("document %d+x%d+ has no file",
        raised(crm.download, crm, empty).message)
    end)
  end)
end

describe("attachments", function()
  local function count_documents(crm)
    return tonumber(crm:call("query",
      { query = "SELECT count(*) FROM Documents;" })[1].count)
  end

  it("find out how a server takes them and leave no empty document", function()
    local crm <close> = icrm.connect "sandbox:?profile=vtiger8"
    local ticket = crm:create("HelpDesk", { ticket_title = "x", ticketstatus = "Open",
      ticketpriorities = "Low" })
    -- A server that looks like Initiative and ignores its parameters.
    crm:describe("Documents").by_name.note_title =
      { name = "note_title", label = "Titre", type = "string", editable = true }
    local before = count_documents(crm)
    local opts = { fields = { notes_title = "Plan" } }
    local document = crm:attach(ticket, { name = "a.txt", data = "abc" }, opts)
    assert.equal("a.txt", document.filename)
    assert.equal(before + 1, count_documents(crm))
    crm:attach(ticket, { name = "b.txt", data = "abc" }, opts)
    assert.equal(before + 2, count_documents(crm))
    assert.equal(2, #crm:related(ticket, "Documents"))
  end)

  it("are refused before anything is sent where nothing can be related", function()
    local crm <close> = icrm.connect "sandbox:?profile=vtiger8&traits=corebos-relations"
    local ticket = crm:create("HelpDesk", { ticket_title = "x", ticketstatus = "Open",
      ticketpriorities = "Low" })
    local err = raised(crm.attach, crm, ticket, { name = "a.txt", data = "abc" })
    assert.matches("no operation retrieve_related.*nothing was sent", err.message)
    assert.equal(0, count_documents(crm))
  end)

  it("say how to get a file where the server cannot give it", function()
    local crm <close> = icrm.connect "sandbox:?profile=vtiger8&traits=no-files-retrieve"
    local ticket = crm:create("HelpDesk", { ticket_title = "x", ticketstatus = "Open",
      ticketpriorities = "Low" })
    local document = crm:attach(ticket, { name = "a.txt", data = "abc" })
    assert.matches("open " .. document.id .. " in the CRM",
      raised(crm.download, crm, document).message)
  end)

  it("have safe names", function()
    local crm <close> = icrm.connect "sandbox:"
    local ticket = crm:create("HelpDesk", { ticket_title = "x", ticketstatus = "Open" })
    for given, want in pairs {
      ["../../etc/passwd"] = "passwd", ["a\\b\\c.txt"] = "c", [".bashrc"] = "bashrc",
      ["a\nb\27.txt"] = "ab", ["dossier/"] = "dossier",
    } do
      local document = crm:attach(ticket, { name = given, data = "x" })
      assert.equal(want, document.note_title)
    end
  end)
end)
