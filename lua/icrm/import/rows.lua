--- One row of the file as one item: a record to be made, or its faults.
-- @module icrm.import.rows

local advice = require "icrm.import.advice"
local pointers = require "icrm.import.pointers"
local records = require "icrm.records"
local text_tools = require "icrm.text"
local value_tools = require "icrm.values"
local values = require "icrm.import.values"

local M = {}

local fault = advice.blame

--- Make the row that the functions of a mapping see: by heading, read-only.
---
--- @param source icrm.Source
--- @return table row
--- @return table view set its `cells` to move to another row
function M.view(source)
  local view = {}
  return setmetatable({}, {
    __index = function(_, heading)
      local index = source:column(tostring(heading))
      if not index then
        error(("the file has no column %q"):format(tostring(heading)), 2)
      end
      return view.cells[index]
    end,
    __newindex = function()
      error("a row cannot be changed", 2)
    end,
  }), view
end

local function call(item, target, fn, row)
  local ok, value = pcall(fn, row)
  if not ok then
    fault(item, target, "the mapping's function failed: " .. tostring(value),
      "mend the mapping file")
    return nil
  end
  return value
end

local function read_cell(job, target, cells)
  local index = target.index
  local value = target.translations and target.translations:of(cells[index])
  if value then
    return value
  end
  local words = target.translations and target.translations.has_words
    and target.translations:of_words(cells[index])
  if words then
    return values.read(words, target.field, {})
  end
  return values.read_cell(cells, index, target.field, job.styles[index] or job.style)
end

local function find_owner(job, item, target, value)
  local text = text_tools.trim(tostring(value))
  local id, problem, cure = job.owners:find(text)
  if not id then
    fault(item, target, problem, cure, text)
  end
  return id
end

local function fill(job, item, target, cells, row)
  if target.parent then
    return pointers.to_row(job, item, target, cells)
  elseif target.ref then
    return pointers.to_record(job, item, target, cells)
  end
  local value = target.const
  if target.fn then
    value = call(item, target, target.fn, row)
  elseif target.index then
    local problem
    value, problem = read_cell(job, target, cells)
    if not value then
      fault(item, target, problem)
    end
  end
  if value and target.field.type == "owner" then
    value = find_owner(job, item, target, value)
  end
  if value == "" then
    item.empty[#item.empty + 1] = target.field.name
  else
    item.fields[target.field.name] = value
  end
end

--- Whether a mapping's record is made of this row at all.
---
--- @param record table compiled
--- @param line integer
--- @param row table see view
--- @return boolean wanted
--- @return table? item with the fault, when its function failed
function M.wanted(record, line, row)
  if not record.when then
    return true
  end
  local item = { line = line, faults = {} }
  local wanted = call(item, nil, record.when, row)
  return wanted and true or false, #item.faults > 0 and item or nil
end

--- The key of the item that a row makes, and the values of some of its fields that are no
--- references.
---
--- @param job icrm.import.Job
--- @param record table compiled
--- @param fields string[]
--- @param line integer
--- @param cells string[]
--- @param row table see view
--- @return string key
--- @return table<string, string> values
function M.outline(job, record, fields, line, cells, row)
  local item = { line = line, fields = {}, empty = {}, faults = {} }
  for _, field in ipairs(fields) do
    fill(job, item, record.by_field[field], cells, row)
  end
  return pointers.item_key(record, cells, line), item.fields
end

--- Make the item of a row; its references to the CRM are only wanted so far.
---
--- @param job icrm.import.Job
--- @param record table compiled
--- @param line integer
--- @param cells string[]
--- @param row table see view
--- @return table item
function M.build(job, record, line, cells, row)
  local item = { record = record.name, module = record.module, line = line, fields = {},
    refs = {}, empty = {}, faults = {}, lookups = {} }
  item.key = pointers.key_of(record, cells)
  if not item.key and #record.keys > 0 then
    fault(item, nil, ("no key for this %s: the columns of its key are empty"):format(record.name),
      "fill one of them")
  end
  item.key = item.key or pointers.item_key(record, cells, line)
  for _, target in ipairs(record.targets) do
    fill(job, item, target, cells, row)
  end
  return item
end

-- Who imports owns what the file gives no owner.
local function set_owner(job, record, item)
  for _, name in ipairs(record.schema.mandatory) do
    if record.schema.by_name[name].type == "owner" and item.fields[name] == nil then
      item.fields[name] = job.crm.user
    end
  end
end

-- Describe tells no lengths; the user may know some.
local function check_lengths(record, item)
  for name, most in pairs(record.max_length) do
    local text = item.fields[name]
    local length = type(text) == "string" and #text > most and utf8.len(text) or 0
    if length > most then
      fault(item, record.by_field[name], ("has %d characters, and %d at most are allowed"):format(
        length, most), "shorten it", text)
    end
  end
end

-- The schema's check, with the columns in its faults. A field that had a
-- fault already, or that a reference will fill, is not blamed again.
local function check_fields(job, record, item)
  check_lengths(record, item)
  local id = item.fields.id
  if id and not value_tools.is_id(id) then
    fault(item, record.by_field.id, value_tools.NO_ID, "give an id like 3x262015", id)
    item.fields.id = nil
  end
  local blamed = {}
  for _, one in ipairs(item.faults) do
    blamed[one.field or ""] = true
  end
  -- Of records that may exist, only those to be created need all of the fields:
  -- an update changes nothing that the file does not name.
  local may_exist = record.existing ~= nil
  if not may_exist then
    set_owner(job, record, item)
  end
  local fields, faults = record.schema:check(item.fields, { partial = may_exist,
    prefix_of = function(module) return records.prefix_of(job.crm, module) end })
  item.fields = fields
  for _, one in ipairs(faults) do
    if not blamed[one.field] and not item.refs[one.field] then
      item.faults[#item.faults + 1] = advice.of(record, one, item.line)
    end
  end
end

--- Fill in the references that the resolver knows now, and check all fields.
---
--- @param job icrm.import.Job
--- @param record table compiled
--- @param item table
function M.finish(job, record, item)
  pointers.resolve(job, item)
  check_fields(job, record, item)
end

return M
