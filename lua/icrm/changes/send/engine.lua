--- The loop that sends a change set: no byte of a write leaves before its row
-- is durable, and all that is ready goes to the disk in one commit.
--
-- A *job* is a coroutine that handles one change in straight-line code. It
-- yields to the engine for a read, a write or a pause. One turn of the loop:
-- start jobs, commit what they marked and what they want to write, hand the
-- writes to the dispatcher, wait, resume the jobs whose replies came.
-- (Laws 1 and 23.)
-- @module icrm.changes.send.engine

local core = require "icrm.core"
local errors = require "icrm.error"
local history = require "icrm.changes.send.history"
local json = require "icrm.json"
local tasks = require "icrm.tasks"

local M = {}

local Engine = {}
Engine.__index = Engine

-- After a request to stop, how long replies of sent writes are waited for.
local DRAIN_S = 30

-- How many of the last writes say how long a write takes.
local REMEMBERED = 1000

---
--- @param set table icrm.ChangeSet with a client
--- @param options table for specs: `now`, a clock in seconds; `on_point(name)`, called
---   where a crash would hurt: commit, committed, send, poll, reply
function M.new(set, options)
  return setmetatable({
    set = set,
    history = history.open(set.store), -- every commit is counted
    store = set.store,
    client = set.client,
    core = set.client.core,
    now = options.now or core.clock,
    on_point = options.on_point or function() end,
    calls = {}, -- call id → job
    marks = {}, -- functions to run in the next transaction
    after = {}, -- functions to run after it
    outbox = {}, -- writes that wait for it
    reads = {}, -- calls that need no transaction
    sleeping = {}, -- job → time to wake up
    running = 0, -- jobs that have started and not ended
    in_flight = 0, -- calls handed to the dispatcher
    durations = {}, -- of the last acknowledged writes, in seconds
    finished = 0, -- how many writes were acknowledged
  }, Engine)
end

local Job = {}
Job.__index = Job

--- Call the server without a journal entry; for what changes nothing.
---
--- @return any the decoded result, or nil and an icrm.Error
function Job.read(_, operation, params, options)
  options = options or {}
  return coroutine.yield {
    list = "reads",
    call = {
      operation = operation,
      params = params,
      method = options.method or "GET",
      session = options.session,
      timeout = options.timeout,
    },
  }
end

--- Call the server after `change` is durably marked `sending`; `options` has the
--- files or parts of the request, if there are some.
---
--- @return any the decoded result, or nil and an icrm.Error; third the session
---   that carried the call (a secret), as far as known
function Job.write(_, change, operation, params, options)
  return coroutine.yield {
    list = "outbox",
    change = change,
    call = {
      operation = operation,
      params = params,
      parts = options and options.parts,
      files = options and options.files,
      method = "POST",
      write = true,
      hold = true,
    },
  }
end

--- Pause this job.
function Job:sleep(seconds)
  coroutine.yield { wake = self.engine.now() + seconds }
end

--- Queue a call for after the next commit.
function Engine:after_commit(fn, ...)
  local arguments = table.pack(...)
  table.insert(self.after, function()
    fn(table.unpack(arguments, 1, arguments.n))
  end)
end

--- Queue a change of the store for the next commit.
function Engine:mark(fn, ...)
  local arguments = table.pack(...)
  table.insert(self.marks, function()
    fn(self.store, table.unpack(arguments, 1, arguments.n))
  end)
end

local function resume(self, job, ...)
  local ok, request = coroutine.resume(job.thread, ...)
  if not ok then
    local is_error = type(request) == "table" -- an icrm.Error says enough
    self.failure = self.failure or (is_error and request or debug.traceback(job.thread, request))
  end
  if coroutine.status(job.thread) == "dead" then
    self.running = self.running - 1
    return
  end
  request.job = job
  if request.parked then
    return
  elseif request.wake then
    self.sleeping[job] = request.wake
  else
    table.insert(self[request.list], request)
  end
end

--- Wait until what this job has marked is on the disk.
function Job:commit()
  self.engine:mark(function() end)
  self.engine:after_commit(resume, self.engine, self)
  coroutine.yield { parked = true }
end

--- Start a job; `fn(job, ...)` runs until its first call at once.
function Engine:start(fn, ...)
  local job = setmetatable({ engine = self, thread = coroutine.create(fn) }, Job)
  self.running = self.running + 1
  resume(self, job, job, ...)
end

--- How many jobs keep every lane busy: some more than lanes, so that a lane
-- that becomes free finds the next write already on the disk.
function Engine:room()
  local lanes = self.core:stats().limit
  return lanes + (lanes + 1) // 2 - self.running
end

local function note_sending(self, request)
  local change = request.change
  change.attempts = change.attempts + 1
  self.store:mark(change.n, { state = "sending", attempts = change.attempts, tag = change.tag })
  local text = json.encode(request.call.params)
  self.store:begin_attempt(change.n, change.attempts, core.digest.sha256(text), os.time())
end

