--- Whether an answer is one to the query that was asked.
-- @module icrm.query.answers

local compare = require "icrm.query.compare"
local errors = require "icrm.error"
local literals = require "icrm.query.literals"

local M = {}

local function fail(message, ...)
  errors.raise { kind = "decode", operation = "query", message = message:format(...) }
end

--- Whether a query has a value over which some servers read it wrongly.
---
--- @param facts table of a query, as core.vtql gives them
--- @return boolean
function M.are_doubtful(facts)
  for _, condition in ipairs(facts.conditions) do
    for _, token in ipairs(condition.values) do
      if literals.breaks_text(literals.unquote(token)) then
        return true
      end
    end
  end
  return false
end

-- Whether a row may fit a condition; what cannot be judged may.
local function may_fit(row, condition)
  local value = row[condition.field]
  local key = type(value) == "string" and compare.key(value)
  if not key or condition.operator ~= "=" and condition.operator ~= "IN" then
    return true
  end
  for _, token in ipairs(condition.values) do
    local wanted = compare.key(literals.unquote(token))
    if wanted == nil or wanted == key then
      return true
    end
  end
  return false
end

-- AND binds tighter than OR: one alternative that fits is enough.
local function fits(row, conditions)
  local alternative = true
  for _, condition in ipairs(conditions) do
    if condition.after_or and alternative then
      return true
    end
    alternative = (condition.after_or or alternative) and may_fit(row, condition)
  end
  return alternative
end

--- Refuse rows that do not fit the query: the server dropped its conditions.
---
--- @param facts table
--- @param rows icrm.Record[]
function M.check(facts, rows)
  for _, row in ipairs(rows) do
    if not fits(row, facts.conditions) then
      fail("the CRM answered with %s, which does not fit the conditions: it reads a part of a "
        .. "value as a part of the query; compare with LIKE and _ for the brackets",
        tostring(row.id))
    end
  end
end

-- What these modules hold is told apart by a field, not by the id's prefix, on some.
local SHARE_IDS = { Calendar = true, Events = true, Emails = true }

--- Refuse a page of another module: the answer to another call.
---
--- @param schema icrm.Schema? of the module that was asked; nil where it is not known
--- @param rows icrm.Record[] a page may show its ends alone
function M.check_module(schema, rows)
  local first, last = rows[1], rows[#rows]
  for _, row in ipairs { first, last } do
    local prefix = type(row.id) == "string" and row.id:match "^(%d+)x%d+$"
    if schema and prefix and prefix ~= schema.id_prefix and not SHARE_IDS[schema.name] then
      fail("the CRM was asked for records of %s and gave %s, which is none of them; nothing of "
        .. "this answer is used", schema.name, row.id)
    end
  end
end

--- The number in the answer to a count(*), which is one row with `count`.
---
--- @param facts table
--- @param rows table[]
--- @return integer
function M.count_in(facts, rows)
  local n = #rows == 1 and math.tointeger(tonumber(rows[1].count))
  if n then
    return n
  elseif #rows == 0 then
    fail("count(*) of %s gave nothing: the CRM's own query failed, or it lists this module and "
      .. "keeps no records of it", facts.module)
  elseif rows[1].id then
    fail("count(*) of %s gave records instead of a number: the CRM reads a part of a value "
      .. "as a part of the query and drops the conditions; compare with LIKE and _ for the "
      .. "brackets", facts.module)
  end
  fail("count(*) of %s gave no number", facts.module)
end

return M
