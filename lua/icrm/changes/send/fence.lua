--- Making sure that nothing under way on a session can still arrive: the session
-- is ended and a call on it *seen* to be refused; or, where the server was seen
-- to run one request at a time per session, a read on it is answered.
-- (Laws 15 and 16.)
-- @module icrm.changes.send.fence

local errors = require "icrm.error"
local json = require "icrm.json"
local tasks = require "icrm.tasks"

local M = {}

-- How often a session is ended before it counts as one that cannot be.
local FENCE_TRIES = 4

-- The answers that show that a session is gone; nothing ran.
local SESSION_GONE = {
  INVALID_SESSIONID = true,
  SESSION_EXPIRED = true,
  SESSION_LEFT_IDLE = true,
  AUTHENTICATION_REQUIRED = true,
}

-- A call on one session, whatever lane is free: past icrm.Client, which gives its
-- calls to any.
local function call_on(client, session, operation, method, params)
  local id = errors.check(client.core:submit {
    operation = operation, method = method, params = params, session = session })
  return json.decode(errors.check(tasks.await(client.core, id)))
end

-- A read on a session: true when it was answered.
local function reads(client, session, module)
  local text = ("SELECT id FROM %s LIMIT 1;"):format(module)
  local rows, err = errors.try(call_on, client, session, "query", "GET", { query = text })
  return rows ~= nil, err
end

--- Whether a session is seen to be gone.
---
--- @param client icrm.Client
--- @param session integer
--- @param module string that this user may query
--- @return boolean? nil when there was no answer
function M.is_gone(client, session, module)
  local is_answered, err = reads(client, session, module)
  if is_answered then
    return false
  end
  return err and SESSION_GONE[err.code] or nil
end

-- How long a call took; what it returned.
local function time(self, fn, ...)
  local started = self.run.engine.now()
  local value, err = fn(...)
  return self.run.engine.now() - started, value, err
end

-- A server that runs one request at a time per session answers a read on it only
-- when the write that ran there has ended; unless its lock gave up.
local function barrier(self, session, module)
  local is_wanted = self.resend == "barrier" or self.has_no_logout
  if not (is_wanted and self:has_lock()) then
    return "open"
  end
  local took, is_answered = time(self, reads, self.run.client, session, module)
  return not is_answered and "open" or self.run.engine:has_waited(took) and "slow" or "shut"
end

-- End a session and see that a call on it is refused. Only an answer counts; and
-- one that was long in coming may come from a lock that has given up.
local function fence(self, job, session, module)
  local client = self.run.client
  for try = 1, FENCE_TRIES do
    local took, _, err =
      time(self, errors.try, call_on, client, session, "logout", "POST", {})
    self.has_no_logout = self.has_no_logout or err and err.status == 500 or false
    if M.is_gone(client, session, module) then
      return self.run.engine:has_waited(took) and "slow" or "shut"
    elseif try < FENCE_TRIES then
      job:sleep(try * 0.1)
    end
  end
  return barrier(self, session, module)
end

-- An earlier run has begun to end the sessions and was killed before it noted how
-- that went. Where that is long ago, a session that is gone does not tell whether
-- its end was waited for.
local function was_left(self, session, module)
  return self.fencing_since ~= nil
    and self.run.engine:has_waited(os.time() - self.fencing_since - 1)
    and M.is_gone(self.run.client, session, module)
end

-- `shut`, `slow` (it ended, but only after a wait), or `open`.
local function shut_off(self, job, doubt)
  local worst = doubt.sessions and "shut" or "open"
  for _, session in ipairs(doubt.sessions or {}) do
    local module = doubt.change.module
    self.fenced[session] = self.fenced[session]
      or was_left(self, session, module) and "slow"
      or fence(self, job, session, module)
    local verdict = self.fenced[session]
    worst = verdict ~= "shut" and worst ~= "open" and verdict or worst
  end
  return worst
end

-- That sessions are being ended is on the disk before the first of them is.
local function note_begin(self, job)
  if not self.fencing_since then
    self.run.engine:mark(self.store.set_meta, "fencing", os.time())
    job:commit()
  end
end

local function note_end(self)
  self.fencing_since = nil
  self.run.engine:mark(self.store.set_meta, "fencing", "")
end

--- Shut the sessions of all doubts off. Those that may then be settled by waiting
--- are returned, with `is_slow` where absence will not count; the others go to a
--- person.
---
--- @param self table the reconciler
--- @param job table
--- @param doubts table list of { change, sessions }
--- @return table list of doubts
function M.all(self, job, doubts)
  local fenced = {}
  if #doubts > 0 and self.resend ~= "never" then
    note_begin(self, job)
  end
  for _, doubt in ipairs(doubts) do
    local verdict = self.resend ~= "never" and shut_off(self, job, doubt)
    if not verdict then
      self:human(doubt.change, "ABSENT")
    elseif verdict == "open" then
      self:human(doubt.change, "NO_FENCE")
    else
      doubt.is_slow = doubt.is_slow or verdict == "slow"
      doubt.fenced_at = os.time()
      fenced[#fenced + 1] = doubt
    end
  end
  if #fenced > 0 then
    note_end(self)
  end
  return fenced
end

return M
