--- Conditions that a server is known to read wrongly over one of their values: whether
-- it finds by them what it has. What it misses looks like nothing at all.
-- @module icrm.query.misread

local errors = require "icrm.error"
local literals = require "icrm.query.literals"
local lookup = require "icrm.query.lookup"
local text_tools = require "icrm.text"

local M = {}

local function is_doubtful(condition, value)
  return literals.breaks_text(value) or condition.operator == "IN" and literals.breaks_list(value)
end

-- The values of a condition that may be misread over one of them; nil for most.
local function doubtful_values(condition)
  if condition.operator ~= "=" and condition.operator ~= "IN" then
    return nil
  end
  local values, is_any = {}, false
  for i, token in ipairs(condition.values) do
    values[i] = literals.unquote(token)
    is_any = is_any or is_doubtful(condition, values[i])
  end
  return is_any and values or nil
end

--- Whether a query has a condition that may miss what is there.
---
--- @param facts table of a query, as core.vtql gives them
--- @return boolean
function M.may_miss(facts)
  for _, condition in ipairs(facts.conditions) do
    if doubtful_values(condition) then
      return true
    end
  end
  return false
end

local function same(a, b)
  return text_tools.fold(text_tools.trim(a)) == text_tools.fold(text_tools.trim(b))
end

-- The records that have one of the values, by a look-up that knows of the misreading.
local function holders(client, module, field, values)
  local list = {}
  for _, row in ipairs(lookup.find(client, module, field, values, { control = false })) do
    for _, value in ipairs(values) do
      if type(row[field]) == "string" and same(row[field], value) then
        list[#list + 1] = row
        break
      end
    end
  end
  return list
end

local function quoted(value)
  return "'" .. value:gsub("\\", "\\\\"):gsub("'", "''") .. "'"
end

local function cure_of(condition, value)
  if literals.breaks_text(value) then
    return ("%s LIKE %s"):format(condition.field, quoted(literals.pattern(value)))
  end
  return ("%s = %s outside of the list"):format(condition.field, quoted(value))
end

-- The first of some rows that was asked for by a value that may be misread.
local function first_doubtful(condition, rows)
  for _, row in ipairs(rows) do
    if is_doubtful(condition, row[condition.field]) then
      return row
    end
  end
  return rows[1]
end

local function check_condition(client, module, condition, count)
  local values, field = doubtful_values(condition), condition.field
  local rows = values and holders(client, module, field, values) or {}
  if #rows == 0 then
    return
  end
  local form = condition.operator == "IN" and "%s IN (%s)" or "%s = %s"
  if count(form:format(field, table.concat(condition.values, ", "))) < #rows then
    local row = first_doubtful(condition, rows)
    errors.raise { kind = "decode", operation = "query", message =
      ("the CRM has %s, whose %s is %s, and does not find it by %s, for it takes a part of the "
        .. "value for a part of the query; write %s"):format(row.id, field,
        text_tools.quote(row[field]), condition.operator, cure_of(condition, row[field])) }
  end
end

--- Raise where the server is known to misread such values, has a record with one, and
--- does not find it by the condition.
---
--- @param client icrm.Client
--- @param facts table of the query
--- @param count fun(condition: string): integer the records of the module that the
---   server finds by one condition
function M.check(client, facts, count)
  if client:server().kind == "corebos" then
    for _, condition in ipairs(facts.conditions) do
      check_condition(client, facts.module, condition, count)
    end
  end
end

return M
