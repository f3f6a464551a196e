--- Whether the records and owners that rows refer to by id are there.
--
-- A reference to nothing is stored as empty without a word, and an owner that
-- does not exist breaks the server's answer but not the record.
-- @module icrm.import.existence

local errors = require "icrm.error"
local lookup = require "icrm.query.lookup"
local records = require "icrm.records"

local M = {}

local OWNERS = { "Users", "Groups" }

local Existence = {}
Existence.__index = Existence

--- @param crm icrm.Client
--- @return table existence remembers what it has asked
function M.new(crm)
  return setmetatable({ crm = crm, known = { [crm.user or ""] = true } }, Existence)
end

local function is_pointer(field)
  return field.type == "reference" or field.type == "owner"
end

-- Whether a field may point to a module that this user may not see, so that what it
-- holds cannot be judged.
local function may_be_hidden(self, field)
  local targets = field.refers_to or field.type == "owner" and OWNERS or {}
  for _, module in ipairs(targets) do
    local ok, err = pcall(self.crm.describe, self.crm, module)
    if not ok and not (errors.is(err, "refused") or errors.is(err, "input")) then
      error(err, 0)
    elseif not ok then
      return true
    end
  end
  return false
end

-- Ids of the items that are not known yet, by module.
local function wanted(self, schema, items)
  local by_module, asked = {}, {}
  for _, field in ipairs(schema.fields) do
    for _, item in ipairs(is_pointer(field) and items or {}) do
      local id = item.fields[field.name]
      if id and id ~= "" and self.known[id] == nil and not asked[id] then
        asked[id] = true
        local ok, module = pcall(records.module_of, self.crm, id)
        if ok then
          by_module[module] = by_module[module] or {}
          table.insert(by_module[module], id)
        else
          self.known[id] = may_be_hidden(self, field)
        end
      end
    end
  end
  return by_module
end

local function ask(self, module, ids)
  local ok, found = pcall(lookup.by_id, self.crm, module, ids)
  if not ok and not errors.is(found, "refused") then
    error(found, 0)
  end
  for _, id in ipairs(ids) do
    self.known[id] = not ok or found[id] ~= nil -- what may not be read is not judged
  end
end

--- Look up what the items refer to.
---
--- @param schema icrm.Schema
--- @param items table[] with `fields`
--- @param blame fun(item: table, field: icrm.Field, id: string) called for each
---   reference to nothing
function Existence:check(schema, items, blame)
  for module, ids in pairs(wanted(self, schema, items)) do
    ask(self, module, ids)
  end
  for _, field in ipairs(schema.fields) do
    for _, item in ipairs(is_pointer(field) and items or {}) do
      local id = item.fields[field.name]
      if id and id ~= "" and not self.known[id] then
        blame(item, field, id)
      end
    end
  end
end

return M
