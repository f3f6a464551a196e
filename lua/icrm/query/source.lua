--- What one query asks the server: it checks the query before it is sent, sends
-- it in the pages that a walk wants, reads the answers and explains refusals.
-- @module icrm.query.source

local answers = require "icrm.query.answers"
local core = require "icrm.core"
local errors = require "icrm.error"
local literals = require "icrm.query.literals"
local misread = require "icrm.query.misread"

local M = {}

local Source = { __name = "icrm.query.Source" }
Source.__index = Source

--- Make the source of a query.
---
--- @param client icrm.Client
--- @param text string VTQL without places for values
--- @return icrm.query.Source
function M.new(client, text)
  local parsed = errors.check(core.vtql.parse(text))
  local facts = parsed:facts()
  return setmetatable({ client = client, parsed = parsed, facts = facts,
    is_doubtful = answers.are_doubtful(facts) }, Source)
end

--- The same query with another way of reading the answers to its pages.
---
--- @param decode fun(reply: userdata): any, icrm.Error? as for icrm.Client's receive
--- @return icrm.query.Source
function Source:decoded_by(decode)
  return setmetatable({ client = self.client, parsed = self.parsed, facts = self.facts,
    is_doubtful = self.is_doubtful, is_checked = self.is_checked, decode = decode }, Source)
end

--- The same query for the ids of its rows alone.
---
--- @return icrm.query.Source
function Source:of_ids()
  local text = self.parsed:write():gsub("^SELECT .- FROM ", "SELECT id FROM ", 1)
  return M.new(self.client, text)
end

-- ---- Checks ---------------------------------------------------------------------

local function refuse(message, err)
  errors.raise { kind = "query", operation = err and "query", code = err and err.code,
    cause = err, message = message }
end

local function is_id(value, operator)
  local text = literals.unquote(value)
  return text:find "^%d+x%d+$" ~= nil
    or operator == "LIKE" and text:find "^%d+x[%d%%_]*$" ~= nil
end

local REFERENCE_TYPES = { reference = true, owner = true }

-- What follows the x in an id reaches the server's SQL as it is, and without an
-- x an owner makes that SQL fail, which looks like an empty list. So a field that
-- holds ids is compared with ids alone. `always` looks at every condition, else
-- at those that could be one.
local function check_ids(source, always, err)
  for _, condition in ipairs(source.facts.conditions) do
    local field = condition.field
    local could = always or field == "id" or field:find "_id$" or field == "modifiedby"
      or field == "creator"
    for _, value in ipairs(condition.values) do
      if not is_id(value, condition.operator) and (could or value:find("x", 1, true)) then
        local known = source.client:describe(source.facts.module).by_name[field]
        if field == "id" or known and REFERENCE_TYPES[known.type] then
          refuse(("%s %s %s: %s holds a record id, such as '3x262015'; '3x0' stands for none")
            :format(field, condition.operator, value, field), err)
        end
      end
    end
  end
end

-- An unknown field in ORDER BY makes the SQL fail too.
local function check_order(source)
  for _, name in ipairs(source.facts.order) do
    if name ~= "id" then
      local schema = source.client:describe(source.facts.module)
      if not schema.by_name[name] then
        local fault = schema:unknown_field(name)
        refuse(("ORDER BY %s: %s: %s"):format(name, fault.message, fault.cure))
      end
    end
  end
end

-- A refusal that names a field or a module: say which one was meant.
local function explain(source, err)
  if not errors.is(err, "refused") then
    error(err, 0)
  elseif err.code == "INVALID_ID_ATTRIBUTE" then
    check_ids(source, true, err)
  end
  local schema = source.client:describe(source.facts.module) -- raises for a wrong module
  local field = (err.message or ""):match "access '?%.?([^%s'.]+)%.?'? attribute"
  if field and not schema.by_name[field] then
    local fault = schema:unknown_field(field)
    refuse(("%s: %s"):format(fault.message, fault.cure), err)
  end
  error(err, 0)
end

-- ---- Asking ---------------------------------------------------------------------

-- Raise where the server is seen to misread a value.
local function check_values(self)
  if self.is_doubtful then
    self:count() -- raises where the conditions are dropped
  end
  if misread.may_miss(self.facts) then
    misread.check(self.client, self.facts, function(condition)
      local alone = M.new(self.client,
        ("SELECT id FROM %s WHERE %s;"):format(self.facts.module, condition))
      alone.is_checked = true
      return alone:count()
    end)
  end
end

--- Send the query, changed as core.vtql's write takes it.
---
--- @param change? table count, after_id, until_id, by_id, then_id, offset, rows
--- @return integer id of the call, for receive
function Source:send(change)
  if not self.is_checked then
    check_order(self)
    check_ids(self)
    self.is_checked = true
    check_values(self)
  end
  return self.client:send("query", { query = self.parsed:write(change) }, { method = "GET" })
end

local function receive(source, id, decode)
  local ok, rows = pcall(source.client.receive, source.client, id, decode)
  if not ok then
    explain(source, rows)
  elseif type(rows) ~= "table" or (next(rows) ~= nil and rows[1] == nil) then
    errors.raise { kind = "decode", operation = "query",
      message = "the answer to a query is no list of records" }
  end
  return rows
end

--- Wait for the rows that were asked for by a call.
---
--- @param id integer
--- @return icrm.Record[]
function Source:receive(id)
  local rows = receive(self, id, self.decode)
  answers.check_module(self.client:known_schema(self.facts.module), rows)
  if self.is_doubtful then
    answers.check(self.facts, rows)
  end
  return rows
end

--- Wait for the number that a call with `count` asked for.
---
--- @param id integer
--- @return integer
function Source:receive_count(id)
  return answers.count_in(self.facts, receive(self, id))
end

--- Send the query and wait for its rows.
---
--- @param change? table as for send
--- @return icrm.Record[]
function Source:ask(change)
  return self:receive(self:send(change))
end

--- Count the rows that there are, or that come after one id and up to another.
---
--- The server counts records that this user may not see as well.
---
--- @param after_id? string
--- @param until_id? string
--- @return integer
function Source:count(after_id, until_id)
  return self:receive_count(self:send { count = true, after_id = after_id, until_id = until_id })
end

--- The query as it is sent, `;` and all.
---
--- @return string
function Source:text()
  return self.parsed:write()
end

return M
