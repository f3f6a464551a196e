--- The loop that sends a change set: no byte of a write leaves before its row
-- is durable, and all that is ready goes to the disk in one commit.
--
-- A *job* handles one change in straight-line code. It is a task of icrm.tasks
-- and the engine is its group, so every method of the client works in it while
-- other jobs go on; only a write, a pause and the wait for a commit go through
-- the engine. One turn of the loop: start jobs, commit what they marked and what
-- they want to write, let the writes leave, wait, resume the jobs whose replies
-- came. (Laws 1 and 23.)
-- @module icrm.changes.send.engine

local core = require "icrm.core"
local jobs = require "icrm.changes.send.job"
local outbox = require "icrm.changes.send.outbox"
local tasks = require "icrm.tasks"

local M = {}

local Engine = { __name = "icrm.changes.Engine" }
Engine.__index = Engine

-- After a request to stop, how long replies of sent writes are waited for.
local DRAIN_S = 30

-- What is longer than this, and than so many usual calls, is no slow call.
local WAITED_S, WAITED_CALLS = 1, 5

-- How many of the last writes say how long a write takes.
local REMEMBERED = 1000

--- Make the engine of one run.
---
--- @param set icrm.ChangeSet with a client
--- @param options table for specs: `now`, a clock in seconds; `on_point(name)`, called
---   where a crash would hurt: commit, committed, send, poll, reply
--- @return icrm.changes.Engine
function M.new(set, options)
  local now, on_point = options.now or core.clock, options.on_point or function() end
  return setmetatable({
    client = set.client,
    core = set.client.core,
    now = now,
    on_point = on_point,
    outbox = outbox.new(set, now, on_point),
    sleeping = {}, -- job → time to wake up
    jobs = {}, -- task → job, of those that have not ended
    running = 0, -- how many these are
    waiting = 0, -- and how many of them wait for a reply
    runnable = {}, -- as icrm.tasks wants it of a group: tasks whose reply came
    idle = {}, -- and coroutines that can take another job
    durations = {}, -- of the last acknowledged writes, in seconds
    finished = 0, -- how many writes were acknowledged
    longest_s = 0, -- the longest wait for a write that was not
  }, Engine)
end

local function end_of(self, job)
  self.running = self.running - 1
  self.jobs[job.task] = nil
  job.task.done = true
end

--- Let a job go on until it waits for something.
---
--- @param job icrm.changes.Job
--- @param ... any what its wait returns
function Engine:resume(job, ...)
  job.waits = false
  local ok, what, request = coroutine.resume(job.task.co, ...)
  if not ok then
    local is_error = type(what) == "table" -- an icrm.Error says enough
    self.failure = self.failure or (is_error and what or debug.traceback(job.task.co, what))
    end_of(self, job)
  elseif what == tasks.DONE then
    table.insert(self.idle, job.task.co)
    end_of(self, job)
  elseif what == tasks.WAIT then
    job.waits = true
    self.waiting = self.waiting + 1
  elseif what == jobs.SLEEP then
    self.sleeping[job] = request
  elseif what == jobs.WRITE then
    self.outbox:put(job, request.change, request.params)
  end
end

-- The jobs whose replies came. A wait that is over for another reason, such as a
-- value that another job was asking for, looks the same.
local function wake_waiting(self)
  local list = self.runnable
  self.runnable = {}
  for _, task in ipairs(list) do
    local job = self.jobs[task]
    task.queued = false
    if job and job.waits then
      self.waiting = self.waiting - 1
      self:resume(job)
    end
  end
end

--- Start a job; `fn(job, ...)` runs at once until it waits.
---
--- @param fn function
--- @param ... any
function Engine:start(fn, ...)
  local task = tasks.new(self)
  local job = jobs.new(self, task)
  self.jobs[task] = job
  self.running = self.running + 1
  self:resume(job, fn, job, ...)
end

--- Queue a change of the store for the next commit.
---
--- @param fn function a method of the store
--- @param ... any its arguments
function Engine:mark(fn, ...)
  self.outbox:mark(fn, ...)
end

--- Queue for the next commit that the write of a change succeeded.
---
--- @param change table a row of the store
function Engine:acknowledge(change)
  self.outbox:acknowledge(change)
end

--- Queue a call for after the next commit.
---
--- @param fn function
--- @param ... any
function Engine:after_commit(fn, ...)
  self.outbox:after_commit(fn, ...)
end

