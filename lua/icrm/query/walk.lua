--- Walking through a query's rows in order of id, page by page, past the server's
-- cap.
--
-- A page is a list of at most 100 records. Records that this user may not see
-- are taken away after the server has applied LIMIT, so a short or an empty
-- page is not the end: the end is where nothing more is counted.
-- docs/query.md says what a walk promises.
-- @module icrm.query.walk

local limits = require "icrm.limits"
local order = require "icrm.query.order"

local M = {}

local PAGE_ROWS = limits.PAGE_ROWS

--- The first rows of a page that are still wanted.
---
--- @param rows icrm.Record[]
--- @param wanted number
--- @return icrm.Record[]
function M.cut(rows, wanted)
  if #rows <= wanted then
    return rows
  end
  return table.move(rows, 1, wanted, 1, {})
end

local function nothing() end

--- Ask once: the walk of a query for count(*).
---
--- @param source icrm.query.Source
--- @return fun(): icrm.Record[]? next_page
--- @return fun() stop
function M.once(source)
  local done = false
  return function()
    if not done then
      done = true
      return { { count = tostring(source:receive_count(source:send())) } }
    end
  end, nothing
end

-- A walk by id: `wanted` rows are still to come, behind the id `last` and `offset`
-- more; `pending` is the call for the next page; `left` counts what is there, false
-- when it is to be counted before more is asked for.
local function request(self)
  return self.source:send { by_id = true, after_id = self.last, until_id = self.until_id,
    offset = self.offset, rows = self.size }
end

local function read(self)
  local id = self.pending or request(self)
  self.pending = nil
  return self.source:receive(id)
end

local function count(self)
  if self.tally then
    return order.count_left(self.tally, self.source, self.last)
  end
  return self.source:count(self.last, self.until_id)
end

-- Nothing was seen among the next rows: step over them.
local function step_over(self)
  self.left = self.left or count(self)
  self.offset, self.size = self.offset + self.size, PAGE_ROWS
  if self.offset >= self.left then
    self.wanted = 0
  end
end

-- The walk goes on: what came first must have been the first.
local function check_beginning(self)
  if self.first then
    order.check_gap(self.source, nil, self.first)
    self.first = nil
  end
end

local function accept(self, rows)
  local asked = self.size
  if self.last and not self.tally then
    order.check_gap(self.source, self.last, rows[1])
  elseif not (self.is_counted_off or self.tally) then
    self.first = rows[1]
  end
  self.last_number = order.check(self.source.client, rows, self.last_number)
  if self.tally then
    order.note_page(self.tally, self.source, self.last, rows)
  end
  self.last, self.offset, self.left = rows[#rows].id, 0, nil
  local page = M.cut(rows, self.wanted)
  self.wanted = self.wanted - #page
  self.size = math.min(PAGE_ROWS, self.wanted)
  if self.wanted > 0 and #rows == asked then
    self.pending = request(self)
    self.source.client:flush()
    check_beginning(self)
  elseif self.wanted > 0 then
    self.left = false
  end
  return page
end

local function next_page(self)
  if self.left == false then
    self.left = count(self)
    self.wanted = self.left > 0 and self.wanted or 0
    self.size = math.min(PAGE_ROWS, self.wanted)
  end
  while self.wanted > 0 do
    local rows = read(self)
    if #rows > 0 then
      check_beginning(self)
      return accept(self, rows)
    end
    step_over(self)
  end
end

--- Walk in order of id; the page after the next is asked for while the caller
--- looks at this one.
---
--- @param source icrm.query.Source
--- @param wanted number most rows in all, math.huge for every one
--- @param offset integer rows to leave out first, counted by the server
--- @param last? string begin behind this id
--- @param until_id? string and end with this one
--- @param tally? table of icrm.query.order, for a walk from the first record to the last
--- @return fun(): icrm.Record[]? next_page
--- @return fun() stop ends what is under way
function M.by_id(source, wanted, offset, last, until_id, tally)
  local self = { source = source, wanted = wanted, offset = offset, last = last,
    last_number = last and order.number_of { id = last } or -1, until_id = until_id, tally = tally,
    size = math.min(PAGE_ROWS, wanted), is_counted_off = offset > 0 }
  return function()
    return next_page(self)
  end, function()
    if self.pending then
      source.client:discard(self.pending)
      self.pending = nil
    end
  end
end

return M
