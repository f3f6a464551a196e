--- Queries: the class icrm.Query, which streams every row past the server's cap.
--
-- The server gives at most 100 rows a call and does not say that there are
-- more (SERVER.md 3). A walk reads page after page: by id where the order is
-- free, by offset where the query has an ORDER BY of its own.
-- @module icrm.query

local core = require "icrm.core"
local errors = require "icrm.error"

local M = {}

local PAGE_ROWS = 100

local Query = { __name = "icrm.Query" }
Query.__index = Query
M.Query = Query

-- `(…)` of a query call as the values of bind: one table without a first
-- element and without an id names its values.
local function values_of(...)
  local values = table.pack(...)
  local only = values.n == 1 and values[1]
  if type(only) == "table" and only[1] == nil and only.id == nil then
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
  return setmetatable({ client = client, parsed = parsed, facts = parsed:facts() }, Query)
end

--- A text that LIKE takes literally: `"%" .. icrm.like(text) .. "%"`.
---
--- @param text string
--- @return string
function M.like(text)
  return core.vtql.escape_like(text)
end

--- Begin a query on a module; see icrm.builder.
---
--- @param client icrm.Client
--- @param module string
--- @return icrm.Builder
function M.from(client, module)
  return require("icrm.builder").new(client, module)
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

-- ---- Sending --------------------------------------------------------------------

-- A refusal that names a field or a module: say which one was meant.
local function explain(query, err)
  if not errors.is(err, "refused") then
    error(err, 0)
  end
  local schema = query.client:describe(query.facts.module) -- raises for a wrong module
  local field = (err.message or ""):match "access '?%.?([^%s'.]+)%.?'? attribute"
  if field and not schema.by_name[field] then
    local fault = schema:unknown_field(field)
    errors.raise { kind = "query", code = err.code, operation = "query", cause = err,
      message = ("%s: %s"):format(fault.message, fault.cure) }
  end
  error(err, 0)
end

-- An unknown field in ORDER BY makes the SQL fail, and the answer is an empty
-- list (SERVER.md 3): look before the query is sent.
local function check_order(query)
  if query.is_checked then
    return
  end
  for _, name in ipairs(query.facts.order) do
    if name ~= "id" then
      local schema = query.client:describe(query.facts.module)
      if not schema.by_name[name] then
        local fault = schema:unknown_field(name)
        errors.raise { kind = "query",
          message = ("ORDER BY %s: %s: %s"):format(name, fault.message, fault.cure) }
      end
    end
  end
  query.is_checked = true
end

local function send(query, change)
  check_order(query)
  return query.client:send("query", { query = query.parsed:write(change) }, { method = "GET" })
end

local function receive(query, id)
  local ok, rows = pcall(query.client.receive, query.client, id)
  if not ok then
    explain(query, rows)
  elseif type(rows) ~= "table" or (next(rows) ~= nil and rows[1] == nil) then
    errors.raise { kind = "decode", operation = "query",
      message = "the answer to a query is no list of records" }
  end
  return rows
end

local function ask(query, change)
  return receive(query, send(query, change))
end

local function count_after(query, id)
  local rows = ask(query, { count = true, after_id = id })
  local n = rows[1] and math.tointeger(tonumber(rows[1].count))
  if not n then
    errors.raise { kind = "decode", operation = "query", message = "count(*) gave no number" }
  end
  return n
end

--- Count the rows that the query would give; its LIMIT does not matter.
---
--- The server counts records that this user may not see as well.
---
--- @return integer
function Query:count()
  return count_after(self, nil)
end

-- ---- Walking by id --------------------------------------------------------------

