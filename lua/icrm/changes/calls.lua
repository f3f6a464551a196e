--- How many calls a change set takes that is still to be sent. Logins, the search
-- for what is in doubt come on top.
-- @module icrm.changes.calls

local documents = require "icrm.documents"
local links = require "icrm.links"
local search = require "icrm.changes.send.search"
local state = require "icrm.changes.journal.state"
local ways = require "icrm.ways"

local M = {}

local LOOKED_AT_FIRST = 49 -- see icrm.changes.send.history

local PLANNED = { "planned" }

-- Each module is described once.
local function descriptions(set)
  local n = 0
  for _, module in ipairs(set.store:modules()) do
    n = n + (set.client and set.client._schemas[module] and 0 or 1)
  end
  return n
end

-- A look is a page, and a count of what stands behind it.
local LOOK = 2

-- A create is one call. One that was sent before is looked for first.
local function creations(set)
  local n = set.store:how_many { states = PLANNED, operations = { "create" } }
  for _, module in ipairs(set.store:modules { operations = state.CREATIONS }) do
    if set:witness(module) then
      n = n + LOOK * set.store:how_many { states = PLANNED, operations = state.CREATIONS,
        module = module, attempts = 1 }
    end
  end
  return n
end

-- Whether the first ones were made by another copy or plan is asked once a module.
local function looks(set)
  local n = 0
  for _, module in ipairs(set.store:modules { states = PLANNED }) do
    local left = LOOKED_AT_FIRST
    for change in set.store:each { states = PLANNED, operations = state.CREATIONS,
      module = module } do
      if search.has_witness(set, change) then
        n = n + LOOK
        break
      end
      left = left - 1
      if left == 0 then
        break
      end
    end
  end
  return n
end

-- The document, and a look whether it is related; where a file is a part of a
-- form it is not: relating it and looking again.
local function attachments(set)
  local n = set.store:how_many { states = PLANNED, operations = { "attach" } }
  if n == 0 or not set.client then
    return 2 * n
  end
  local way = documents.way(set.client, set:schema "Documents")
  return (way == "parameter" and 2 or 1 + links.calls(set.client)) * n
end

local function modules_with(set, operation)
  return #set.store:modules { states = PLANNED, operations = { operation } }
end

-- What the server is and how it changes records is asked before the first write;
-- the first record of a module that is created, or changed, is read again.
local function learning(set)
  local updated = modules_with(set, "update")
  local asked = set.client and ways.preparation(set.client, updated > 0) or 0
  return asked + modules_with(set, "create") + updated
end

--- Count the calls that are still needed.
---
--- @param set icrm.ChangeSet
--- @return integer calls
--- @return integer changes that they make
function M.needed(set)
  local changes = set.store:how_many { states = PLANNED }
  if changes == 0 then
    return 0, 0
  end
  local described = descriptions(set)
  -- An update and a deletion read the record first.
  local twice = set.store:how_many { states = PLANNED, operations = { "update", "delete" } }
  return described + creations(set) + looks(set) + attachments(set) + learning(set)
    + 2 * twice,
    changes
end

return M
