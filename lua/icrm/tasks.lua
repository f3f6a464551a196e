--- Waiting for replies: one place where calls and coroutines meet.
--
-- A task is a coroutine that waits for a reply by yielding a private value to
-- the group (icrm.map) that runs it. Outside a task, waiting drives the client
-- itself, so a plain script needs no event loop.
-- @module icrm.tasks

local errors = require "icrm.error"

local M = {}

M.WAIT = {} -- the private value
M.DONE = {} -- what a task yields with its result; its coroutine can then take another

local task_of = setmetatable({}, { __mode = "k" }) -- coroutine -> task
local boxes = setmetatable({}, { __mode = "k" })   -- core client -> its replies

-- ready[id] = reply; waiting[id] = task, or DROPPED when nobody wants it.
local DROPPED = {}

local function box_of(client)
  local box = boxes[client]
  if not box then
    box = { ready = {}, waiting = {}, tasks = 0 }
    boxes[client] = box
  end
  return box
end

-- Mark a task as able to go on, and so, up the chain, the task that runs its
-- group.
local function wake(task)
  if task.done or task.queued then
    return
  end
  task.queued = true
  local runnable = task.group.runnable
  runnable[#runnable + 1] = task
  if task.group.host then
    wake(task.group.host)
  end
end

-- A reply is kept as it is, a failure as { err, status }.
local function deliver(box, id, reply, err, status)
  local task = box.waiting[id]
  box.waiting[id] = nil
  if task == DROPPED then
    return
  elseif task then
    box.tasks = box.tasks - 1
    wake(task)
  end
  box.ready[id] = reply or { err, status }
end

-- Hand out the replies that a client has. Returns how many there were.
local function hand_out(client)
  local box, count = box_of(client), 0
  while true do
    local id, reply, err, status = client:next()
    if not id then
      return count
    end
    deliver(box, id, reply, err, status)
    count = count + 1
  end
end

-- Raise when none of the clients has a call from which a reply could come.
local function expect_reply(clients)
  for _, client in ipairs(clients) do
    local stats = client:stats()
    if stats.in_flight + stats.queued + stats.held > 0 then
      return
    end
  end
  error("the reply waited for was never asked for, or was taken before", 0)
end

local function hand_out_all(clients)
  local count = 0
  for _, client in ipairs(clients) do
    count = count + hand_out(client)
  end
  return count
end

--- What is told the clients that wait, once a second while no reply comes:
--- a function, or nil (as here) where nobody wants to know.
M.on_idle = nil

-- Wait until one of the clients has news. They share one transport, so a step
-- of the first moves them all.
local function collect(clients)
  if hand_out_all(clients) > 0 then
    return
  end
  errors.check(clients[1]:step(M.on_idle and 1))
  if hand_out_all(clients) == 0 then
    expect_reply(clients)
    if M.on_idle then
      M.on_idle(clients)
    end
  end
end

-- The clients from which some task waits for a reply, behind those given.
local function with_waiting(clients)
  for client, box in pairs(boxes) do
    if box.tasks > 0 and client ~= clients[1] then
      clients[#clients + 1] = client
    end
  end
  return clients
end

--- Wait until some task of some client can go on.
function M.pump()
  local clients = with_waiting {}
  if #clients == 0 then
    error("a task waits for nothing that will come", 0)
  end
  collect(clients)
end

local function work(body, ...)
  return work(coroutine.yield(M.DONE, (body(...))))
end

--- Make a task; its group resumes it, at first with a function and what that
--- takes. Coroutines of tasks that are done are used again.
---
--- @param group table with `runnable`, `idle` (coroutines) and, inside another
---   task, `host`
--- @return table task
function M.new(group)
  local co = table.remove(group.idle) or coroutine.create(work)
  local task = { group = group, co = co, queued = false, done = false }
  task_of[co] = task
  return task
end

--- End a task where it stands: its variables are closed, its reply is dropped.
---
--- @param task table
function M.close(task)
  if task.done then
    return
  end
  local box = task.box
  if box and box.waiting[task.id] == task then
    box.waiting[task.id] = DROPPED
    box.tasks = box.tasks - 1
  end
  task.done, task.box = true, nil
  coroutine.close(task.co)
end

--- Return the task whose coroutine is running and may yield, if there is one.
---
--- @return table?
function M.current()
  local co = coroutine.running()
  return coroutine.isyieldable() and task_of[co] or nil
end

--- Wait for the reply to a call that was submitted.
---
--- Inside a task the other tasks go on meanwhile.
---
--- @param client userdata a client of icrm.core
--- @param id integer what its submit returned
--- @return userdata? reply for icrm.json; tostring gives its text
--- @return icrm.Error? err when there is no reply
--- @return table? status of a call without a reply, as far as known: lane, session,
---   attempts, status, seconds
function M.await(client, id)
  local box = box_of(client)
  local task = M.current()
  if not task then
    while not box.ready[id] do
      collect { client }
    end
  elseif not box.ready[id] then
    box.waiting[id] = task
    box.tasks = box.tasks + 1
    task.box, task.id = box, id
    repeat
      coroutine.yield(M.WAIT)
    until box.ready[id]
    task.box = nil
  end
  local reply = box.ready[id]
  box.ready[id] = nil
  if type(reply) == "table" then
    return nil, reply[1], reply[2]
  end
  return reply
end

-- Whether a task belongs to a group, or to a group that one of its tasks runs.
local function is_of(task, group)
  while task and task.group ~= group do
    task = task.group.host
  end
  return task ~= nil
end

--- The calls to which the tasks of a group, and of groups inside it, wait for a
--- reply.
---
--- @param group table
--- @param client userdata
--- @return integer[] ids
function M.calls_of(group, client)
  local ids = {}
  for id, task in pairs(box_of(client).waiting) do
    if task ~= DROPPED and is_of(task, group) then
      ids[#ids + 1] = id
    end
  end
  return ids
end

--- Drive a client, and others for which a task waits, for a caller that has a loop
--- of its own.
---
--- @param client userdata
--- @param seconds number how long to wait at most
function M.poll(client, seconds)
  local clients = with_waiting { client }
  if hand_out_all(clients) == 0 then
    errors.check(client:step(seconds))
    hand_out_all(clients)
  end
end

--- Say that nobody will wait for a call; its reply is dropped when it comes.
---
--- @param client userdata
--- @param id integer
function M.discard(client, id)
  local box = box_of(client)
  if box.ready[id] then
    box.ready[id] = nil
  else
    box.waiting[id] = DROPPED
  end
end

--- Give every task that waits for this client an error, because it closes.
---
--- @param client userdata
function M.cancel(client)
  local box = boxes[client]
  for id in pairs(box and box.waiting or {}) do
    deliver(box, id, nil, errors.new {
      kind = "canceled", message = "the client was closed before the reply" })
  end
end

local shared = setmetatable({}, { __mode = "k" }) -- cache -> key -> waiting tasks

local function leave(cache, key, client)
  local waiters = shared[cache][key]
  shared[cache][key] = nil
  client:expect(0)
  for _, task in ipairs(waiters) do
    wake(task)
  end
end

--- Return cache[key], made by fn when it is not there yet; tasks that want the
--- same value at the same time wait for the first instead of asking again. The
--- client has lanes ready for them when it is there.
---
--- @param client icrm.Client
--- @param cache table
--- @param key any
--- @param fn fun(): any
--- @return any
function M.share(client, cache, key, fn)
  shared[cache] = shared[cache] or {}
  local pending, task = shared[cache], M.current()
  while cache[key] == nil and pending[key] and task do
    table.insert(pending[key], task)
    client:expect(#pending[key])
    coroutine.yield(M.WAIT)
  end
  if cache[key] == nil and pending[key] then
    cache[key] = fn()
  elseif cache[key] == nil then
    pending[key] = {}
    local _ <close> = setmetatable({}, { __close = function()
      leave(cache, key, client)
    end })
    cache[key] = fn()
  end
  return cache[key]
end

return M
