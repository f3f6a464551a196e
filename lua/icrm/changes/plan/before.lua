--- The before-images of a plan: a record that is given whole is its own, the others
-- are read, many at a time.
-- @module icrm.changes.plan.before

local errors = require "icrm.error"
local limits = require "icrm.limits"
local lookup = require "icrm.query.lookup"
local records = require "icrm.records"

local M = {}

--- Read the records of the updates and deletions that were given by id alone.
---
--- @param self table icrm.ChangeSet
function M.read(self)
  local waiting = self.waiting
  self.waiting = {}
  local by_module = {}
  for _, item in ipairs(waiting) do
    local module = records.module_of(self.client, item.id)
    by_module[module] = by_module[module] or {}
    table.insert(by_module[module], item.id)
  end
  local found = {}
  for module, ids in pairs(by_module) do
    for id, record in pairs(lookup.by_id(self.client, module, ids, "*")) do
      found[id] = record
    end
  end
  for _, item in ipairs(waiting) do
    if not found[item.id] then
      errors.refuse("%s is not there, or this user may not see it", item.id)
    end
    item.add(found[item.id])
  end
end

-- A record given is its own before-image, if it has the old value of every field
-- that is to be written; otherwise undo would not know it.
local function is_image(record, fields)
  if type(record) ~= "table" or not (record.id and record.modifiedtime) then
    return false
  end
  for field in pairs(fields) do
    if record[field] == nil then
      return false
    end
  end
  return true
end

--- Add a change once its before-image is there: at once, or when enough are wanted to
--- be read together.
---
--- @param self table icrm.ChangeSet
--- @param record_or_id table|string
--- @param fields table<string, any> that are to be written
--- @param add_change fun(record: icrm.Record): string
--- @return string? key when it was added at once
function M.with(self, record_or_id, fields, add_change)
  if is_image(record_or_id, fields) then
    return add_change(record_or_id)
  end
  local id = type(record_or_id) == "table" and record_or_id.id or record_or_id
  records.id_of(id) -- raises when it is none
  table.insert(self.waiting, { id = id, add = add_change })
  if #self.waiting >= limits.VALUES_PER_QUERY then
    M.read(self)
  end
end

return M
