--- Sending a change set, each change exactly once.
-- @module icrm.changes.apply

local core = require "icrm.core"
local attach = require "icrm.changes.attach"
local classify = require "icrm.changes.classify"
local engine = require "icrm.changes.engine"
local error_class = require "icrm.error"
local history = require "icrm.changes.history"
local images = require "icrm.changes.images"
local json = require "icrm.json"
local records = require "icrm.records"
local lock = require "icrm.changes.lock"
local operations = require "icrm.changes.operations"
local reconcile = require "icrm.changes.reconcile"
local search = require "icrm.changes.search"

local apply = {}

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
      run.engine:stop(("stopped after %d failed changes"):format(run.failures))
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

-- The record ids of the changes that this one refers to; they are done.
local function resolve_references(run, change, fields)
  for field, key in pairs(change.refs and json.decode(change.refs) or {}) do
    fields[field] = run.store:by_key(key).record
  end
  return fields
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

local function record_done(run, change, sent, record)
  local schema = run.set:schema(change.module)
  local differences = images.differences(schema, sent, record)
  finish(run, change, {
    state = "done",
    record = record.id,
    after = json.encode(record),
    differences = #differences > 0 and images.describe(differences) or nil,
    code = false,
    message = false,
  })
end

local function create(job, run, change)
  if change.attempts > 0 and run.reconciler:is_found(job, change) then
    return -- an earlier attempt has made it (X13)
  end
  local schema = run.set:schema(change.module)
  local fields = resolve_references(run, change, json.decode(change.fields))
  local record, err, session = job:write(change, "create", {
    elementType = change.module,
    element = json.encode_element(fields),
  })
  local class = classify.record(record, err, schema.id_prefix)
  settle_write(run, change, class, err, session, function()
    if change.tag and not search.shows_witness(run.set, change, record) then
      run.engine:stop "the server did not keep a tag; name a text field of 20 characters or more"
      return unknown(
        run,
        change,
        error_class.new {
          kind = "unknown_outcome",
          code = "TAG_MISSING",
          message = "the server did not keep the tag; look at the field that was named for it",
        },
        session
      )
    end
    record_done(run, change, fields, record)
  end)
end

-- Which of the fields we are about to write have moved since the plan.
local function stale_fields(schema, change, fields, current)
  local before, moved = json.decode(change.before), {}
  for field in pairs(fields) do
    if before[field] ~= nil and not schema:same(field, before[field], current[field]) then
      moved[#moved + 1] = ("%s was %q, is %q"):format(
        field,
        before[field],
        current[field] or ""
      )
    end
  end
  table.sort(moved)
  if #moved == 0 and before.modifiedtime ~= current.modifiedtime then
    moved[1] = ("modifiedtime was %s, is %s"):format(before.modifiedtime, current.modifiedtime)
  end
  return moved
end

local function read_current(job, run, change)
  local current, err = job:read("retrieve", { id = change.record })
  if current then
    return current
  end
  if err.kind == "refused" then
    finish(run, change, {
      state = "failed",
      code = err.code or err.kind,
      message = ("%s cannot be read: it was deleted, or this user may not see it (%s)"):format(
        change.record,
        err.message
      ),
    })
  else
    not_sent(run, change, err)
  end
end

local function stale(run, change, moved)
  finish(run, change, {
    state = "failed",
    code = "STALE",
    message = ("%s changed since the plan: %s"):format(
      change.record,
      table.concat(moved, "; ")
    ),
  })
end

-- Fields that this update was not meant to touch and that are not as before.
local function side_effects(schema, fields, current, record)
  local others = images.editable(schema, current)
  for field in pairs(fields) do
    others[field] = nil
  end
  return images.differences(schema, others, record)
end

-- A reference that is to become empty: `update` keeps it, `revise` does not
-- (SERVER.md 4).
local function cleared_reference(schema, fields, current)
  for field, value in pairs(fields) do
    local description = schema.by_name[field]
    local is_reference = description and description.type == "reference"
    if is_reference and value == "" and (current[field] or "") ~= "" then
      return field
    end
  end
end

