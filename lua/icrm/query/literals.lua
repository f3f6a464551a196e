--- Values that not every server reads rightly, however they are quoted.
-- @module icrm.query.literals

local core = require "icrm.core"

local M = {}

--- Whether a list of values, `IN (…)`, with this one in it is known to miss some:
--- servers were seen to cut a list at a closing parenthesis. Written as
--- `field = 'value'` the same value is found.
---
--- @param value string
--- @return boolean
function M.breaks_list(value)
  return value:find(")", 1, true) ~= nil
end

--- Whether servers are known to take a piece of the query out over this value:
--- a bracket cancels every condition, and what looks like a list is taken for one.
---
--- @param value string
--- @return boolean
function M.breaks_text(value)
  return value:find("[", 1, true) ~= nil or value:lower():find "%f[%w]in%s*%(" ~= nil
end

--- The value for LIKE, with wildcards for the characters that do the harm; other
--- records may fit it as well.
---
--- @param value string
--- @return string
function M.pattern(value)
  return (core.vtql.escape_like(value):gsub("\\\\", "_"):gsub("[%[%]%(%)'.,]", "_"))
end

return M
