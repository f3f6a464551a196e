--- Attachments of a change set: a document, its file and its relation are one
-- change; a document without one of the others is `PARTIAL` and never sent again.
-- @module icrm.changes.send.attach

local classify = require "icrm.changes.send.classify"
local documents = require "icrm.documents"
local errors = require "icrm.error"
local images = require "icrm.images"
local json = require "icrm.json"
local links = require "icrm.links"
local state = require "icrm.changes.journal.state"

local M = {}

local function partial(run, change, document, message)
  local values = state.outcome("PARTIAL", "document " .. document.id, message)
  values.record = document.id
  run:finish(change, values)
end

local function target_of(run, change)
  local file = json.decode(change.before)
  if file.related_to then
    return file.related_to
  end
  return run.store:by_key(json.decode(change.refs).related_to).record
end

--- See that a document has its file and its relation, and end the change. A job.
---
--- @param _ table job
--- @param run icrm.changes.Run
--- @param change table
--- @param document table the record
function M.check(_, run, change, document)
  local file, record = json.decode(change.before), target_of(run, change)
  if not documents.has_file(document, file.size) then
    run.engine:stop "the server did not keep the file of a document"
    return partial(run, change, document, "the server did not keep its file")
  end
  local is_linked, err = errors.try(links.link, run.client, document, record)
  if not is_linked then
    return partial(run, change, document, ("it is not related to %s%s"):format(record,
      err and ": " .. err.message or ""))
  end
  local sent = json.decode(change.fields)
  run:record_done(change, document, images.differences(run.set:schema "Documents", sent,
    document))
end

-- The file, if it is as large as it was planned. That it has the same SHA-256 is
-- found by the core, which must read it before the first byte leaves anyway.
local function load(planned)
  local ok, file = pcall(documents.load, planned.path)
  if not ok then
    return nil, tostring(file)
  elseif file.size ~= planned.size then
    return nil, ("%s is not as it was when it was planned"):format(planned.path)
  end
  file.sha256 = planned.sha256
  return file
end

--- Send one attachment.
function M.send(job, run, change)
  if change.attempts > 0 and run.reconciler:is_found(change) then
    return -- an earlier attempt has made it (law 7)
  end
  local file, why = load(json.decode(change.before))
  if not file then
    return run:finish(change, state.outcome("FILE_CHANGED", why))
  end
  local schema = run.set:schema "Documents"
  local record = target_of(run, change)
  local params, options = documents.request(
    documents.way(run.client, schema),
    links.with_relation(run.client, change.fields, record),
    file,
    record
  )
  local document, err, session = job:write(change, "create", params, options)
  local class = classify.record(document, err, schema.id_prefix)
  if err and err.kind == "input" then
    class = "R" -- the file cannot be read any more, or changed: it stays unsent
  end
  run:settle_write(change, class, err, session, function()
    M.check(job, run, change, document)
  end)
end

return M
