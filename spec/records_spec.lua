-- Reading single records, and doing so as a user who sees little.
local helper = require "spec.helper"
local icrm = require "icrm"
local sandbox = require "icrm.sandbox"

describe("retrieve", function()
  it("takes no other record for the one that was asked for", function()
    local crm <close> = icrm.connect "sandbox:?faults=at retrieve#2 swapped"
    local first = crm:create("HelpDesk", { ticket_title = "Un", ticketstatus = "Open" })
    local second = crm:create("HelpDesk", { ticket_title = "Deux", ticketstatus = "Open" })
    assert.equal("Un", crm:retrieve(first).ticket_title)
    local err = helper.raised(crm.retrieve, crm, second.id)
    assert.equal("decode", err.kind)
    assert.equal(("the CRM was asked for %s and gave %s; nothing of this answer is used")
      :format(second.id, first.id), err.message)
    assert.equal("Deux", crm:retrieve(second).ticket_title)
  end)
end)

describe("a user who may not see the module Users", function()
  local server, admin, crm

  setup(function()
    server = sandbox.start { profile = "vtiger8" }
    local function connect(user)
      return icrm.connect { url = server:url(), username = user, access_key = server:key(user),
        insecure = true }
    end
    admin, crm = connect "admin", connect "jdupont"
  end)

  teardown(function()
    crm:close()
    admin:close()
    server:stop()
  end)

  local function planned(text)
    local job <close> = require("icrm.import").open(crm, {
      path = helper.tmpfile(text, "rows.csv"), mapping = { module = "HelpDesk", match = true } })
    local set <close> = crm:plan(helper.tmpdir() .. "/set.icrm")
    require("icrm.import.plan").fill(job, set)
    return set.store:how_many { states = { "planned" } }
  end

  it("can plan records for himself and for others", function()
    assert.error_matches(function() crm:describe "Users" end, "there is no module")
    local row = "ticket_title,ticketstatus,ticketpriorities,assigned_user_id\nA,Open,Low,%s\n"
    for _, owner in ipairs { crm.user, admin.user } do
      assert.equal(1, planned(row:format(owner)))
    end
  end)

  it("is told when a report needs it", function()
    local schema = crm:describe "HelpDesk"
    local err = helper.raised(require("icrm.query.join").path, crm, schema,
      "assigned_user_id.user_name")
    assert.matches("^assigned_user_id.user_name: jdupont may not see the module Users",
      err.message)
  end)
end)

for _, profile in ipairs { "initiative", "vtiger8", "corebos" } do
  describe("a record given back on " .. profile, function()
    local crm

    before_each(function()
      crm = icrm.connect("sandbox:?demo=off&profile=" .. profile)
    end)
    after_each(function()
      crm:close()
    end)

    -- What was sent is seen in what the server converted, rounded or emptied.
    it("is changed where it was changed, and sent no further", function()
      local account = crm:create("Accounts", { accountname = "A", annual_revenue = "12.5",
        description = "É & <b>" })
      local record = crm:retrieve(account.id)
      record.phone = "0102"
      local stored, outcome = crm:update("Accounts", record)
      assert.same({}, outcome)
      assert.equal("0102", stored.phone)
      local now = crm:retrieve(account.id)
      for _, name in ipairs { "accountname", "annual_revenue", "description" } do
        assert.equal(record[name], now[name])
      end
    end)

    it("is not sent at all when nothing is new, and no typing error is swallowed", function()
      local record = crm:retrieve(crm:create("Accounts", { accountname = "A" }).id)
      local sent = #crm._owner:log()
      assert.equal(record.id, crm:update("Accounts", record).id)
      for _, event in ipairs(crm._owner:log(sent)) do
        assert.is_false(event.committed)
      end
      record.phnoe = "0102"
      assert.matches('no field "phnoe"', helper.raised(crm.update, crm, "Accounts", record).message)
    end)
  end)
end
