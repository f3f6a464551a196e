--- Exit codes of the commands on change sets: what became of a set, as a number
-- for a script to go by. docs/changes-reference.md lists them.
-- @module icrm.cli.exits

local errors = require "icrm.error"
local text_tools = require "icrm.text"

local M = {
  DONE = 0,
  ERROR = 1,
  USAGE = 2,
  UNSETTLED = 3, -- a person must look: at what became of some changes, or of a value
  FAILED_ROWS = 4, -- the job ended, but not every row succeeded
  STALE = 5, -- some records were changed since the plan, nothing else failed
  AUTH = 6,
  QUOTA = 7,
  JOURNAL = 74, -- the file could not be written
  TRY_AGAIN = 75, -- stopped, to be resumed; or the file is in use
  INTERRUPTED = 130,
}

local KINDS = { auth = M.AUTH, rate_limited = M.QUOTA }

-- Why the last run stopped before the end; nil when it did not.
local function of_stop(summary)
  if not (summary and summary.stopped) then
    return nil
  elseif summary.stopped == "interrupted" then
    return M.INTERRUPTED
  elseif summary.error then
    return KINDS[summary.error.kind] or M.TRY_AGAIN
  end
end

-- What is still to be sent, or may be under way. A plan that was never applied
-- has nothing of the kind: it only waits for its first time.
local function left(set, states, summary)
  local planned = (summary or set:is_begun()) and states.planned or 0
  return planned + (states.unknown or 0) + (states.sending or 0)
end

local function of_failures(set, failed)
  local stale = set.store:how_many { states = { "failed" }, codes = { "STALE" } }
  return stale == failed and M.STALE or M.FAILED_ROWS
end

--- The exit code that a change set and its last run deserve.
---
--- @param set icrm.ChangeSet
--- @param summary? table of icrm.changes.send.run
--- @return integer
function M.of_set(set, summary)
  local states = set.store:states()
  local failed = (states.failed or 0) + (states.blocked or 0)
  local stopped = of_stop(summary)
  if set.is_torn then
    return M.ERROR
  elseif stopped then
    return stopped
  elseif summary and summary.halted and left(set, states, summary) > 0 then
    return M.UNSETTLED -- resumed as it is, it would stop again
  elseif left(set, states, summary) > 0 then
    return M.TRY_AGAIN
  elseif (states.needs_human or 0) > 0 then
    return M.UNSETTLED
  elseif failed > 0 then
    return of_failures(set, failed)
  end
  return M.DONE
end

--- The exit code of an error that ends a command; nil where the runner's own
-- choice is right.
---
--- @param err any
--- @return integer?
function M.of_error(err)
  if errors.is(err, "store") then
    return err.code == "LOCKED" and M.TRY_AGAIN or M.JOURNAL
  elseif errors.is(err) and err.kind ~= "rate_limited" and err:is_retryable() then
    return M.TRY_AGAIN
  end
end

--- End the program by an error: with its own exit code, or raised again for the
--- runner, which prints it.
---
--- @param err any
function M.leave(err)
  local code = M.of_error(err)
  if not code then
    error(err, 0)
  end
  io.stdout:flush()
  io.stderr:write("icrm-lua: ", text_tools.clean(tostring(err)), "\n")
  os.exit(code, true)
end

return M