--- One transaction for all that is marked, then the writes in it leave.
---
--- @return boolean whether there was something to commit
function Engine:commit()
  local has_committed, err = self.outbox:commit(function(job, may_leave)
    self:resume(job, may_leave)
  end)
  self.failure = self.failure or err
  return has_committed
end

--- How many jobs keep every lane busy: some more than lanes, so that a lane
--- that becomes free finds the next write already on the disk.
---
--- @return integer
function Engine:room()
  local lanes = self.core:stats().limit
  return lanes + (lanes + 1) // 2 - self.running
end

--- Whether a call that took so long has waited for something, instead of being slow
--- like others.
---
--- @param seconds number
--- @return boolean
function Engine:has_waited(seconds)
  return seconds > WAITED_S + WAITED_CALLS * self.core:stats().mean
end

local function wake_sleepers(self)
  local now, earliest = self.now(), math.huge
  local due = {}
  for job, at in pairs(self.sleeping) do
    if at <= now then
      due[#due + 1] = job
    else
      earliest = math.min(earliest, at)
    end
  end
  for _, job in ipairs(due) do
    self.sleeping[job] = nil
    self:resume(job)
  end
  return #due > 0 and 0 or earliest - now
end

-- Wait for replies, or only for the time to pass when there is none to come.
local function collect(self, wait_s)
  if self.waiting == 0 then
    core.interrupt.wait(wait_s)
    return
  end
  tasks.poll(self.core, wait_s)
  self.on_point "poll"
  wake_waiting(self)
end

--- Stop starting changes; what is sent is still waited for.
---
--- @param reason? string
function Engine:stop(reason)
  self.stopping = self.stopping or reason or "stopped"
end

-- Whether nothing more is to be started. Nobody who wants to stop waits for a
-- quota: a call that has not left goes back to its job.
local function drains(self)
  if core.interrupt.pending() then
    self:stop "interrupted"
  end
  if not (self.stopping or self.failure) then
    return false
  end
  self.outbox:withdraw(function(job)
    self:resume(job, false)
  end)
  if self.core:waits() > 0 then
    for _, id in ipairs(tasks.calls_of(self, self.core)) do
      self.core:cancel(id)
    end
  end
  return true
end

-- Jobs that a stop has left where they wait: their replies are not wanted.
local function leave_jobs(self)
  for task in pairs(self.jobs) do
    tasks.close(task)
  end
  self.jobs, self.sleeping, self.running, self.waiting = {}, {}, 0, 0
end

--- Run until `feed` has nothing more and every job has ended. Raises the first
--- error of a job or of the journal, after draining.
---
--- @param feed function called each turn with the room there is; starts jobs and
---   returns false when there is nothing left to start
--- @param on_turn? function called after each turn (progress)
function Engine:run(feed, on_turn)
  local drain_until
  while true do
    local draining = drains(self)
    drain_until = draining and (drain_until or self.now() + DRAIN_S)
    local more = not draining and feed(self:room())
    local pause = wake_sleepers(self)
    local has_committed = self:commit()
    if on_turn then
      on_turn(self)
    end
    if draining and (self.waiting == 0 or self.now() > drain_until) then
      break
    end
    -- What was committed may have made other changes ready.
    if not more and self.running == 0 and not has_committed then
      break
    end
    local ready = has_committed and self.waiting == 0
      or #self.runnable > 0
      or self.outbox:has_work()
    collect(self, ready and 0 or math.min(pause, 1))
  end
  leave_jobs(self)
  self:commit()
  if self.failure then
    error(self.failure, 0)
  end
end

--- End the jobs that an error has left, and note how far the journal is.
function Engine:close()
  leave_jobs(self)
  self.outbox:close()
end

--- Note how long an acknowledged write took.
---
--- @param seconds number
function Engine:note_duration(seconds)
  self.durations[self.finished % REMEMBERED + 1] = seconds
  self.finished = self.finished + 1
end

--- Note for how long a write without an answer was waited for.
---
--- @param seconds number
function Engine:note_wait(seconds)
  self.longest_s = math.max(self.longest_s, seconds)
end

--- How slow a write may be, in seconds: the 99th percentile of those acknowledged,
--- and at least as slow as the longest wait for one that was not; 0 when there are none.
---
--- @return number
function Engine:slowest_s()
  local sorted = table.move(self.durations, 1, #self.durations, 1, {})
  table.sort(sorted)
  return math.max(sorted[math.ceil(#sorted * 0.99)] or 0, self.longest_s)
end

return M
