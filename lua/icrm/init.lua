--- Automate Initiative CRM and other CRMs of the vtiger family.
--
-- `local icrm = require "icrm"`, then `icrm.connect()`. What is not used is not
-- loaded.
-- @module icrm

-- This file alone is read by every Lua: what comes after needs 5.4 to be read at all.
if _VERSION ~= "Lua 5.4" then
  error("icrm needs Lua 5.4, and this is " .. _VERSION, 0)
end

local M = {}

local members = {
  VERSION = { "icrm.version", "VERSION" },
  Error = { "icrm.error", "Error" },
  date = { "icrm.query", "date" },
  datetime = { "icrm.query", "datetime" },
  like = { "icrm.query", "like" },
  map = { "icrm.map", "map" },
  imap = { "icrm.map", "imap" },
}

setmetatable(M, { __index = function(t, name)
  local where = members[name]
  if where then
    local value = require(where[1])[where[2]]
    t[name] = value
    return value
  end
end })

--- Connect to a CRM.
---
--- @param target? string|icrm.ConnectOptions the name of a profile, a
---   `sandbox:` URL or options; without it the default profile or environment
--- @param more? icrm.ConnectOptions options that come before those of the target
--- @return icrm.Client
function M.connect(target, more)
  local options = target
  if type(target) == "string" and target:find "^sandbox:" then
    options = { url = target }
  elseif type(target) ~= "table" then
    options = require("icrm.profile").load(target)
  end
  if type(options.url) == "string" and options.url:find "^sandbox:" then
    local started = require("icrm.sandbox").open(options.url)
    for _, name in ipairs { "name", "lanes", "rate", "max_wait" } do
      started[name] = options[name]
    end
    options = started
  end
  for name, value in pairs(more or {}) do
    options[name] = value
  end
  return require("icrm.client").connect(options)
end

return M