-- The first write on a session is held on its lane until the session is in the
-- journal, so that after a crash every session that may still be at work can be
-- fenced (law 15).
local function take_held(self)
  local held = {}
  for id, session in self.core.held, self.core do
    held[#held + 1] = { id = id, session = session }
  end
  return held
end

-- The journal is suspect: nothing more is written to it, and nothing is sent
-- that it does not know of (law 23).
local function break_off(self, err, held)
  self.failure = self.failure or err
  self.broken = true
  self.history:close() -- its count may be ahead of the file now
  for _, call in ipairs(held) do
    self.core:cancel(call.id)
  end
end

--- One transaction for all that is marked, then the writes may leave.
---
--- @return boolean whether there was something to commit
function Engine:commit()
  local marks, outbox, held = self.marks, self.outbox, take_held(self)
  if self.broken then
    break_off(self, nil, held)
    return false
  end
  if #marks == 0 and #outbox == 0 and #held == 0 then
    return false
  end
  self.marks, self.outbox = {}, {}
  self.on_point "commit"
  local ok, err = pcall(self.store.transaction, self.store, function()
    for _, mark in ipairs(marks) do
      mark()
    end
    for _, call in ipairs(held) do
      self.store:add_session(self.core:session_secret(call.session), os.time())
    end
    for _, request in ipairs(outbox) do
      note_sending(self, request)
    end
    self.history:advance()
  end)
  if not ok then
    break_off(self, err, held)
    return false
  end
  self.history:note(self.now())
  self.on_point "committed"
  for _, call in ipairs(held) do
    self.core:release(call.id)
  end
  for _, request in ipairs(outbox) do
    table.insert(self.reads, request)
  end
  local after = self.after
  self.after = {}
  for _, call in ipairs(after) do
    call()
  end
  return true
end

local function cancel(self, request)
  resume(
    self,
    request.job,
    nil,
    errors.new { kind = "canceled", message = "stopped before it was sent" }
  )
end

-- Writes that are not journaled yet go back to their jobs when nothing more
-- may be sent; each job leaves its change planned.
local function cancel_unsent(self)
  local outbox = self.outbox
  self.outbox = {}
  for _, request in ipairs(outbox) do
    cancel(self, request)
  end
end

-- Nobody who wants to stop waits for a quota: what has not left goes back to its
-- job, which leaves its change planned.
local function cancel_waiting(self)
  if self.core:waits() > 0 then
    for id in pairs(self.calls) do
      self.core:cancel(id)
    end
  end
end

local function send(self)
  local requests = self.reads
  self.reads = {}
  for _, request in ipairs(requests) do
    local id, err
    if not self.broken then
      id, err = self.core:submit(request.call)
    end
    if id then
      self.on_point "send"
      request.started = self.now()
      self.calls[id] = request
      self.in_flight = self.in_flight + 1
    else
      resume(
        self,
        request.job,
        nil,
        err or errors.new { kind = "canceled", message = "the journal failed" }
      )
    end
  end
end

local function finish_call(self, id, body, err, status)
  self.on_point "reply"
  local request = self.calls[id]
  self.calls[id] = nil
  self.in_flight = self.in_flight - 1
  if body == nil then
    return resume(self, request.job, nil, err, status and status.session)
  end
  if request.call.write then
    self.durations[self.finished % REMEMBERED + 1] = self.now() - request.started
    self.finished = self.finished + 1
  end
  local value, failure = json.decode(body)
  if failure == nil and value == nil then
    value = "" -- the result is null; it is an answer all the same
  end
  resume(self, request.job, value, failure, status.session)
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
    resume(self, job)
  end
  return #due > 0 and 0 or earliest - now
end

-- Wait for replies, or only for the time to pass when there is none to come.
local function collect(self, wait_s)
  if self.in_flight == 0 then
    core.interrupt.wait(wait_s)
    return
  end
  tasks.poll(self.core, wait_s)
  self.on_point "poll"
  for id in pairs(self.calls) do
    local has_come, body, err, status = tasks.take(self.core, id)
    if has_come then
      finish_call(self, id, body, err, status)
    end
  end
end

--- Stop starting changes; what is sent is still waited for.
function Engine:stop(reason)
  self.stopping = self.stopping or reason or "stopped"
end

local function should_drain(self)
  if core.interrupt.pending() then
    self:stop "interrupted"
  end
  return self.stopping or self.failure
end

--- Run until `feed` has nothing more and every job has ended.
---
--- @param feed function called each turn with the room there is; starts jobs and
---   returns false when there is nothing left to start
--- @param on_turn? function called after each turn (progress)
--- Raises the first error of a job or of the journal, after draining.
function Engine:run(feed, on_turn)
  local drain_until
  while true do
    local draining = should_drain(self)
    if draining then
      drain_until = drain_until or self.now() + DRAIN_S
      cancel_unsent(self)
      cancel_waiting(self)
    end
    local more = not draining and feed(self:room())
    local pause = wake_sleepers(self)
    local has_committed = self:commit()
    send(self)
    if on_turn then
      on_turn(self)
    end
    if draining and (self.in_flight == 0 or self.now() > drain_until) then
      break
    end
    -- What was committed may have made other changes ready.
    if not more and self.running == 0 and not has_committed then
      break
    end
    local ready = has_committed and self.in_flight == 0
      or #self.marks > 0
      or #self.outbox > 0
      or #self.reads > 0
    collect(self, ready and 0 or math.min(pause, 1))
  end
  self:commit()
  if self.failure then
    error(self.failure, 0)
  end
end

--- The 99th percentile of acknowledged writes, in seconds; 0 when there are none.
function Engine:slowest_s()
  local sorted = table.move(self.durations, 1, #self.durations, 1, {})
  table.sort(sorted)
  return sorted[math.ceil(#sorted * 0.99)] or 0
end

return M
