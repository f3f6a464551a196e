--- References by a key of the record they point to, such as a SIREN.
--
-- Keys are looked up many at a time, each once. The server compares without
-- case and accents; here only the same keys count, see icrm.import.keys.
-- @module icrm.import.references

local errors = require "icrm.error"
local forms = require "icrm.import.keys"
local lookup = require "icrm.query.lookup"
local near_records = require "icrm.import.near_records"
local text_tools = require "icrm.text"

local M = {}

local Resolver = {}
Resolver.__index = Resolver

--- Make a resolver with nothing in it.
---
--- @param crm icrm.Client
--- @return icrm.import.Resolver
function M.new(crm)
  return setmetatable({ crm = crm, tables = {}, near_records = near_records.new(crm) }, Resolver)
end

-- ids: form of a key -> ids of the records that have it, each once; alike: key without case
-- and accents -> the first record found that has it
local function table_of(self, module, field)
  local name = module .. "." .. field
  local found = self.tables[name]
  if not found then
    local schema = self.crm:describe(module)
    local known, fault = schema:field(field)
    if not known then
      errors.refuse("reference %s: %s; %s", name, fault.message, fault.cure)
    end
    found = { lookup = lookup.new(self.crm, module, known.name), field = known.name, known = known,
      label = known.label, prefix = schema.id_prefix, ids = {}, wanted = {}, wanted_ids = {},
      alike = {} }
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
  local form = forms.form(key, keys.known)
  if keys.ids[form] == nil then
    local list = key:match "^(%d+)x%d+$" == keys.prefix and keys.wanted_ids or keys.wanted
    keys.ids[form] = {}
    list[#list + 1] = forms.form(key)
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

-- What the server holds equal is another key all the same; it is told as the near one.
local function note_record(keys, record)
  local value = record[keys.field]
  local ids, form = keys.ids[forms.form(value, keys.known)], text_tools.fold(value)
  keys.alike[form] = keys.alike[form] or record
  if ids and not contains(ids, record.id) then -- another spelling may have found it
    ids[#ids + 1] = record.id
  end
end

-- The id itself stands for the record, where a person chose among several.
local function note_ids(self, module, keys)
  for id in pairs(lookup.by_id(self.crm, module, keys.wanted_ids)) do
    keys.ids[id] = { id }
  end
  keys.wanted_ids = {}
end

--- Look up all keys wanted since the last time.
function Resolver:resolve()
  for name, keys in pairs(self.tables) do
    for _, record in ipairs(keys.lookup:find(keys.wanted)) do
      note_record(keys, record)
    end
    keys.wanted = {}
    if #keys.wanted_ids > 0 then
      note_ids(self, name:match "^[^.]+", keys)
    end
  end
end

--- Find records whose key is near one that no record has.
---
--- @param module string
--- @param field string
--- @param key string
--- @return table[] near id, text, and is_misspelt where only letters differ; three at most,
---   the nearest first
function Resolver:near(module, field, key)
  local keys, near = table_of(self, module, field), {}
  local alike = keys.alike[text_tools.fold(key)]
  local rows = alike and { alike } or self.near_records:of(module, keys.field, key)
  for i, row in ipairs(rows) do
    near[i] = { id = row.id, text = row[keys.field], is_misspelt = row.is_misspelt or row == alike }
  end
  return near
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
  local keys = table_of(self, module, field)
  local ids = keys.ids[forms.form(key, keys.known)] or {}
  if #ids == 1 then
    return ids[1]
  elseif #ids == 0 then
    return nil, ("no record of %s has the %s %s"):format(module, field, text_tools.quote(key)),
      "create it first, or mend the key", true
  end
  return nil, ("%d records of %s have the %s %s: %s"):format(#ids, module, field,
    text_tools.quote(key), text_tools.cut(table.concat(ids, ", "), 80)),
    "refer by a field that only one of them has, or give the id itself"
end

return M
