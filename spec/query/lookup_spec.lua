local core = require "icrm.core"
local helper = require "spec.helper"
local lookup = require "icrm.query.lookup"
local model = require "spec.query_model"
local query = require "icrm.query"
local text_tools = require "icrm.text"

local NAMES = { "Beta", "L'Alpha", "Enseignes (Lyon)", "Dupont, Fils (Paris) S.A.",
  "It's not in (scope), l'an 2", "nowhere [x] where [y]", "Anti\\slash", "Élan" }

local function unquoted(token)
  local text = token:match "^'(.*)'$" or token
  return (text:gsub("''", "'"):gsub("\\\\", "\\"))
end

local function pattern(token)
  local text = unquoted(token):gsub("\\([%%_])", "\1%1"):gsub("[%^%$%(%)%.%[%]%*%+%-%?]", "%%%0")
  text = text:gsub("\1(.)", "\1%1"):gsub("\1?_", function(sign)
    return sign == "_" and ".[\128-\191]*" or "_"
  end):gsub("\1", "%%")
  return "^" .. text_tools.fold(text) .. "$"
end

local function fits(row, condition)
  local have = text_tools.fold(row[condition.field] or "")
  for _, token in ipairs(condition.values) do
    local same = condition.operator == "LIKE" and have:find(pattern(token))
      or have == text_tools.fold(unquoted(token))
    if same then
      return condition.operator ~= "!="
    end
  end
  return condition.operator == "!="
end

-- A server whose records are `names`; `flaw` alters what a query finds.
local function server(names, flaw)
  local client = model.new(#names, function(n) return names[n] end)
  client.flaw = flaw or function(_, rows) return rows end
  client.expect = function() end
  function client:query(...)
    return query.new(self, ...)
  end
  function client:answer(text)
    self.sent[#self.sent + 1] = text
    local facts = assert(core.vtql.parse(text)):facts()
    local rows = {}
    for _, row in ipairs(self.rows) do
      local keep = #facts.conditions == 0
      for _, condition in ipairs(facts.conditions) do
        local bound = condition.field == "id" and condition.operator == ">"
        keep = keep or not bound and fits(row, condition)
      end
      rows[#rows + 1] = keep and row or nil
    end
    rows = self.flaw(text, rows, self)
    if facts.select == "count" then
      return { { count = "0" } }
    end
    return text:find " > '7x" and {} or rows
  end
  return client
end

-- What coreBOS makes of a list: it ends at the first parenthesis inside a value;
-- then another engine answers, which misses values with certain signs.
local function cut_lists(text, rows)
  local list = text:match "IN %((.-)%)" or ""
  local _, quotes = list:gsub("'", "")
  if quotes % 2 == 0 then
    return rows
  end
  local kept = {}
  for _, row in ipairs(rows) do
    kept[#kept + 1] = not row.name:find "['\\,]" and row or nil
  end
  return kept
end

local function cancel_where(text, rows, client)
  return text:lower():find " where %[" and client.rows or rows
end

local function taken_for_a_list(text, rows)
  return text:find "not in %(scope" and {} or rows
end

local function found(client, values, opts)
  local names = {}
  for _, row in ipairs(lookup.find(client, "Things", "name", values, opts)) do
    names[#names + 1] = row.name
  end
  table.sort(names)
  return names
end

local function sorted(names)
  local list = table.move(names, 1, #names, 1, {})
  table.sort(list)
  return list
end

describe("a look-up", function()
  for name, flaw in pairs { ["an honest server"] = false, ["lists that are cut"] = cut_lists,
      ["brackets that cancel every condition"] = cancel_where,
      ["words taken for a list"] = taken_for_a_list } do
    it("finds every value with " .. name, function()
      assert.same(sorted(NAMES), found(server(NAMES, flaw or nil), NAMES))
    end)
  end

  it("puts no value with a parenthesis into a list", function()
    local client = server(NAMES)
    found(client, { "Beta", "Enseignes (Lyon)" }, { control = "Beta" })
    assert.equal("SELECT id, name FROM Things WHERE name IN ('Beta', 'Beta') "
      .. "OR name = 'Enseignes (Lyon)' ORDER BY id LIMIT 100;", client.sent[1])
  end)

  it("carries a value that is known to be there, the harder the better", function()
    local client = server { "Beta", "L'Alpha" }
    found(client, { "new" })
    assert.truthy(client.sent[2]:find("'L''Alpha'", 1, true))
  end)

  it("asks without lists where a list does not find what is there", function()
    local client = server(NAMES, function(text, rows)
      return text:find " IN " and {} or rows
    end)
    assert.same({ "Beta", "L'Alpha" }, found(client, { "Beta" }))
  end)

  it("proves nothing where what is there is not found at all", function()
    local client = server({ "Beta", "Gamma" }, function(text, rows)
      return text:find "!=" and rows or {}
    end)
    local err = helper.raised(found, client, { "new" })
    assert.equal("decode", err.kind)
    assert.matches("does not find it by that", err.message)
  end)

  it("refuses rows that were not asked for", function()
    local client = server(NAMES, function(text, rows, self)
      return text:find "IN" and self.rows or rows
    end)
    local err = helper.raised(found, client, { "Beta" })
    assert.equal("decode", err.kind)
    assert.matches("was asked for records of Things by name", err.message)
  end)

  it("takes what differs in case, accents and blanks as asked for", function()
    assert.same({ "Élan" }, found(server { "Élan" }, { "ELAN" }))
    assert.same({ "Елан" }, found(server({ "Елан" }, function(_, _, self)
      return self.rows
    end), { "елан" }, { control = "Елан" }))
  end)

  it("gives a record once, whichever spelling found it", function()
    local names = { "Studio Naïve" }
    for i = 1, 60 do
      names[i + 1] = "X" .. i
    end
    local values = table.move(names, 1, #names, 1, {})
    values[#values + 1] = "studio naive"
    assert.equal(61, #found(server(names), values))
  end)

  it("asks in calls that fit a URL", function()
    local values = {}
    for i = 1, 60 do
      values[i] = ("é"):rep(100) .. i
    end
    local client = server(values)
    assert.equal(60, #found(client, values))
    for _, text in ipairs(client.sent) do
      local _, others = text:gsub("[^%w]", "")
      assert.is_true(#text + 2 * others < 4400, #text)
    end
  end)
end)
