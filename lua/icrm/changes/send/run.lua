--- Sending a change set, each change exactly once.
-- @module icrm.changes.send.run

local core = require "icrm.core"
local attach = require "icrm.changes.send.attach"
local breaker = require "icrm.changes.send.breaker"
local engine = require "icrm.changes.send.engine"
local errors = require "icrm.error"
local history = require "icrm.changes.send.history"
local images = require "icrm.images"
local json = require "icrm.json"
local numbers = require "icrm.changes.plan.numbers"
local lock = require "icrm.changes.send.lock"
local probe = require "icrm.changes.send.probe"
local reconcile = require "icrm.changes.send.reconcile"
local state = require "icrm.changes.journal.state"
local ways = require "icrm.ways"
local writes = require "icrm.changes.send.writes"

local M = {}

local Run = {}
Run.__index = Run

local function finish(run, change, values)
  run.engine:mark(run.store.mark, change.n, values)
  run.done[values.state] = (run.done[values.state] or 0) + 1
  run.reconciler.open[change.n] = nil
  if values.state == "failed" or values.state == "needs_human" then
    run.engine:mark(
      run.store.block_children,
      change.n,
      ("change %q, which it refers to, is not done"):format(change.key)
    )
    run.failures = run.failures + 1
    if run.max_errors and run.failures >= run.max_errors then
      run.engine:stop(("after %d failed changes"):format(run.failures))
    end
  end
  if run.on_change then
    run.engine:after_commit(run.on_change, change, values)
  end
end

local function end_attempt(run, change, class, err)
  run.engine:mark(run.store.end_attempt, change.n, change.attempts, {
    ended = os.time(),
    class = class,
    status = err and err.status,
    code = err and err.code,
    message = err and err.message,
  })
end

-- Nothing was sent: the change stays planned. When the server cannot be
-- reached at all there is no point in trying the next one.
local function not_sent(run, change, err)
  run.engine:mark(run.store.mark, change.n, { state = "planned" })
  if err.kind ~= "canceled" then
    run.stop_error = run.stop_error or err
    run.engine:stop(err.message)
  end
end

local function refused(run, change, err)
  if err.kind == "auth" then
    return not_sent(run, change, err)
  end
  finish(run, change, { state = "failed", code = err.code or err.kind, message = err.message })
end

local function unknown(run, change, err, session)
  run.engine:mark(run.store.mark, change.n, {
    state = "unknown",
    code = err and (err.code or err.kind) or "NO_RECORD",
    message = err and err.message or "the reply names no record",
  })
  run.breaker:note(false)
  run.reconciler:add(change, session)
end

-- What every write has in common after its answer: `done` only for a success.
local function settle_write(run, change, class, err, session, on_success)
  end_attempt(run, change, class, err)
  if class == "S" then
    run.breaker:note(true)
    return on_success()
  elseif class == "R" then
    return refused(run, change, err)
  elseif class == "N" then
    return not_sent(run, change, err)
  end
  unknown(run, change, err, session)
end

