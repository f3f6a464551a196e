--- Conditions on fields that the CRM's queries cannot name, such as shipping_&_handling:
--- they are held against the rows that came.
-- @module icrm.cli.row_filter

local errors = require "icrm.error"
local literals = require "icrm.query.literals"
local text_tools = require "icrm.text"

local M = {}

-- As servers compare: numbers by their value, texts without case and accents.
local function order(a, b)
  local x, y = tonumber(a), tonumber(b)
  if not (x and y) then
    x, y = text_tools.fold(a), text_tools.fold(b)
  end
  return x < y and -1 or x > y and 1 or 0
end

local SPECIAL = "[%^%$%(%)%%%.%[%]%*%+%-%?]"

local WILDCARDS = { ["%"] = ".*", _ = utf8.charpattern, [""] = "" }

local function is_like(text, pattern)
  local lua = text_tools.fold(pattern):gsub("[%%_]?[^%%_]*", function(piece)
    local sign, rest = piece:match "^([%%_]?)(.*)$"
    return WILDCARDS[sign] .. rest:gsub(SPECIAL, "%%%0")
  end)
  return text_tools.fold(text):find("^" .. lua .. "$") ~= nil
end

local HOLDS = {
  ["="] = function(value, wanted) return order(value, wanted[1]) == 0 end,
  ["!="] = function(value, wanted) return order(value, wanted[1]) ~= 0 end,
  ["<"] = function(value, wanted) return order(value, wanted[1]) < 0 end,
  ["<="] = function(value, wanted) return order(value, wanted[1]) <= 0 end,
  [">"] = function(value, wanted) return order(value, wanted[1]) > 0 end,
  [">="] = function(value, wanted) return order(value, wanted[1]) >= 0 end,
  LIKE = function(value, wanted) return is_like(value, wanted[1]) end,
  IN = function(value, wanted)
    for _, one in ipairs(wanted) do
      if order(value, one) == 0 then
        return true
      end
    end
    return false
  end,
}

--- Make the test of one condition.
---
--- @param field icrm.Field
--- @param operator string
--- @param tokens string[] its values as a query has them
--- @return fun(record: icrm.Record): boolean
function M.of(field, operator, tokens)
  local holds, wanted = HOLDS[operator:upper()], {}
  for i, token in ipairs(tokens) do
    wanted[i] = literals.unquote(token)
  end
  return function(record)
    local value = record[field.name]
    if type(value) ~= "string" then
      errors.refuse("the CRM gives no %s to a query; only single records show it", field.name)
    end
    return holds(value, wanted)
  end
end

--- The test of all that hold.
---
--- @param tests table[] as of makes them
--- @return (fun(record: icrm.Record): boolean)? test nil when there are none
function M.all(tests)
  return #tests > 0 and function(record)
    for _, test in ipairs(tests) do
      if not test(record) then
        return false
      end
    end
    return true
  end or nil
end

--- The rows that pass.
---
--- @param each fun(): icrm.Record?
--- @param test? fun(record: icrm.Record): boolean all pass without one
--- @return fun(): icrm.Record?
function M.rows(each, test)
  return test and function()
    for record in each do
      if test(record) then
        return record
      end
    end
  end or each
end

return M
