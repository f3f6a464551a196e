--- Queries: the class icrm.Query, which streams every row past the server's cap.
--
-- icrm.query.walk reads the pages; what is here checks a query before it is sent and
-- explains what the server refuses.
-- @module icrm.query

local core = require "icrm.core"
local errors = require "icrm.error"

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
  local parsed = errors.check(core.vtql.parse(text))
  local facts = parsed:facts()
  return setmetatable({
    client = client, parsed = parsed, facts = facts,
    can_then_id = not facts.descending, -- DESC would fall on id alone
  }, Query)
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

--- Begin a query on a module; see icrm.query.builder.
---
--- @param client icrm.Client
--- @param module string
--- @return icrm.Builder
function M.from(client, module)
  return require("icrm.query.builder").new(client, module)
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

-- ---- Asking ---------------------------------------------------------------------

local function refuse(message, err)
  errors.raise { kind = "query", operation = err and "query", code = err and err.code,
    cause = err, message = message }
end

-- A value as it is written, `'12x3'` or `12x3`, without its quotes.
local function unquoted(value)
  return value:match "^'(.*)'$" or value
end

local function is_id(value, operator)
  local text = unquoted(value)
  return text:find "^%d+x%d+$" ~= nil
    or operator == "LIKE" and text:find "^%d+x[%d%%_]*$" ~= nil
end

local REFERENCE_TYPES = { reference = true, owner = true }

-- What follows the x in an id reaches the server's SQL as it is, and without
-- an x an owner makes that SQL fail, which looks like an empty list (SERVER.md
-- 3). So a field that holds ids is compared with ids alone. `always` looks at
-- every condition, else at those that could be one.
local function check_ids(query, always, err)
  for _, condition in ipairs(query.facts.conditions) do
    local field = condition.field
    local could = always or field == "id" or field:find "_id$" or field == "modifiedby"
      or field == "creator"
    for _, value in ipairs(condition.values) do
      if not is_id(value, condition.operator) and (could or value:find("x", 1, true)) then
        local known = query.client:describe(query.facts.module).by_name[field]
        if field == "id" or known and REFERENCE_TYPES[known.type] then
          refuse(("%s %s %s: %s holds a record id, such as '3x262015'; '3x0' stands for none")
            :format(field, condition.operator, value, field), err)
        end
      end
    end
  end
end

-- An unknown field in ORDER BY makes the SQL fail too.
local function check_order(query)
  for _, name in ipairs(query.facts.order) do
    if name ~= "id" then
      local schema = query.client:describe(query.facts.module)
      if not schema.by_name[name] then
        local fault = schema:unknown_field(name)
        refuse(("ORDER BY %s: %s: %s"):format(name, fault.message, fault.cure))
      end
    end
  end
end

-- A refusal that names a field or a module: say which one was meant.
local function explain(query, err)
  if not errors.is(err, "refused") then
    error(err, 0)
  elseif err.code == "INVALID_ID_ATTRIBUTE" then
    check_ids(query, true, err)
  end
  local schema = query.client:describe(query.facts.module) -- raises for a wrong module
  local field = (err.message or ""):match "access '?%.?([^%s'.]+)%.?'? attribute"
  if field and not schema.by_name[field] then
    local fault = schema:unknown_field(field)
    refuse(("%s: %s"):format(fault.message, fault.cure), err)
  end
  error(err, 0)
end

-- Send the query, changed as core.vtql's write takes it; returns the id of the
-- call.
function Query:_send(change)
  if not self.is_checked then
    check_order(self)
    check_ids(self)
    self.is_checked = true
  end
  return self.client:send("query", { query = self.parsed:write(change) }, { method = "GET" })
end

-- The list of rows that came for that id.
function Query:_receive(id)
  local ok, rows = pcall(self.client.receive, self.client, id, self.decode)
  if not ok then
    explain(self, rows)
  elseif type(rows) ~= "table" or (next(rows) ~= nil and rows[1] == nil) then
    errors.raise { kind = "decode", operation = "query",
      message = "the answer to a query is no list of records" }
  end
  return rows
end

function Query:_ask(change)
  return self:_receive(self:_send(change))
end

-- The number that the answer to a count(*) gives.
function Query._read_count(_, rows)
  local n = rows[1] and math.tointeger(tonumber(rows[1].count))
  return n or errors.raise { kind = "decode", operation = "query",
    message = "count(*) gave no number" }
end

-- How many rows there are, or come after this id, up to that one.
function Query:_count_after(id, until_id)
  return self:_read_count(self:_ask { count = true, after_id = id, until_id = until_id })
end

-- ---- Reading --------------------------------------------------------------------

--- Count the rows that the query would give; its LIMIT does not matter.
---
--- The server counts records that this user may not see as well.
---
--- @return integer
function Query:count()
  return self:_count_after(nil)
end

local function has_free_order(facts)
  return #facts.order == 0 or (#facts.order == 1 and facts.order[1] == "id"
    and not facts.descending)
end

-- Whether pages may pass through without a look at their rows: see icrm.cli.lines.
function Query:_is_plain(most)
  local facts = self.facts
  return facts.select ~= "count" and has_free_order(facts)
    and not (most or facts.rows) and facts.offset == 0
end

-- A walk that counts what it shows.
local function start(query, most)
  local facts = query.facts
  local wanted = math.min(facts.rows or math.huge, most or math.huge)
  local by = facts.select == "count" and "once"
    or not has_free_order(facts) and "by_offset"
    or wanted == math.huge and facts.offset == 0 and "whole" or "by_id"
  local next_page, stop = require("icrm.query.walk")[by](query, wanted, facts.offset)
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
--- @return fun(): icrm.Record[]? next_page
--- @return nil
--- @return nil
--- @return table closing ends what is under way when the loop is left
function Query:pages(most)
  local next_page, closing = start(self, most)
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
  local next_page, closing = start(self, most)
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

--- The query as it is sent, `;` and all.
---
--- @return string
function Query:text()
  return self.parsed:write()
end

Query.__tostring = Query.text

return M
