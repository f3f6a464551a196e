-- What may still be at work on a session, and what that means for absence.
local changes_crm = require "spec.changes.crm"
local fence = require "icrm.changes.send.fence"

describe("the end of a session", function()
  local crm

  after_each(function()
    crm.close()
  end)

  local function start(options)
    options.lanes = options.lanes or 1
    crm = changes_crm.start(options)
    local plan = crm.plan()
    for i = 1, options.rows or 4 do
      plan:create("Accounts", { accountname = "Société " .. i }, { key = "row " .. i })
    end
    plan:seal()
    return plan
  end

  local function codes(plan)
    local list = {}
    for change in plan.store:each { states = { "needs_human" } } do
      list[#list + 1] = change.code
    end
    return table.concat(list, " ")
  end

  -- As a crash leaves it: the process is gone while the third create is under way.
  local function crash(plan)
    local sent = 0
    assert.falsy(pcall(plan.apply, plan, { settle = 0.02, on_point = function(name)
      sent = sent + (name == "send" and 1 or 0)
      assert(sent < 3 or name ~= "poll", "the end of the process")
    end }))
  end

  it("is not taken for granted because no session is in the file", function()
    local plan <close> = start {}
    crash(plan)
    plan.store:run "DELETE FROM sessions"
    local states = plan:apply({ settle = 0.02 }).states
    assert.equal(4, (states.done or 0) + (states.needs_human or 0))
    assert.equal(crm.commits "create", states.done)
    if states.needs_human then
      assert.equal("NO_FENCE", codes(plan))
    end
  end)

  it("is not doubted where nothing can have left yet", function()
    local plan <close> = start {}
    assert.falsy(pcall(plan.apply, plan, { on_point = function(name)
      assert(name ~= "committed" or plan.store:get(1).state ~= "sending", "the end")
    end }))
    assert.equal("sending", plan.store:get(1).state)
    assert.same({ done = 4 }, plan:apply({ settle = 0.02 }).states)
    assert.equal(4, crm.commits "create")
  end)

  it("is remembered while anything is in doubt, and forgotten then", function()
    local plan <close> = start { faults = "logout=lies; at create#2 before_commit reset" }
    assert.same({ done = 3, needs_human = 1 }, plan:apply({ settle = 0.02 }).states)
    assert.equal("NO_FENCE", codes(plan))
    assert.truthy(#plan.store:sessions() > 0)
    assert.same({ done = 3, needs_human = 1 }, plan:apply({ settle = 0.02 }).states)
    plan.store:mark(2, { state = "failed", code = false })
    plan:apply { settle = 0.02 }
    assert.same({}, plan.store:sessions())
  end)

  it("proves nothing where it came from a lock that gave up", function()
    local plan <close> = start { traits = "lock-gives-up=1500",
      faults = "at create#2 before_commit stall=4000" }
    local client <close> = require("icrm").connect { url = crm.server:url(), lanes = 1,
      username = crm.server:username(), access_key = crm.server:key(), timeout = 1.2 }
    plan.client = client
    local states = plan:apply({ settle = 0.02 }).states
    assert.same({ done = 4 - (states.needs_human or 0), needs_human = states.needs_human }, states)
    assert.truthy(states.needs_human == nil or codes(plan) == "SLOW")
    plan:apply { settle = 5 }
    assert.equal(4, crm.count("Accounts", "cf_icrm_token LIKE 'IC%'"))
  end)

  it("proves nothing where a lock gave up between two tries to end it", function()
    local plan <close> = start { traits = "lock-gives-up=1500",
      faults = "at create#2 before_commit stall=7000" }
    local client <close> = require("icrm").connect { url = crm.server:url(), lanes = 1,
      username = crm.server:username(), access_key = crm.server:key(), timeout = 1 }
    client:server():learn("session_lock", true)
    plan.client = client
    local states = plan:apply({ settle = 0.02 }).states
    assert.equal(1, plan.store:get(2).attempts)
    assert.truthy(states.done == 4 or states.needs_human == 1)
  end)

  -- How a doubt fares whose session took so many seconds to end.
  local function ended_after(seconds, has_hung)
    local plan <close> = start {}
    crash(plan)
    local clock = 0
    local function now()
      clock = clock + seconds
      return clock
    end
    local noted
    local run = { client = crm.client, engine = { now = now, mark = function() end,
      has_waited = function(_, s) return s > 1 end,
      note_wait = function(_, s) noted = s end } }
    local doubt = { change = { module = "Accounts" }, has_hung = has_hung,
      sessions = { crm.client.core:import_session(plan.store:sessions()[1].session) } }
    local fenced = fence.all({ run = run, store = plan.store, fenced = {} },
      { commit = function() end }, { doubt })
    assert.equal(1, #fenced)
    crm.close()
    return doubt.is_slow or false, noted
  end

  it("makes absence wait as long, and not count where a lock may have given up", function()
    for _, case in ipairs { { 0.1, true, false }, { 20, false, false, 20 }, { 20, true, true, 20 },
      { 60, false, true, 60 } } do
      local is_slow, noted = ended_after(case[1], case[2])
      assert.equal(case[3], is_slow, case[1])
      assert.equal(case[4], noted)
    end
    start {}
  end)

  it("is seen by order where the server has no logout and its sessions are queues", function()
    local plan <close> = start { profile = "vtiger8-stock", rows = 12,
      faults = "at create#33 before_commit reset; p=1 query stall=40" }
    for i = 1, 30 do
      crm.client:create("Contacts", { lastname = "Contact " .. i })
    end
    assert.same({ done = 12 }, plan:apply({ settle = 0.05 }).states)
    assert.equal(12, crm.count("Accounts", "cf_icrm_token LIKE 'IC%'"))
  end)

  it("goes to a person where the server has no logout and no queue", function()
    local plan <close> = start { profile = "vtiger8-stock", session_lock = false,
      faults = "at create#3 before_commit reset" }
    assert.same({ done = 3, needs_human = 1 }, plan:apply({ settle = 0.02 }).states)
    assert.equal("NO_FENCE", codes(plan))
    assert.truthy(require("icrm.changes.journal.state").cure(plan.path, plan.store:get(3))
      :find("resend", 1, true))
  end)

  local function logouts()
    local n = 0
    for _, event in ipairs(crm.server:log()) do
      n = n + (event.operation == "logout" and 1 or 0)
    end
    return n
  end

  for tries, known in pairs { [1] = true, [4] = false } do
    it(("is tried %d times where it is %s that logout ends nothing"):format(tries,
      known and "known" or "not known"), function()
      local plan <close> = start { profile = "vtiger8-stock", session_lock = false,
        faults = "at create#3 before_commit reset" }
      local server = plan.client:server()
      server:learn("session_lock", false) -- not looked for
      if known then
        server:learn("logout", false)
      end
      assert.same({ done = 3, needs_human = 1 }, plan:apply({ settle = 0.02 }).states)
      assert.equal(tries, logouts())
    end)
  end

  it("that a kept fact calls impossible is believed when it is seen", function()
    local plan <close> = start { profile = "vtiger8", faults = "at create#3 before_commit reset" }
    plan.client:server():learn("logout", false)
    assert.same({ done = 4 }, plan:apply({ settle = 0.02 }).states)
    assert.is_true(plan.client:server():fact "logout")
  end)
end)
