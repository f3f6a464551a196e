--- Walking through a query's rows in an order of its own.
--
-- The server can only count rows off there, and rows move when others come and go.
-- docs/query.md says what a walk promises.
-- @module icrm.query.ordered

local limits = require "icrm.limits"
local walk = require "icrm.query.walk"

local M = {}

local PAGE_ROWS = limits.PAGE_ROWS

-- Rows of the page before that are asked for again: when none of them comes back,
-- rows have moved.
local OVERLAP = 10

-- How often a walk goes back to look for rows that moved.
local RETREATS = 5

local function nothing() end

-- The rows that were counted and not seen: hidden from this user, or moved to
-- a place that had been read. Ask for them by id.
local function missed_rows(source, seen)
  local missed = {}
  local next_page = walk.by_id(source, math.huge, 0)
  for page in next_page do
    for _, row in ipairs(page) do
      if not seen[row.id] then
        missed[#missed + 1] = row
      end
    end
  end
  return missed
end

--- Walk in the query's own order.
---
--- Rows may shift between two pages, and rows that compare equal may change
--- places, so ids are remembered: no row comes twice, and a row that was missed
--- comes last.
---
--- @param source icrm.query.Source
--- @param wanted number most rows in all, math.huge for every one
--- @param base integer rows to leave out first, counted by the server
--- @return fun(): icrm.Record[]? next_page
--- @return fun() stop
function M.walk(source, wanted, base)
  local complete = wanted == math.huge and base == 0
  local can_then_id = not source.facts.descending -- DESC would fall on id alone
  local seen, shown, at, retreats, ended = {}, 0, base, 0, false

  local function fresh_of(rows)
    local fresh, known = {}, false
    for _, row in ipairs(rows) do
      walk.number_of(row)
      if seen[row.id] then
        known = true
      else
        fresh[#fresh + 1] = row
      end
    end
    return fresh, known
  end

  -- None of the rows read before came back: they were more than the overlap
  -- that moved. Read again what lies before.
  local function retreat(from)
    retreats = retreats + 1
    at = math.max(base, from - PAGE_ROWS + 2 * OVERLAP)
  end

  local function hand_out(rows)
    local page = walk.cut(rows, wanted)
    for _, row in ipairs(page) do
      seen[row.id] = true
    end
    wanted = wanted - #page
    shown = shown + #page
    return page
  end

  local function next_page()
    while wanted > 0 and not ended do
      local from = math.max(base, at - OVERLAP)
      local rows_asked = at == base and math.min(PAGE_ROWS, wanted) or PAGE_ROWS
      local rows = source:ask { then_id = can_then_id, offset = from, rows = rows_asked }
      local fresh, known = fresh_of(rows)
      if from > base and #rows > 0 and not known and retreats < RETREATS then
        retreat(from)
      else
        at = from + rows_asked
        ended = #rows < rows_asked and at >= source:count()
        if #fresh > 0 then
          return hand_out(fresh)
        end
      end
    end
    if complete and ended then
      complete = false
      local missed = source:count() > shown and missed_rows(source, seen) or {}
      return #missed > 0 and hand_out(missed) or nil
    end
  end

  return next_page, nothing
end

return M
