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
end)
