--- Walking through a query's rows in an order of its own.
--
-- The server can only count rows off there, and rows move when others come and go.
-- docs/query.md says what a walk promises.
-- @module icrm.query.ordered

local errors = require "icrm.error"
local limits = require "icrm.limits"
local order = require "icrm.query.order"
local walk = require "icrm.query.walk"

local M = {}

local PAGE_ROWS = limits.PAGE_ROWS

-- Rows of the page before that are asked for again: when none of them comes back,
-- rows have moved.
local OVERLAP = 10

-- How often a walk goes back to look for rows that moved, and how many full pages
-- it takes that show nothing new.
local RETREATS = 5
local STALE_PAGES = RETREATS + 2

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

-- The rows of a page that are new, and whether some are not.
local function fresh_of(self, rows)
  local fresh, known, here = {}, false, {}
  for _, row in ipairs(rows) do
    order.number_of(row)
    if self.seen[row.id] then
      known = true
    elseif not here[row.id] then
      here[row.id] = true
      fresh[#fresh + 1] = row
    end
  end
  return fresh, known
end

-- None of the rows read before came back: they were more than the overlap that
-- moved. Read again what lies before.
local function retreat(self, from)
  self.retreats = self.retreats + 1
  self.at = math.max(self.base, from - PAGE_ROWS + 2 * OVERLAP)
end

local function note_stale(self, rows, rows_asked, fresh)
  self.stale = #fresh == 0 and #rows >= rows_asked and self.stale + 1 or 0
  if self.stale > STALE_PAGES then
    errors.raise { kind = "decode", operation = "query",
      message = "the server gives the same rows again and again, wherever it is told to "
        .. "begin; the order that was asked for cannot be read" }
  end
end

local function hand_out(self, rows)
  local page = walk.cut(rows, self.wanted)
  for _, row in ipairs(page) do
    self.seen[row.id] = true
  end
  self.wanted = self.wanted - #page
  self.shown = self.shown + #page
  return page
end

-- Read one page; its new rows, or nil when it was read in vain.
local function read(self)
  local from = math.max(self.base, self.at - OVERLAP)
  local rows_asked = self.at == self.base and math.min(PAGE_ROWS, self.wanted) or PAGE_ROWS
  local rows = self.source:ask { then_id = self.can_then_id, offset = from, rows = rows_asked }
  local fresh, known = fresh_of(self, rows)
  note_stale(self, rows, rows_asked, fresh)
  if from > self.base and #rows > 0 and not known and self.retreats < RETREATS then
    return retreat(self, from)
  end
  self.at = from + rows_asked
  self.ended = #rows < rows_asked and self.at >= self.source:count()
  return #fresh > 0 and fresh or nil
end

local function next_page(self)
  while self.wanted > 0 and not self.ended do
    local fresh = read(self)
    if fresh then
      return hand_out(self, fresh)
    end
  end
  if self.complete and self.ended then
    self.complete = false
    local missed = self.source:count() > self.shown and missed_rows(self.source, self.seen) or {}
    return #missed > 0 and hand_out(self, missed) or nil
  end
end

local function nothing() end

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
  local self = { source = source, wanted = wanted, base = base, at = base,
    can_then_id = not source.facts.descending, -- DESC would fall on id alone
    complete = wanted == math.huge and base == 0, seen = {}, shown = 0, retreats = 0, stale = 0,
    ended = false }
  return function()
    return next_page(self)
  end, nothing
end

return M
