--- What the user may see. Rows that he may not read are missing from every answer
-- without a word, so a record that must show to prove a query has the owner of the
-- record in doubt (law 8).
-- @module icrm.changes.send.sight

local errors = require "icrm.error"
local json = require "icrm.json"

local M = {}

local OWNER = "assigned_user_id"

-- How many of the last creations are looked through for one of the same owner.
local LOOKED_THROUGH = 2000

--- Whether no record is out of this user's sight.
---
--- @param run icrm.changes.Run
--- @return boolean
function M.sees_all(run)
  if run.sees_all == nil then
    local settings = errors.try(run.client.own_settings, run.client)
    run.sees_all = settings and settings.is_admin or false
  end
  return run.sees_all
end

local function sent_owner(run, change)
  return json.decode(change.fields)[OWNER] or run.client.user
end

--- The owner whose records must be seen to show before a creation counts as absent.
---
--- @param run icrm.changes.Run
--- @param change table
--- @return string? id; nil where the user sees all, or the module has no owners
function M.owner_of(run, change)
  if M.sees_all(run) or not run.set:schema(change.module).by_name[OWNER] then
    return nil
  end
  return sent_owner(run, change)
end

-- The last creation of a module that was sent with an owner, and of which `is_fit` holds.
local function last_creation(run, module, owner, is_fit)
  local seen = 0
  for change in run.store:each_acknowledged(module) do
    seen = seen + 1
    if sent_owner(run, change) == owner and is_fit(change) then
      return change
    elseif seen == LOOKED_THROUGH then
      return nil
    end
  end
end

--- The last creation that was acknowledged before a moment and was sent with an
--- owner: where its record shows, one more of the same owner would.
---
--- @param run icrm.changes.Run
--- @param module string
--- @param owner string
--- @param before integer Unix time
--- @return table? change
function M.creation_of(run, module, owner, before)
  return last_creation(run, module, owner, function(change)
    local last = run.store:last_attempt(change.n)
    return last and last.class == "S" and last.ended <= before
  end)
end

--- Whether the last record that this set has made for an owner shows.
---
--- @param run icrm.changes.Run
--- @param module string
--- @param owner string
--- @return boolean? nil when the server gave no answer
--- @return icrm.Error? err
function M.shows(run, module, owner)
  local change = last_creation(run, module, owner, function(change) return change.record end)
  if not change then
    return false
  end
  local query = run.client:from(module):select("id"):where("id", "=", change.record)
  local rows, err = errors.try(query.first, query, 1)
  return rows and #rows > 0, err
end

--- Whether the record of a change shows if it is there, as far as its owner goes: to
--- one who sees all, and to its owner.
---
--- @param run icrm.changes.Run
--- @param change table an update or a deletion
--- @return boolean
function M.would_show(run, change)
  local owner = json.decode(change.before)[OWNER]
  return owner == run.client.user or M.sees_all(run)
end

--- Another record than the one of a change, which shows whether its like do: of the
--- same owner where the user may not see all.
---
--- @param run icrm.changes.Run
--- @param change table an update or a deletion
--- @return icrm.Record[]? a list of at most one; nil when the server gave no answer
--- @return icrm.Error? err
function M.another(run, change)
  local query = run.client:from(change.module):select("id"):where("id", "!=", change.record)
  local owner = json.decode(change.before)[OWNER]
  if owner and not M.sees_all(run) then
    query:where(OWNER, "=", owner)
  end
  return errors.try(query.first, query, 1)
end

return M
