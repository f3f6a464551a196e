--- The three ways to change a record, each a job that sends one change: read the
-- record again where it exists, send, understand the answer.
-- @module icrm.changes.send.writes

local classify = require "icrm.changes.send.classify"
local errors = require "icrm.error"
local images = require "icrm.images"
local json = require "icrm.json"
local operations = require "icrm.operations"
local records = require "icrm.records"
local search = require "icrm.changes.send.search"

local M = {}

-- The record ids of the changes that this one refers to; they are done.
local function resolve_references(run, change, fields)
  for field, key in pairs(change.refs and json.decode(change.refs) or {}) do
    fields[field] = run.store:by_key(key).record
  end
  return fields
end

--- Send the creation of a record.
function M.create(job, run, change)
  if change.attempts > 0 and run.reconciler:is_found(job, change) then
    return -- an earlier attempt has made it (law 7)
  end
  local schema = run.set:schema(change.module)
  local fields = resolve_references(run, change, json.decode(change.fields))
  local record, err, session = job:write(change, "create", {
    elementType = change.module,
    element = json.encode_element(fields),
  })
  local class = classify.record(record, err, schema.id_prefix)
  run.settle_write(run, change, class, err, session, function()
    if change.tag and not search.shows_witness(run.set, change, record) then
      run.engine:stop "the server did not keep a tag; name a text field of 20 characters or more"
      return run.unknown(
        run,
        change,
        errors.new {
          kind = "unknown_outcome",
          code = "TAG_MISSING",
          message = "the server did not keep the tag; look at the field that was named for it",
        },
        session
      )
    end
    run.record_done(run, change, fields, record)
  end)
end

-- Which of the fields we are about to write have moved since the plan.
local function stale_fields(schema, change, fields, current)
  local before, moved = json.decode(change.before), {}
  for field in pairs(fields) do
    if before[field] ~= nil and not schema:same(field, before[field], current[field]) then
      moved[#moved + 1] = ("%s was %q, is %q"):format(
        field,
        before[field],
        current[field] or ""
      )
    end
  end
  table.sort(moved)
  if #moved == 0 and before.modifiedtime ~= current.modifiedtime then
    moved[1] = ("modifiedtime was %s, is %s"):format(before.modifiedtime, current.modifiedtime)
  end
  return moved
end

local function read_current(job, run, change)
  local current, err = job:read("retrieve", { id = change.record })
  if current then
    return current
  end
  if err.kind == "refused" then
    run.finish(run, change, {
      state = "failed",
      code = err.code or err.kind,
      message = ("%s cannot be read: it was deleted, or this user may not see it (%s)"):format(
        change.record,
        err.message
      ),
    })
  else
    run.not_sent(run, change, err)
  end
end

local function stale(run, change, moved)
  run.finish(run, change, {
    state = "failed",
    code = "STALE",
    message = ("%s changed since the plan: %s"):format(
      change.record,
      table.concat(moved, "; ")
    ),
  })
end

-- Fields that this update was not meant to touch and that are not as before.
local function side_effects(schema, fields, current, record)
  local others = images.editable(schema, current)
  for field in pairs(fields) do
    others[field] = nil
  end
  return images.differences(schema, others, record)
end

-- A reference that is to become empty: `update` keeps it, `revise` does not
-- (law 12).
local function cleared_reference(schema, fields, current)
  for field, value in pairs(fields) do
    local description = schema.by_name[field]
    local is_reference = description and description.type == "reference"
    if is_reference and value == "" and (current[field] or "") ~= "" then
      return field
    end
  end
end

--- Send the update of a record, unless it was changed since the plan.
function M.update(job, run, change)
  local schema = run.set:schema(change.module)
  local fields = resolve_references(run, change, json.decode(change.fields))
  local current = read_current(job, run, change)
  if not current then
    return
  end
  local moved = stale_fields(schema, change, fields, current)
  if run.is_behind and #images.differences(schema, fields, current) == 0 then
    return run.record_done(run, change, fields, current)
  elseif #moved > 0 and run.stale ~= "force" then
    return stale(run, change, moved)
  elseif #moved > 0 then -- what is overwritten is what undo brings back
    change.before = json.encode(current)
    run.engine:mark(run.store.mark, change.n, { before = change.before })
  end
  local operation, element = "update"
  local reference = cleared_reference(schema, fields, current)
  if not reference then
    element = records.merge(schema, current, fields)
  elseif operations.offers(run.client, "revise", job) then
    operation, element = "revise", fields
  else
    return run.finish(run, change, {
      state = "failed",
      code = "CANNOT_CLEAR",
      message = ("%s cannot be emptied: this server's update keeps references"):format(
        reference
      ),
    })
  end
  element.id = change.record
  local record, err, session = job:write(change, operation, {
    elementType = change.module,
    element = json.encode_element(element),
  })
  element.id, fields.id = nil, nil
  local class = classify.record(record, err, schema.id_prefix)
  run.settle_write(run, change, class, err, session, function()
    local spilled = side_effects(schema, fields, current, record)
    if #spilled > 0 then
      return run.finish(run, change, {
        state = "needs_human",
        code = "CONFLICT",
        message = "fields that were not to be changed are not as before: "
          .. images.describe(spilled),
      })
    end
    run.record_done(run, change, fields, record)
  end)
end

--- Send the deletion of a record, unless it was changed since the plan.
function M.delete(job, run, change)
  local schema = run.set:schema(change.module)
  local current = read_current(job, run, change)
  if not current then
    return
  end
  local moved = stale_fields(schema, change, json.decode(change.before), current)
  if #moved > 0 and run.stale ~= "force" then
    return stale(run, change, moved)
  end
  local result, err, session = job:write(change, "delete", { id = change.record })
  run.settle_write(run, change, classify.write(result, err), err, session, function()
    run.finish(run, change, { state = "done", code = false, message = false })
  end)
end

return M
