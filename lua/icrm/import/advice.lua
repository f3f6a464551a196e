--- What helps against a fault of a value: near values, all that are allowed, look-ups.
-- @module icrm.import.advice

local cures = require "icrm.cures"
local nearest = require "icrm.nearest"
local picklists = require "icrm.picklist"
local text_tools = require "icrm.text"
local value_tools = require "icrm.values"

local M = {}

-- Of a picklist: what this value may stand for, and what all of them may be.
local function advise_on_picklist(told, target, near)
  local allowed = "allowed: " .. picklists.list(target.field.picklist)
  local hint = nearest.ask(near)
  if hint and target.field.type == "picklist" then
    hint = hint .. " " .. cures.say("{translate COLUMN FROM TO}",
      { COLUMN = target.column, FROM = text_tools.trim(told.value), TO = near })
  end
  told.hint, told.allowed = hint, allowed
  told.cure = hint and hint .. "; " .. allowed or allowed
end

--- Make the fault of a row of what the schema found: with the column that it comes from,
--- and what can be said of it in an import.
---
--- @param record table compiled
--- @param one icrm.FieldError
--- @param line integer
--- @return icrm.import.Fault
function M.of(record, one, line)
  local target, field = record.by_field[one.field], record.schema.by_name[one.field]
  local told = { line = line, column = target and target.column, field = one.field,
    label = field and field.label, value = one.value, message = one.message, cure = one.cure }
  if target and target.index and one.message == value_tools.NO_ID then
    told.cure = ("%s, or look it up by a key: %s"):format(one.cure,
      cures.say("{refer FIELD KEY COLUMN}", { FIELD = one.field, COLUMN = target.column,
        KEY = field.type == "owner" and "Users.user_name"
          or (field.refers_to or { "Module" })[1] .. ".field" }))
  elseif target and target.index and one.message == value_tools.NO_VALUE then
    advise_on_picklist(told, target, one.near)
  end
  return told
end

return M
