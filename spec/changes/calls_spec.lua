-- The number of calls that is foretold is the number that the server sees.
local calls = require "icrm.changes.calls"
local changes = require "icrm.changes"
local changes_crm = require "spec.changes.crm"
local helper = require "spec.helper"

local NOT_COUNTED = { getchallenge = true, login = true, logout = true }

describe("the calls of a change set", function()
  local crm

  after_each(function()
    crm.close()
  end)

  local function seen()
    local n = 0
    for _, event in ipairs(crm.server:log()) do
      n = n + (NOT_COUNTED[event.operation] and 0 or 1)
    end
    return n
  end

  -- Apply and compare; returns the number.
  local function agrees(plan, options)
    plan:seal()
    local before = seen()
    local foretold, made = calls.needed(plan)
    local summary = plan:apply(options)
    assert.equal(0, summary.remaining)
    assert.equal(foretold, seen() - before)
    assert.equal(0, (calls.needed(plan)))
    return foretold, made
  end

  local function mixed(plan)
    for i = 1, 30 do
      plan:create("Accounts", { accountname = "Société " .. i }, { key = "row " .. i })
    end
    for i = 1, 5 do
      plan:create("HelpDesk", { ticket_title = "Billet " .. i, ticketstatus = "Open",
        parent_id = changes.ref("row " .. i) }, { key = "ticket " .. i })
    end
    local tickets = crm.client:from("HelpDesk"):first(8)
    for i, ticket in ipairs(tickets) do
      if i <= 5 then
        plan:update(ticket, { ticket_title = "Autrement " .. i })
      else
        plan:delete(ticket)
      end
    end
  end

  it("are counted for creates, updates and deletes", function()
    crm = changes_crm.start {}
    local plan <close> = crm.plan()
    mixed(plan)
    assert.same({ 30 + 5 + 2 * 2 + 2 * 8 + 1 + 3, 43 }, { agrees(plan, { allow_delete = 3 }) })
  end)

  it("are fewer where nothing can be looked for", function()
    crm = changes_crm.start {}
    local plan <close> = crm.plan("set.icrm", { witness = {} })
    mixed(plan)
    assert.equal(30 + 5 + 2 * 8 + 1 + 3, (agrees(plan, { allow_delete = 3 })))
  end)

  it("include the description of modules that nobody has described yet", function()
    crm = changes_crm.start {}
    local plan = crm.plan("set.icrm", { witness = {} })
    mixed(plan)
    plan:seal()
    plan:close()
    crm.client._schemas = {}
    local again <close> = changes.open(crm.client, crm.dir .. "/set.icrm")
    assert.equal(30 + 5 + 2 * 8 + 2 + 1 + 3, (agrees(again, { allow_delete = 3 })))
  end)

  for profile, each in pairs { initiative = 2, vtiger8 = 4 } do
    it("are counted for attachments, as " .. profile .. " takes them", function()
      crm = changes_crm.start { profile = profile, fields = {} }
      local path = helper.tmpfile("contenu", "photo.txt")
      local plan <close> = crm.plan("set.icrm", { witness = {} })
      local ticket = crm.client:create("HelpDesk", { ticket_title = "T", ticketstatus = "Open",
        ticketpriorities = "Low" })
      for _ = 1, 3 do
        plan:attach(ticket, path)
      end
      assert.equal(3 * each + 2, (agrees(plan)))
    end)
  end

  it("are those that are left, when it was stopped before", function()
    crm = changes_crm.start { lanes = 1 }
    local plan <close> = crm.plan("set.icrm", { witness = {} })
    for i = 1, 20 do
      plan:create("Accounts", { accountname = "Société " .. i }, { key = "row " .. i })
    end
    plan:seal()
    plan.store:mark(1, { state = "done", record = "3x1" })
    assert.equal(19 + 1, (agrees(plan)))
  end)
end)