-- The write is done, and ends well unless other fields were changed besides. Then
-- the record is noted as it was and is, so that undo can put them back.
local function record_done(run, change, record, outcome, before)
  local said, serious = run.probe:judge(change, outcome)
  local spilled = {}
  for _, difference in ipairs(serious) do
    spilled[#spilled + 1] = difference.spilled and difference or nil
  end
  if #spilled > 0 then
    local row = state.outcome("CONFLICT", images.describe(spilled))
    row.before = before and json.encode(before)
    row.after = json.encode(record)
    return finish(run, change, row)
  end
  run.probe:note_done(change)
  finish(run, change, {
    state = "done",
    record = record.id,
    after = json.encode(record),
    differences = #said > 0 and images.describe(said) or nil,
    code = false,
    message = false,
  })
end

local HANDLERS = {
  create = writes.create,
  update = writes.update,
  delete = writes.delete,
  attach = attach.send,
}

local function start(run, change)
  run.started[change.n] = true
  run.engine:start(function(job)
    HANDLERS[change.operation](job, run, change)
    run.probe:leave(change)
    run.engine:mark(function()
      run.started[change.n] = nil
    end)
  end)
end

local function feed(run)
  return function(room)
    if run.is_checking or run.breaker.open or room <= 0 then
      return true
    end
    -- Those that have started stay planned in the store until the next commit.
    local list = run.store:ready(room + run.engine.running)
    for _, change in ipairs(list) do
      if room > 0 and not run.started[change.n] and run.numbers:admits(change) then
        if not run.probe:admits(change, next(run.started) ~= nil) then
          break
        end
        room = room - 1
        start(run, change)
      end
    end
    return #list > 0
  end
end

-- Deleting is never an accident: the number must be said.
local function check_deletes(run, allowed)
  local n = run.set:deletions_to_allow(allowed)
  if n > 0 then
    errors.raise {
      kind = "input",
      message = ("this change set deletes %d records; say so with --allow-delete %d"):format(n, n),
    }
  end
  run.store:set_meta("allowed_deletions", run.store:count_deletions().all)
end

-- A job must not wait for a call of its own: the lanes may hold writes that only
-- the engine lets go.
local function load_schemas(run)
  for _, module in ipairs(run.store:modules()) do
    run.set:schema(module)
  end
  ways.prepare(run.client, #run.store:modules { operations = { "update" } } > 0)
end

-- Nothing is sent before it is known whether it was sent already.
local function check_history(run)
  run.is_checking = true
  run.engine:start(function(job)
    history.check(job, run)
    job:commit() -- what was found is no longer planned
    run.is_checking = false
  end)
end

local function summary(run, started)
  local states = run.store:states()
  return {
    states = states,
    applied = run.done,
    seconds = run.engine.now() - started,
    stopped = run.engine.stopping,
    error = run.stop_error,
    remaining = (states.planned or 0) + (states.sending or 0) + (states.unknown or 0),
    totals = run.store:totals(),
    found_before = run.found_before,
    defaulted = run.probe.defaulted,
    halted = run.probe.halted,
  }
end

--- Apply a change set; called again, it continues.
---
--- @param set table icrm.ChangeSet
--- @param options? table
---   `resend`: "proven" (default: a fence was seen), "barrier" or "never";
---   `settle`: seconds to wait before absence counts (default 10);
---   `max_errors`: stop after so many failed changes;
---   `stale`: "skip" (default) or "force";
---   `allow_delete`: the exact number of deletions planned;
---   `accept`: list of `field:kind`, what the server may make of a value;
---   `on_change(change, values)`, `on_turn(run)`: for progress
--- @return table summary: states, applied, seconds, stopped, error, remaining,
---   totals, found_before (changes that an unknown past had done already)
function M.run(set, options)
  options = options or {}
  local run = setmetatable({
    set = set,
    store = set.store,
    client = set.client,
    engine = engine.new(set, options),
    done = {},
    found_before = 0,
    failures = 0,
    started = {},
    learnt = {}, -- module → the way by which its records are changed
    created = {}, -- record id → number of the change that created it
    max_errors = options.max_errors,
    stale = options.stale or "skip",
    on_change = options.on_change,
  }, Run)
  run.finish, run.record_done, run.settle_write = finish, record_done, settle_write
  run.not_sent, run.unknown = not_sent, unknown
  run.breaker = breaker.new(run)
  run.probe = probe.new(run, options.accept)
  run.probe:check_halted()
  run.has_lock = options.resend == "barrier" and lock.observe(set.client)
  run.reconciler = reconcile.new(run, options)
  run.numbers = numbers.gate(set, function(n)
    return run.started[n] or run.reconciler.open[n] or false
  end)
  check_deletes(run, options.allow_delete)
  load_schemas(run)
  local started = run.engine.now()
  core.interrupt.hold()
  set.store:set_meta("open", 1)
  set.store:set_meta("resend", options.resend or "proven")
  set.store:set_meta("settle", run.reconciler.settle_s)
  local ok, err = pcall(function()
    set.store:unblock()
    run.reconciler:recover()
    check_history(run)
    repeat
      run.engine:run(feed(run), options.on_turn and function()
        options.on_turn(run)
      end)
    until not run.reconciler:again()
    run.reconciler:close()
    run.engine:commit()
    set.store:set_meta("open", 0)
  end)
  run.engine.history:note()
  run.engine.history:close()
  core.interrupt.release()
  if not ok then
    error(err, 0)
  end
  return summary(run, started)
end

return M
