--- The three ways to change a record, each a job that sends one change: read the
-- record again where it exists, send, understand the answer.
-- @module icrm.changes.send.writes

local classify = require "icrm.changes.send.classify"
local errors = require "icrm.error"
local images = require "icrm.images"
local json = require "icrm.json"
local operations = require "icrm.operations"
local probe = require "icrm.changes.send.probe"
local search = require "icrm.changes.send.search"
local state = require "icrm.changes.journal.state"
local values = require "icrm.values"
local ways = require "icrm.ways"

local M = {}

-- The record ids of the changes that this one refers to; they are done.
local function resolve_references(run, change, fields)
  for field, key in pairs(change.refs and json.decode(change.refs) or {}) do
    fields[field] = run.store:by_key(key).record
  end
  return fields
end

local function unknown_outcome(code, ...)
  local message = state.outcome(code, ...).message
  return errors.new { kind = "unknown_outcome", code = code, message = message }
end

-- The change that created a record, when that was another one.
local function other_creator(run, change, record)
  local n = run.created[record.id]
  if not n and run.has_created then
    local row = run.store:each { record = record.id, operations = state.CREATIONS }()
    n = row and row.n
  end
  return n ~= change.n and n or nil
end

-- Whether the answer to a creation, although it is a record of the module, shows
-- another one than was sent. One that has all of it, but a key that the server cut, is
-- no other: sent again it would be there twice (law 3).
local function is_another(run, change, fields, record)
  local witness = run.set:witness(change.module)
  if other_creator(run, change, record) then
    return true
  elseif witness and witness.tag then
    local kept = values.text(record[witness.tag]) -- all of it, or what fits the field
    return change.tag:sub(1, #kept) ~= kept
  end
  local schema, key = run.set:schema(change.module), witness and witness.key
  return images.is_another(schema, fields, record, key)
    and not (key and images.has_remnant(schema, fields, record, key)
      and not search.has_key_of_another(run, change, record))
end

-- The record as it is read now, where this write is the first of its module.
local function read_again(run, change, record)
  if not run.probe:is_first(change) then
    return record
  end
  local stored = errors.try(run.client.retrieve, run.client, record.id)
  return stored and stored.id == record.id and stored or record
end

local function tag_is_missing(run, change, session)
  run.engine:stop "the server did not keep a tag; name a text field of 20 characters or more"
  return run:unknown(change, unknown_outcome "TAG_MISSING", session)
end

--- Send the creation of a record.
function M.create(job, run, change)
  if change.attempts > 0 and run.reconciler:is_found(change) then
    return -- an earlier attempt has made it (law 7)
  end
  local schema = run.set:schema(change.module)
  local fields = resolve_references(run, change, probe.fields(change))
  local record, err, session = job:write(change, "create", {
    elementType = change.module,
    element = json.encode_element(ways.creation(run.client, schema, fields)),
  })
  local class = classify.record(record, err, schema.id_prefix)
  if class == "S" and is_another(run, change, fields, record) then
    class, err = "U", unknown_outcome("OTHER_RECORD", record.id)
  end
  run:settle_write(change, class, err, session, function()
    if change.tag and not search.shows_witness(run.set, change, record) then
      return tag_is_missing(run, change, session)
    end
    run.created[record.id] = change.n
    ways.follow(run.client, change.module, record)
    local stored = read_again(run, change, record)
    run:record_done(change, stored, images.outcome(schema, fields, nil, stored))
  end)
end

-- Which of the fields we are about to write have moved since the plan.
local function stale_fields(schema, change, fields, current)
  local before, moved = json.decode(change.before), {}
  for field in pairs(fields) do
    if before[field] ~= nil and not schema:same(field, before[field], current[field]) then
      moved[#moved + 1] = ("%s was %q, is %q"):format(
        field,
        values.text(before[field]),
        values.text(current[field])
      )
    end
  end
  table.sort(moved)
  if #moved == 0 and before.modifiedtime ~= current.modifiedtime then
    moved[1] = ("modifiedtime was %s, is %s"):format(before.modifiedtime, current.modifiedtime)
  end
  return moved
end

local function read_current(run, change)
  local current, err = errors.try(run.client.retrieve, run.client, change.record)
  if current then
    return current
  elseif err.kind == "refused" then
    run:finish(change, { state = "failed", code = err.code or err.kind, message = err.message })
  else
    run:not_sent(change, err)
  end
end

local function stale(run, change, moved)
  run:finish(change, state.outcome("STALE", change.record, table.concat(moved, "; ")))
end

local function learnt_way(run, module)
  return run.learnt[module] or run.store:get_meta("way." .. module)
end

local function learn_way(run, module, name)
  run.learnt[module] = name
  run.engine:mark(run.store.set_meta, "way." .. module, name)
end

-- A server that does not know an operation breaks off, like one that fails in it.
local function is_unknown_there(run, operation, err)
  return err ~= nil and (err.status == 500 or err.code == "UNKNOWN_OPERATION")
    and errors.try(operations.offers, run.client, operation) == false
end

-- `update` or `revise`, whichever keeps the rest of this record as it is.
local function send_update(job, run, change, fields, current)
  local schema = run.set:schema(change.module)
  local way, failure = ways.choose(run.client, schema, current, fields, {
    learnt = learnt_way(run, schema.name),
    accepts = function(field, kind)
      return run.probe:accepts(schema.name, field, kind)
    end,
  })
  if not way then
    return run:finish(change, state.outcome(failure.code, failure.message))
  end
  local record, err, session = job:write(change, way.operation, {
    elementType = change.module,
    element = json.encode_element(way.element),
  })
  local class = classify.record(record, err, schema.id_prefix, change.record)
  if way.operation == "revise" and is_unknown_there(run, "revise", err) then
    run.client:server():learn("offers revise", false) -- it was kept from another day
    run:end_attempt(change, "R", err)
    return send_update(job, run, change, fields, current)
  end
  run:settle_write(change, class, err, session, function()
    local stored = read_again(run, change, record)
    local outcome = images.outcome(schema, fields, current, stored)
    local is_blanked = images.is_blanked(outcome) and not way.is_known and way.name ~= "whole"
    if not way.is_known then
      learn_way(run, schema.name, is_blanked and "whole" or way.name)
    end
    if is_blanked then -- put the rest back, and write so from now on
      return send_update(job, run, change, fields, current)
    end
    run:record_done(change, stored, outcome, current)
  end)
end

-- Whether the before-image, a row of a query, has not all that is to be changed.
local function lacks(before, fields)
  for field in pairs(fields) do
    if before[field] == nil then
      return true
    end
  end
  return false
end

--- Send the update of a record, unless it was changed since the plan.
function M.update(job, run, change)
  local schema = run.set:schema(change.module)
  local fields = resolve_references(run, change, probe.fields(change))
  local current = read_current(run, change)
  if not current then
    return
  end
  local moved = stale_fields(schema, change, fields, current)
  if run.is_behind and #images.differences(schema, fields, current) == 0 then
    return run:record_done(change, current, {})
  elseif #moved > 0 and run.stale ~= "force" then
    return stale(run, change, moved)
  elseif #moved > 0 or lacks(json.decode(change.before), fields) then
    -- What is overwritten is what undo brings back.
    change.before = json.encode(current)
    run.engine:mark(run.store.mark, change.n, { before = change.before })
  end
  send_update(job, run, change, fields, current)
end

--- Send the deletion of a record, unless it was changed since the plan.
function M.delete(job, run, change)
  local schema = run.set:schema(change.module)
  local current = read_current(run, change)
  if not current then
    return
  end
  local moved = stale_fields(schema, change, json.decode(change.before), current)
  if #moved > 0 and run.stale ~= "force" then
    return stale(run, change, moved)
  end
  local result, err, session = job:write(change, "delete", { id = change.record })
  local class = classify.write(result, err)
  if class == "U" and is_unknown_there(run, "delete", err) then
    class, err = "R", errors.new { kind = "refused", code = "UNKNOWN_OPERATION",
      message = "this server has no operation that deletes; delete it in the CRM" }
  end
  run:settle_write(change, class, err, session, function()
    run:finish(change, { state = "done", code = false, message = false })
  end)
end

return M
