--- References by a key of the record they point to, such as a SIREN.
--
-- Keys are looked up many at a time, each once. The server compares without
-- case and accents; here only the same bytes count.
-- @module icrm.import.references

local errors = require "icrm.error"
local lookup = require "icrm.query.lookup"
local text_tools = require "icrm.text"

local M = {}

local Resolver = {}
Resolver.__index = Resolver

--- Make a resolver with nothing in it.
---
--- @param crm icrm.Client
--- @return icrm.import.Resolver
function M.new(crm)
  return setmetatable({ crm = crm, tables = {} }, Resolver)
end

-- ids: key -> ids of the records that have it, each once
local function table_of(self, module, field)
  local name = module .. "." .. field
  local found = self.tables[name]
  if not found then
    local schema = self.crm:describe(module)
    local known, fault = schema:field(field)
    if not known then
      errors.refuse("reference %s: %s; %s", name, fault.message, fault.cure)
    end
    found = { lookup = lookup.new(self.crm, module, known.name), field = known.name, ids = {},
      wanted = {} }
    self.tables[name] = found
  end
  return found
end

--- Remember a key to look up.
---
--- @param module string
--- @param field string the field of that module that holds the key
--- @param key string not empty
function Resolver:want(module, field, key)
  local keys = table_of(self, module, field)
  if keys.ids[key] == nil then
    keys.ids[key] = {}
    keys.wanted[#keys.wanted + 1] = key
  end
end

local function contains(ids, id)
  for _, one in ipairs(ids) do
    if one == id then
      return true
    end
  end
  return false
end

--- Look up all keys wanted since the last time.
function Resolver:resolve()
  for _, keys in pairs(self.tables) do
    for _, record in ipairs(keys.lookup:find(keys.wanted)) do
      local ids = keys.ids[record[keys.field]]
      if ids and not contains(ids, record.id) then -- another spelling may have found it
        ids[#ids + 1] = record.id
      end
    end
    keys.wanted = {}
  end
end

--- Give the id that a key stands for, after resolve.
---
--- @param module string
--- @param field string
--- @param key string
--- @return string? id
--- @return string? problem when there is none, or more than one
--- @return string? cure
--- @return boolean? is_absent true when no record has the key
function Resolver:id(module, field, key)
  local ids = table_of(self, module, field).ids[key] or {}
  if #ids == 1 then
    return ids[1]
  elseif #ids == 0 then
    return nil, ("no record of %s has the %s %s"):format(module, field, text_tools.quote(key)),
      "create it first, or mend the key", true
  end
  return nil, ("%d records of %s have the %s %s: %s"):format(#ids, module, field,
    text_tools.quote(key), text_tools.cut(table.concat(ids, ", "), 80)),
    "refer by a field that only one of them has, or map a column of ids to the field"
end

return M
