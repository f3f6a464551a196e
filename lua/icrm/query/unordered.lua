--- Walking over the records of a server that does not order them by id.
--
-- Where a range of ids holds no more records than a page, its page is whole whatever
-- the order in it. So ranges are halved until they are that small; the rows of each
-- must be as many as are counted in it, lie in it and come once, and all of them as
-- many as the query has. Where that cannot be shown, the error stands.
-- @module icrm.query.unordered

local inventory = require "icrm.query.inventory"
local limits = require "icrm.limits"
local order = require "icrm.query.order"

local M = {}

local FIRST_END, HIGHEST = 1024, 1 << 53
local MOST_SEEN = 20000 -- rows that are remembered, so that none comes twice

--- What a walk has handed out.
---
--- @return table seen `ids`, a list, nil when they are too many; `n`
function M.nothing_seen()
  return { ids = {}, n = 0 }
end

--- Note the rows that were handed out, while it is not proven that the order is right.
---
--- @param source icrm.query.Source
--- @param seen table
--- @param page icrm.Record[]? the next ones
function M.note(source, seen, page)
  if not seen.ids or source.decode or order.is_proven(source.client) then
    return
  end
  local ids, n = seen.ids, seen.n
  for i, row in ipairs(page or {}) do
    ids[n + i] = row.id
  end
  seen.n = #ids
  seen.ids = seen.n <= MOST_SEEN and ids or nil
end

local function set_of(list)
  local set = {}
  for _, item in ipairs(list) do
    set[item] = true
  end
  return set
end

--- Whether rows can be had without an order: the query has none of its own, or nothing
--- was handed out, and what was is known.
---
--- @param source icrm.query.Source
--- @param seen table
--- @return boolean
function M.can_walk(source, seen)
  return seen.ids and not source.decode and not order.is_proven(source.client)
    and (#source.facts.order == 0 or seen.n == 0) and not inventory.joins_lines(source)
end

local function id_of(self, number)
  return ("%sx%d"):format(self.prefix, number)
end

local function count(self, from, to)
  return self.source:count(id_of(self, from), to and id_of(self, to))
end

-- A number behind which nothing is counted.
local function find_end(self)
  local number = FIRST_END
  while count(self, number) > 0 do
    number = number * 4
    if number > HIGHEST then
      error(self.why, 0)
    end
  end
  return number
end

-- The rows of a range that holds no more than a page, in order.
local function read(self, range)
  local rows = self.source:ask { by_id = true, after_id = id_of(self, range.from),
    until_id = id_of(self, range.to), rows = limits.PAGE_ROWS }
  local here = {}
  for _, row in ipairs(rows) do
    local number = order.number_of(row)
    if number <= range.from or number > range.to or here[number] then
      error(self.why, 0)
    end
    here[number] = true
  end
  if #rows ~= range.count then
    error(self.why, 0) -- hidden from this user, or left out: nobody can tell
  end
  table.sort(rows, function(a, b) return order.number_of(a) < order.number_of(b) end)
  return rows
end

-- The lower half of a range is looked at next.
local function halve(self, range)
  local middle = (range.from + range.to) // 2
  if middle == range.from then
    error(self.why, 0)
  end
  local below = count(self, range.from, middle)
  table.insert(self.ranges, { from = middle, to = range.to, count = range.count - below })
  table.insert(self.ranges, { from = range.from, to = middle, count = below })
end

local function fresh_of(self, rows)
  local fresh = {}
  for _, row in ipairs(rows) do
    if not self.seen[row.id] then
      fresh[#fresh + 1] = row
    end
  end
  self.shown = self.shown + #rows
  return fresh
end

local function begin(self)
  local last = find_end(self)
  self.total = self.source:count()
  self.ranges = { { from = 0, to = last, count = self.total } }
end

local function next_page(self)
  if not self.ranges then
    begin(self)
  end
  while #self.ranges > 0 do
    local range = table.remove(self.ranges)
    if range.count > limits.PAGE_ROWS then
      halve(self, range)
    elseif range.count > 0 then
      local fresh = fresh_of(self, read(self, range))
      if #fresh > 0 then
        return fresh
      end
    end
  end
  if self.shown ~= self.total then
    error(self.why, 0)
  end
end

--- Walk over the rows that were not seen yet, a range after the other.
---
--- @param source icrm.query.Source
--- @param seen table of nothing_seen, no more noted in meanwhile
--- @param why icrm.Error raised where it cannot be shown that each row came once
--- @return fun(): icrm.Record[]? next_page
--- @return fun() stop
function M.walk(source, seen, why)
  local self = { source = source, seen = set_of(seen.ids), why = why, shown = 0,
    prefix = source.client:describe(source.facts.module).id_prefix }
  return function()
    return next_page(self)
  end, function() end
end

return M