-- Records that this user may not see are taken away after the server has
-- applied LIMIT, so a short or empty page is not the end: the end is where
-- nothing more is counted.
local function walk_by_id(query, wanted)
  local last, offset, counted, pending = nil, 0, nil, nil
  local function request()
    return send(query, { by_id = true, after_id = last, offset = offset,
      rows = math.min(PAGE_ROWS, wanted) })
  end
  local function next_page()
    while wanted > 0 do
      local asked = math.min(PAGE_ROWS, wanted)
      local rows = receive(query, pending or request())
      pending = nil
      if #rows > 0 then
        last, offset, counted = rows[#rows].id, 0, nil
        wanted = wanted - #rows
        query.shown = query.shown + #rows
        if #rows == asked and wanted > 0 then
          pending = request() -- under way while the caller looks at this page
        elseif #rows < asked then
          counted = count_after(query, last)
          wanted = counted == 0 and 0 or wanted
        end
        return rows
      end
      counted = counted or count_after(query, last)
      offset = offset + asked
      if offset >= counted then
        wanted = 0
      end
    end
  end
  return next_page, function()
    if pending then
      query.client:discard(pending)
      pending = nil
    end
  end
end

-- ---- Walking by offset ----------------------------------------------------------

-- A missing row moved to a place that had been read. Seldom: look who it is.
local function check_complete(query, seen, shown)
  if query:count() <= shown then
    return
  end
  local missing = 0
  local by_id = M.parsed(query.client, query.parsed:write { by_id = true })
  by_id.facts.order = {}
  for row in by_id:each() do
    missing = missing + (seen[row.id] and 0 or 1)
  end
  if missing > 0 then
    errors.raise { kind = "query", operation = "query",
      message = ("%d rows changed places while they were read; read again, or without ORDER BY")
        :format(missing) }
  end
end

-- Pages overlap by nothing and rows may shift under them, so ids are
-- remembered: no row comes twice, and a lost one is noticed.
local function walk_by_offset(query, wanted, offset)
  local facts = query.facts
  local then_id = not facts.descending
  local seen, shown, has_end = {}, 0, false
  return function()
    while wanted > 0 and not has_end do
      local asked = math.min(PAGE_ROWS, wanted)
      local rows = ask(query, { then_id = then_id, offset = offset, rows = asked })
      offset = offset + asked
      local fresh = {}
      for _, row in ipairs(rows) do
        if not seen[row.id] then
          seen[row.id] = true
          fresh[#fresh + 1] = row
        end
      end
      shown, wanted = shown + #fresh, wanted - #fresh
      query.shown = query.shown + #fresh
      if #rows < asked and (wanted == math.huge or #rows == 0) then
        has_end = offset >= query:count()
      end
      if has_end and facts.rows == nil and facts.offset == 0 then
        check_complete(query, seen, shown)
      end
      if #fresh > 0 then
        return fresh
      end
    end
  end
end

local function has_free_order(facts)
  return #facts.order == 0 or (#facts.order == 1 and facts.order[1] == "id"
    and not facts.descending)
end

-- Leave out the first rows, as LIMIT offset, n asks.
local function skipping(next_page, skip)
  return function()
    local page = next_page()
    while page and skip >= #page do
      skip = skip - #page
      page = next_page()
    end
    if page and skip > 0 then
      page = table.move(page, skip + 1, #page, 1, {})
      skip = 0
    end
    return page
  end
end

--- Iterate over the rows page by page.
---
--- @return fun(): icrm.Record[]? next_page
--- @return nil
--- @return nil
--- @return table closing ends what is under way when the loop is left
function Query:pages()
  local facts = self.facts
  if facts.select == "count" then
    errors.raise { kind = "query", message = "count(*) has no rows; use :count()" }
  end
  self.shown = 0
  local wanted = facts.rows or math.huge
  if not has_free_order(facts) then
    return walk_by_offset(self, wanted, facts.offset), nil, nil, nil
  end
  local next_page, stop = walk_by_id(self, wanted + facts.offset)
  return skipping(next_page, facts.offset), nil, nil, setmetatable({}, { __close = stop })
end

--- Iterate over every row, in constant memory where the order is free.
---
--- `for row in query:each() do … end`. A LIMIT of the query's own is the number
--- of rows in all, however many pages that takes.
---
--- @return fun(): icrm.Record?
--- @return nil
--- @return nil
--- @return table closing
function Query:each()
  local next_page, _, _, closing = self:pages()
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
--- @return icrm.Record[]
function Query:all()
  local list = {}
  for page in self:pages() do
    table.move(page, 1, #page, #list + 1, list)
  end
  return list
end

--- Return the first row, or nil; with a number, the list of the first rows.
---
--- @param n? integer
--- @return icrm.Record|icrm.Record[]|nil
function Query:first(n)
  local list = {}
  for row in self:each() do
    if not n then
      return row
    elseif #list == n then
      break
    end
    list[#list + 1] = row
  end
  return n and list or nil
end

--- How many rows the server counts and has not shown in the last complete walk:
--- hidden from this user, or gone meanwhile.
---
--- @return integer
function Query:hidden()
  return math.max(0, self:count() - (self.shown or 0))
end

--- The query as it is sent, `;` and all.
---
--- @return string
function Query:text()
  return self.parsed:write()
end

Query.__tostring = Query.text

return M
