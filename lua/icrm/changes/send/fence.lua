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

-- End a session and see that a call on it is refused. Only an answer counts.
local function fence(self, job, session, module)
  if self.fenced[session] ~= nil then
    return self.fenced[session]
  end
  local client, gone = self.run.client, nil
  for try = 1, FENCE_TRIES do
    errors.try(call_on, client, session, "logout", "POST", {})
    gone = M.is_gone(client, session, module)
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

local function shut_off(self, job, doubt)
  if doubt.shut or not doubt.sessions then
    return doubt.shut
  end
  for _, session in ipairs(doubt.sessions) do
    local module = doubt.change.module
    local ok = fence(self, job, session, module)
    -- A server that runs one request at a time per session answers a read on it
    -- only when the write that ran there has ended.
    ok = ok or self.run.has_lock and reads(self.run.client, session, module)
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
      self:human(doubt.change, "ABSENT")
    elseif shut_off(self, job, doubt) then
      fenced[#fenced + 1] = doubt
    else
      self:human(doubt.change, "NO_FENCE")
    end
  end
  return fenced
end

return M
