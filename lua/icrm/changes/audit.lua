--- Comparing a change set with the server, record by record.
-- @module icrm.changes.audit

local json = require "icrm.json"

local M = {}

local VALUES_PER_QUERY = 49

local function retrievable(client, id)
  local ok, err = pcall(client.retrieve, client, id)
  if not ok and err.kind ~= "refused" then
    error(err, 0)
  end
  return ok
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
  elseif #ids == 0 and retrievable(set.client, change.record) then
    note(result, "ghosts", change, change.record)
  elseif #ids == 0 then
    note(result, "lost", change, change.record)
  end
end

local function witness_value(witness, change)
  if witness and witness.tag then
    return change.tag
  elseif witness then
    return json.decode(change.fields)[witness.key[1]]
  end
  return change.record
end

local function same_witness(witness, change, row)
  if not witness then
    return row.id == change.record
  elseif witness.tag then
    return row[witness.tag] == change.tag
  end
  local fields = json.decode(change.fields)
  for _, field in ipairs(witness.key) do
    if row[field] ~= fields[field] then
      return false
    end
  end
  return true
end

local function check_batch(set, result, module, batch)
  local witness = set:witness(module)
  local field = witness and (witness.tag or witness.key[1]) or "id"
  local values = {}
  for i, change in ipairs(batch) do
    values[i] = witness_value(witness, change)
  end
  local rows =
    set.client:query(("SELECT * FROM %s WHERE %s IN (?)"):format(module, field), values):all()
  for _, change in ipairs(batch) do
    local ids = {}
    for _, row in ipairs(rows) do
      if same_witness(witness, change, row) then
        ids[#ids + 1] = row.id
      end
    end
    judge(set, result, change, ids)
  end
end

--- Look for every record that the set created, by its tag, its key, or its id.
--
-- A ghost, half created, is found by its id alone; one whose id nobody knows
-- cannot be found by any query.
-- @param set table icrm.ChangeSet with a client
-- @return table checked, lost, duplicates, ghosts, unrecorded (numbers) and list
function M.run(set)
  local result =
    { checked = 0, lost = 0, duplicates = 0, ghosts = 0, unrecorded = 0, list = {} }
  local modules =
    set.store:rows "SELECT DISTINCT module FROM changes WHERE operation IN ('create', 'attach')"
  for _, total in ipairs(modules) do
    local batch = {}
    local condition = "operation IN ('create', 'attach') AND module = ?"
    for change in set.store:each(condition, total.module) do
      local value = witness_value(set:witness(total.module), change)
      if value and value ~= "" then
        result.checked = result.checked + 1
        batch[#batch + 1] = change
      end
      if #batch == VALUES_PER_QUERY then
        check_batch(set, result, total.module, batch)
        batch = {}
      end
    end
    if #batch > 0 then
      check_batch(set, result, total.module, batch)
    end
  end
  return result
end

return M
