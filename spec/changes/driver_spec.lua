-- Another driver serves a change set from the plan to the way back.
local audit = require "icrm.changes.audit"
local calls = require "icrm.changes.calls"
local changes = require "icrm.changes"
local core = require "icrm.core"
local cuts = require "icrm.changes.plan.cuts"
local errors = require "icrm.cli.failed_rows"
local exits = require "icrm.cli.exits"
local by_hand = require "icrm.changes.by_hand"
local show = require "icrm.changes.show"
local strict = require "spec.changes.strict_driver"
local changes_crm = require "spec.changes.crm"
local drivers = require "spec.changes.drivers"
local helper = require "spec.helper"

local ROWS = 30

for name, driver in pairs(drivers) do
  describe("a change set over " .. name, function()
    local crm, input, journal

    before_each(function()
      crm = changes_crm.start { fields = { "Accounts.cf_icrm:string", "HelpDesk.cf_icrm:string" },
        faults = "at create#20 after_commit close" }
      input, journal = crm.dir .. "/input.csv", crm.dir .. "/set.icrm"
    end)

    after_each(function()
      crm.close()
    end)

    local function write_input()
      local lines = {
        "key,operation,module,record,accountname,ticket_title,ticketstatus,parent_id" }
      for i = 1, ROWS do
        lines[#lines + 1] = ("a%d,create,Accounts,,L'été \\%d?,,,"):format(i, i)
        lines[#lines + 1] = ("t%d,create,HelpDesk,,,T %d,Open,@a%d"):format(i, i, i)
      end
      helper.write_file(input, table.concat(lines, "\r\n") .. "\r\n")
    end

    local function work(...)
      return helper.icrm({ "spec/soak/worker.lua", crm.server:url(), crm.server:username(), input,
        journal, "driver=" .. name, ... }, { env = { ICRM_SOAK_KEY = crm.server:key() } })
    end

    it("is planned, applied, killed, resumed and undone", function()
      local before = crm.count "Accounts" + crm.count "HelpDesk"
      write_input()
      for _, point in ipairs { "send", "committed", "reply" } do
        assert.equal(137, work("die_on=" .. point, "die_at=9").code)
      end
      local last = work()
      assert.equal(0, last.code, last.err)
      assert.equal(ROWS, crm.count("Accounts", "cf_icrm LIKE ?", "IC%"))
      assert.equal(ROWS, crm.count("HelpDesk", "cf_icrm LIKE ?", "IC%"))
      assert.equal(2 * ROWS, crm.commits "create")

      local set <close> = changes.open(crm.client, journal, { driver = driver })
      assert.same({ done = 2 * ROWS }, set.store:states())
      assert.same({}, set.store:sessions())
      local way_back <close> = set:undo(crm.dir .. "/undo.icrm")
      assert.equal(driver, way_back.store.driver)
      assert.same({ done = 2 * ROWS }, way_back:apply({ allow_delete = 2 * ROWS }).states)
      assert.equal(before, crm.count "Accounts" + crm.count "HelpDesk")
    end)

    -- One creation that is done, and one update that comes too late.
    local function applied()
      helper.write_file(input, "accountname\r\nA\r\nB\r\n")
      local ticket = crm.client:create("HelpDesk", { ticket_title = "T", ticketstatus = "Open" })
      local set = crm.plan(nil, { driver = driver, source = input,
        source_sha256 = core.digest.sha256_file(input),
        witness = { Accounts = { tag = "cf_icrm" } } })
      set:create("Accounts", { accountname = "A" }, { key = 1, line = 2 })
      set:update(ticket, { ticketstatus = "Closed", parent_id = changes.ref(1) },
        { key = "t", line = 3 })
      crm.client:update("HelpDesk", { id = ticket.id, ticketstatus = "In Progress" })
      assert.same({ done = 1, failed = 1 }, set:apply({ settle = 0.05 }).states)
      return set
    end

    it("answers all that is asked of it", function()
      local set <close> = applied()
      local pieces = {}
      local function write(piece)
        pieces[#pieces + 1] = piece
      end
      assert.equal(exits.STALE, exits.of_set(set))
      assert.equal(1, errors.write(set, write))
      assert.truthy(table.concat(pieces):find('B;"STALE";', 1, true), table.concat(pieces))
      assert.truthy(show.text(set, { full = true }):find("→ Closed", 1, true))
      show.json(set, write)
      assert.truthy(table.concat(pieces):find('"n":2', 1, true))
      local found = audit.run(set)
      assert.same({ 1, 0, 0 }, { found.checked, found.lost, found.duplicates })
      set.store:mark(2, { state = "needs_human" })
      assert.truthy(#by_hand.describe(set, "t") > 1)
      by_hand.mark_absent(set, "t")
      assert.equal(1, cuts.count(set, "HelpDesk", "ticketstatus", 5))
      assert.equal(3, (calls.needed(set)))
    end)
  end)
end

describe("the stricter database", function()
  it("refuses what PostgreSQL would refuse", function()
    local connection, environment = strict.connect ":memory:"
    assert(connection:execute "CREATE TABLE t (name TEXT PRIMARY KEY, n INTEGER)")
    assert(connection:execute "INSERT INTO t (name, n) VALUES ('PRAGMA rowid; AND 1', 1)")
    for _, sql in ipairs { "PRAGMA user_version", "INSERT OR REPLACE INTO t VALUES ('a', 1)",
      "SELECT changes() AS n", "SELECT n FROM t WHERE 1", "SELECT n FROM t WHERE n = 1 AND 1",
      "SELECT n FROM t WHERE name = 1", "CREATE TABLE u (x REAL)" } do
      assert.falsy(connection:execute(sql), sql)
    end
    assert(connection:execute "BEGIN")
    assert.falsy(connection:execute "SELECT * FROM nowhere")
    assert.falsy(connection:execute "SELECT * FROM t")
    assert(connection:execute "ROLLBACK")
    local cursor = assert(connection:execute "SELECT * FROM t WHERE 1 = 1")
    assert.same({ name = "PRAGMA rowid; AND 1", n = "1" }, cursor:fetch({}, "a"))
    cursor:close()
    connection:close()
    environment:close()
  end)
end)
