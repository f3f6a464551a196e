--- E-mail addresses as they are copied from mail programs and web pages.
-- @module icrm.import.emails

local text_tools = require "icrm.text"

local M = {}

--- Take off what stands around an address: `Jean <jean@x.fr>`, `mailto:jean@x.fr`.
---
--- What is no single address comes back as it is: the check of the schema, which all
--- values pass, refuses it.
---
--- @param text string
--- @return string
function M.read(text)
  local address = text_tools.trim(text)
  local inner = address:match "^[^<>@]*<([^<>]*)>$" or address:match "^<([^<>]*)>$"
  address = text_tools.trim(inner or address)
  local scheme, rest = address:match "^(%a+):(.*)$"
  if scheme and scheme:lower() == "mailto" then
    address = rest:gsub("%?.*$", "")
  end
  return address
end

return M
