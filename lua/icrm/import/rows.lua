--- One row of the file as one item: a record to be made, or its faults.
-- @module icrm.import.rows

local advice = require "icrm.import.advice"
local records = require "icrm.records"
local text_tools = require "icrm.text"
local value_tools = require "icrm.values"
local values = require "icrm.import.values"

local M = {}

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

-- Note a fault of an item; `target` says which column and field it is about.
local function fault(item, target, message, cure, value)
  local column = target and (target.column
    or target.headings and table.concat(target.headings, ", "))
  local one = { line = item.line, column = column,
    field = target and target.field.name, label = target and target.field.label, value = value,
    message = message, cure = cure }
  table.insert(item.faults, one)
  return one
end

local function key_of(record, cells)
  for _, template in ipairs(record.keys) do
    local key = template(cells)
    if key then
      return record.name .. ":" .. key
    end
  end
end

-- The key of the item that a row makes of a record.
local function item_key(record, cells, line)
  return key_of(record, cells) or ("%s:line %d"):format(record.name, line)
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

local function point_to_row(job, item, target, cells)
  local parent = target.parent
  local key = key_of(parent, cells)
  if #parent.keys == 0 then
    key = item_key(parent, cells, item.line)
  end
  if key and job.keys[key] then
    item.refs[target.field.name] = key
  elseif not target.optional then
    fault(item, target, ("this row makes no %s to refer to"):format(parent.name),
      "give it what its key is made of, or make the reference optional")
  end
end

-- The key by which a record is looked for, nil when a cell of it is empty.
local function key_in(job, target, way, cells)
  local key = way.text(cells)
  local other = key and target.translations and target.translations:of(key)
  if other then
    return other ~= "" and other or nil
  end
  local nulls = job.style.nulls
  return not (nulls and nulls[key]) and key or nil
end

local function point_to_record(job, item, target, cells)
  local keys, is_empty = {}, true
  for i, way in ipairs(target.ways) do
    keys[i] = key_in(job, target, way, cells) or false
    if keys[i] then
      is_empty = false
      job.resolver:want(way.module, way.field, keys[i])
    end
  end
  if not is_empty then
    item.lookups[#item.lookups + 1] = { target = target, keys = keys }
  elseif not target.optional then
    fault(item, target, ("the reference to %s is empty"):format(target.ways[1].module),
      "fill the cell, or make the reference optional (a ? after it)")
  end
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
    return point_to_row(job, item, target, cells)
  elseif target.ref then
    return point_to_record(job, item, target, cells)
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
  return item_key(record, cells, line), item.fields
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
  item.key = key_of(record, cells)
  if not item.key and #record.keys > 0 then
    fault(item, nil, ("no key for this %s: the columns of its key are empty"):format(record.name),
      "fill one of them")
  end
  item.key = item.key or item_key(record, cells, line)
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

-- What one key stands for: a record of the CRM, else the row that makes it.
local function find_by(job, item, way, key)
  local id, problem, cure, is_absent = job.resolver:id(way.module, way.field, key)
  if id or not is_absent then
    return { id = id, problem = problem, cure = cure, several = problem and key }
  end
  local row_key, row_problem, row_cure, is_own = job.siblings:key_of(way.module, way.field, key,
    item.key)
  if row_key or row_problem then
    return { row_key = row_key, problem = row_problem, cure = row_cure, is_absent = is_own }
  end
  return { problem = problem, is_absent = true, cure = cure, way = way, key = key,
    near_row = job.siblings:near(way.module, way.field, key) }
end

-- What was probably meant, asked of the CRM only where nothing else was found.
local function hint_of(job, target, found)
  if found.near_row then
    return advice.near_row(target, found.key, found.near_row)
  end
  return found.way and advice.near_records(target, found.key,
    job.resolver:near(found.way.module, found.way.field, found.key))
end

-- What the first key that has anything stands for.
local function find(job, item, lookup)
  local problems, cure, hint = {}, nil, nil
  for i, way in ipairs(lookup.target.ways) do
    local key = lookup.keys[i]
    local found = key and find_by(job, item, way, key)
    if found and not found.is_absent then
      found.hint = found.several and advice.choice(lookup.target, found.several)
      return found
    elseif found then
      problems[#problems + 1], cure = found.problem, cure or found.cure
      hint = hint or hint_of(job, lookup.target, found)
    end
  end
  return { problem = table.concat(problems, "; "), cure = cure, hint = hint,
    is_nowhere = true }
end

-- How many references there are of a field, and how many find nothing.
local function count_sought(target, found)
  target.sought = (target.sought or 0) + 1
  target.absent = (target.absent or 0) + (found.is_nowhere and 1 or 0)
end

--- Fill in the references that the resolver knows now, and check all fields.
---
--- @param job icrm.import.Job
--- @param record table compiled
--- @param item table
function M.finish(job, record, item)
  for _, lookup in ipairs(item.lookups) do
    local name, found = lookup.target.field.name, find(job, item, lookup)
    item.fields[name], item.refs[name] = found.id, found.row_key
    if found.problem then
      advice.add(fault(item, lookup.target, found.problem, found.cure), found.hint)
    end
    count_sought(lookup.target, found)
  end
  item.lookups = nil
  check_fields(job, record, item)
end

return M
