-- What a query misses before a CRM that reads queries by their words is said.
local helper = require "spec.helper"
local icrm = require "icrm"
local query = require "icrm.query"

local LIST = "It's not in (scope), l'an 2"
local COMPANY = "L'Oréal (Lyon). S.A."
local EQUAL = "SELECT id FROM Accounts WHERE accountname = ?"
local LISTED = "SELECT id FROM Accounts WHERE accountname IN (?)"

describe("a query with a value that the CRM misreads", function()
  local crm

  setup(function()
    crm = icrm.connect "sandbox:?profile=corebos"
    for _, name in ipairs { LIST, COMPANY, "Beta", "fin is null" } do
      crm:create("Accounts", { accountname = name })
    end
  end)

  teardown(function()
    crm:close()
  end)

  local function refusal(...)
    local asked = crm:query(...)
    local err = helper.raised(asked.all, asked)
    assert.equal("decode", err.kind)
    return err.message
  end

  it("is not answered with nothing where the record is there", function()
    local message = refusal(EQUAL, LIST)
    assert.matches("^the CRM has 11x%d+, whose accountname is \"It's not in", message)
    -- What it says to write finds the record.
    local condition = assert(message:match "write (.*)$")
    assert.equal(1, crm:count("Accounts", condition))
    assert.matches("does not find it by =", helper.raised(crm.count, crm, "Accounts",
      "accountname = ?", LIST).message)
  end)

  it("is not answered in part where a list is cut", function()
    local message = refusal(LISTED, { "Beta", COMPANY })
    local condition = assert(message:match "write (.*) outside of the list$")
    assert.equal(2, crm:count("Accounts", "accountname IN ('Beta') OR " .. condition))
  end)

  it("is believed where the CRM finds what is there, or nothing is", function()
    assert.equal(1, #crm:query(EQUAL, "fin is null"):all())
    assert.equal(0, #crm:query(EQUAL, "nobody is null"):all())
    assert.equal(0, #crm:query(LISTED, { "No (where)" }):all())
    assert.equal(1, #crm:query("SELECT id FROM Accounts WHERE accountname != ? AND accountname = ?",
      LIST, "Beta"):all())
  end)

  it("costs no more on a server that reads values as values", function()
    local other <close> = icrm.connect "sandbox:?profile=vtiger8"
    other:list_types()
    local sent, send = 0, other.send
    function other.send(...)
      sent = sent + 1
      return send(...)
    end
    local function cost(names)
      local before = sent
      query.new(other, LISTED, names):all()
      return sent - before
    end
    assert.equal(cost { "a", "c" }, cost { "a (b)", "c" })
  end)
end)
