--- A job of a change set's engine: straight-line code that handles one change. It is
-- a task of icrm.tasks, so every method of the client works in it; what goes through
-- the engine is here.
-- @module icrm.changes.send.job

local errors = require "icrm.error"
local json = require "icrm.json"
local tasks = require "icrm.tasks"

local M = {}

local Job = { __name = "icrm.changes.Job" }
Job.__index = Job

-- What a job yields to the engine besides the private value of icrm.tasks.
local SLEEP, WRITE, PARKED = {}, {}, {}
M.SLEEP, M.WRITE = SLEEP, WRITE

--- Make a job.
---
--- @param engine icrm.changes.Engine
--- @param task table of icrm.tasks
--- @return icrm.changes.Job
function M.new(engine, task)
  return setmetatable({ engine = engine, task = task }, Job)
end

--- Pause this job.
---
--- @param seconds number
function Job:sleep(seconds)
  coroutine.yield(SLEEP, self.engine.now() + seconds)
end

--- Wait until what this job has marked is on the disk.
function Job:commit()
  self.engine:mark(function() end)
  self.engine:after_commit(self.engine.resume, self.engine, self)
  coroutine.yield(PARKED)
end

local function canceled(why)
  return errors.new { kind = "canceled", message = why }
end

--- Call the server after `change` is durably marked `sending`; `options` has the
--- files or parts of the request, if there are some.
---
--- @param change table a row of the store
--- @param operation string
--- @param params table
--- @param options? table files, parts
--- @return any result nil when there is none
--- @return icrm.Error? err
--- @return integer? session that carried the call, as far as known
function Job:write(change, operation, params, options)
  local engine = self.engine
  if not coroutine.yield(WRITE, { change = change, params = params }) then
    return nil, canceled "stopped before it was sent"
  end
  local id, refusal = engine.core:submit {
    operation = operation,
    params = params,
    parts = options and options.parts,
    files = options and options.files,
    method = "POST",
    write = true,
    hold = true,
  }
  if not id then
    return nil, refusal
  end
  engine.client.writes = engine.client.writes + 1
  engine.on_point "send"
  local started = engine.now()
  local reply, err, status = tasks.await(engine.core, id)
  engine.on_point "reply"
  if not reply then
    change.waited_s = status and status.seconds or engine.now() - started
    engine:note_wait(change.waited_s)
    return nil, err, status and status.session
  end
  engine:note_duration(engine.now() - started)
  local value, failure = json.decode(reply)
  if failure == nil and value == nil then
    value = "" -- the result is null; it is an answer all the same
  end
  return value, failure, reply:status().session
end

return M
