--- Finding out what became of a write that got no proof: find, fence, settle,
-- control, find again; a write goes back to `planned` only when it is proven
-- absent. (Laws 7 to 11.)
-- @module icrm.changes.send.reconcile

local errors = require "icrm.error"
local fence = require "icrm.changes.send.fence"
local halves = require "icrm.changes.send.halves"
local images = require "icrm.images"
local json = require "icrm.json"
local session_lock = require "icrm.changes.send.session_lock"
local removal = require "icrm.changes.send.removal"
local search = require "icrm.changes.send.search"
local state = require "icrm.changes.journal.state"

local M = {}

local Reconciler = {}
Reconciler.__index = Reconciler

local DEFAULT_SETTLE_S = 10

-- Absence counts after so many times the slowest write.
local SLOWER = 3

-- The time allowed for a call, where the user does not say; and how much of it is as
-- good as all.
local DEFAULT_TIMEOUT_S, MOST_OF = 120, 0.9

-- A write that so many times was proven not done will not be done the next time.
local MAX_ATTEMPTS = 10

---
--- @param run table the run of icrm.changes.send.run that this belongs to
--- @param options table `resend`, `settle`
function M.new(run, options)
  return setmetatable({
    run = run,
    store = run.store,
    resend = options.resend or "proven",
    settle_s = options.settle or DEFAULT_SETTLE_S,
    doubts = {},
    open = {}, -- change number → true while nobody knows what became of it
    without_control = {},
    fenced = {}, -- session → a verdict of icrm.changes.send.fence
  }, Reconciler)
end

--- Leave a change to a person.
---
--- @param change table a row of the store
--- @param code string of icrm.changes.journal.state
--- @param ... any the arguments of its text
function Reconciler:human(change, code, ...)
  self.run:finish(change, state.outcome(code, ...))
end

-- Whether a write was waited for in vain until the time allowed was over: then the
-- server may be at work on it for any time more.
local function has_hung(self, waited_s)
  local allowed = self.run.client.core_options.timeout or DEFAULT_TIMEOUT_S
  return self.run.engine:has_waited(waited_s) and waited_s >= MOST_OF * allowed
end

--- Put a change in doubt; its session carries nothing more.
---
--- @param change table a row of the store
--- @param session? integer the session that carried it; unknown, it cannot be fenced
--- @param answer? icrm.Error what the server has answered, when it did
--- @param other? string where it answered with a record that is another one: its words
function Reconciler:add(change, session, answer, other)
  self.open[change.n] = true
  table.insert(self.doubts, {
    change = change,
    sessions = session and { session },
    answer = answer or nil,
    other = other,
    has_hung = has_hung(self, change.waited_s or 0),
  })
  self:start()
end

function Reconciler:start()
  if not self.working and #self.doubts > 0 then
    self.working = true
    self.run.engine:start(function(job)
      self:work(job)
      self.working = false
    end)
  end
end

-- What an earlier run left of a change.
local function left_behind(self, change, sessions)
  local last = self.store:last_attempt(change.n) or {}
  local waited_s = last.ended and last.ended - last.started - 1 or 0
  self.run.engine:note_wait(waited_s)
  return {
    change = change,
    sessions = sessions,
    answer = last.class == "A" and { code = last.code, reason = last.message } or nil,
    other = change.code == "OTHER_RECORD" and change.message or nil,
    is_slow = change.code == "SLOW",
    has_hung = has_hung(self, waited_s),
  }
end

--- Take up what an earlier run left: whatever is `sending` may have been sent.
function Reconciler:recover()
  local rows, sessions = self.store:sessions(), nil
  for i, row in ipairs(rows or {}) do
    sessions = sessions or {}
    sessions[i] = self.run.client.core:import_session(row.session)
  end
  sessions = rows and (sessions or {}) -- nil: nobody knows what carried them
  self.fencing_since = math.tointeger(tonumber(self.store:get_meta "fencing"))
  for change in self.store:each_in_doubt() do
    self.run.engine:mark(self.store.mark, change.n, { state = "unknown" })
    self.open[change.n] = true
    table.insert(self.doubts, left_behind(self, change, sessions))
  end
  if #self.doubts == 0 then
    self.store:forget_sessions()
  end
  self:start()
end

--- Whether the server was seen to run one request at a time per session; found out
--- once, when it is needed.
---
--- @return boolean
function Reconciler:has_session_lock()
  if self.session_lock_seen == nil then
    self.session_lock_seen = errors.try(session_lock.is_known, self.run.client) or false
  end
  return self.session_lock_seen
end

--- The server gives no answers: end the run, leaving the doubts as they are.
---
--- @param err icrm.Error
function Reconciler:stop(err)
  self.run:stop(err, "could not ask the server what was done: " .. err.message)
end

