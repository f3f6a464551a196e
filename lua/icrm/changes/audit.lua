--- Comparing a change set with the server, record by record.
-- @module icrm.changes.audit

local images = require "icrm.images"
local json = require "icrm.json"
local state = require "icrm.changes.journal.state"
local limits = require "icrm.limits"
local lookup = require "icrm.query.lookup"
local undone = require "icrm.changes.plan.undone"
local whereabouts = require "icrm.changes.whereabouts"

local M = {}

local function note(result, kind, change, detail)
  result[kind] = result[kind] + 1
  table.insert(result.list, { kind = kind, key = change.key, detail = detail })
end

-- Where the record of a change is that was not found; only what is gone is a loss.
local function note_whereabouts(set, result, change)
  if not change.record then
    result.unsought = result.unsought + 1
    return
  end
  local where, twin = whereabouts.find(set.client, change.module, change.record)
  if where == "gone" then
    note(result, "lost", change, change.record)
  elseif where == "ghost" then
    note(result, "ghosts", change, change.record)
  elseif where == "moved" then
    result.moved = result.moved + 1
    table.insert(result.moved_to, { key = change.key, record = twin })
  else
    local kind = where == "hidden" and "hidden" or "changed"
    result[kind] = result[kind] + 1
  end
end

-- A creation that was taken back: its record must not be there.
local function judge_undone(result, change, ids)
  result.undone = result.undone + 1
  for _, id in ipairs(ids) do
    if id == change.record then
      note(result, "unrecorded", change, ("%s, whose creation was undone"):format(id))
    end
  end
end

-- A change that says `done` names a record: it must be there, and once.
local function judge(set, result, change, ids)
  if result.undo:has_undone(change) then
    return judge_undone(result, change, ids)
  elseif #ids > 1 then
    return note(result, "duplicates", change, table.concat(ids, ", "))
  elseif change.state ~= "done" then
    if #ids == 1 then
      note(result, "unrecorded", change, ids[1])
    end
  elseif #ids == 1 and ids[1] ~= change.record then
    note(result, "unrecorded", change, ("%s instead of %s"):format(ids[1], change.record))
  elseif #ids == 0 then
    note_whereabouts(set, result, change)
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

local function is_sent(change)
  return change.state == "done" or change.attempts > 0
end

local function count(result, change, field)
  if is_sent(change) then
    result.checked = result.checked + 1
    result.by_id = result.by_id + (field == "id" and 1 or 0)
  else
    result.unsent = result.unsent + 1
  end
end

local function check_creations(set, result, module)
  local witness, batches = set:witness(module), {}
  for change in set.store:each { operations = state.CREATIONS, states = state.except "skipped",
    module = module } do
    local field, value = target(witness, change)
    local batch = batches[field] or {}
    batches[field] = batch
    if value then
      count(result, change, field)
      batch[#batch + 1] = change
    elseif change.attempts > 0 then
      result.unsought = result.unsought + 1
    else
      result.unsent = result.unsent + 1
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

-- What an update wrote is as it was stored then, or the record was changed since.
local function judge_update(set, result, change, record)
  if result.undo:has_undone(change) then
    result.undone = result.undone + 1
  elseif not record then
    note_whereabouts(set, result, change)
  elseif change.after then
    local after, written = json.decode(change.after), {}
    for field in pairs(json.decode(change.fields)) do
      written[field] = after[field]
    end
    local moved = images.differences(set:schema(change.module), written, record)
    if #moved > 0 and after.modifiedtime == record.modifiedtime then
      note(result, "lost", change, images.describe(moved))
    elseif #moved > 0 then
      result.altered = result.altered + 1
    end
  end
end

local function check_changed(set, result, module, batch)
  local ids = {}
  for i, change in ipairs(batch) do
    ids[i] = change.record
  end
  local found = lookup.by_id(set.client, module, ids, "*")
  for _, change in ipairs(batch) do
    result.checked = result.checked + 1
    if change.operation == "update" then
      judge_update(set, result, change, found[change.record])
    elseif found[change.record] then
      note(result, "undeleted", change, change.record)
    end
  end
end

-- Updates and deletions that were done, some at a time.
local function check_changes(set, result, module)
  local batch = {}
  for change in set.store:each { operations = { "update", "delete" }, states = { "done" },
    module = module } do
    batch[#batch + 1] = change
    if #batch == limits.VALUES_PER_QUERY then
      check_changed(set, result, module, batch)
      batch = {}
    end
  end
  if #batch > 0 then
    check_changed(set, result, module, batch)
  end
  result.unsent = result.unsent + set.store:how_many { operations = { "update", "delete" },
    states = { "planned", "blocked" }, module = module }
end

--- Look for every record that the set created, by its tag, its key, or its id, and
--- for what it updated and deleted, by id.
---
--- A ghost, half created, is found by its id alone; one whose id nobody knows
--- may be found by no query.
---
--- @param set table icrm.ChangeSet with a client
--- @return table result numbers: checked; lost, duplicates, ghosts, unrecorded,
---   undeleted, which are faults and in `list`; unsent; undone: taken back by an undo;
---   hidden: out of this user's sight; moved (and the list
---   moved_to): an activity of the other kind; altered:
---   updated, and changed since; by_id: those of `checked` that have neither tag nor
---   key, so that a second record would not be seen; unsought: those sent that have no
---   id either; changed: those whose tag or key was changed since
function M.run(set)
  local result = { checked = 0, lost = 0, duplicates = 0, ghosts = 0, unrecorded = 0,
    undeleted = 0, unsent = 0, undone = 0, hidden = 0, moved = 0, moved_to = {}, altered = 0,
    by_id = 0, unsought = 0, changed = 0, list = {} }
  local undo <close> = undone.of(set)
  result.undo = undo
  for _, module in ipairs(set.store:modules()) do
    check_creations(set, result, module)
    check_changes(set, result, module)
  end
  result.undo = nil
  return result
end

return M
