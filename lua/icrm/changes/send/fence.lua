--- Making sure that nothing under way on a session can still arrive: the session
-- is ended and a call on it *seen* to be refused; or, where the server was seen
-- to run one request at a time per session, a read on it is answered.
-- (Laws 15 and 16.)
-- @module icrm.changes.send.fence

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

-- One call on a session: true when the session is gone, false when it lives,
-- nil when there was no answer.
local function is_gone(job, session, module)
  local text = ("SELECT id FROM %s LIMIT 1;"):format(module)
  local rows, err = job:read("query", { query = text }, { session = session })
  if rows then
    return false
  elseif SESSION_GONE[err.code] then
    return true
  end
  return nil
end

-- End a session and see that a call on it is refused. Only an answer counts.
local function fence(self, job, session, module)
  if self.fenced[session] ~= nil then
    return self.fenced[session]
  end
  local gone
  for try = 1, FENCE_TRIES do
    job:read("logout", {}, { method = "POST", session = session })
    gone = is_gone(job, session, module)
    if gone then
      self:erase { session }
      break
    elseif try < FENCE_TRIES then
      job:sleep(try * 0.1)
    end
  end
  self.fenced[session] = gone or false
  return self.fenced[session]
end

-- A server that runs one request at a time per session answers a read on it
-- only when the write that ran there has ended.
local function barrier(job, session, module)
  local rows = job:read(
    "query",
    { query = ("SELECT id FROM %s LIMIT 1;"):format(module) },
    { session = session }
  )
  return rows ~= nil
end

local function shut_off(self, job, doubt)
  if doubt.shut or not doubt.sessions then
    return doubt.shut
  end
  for _, session in ipairs(doubt.sessions) do
    local module = doubt.change.module
    local ok = fence(self, job, session, module)
    if not ok and self.run.has_lock then
      ok = barrier(job, session, module)
    end
    if not ok then
      return false
    end
  end
  doubt.shut = true
  return true
end

--- Shut the sessions of all doubts off. Those that may then be settled by waiting
--- are returned; the others go to a person.
---
--- @param self table the reconciler
--- @param job table
--- @param doubts table list of { change, sessions }
--- @return table list of doubts
function M.all(self, job, doubts)
  local fenced = {}
  for _, doubt in ipairs(doubts) do
    if self.resend == "never" then
      self:human(
        doubt.change,
        "ABSENT",
        "it does not show on the server; nothing is sent twice with --resend never"
      )
    elseif shut_off(self, job, doubt) then
      fenced[#fenced + 1] = doubt
    else
      self:human(
        doubt.change,
        "NO_FENCE",
        "it does not show but may yet appear, for this server keeps ended sessions; look later"
      )
    end
  end
  return fenced
end

return M
