-- What is said before records are deleted, and how a person lets them go.
local helper = require "spec.helper"
local script_crm = require "spec.script_crm"

describe("icrm-lua undo", function()
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

  local function import(name, text, module, ...)
    helper.write_file(dir .. "/" .. name, text)
    local arguments = { "import", name, "--module", module, "--yes", "--success", name .. ".ids" }
    here(table.move({ ... }, 1, select("#", ...), #arguments + 1, arguments))
    local ids = {}
    for id in helper.read_file(dir .. "/" .. name .. ".ids"):gmatch '"(%d+x%d+)"' do
      ids[#ids + 1] = id
    end
    return ids
  end

  local SAID = "Records that stay refer to those that are deleted, and lose that reference:\n"

  it("says what refers to the records that it deletes, module by module", function()
    local accounts = import("a.csv", "accountname\nMère\nAutre\n", "Accounts")
    local contacts = import("c.csv", ("Nom;Compte\nA;%s\nB;%s\nC;%s\nD;%s\n"):format(accounts[1],
      accounts[1], accounts[2], accounts[1]), "Contacts", "--map", "Nom=lastname", "--map",
      "Compte=account_id")
    local tickets = import("t.csv", ("Titre;Statut;Relatif à\nT;Ouvert;%s\n"):format(accounts[2]),
      "HelpDesk")
    helper.write_file(dir .. "/doc.txt", "text")
    local document = here({ "attach", accounts[1], "doc.txt" }).out:match "%S+"
    local result = here({ "undo", "a.csv.icrm" }, 1)
    assert.truthy(result.err:find(SAID .. ("  Contacts (Compte): 4: %s, …\n"):format(
      table.concat(contacts, ", ", 1, 3)) .. ("  HelpDesk (Relatif à): 1: %s\n"):format(tickets[1])
      .. ("  Documents: 1: %s\n"):format(document), 1, true), result.err)
    -- What goes as well is not said: nobody is left who refers to a ticket, and delete says
    -- what undo does.
    assert.falsy(here({ "undo", "t.csv.icrm" }, 1).err:find(SAID, 1, true))
    local deleted = here({ "delete", "Accounts", "--where", ("id = '%s'"):format(accounts[2]) }, 1)
    assert.truthy(deleted.err:find(SAID .. ("  Contacts (Compte): 1: %s\n"):format(contacts[3]), 1,
      true), deleted.err)
  end)

  it("counts only what stays", function()
    helper.write_file(dir .. "/m.lua", [[return { records = {
      { name = "company", module = "Accounts", key = "{Firme}", distinct = true,
        fields = { accountname = "Firme" } },
      { name = "ticket", module = "HelpDesk", fields = { ticket_title = "Titre",
        ticketstatus = { const = "Open" }, parent_id = { record = "company" } } } } }]])
    helper.write_file(dir .. "/a.csv", "Firme;Titre\nA;a1\nA;a2\n")
    here { "import", "a.csv", "--mapping", "m.lua", "--yes" }
    assert.falsy(here({ "undo", "a.csv.icrm" }, 1).err:find(SAID, 1, true))
  end)

  local function terminal(arguments, answer)
    local words = { "env" }
    for name, value in pairs(crm.env) do
      words[#words + 1] = name .. "=" .. helper.quote(value)
    end
    words[#words + 1] = helper.quote(helper.icrm_lua) .. " " .. arguments
    local result = helper.run({ "script", "-qec", table.concat(words, " "), "/dev/null" },
      { cwd = dir, stdin = answer .. "\n" })
    return result.code, result.out
  end

  it("lets a person at the terminal say the number, or all, once it was shown", function()
    if not os.execute "script -qec true /dev/null >/dev/null 2>&1" then
      pending "this machine has no pseudo-terminals (/dev/pts)"
      return
    end
    import("a.csv", "accountname\nUn\nDeux\n", "Accounts")
    local code, shown = terminal("undo a.csv.icrm", "3")
    assert.equal(1, code, shown)
    assert.truthy(shown:find("This deletes 2 records. To delete them, write 2 or all:", 1, true))
    assert.truthy(shown:find("nothing was sent", 1, true))
    code, shown = terminal("undo a.csv.icrm --allow-delete all", "n")
    assert.equal(1, code, shown)
    assert.truthy(shown:find("Delete 2 records? [y/N]", 1, true))
    assert.equal(0, crm.commits "delete")
    code, shown = terminal("undo a.csv.icrm", "all")
    assert.equal(0, code, shown)
    assert.equal(2, crm.commits "delete")
    import("b.csv", "accountname\nTrois\n", "Accounts")
    code, shown = terminal("undo b.csv.icrm --allow-delete all", "oui")
    assert.equal(0, code, shown)
    assert.equal(3, crm.commits "delete")
  end)

  it("takes all only from somebody who has seen the number", function()
    import("a.csv", "accountname\nUn\nDeux\n", "Accounts")
    for _, more in ipairs { {}, { "--yes" } } do
      local result = here({ "undo", "a.csv.icrm", "--allow-delete", "all", table.unpack(more) }, 1)
      assert.truthy(result.err:find("nothing was sent: this deletes 2 records; to send it: "
        .. "icrm-lua apply " .. dir .. "/a.csv.undo.icrm --allow-delete 2", 1, true), result.err)
    end
    local result = here({ "undo", "a.csv.icrm", "--allow-delete", "every" }, 2)
    assert.truthy(result.err:find("is no whole number", 1, true))
    assert.equal(0, crm.commits "delete")
  end)
end)
