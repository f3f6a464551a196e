--- What a row refers to: what another row makes, or a record of the CRM found by a key.
-- @module icrm.import.pointers

local advice = require "icrm.import.advice"

local M = {}

--- The key that a row gives a record.
---
--- @param record table compiled
--- @param cells string[]
--- @return string? key nil when the columns of all its templates are empty
function M.key_of(record, cells)
  for _, template in ipairs(record.keys) do
    local key = template(cells)
    if key then
      return record.name .. ":" .. key
    end
  end
end

--- The key of the item that a row makes of a record.
---
--- @param record table compiled
--- @param cells string[]
--- @param line integer
--- @return string
function M.item_key(record, cells, line)
  return M.key_of(record, cells) or ("%s:line %d"):format(record.name, line)
end

--- Let a field refer to the record that the same row makes of its parent.
---
--- @param job icrm.import.Job
--- @param item table
--- @param target table compiled
--- @param cells string[]
function M.to_row(job, item, target, cells)
  local parent = target.parent
  local key = M.key_of(parent, cells)
  if #parent.keys == 0 then
    key = M.item_key(parent, cells, item.line)
  end
  if key and job.keys[key] then
    item.refs[target.field.name] = key
  elseif not target.optional then
    advice.blame(item, target, ("this row makes no %s to refer to"):format(parent.name),
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

--- Want the record that a field refers to by a key; `resolve` finds it.
---
--- @param job icrm.import.Job
--- @param item table
--- @param target table compiled
--- @param cells string[]
function M.to_record(job, item, target, cells)
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
    advice.blame(item, target, ("the reference to %s is empty"):format(target.ways[1].module),
      "fill the cell, or make the reference optional (a ? after it)")
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
  return { problem = problem, is_absent = true, cure = cure, way = way, key = key }
end

-- What was probably meant, asked of the CRM only where no row makes it.
local function hint_of(job, target, found)
  local module, field = found.way.module, found.way.field
  local row = job.siblings:near(module, field, found.key)
  if row then
    return advice.near_row(target, found.key, row)
  end
  return advice.near_records(target, found.key, job.resolver:near(module, field, found.key))
end

-- Looked for only when no key has found anything.
local function first_hint(job, target, absent)
  for _, found in ipairs(absent) do
    local hint = found.way and hint_of(job, target, found)
    if hint then
      return hint
    end
  end
end

-- What the first key that has anything stands for.
local function find(job, item, lookup)
  local absent, problems = {}, {}
  for i, way in ipairs(lookup.target.ways) do
    local key = lookup.keys[i]
    local found = key and find_by(job, item, way, key)
    if found and not found.is_absent then
      found.hint = found.several and advice.choice(lookup.target, found.several)
      return found
    elseif found then
      absent[#absent + 1], problems[#problems + 1] = found, found.problem
    end
  end
  return { problem = table.concat(problems, "; "), cure = absent[1].cure,
    hint = first_hint(job, lookup.target, absent), is_nowhere = true }
end

-- How many references there are of a field, and how many find nothing.
local function count_sought(target, found)
  target.sought = (target.sought or 0) + 1
  target.absent = (target.absent or 0) + (found.is_nowhere and 1 or 0)
end

--- Fill in the references of an item that the resolver knows now; what finds nothing is a
--- fault.
---
--- @param job icrm.import.Job
--- @param item table
function M.resolve(job, item)
  for _, lookup in ipairs(item.lookups) do
    local name, found = lookup.target.field.name, find(job, item, lookup)
    item.fields[name], item.refs[name] = found.id, found.row_key
    if found.problem then
      advice.add(advice.blame(item, lookup.target, found.problem, found.cure), found.hint)
    end
    count_sought(lookup.target, found)
  end
  item.lookups = nil
end

return M
