-- What a query takes for its answer, before a CRM that reads queries by their words.
local helper = require "spec.helper"
local icrm = require "icrm"
local lookup = require "icrm.query.lookup"
local model = require "spec.query_model"
local query = require "icrm.query"

local raised = helper.raised

local NAMES = { "Beta", "L'Alpha", "Enseignes (Lyon)", "Enseignes (Metz) SARL", "Virgule, Fils",
  "Dupont, Fils (Paris) S.A.", "L'An (2)", "Anti\\slash", "Point. Com",
  "It's not in (scope), l'an 2", "Please [OK]", "nowhere [x] where [y]", "100% Pur_e",
  "'entre' (deux)", "la fin '", "the value is null. (really)", "Cite \"double\"", "A;b", "null",
  "where", "made in (France)", "le count(er) d'ici", "Élan" }

describe("a CRM that reads a part of a value as a part of the query", function()
  local crm

  setup(function()
    crm = icrm.connect "sandbox:?profile=corebos"
    for _, name in ipairs(NAMES) do
      crm:create("Accounts", { accountname = name })
    end
  end)

  teardown(function()
    crm:close()
  end)

  it("finds every key of a look-up", function()
    local found = {}
    for _, row in ipairs(lookup.find(crm, "Accounts", "accountname", NAMES)) do
      found[row.accountname] = row.id
    end
    for _, name in ipairs(NAMES) do
      assert.truthy(found[name], name)
    end
  end)

  it("is not believed when it drops the conditions", function()
    for _, text in ipairs { "SELECT id, accountname FROM Accounts WHERE accountname = ?",
        "SELECT id FROM Accounts WHERE accountname IN (?)",
        "SELECT count(*) FROM Accounts WHERE accountname = ?",
        "SELECT * FROM Accounts WHERE accountname = ? ORDER BY accountname" } do
      local err = raised(function() crm:query(text, "nowhere [x] where [y]"):all() end)
      assert.equal("decode", err.kind, text)
      assert.matches("a part of a value as a part of the query", err.message)
    end
    local err = raised(function()
      crm:query("SELECT * FROM Accounts WHERE accountname = ?", "nowhere [x] where [y]"):count()
    end)
    assert.equal("decode", err.kind)
  end)

  it("is believed in all else", function()
    local function names(...)
      local list = {}
      for row in crm:query(...):each() do
        list[#list + 1] = row.accountname
      end
      return list
    end
    local text = "SELECT accountname FROM Accounts WHERE accountname = ?"
    assert.same({ "Please [OK]" }, names(text, "Please [OK]"))
    assert.same({ "Élan" }, names(text, "elan"))
  end)
end)

describe("an answer", function()
  it("is of the module that was asked", function()
    local crm <close> = icrm.connect "sandbox:?faults=at query#2 swapped"
    crm:describe "HelpDesk"
    crm:query("SELECT id FROM Contacts LIMIT 1"):first()
    local err = raised(function() crm:query("SELECT id FROM HelpDesk LIMIT 1"):first() end)
    assert.equal("decode", err.kind)
    assert.matches("^the CRM was asked for records of HelpDesk and gave %d+x%d+, which is none",
      err.message)
  end)

  it("to a query with brackets must fit the conditions, one alternative of them", function()
    local client = model.new(3, function(n) return ({ "a [b]", "C", "é" })[n] end)
    local function asked(condition)
      local plain = query.new(client, "SELECT * FROM Things WHERE " .. condition)
      client.answer = function(self, text)
        return text:find "count" and { { count = "0" } } or text:find "> '7x" and {} or self.rows
      end
      return plain:all()
    end
    assert.equal(3, #asked "name = 'a [b]' OR name = 'c ' OR name = 'E'")
    assert.equal(3, #asked "name != '['")
    assert.equal(3, #asked "other = 'a [b]'")
    local err = raised(function() asked "name = 'c' AND id != '7x2' OR name = 'a [b]'" end)
    assert.matches("^the CRM answered with 7x3, which does not fit the conditions", err.message)
  end)

  it("to a count is one row with a number", function()
    local client = model.new(3)
    local function counted(answer)
      client.answer = function() return answer end
      return raised(function() query.new(client, "SELECT count(*) FROM Things"):all() end).message
    end
    assert.matches("^count%(%*%) of Things gave nothing: the CRM's own query failed", counted {})
    assert.matches("gave records instead of a number", counted { { id = "7x1" }, { id = "7x2" } })
    assert.matches("gave records instead of a number", counted { { id = "7x1" } })
    assert.equal("count(*) of Things gave no number", counted { { count = "many" } })
  end)
end)
