--- Whether a record that was to be deleted is gone: not shown by a query that shows
-- another one, or, where none is left that could, refused in the words that this
-- server has for an id that nobody has. (Law 34.)
-- @module icrm.changes.send.removal

local errors = require "icrm.error"
local record_calls = require "icrm.record_calls"
local search = require "icrm.changes.send.search"
local sight = require "icrm.changes.send.sight"

local M = {}

-- The highest number that an id can have in these servers' tables.
local NOBODYS_NUMBER = 2147483647

-- So many modules are looked through for a record that can be read.
local LOOKED_THROUGH = 10

-- What a call gave, false when it was refused, nil without an answer; and the error.
local function ask(method, client, ...)
  local result, err = errors.try(method, client, ...)
  if err and err.kind ~= "refused" then
    return nil, err
  end
  return result or false, err
end

-- As a query shows it: the record, or that another one shows and it does not.
local function by_query(run, change)
  local others, err = sight.another(run, change)
  if not others then
    return nil, err
  end
  local other = others[1] and others[1].id
  local rows, failure = search.values(run.client, change.module, "id", { change.record, other })
  if not rows then
    return nil, failure
  end
  local seen = {}
  for _, record in ipairs(rows) do
    seen[record.id] = true
  end
  if seen[change.record] then
    return "there"
  end
  return other and seen[other] and "gone" or "unproven"
end

-- Whether some record of another module can be read.
local function reads_another(client, module)
  local _, names = client:list_types()
  for i = 1, math.min(#names, LOOKED_THROUGH) do
    local query = client:from(names[i]):select("id")
    local row = names[i] ~= module and errors.try(query.first, query)
    if row and errors.try(client.retrieve, client, row.id) then
      return true
    end
  end
  return false
end

-- Whether records can be read just now, and those of the module as before: an
-- administrator is one still, and whoever has lost a module may not describe it.
local function has_rights(run, change)
  local client = run.client
  if not ask(client.call, client, "describe", { elementType = change.module }) then
    return false
  end
  local me = ask(client.retrieve, client, client.user)
  if sight.sees_all(run) then
    return me and me.is_admin == "on"
  end
  return me and true or reads_another(client, change.module)
end

-- What a refusal says, whatever the id that it names.
local function words(refusal, id)
  return refusal.code .. " " .. refusal.reason:gsub(id, "")
end

-- As `retrieve` answers: the record, or a refusal that is the one for an id that
-- nobody has.
local function by_retrieve(run, change)
  local client = run.client
  local record, refusal = ask(client.retrieve, client, change.record)
  if record ~= false then
    return record and "there", refusal
  end
  local is_sure = sight.would_show(run, change) or record_calls.says_absent(refusal)
  if not (is_sure and has_rights(run, change)) then
    return "unproven"
  end
  local nobodys = change.record:gsub("%d+$", tostring(NOBODYS_NUMBER))
  local found, absence = ask(client.retrieve, client, nobodys)
  if found == nil then
    return nil, absence
  end
  local is_same = not found and words(absence, nobodys) == words(refusal, change.record)
  return is_same and "gone" or "unproven"
end

--- What became of the record of a deletion.
---
--- @param run icrm.changes.Run
--- @param change table
--- @return "there"|"gone"|"unproven"|nil verdict nil when the server gave no answer
--- @return icrm.Error? err
function M.verdict(run, change)
  local verdict, err = by_query(run, change)
  if verdict == "unproven" then
    return by_retrieve(run, change)
  end
  return verdict, err
end

return M
