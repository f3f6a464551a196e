--- Finding out what became of a write that got no proof: find, fence, settle,
-- control, find again; a write goes back to `planned` only when it is proven
-- absent. (Laws 7 to 11.)
-- @module icrm.changes.send.reconcile

local errors = require "icrm.error"
local fence = require "icrm.changes.send.fence"
local images = require "icrm.images"
local json = require "icrm.json"
local search = require "icrm.changes.send.search"
local state = require "icrm.changes.journal.state"

local M = {}

local Reconciler = {}
Reconciler.__index = Reconciler

local DEFAULT_SETTLE_S = 10

-- A write that so many times was proven not done will not be done the next time.
local MAX_ATTEMPTS = 10

---
--- @param run table the run of icrm.changes.send.run that this belongs to
--- @param options table `resend`, `settle`
function M.new(run, options)
  return setmetatable({
    run = run,
    store = run.store,
    resend = options.resend or "proven",
    settle_s = options.settle or DEFAULT_SETTLE_S,
    doubts = {},
    open = {}, -- change number → true while nobody knows what became of it
    without_control = {},
    fenced = {}, -- session → true when a call on it was seen to be refused
  }, Reconciler)
end

--- Leave a change to a person.
---
--- @param change table a row of the store
--- @param code string of icrm.changes.journal.state
--- @param ... any the arguments of its text
function Reconciler:human(change, code, ...)
  self.run:finish(change, state.outcome(code, ...))
end

--- Put a change in doubt; its session carries nothing more.
---
--- @param change table a row of the store
--- @param session? integer the session that carried it; unknown, it cannot be fenced
function Reconciler:add(change, session)
  self.open[change.n] = true
  table.insert(self.doubts, { change = change, sessions = session and { session } })
  self:start()
end

function Reconciler:start()
  if not self.working and #self.doubts > 0 then
    self.working = true
    self.run.engine:start(function(job)
      self:work(job)
      self.working = false
    end)
  end
end

--- Take up what an earlier run left: whatever is `sending` may have been sent.
function Reconciler:recover()
  self.old_sessions = {}
  for _, row in ipairs(self.store:sessions()) do
    table.insert(self.old_sessions, self.run.client.core:import_session(row.session))
  end
  for change in self.store:each_in_doubt() do
    self.run.engine:mark(self.store.mark, change.n, { state = "unknown" })
    self.open[change.n] = true
    table.insert(self.doubts, { change = change, sessions = self.old_sessions })
  end
  self:start()
  if #self.doubts == 0 then
    self:erase(self.old_sessions)
  end
end

function Reconciler:erase(sessions)
  for _, session in ipairs(sessions) do
    self.run.engine:mark(self.store.erase_session, self.run.client.core:session_secret(session))
  end
end

--- The server gives no answers: end the run, leaving the doubts as they are.
---
--- @param err icrm.Error
function Reconciler:stop(err)
  self.run:stop(err, "could not ask the server what was done: " .. err.message)
end

-- An update that shows in the record was done, whatever was said of it. The
-- checks return "settled", or "absent" when the write does not show, or nil when
-- the server gave no answer.
local function check_update(self, doubt, final)
  local run, change = self.run, doubt.change
  local schema, fields = run.set:schema(change.module), json.decode(change.fields)
  for field, key in pairs(change.refs and json.decode(change.refs) or {}) do
    fields[field] = run.store:by_key(key).record
  end
  local current, err = errors.try(run.client.retrieve, run.client, change.record)
  if not current then
    if err.kind ~= "refused" then
      return self:stop(err)
    end
    self:human(change, "GONE", change.record, err.message)
    return "settled"
  end
  local before = json.decode(change.before)
  if #images.differences(schema, fields, current) == 0 then
    run:record_done(change, current, images.outcome(schema, fields, before, current), before)
  elseif not final or before.modifiedtime == current.modifiedtime then
    return "absent"
  else
    self:human(change, "MOVED", change.record, current.modifiedtime)
  end
  return "settled"
end

-- A record that was to be deleted: absent from a query that finds another one.
local function check_delete(self, doubt)
  local run, change = self.run, doubt.change
  local others, err = search.first(run.client, change.module, "id", "!=", change.record)
  if not others then
    return self:stop(err)
  end
  local other = others[1] and others[1].id
  local rows, failure = search.values(run.client, change.module, "id", { change.record, other })
  if not rows then
    return self:stop(failure)
  end
  local seen = {}
  for _, record in ipairs(rows) do
    seen[record.id] = true
  end
  if seen[change.record] then
    return "absent" -- the deletion is
  elseif not (other and seen[other]) then
    self:human(change, "NO_CONTROL", change.record)
  else
    run:finish(change, { state = "done", code = false, message = false })
  end
  return "settled"
end

-- Look for all doubts; returns those whose write does not show, nil when the
-- server gave no answer.
local function look(self, doubts, final)
  local creates, absent = {}, {}
  for _, doubt in ipairs(doubts) do
    local operation = doubt.change.operation
    if operation == "create" or operation == "attach" then
      creates[#creates + 1] = doubt
    else
      local check = operation == "update" and check_update or check_delete
      local verdict = check(self, doubt, final)
      if not verdict then
        return nil
      elseif verdict == "absent" then
        absent[#absent + 1] = doubt
      end
    end
  end
  local missing = search.creates(self, creates, final)
  return missing and table.move(missing, 1, #missing, #absent + 1, absent)
end

-- Proven not done: they are sent again, within measure.
local function replan(self, doubts)
  local run = self.run
  for _, doubt in ipairs(doubts) do
    local change = doubt.change
    if change.attempts >= MAX_ATTEMPTS then
      run:finish(change, state.outcome("NO_ANSWER", change.attempts))
    else
      self.open[change.n] = nil
      run.engine:mark(
        self.store.mark,
        change.n,
        { state = "planned", code = false, message = false }
      )
    end
  end
end

--- Look for a creation that was sent before, ahead of sending it again.
---
--- @return boolean true when that has settled it, or when there was no answer
function Reconciler:is_found(change)
  if not search.has_witness(self.run.set, change) then
    return false
  end
  local absent = search.creates(self, { { change = change } }, false)
  return not absent or #absent == 0
end

--- Work through the doubts there are; new ones that come meanwhile as well.
function Reconciler:work(job)
  while #self.doubts > 0 do
    local doubts = self.doubts
    self.doubts = {}
    local absent = look(self, doubts, false)
    if not absent then
      return
    end
    local fenced = fence.all(self, job, absent)
    if #fenced > 0 then
      job:sleep(math.max(self.settle_s, 3 * self.run.engine:slowest_s()))
      local proven = look(self, fenced, true)
      if not proven then
        return
      end
      replan(self, proven)
    end
    self.run.engine:mark(self.store.unblock)
  end
end

--- Whether there is something to look for again: absent for want of a control,
-- and since then a record was created that can serve as one.
function Reconciler:again()
  local created = self.run.done.done or 0
  if #self.without_control == 0 or created == self.created or self.run.engine.stopping then
    return false
  end
  self.created = created
  self.doubts, self.without_control = self.without_control, {}
  self:start()
  return true
end

--- Give what could not be settled for want of a control to a person.
function Reconciler:close()
  for _, doubt in ipairs(self.without_control) do
    self:human(doubt.change, "NO_CONTROL", "it")
  end
  self.run.engine:commit()
  if not self.store:has_doubts() then
    for _, row in ipairs(self.store:sessions()) do
      self.store:erase_session(row.session)
    end
  end
end

return M
