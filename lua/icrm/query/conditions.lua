--- Several conditions as one. The query language has no parentheses, so an
--- alternative of one of them takes the others along: `a OR b` and `c` are
--- `a AND c OR b AND c`.
-- @module icrm.query.conditions

local core = require "icrm.core"
local errors = require "icrm.error"

local M = {}

local function parse(condition, module)
  local query, err = core.vtql.parse(("SELECT id FROM %s WHERE %s"):format(module, condition))
  return errors.check(query, err):facts()
end

local function text_of(term)
  local values = table.concat(term.values, ", ")
  return ("%s %s %s"):format(term.field, term.operator,
    term.operator == "IN" and "(" .. values .. ")" or values)
end

-- The alternatives of a condition, each as `a AND b`.
local function alternatives(facts)
  local list = {}
  for _, term in ipairs(facts.conditions) do
    if #list == 0 or term.after_or then
      list[#list + 1] = text_of(term)
    else
      list[#list] = ("%s AND %s"):format(list[#list], text_of(term))
    end
  end
  return list
end

-- An order or a limit would hold for all of the conditions, whoever said it.
local function check_whole(condition, facts)
  if #facts.order > 0 or facts.rows then
    errors.refuse("the condition %q has an ORDER BY or a LIMIT, which cannot be combined with "
      .. "another condition; write both as one", condition)
  end
end

-- Conditions that must all hold, as one.
local function all_of(module, conditions)
  local common, choice = {}, nil
  for _, condition in ipairs(conditions) do
    local facts = parse(condition, module)
    check_whole(condition, facts)
    local list = alternatives(facts)
    if #list == 1 then
      common[#common + 1] = list[1]
    elseif choice then
      errors.refuse("two of the conditions have alternatives (OR), and a query has no "
        .. "parentheses: run the command once for each alternative of %q", condition)
    else
      choice = list
    end
  end
  local shared = table.concat(common, " AND ")
  for i, one in ipairs(choice or {}) do
    choice[i] = ("%s AND %s"):format(one, shared)
  end
  return choice and table.concat(choice, " OR ") or shared
end

--- Write conditions that must all hold as the WHERE clause of a query.
---
--- @param module string what they are about
--- @param conditions string[] as after WHERE; a single one is taken as it is
--- @return string clause with a blank before it; empty without a condition
function M.where(module, conditions)
  if #conditions == 0 then
    return ""
  end
  return " WHERE " .. (#conditions == 1 and conditions[1] or all_of(module, conditions))
end

return M
