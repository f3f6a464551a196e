--- Long walks: ranges of ids, read by several lanes at once, rows in order.
--
-- Ids grow with time and modules share them, so a range of ids holds more or
-- fewer rows of one module; how wide the next must be is learnt from the ones
-- before. A range of more ids than a page has rows is complete when as many rows
-- came as are counted in it; if not (more than a page, or records that this user
-- may not see), the rest of it is walked page by page before the next range has
-- its turn.
-- @module icrm.query.ranges

local errors = require "icrm.error"
local inventory = require "icrm.query.inventory"
local limits = require "icrm.limits"
local order = require "icrm.query.order"
local unordered = require "icrm.query.unordered"
local walk = require "icrm.query.walk"

local M = {}

local PAGE_ROWS = limits.PAGE_ROWS
local PAGES_BEFORE_RANGES = 4
local MOST_EMPTY = 16 -- ranges in a row
local AIM = 0.8 -- of a page: how full a range should be
local WIDEST = 10000000
local LEARNING = 0.3 -- weight of the newest range

local function parts_of(id)
  local prefix, number = id:match "^(%d+)x(%d+)$"
  return prefix, math.tointeger(tonumber(number))
end

local Walk = {}
Walk.__index = Walk

-- As many ids as rows of a page cannot hold more than a page: nothing to count, but
-- where lines are counted.
function Walk:width()
  local width = math.min(PAGE_ROWS * AIM / self.density, WIDEST)
  return math.max(PAGE_ROWS, math.floor(width))
end

function Walk:add_range()
  local width = self:width()
  local range = { width = width, from = ("%sx%d"):format(self.prefix, self.at),
    to = ("%sx%d"):format(self.prefix, self.at + width) }
  self.at = self.at + width
  range.page = self.source:send({ by_id = true, after_id = range.from,
    until_id = range.to, rows = PAGE_ROWS })
  if width > PAGE_ROWS or self.joins_lines then
    range.count = self.source:send({ count = true, after_id = range.from,
      until_id = range.to })
  end
  table.insert(self.ranges, range)
end

function Walk:fill()
  while #self.ranges < self.window do
    self:add_range()
  end
  self.source.client:flush()
end

function Walk:stop()
  if self.rest then
    self.stop_rest()
    self.rest = nil
  end
  for _, range in ipairs(self.ranges) do
    self.source.client:discard(range.page)
    if range.count then
      self.source.client:discard(range.count)
    end
  end
  self.ranges = {}
end

function Walk:learn(range, rows)
  local density = math.max(rows, 1) / range.width
  self.density = self.density + LEARNING * (density - self.density)
  self.window = math.max(2, math.min(self.window * 2, self.source.client:lanes()))
end

-- Nothing in this range: perhaps nothing at all behind it.
function Walk:is_over(range)
  self.empty = self.empty + 1
  if self.empty & (self.empty - 1) ~= 0 then
    return false -- asked after 1, 2, 4, 8 … empty ranges
  end
  return order.count_left(self.tally, self.source, range.to) == 0
end

-- Nothing in so many ranges, and yet something is counted: read on page by page.
function Walk:go_on_behind(range)
  self:stop()
  order.check_gaps(self.tally, self.source)
  self.is_last = true
  self.rest, self.stop_rest = walk.by_id(self.source, math.huge, 0, range.to)
end

-- Rows that are not those of the range would be missing in another.
local function check_range(client, range, rows)
  local _, from = parts_of(range.from)
  if rows[1] and order.check(client, rows, from) > from + range.width then
    errors.raise { kind = "decode", operation = "query", message =
      ("the server does not read by id: %s came, which is behind %s"):format(rows[#rows].id,
        range.to) }
  end
end

function Walk:next_range()
  self:fill()
  local range = self.ranges[1]
  local rows = self.source:receive(range.page)
  check_range(self.source.client, range, rows)
  local counted = range.count
    and self.source:receive_count(range.count) or #rows
  table.remove(self.ranges, 1)
  self:learn(range, counted)
  self.empty = counted > 0 and 0 or self.empty
  if counted > #rows then
    local last = rows[1] and rows[#rows].id or range.from
    self.rest, self.stop_rest =
      walk.by_id(self.source, math.huge, 0, last, range.to)
  elseif counted == 0 and self:is_over(range) then
    self:stop()
    return nil
  elseif self.empty >= MOST_EMPTY then
    self:go_on_behind(range)
  end
  return rows
end

function Walk:next_page()
  while true do
    local page
    if self.rest then
      page = self.rest()
      self.rest = page and self.rest
    end
    if not page and self.is_last then
      return nil
    elseif not page then
      page = self:next_range()
    end
    if not page or #page > 0 then
      self.tally.seen = self.tally.seen + (page and #page or 0)
      return page
    end
  end
end

--- Go on with a walk behind a full page.
---
--- @param source icrm.query.Source
--- @param page icrm.Record[] the page that came last
--- @param tally? table of icrm.query.order, of the walk up to there
--- @return fun(): icrm.Record[]? next_page
--- @return fun() stop
function M.walk(source, page, tally)
  local prefix, last = parts_of(page[#page].id)
  local _, first = parts_of(page[1].id)
  local self = setmetatable({ source = source, prefix = prefix, at = last,
    density = #page / (last - first + 1), ranges = {}, window = 2, empty = 0,
    tally = tally or order.tally(source.client),
    joins_lines = inventory.joins_lines(source) }, Walk)
  return function()
    return self:next_page()
  end, function()
    self:stop()
  end
end

-- Page after page at first; a walk that turns out to be long goes on in ranges,
-- unless calls are counted: ranges take more of them.
local function by_id(source)
  local tally = order.tally(source.client)
  local next_page, stop = walk.by_id(source, math.huge, 0, nil, nil, tally)
  local pages = 0
  return function()
    local page = next_page()
    pages = pages + 1
    if pages == PAGES_BEFORE_RANGES and page and #page == PAGE_ROWS
        and source.client:may_spend_calls() then
      stop()
      next_page, stop = M.walk(source, page, tally)
    end
    return page
  end, function()
    stop()
  end
end

--- Walk over every row, in order of id; where the server does not keep to that order,
--- each row still comes once, those that were missed at last.
---
--- @param source icrm.query.Source
--- @return fun(): icrm.Record[]? next_page
--- @return fun() stop
function M.whole(source)
  local next_page, stop = by_id(source)
  local seen = unordered.nothing_seen()
  return function()
    local page, err = errors.try(next_page)
    if err and err.code == order.NO_ORDER and unordered.can_walk(source, seen) then
      stop()
      next_page, stop = unordered.walk(source, seen, err)
      seen = {}
      page = next_page()
    elseif err then
      error(err, 0)
    end
    unordered.note(source, seen, page)
    return page
  end, function()
    stop()
  end
end

return M
