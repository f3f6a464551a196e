--- Create the records of an import, several at once, and account for each.
--
-- What was created is told as it happens, so that it can be written down, and
-- can be given back later: those rows are not created twice.
-- @module icrm.import.create

local errors = require "icrm.error"
local map = require "icrm.map"

local M = {}

-- After these nobody knows whether the record exists.
local UNKNOWN = { unknown_outcome = true, timeout = true, transport = true, http = true,
  decode = true, canceled = true }

local function fields_of(run, item)
  local fields = {}
  for name, value in pairs(item.fields) do
    fields[name] = value
  end
  for name, key in pairs(item.refs) do
    local id = run.ids[key]
    if not id then
      return nil, ("it refers to %s, which was not created"):format(key)
    end
    fields[name] = id
  end
  return fields
end

-- Returns what became of an item: "created", "done" (by an earlier run),
-- "failed", "unknown" or "unsent", and the id or the error.
local function make(run, item)
  if run.ids[item.key] then
    return "done", run.ids[item.key]
  elseif run.stopped then
    return "unsent"
  end
  local fields, problem = fields_of(run, item)
  if not fields then
    return "failed", problem
  end
  local ok, result = pcall(run.crm.create, run.crm, item.module, fields, { check = false })
  if ok then
    return "created", result.id
  elseif not errors.is(result) then
    error(result, 0)
  end
  local state = UNKNOWN[result.kind] and "unknown" or "failed"
  local fatal = result.kind == "auth" or result.kind == "tls" or result.kind == "config"
  run.stopped = run.stopped or fatal or state == "unknown"
  return state, result
end

local function note(run, item, state, result)
  run.counts[state] = run.counts[state] + 1
  if state == "created" or state == "done" then
    run.ids[item.key] = result
  elseif state ~= "unsent" then
    run.failures[#run.failures + 1] = { item = item, state = state, error = result }
    run.stopped = run.stopped or run.counts.failed > run.max_errors
  end
  if run.tell then
    run.tell(item, state, result)
  end
end

-- All items of one level of the mapping: imap must have delivered a level
-- before the next begins, because that refers to its ids.
local function levels(items)
  local item = items()
  return function()
    local level = item and item.record
    if not level then
      return nil
    end
    return function()
      local current = item
      if current and current.record == level then
        item = items()
        return current
      end
    end
  end
end

--- Create all records of a job that was checked.
---
--- @param job icrm.import.Job
--- @param opts? table ids: item key -> id of records that exist already; max_errors: rows
---   that may fail before no more are sent (0); tell: function(item, state, result)
---   called in order for every item, with state "created", "done", "failed",
---   "unknown" or "unsent"; concurrency
--- @return table run counts by state, failures (list of item, state, error), ids
function M.run(job, opts)
  opts = opts or {}
  local run = { crm = job.crm, ids = opts.ids or {}, max_errors = opts.max_errors or 0,
    tell = opts.tell, failures = {},
    counts = { created = 0, done = 0, failed = 0, unknown = 0, unsent = 0 } }
  for level in levels(job:items()) do
    for item, outcome in map.imap(level, function(item)
      return { make(run, item) }
    end, { concurrency = opts.concurrency }) do
      note(run, item, table.unpack(outcome))
    end
  end
  return run
end

return M
