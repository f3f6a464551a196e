--- Comparing values as servers do: without regard to case, accents and blanks
--- around, and to how a number is written.
-- @module icrm.query.compare

local text_tools = require "icrm.text"

local M = {}

local LAST_LATIN = 0x250
local SIGNS = { 0x2000, 0x20CF } -- quotation marks, dashes, currencies

-- What stays of a text when case, accents, blanks and signs do not count: servers
-- hold some of these equal, each in its own way. nil for a text of other scripts,
-- of which nothing can be said.
local function skeleton(text)
  for _, code in utf8.codes(text, true) do
    if code >= LAST_LATIN and (code < SIGNS[1] or code > SIGNS[2]) then
      return nil
    end
  end
  return (text_tools.fold(text):gsub("[^a-z0-9]", ""))
end

--- What two values have in common that a server may hold equal.
---
--- Values with different keys are different for every server; equal keys alone
--- do not make them the same.
---
--- @param value string
--- @return string? key nil when nothing can be said of the value
function M.key(value)
  local number = tonumber(value)
  if number then
    return ("%.14g"):format(number)
  end
  return utf8.len(value) and skeleton(value) or nil
end

return M
