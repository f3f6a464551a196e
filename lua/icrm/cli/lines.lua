--- The rows of a query as CSV or JSONL, a page at a time and without a table for
--- each row.
--
-- A page looks to the walk like a list of which only the first and the last row
-- are there. A page that the core cannot pass through (a null, a number, …) is
-- decoded and written row by row; the text is the same.
-- @module icrm.cli.lines

local core = require "icrm.core"
local json = require "icrm.json"
local tables = require "icrm.cli.table"

local M = {}

local SHORT = 64 -- bytes; longer than the reply to a count

local Page = {}

function Page.__len(page)
  return page.n
end

function Page.__index(page, at)
  return at == rawget(page, "n") and rawget(page, "last") or nil
end

local function new_page(lines, n, first, last)
  return setmetatable({ { id = first }, lines = lines, n = n, last = { id = last } }, Page)
end

--- Tell whether a query's rows can be written this way.
---
--- @param query icrm.Query
--- @param format string
--- @param most? integer most rows
--- @return boolean
function M.fits(query, format, most)
  return (format == "csv" or format == "jsonl") and query:is_plain(most)
end

--- Write every row of a query for which `fits` is true.
---
--- @param query icrm.Query
--- @param format "csv"|"jsonl"
--- @param columns_of fun(row: icrm.Record): string[] chooses by the first row
--- @param opts? table file, raw, delimiter, as for icrm.cli.table; on_rows: called
---   with the number of rows after each page
--- @return integer rows written
function M.write(query, format, columns_of, opts)
  opts = opts or {}
  local file, writer, pass = opts.file or io.stdout, nil, nil
  local count = 0

  local function begin(row)
    local columns = columns_of(row)
    writer = tables.writer(format, columns, opts)
    pass = core.page_writer(format, columns, opts.delimiter, opts.raw)
  end

  local function decode(reply)
    if #reply < SHORT and tostring(reply):find '^%[{"count":' then
      return json.decode(reply)
    end
    if not pass then
      local text = tostring(reply) -- the first page is read twice
      local rows, err = json.decode(text)
      if err or type(rows) ~= "table" or not rows[1] then
        return rows, err
      end
      begin(rows[1])
    end
    local lines, n, first, last = pass(reply)
    if not lines then
      return json.decode(reply)
    end
    return n > 0 and new_page(lines, n, first, last) or {}
  end

  for page in query:pages(nil, decode) do
    if page.lines then
      file:write(page.lines)
    else
      for _, row in ipairs(page) do
        writer:add(row)
      end
    end
    count = count + #page
    if opts.on_rows then
      opts.on_rows(#page)
    end
  end
  return count
end

return M
