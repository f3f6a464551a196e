--- Whether a server orders records by the numbers in their ids.
--
-- A walk by id takes for absent what it has not seen, which is true only of a
-- server that keeps to that order. One that orders ids as texts gives 7x100 before
-- 7x20: in a page that is seen; between two pages it shows only by what is left out
-- where numbers get one digit more, so there a look is taken.
-- @module icrm.query.order

local core = require "icrm.core"
local errors = require "icrm.error"

local M = {}

-- Clients whose server was seen to order by numbers where texts are in another order.
local proven = setmetatable({}, { __mode = "k" })

-- The code of the error of a server that keeps to no order by id.
M.NO_ORDER = "NO_ORDER"

local function fail(message, ...)
  errors.raise { kind = "decode", code = M.NO_ORDER, operation = "query",
    message = message:format(...) }
end

local AS_TEXTS = "the server does not order by id: %s came after %s, as texts are ordered; "
  .. "it gives pages by which nobody can tell that no record was left out"

--- Whether a client's server was seen to order records by the numbers of their ids.
---
--- @param client icrm.Client
--- @return boolean
function M.is_proven(client)
  return proven[client] == true
end

--- The number in a row's id.
---
--- @param row icrm.Record
--- @return integer; raises icrm.Error when the row has no id
function M.number_of(row)
  local number = type(row) == "table" and type(row.id) == "string"
    and math.tointeger(tonumber(row.id:match "^%d+x(%d+)$"))
  return number or errors.raise { kind = "decode", operation = "query",
    message = "the server returned a record without an id" }
end

local function refuse_order(row, before, number, is_first)
  if number == before then
    fail("the server gave %s twice in one walk; its rows cannot be counted or summed", row.id)
  elseif is_first then
    fail("the server does not read on by id: %s came after number %d", row.id, before)
  elseif tostring(before) < tostring(number) then
    fail(AS_TEXTS, row.id, ("number %d"):format(before))
  end
  fail("the server does not order by id: %s came after number %d", row.id, before)
end

--- Check that a page's rows come in order of id, and behind a number; each once.
---
--- @param client icrm.Client
--- @param rows icrm.Record[] one or more; all between the first and the last may be
---   absent, when they are known to be in order
--- @param last integer the number of the last row before them, -1 for none
--- @return integer last the number of the last of them; raises icrm.Error
function M.check(client, rows, last)
  local i, n = 1, #rows
  while i <= n do
    local row = rows[i]
    local number = M.number_of(row)
    if number <= last then
      refuse_order(row, last, number, i == 1)
    elseif i > 1 and tostring(last) > tostring(number) then
      proven[client] = true
    end
    i = core.end_of_run(rows, i) -- with as many digits the texts tell
    last = M.number_of(rows[i])
    i = i + 1
    if i < n and rows[i] == nil then
      i = n
    end
  end
  return last
end

local function digits(number)
  return number < 0 and 0 or #tostring(number)
end

-- Whether a server that orders ids as texts would have left records out between two
-- rows, and this one is not known to do otherwise.
local function may_be_gap(source, before, row)
  local number = before and M.number_of { id = before } or -1
  return not proven[source.client] and digits(M.number_of(row)) > digits(number)
end

--- Look whether records were left out between two rows, where a server that orders
--- ids as texts would have left them out.
---
--- @param source icrm.query.Source
--- @param before string? id of the last row before; nil for none
--- @param row icrm.Record the row that came next; raises icrm.Error for a gap
function M.check_gap(source, before, row)
  if not may_be_gap(source, before, row) then
    return
  end
  local rows = source:ask { by_id = true, after_id = before, until_id = row.id, rows = 2 }
  if rows[1] and (#rows > 1 or rows[1].id ~= row.id) then
    fail(AS_TEXTS, row.id, before and "the page that ended with " .. before or "nothing")
  end
end

-- ---- A whole walk -------------------------------------------------------------------------
-- A page in which the numbers get one digit more proves the order by itself. Where none
-- did, the count that ends the walk does it: if all that is counted was shown, nothing
-- was left out anywhere. Only where the numbers differ, for records are hidden or came
-- and went, the places are looked at.

-- Clients that were seen to count more than they show: a count says less there, for
-- what was hidden may be what somebody has deleted meanwhile.
local hiding = setmetatable({}, { __mode = "k" })

--- Begin the tally of a walk from the first record to the last.
---
--- @param client icrm.Client
--- @return table tally
function M.tally(client)
  return { seen = 0, gaps = {}, writes = client.writes }
end

--- Note a page that was checked, and the place before it, where records may have been
--- left out.
---
--- @param tally table
--- @param source icrm.query.Source
--- @param before string? id of the last row before; nil for none
--- @param rows icrm.Record[] one or more
function M.note_page(tally, source, before, rows)
  tally.seen = tally.seen + #rows
  if may_be_gap(source, before, rows[1]) then
    table.insert(tally.gaps, { before = before, row = rows[1] })
  end
end

--- Look at the places that were noted.
---
--- @param tally table
--- @param source icrm.query.Source raises icrm.Error for a gap
function M.check_gaps(tally, source)
  for _, gap in ipairs(tally.gaps) do
    M.check_gap(source, gap.before, gap.row)
  end
  tally.gaps = {}
end

-- Whether all that is counted was shown. It is not asked after writes of our own: as
-- many may have been deleted as are still to come.
local function shows_all(tally, source)
  local client = source.client
  if hiding[client] or client.writes ~= tally.writes then
    return false
  end
  local total = source:count()
  hiding[client] = total > tally.seen or nil
  return total == tally.seen
end

--- Count what is left of a walk, and see that nothing was left out before.
---
--- @param tally table
--- @param source icrm.query.Source
--- @param last string? id of the last row
--- @return integer left; raises icrm.Error for a gap
function M.count_left(tally, source, last)
  if #tally.gaps > 0 and not proven[source.client] then
    if shows_all(tally, source) then
      tally.gaps = {}
      return 0
    end
    M.check_gaps(tally, source)
  end
  return source:count(last)
end

return M
