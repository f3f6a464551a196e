--- Walking through a query's rows in order of id, page by page, past the server's
-- cap.
--
-- A page is a list of at most 100 records. Records that this user may not see
-- are taken away after the server has applied LIMIT, so a short or an empty
-- page is not the end: the end is where nothing more is counted.
-- docs/query.md says what a walk promises.
-- @module icrm.query.walk

local errors = require "icrm.error"
local limits = require "icrm.limits"

local M = {}

local PAGE_ROWS = limits.PAGE_ROWS

--- The number in a row's id, by which the server orders.
---
--- @param row icrm.Record
--- @return integer; raises icrm.Error when the row has no id
function M.number_of(row)
  local number = type(row) == "table" and type(row.id) == "string"
    and math.tointeger(tonumber(row.id:match "^%d+x(%d+)$"))
  return number or errors.raise { kind = "decode", operation = "query",
    message = "the server returned a record without an id" }
end

local function check_order(rows, last)
  if M.number_of(rows[1]) <= last then
    errors.raise { kind = "decode", operation = "query", message =
      ("the server does not read on by id: %s came after number %d")
        :format(rows[1].id, last) }
  end
end

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
      return source:ask()
    end
  end, nothing
end

--- Walk in order of id; the page after the next is asked for while the caller
--- looks at this one.
---
--- @param source icrm.query.Source
--- @param wanted number most rows in all, math.huge for every one
--- @param offset integer rows to leave out first, counted by the server
--- @param last? string begin behind this id
--- @param until_id? string and end with this one
--- @return fun(): icrm.Record[]? next_page
--- @return fun() stop ends what is under way
function M.by_id(source, wanted, offset, last, until_id)
  local last_number, left, pending = last and M.number_of { id = last } or -1, nil, nil
  local size = math.min(PAGE_ROWS, wanted)

  local function request()
    return source:send { by_id = true, after_id = last, until_id = until_id,
      offset = offset, rows = size }
  end

  local function read()
    local id = pending or request()
    pending = nil
    return source:receive(id)
  end

  -- Nothing was seen among the next `size` rows: step over them.
  local function step_over()
    left = left or source:count(last, until_id)
    offset, size = offset + size, PAGE_ROWS
    if offset >= left then
      wanted = 0
    end
  end

  local function accept(rows)
    local asked = size
    check_order(rows, last_number)
    last, last_number = rows[#rows].id, M.number_of(rows[#rows])
    offset, left = 0, nil
    local page = M.cut(rows, wanted)
    wanted = wanted - #page
    size = math.min(PAGE_ROWS, wanted)
    if wanted > 0 and #rows == asked then
      pending = request()
      source.client:flush()
    elseif wanted > 0 then
      left = false -- to be counted when more is asked for
    end
    return page
  end

  local function next_page()
    if left == false then
      left = source:count(last, until_id)
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
      source.client:discard(pending)
      pending = nil
    end
  end
end

return M
