--- Which record of the CRM a row is: by its key, many rows to a call, and no key twice.
-- @module icrm.import.matching

local change = require "icrm.import.change"
local errors = require "icrm.error"
local keys = require "icrm.import.keys"
local lookup = require "icrm.query.lookup"
local text_tools = require "icrm.text"

local M = {}

local FILE_SHIFT, ROW_MASK = 32, 0xFFFFFFFF -- a row and the number of its file, as one

--- Refuse a key that is no field, or that nothing feeds.
---
--- @param record table compiled; key_fields are set
function M.check(record)
  for _, field in ipairs(record.existing or {}) do
    if not record.schema.by_name[field] then
      local one = record.schema:unknown_field(field)
      errors.refuse("the key: %s; %s", one.message, one.cure)
    elseif not record.by_field[field] then
      errors.refuse("the key %s: no column of the file feeds this field", field)
    end
  end
  record.key_fields = {}
  for i, field in ipairs(record.existing or {}) do
    record.key_fields[i] = record.schema.by_name[field]
  end
end

-- The values by which a row's record is found in the CRM, nil when one is empty.
local function key_values(record, item)
  local values = {}
  for i, field in ipairs(record.existing) do
    local value = item.fields[field]
    if not value or value == "" then
      return nil
    end
    values[i] = value
  end
  return values
end

-- The values to look for, each once: those of the first field of the keys, and how else
-- a server may have them.
local function wanted_values(record, items)
  local first, seen = {}, {}
  local function want(value)
    if not seen[value] then
      seen[value] = true
      first[#first + 1] = value
    end
  end
  local has_lost_zeros = (record.lost_zeros or {})[(record.existing or {})[1]]
  for _, item in ipairs(record.existing and items or {}) do
    local value = item.key_values and item.key_values[1]
    if value then
      want(keys.form(value))
      for _, other in ipairs(record.is_by_id and {} or keys.spellings(value, has_lost_zeros)) do
        want(other)
      end
    end
  end
  return first
end

--- Look for the records that have the keys of some rows.
---
--- @param filler table of icrm.import.plan
--- @param record table compiled
--- @param items table[] whose keys are noted
--- @return table found records by the form of their key (the server itself compares
---   without case and accents)
--- @return table near records by its near form
--- @return table taken see icrm.changes.plan.uniqueness
function M.look_up(filler, record, items)
  local first, found, near = wanted_values(record, items), {}, {}
  if #first == 0 then
    return found, near, filler.uniqueness:look_up(record, items)
  end
  record.lookup = record.lookup
    or lookup.new(filler.crm, record.module, record.existing[1], { columns = "*" })
  local rows = record.lookup:find(first)
  for _, row in ipairs(rows) do
    local values = {}
    for i, field in ipairs(record.existing) do
      values[i] = row[field] or ""
    end
    local key, near_key = keys.joined(values, record.key_fields), keys.joined_near(values)
    found[key] = found[key] or {}
    table.insert(found[key], row)
    near[near_key] = row
  end
  local known = #record.existing == 1 and { [record.existing[1]] = rows }
  return found, near, filler.uniqueness:look_up(record, items, known)
end

-- Two rows of the file with one key would be two records, or one changed twice; so would
-- two whose keys differ in what nobody sees.
local function check_twice(filler, record, item)
  local seen, key = filler.seen, ("%s\0%s\0%s"):format(record.module,
    table.concat(record.existing, "\0"), item.near_key)
  local before = seen.rows[key]
  if not before then
    seen.rows[key] = item.row | filler.number_of[item.job] << FILE_SHIFT
    seen.keys[key] = table.concat(item.key_values, " ")
    return
  end
  local other = filler.jobs[before >> FILE_SHIFT]
  local is_same = seen.keys[key] == table.concat(item.key_values, " ")
  change.fault(filler, record, item, ("is in row %d%s already%s"):format(before & ROW_MASK,
    other ~= item.job and " of " .. other.source.path or "", is_same and ""
      or (" as %s"):format(text_tools.quote(seen.keys[key]))),
    "remove one of the rows" .. (is_same and "" or ", or write what tells them apart"))
end

--- Note the keys of some rows: two rows may not share one.
---
--- @param filler table of icrm.import.plan
--- @param record table compiled
--- @param items table[] form, near_key and key_values are set
function M.note_keys(filler, record, items)
  for _, item in ipairs(record.existing and items or {}) do
    item.key_values = key_values(record, item)
    if item.key_values then
      item.form = keys.joined(item.key_values, record.key_fields)
      item.near_key = record.is_by_id and item.form or keys.joined_near(item.key_values)
      check_twice(filler, record, item)
    end
  end
end

return M
