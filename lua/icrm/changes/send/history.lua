--- Whether a change set knows its own past. A copy from a backup does not: what
-- it takes for planned may be done. So its file counts its commits, and the
-- count is noted outside of it as well. (Law 22.)
-- @module icrm.changes.send.history

local notes = require "icrm.changes.journal.notes"
local search = require "icrm.changes.send.search"
local sight = require "icrm.changes.send.sight"
local state = require "icrm.changes.journal.state"

local M = {}

local History = {}
History.__index = History

local NOTE_EVERY_S = 1
local ROWS_PER_QUERY = 49

--- Open the history of a change set that is about to be applied.
---
--- @param store table icrm.changes.Store
function M.open(store)
  return setmetatable({
    store = store,
    id = store:get_meta "id",
    count = math.tointeger(tonumber(store:get_meta "generation")) or 0,
    notes = notes.open(),
    next_note = 0,
  }, History)
end

--- What the notes say of the file.
---
--- @return string "current"; "behind": more was applied than the file knows;
---   "unseen": it was applied, but nothing is noted of it on this machine
function History:verdict()
  local noted = self.notes and self.notes:generation(self.id)
  if noted and noted > self.count then
    return "behind"
  elseif not noted and self.count > 0 then
    return "unseen"
  end
  return "current"
end

--- Count one commit; to be called in its transaction.
function History:advance()
  self.count = self.count + 1
  self.store:set_meta("generation", self.count)
end

--- Note the count outside of the file, after the commit; at most once a second.
---
--- @param now? number the clock; nil: at once
function History:note(now)
  if not self.notes or now and now < self.next_note then
    return
  end
  self.next_note = now and now + NOTE_EVERY_S or 0
  self.notes:note(self.id, self.count, self.store.path)
end

function History:close()
  if self.notes then
    self.notes:close()
    self.notes = nil
  end
end

local function planned_creations(module)
  return { states = { "planned" }, operations = state.CREATIONS, module = module }
end

-- Look for the next of `changes`; what is there is settled. Returns how many
-- were settled, nil when the server gave no answer.
local function look(run, changes, is_behind)
  local doubts = {}
  for _, change in ipairs(changes) do
    if is_behind or search.has_witness(run.set, change) then
      doubts[#doubts + 1] = { change = change }
    end
  end
  local absent = search.creates(run.reconciler, doubts, false)
  return absent and #doubts - #absent
end

local function take(each, limit)
  local list = {}
  for change in each do
    list[#list + 1] = change
    if #list == limit then
      break
    end
  end
  return list
end

-- The rows that would be sent first are the first that an unknown past has done.
local function probe(run)
  for _, module in ipairs(run.store:modules(planned_creations())) do
    local first = take(run.store:each(planned_creations(module)), ROWS_PER_QUERY)
    local found = look(run, first, false)
    if found ~= 0 then
      return found
    end
  end
  return 0
end

local function audit(run, is_behind)
  local found = 0
  for _, module in ipairs(run.store:modules(planned_creations())) do
    local each = run.store:each(planned_creations(module))
    repeat
      local batch = take(each, ROWS_PER_QUERY)
      local n = look(run, batch, is_behind)
      if not n then
        return found
      end
      found = found + n
    until #batch < ROWS_PER_QUERY
  end
  return found
end

-- What is planned still does not show; where no record of its owner does, that says
-- nothing, and it is left to a person.
local function leave_unseen(run, module)
  local is_seen = {}
  for change in run.store:each(planned_creations(module)) do
    local owner = sight.owner_of(run, change)
    if owner and is_seen[owner] == nil then
      local shown, err = sight.shows(run, module, owner)
      if shown == nil then
        return run.reconciler:stop(err)
      end
      is_seen[owner] = shown
    end
    if owner and not is_seen[owner] then
      run.reconciler:human(change, "NO_SIGHT", owner)
    end
  end
end

--- See whether what is planned was made already: by this file before it was
--- restored from a copy, or by another plan of the same input. A job.
---
--- @param job table
--- @param run table of icrm.changes.send.run; `run.found_before` becomes the number
---   of changes that were settled by a look alone
function M.check(job, run)
  local verdict = run.engine.outbox.history:verdict()
  local found = probe(run)
  if found and (found > 0 or verdict ~= "current") then
    run.is_behind = true
    job:commit()
    found = found + audit(run, verdict == "behind")
    job:commit()
    for _, module in ipairs(run.store:modules(planned_creations())) do
      leave_unseen(run, module)
    end
  end
  run.found_before = found or 0
end

return M