-- An update that shows in the record was done, whatever was said of it. The
-- checks return "settled", or "absent" when the write does not show, or nil when
-- the server gave no answer.
local function check_update(self, doubt, final)
  local run, change = self.run, doubt.change
  local schema, fields = run.set:schema(change.module), json.decode(change.fields)
  for field, key in pairs(change.refs and json.decode(change.refs) or {}) do
    fields[field] = run.store:by_key(key).record
  end
  local current, err = errors.try(run.client.retrieve, run.client, change.record)
  if not current then
    if err.kind ~= "refused" then
      return self:stop(err)
    end
    self:human(change, "GONE", change.record, err.message)
    return "settled"
  end
  local before = json.decode(change.before)
  if #images.differences(schema, fields, current) == 0 then
    run:record_done(change, current, images.outcome(schema, fields, before, current), before)
  elseif not final or before.modifiedtime == current.modifiedtime then
    return "absent"
  else
    self:human(change, "MOVED", change.record, current.modifiedtime)
  end
  return "settled"
end

local function check_delete(self, doubt)
  local run, change = self.run, doubt.change
  local verdict, err = removal.verdict(run, change)
  if not verdict then
    return self:stop(err)
  elseif verdict == "there" then
    return "absent" -- the deletion is
  elseif verdict == "gone" then
    run:finish(change, { state = "done", code = false, message = false })
  else
    self:human(change, "NO_CONTROL", change.record)
  end
  return "settled"
end

-- The request has ended, and its write does not show: it was refused, in the
-- server's own words.
local function end_answered(self, doubts)
  for _, doubt in ipairs(halves.check(self, doubts) or {}) do
    local answer = doubt.answer
    self.run:finish(doubt.change, {
      state = "failed",
      code = answer.code or answer.kind,
      message = answer.reason or answer.message,
    })
  end
end

-- Look for all doubts; returns those whose write does not show, nil when the
-- server gave no answer.
local function look(self, doubts, final)
  local creates, absent = {}, {}
  for _, doubt in ipairs(doubts) do
    local operation = doubt.change.operation
    if operation == "create" or operation == "attach" then
      creates[#creates + 1] = doubt
    else
      local check = operation == "update" and check_update or check_delete
      local verdict = check(self, doubt, final)
      if not verdict then
        return nil
      elseif verdict == "absent" then
        absent[#absent + 1] = doubt
      end
    end
  end
  local missing = search.creates(self, creates, final)
  return missing and table.move(missing, 1, #missing, #absent + 1, absent)
end

-- Proven not done: they are sent again, within measure. Not so where the server has
-- said that it was done: it may have stored the key as something else.
local function replan(self, doubts)
  local run = self.run
  for _, doubt in ipairs(doubts) do
    local change = doubt.change
    if doubt.other then
      self:human(change, "NOT_SHOWN", doubt.other)
      run.engine:stop(doubt.other .. ", and what was sent does not show")
    elseif doubt.is_slow or doubt.has_hung and not self:has_session_lock() then
      self:human(change, "SLOW")
    elseif change.attempts >= MAX_ATTEMPTS then
      run:finish(change, state.outcome("NO_ANSWER", change.attempts))
    else
      self.open[change.n] = nil
      run.engine:mark(
        self.store.mark,
        change.n,
        { state = "planned", code = false, message = false }
      )
    end
  end
end

--- Look for a creation that was sent before, ahead of sending it again.
---
--- @return boolean true when that has settled it, or when there was no answer
function Reconciler:is_found(change)
  if not search.has_witness(self.run.set, change) then
    return false
  end
  local absent = search.creates(self, { { change = change } }, false)
  return not absent or #absent == 0
end

-- Doubts whose request is known to have ended, and the others.
local function part(doubts)
  local answered, others = {}, {}
  for _, doubt in ipairs(doubts) do
    table.insert(doubt.answer and answered or others, doubt)
  end
  return answered, others
end

-- Those that are proven not done; nil when the server gave no answer.
local function prove(self, job, doubts)
  local fenced = fence.all(self, job, doubts)
  if #fenced == 0 then
    return fenced
  end
  job:sleep(math.max(self.settle_s, SLOWER * self.run.engine:slowest_s()))
  local absent = look(self, fenced, true)
  return absent and halves.check(self, absent)
end

--- Work through the doubts there are; new ones that come meanwhile as well.
---
--- @param job table
function Reconciler:work(job)
  while #self.doubts > 0 do
    local doubts = self.doubts
    self.doubts = {}
    local absent = look(self, doubts, false)
    if not absent then
      return
    end
    local answered, others = part(absent)
    end_answered(self, answered)
    local proven = prove(self, job, others)
    if not proven then
      return
    end
    replan(self, proven)
    self.run.engine:mark(self.store.unblock)
  end
end

--- Whether there is something to look for again: absent for want of a control,
-- and since then a record was created that can serve as one.
function Reconciler:again()
  local created = self.run.done.done or 0
  if #self.without_control == 0 or created == self.created or self.run.engine.stopping then
    return false
  end
  self.created = created
  self.doubts, self.without_control = self.without_control, {}
  self:start()
  return true
end

--- Give what could not be settled for want of a control to a person.
function Reconciler:close()
  for _, doubt in ipairs(self.without_control) do
    if doubt.owner then
      self:human(doubt.change, "NO_SIGHT", doubt.owner)
    else
      self:human(doubt.change, "NO_CONTROL", "it")
    end
  end
  self.run.engine:commit()
  if not self.store:has_doubts() then
    self.store:forget_sessions()
  end
end

return M
