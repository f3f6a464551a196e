--- Attachments of a change set: a document, its file and its relation are one
-- change; a document without one of the others is `PARTIAL` and never sent again.
-- @module icrm.changes.send.attach

local classify = require "icrm.changes.send.classify"
local documents = require "icrm.documents"
local images = require "icrm.images"
local json = require "icrm.json"

local M = {}

local function partial(run, change, document, message)
  run.finish(run, change, {
    state = "needs_human",
    record = document.id,
    code = "PARTIAL",
    message = ("document %s is there, but %s"):format(document.id, message),
  })
end

-- Whether the record lists the document; nil when there was no answer.
local function is_linked(job, document, record)
  local rows, err = job:read("retrieve_related", {
    id = record,
    relatedType = "Documents",
    relatedLabel = "Documents",
  })
  if not rows then
    return nil, err
  end
  for _, row in ipairs(rows) do
    if row.id == document.id then
      return true
    end
  end
  return false
end

local function target_of(run, change)
  local file = json.decode(change.before)
  if file.related_to then
    return file.related_to
  end
  return run.store:by_key(json.decode(change.refs).related_to).record
end

--- See that a document has its file and its relation, and end the change.
---
--- @param job table
--- @param run table of icrm.changes.send.run
--- @param change table
--- @param document table the record
function M.check(job, run, change, document)
  local file, record = json.decode(change.before), target_of(run, change)
  if not documents.has_file(document, file.size) then
    run.engine:stop "the server did not keep the file of a document"
    return partial(run, change, document, "the server did not keep its file")
  end
  local linked = is_linked(job, document, record)
  if linked == false then
    job:read("add_related", {
      sourceRecordId = record,
      relatedRecordId = document.id,
      relationIdLabel = "Documents",
    }, { method = "POST" })
    linked = is_linked(job, document, record)
  end
  if not linked then
    return partial(run, change, document, ("it is not related to %s"):format(record))
  end
  local sent = json.decode(change.fields)
  run.record_done(run, change, document, images.differences(run.set:schema "Documents", sent,
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
  if change.attempts > 0 and run.reconciler:is_found(job, change) then
    return -- an earlier attempt has made it (law 7)
  end
  local file, why = load(json.decode(change.before))
  if not file then
    return run.finish(run, change, { state = "failed", code = "FILE_CHANGED", message = why })
  end
  local schema = run.set:schema "Documents"
  local params, options = documents.request(
    documents.way(run.client, schema),
    change.fields,
    file,
    target_of(run, change)
  )
  local document, err, session = job:write(change, "create", params, options)
  local class = classify.record(document, err, schema.id_prefix)
  if err and err.kind == "input" then
    class = "R" -- the file cannot be read any more, or changed: it stays unsent
  end
  run.settle_write(run, change, class, err, session, function()
    M.check(job, run, change, document)
  end)
end

return M
