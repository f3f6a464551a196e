--- What was sent of each change and on which sessions, so that a crash leaves no
-- question open. The functions here are methods of icrm.changes.Store.
-- @module icrm.changes.journal.attempts

local M = {}

--- Note that attempt `attempt` of change `n` is about to be sent.
function M:begin_attempt(n, attempt, sha256, now)
  self:run(
    "INSERT INTO attempts (change, attempt, sha256, started) VALUES (?, ?, ?, ?)",
    n,
    attempt,
    sha256,
    now
  )
end

--- Note how an attempt ended.
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

--- Note a session that may carry a write of this change set from now on. Sessions
--- are secrets: the only ones in the file, erased as soon as they are fenced.
function M:add_session(session, now)
  self:run(
    [[INSERT INTO sessions (id, session, opened)
      SELECT coalesce(max(id), 0) + 1, ?, ? FROM sessions]],
    session,
    now
  )
end

--- The sessions that may still carry a write.
function M:sessions()
  return self:rows "SELECT * FROM sessions ORDER BY id"
end

--- Forget a session that carries nothing more.
function M:erase_session(session)
  self:run("DELETE FROM sessions WHERE session = ?", session)
end

return M
