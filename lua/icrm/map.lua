--- Straight-line code for many rows at once.
--
-- A group runs a function on rows, each in a task of its own, and gives the
-- results in order. A yield that is not ours passes through to whoever resumed
-- the caller.
-- @module icrm.map

local errors = require "icrm.error"
local tasks = require "icrm.tasks"

local M = {}

local PULLED = {} -- what the row source yields with a row
local DEFAULT_CONCURRENCY = 32 -- twice the lanes: while some decode, others are sent

local Group = {}
Group.__index = Group

-- A task's coroutine stopped: it ended, waits, brought a row, or yielded for
-- somebody else.
local function after_stop(group, task, ok, first, ...)
  if not ok then
    return group:finish(task, false, first)
  elseif first == tasks.WAIT then
    return
  elseif first == tasks.DONE then
    group.idle[#group.idle + 1] = task.co
    return group:finish(task, true, ...)
  elseif first == PULLED then
    task.idle = true
    return group:add(...)
  elseif not coroutine.isyieldable() then
    coroutine.close(task.co)
    return group:finish(task, false, "attempt to yield from outside a coroutine")
  end
  return after_stop(group, task, coroutine.resume(task.co, coroutine.yield(first, ...)))
end

local function run(group, task, ...)
  task.queued, task.idle = false, false
  after_stop(group, task, coroutine.resume(task.co, ...))
end

function Group:finish(task, ok, value)
  task.done, task.failed, task.value = true, not ok, value
  if task == self.producer then
    self.exhausted = true
    if not ok then
      self:add_failure(value)
    end
    return
  end
  self.alive = self.alive - 1
  self.stopped = self.stopped or not ok
end

-- A row source that fails counts as a row after the last good one.
function Group:add_failure(err)
  self.stopped = true
  self.last = self.last + 1
  self.tasks[self.last] = { done = true, failed = true, value = err, source = true }
end

-- Start the function on a new row.
function Group:add(row)
  if self.stopped then
    return
  end
  self.last = self.last + 1
  local task = tasks.new(self)
  task.row = row
  self.tasks[self.last] = task
  self.alive = self.alive + 1
  run(self, task, self.fn, row, self.last)
end

-- The source is a function that may wait itself: it runs in a task of its own.
local function produce(source)
  for row in source do
    coroutine.yield(PULLED, row)
  end
end

function Group:pull()
  local rows = self.rows
  if rows then
    local row = rows[self.last + 1]
    if row == nil then
      self.exhausted = true
    else
      self:add(row)
    end
  elseif not self.producer then
    self.producer = tasks.new(self)
    run(self, self.producer, produce, self.source)
  elseif self.producer.idle then
    run(self, self.producer)
  end
end

-- Start rows until the window is full or the source makes us wait.
function Group:fill()
  while not (self.stopped or self.exhausted)
      and self.last - self.delivered < self.window do
    local before = self.last
    self:pull()
    if self.last == before and not self.exhausted then
      return
    end
  end
end

-- Let the tasks that can go on do so, or wait until one can.
function Group:turn()
  local runnable = self.runnable
  if #runnable == 0 then
    if self.host then
      coroutine.yield(tasks.WAIT)
    else
      tasks.pump()
    end
    return
  end
  self.runnable = {}
  for _, task in ipairs(runnable) do
    if not task.done then
      run(self, task)
    end
  end
end

function Group:drain()
  self.stopped, self.host = true, tasks.current()
  while self.alive > 0 do
    self:turn()
  end
end

function Group:raise(task)
  local err = task.value
  if task.source then
    error(err, 0)
  elseif errors.is(err) then
    err.row = self.delivered + 1
  elseif type(err) == "string" then
    err = ("row %d: %s"):format(self.delivered + 1, err)
  end
  error(err, 0)
end

-- The next row in order and its result; nothing at the end.
function Group:next()
  self.busy, self.host = true, tasks.current()
  while true do
    self:fill()
    local at = self.delivered + 1
    local task = self.tasks[at]
    if task and task.done then
      if task.failed then
        self:drain()
        self.busy = false
        self:raise(task)
      end
      self.tasks[at], self.delivered = nil, at
      self.busy = false
      return task.row, task.value
    elseif not task and (self.exhausted or self.stopped) then
      self.busy = false
      return nil
    end
    self:turn()
  end
end

-- Rows that were started run to their end, since a write cannot be called
-- back; unless an error (an interrupt, say) came out of the middle of this
-- very code.
function Group:__close(err)
  local failed
  if not self.busy then
    self.busy = true
    self:drain()
    self.busy = false
    for at = self.delivered + 1, self.last do
      failed = failed or (self.tasks[at].failed and at)
    end
  end
  if self.producer then
    tasks.close(self.producer)
  end
  for _, task in pairs(self.tasks) do
    if not task.done then
      tasks.close(task)
    end
  end
  if failed and err == nil then
    local task = self.tasks[failed]
    self.delivered = failed - 1
    self.tasks = {}
    self:raise(task)
  end
end

local function new_group(rows, fn, opts)
  local window = opts and opts.concurrency or DEFAULT_CONCURRENCY
  if math.type(window) ~= "integer" or window < 1 then
    error("concurrency must be a whole number, 1 or more", 3)
  end
  local group = setmetatable({ fn = fn, window = window,
    tasks = {}, runnable = {}, idle = {}, last = 0, delivered = 0, alive = 0 }, Group)
  if type(rows) == "table" and type(rows.each) == "function" then
    group.source = rows:each()
  elseif type(rows) == "table" then
    group.rows = rows
  elseif type(rows) == "function" then
    group.source = rows
  else
    error("rows must be a list, an iterator or something with each()", 3)
  end
  return group
end

--- Run a function for every row, several at once, and collect the results.
---
--- Inside the function the code is straight-line; whatever waits for the CRM
--- lets the other rows go on. The first row (in order) that fails ends the map:
--- no new row is started, rows under way run to their end, then its error is
--- raised with the row's number in `row`.
---
--- @param rows table|function|icrm.Query list, iterator function, or a query
--- @param fn fun(row: any, index: integer): any
--- @param opts? { concurrency?: integer } rows under way at once, 32 by default
--- @return table results in the order of the rows
function M.map(rows, fn, opts)
  local group <close> = new_group(rows, fn, opts)
  local results, at = {}, 0
  while true do
    local row, result = group:next()
    if row == nil then
      return results
    end
    at = at + 1
    results[at] = result
  end
end

--- Like map, but a for loop gets each row with its result as soon as it is its
--- turn, and memory stays constant.
---
--- `for row, result in icrm.imap(rows, fn) do … end`. Leaving the loop early
--- lets the rows under way run to their end.
---
--- @param rows table|function|icrm.Query
--- @param fn fun(row: any, index: integer): any
--- @param opts? { concurrency?: integer }
--- @return fun(): any, any
function M.imap(rows, fn, opts)
  local group = new_group(rows, fn, opts)
  return function()
    return group:next()
  end, nil, nil, group
end

return M
