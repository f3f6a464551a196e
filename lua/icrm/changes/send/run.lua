--- Sending a change set, each change exactly once.
-- @module icrm.changes.send.run

local core = require "icrm.core"
local attach = require "icrm.changes.send.attach"
local breaker = require "icrm.changes.send.breaker"
local cures = require "icrm.cures"
local engine = require "icrm.changes.send.engine"
local errors = require "icrm.error"
local history = require "icrm.changes.send.history"
local images = require "icrm.images"
local json = require "icrm.json"
local numbers = require "icrm.changes.plan.numbers"
local probe = require "icrm.changes.send.probe"
local reconcile = require "icrm.changes.send.reconcile"
local state = require "icrm.changes.journal.state"
local ways = require "icrm.ways"
local writes = require "icrm.changes.send.writes"

local M = {}

local Run = { __name = "icrm.changes.Run" }
Run.__index = Run

--- End a change: note what became of it, and block what refers to it when it
--- was not done.
---
--- @param change table a row of the store
--- @param values table columns for the store's mark, with `state`
function Run:finish(change, values)
  local loop = self.engine
  loop:mark(self.store.mark, change.n, values)
  self.done[values.state] = (self.done[values.state] or 0) + 1
  self.reconciler.open[change.n] = nil
  if values.state == "failed" or values.state == "needs_human" then
    loop:mark(self.store.block_children, change.n,
      state.outcome("PARENT_NOT_DONE", change.key).message)
    self.failures = self.failures + 1
    if self.max_errors and self.failures >= self.max_errors then
      loop:stop(("after %d failed changes"):format(self.failures))
    end
  end
  if self.on_change then
    loop:after_commit(self.on_change, change, values)
  end
end

