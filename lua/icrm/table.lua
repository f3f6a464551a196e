--- Rows for people and for programs: a table that fits the terminal, CSV, JSON.
--
-- A writer gets its columns first, then rows one by one, and is closed. Only the
-- table keeps rows: it has to see them to choose the widths.
-- @module icrm.table

local core = require "icrm.core"
local csv = require "icrm.import.csv"
local errors = require "icrm.error"
local json = require "icrm.json"
local text_tools = require "icrm.text"

local M = {}

local GAP = "  "
local NARROWEST = 6 -- columns that a cut cell keeps at least
local STDOUT = 1

local function text_of(value)
  if value == nil then
    return ""
  elseif type(value) == "table" then
    return json.encode(value)
  end
  return tostring(value)
end

-- ---- Table ----------------------------------------------------------------------

local Table = {}
Table.__index = Table

function Table:add(row)
  local cells = {}
  for i, name in ipairs(self.columns) do
    cells[i] = text_tools.clean(text_of(row[name]))
  end
  self.rows[#self.rows + 1] = cells
end

local function natural_widths(self)
  local widths = {}
  for i, name in ipairs(self.columns) do
    widths[i] = text_tools.width(name)
    for _, cells in ipairs(self.rows) do
      widths[i] = math.max(widths[i], text_tools.width(cells[i]))
    end
  end
  return widths
end

-- Take columns from the widest until all fit.
local function shrink(widths, room)
  local total = #GAP * (#widths - 1)
  for _, width in ipairs(widths) do
    total = total + width
  end
  while total > room do
    local widest = 1
    for i, width in ipairs(widths) do
      if width > widths[widest] then
        widest = i
      end
    end
    if widths[widest] <= NARROWEST then
      return
    end
    widths[widest] = widths[widest] - 1
    total = total - 1
  end
end

local function line(cells, widths, right)
  local out = {}
  for i, width in ipairs(widths) do
    local cell = text_tools.cut(cells[i], width)
    local blanks = (" "):rep(width - text_tools.width(cell))
    out[i] = right[i] and blanks .. cell or cell .. blanks
  end
  return (table.concat(out, GAP):gsub(" +$", "")) .. "\n"
end

function Table:close()
  local widths, right = natural_widths(self), {}
  if self.width then
    shrink(widths, self.width)
  end
  local headings, rules = {}, {}
  for i, name in ipairs(self.columns) do
    right[i] = self.numeric[name]
    headings[i] = text_tools.clean(name)
    rules[i] = ("─"):rep(widths[i])
  end
  self.file:write(line(headings, widths, right), line(rules, widths, {}))
  for _, cells in ipairs(self.rows) do
    self.file:write(line(cells, widths, right))
  end
end

-- ---- CSV, JSON ------------------------------------------------------------------

local Csv = {}
Csv.__index = Csv

function Csv:add(row)
  local cells = {}
  for i, name in ipairs(self.columns) do
    cells[i] = text_of(row[name])
  end
  self.file:write(csv.record(cells, self))
end

function Csv.close() end

local function object(self, row)
  local parts = {}
  for _, name in ipairs(self.columns) do
    local value = row[name]
    if value ~= nil then
      parts[#parts + 1] = json.encode(name) .. ":" .. json.encode(value)
    end
  end
  return "{" .. table.concat(parts, ",") .. "}"
end

local Json = {}
Json.__index = Json

function Json:add(row)
  self.file:write(self.any and ",\n " or "[", object(self, row))
  self.any = true
end

function Json:close()
  self.file:write(self.any and "]\n" or "[]\n")
end

local Jsonl = {}
Jsonl.__index = Jsonl

function Jsonl:add(row)
  self.file:write(object(self, row), "\n")
end

function Jsonl.close() end

local FORMATS = { table = Table, csv = Csv, json = Json, jsonl = Jsonl }

--- The names of the formats, for options.
M.FORMATS = { "table", "csv", "json", "jsonl" }

--- Make a writer.
---
--- Keys of JSON objects come in the order of the columns.
---
--- @param format string one of FORMATS
--- @param columns string[] names of the values in a row
--- @param opts? table file (standard output by default); width: of the table, the
---   terminal's by default, no limit where there is none; numeric: set of columns
---   that stand to the right; raw: no apostrophe before formulas in CSV;
---   delimiter of CSV
--- @return table writer with add(row) and close()
function M.writer(format, columns, opts)
  opts = opts or {}
  local class = FORMATS[format]
  if not class then
    errors.raise { kind = "input",
      message = ("unknown format %q: use table, csv, json or jsonl"):format(format) }
  end
  local writer = setmetatable({
    file = opts.file or io.stdout, columns = columns, rows = {}, raw = opts.raw,
    delimiter = opts.delimiter, numeric = opts.numeric or {},
    width = opts.width or not opts.file and core.terminal_columns(STDOUT) or nil,
  }, class)
  if class == Csv then
    writer.file:write(csv.record(columns, writer))
  end
  return writer
end

--- Write a list of rows at once.
---
--- @param format string
--- @param columns string[]
--- @param rows table[]
--- @param opts? table as for writer
function M.write(format, columns, rows, opts)
  local writer = M.writer(format, columns, opts)
  for _, row in ipairs(rows) do
    writer:add(row)
  end
  writer:close()
end

return M
