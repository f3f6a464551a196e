-- Scripts as users write them, run by icrm-lua against a CRM that is a process of its
-- own; what is stored is read from that CRM's file.
local canaries = require "spec.canaries"
local helper = require "spec.helper"
local luasql = require "luasql.sqlite3"

local PRIVATE = [[
local icrm = require "icrm"
local crm <close> = icrm.connect()
local plan <close> = crm:plan("set.icrm", { input = "x",
  witness = { Leads = { tag = "cf_icrm_token" } } })
for i = 1, 8 do
  plan:create("Leads", { lastname = "Lead " .. i,
    assigned_user_id = i % 2 == 1 and "19x1" or crm.user }, { key = "r" .. i, check = false })
end
plan:apply { settle = 0.5 }
for change in plan.store:each() do print(change.state, change.code) end
]]

local RELATED = [[
local icrm = require "icrm"
local crm <close> = icrm.connect()
local ticket = crm:create("HelpDesk", { ticket_title = "T", ticketstatus = "Open",
  ticketpriorities = "Low" })
for i = 1, 100 do crm:attach(ticket.id, { name = "f" .. i .. ".txt", data = "x" .. i }) end
local file = assert(io.open("one-more.txt", "wb"))
file:write "hello"
file:close()
crm:attach(ticket.id, "one-more.txt")
local plan <close> = crm:plan "set.icrm"
plan:attach(ticket.id, "one-more.txt")
plan:apply { settle = 0.05 }
for change in plan.store:each() do print(change.state, change.code) end
]]

-- The user's 130 companies in one city, of which one is out of his sight.
local SHORT_PAGE = [[
local icrm = require "icrm"
local crm <close> = icrm.connect()
for i = 1, 130 do
  crm:create("Accounts", { accountname = "Avant " .. i, bill_city = "Lyon",
    assigned_user_id = i == 50 and "19x1" or crm.user }, { check = false })
end
local plan <close> = crm:plan("set.icrm", { input = "x",
  witness = { Accounts = { key = { "bill_city", "accountname" } } } })
for i = 1, 3 do
  plan:create("Accounts", { accountname = "Société " .. i, bill_city = "Lyon" }, { key = "r" .. i })
end
plan:apply { settle = 0.05 }
for change in plan.store:each() do print(change.state, change.code) end
]]

describe("a CRM that is a process of its own", function()
  local dir, pid, pipe, url

  local function start(...)
    dir = helper.tmpdir()
    local words = {}
    for i, word in ipairs { helper.icrm_lua, "sandbox", "--file", dir .. "/crm.db", ... } do
      words[i] = helper.quote(word)
    end
    pipe = assert(io.popen(("echo $$; exec %s 2>%s/sandbox.err"):format(
      table.concat(words, " "), helper.quote(dir))))
    pid = pipe:read "l"
    url = assert(pipe:read "l", "it did not start"):match "^url\t(.*)$"
  end

  after_each(function()
    os.execute("kill -INT " .. pid)
    pipe:close()
    local said = dir .. "/sandbox.err" -- it says its own key, for another shell
    canaries.note_given(said, helper.read_file(said))
  end)

  -- The rows of a statement on the CRM's own file, each the text of its columns.
  local function stored(sql)
    local environment = luasql.sqlite3()
    local connection = assert(environment:connect(dir .. "/crm.db"))
    local cursor, rows = assert(connection:execute(sql)), {}
    repeat
      local row = table.pack(cursor:fetch())
      rows[#rows + 1] = row[1] ~= nil and table.concat(row, " ") or nil
    until row[1] == nil
    cursor:close()
    connection:close()
    environment:close()
    return rows
  end

  -- Run a script as a user of this CRM; what it printed, a list of lines.
  local function run(script, user)
    local key = stored(("SELECT accesskey FROM Users WHERE user_name = '%s'"):format(user))[1]
    helper.write_file(dir .. "/script.lua", script)
    local result = helper.icrm({ "script.lua" }, { cwd = dir, env = { ICRM_URL = url,
      ICRM_USERNAME = user, ICRM_ACCESS_KEY = key } })
    assert.equal(0, result.code, result.err)
    local lines = {}
    for line in result.out:gmatch "[^\n]+" do
      lines[#lines + 1] = line
    end
    return lines
  end

  local LOST = "at create#3 after_commit close; at create#5 after_commit close"
  local NAMES = "SELECT count(*), count(DISTINCT lastname) FROM Leads WHERE lastname LIKE 'Lead _'"

  it("has no lead twice whose answer was lost and whose owner is somebody else", function()
    start("--profile", "vtiger8", "--field", "Leads.cf_icrm_token:string", "--faults", LOST)
    local lines = run(PRIVATE, "jdupont")
    assert.equal(8, #lines)
    assert.same({ "8 8" }, stored(NAMES))
  end)

  it("has none twice either where that owner is out of sight, and a person is asked", function()
    start("--profile", "vtiger8", "--field", "Leads.cf_icrm_token:string", "--faults", LOST,
      "--trait", "private-owners")
    local lines = run(PRIVATE, "jdupont")
    assert.equal(8, #lines)
    for _, line in ipairs(lines) do -- which were lost depends on the order on the lanes
      assert.truthy(line == "done\tnil" or line == "needs_human\tNO_SIGHT", line)
    end
    assert.same({ "8 8" }, stored(NAMES))
  end)

  for _, profile in ipairs { "initiative", "vtiger8", "corebos" } do
    it("has a document related though its record has a hundred: " .. profile, function()
      start("--profile", profile)
      local before = stored("SELECT count(*) FROM Documents")[1]
      assert.same({ "done\tnil" }, run(RELATED, "admin"))
      local after = stored("SELECT count(*) FROM Documents")[1]
      assert.equal(102, tonumber(after) - tonumber(before))
    end)
  end

  it("has no company twice where one that is hidden makes a page short", function()
    start("--trait", "private-owners", "--trait", "rows-hidden-after-limit", "--faults",
      "at create#133 after_commit reset")
    local lines = run(SHORT_PAGE, "jbrunel")
    assert.same({ "done\tnil", "done\tnil", "done\tnil" }, lines)
    assert.same({ "3 3" }, stored("SELECT count(*), count(DISTINCT accountname) FROM Accounts "
      .. "WHERE accountname LIKE 'Soci%'"))
  end)
end)
