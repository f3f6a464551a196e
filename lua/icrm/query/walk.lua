--- Walking through a query's rows page by page, past the server's cap.
--
-- A page is a list of at most 100 records. Records that this user may not see
-- are taken away after the server has applied LIMIT, so a short or an empty
-- page is not the end: the end is where nothing more is counted.
-- docs/query.md says what a walk promises.
-- @module icrm.query.walk

local errors = require "icrm.error"

local M = {}

local PAGE_ROWS = 100
local PAGES_BEFORE_RANGES = 4
M.PAGE_ROWS = PAGE_ROWS

-- Rows of the page before that are asked for again when walking by offset:
-- when none of them comes back, rows have moved.
local OVERLAP = 10

-- How often a walk by offset goes back to look for rows that moved.
local RETREATS = 5

-- The number in an id; what the server orders by.
local function number_of(row)
  local number = type(row) == "table" and type(row.id) == "string"
    and math.tointeger(tonumber(row.id:match "^%d+x(%d+)$"))
  return number or errors.raise { kind = "decode", operation = "query",
    message = "the server returned a record without an id" }
end

local function check_order(rows, last)
  if number_of(rows[1]) <= last then
    errors.raise { kind = "decode", operation = "query", message =
      ("the server does not read on by id: %s came after number %d")
        :format(rows[1].id, last) }
  end
end

-- The first rows of a page that are still wanted.
local function cut(rows, wanted)
  if #rows <= wanted then
    return rows
  end
  return table.move(rows, 1, wanted, 1, {})
end

local function nothing() end

--- Ask once: the walk of a query for count(*).
---
--- @param query icrm.Query
--- @return fun(): icrm.Record[]? next_page
--- @return fun() stop
function M.once(query)
  local done = false
  return function()
    if not done then
      done = true
      return query:_ask()
    end
  end, nothing
end

--- Walk in order of id; the page after the next is asked for while the caller
--- looks at this one.
---
--- @param query icrm.Query
--- @param wanted number most rows in all, math.huge for every one
--- @param offset integer rows to leave out first, counted by the server
--- @param last? string begin behind this id
--- @param until_id? string and end with this one
--- @return fun(): icrm.Record[]? next_page
--- @return fun() stop ends what is under way
function M.by_id(query, wanted, offset, last, until_id)
  local last_number, left, pending = last and number_of { id = last } or -1, nil, nil
  local size = math.min(PAGE_ROWS, wanted)

  local function request()
    return query:_send { by_id = true, after_id = last, until_id = until_id,
      offset = offset, rows = size }
  end

  local function read()
    local id = pending or request()
    pending = nil
    return query:_receive(id)
  end

  -- Nothing was seen among the next `size` rows: step over them.
  local function step_over()
    left = left or query:_count_after(last, until_id)
    offset, size = offset + size, PAGE_ROWS
    if offset >= left then
      wanted = 0
    end
  end

  local function accept(rows)
    local asked = size
    check_order(rows, last_number)
    last, last_number = rows[#rows].id, number_of(rows[#rows])
    offset, left = 0, nil
    local page = cut(rows, wanted)
    wanted = wanted - #page
    size = math.min(PAGE_ROWS, wanted)
    if wanted > 0 and #rows == asked then
      pending = request()
      query.client:flush()
    elseif wanted > 0 then
      left = false -- to be counted when more is asked for
    end
    return page
  end

  local function next_page()
    if left == false then
      left = query:_count_after(last, until_id)
      wanted = left > 0 and wanted or 0
      size = math.min(PAGE_ROWS, wanted)
    end
    while wanted > 0 do
      local rows = read()
      if #rows > 0 then
        return accept(rows)
      end
      step_over()
    end
  end

  return next_page, function()
    if pending then
      query.client:discard(pending)
      pending = nil
    end
  end
end

--- Walk over every row in order of id: page after page at first; a walk that
--- turns out to be long goes on in ranges of ids that several lanes read at once,
--- unless calls are counted: ranges take more of them.
---
--- @param query icrm.Query
--- @return fun(): icrm.Record[]? next_page
--- @return fun() stop
function M.whole(query)
  local next_page, stop = M.by_id(query, math.huge, 0)
  local pages = 0
  return function()
    local page = next_page()
    pages = pages + 1
    if pages == PAGES_BEFORE_RANGES and page and #page == PAGE_ROWS
        and query.client:may_spend_calls() then
      stop()
      next_page, stop = require("icrm.query.ranges").walk(query, page)
    end
    return page
  end, function()
    stop()
  end
end

-- The rows that were counted and not seen: hidden from this user, or moved to
-- a place that had been read. Ask for them by id.
local function missed_rows(query, seen)
  local missed = {}
  local next_page = M.by_id(query, math.huge, 0)
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
--- @param query icrm.Query
--- @param wanted number most rows in all, math.huge for every one
--- @param base integer rows to leave out first, counted by the server
--- @return fun(): icrm.Record[]? next_page
--- @return fun() stop
function M.by_offset(query, wanted, base)
  local complete = wanted == math.huge and base == 0
  local seen, shown, at, retreats, ended = {}, 0, base, 0, false

  local function fresh_of(rows)
    local fresh, known = {}, false
    for _, row in ipairs(rows) do
      number_of(row)
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
    local page = cut(rows, wanted)
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
      local rows = query:_ask { then_id = query.can_then_id, offset = from, rows = rows_asked }
      local fresh, known = fresh_of(rows)
      if from > base and #rows > 0 and not known and retreats < RETREATS then
        retreat(from)
      else
        at = from + rows_asked
        ended = #rows < rows_asked and at >= query:count()
        if #fresh > 0 then
          return hand_out(fresh)
        end
      end
    end
    if complete and ended then
      complete = false
      local missed = query:count() > shown and missed_rows(query, seen) or {}
      return #missed > 0 and hand_out(missed) or nil
    end
  end

  return next_page, nothing
end

return M
