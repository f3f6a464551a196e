local changes = require "icrm.changes"
local changes_crm = require "spec.changes.crm"
local helper = require "spec.helper"

describe("a plan", function()
  local crm

  before_each(function()
    crm = changes_crm.start {}
  end)

  after_each(function()
    crm.close()
  end)

  local function raises(text, fn, ...)
    local ok, err = pcall(fn, ...)
    assert.falsy(ok)
    assert.truthy(tostring(err):find(text, 1, true), tostring(err))
    return err
  end

  it("sends nothing", function()
    local plan <close> = crm.plan()
    plan:create("Accounts", { accountname = "A" })
    plan:seal()
    assert.equal(0, crm.commits "create")
  end)

  it("refuses values that the CRM would spoil, naming the row", function()
    local plan <close> = crm.plan()
    local err = raises("ticketstatus", plan.create, plan, "HelpDesk",
      { ticket_title = "T", ticketstatus = "Opn" }, { key = "row", line = 7 })
    assert.equal("input", err.kind)
    assert.truthy(err.message:find("row (line 7)", 1, true))
  end)

  it("knows one change by each key", function()
    local plan <close> = crm.plan()
    plan:create("Accounts", { accountname = "A" }, { key = "a" })
    raises('key "a" is used twice', plan.create, plan, "Accounts", { accountname = "B" },
      { key = "a" })
    plan.store:flush()
    raises('key "a" is used twice', plan.create, plan, "Accounts", { accountname = "B" },
      { key = "a" })
  end)

  it("gives the same row of the same input the same tag, and no other", function()
    local function tags(name, input)
      local plan <close> = crm.plan(name, { input = input })
      plan:create("Accounts", { accountname = "A" }, { key = "a" })
      plan:create("Accounts", { accountname = "B" }, { key = "b" })
      plan:seal()
      return plan.store:get(1).tag, plan.store:get(2).tag
    end
    local a, b = tags("1.icrm", "file")
    local again = tags("2.icrm", "file")
    local other = tags("3.icrm", "other")
    assert.equal(a, again)
    assert.truthy(a ~= b and a ~= other)
    assert.truthy(a:find "^IC[A-Z2-9]+$" and #a == 20)
  end)

  it("lets a row refer to a later one, but to nothing outside and not in a circle", function()
    local plan <close> = crm.plan()
    plan:create("HelpDesk", { ticket_title = "T", ticketstatus = "Open",
      parent_id = changes.ref "later" }, { key = "t" })
    raises('refers to "later", which is not in this plan', plan.seal, plan)
    plan:create("Accounts", { accountname = "A" }, { key = "later" })
    plan:seal()
    assert.equal(2, plan:apply().states.done)
    local ticket = crm.client:retrieve(plan.store:by_key("t").record)
    assert.equal(plan.store:by_key("later").record, ticket.parent_id)

    local circle <close> = crm.plan "circle.icrm"
    circle:create("Accounts", { accountname = "A", account_id = changes.ref "b" }, { key = "a" })
    circle:create("Accounts", { accountname = "B", account_id = changes.ref "a" }, { key = "b" })
    raises("refers, through others, to itself", circle.seal, circle)
  end)

  it("keeps what differs of an update, counts what does not", function()
    local ticket = crm.client:create("HelpDesk", { ticket_title = "T", ticketstatus = "Open" })
    local plan <close> = crm.plan()
    plan:update(ticket, { ticketstatus = "Ouvert", solution = "s" })
    plan:update(crm.client:create("HelpDesk", { ticket_title = "U", ticketstatus = "Open" }),
      { ticketstatus = "Open" })
    plan:seal()
    assert.equal('{"solution":"s"}', plan.store:get(1).fields)
    assert.equal("UNCHANGED", plan.store:get(2).code)
    assert.same({ done = 1, skipped = 1 }, plan:apply().states)
  end)

  it("merges two updates of one record, and counts both", function()
    local id = crm.client:create("HelpDesk", { ticket_title = "T", ticketstatus = "Open" }).id
    local plan <close> = crm.plan()
    plan:update(id, { solution = "first" }, { key = "a" })
    plan:create("Accounts", { accountname = "A" }, { key = "n" })
    plan:update(id, { solution = "second", ticketstatus = "Closed",
      parent_id = changes.ref "n" }, { key = "b" })
    plan:seal()
    local merged = plan.store:by_key "b"
    assert.equal("MERGED", merged.code)
    assert.truthy(merged.message:find('part of change "a"', 1, true))
    assert.same({ done = 2, skipped = 1 }, plan:apply().states)
    assert.equal(1, crm.commits "revise")
    local ticket = crm.client:retrieve(id)
    assert.equal("second", ticket.solution)
    assert.equal("Closed", ticket.ticketstatus)
    assert.equal(plan.store:by_key("n").record, ticket.parent_id)
  end)

  it("has a tag only in a field that keeps it", function()
    for field, text in pairs {
      nothere = 'no field "nothere"',
      accounttype = "is of type picklist",
      createdtime = "is read-only",
    } do
      local plan <close> = crm.plan(field .. ".icrm", { witness = { Accounts = { tag = field } } })
      raises(text, plan.create, plan, "Accounts", { accountname = "A" })
    end
    local plan <close> = crm.plan()
    raises("is the field of the tags", plan.create, plan, "Accounts",
      { accountname = "A", cf_icrm_token = "mine" })
  end)

  it("is of one CRM and one user", function()
    local plan = crm.plan()
    plan:seal()
    plan:close()
    local other = changes_crm.start {}
    raises("was planned for host", changes.open, other.client, plan.path)
    other.close()
  end)

  it("that was interrupted is not applied", function()
    local plan = crm.plan()
    plan:create("Accounts", { accountname = "A" })
    plan.store:flush()
    plan:close()
    local torn <close> = changes.open(crm.client, plan.path)
    raises("the planning of", torn.apply, torn)
    assert.equal(0, crm.commits "create")
  end)

  it("is locked while it is open, but can be looked at", function()
    local plan <close> = crm.plan()
    plan:seal()
    raises("is open already in this program", changes.open, crm.client, plan.path)
    local look <close> = changes.open(nil, plan.path, { read_only = true })
    assert.equal(0, look.store:count())
    local other = helper.icrm({ "resume", plan.path }, { env = {
      ICRM_URL = crm.server:url(), ICRM_USERNAME = "admin", ICRM_ACCESS_KEY = crm.server:key() } })
    assert.equal(75, other.code)
    assert.truthy(other.err:find("in use by another process", 1, true))
  end)

  it("that is not there is said to be so, and is not made", function()
    local path = crm.dir .. "/none.icrm"
    raises("there is no such file", changes.open, nil, path, { read_only = true })
    assert.falsy(io.open(path))
  end)

  it("is a file of its owner alone, and no other file is taken for one", function()
    local plan <close> = crm.plan()
    local pipe = assert(io.popen("stat -c %a " .. plan.path))
    assert.equal("600", pipe:read "l")
    pipe:close()
    local path = helper.tmpfile("no database at all, but long enough to be read as one", "x.icrm")
    assert(os.execute("chmod 600 " .. path))
    assert.falsy(pcall(changes.open, nil, path))
  end)

  it("of many rows takes no memory for them", function()
    local plan <close> = crm.plan()
    local function add(from, to)
      for i = from, to do
        plan:create("Accounts", { accountname = "Société " .. i, bill_city = "Lyon" },
          { key = "row " .. i })
      end
      collectgarbage()
      return collectgarbage "count"
    end
    local after_few = add(1, 2000)
    local after_many = add(2001, 8000)
    assert.truthy(after_many - after_few < 512, ("%.0f KB more"):format(after_many - after_few))
  end)

  it("is shown with deletions first and old values beside new ones", function()
    local ticket = crm.client:create("HelpDesk", { ticket_title = "T", ticketstatus = "Open" })
    local gone = crm.client:create("HelpDesk", { ticket_title = "Z", ticketstatus = "Open" })
    local plan <close> = crm.plan()
    plan:create("Accounts", { accountname = "Neuf \27[2J" })
    plan:update(ticket, { ticketstatus = "Closed" })
    plan:delete(gone)
    local text = plan:show()
    local delete, update, create = text:find("- HelpDesk  (1)", 1, true),
      text:find("~ HelpDesk: ticketstatus  (1)", 1, true), text:find("+ Accounts  (1)", 1, true)
    assert.truthy(delete < update and update < create)
    assert.truthy(text:find("ticketstatus: Open → Closed", 1, true))
    assert.truthy(text:find("cannot be brought back", 1, true))
    assert.falsy(text:find("\27", 1, true))
  end)
end)
