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

local function fail(message, ...)
  errors.raise { kind = "decode", operation = "query", message = message:format(...) }
end

-- Whether ids in this order are in the order of their texts, 7x100 before 7x20.
local function is_text_order(before, after)
  return tostring(before) < tostring(after)
end

--- Check that a page's rows come in order of id, and behind a number; each once.
---
--- What a walk by id has not seen it takes for absent, which is true only of a
--- server that keeps to the order.
---
--- @param rows icrm.Record[] one or more
--- @param last integer the number of the last row before them, -1 for none
--- @return integer last the number of the last of them; raises icrm.Error
function M.check_order(rows, last)
  if M.number_of(rows[1]) <= last and #rows == 1 then
    fail("the server does not read on by id: %s came after number %d", rows[1].id, last)
  end
  for i = 1, #rows do
    local row = rows[i]
    local number = row and M.number_of(row) or last + 1 -- a page may show its ends alone
    if number == last then
      fail("the server gave %s twice in one walk; its rows cannot be counted or summed", row.id)
    elseif number < last and i == 1 then
      fail("the server does not read on by id: %s came after number %d", row.id, last)
    elseif number < last then
      fail("the server does not order by id: %s came after number %d%s", row.id, last,
        is_text_order(last, number) and ", as texts are ordered; it gives pages by which "
          .. "nobody can tell that no record was left out" or "")
    end
    last = number
  end
  return last
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
      return { { count = tostring(source:receive_count(source:send())) } }
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
    last, last_number = rows[#rows].id, M.check_order(rows, last_number)
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
