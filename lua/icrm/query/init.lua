--- Queries: the class icrm.Query, which streams every row past the server's cap.
--
-- What is here is the face that scripts see. A walk (icrm.query.walk, ranges or
-- ordered) wants page after page, and icrm.query.source asks the server for them.
-- @module icrm.query

local core = require "icrm.core"
local errors = require "icrm.error"
local inventory = require "icrm.query.inventory"
local ordered = require "icrm.query.ordered"
local ranges = require "icrm.query.ranges"
local sources = require "icrm.query.source"
local walk = require "icrm.query.walk"

local M = {}

local Query = { __name = "icrm.Query" }
Query.__index = Query
M.Query = Query

-- `(…)` of a query call as the values of bind: one table of names without an
-- id, which would make it a record, names its values.
local function values_of(...)
  local values = table.pack(...)
  local only = values.n == 1 and values[1]
  if type(only) == "table" and type(next(only)) == "string" and only.id == nil then
    return only
  end
  return values
end

--- Make a query of a client.
---
--- `?` and `:name` stand for values, which are quoted as the server reads them:
--- strings, numbers, booleans, records (their id), lists for IN.
---
--- @param client icrm.Client
--- @param text string VTQL; the `;` at the end may be missing
--- @param ... any values for `?` in order, or one table of names
--- @return icrm.Query
function M.new(client, text, ...)
  return M.parsed(client, errors.check(core.vtql.bind(text, values_of(...))))
end

--- Make a query of a text whose values are in it already.
---
--- @param client icrm.Client
--- @param text string VTQL; a `?` in it is not a place for a value
--- @return icrm.Query
function M.parsed(client, text)
  local source = sources.new(client, text)
  return setmetatable({ source = source, module = source.facts.module,
    is_count = source.facts.select == "count" }, Query)
end

--- A text that LIKE takes literally: `"%" .. icrm.like(text) .. "%"`.
---
--- @param text string
--- @return string
function M.like(text)
  return core.vtql.escape_like(text)
end

--- The day of a time as a query and a date field take it.
---
--- @param seconds? integer as os.time returns it; now without it
--- @return string `2026-11-24`, in UTC
function M.date(seconds)
  return os.date("!%Y-%m-%d", seconds) --[[@as string]]
end

--- A time as a query takes it for createdtime and the like.
---
--- @param seconds? integer as os.time returns it; now without it
--- @return string `2026-11-24 08:30:00`, in UTC
function M.datetime(seconds)
  return os.date("!%Y-%m-%d %H:%M:%S", seconds) --[[@as string]]
end

--- Count records.
---
--- @param client icrm.Client
--- @param module string
--- @param where? string a condition with `?` or `:name`
--- @param ... any its values
--- @return integer
function M.count(client, module, where, ...)
  local text = ("SELECT count(*) FROM %s%s"):format(module, where and " WHERE " .. where or "")
  return M.new(client, text, ...):count()
end

-- ---- Reading --------------------------------------------------------------------

--- Count the rows that the query would give; its LIMIT does not matter.
---
--- The server counts records that this user may not see as well.
---
--- @return integer
function Query:count()
  return self.source:count()
end

local function has_free_order(facts)
  return #facts.order == 0 or (#facts.order == 1 and facts.order[1] == "id"
    and not facts.descending)
end

--- Whether every row is wanted, in no order of the query's own, so that pages
--- may be passed on without a look at their rows.
---
--- @param most? integer as for pages
--- @return boolean
function Query:is_plain(most)
  local facts = self.source.facts
  return facts.select ~= "count" and has_free_order(facts) and not self.source.is_doubtful
    and not (most or facts.rows) and facts.offset == 0
end

-- A walk that has the server count rows off, from their beginning.
local function counted_off(source, wanted)
  local facts = source.facts
  local count_off = has_free_order(facts) and walk.by_id or ordered.walk
  if inventory.joins_lines(source) then
    return inventory.walk(source, function(ids)
      return count_off(ids, wanted, facts.offset)
    end)
  end
  return count_off(source, wanted, facts.offset)
end

local function walk_of(source, wanted)
  local facts = source.facts
  if facts.select == "count" then
    return walk.once(source)
  elseif not has_free_order(facts) or facts.offset > 0 then
    return counted_off(source, wanted)
  elseif wanted == math.huge then
    return ranges.whole(source)
  end
  return walk.by_id(source, wanted, 0)
end

-- A walk that counts what it shows.
local function start(query, source, most)
  local facts = source.facts
  local wanted = math.min(facts.rows or math.huge, most or math.huge)
  local next_page, stop = walk_of(source, wanted)
  query.shown, query.is_complete = 0, false
  return function()
    local page = next_page()
    query.shown = query.shown + (page and #page or 0)
    query.is_complete = page == nil and wanted == math.huge and facts.offset == 0
    return page
  end, setmetatable({}, { __close = stop })
end

--- Iterate over the rows page by page. A query for count(*) has one row, with
--- the number as text in `count`.
---
--- @param most? integer stop after so many rows
--- @param decode? fun(reply: userdata): any, icrm.Error? makes the page of a reply;
---   it needs `#` and the first and the last row
--- @return fun(): icrm.Record[]? next_page
--- @return nil
--- @return nil
--- @return table closing ends what is under way when the loop is left
function Query:pages(most, decode)
  local source = decode and self.source:decoded_by(decode) or self.source
  local next_page, closing = start(self, source, most)
  return next_page, nil, nil, closing
end

--- Iterate over every row, in constant memory where the order is free.
---
--- `for row in query:each() do … end`. A LIMIT of the query's own is the number
--- of rows in all, however many pages that takes.
---
--- @param most? integer stop after so many rows
--- @return fun(): icrm.Record?
--- @return nil
--- @return nil
--- @return table closing
function Query:each(most)
  local next_page, closing = start(self, self.source, most)
  local page, at = {}, 0
  return function()
    at = at + 1
    if page and at > #page then
      page, at = next_page(), 1
    end
    return page and page[at]
  end, nil, nil, closing
end

--- Return all rows as a list.
---
--- @param most? integer stop after so many rows
--- @return icrm.Record[]
function Query:all(most)
  local list = {}
  for page in self:pages(most) do
    table.move(page, 1, #page, #list + 1, list)
  end
  return list
end

--- Return the first row, or nil; with a number, the list of the first rows.
---
--- @param n? integer
--- @return icrm.Record|icrm.Record[]|nil
function Query:first(n)
  local list = self:all(n or 1)
  return n and list or list[1]
end

--- Tell how many rows the server counts that the walk has not shown: records
--- hidden from this user, or created meanwhile.
---
--- The walk must have come to its end, and the query have no LIMIT.
---
--- @return integer
function Query:hidden()
  if not self.is_complete then
    error("hidden() comes after a walk to the end of a query without LIMIT", 2)
  end
  return math.max(0, self:count() - self.shown)
end

--- The names of the columns that the rows have, where there is no row to tell:
--- those of the text and `id`, or all that a query gives.
---
--- @return string[]
function Query:columns()
  local facts, names, seen = self.source.facts, { "id" }, { id = true }
  if facts.select == "count" then
    return { "count" }
  end
  local asked = facts.columns
  if facts.select == "star" then
    asked = {}
    for i, field in ipairs(self.source.client:describe(self.module).fields) do
      asked[i] = field.name
    end
  end
  for _, name in ipairs(asked) do
    if not seen[name] then
      names[#names + 1], seen[name] = name, true
    end
  end
  return names
end

--- The query as it is sent, `;` and all.
---
--- @return string
function Query:text()
  return self.source:text()
end

Query.__tostring = Query.text

return M
