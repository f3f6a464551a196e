--- Where a record is that a query does not show: hidden from this user, gone, or
-- there under another module. Only what a server says of one record tells.
-- @module icrm.changes.whereabouts

local errors = require "icrm.error"
local record_calls = require "icrm.record_calls"
local records = require "icrm.records"

local M = {}

-- One activity is a record of either module, by its kind.
local SIBLINGS = { Calendar = "Events", Events = "Calendar" }

local function retrieve(client, id)
  local ok, result = pcall(client.call, client, "retrieve", { id = id })
  if ok then
    return result
  elseif not errors.is(result, "refused") then
    error(result, 0)
  end
  return nil, result
end

local function is_administrator(client)
  local settings = client:own_settings()
  return settings and settings.is_admin
end

-- An administrator sees what there is; of others some servers say "denied" for both.
local function is_hidden(client, refusal)
  return record_calls.says_hidden(refusal)
    or not (record_calls.says_absent(refusal) or is_administrator(client))
end

local function is_shown(client, module, id)
  local text = ("SELECT id FROM %s WHERE id = ?"):format(module)
  return client:query(text, id):first() ~= nil
end

-- The record as one of the other kind of activity.
local function as_sibling(client, module, id)
  local other = SIBLINGS[module]
  local prefix = other and records.prefix_of(client, other)
  if prefix then
    local twin = prefix .. id:match "x%d+$"
    return retrieve(client, twin) and twin
  end
end

--- Find out about one record.
---
--- @param client icrm.Client
--- @param module string
--- @param id string
--- @return string "shown": a query shows it; "ghost": only its id leads to it; "moved":
---   it is a record of the other kind of activity; "hidden": it may be there, this
---   user may not see it; "gone"
--- @return string? id under which it was moved
function M.find(client, module, id)
  local record, refusal = retrieve(client, id)
  if record then
    return is_shown(client, module, id) and "shown" or "ghost"
  end
  local twin = as_sibling(client, module, id)
  if twin then
    return "moved", twin
  end
  return is_hidden(client, refusal) and "hidden" or "gone"
end

return M
