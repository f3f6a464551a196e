--- What was sent of each change and on which sessions, so that a crash leaves no
-- question open. The functions here are methods of icrm.changes.Store.
-- @module icrm.changes.journal.attempts

local M = {}

-- Lists of `n` by what `name_of` says of an entry.
local function group(list, name_of)
  local groups = {}
  for _, entry in ipairs(list) do
    local name = name_of(entry)
    groups[name] = groups[name] or {}
    table.insert(groups[name], ("%d"):format(entry.n))
  end
  return groups
end

--- Note that writes are about to be sent: their changes are `sending`.
---
--- @param list table[] of { n, attempt, sha256 }, not empty
--- @param now integer Unix time
function M:begin_attempts(list, now)
  local rows = {}
  for i, entry in ipairs(list) do
    rows[i] = ("(%d,%d,'%s',%d)"):format(entry.n, entry.attempt, entry.sha256, now)
  end
  self:run_text(
    "INSERT INTO attempts (change, attempt, sha256, started) VALUES " .. table.concat(rows, ",")
  )
  for attempt, numbers in pairs(group(list, function(entry) return entry.attempt end)) do
    self:run_text(
      ("UPDATE changes SET state = 'sending', attempts = %d WHERE n IN (%s)"):format(
        attempt, table.concat(numbers, ",")
      )
    )
  end
end

--- Note that attempts ended with a success.
---
--- @param list table[] of { n, attempt, ended }
function M:acknowledge(list)
  local groups = group(list, function(entry)
    return ("ended = %d, class = 'S' WHERE attempt = %d"):format(entry.ended, entry.attempt)
  end)
  for what, numbers in pairs(groups) do
    self:run_text(
      ("UPDATE attempts SET %s AND change IN (%s)"):format(what, table.concat(numbers, ","))
    )
  end
end

--- Note how an attempt ended that was no plain success.
function M:end_attempt(n, attempt, outcome)
  self:run(
    [[UPDATE attempts SET ended = ?, class = ?, status = ?, code = ?, message = ?
      WHERE change = ? AND attempt = ?]],
    outcome.ended,
    outcome.class,
    outcome.status,
    outcome.code,
    outcome.message,
    n,
    attempt
  )
end

--- The attempts of one change, oldest first.
function M:attempts(n)
  return self:rows("SELECT * FROM attempts WHERE change = ? ORDER BY attempt", n)
end

--- Whether anything of this change set was ever sent, or about to be.
---
--- @return boolean
function M:has_attempts()
  return #self:rows "SELECT 1 FROM attempts LIMIT 1" > 0
end

--- The last attempt of a change; nil when there was none.
---
--- @param n integer
--- @return table?
function M:last_attempt(n)
  return self:rows("SELECT * FROM attempts WHERE change = ? ORDER BY attempt DESC LIMIT 1", n)[1]
end

-- Whether sessions that carried writes are in the file: `no` only while none has
-- been noted since all were last known to carry nothing more. An empty list by
-- itself says nothing.
local CARRIED = "carried"

--- Note a session that may carry a write of this change set from now on. Sessions
--- are secrets: the only ones in the file, erased when nothing is in doubt any more.
function M:add_session(session, now)
  self:set_meta(CARRIED, "yes")
  self:run(
    [[INSERT INTO sessions (id, session, opened)
      SELECT coalesce(max(id), 0) + 1, ?, ? FROM sessions]],
    session,
    now
  )
end

--- The sessions that may still carry a write.
---
--- @return table[]? nil when that is not known
function M:sessions()
  local list = self:rows "SELECT * FROM sessions ORDER BY id"
  if #list == 0 and self:has_attempts() and self:get_meta(CARRIED) ~= "no" then
    return nil
  end
  return list
end

--- Say that no session has carried a write yet, where nothing was ever sent.
function M:begin_sessions()
  if self:get_meta(CARRIED) == nil and not self:has_attempts() then
    self:set_meta(CARRIED, "no")
  end
end

--- Forget the sessions, which carry nothing more.
function M:forget_sessions()
  self:transaction(function()
    self:run "DELETE FROM sessions"
    self:set_meta(CARRIED, "no")
  end)
end

return M
