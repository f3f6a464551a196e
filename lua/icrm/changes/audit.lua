--- Comparing a change set with the server, record by record.
-- @module icrm.changes.audit

local json = require "icrm.json"
local state = require "icrm.changes.journal.state"
local limits = require "icrm.limits"
local lookup = require "icrm.query.lookup"

local M = {}

-- The record of a change that its tag or key does not lead to: "gone", "ghost" when
-- only its id leads to it, "changed" when its tag or key was changed since.
local function fate(set, change)
  local client = set.client
  local ok, err = pcall(client.retrieve, client, change.record)
  if not ok and err.kind ~= "refused" then
    error(err, 0)
  elseif not ok then
    return "gone"
  end
  local text = ("SELECT id FROM %s WHERE id = ?"):format(change.module)
  return client:query(text, change.record):first() and "changed" or "ghost"
end

local function note(result, kind, change, detail)
  result[kind] = result[kind] + 1
  table.insert(result.list, { kind = kind, key = change.key, detail = detail })
end

-- A change that says `done` names a record: it must be there, and once.
local function judge(set, result, change, ids)
  if #ids > 1 then
    return note(result, "duplicates", change, table.concat(ids, ", "))
  elseif change.state ~= "done" then
    if #ids == 1 then
      note(result, "unrecorded", change, ids[1])
    end
  elseif #ids == 1 and ids[1] ~= change.record then
    note(result, "unrecorded", change, ("%s instead of %s"):format(ids[1], change.record))
  elseif #ids == 0 then
    local what = fate(set, change)
    if what == "changed" then
      result.changed = result.changed + 1
    else
      note(result, what == "ghost" and "ghosts" or "lost", change, change.record)
    end
  end
end

-- By what a change's record is looked for: the field of its tag, the first field of
-- its key, else its id; and the value.
local function target(witness, change)
  local value
  if witness and witness.tag then
    value = change.tag
  elseif witness then
    value = json.decode(change.fields)[witness.key[1]]
  end
  if value and value ~= "" then
    return witness.tag or witness.key[1], value
  end
  return "id", change.record
end

local function same_witness(witness, change, row)
  if witness.tag then
    return row[witness.tag] == change.tag
  end
  local fields = json.decode(change.fields)
  for _, field in ipairs(witness.key) do
    if (row[field] or "") ~= (fields[field] or "") then
      return false
    end
  end
  return true
end

local function check_batch(set, result, module, field, batch)
  local witness, values = set:witness(module), {}
  for i, change in ipairs(batch) do
    values[i] = select(2, target(witness, change))
  end
  local rows = lookup.find(set.client, module, field, values, { columns = "*" })
  for _, change in ipairs(batch) do
    local ids = {}
    for _, row in ipairs(rows) do
      if field == "id" and row.id == change.record
        or field ~= "id" and same_witness(witness, change, row)
      then
        ids[#ids + 1] = row.id
      end
    end
    judge(set, result, change, ids)
  end
end

local function check_module(set, result, module)
  local witness, batches = set:witness(module), {}
  for change in set.store:each { operations = state.CREATIONS, states = state.except "skipped",
    module = module } do
    local field, value = target(witness, change)
    local batch = batches[field] or {}
    batches[field] = batch
    if value then
      result.checked = result.checked + 1
      result.by_id = result.by_id + (field == "id" and 1 or 0)
      batch[#batch + 1] = change
    elseif change.attempts > 0 then
      result.unsought = result.unsought + 1
    end
    if #batch == limits.VALUES_PER_QUERY then
      check_batch(set, result, module, field, batch)
      batches[field] = nil
    end
  end
  for field, batch in pairs(batches) do
    if #batch > 0 then
      check_batch(set, result, module, field, batch)
    end
  end
end

--- Look for every record that the set created, by its tag, its key, or its id.
---
--- A ghost, half created, is found by its id alone; one whose id nobody knows
--- cannot be found by any query.
---
--- @param set table icrm.ChangeSet with a client
--- @return table checked, lost, duplicates, ghosts, unrecorded (numbers) and list;
---   by_id: those of `checked` that have neither tag nor key, so that a second record
---   would not be seen; unsought: those sent that have no id either; changed: those
---   whose tag or key was changed since
function M.run(set)
  local result = { checked = 0, lost = 0, duplicates = 0, ghosts = 0, unrecorded = 0, by_id = 0,
    unsought = 0, changed = 0, list = {} }
  for _, module in ipairs(set.store:modules { operations = state.CREATIONS }) do
    check_module(set, result, module)
  end
  return result
end

return M
