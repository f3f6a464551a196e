--- How many calls a change set takes that is still to be sent. Logins, the search
-- for what is in doubt, and the question whether references can be emptied, come
-- on top.
-- @module icrm.changes.calls

local documents = require "icrm.documents"
local search = require "icrm.changes.send.search"

local M = {}

local LOOKED_AT_FIRST = 49 -- see icrm.changes.send.history

local function count(set, condition, ...)
  return set.store:rows("SELECT count(*) AS n FROM changes WHERE state = 'planned' AND "
    .. condition, ...)[1].n
end

local function modules(set, condition)
  return set.store:rows("SELECT DISTINCT module FROM changes " .. (condition or ""))
end

-- Each module is described once.
local function descriptions(set)
  local n = 0
  for _, row in ipairs(modules(set)) do
    n = n + (set.client and set.client._schemas[row.module] and 0 or 1)
  end
  return n
end

-- A create is one call. One that was sent before is looked for first.
local function creations(set)
  local n = count(set, "operation = 'create'")
  for _, row in ipairs(modules(set, "WHERE operation IN ('create', 'attach')")) do
    if set:witness(row.module) then
      n = n + count(set, "operation IN ('create', 'attach') AND module = ? AND attempts > 0",
        row.module)
    end
  end
  return n
end

-- Whether the first ones were made by another copy or plan is asked once a module.
local function looks(set)
  local n = 0
  for _, row in ipairs(modules(set, "WHERE state = 'planned'")) do
    local left = LOOKED_AT_FIRST
    for change in set.store:each(
      "state = 'planned' AND operation IN ('create', 'attach') AND module = ?", row.module) do
      if search.has_witness(set, change) then
        n = n + 1
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
  local n = count(set, "operation = 'attach'")
  if n == 0 or not set.client then
    return 2 * n
  end
  local way = documents.way(set.client, set:schema "Documents")
  return (way == "parameter" and 2 or 4) * n
end

--- Count the calls that are still needed.
---
--- @param set icrm.ChangeSet
--- @return integer calls
--- @return integer changes that they make
function M.needed(set)
  local changes = count(set, "1 = 1")
  if changes == 0 then
    return 0, 0
  end
  local described = descriptions(set)
  -- An update and a deletion read the record first.
  local twice = count(set, "operation IN ('update', 'delete')")
  return described + creations(set) + looks(set) + attachments(set) + 2 * twice,
    changes
end

return M
