-- Values that the CRM takes once, in plans that a script makes. Imports: see
-- spec/import/uniqueness_spec.lua.
local changes = require "icrm.changes"
local errors = require "icrm.error"
local helper = require "spec.helper"
local icrm = require "icrm"

describe("values that the CRM takes once", function()
  local crm, existing, other

  setup(function()
    crm = icrm.connect "sandbox:?profile=vtiger8" -- accountname is unique there
    existing = crm:create("Accounts", { accountname = "Société Existante" })
    other = crm:create("Accounts", { accountname = "Autre" })
  end)

  teardown(function()
    crm:close()
  end)

  local function plan(path)
    return changes.plan(crm, path or helper.tmpdir() .. "/set.icrm", { input = "spec" })
  end

  local function refused(set)
    local ok, err = pcall(set.seal, set)
    assert.is_false(ok)
    assert.is_true(errors.is(err, "input"), tostring(err))
    return err
  end

  it("are free: nothing is said", function()
    local set <close> = plan()
    set:create("Accounts", { accountname = "Neuve" })
    set:update(existing.id, { accountname = "Société existante", phone = "1" }) -- its own
    set:seal()
    assert.same({ planned = 2 }, set.store:states())
  end)

  it("of other records and of other changes are told at once, before anything is sent", function()
    local set <close> = plan()
    set:create("Accounts", { accountname = "societe existante" }, { key = "a", line = 7 })
    set:create("Accounts", { accountname = "Été" }, { key = "b" })
    set:create("Accounts", { accountname = "ETE" }, { key = "c" })
    set:update(other.id, { accountname = "SOCIETE EXISTANTE" }, { key = "d" })
    local err = refused(set)
    assert.equal(3, #err.faults)
    assert.truthy(err.message:find(('a (line 7): accountname "societe existante" is the '
      .. "accountname of %s already"):format(existing.id), 1, true), err.message)
    assert.truthy(err.message:find('c: accountname "ETE" is in change "b" already', 1, true))
    assert.truthy(err.message:find("nothing was sent", 1, true))
    assert.has_error(function() set:apply() end)
    assert.equal(2, crm:count "Accounts")
  end)

  it("are asked for in batches", function()
    local set <close> = plan()
    local calls = crm.core:stats().calls
    for i = 1, 120 do
      set:create("Accounts", { accountname = "Lot " .. i })
    end
    set:seal()
    assert.is_true(crm.core:stats().calls - calls <= 8, crm.core:stats().calls - calls)
  end)

  it("that are not free are told to whoever opens the file, too", function()
    local path = helper.tmpdir() .. "/set.icrm"
    local first = plan(path)
    first:create("Accounts", { accountname = "Autre" })
    refused(first)
    first:close()
    local again <close> = plan(path)
    assert.truthy(refused(again).message:find("of " .. other.id .. " already", 1, true))
  end)

  it("may be set twice on one record, and are left to the server where that is wanted", function()
    local set <close> = plan()
    set:update(other.id, { accountname = "Une" })
    set:update(other.id, { accountname = "Une" })
    set:create("Accounts", { accountname = "Autre", assigned_user_id = crm.user },
      { check = false })
    set:seal()
    assert.same({ planned = 2, skipped = 1 }, set.store:states())
  end)
end)
