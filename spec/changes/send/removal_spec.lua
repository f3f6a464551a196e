-- Whether a record that was to be deleted is gone, where no other one of its module is
-- left to show that queries work.
local changes_crm = require "spec.changes.crm"
local removal = require "icrm.changes.send.removal"

describe("the deletion of the only record of a module", function()
  local crm

  after_each(function()
    crm.close()
  end)

  local function start(options)
    options.empty, options.lanes = true, 1
    options.traits = "everyone-creates" .. (options.traits or "")
    crm = changes_crm.start(options)
    crm.client:create("Accounts", { accountname = "what a peer can read" })
    return crm.client:create("HelpDesk", { ticket_title = "Z", ticketstatus = "Open",
      ticketpriorities = "Low" })
  end

  local function delete(ticket)
    local plan = crm.plan()
    plan:delete(ticket)
    return plan, plan:apply { settle = 0.02, allow_delete = 1 }
  end

  local USERS = { initiative = "jbrunel", vtiger8 = "jdupont", ["vtiger8-stock"] = "jdupont",
    corebos = "jeanne" }

  for profile, peer in pairs(USERS) do
    for who, user in pairs { administrator = false, peer = peer } do
      it(("is seen by its id after a lost answer: %s, %s"):format(profile, who), function()
        local _ <close>, summary = delete(start { profile = profile, user = user or nil,
          faults = "at delete#1 after_commit close" })
        assert.same({ done = 1 }, summary.states, summary.stopped)
        assert.equal(1, crm.commits "delete")
      end)
    end

    it("is made where the request did not arrive: " .. profile, function()
      local _ <close>, summary = delete(start { profile = profile,
        faults = "at delete#1 before_commit reset" })
      -- Nothing proves on a stock vtiger that the request has ended.
      local is_stock = profile == "vtiger8-stock"
      assert.same(is_stock and { needs_human = 1 } or { done = 1 }, summary.states)
      assert.equal(is_stock and 0 or 1, crm.commits "delete")
    end)
  end

  -- Planned by a peer; then somebody else does something to the record.
  local function in_doubt(options, happens)
    local ticket = start(options)
    local plan <close> = crm.plan()
    plan:delete(ticket)
    plan:seal()
    if happens then
      happens(ticket)
    end
    plan.store:mark(1, { state = "sending", attempts = 1 })
    plan:apply { settle = 0.02, allow_delete = 1 }
    return plan.store:get(1)
  end

  local function as_administrator(method, ...)
    local icrm = require "icrm"
    local admin <close> = icrm.connect { url = crm.server:url(),
      username = crm.server:username(), access_key = crm.server:key() }
    return admin[method](admin, ...)
  end

  it("is left to a person where the record was given to somebody out of sight", function()
    for profile, user in pairs(USERS) do
      if profile ~= "corebos" then -- it was not recorded what coreBOS says then
        local change = in_doubt({ profile = profile, user = user, traits = ",private-owners" },
          function(ticket)
            as_administrator("update", "HelpDesk",
              { id = ticket.id, assigned_user_id = "19x1" }, { partial = true })
          end)
        assert.equal("NO_CONTROL", change.code, profile)
        assert.equal("Z", as_administrator("retrieve", change.record).ticket_title)
        crm.close()
      end
    end
    start {}
  end)

  it("is left to a person where nothing can be read, or not the module any more", function()
    for _, faults in ipairs { "at retrieve#2..99 error=ACCESS_DENIED",
      "at describe#3..99 error=ACCESS_DENIED" } do
      local change = in_doubt({ profile = "vtiger8", faults = faults }, function(ticket)
        crm.client:delete(ticket.id)
      end)
      assert.equal("NO_CONTROL", change.code, faults)
      crm.close()
    end
    start {}
  end)

  it("has no verdict where the server gives no answer", function()
    local ticket = start { faults = "p=1 retrieve before_commit close" }
    ticket.assigned_user_id = crm.client.user
    crm.client:delete(ticket.id)
    local run = { client = crm.client, sees_all = true }
    local verdict, err = removal.verdict(run, { module = "HelpDesk", record = ticket.id,
      before = require("icrm.json").encode(ticket) })
    assert.is_nil(verdict)
    assert.equal("transport", err.kind)
  end)
end)
