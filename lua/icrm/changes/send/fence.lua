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

-- No server is known to wait longer for the lock of a session.
local LONGEST_SESSION_LOCK_S = 60

-- How much of that is as good as all.
local MOST_OF = 0.9

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

-- Whether an end that took so long was waited for: something was at work on the
-- session, which has ended now, or still is where the lock has given up. What is
-- waited for afterwards grows with it; after a wait as long as a lock's it is `spent`,
-- and absence will not count.
local function judge_wait(self, took)
  if not self.run.engine:has_waited(took) then
    return "shut"
  end
  self.run.engine:note_wait(took)
  return took < MOST_OF * LONGEST_SESSION_LOCK_S and "slow" or "spent"
end

-- A server that runs one request at a time per session answers a read on it only
-- when the write that ran there has ended; unless its lock gave up.
local function barrier(self, session, module)
  local is_wanted = self.resend == "barrier" or self.has_no_logout
  if not (is_wanted and self:has_session_lock()) then
    return "open"
  end
  local took, is_answered = time(self, reads, self.run.client, session, module)
  return is_answered and judge_wait(self, took) or "open"
end

-- End a session and see that a call on it is refused. Only an answer counts; and
-- one that was long in coming, from the first try on, may come from a lock that has
-- given up.
local function fence(self, job, session, module)
  local client, waited_s = self.run.client, 0
  local server = errors.try(client.server, client)
  local tries = server and server:fact "logout" == false and 1 or FENCE_TRIES
  for try = 1, tries do
    local took, _, err =
      time(self, errors.try, call_on, client, session, "logout", "POST", {})
    self.has_no_logout = self.has_no_logout or err and err.status == 500 or false
    waited_s = waited_s + took
    local looked, is_gone = time(self, M.is_gone, client, session, module)
    if is_gone then
      if tries == 1 then
        server:learn("logout", true)
      end
      return judge_wait(self, waited_s)
    end
    waited_s = waited_s + looked
    if try < tries then
      job:sleep(try * 0.1)
    end
  end
  return barrier(self, session, module)
end

-- An earlier run has begun to end the sessions and was killed before it noted how
-- that went: a session that is gone does not tell for how long its end was waited
-- for, but it was not longer than that is ago.
local function was_left(self, session, module)
  return self.fencing_since and M.is_gone(self.run.client, session, module)
    and judge_wait(self, math.min(os.time() - self.fencing_since - 1,
      MOST_OF * LONGEST_SESSION_LOCK_S - 1))
end

-- The verdicts on a session, from the best to the worst: `slow` ended, but only after
-- a wait, `spent` after one for which a lock may have given up.
local RANK = { shut = 1, slow = 2, spent = 3, open = 4 }

local function shut_off(self, job, doubt)
  local worst = doubt.sessions and "shut" or "open"
  for _, session in ipairs(doubt.sessions or {}) do
    local module = doubt.change.module
    self.fenced[session] = self.fenced[session]
      or was_left(self, session, module)
      or fence(self, job, session, module)
    local verdict = self.fenced[session]
    worst = RANK[verdict] > RANK[worst] and verdict or worst
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
      -- A server that is merely slow is waited for longer; one that has hung may
      -- have given up a lock.
      doubt.is_slow = doubt.is_slow or verdict == "spent" or verdict == "slow" and doubt.has_hung
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