--- End a write that is done. It ends well unless other fields were changed besides:
--- then the record is noted as it was and is, so that undo can put them back.
---
--- @param change table a row of the store
--- @param record icrm.Record as the server returned it
--- @param outcome table[] what differs; see icrm.images
--- @param before? icrm.Record as it was
function Run:record_done(change, record, outcome, before)
  local said, serious = self.probe:judge(change, outcome)
  local spilled = {}
  for _, difference in ipairs(serious) do
    spilled[#spilled + 1] = difference.spilled and difference or nil
  end
  if #spilled > 0 then
    local row = state.outcome("CONFLICT", images.describe(spilled))
    row.before = before and json.encode(before)
    row.after = json.encode(record)
    return self:finish(change, row)
  end
  self.probe:note_done(change)
  if change.operation ~= "update" then
    self.created[record.id] = change.n
  end
  self:finish(change, {
    state = "done",
    record = record.id,
    after = json.encode(record),
    differences = #said > 0 and images.describe(said) or nil,
    code = false,
    message = false,
  })
end

--- Nothing was sent: the change stays planned. When the server cannot be
--- reached at all there is no point in trying the next one.
---
--- @param change table a row of the store
--- @param err icrm.Error
function Run:not_sent(change, err)
  self.engine:mark(self.store.mark, change.n, { state = "planned" })
  if err.kind ~= "canceled" then
    self:stop(err, err.message)
  end
end

--- Nobody knows what became of a change: it is looked for.
---
--- @param change table a row of the store
--- @param err? icrm.Error
--- @param session? integer the session that carried the write
--- @param is_answered? boolean the server has ended the request
function Run:unknown(change, err, session, is_answered)
  self.engine:mark(self.store.mark, change.n, {
    state = "unknown",
    code = err and (err.code or err.kind) or "NO_RECORD",
    message = err and err.message or "the reply names no record",
  })
  self.breaker:note(is_answered or false)
  self.reconciler:add(change, session, is_answered and err,
    err and err.code == "OTHER_RECORD" and err.message or nil)
end

--- Start nothing more, because of an error that concerns all changes.
---
--- @param err icrm.Error the first is what the summary tells
--- @param reason string
function Run:stop(err, reason)
  self.stop_error = self.stop_error or err
  self.engine:stop(reason)
end

local function refused(run, change, err)
  if err.kind == "auth" then
    return run:not_sent(change, err)
  end
  run:finish(change, { state = "failed", code = err.code or err.kind, message = err.message })
end

--- Note how an attempt ended that was no success.
---
--- @param change table a row of the store
--- @param class string of icrm.changes.send.classify
--- @param err? icrm.Error
function Run:end_attempt(change, class, err)
  self.engine:mark(self.store.end_attempt, change.n, change.attempts, {
    ended = os.time(),
    class = class,
    status = err and err.status,
    code = err and err.code,
    message = err and (err.reason or err.message),
  })
end

--- What every write has in common after its answer.
---
--- @param change table a row of the store
--- @param class string of icrm.changes.send.classify
--- @param err? icrm.Error
--- @param session? integer the session that carried the write
--- @param on_success fun() called for a success, and for nothing else
function Run:settle_write(change, class, err, session, on_success)
  if class == "S" then
    self.engine:acknowledge(change)
    self.breaker:note(true)
    return on_success()
  end
  self:end_attempt(change, class, err)
  if class == "R" then
    return refused(self, change, err)
  elseif class == "N" then
    return self:not_sent(change, err)
  end
  self:unknown(change, err, session, class == "A")
end

local HANDLERS = {
  create = writes.create,
  update = writes.update,
  delete = writes.delete,
  attach = attach.send,
}

-- What fails before anything was sent leaves the change planned.
local function handle(job, run, change)
  local attempts = change.attempts
  local _, err = errors.try(HANDLERS[change.operation], job, run, change)
  if err and change.attempts == attempts then
    run:not_sent(change, err)
  elseif err then
    error(err, 0)
  end
end

local function start(run, change)
  run.started[change.n] = true
  run.engine:start(function(job)
    handle(job, run, change)
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
    errors.refuse("this change set deletes %d records; say so with %s", n,
      cures.say("{allow_delete=N}", { N = n }))
  end
  run.store:set_meta("allowed_deletions", run.store:count_deletions().all)
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

local function new(set, options)
  local run = setmetatable({
    set = set,
    store = set.store,
    client = set.client,
    engine = engine.new(set, options),
    done = {}, -- state → how many changes ended so
    found_before = 0,
    failures = 0,
    started = {}, -- change number → true while its job runs
    learnt = {}, -- module → the way by which its records are changed
    created = {}, -- record id → number of the change that created it in this run
    has_created = set.store:has_created(), -- and in an earlier one
    keys = {}, -- module → the keys of its creations, once they are asked for
    max_errors = options.max_errors,
    stale = options.stale or "skip",
    on_change = options.on_change,
  }, Run)
  run.breaker = breaker.new(run)
  run.probe = probe.new(run, options.accept)
  run.probe:check_halted()
  run.reconciler = reconcile.new(run, options)
  run.numbers = numbers.gate(set, function(n)
    return run.started[n] or run.reconciler.open[n] or false
  end)
  return run
end

local function work(run, options)
  local store = run.store
  store:set_meta("open", 1)
  store:set_meta("resend", run.reconciler.resend)
  store:set_meta("settle", run.reconciler.settle_s)
  store:begin_sessions()
  store:unblock()
  ways.prepare(run.client, #store:modules { operations = { "update" } } > 0)
  run.reconciler:recover()
  check_history(run)
  repeat
    run.engine:run(feed(run), options.on_turn and function()
      options.on_turn(run)
    end)
  until not run.reconciler:again()
  run.reconciler:close()
  run.engine:commit()
  store:set_meta("open", 0)
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
  local run = new(set, options)
  check_deletes(run, options.allow_delete)
  local started = run.engine.now()
  core.interrupt.hold()
  local ok, err = pcall(work, run, options)
  run.engine:close()
  core.interrupt.release()
  if not ok then
    error(err, 0)
  end
  return summary(run, started)
end

return M
