--- Rows for people and for programs: a table that fits the terminal, CSV, JSON, a
--- workbook.
--
-- A writer gets its columns first, then rows one by one, and is closed. Only the
-- table keeps rows: it has to see them to choose the widths.
-- @module icrm.cli.table

local core = require "icrm.core"
local csv = require "icrm.csv"
local errors = require "icrm.error"
local excel = require "icrm.cli.excel"
local json = require "icrm.json"
local text_tools = require "icrm.text"

local M = {}

local GAP = "  "
local NARROWEST = 10 -- columns that a cut cell keeps at least
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

local function is_empty(self, i)
  for _, cells in ipairs(self.rows) do
    if cells[i] ~= "" then
      return false
    end
  end
  return #self.rows > 0
end

-- The places of the columns to show, as many as fit when cut to the least, and
-- the names of those that do not.
local function choose_columns(self, natural)
  local shown, left_out, used = {}, {}, -#GAP
  for i, name in ipairs(self.columns) do
    local least = used + #GAP + math.min(natural[i], NARROWEST)
    local is_hidden = self.sparse and is_empty(self, i)
    if not is_hidden and self.width and least > self.width and #shown > 0 then
      left_out[#left_out + 1] = name
    elseif not is_hidden then
      shown[#shown + 1], used = i, least
    end
  end
  return shown, left_out
end

local function line(self, cells, shown, widths)
  local out = {}
  for at, i in ipairs(shown) do
    local cell = text_tools.cut(cells[i], widths[at])
    local blanks = (" "):rep(widths[at] - text_tools.width(cell))
    out[at] = self.numeric[self.columns[i]] and blanks .. cell or cell .. blanks
  end
  return (table.concat(out, GAP):gsub(" +$", "")) .. "\n"
end

function Table:close()
  local natural = natural_widths(self)
  local shown, left_out = choose_columns(self, natural)
  local widths, headings, rules = {}, {}, {}
  for at, i in ipairs(shown) do
    widths[at] = natural[i]
    headings[i] = text_tools.clean(self.columns[i])
  end
  if self.width then
    shrink(widths, self.width)
  end
  for at, i in ipairs(shown) do
    rules[i] = ("─"):rep(widths[at])
  end
  self.file:write(line(self, headings, shown, widths), line(self, rules, shown, widths))
  for _, cells in ipairs(self.rows) do
    self.file:write(line(self, cells, shown, widths))
  end
  return left_out
end

-- ---- CSV, JSON ------------------------------------------------------------------

local Csv = {}
Csv.__index = Csv

function Csv:begin()
  self.file:write(csv.record(self.columns, self))
end

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

local FORMATS = { table = Table, csv = Csv, json = Json, jsonl = Jsonl, xlsx = excel.Xlsx,
  ["excel-csv"] = excel.Csv }

--- The names of the formats, for options.
M.FORMATS = { "table", "csv", "json", "jsonl", "xlsx", "excel-csv" }

--- Make a writer.
---
--- Keys of JSON objects come in the order of the columns.
---
--- @param format string one of FORMATS
--- @param columns string[] names of the values in a row
--- @param opts? table file (standard output by default); width: of the table, the
---   terminal's by default, no limit where there is none; numeric: set of columns
---   that stand to the right; sparse = true: the table leaves out columns that are
---   empty in every row; raw: no apostrophe before formulas in CSV;
---   delimiter of CSV; for a workbook and excel-csv kinds: what the columns hold, as
---   icrm.cell has it; sheet: the name of the workbook's; decimal of excel-csv
--- @return table writer with add(row) and close(), which returns the names of the
---   columns for which the table had no room
function M.writer(format, columns, opts)
  opts = opts or {}
  local class = FORMATS[format]
  if not class then
    errors.refuse("unknown format %q: use %s", format, table.concat(M.FORMATS, ", "))
  end
  local kinds = opts.kinds or {}
  for name in pairs(opts.numeric or {}) do
    kinds[name] = kinds[name] or "number"
  end
  local writer = setmetatable({
    file = opts.file or io.stdout, columns = columns, rows = {}, raw = opts.raw,
    delimiter = opts.delimiter, numeric = opts.numeric or {}, sparse = opts.sparse,
    width = opts.width or not opts.file and core.terminal_columns(STDOUT) or nil,
    kinds = kinds, sheet = opts.sheet, decimal = opts.decimal, text_of = text_of,
  }, class)
  if class.begin then
    writer:begin()
  end
  return writer
end

--- Make a writer that gives its text to a function.
---
--- @param write fun(piece: string)
--- @param format string
--- @param columns string[]
--- @return table writer
function M.to(write, format, columns)
  return M.writer(format, columns, { file = { write = function(_, ...)
    write(table.concat { ... })
  end } })
end

--- Write a list of rows at once.
---
--- @param format string
--- @param columns string[]
--- @param rows table[]
--- @param opts? table as for writer
--- @return string[]? left_out as close
function M.write(format, columns, rows, opts)
  local writer = M.writer(format, columns, opts)
  for _, row in ipairs(rows) do
    writer:add(row)
  end
  return writer:close()
end

return M