local function update(job, run, change)
  local schema = run.set:schema(change.module)
  local fields = resolve_references(run, change, json.decode(change.fields))
  local current = read_current(job, run, change)
  if not current then
    return
  end
  local moved = stale_fields(schema, change, fields, current)
  if run.is_behind and #images.differences(schema, fields, current) == 0 then
    return record_done(run, change, fields, current)
  elseif #moved > 0 and run.stale ~= "force" then
    return stale(run, change, moved)
  end
  local operation, element = "update"
  local reference = cleared_reference(schema, fields, current)
  if not reference then
    element = records.merge(schema, current, fields)
  elseif operations.offers(run.client, "revise", job) then
    operation, element = "revise", fields
  else
    return finish(run, change, {
      state = "failed",
      code = "CANNOT_CLEAR",
      message = ("%s cannot be emptied: this server's update keeps references"):format(
        reference
      ),
    })
  end
  element.id = change.record
  local record, err, session = job:write(change, operation, {
    elementType = change.module,
    element = json.encode_element(element),
  })
  element.id, fields.id = nil, nil
  local class = classify.record(record, err, schema.id_prefix)
  settle_write(run, change, class, err, session, function()
    local spilled = side_effects(schema, fields, current, record)
    if #spilled > 0 then
      return finish(run, change, {
        state = "needs_human",
        code = "CONFLICT",
        message = "fields that were not to be changed are not as before: "
          .. images.describe(spilled),
      })
    end
    record_done(run, change, fields, record)
  end)
end

local function delete(job, run, change)
  local schema = run.set:schema(change.module)
  local current = read_current(job, run, change)
  if not current then
    return
  end
  local moved = stale_fields(schema, change, json.decode(change.before), current)
  if #moved > 0 and run.stale ~= "force" then
    return stale(run, change, moved)
  end
  local result, err, session = job:write(change, "delete", { id = change.record })
  settle_write(run, change, classify.write(result, err), err, session, function()
    finish(run, change, { state = "done", code = false, message = false })
  end)
end

local HANDLERS = { create = create, update = update, delete = delete, attach = attach.send }

-- Half of the last twenty writes without an answer: wait until a read passes.
local Breaker = { size = 20 }
Breaker.__index = Breaker

function Breaker:note(answered)
  table.insert(self.last, answered)
  if #self.last > self.size then
    table.remove(self.last, 1)
  end
  local bad = 0
  for _, ok in ipairs(self.last) do
    bad = bad + (ok and 0 or 1)
  end
  if not self.open and #self.last == self.size and bad * 2 >= self.size then
    self.open = true
    self.run.engine:start(self.probe, self)
  end
end

function Breaker.probe(job, self)
  local pause, err = 1, nil
  for _ = 1, 6 do
    local result
    result, err = job:read("listtypes", {})
    if result then
      self.last, self.open = {}, false
      return
    end
    job:sleep(pause)
    pause = pause * 2
  end
  self.run.stop_error = self.run.stop_error or err
  self.run.engine:stop("the server gives no answers: " .. err.message)
end

local function start(run, change)
  run.started[change.n] = true
  run.engine:start(function(job)
    HANDLERS[change.operation](job, run, change)
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
      if room > 0 and not run.started[change.n] then
        room = room - 1
        start(run, change)
      end
    end
    return #list > 0
  end
end

-- Deleting is never an accident: the number must be said.
local function check_deletes(run, allowed)
  local sql =
    "SELECT count(*) AS n FROM changes WHERE operation = 'delete' AND state = 'planned'"
  local n = run.store:rows(sql)[1].n
  if n > 0 and n ~= allowed then
    error(
      error_class.new {
        kind = "input",
        message = ("this change set deletes %d records; say so with --allow-delete %d"):format(
          n,
          n
        ),
      },
      0
    )
  end
end

-- A job must not wait for a call of its own: the lanes may hold writes that only
-- the engine lets go.
local function load_schemas(run)
  for _, row in ipairs(run.store:rows "SELECT DISTINCT module FROM changes") do
    run.set:schema(row.module)
  end
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
  }
end

--- Apply a change set; called again, it continues.
-- @param set table icrm.ChangeSet
-- @param options table|nil
--   `resend`: "proven" (default: a fence was seen), "barrier" or "never";
--   `settle`: seconds to wait before absence counts (default 10);
--   `max_errors`: stop after so many failed changes;
--   `stale`: "skip" (default) or "force";
--   `allow_delete`: the exact number of deletions planned;
--   `on_change(change, values)`, `on_turn(run)`: for progress
-- @return table summary: states, applied, seconds, stopped, error, remaining,
--   totals, found_before (changes that an unknown past had done already)
function apply.run(set, options)
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
    max_errors = options.max_errors,
    stale = options.stale or "skip",
    on_change = options.on_change,
  }, Run)
  run.finish, run.record_done, run.settle_write = finish, record_done, settle_write
  run.breaker = setmetatable({ last = {}, run = run }, Breaker)
  run.has_lock = options.resend == "barrier" and lock.observe(set.client)
  run.reconciler = reconcile.new(run, options)
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

return apply
