local helper = require "spec.helper"
local icrm = require "icrm"

describe("what the server is", function()
  local kinds = { initiative = "initiative", vtiger8 = "vtiger8" }
  for profile, kind in pairs(kinds) do
    it("is known for the sandbox's profile " .. profile, function()
      local crm <close> = icrm.connect("sandbox:?profile=" .. profile)
      assert.equal(kind, crm:server().kind)
      assert.equal(crm.version, crm:server().version)
    end)
  end

  it("is told from the version and the modules, else not at all", function()
    local server = require "icrm.server"
    local function kind(version, ...)
      local information = {}
      for _, name in ipairs { ... } do
        information[name] = {}
      end
      return server.of({ version = version, _learnt = {}, expect = function() end,
        list_types = function() return information end }).kind
    end
    assert.equal("corebos", kind("5.5.0", "Accounts"))
    assert.equal("corebos", kind("8.0.0", "Accounts", "cbCalendar"))
    assert.equal("vtiger8", kind("8.0.0", "Accounts"))
    assert.equal("initiative", kind("6.0.0", "Accounts"))
    assert.equal("unknown", kind("7.4.0", "Accounts"))
    assert.equal("unknown", kind(nil))
  end)

  it("says which operations there are, and asks once", function()
    local crm <close> = icrm.connect "sandbox:"
    assert.is_true(crm:server():offers "delete")
    assert.is_true(crm:server():offers "retrieve_related")
    assert.is_false(crm:server():offers "getRelatedRecords")
    local calls = crm.core:stats().calls
    assert.is_false(crm:server():offers "getRelatedRecords")
    assert.equal(calls, crm.core:stats().calls)
  end)

  it("knows the user's own settings where he may read them", function()
    local crm <close> = icrm.connect "sandbox:?profile=vtiger8"
    local settings = crm:own_settings()
    assert.equal("Europe/Paris", settings.time_zone)
    assert.equal(".", settings.decimal_separator)
    assert.equal(2, settings.decimals)
    assert.is_true(settings.is_admin)
  end)

  it("is kept with its date for the next process, and dropped with an upgrade", function()
    local facts = require "icrm.facts"
    local path = helper.tmpdir() .. "/server-1"
    local first, second = facts.open(path, "8.0.0"), facts.open(path, "8.0.0")
    assert.is_true(first:learn("session_lock", true))
    second:learn("logout", "nothing")
    local later = facts.open(path, "8.0.0")
    local value, date = later:get "session_lock"
    assert.is_true(value)
    assert.is_true(math.abs(os.time() - date) < 60)
    assert.equal("nothing", later:get "logout")
    assert.is_nil(later:get "something else")
    assert.is_nil(facts.open(path, "9.0.0"):get "logout")
    later.facts.logout.date = os.time() - 31 * 24 * 3600
    assert.is_nil(later:get "logout")
    helper.write_file(path, "no JSON")
    assert.is_nil(facts.open(path, "8.0.0"):get "logout")
  end)

  it("is not kept for ever, nor from a clock that was wrong", function()
    local facts = require "icrm.facts"
    local kept = facts.open(nil, "a server")
    kept:learn("session_lock", true)
    kept.facts.session_lock.date = os.time() - 7200
    assert.is_true(kept:get "session_lock")
    assert.is_nil(kept:get("session_lock", 3600))
    kept.facts.session_lock.date = os.time() + 7200
    assert.is_nil(kept:get "session_lock")
  end)

  it("is not taken from another server behind the same URL", function()
    local server = require "icrm.server"
    local path = helper.tmpdir() .. "/server-2"
    local function at(user, ...)
      local names, information = { ... }, {}
      for _, name in ipairs(names) do
        information[name] = {}
      end
      return server.of { version = "8.0.0", user = user, facts_file = path, _learnt = {},
        expect = function() end, list_types = function() return information, names end }
    end
    at("19x1", "Accounts"):learn("offers revise", true)
    assert.is_true(at("19x1", "Accounts"):fact "offers revise")
    assert.is_nil(at("19x1", "Accounts", "Invoice"):fact "offers revise")
    assert.is_nil(at("19x5", "Accounts"):fact "offers revise")
  end)

  it("is known to the next client of a file's sandbox without asking", function()
    local url = "sandbox:" .. helper.tmpdir() .. "/crm.db"
    local one <close> = icrm.connect(url)
    assert.is_true(one:server():offers "revise")
    one:close()
    local two <close> = icrm.connect(url)
    two:server()
    local calls = two.core:stats().calls
    assert.is_true(two:server():offers "revise")
    assert.equal(calls, two.core:stats().calls)
  end)
end)
