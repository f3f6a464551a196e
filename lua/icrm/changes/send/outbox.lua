--- What waits for the next commit of a change set's journal: marks, and writes
-- that may leave when they are written down. One transaction serves them all.
-- @module icrm.changes.send.outbox

local core = require "icrm.core"
local history = require "icrm.changes.send.history"
local json = require "icrm.json"

local M = {}

local Outbox = { __name = "icrm.changes.Outbox" }
Outbox.__index = Outbox

--- Make the outbox of one run.
---
--- @param set icrm.ChangeSet with a client
--- @param now fun(): number a clock in seconds
--- @param on_point fun(name: string) called at commit and committed
--- @return icrm.changes.Outbox
function M.new(set, now, on_point)
  return setmetatable({
    store = set.store,
    core = set.client.core,
    history = history.open(set.store), -- every commit is counted
    now = now,
    on_point = on_point,
    marks = {}, -- functions to run in the next transaction
    acknowledged = {}, -- { n, attempt, ended } of writes that succeeded, for it too
    after = {}, -- functions to run after it
    writes = {}, -- { job, change, params } that wait for it
    is_broken = false, -- the journal has failed
  }, Outbox)
end

-- A call with its arguments, for later.
local function bind(fn, ...)
  local arguments = table.pack(...)
  return function()
    fn(table.unpack(arguments, 1, arguments.n))
  end
end

--- Queue a change of the store.
---
--- @param fn function a method of the store
--- @param ... any its arguments
function Outbox:mark(fn, ...)
  table.insert(self.marks, bind(fn, self.store, ...))
end

--- Queue that the write of a change succeeded.
---
--- @param change table a row of the store
function Outbox:acknowledge(change)
  local ended = os.time()
  table.insert(self.acknowledged, { n = change.n, attempt = change.attempts, ended = ended })
end

--- Queue a call for after the commit.
---
--- @param fn function
--- @param ... any
function Outbox:after_commit(fn, ...)
  table.insert(self.after, bind(fn, ...))
end

--- Queue the write of a change.
---
--- @param job table who sends it when it is on the disk
--- @param change table a row of the store
--- @param params table
function Outbox:put(job, change, params)
  table.insert(self.writes, { job = job, change = change, params = params })
end

--- Whether a commit would write something.
---
--- @return boolean
function Outbox:has_work()
  return not self.is_broken and #self.marks + #self.acknowledged + #self.writes > 0
end

--- Give the writes that are not on the disk back; they stay planned.
---
--- @param give_back fun(job: table)
function Outbox:withdraw(give_back)
  local writes = self.writes
  self.writes = {}
  for _, write in ipairs(writes) do
    give_back(write.job)
  end
end

local function note_sending(self, writes)
  local list = {}
  for i, write in ipairs(writes) do
    local change = write.change
    change.attempts = change.attempts + 1
    local sha256 = core.digest.sha256(json.encode(write.params))
    list[i] = { n = change.n, attempt = change.attempts, sha256 = sha256 }
  end
  self.store:begin_attempts(list, os.time())
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

local function write_down(self, marks, acknowledged, held, writes)
  for _, mark in ipairs(marks) do
    mark()
  end
  self.store:acknowledge(acknowledged)
  for _, call in ipairs(held) do
    self.store:add_session(self.core:session_secret(call.session), os.time())
  end
  if #writes > 0 then
    note_sending(self, writes)
  end
  self.history:advance()
end

-- The journal is suspect: nothing more is written to it, and nothing is sent
-- that it does not know of (law 23).
local function break_off(self, held, let_go)
  self.is_broken = true
  self.history:close() -- its count may be ahead of the file now
  for _, call in ipairs(held) do
    self.core:cancel(call.id)
  end
  self:withdraw(function(job)
    let_go(job, false)
  end)
end

--- Write down what is queued, then let the writes leave.
---
--- @param let_go fun(job: table, may_leave: boolean) called for each write
--- @return boolean whether there was something to commit
--- @return any? err of the journal, which takes nothing more from now on
function Outbox:commit(let_go)
  local held = take_held(self)
  if self.is_broken then
    break_off(self, held, let_go)
    return false
  elseif #held == 0 and not self:has_work() then
    return false
  end
  local marks, acknowledged = self.marks, self.acknowledged
  local after, writes = self.after, self.writes
  self.marks, self.acknowledged, self.after = {}, {}, {}
  self.on_point "commit"
  local store = self.store
  local ok, err =
    pcall(store.transaction, store, write_down, self, marks, acknowledged, held, writes)
  if not ok then
    break_off(self, held, let_go)
    return false, err
  end
  self.writes = {}
  self.history:note(self.now())
  self.on_point "committed"
  for _, call in ipairs(held) do
    self.core:release(call.id)
  end
  for _, write in ipairs(writes) do
    let_go(write.job, true)
  end
  for _, call in ipairs(after) do
    call()
  end
  return true
end

--- Note how far the journal is; nothing more is counted.
function Outbox:close()
  self.history:note()
  self.history:close()
end

return M
