--- Values that not every server reads rightly, however they are quoted.
-- @module icrm.query.literals

local core = require "icrm.core"

local M = {}

--- Whether a list of values, `IN (…)`, with this one in it is known to miss some:
--- servers were seen to cut a list at a closing parenthesis, and not to see its end
--- behind a line break. Written as `field = 'value'` the same value is found.
---
--- @param value string
--- @return boolean
function M.breaks_list(value)
  return value:find "[)\r\n]" ~= nil
end

-- What a server that looks for words in the whole query takes for a part of it:
-- a bracket behind `where` cancels every condition, what looks like a list, a count
-- or a test is taken for one, and doubled apostrophes at an end move all the others.
local TAKEN_FOR_QUERY = { "%[", "%sin%s*%(", "%scount%(", "%sis null", "%sis not null",
  "^'", "'$", "''" }

--- Whether servers are known to read a query wrongly over this value.
---
--- @param value string
--- @return boolean
function M.breaks_text(value)
  local lower = value:lower()
  for _, pattern in ipairs(TAKEN_FOR_QUERY) do
    if lower:find(pattern) then
      return true
    end
  end
  return false
end

--- The text of a value as it is written in a query.
---
--- @param token string with its quotes, or without any
--- @return string
function M.unquote(token)
  local text = token:match "^'(.*)'$"
  return text and text:gsub("''", "'"):gsub("\\(.)", "%1") or token
end

--- How much it says of other values that this one is found in a list: nothing for one
--- that is not put into lists, most for one that has to be quoted.
---
--- @param value any
--- @return integer 0 to 2
function M.worth(value)
  if type(value) ~= "string" or value == "" or M.breaks_list(value) or M.breaks_text(value) then
    return 0
  end
  return value:find "['\\,]" and 2 or 1
end

--- The value for LIKE, with wildcards for the characters that do the harm; other
--- records may fit it as well.
---
--- @param value string
--- @return string
function M.pattern(value)
  local text = core.vtql.escape_like(value):gsub("\\\\", "_"):gsub("[%[%]%(%)'.,%c]", "_")
  return (text:gsub(" ([iI][sS] )", "_%1"))
end

--- How to ask for one value so that every server finds it: `=`, or LIKE, which may find
--- others as well, so that what comes must be compared.
---
--- @param value string
--- @return string operator
--- @return string operand
function M.asked_by(value)
  if M.breaks_text(value) then
    return "LIKE", M.pattern(value)
  end
  return "=", value
end

return M
