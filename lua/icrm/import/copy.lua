--- Rows of a file as they are, with cells of our own behind them.
--
-- Of a CSV file they are the same bytes; the exception are encodings in which a byte
-- may be half a character: such a file is read as text and written in its encoding
-- again. Of a workbook they are what it shows, as CSV in UTF-8 with a byte order mark,
-- which a table program opens, or a workbook (icrm.import.workbook_copy).
-- @module icrm.import.copy

local core = require "icrm.core"
local csv = require "icrm.csv"
local errors = require "icrm.error"
local sources = require "icrm.source"
local workbook_copy = require "icrm.import.workbook_copy"

local M = {}

local Copy = { __name = "icrm.import.Copy" }
Copy.__index = Copy

local ENDINGS = { LF = "\n", CRLF = "\r\n", CR = "\r" }
-- ---- Places ---------------------------------------------------------------------

-- Where each line begins; a lone CR ends one too, as for the reader of the core.
local function line_starts(text)
  local starts, at = { 1 }, 1
  while true do
    local first = text:find("[\r\n]", at)
    if not first then
      return starts
    end
    at = text:find("^\r\n", first) and first + 2 or first + 1
    starts[#starts + 1] = at
  end
end

-- The lines on which records begin, blank ones and the headings among them, and
-- the line after the last.
local function record_lines(source, past)
  local lines = { source.format.skip + 1 }
  while true do
    local cells, line = source.reader:next()
    if not cells then
      lines[#lines + 1] = past
      return lines
    end
    lines[#lines + 1] = line
  end
end

-- Where the cells of a record but the first begin, their delimiters included.
local function cell_starts(record, delimiter)
  local starts, at = {}, 1
  while true do
    local quote = record:match("^ *=?()\"", at)
    local past = quote and quote + 1 or at
    while quote do -- to the quote that is not doubled
      quote = record:find('"', past, true)
      past = quote and quote + 1 or past
      if record:byte(past) ~= 34 then
        break
      end
      past = past + 1
    end
    local next_one = record:find(delimiter, past, true)
    if not next_one then
      return starts
    end
    starts[#starts + 1], at = next_one, next_one + 1
  end
end

-- The record with so many cells: what is missing is empty, what is too much was.
local function fitted(record, delimiter, width)
  local starts = cell_starts(record, delimiter)
  if starts[width] then
    return record:sub(1, starts[width] - 1)
  end
  return record .. delimiter:rep(width - #starts - 1)
end

local function open_csv(source, path)
  local file = assert(io.open(path, "rb"))
  local text = file:read "a"
  file:close()
  local self = setmetatable({ headings = source.headings, format = source.format,
    is_wide = not source.format.is_8bit and source.format.encoding ~= "utf-8", cut = 0 },
    Copy)
  self.text = self.is_wide
    and errors.check(core.csv.convert(text, self.format.encoding, "utf-8")) or text
  self.starts = line_starts(self.text)
  self.past = {}
  local lines = record_lines(source, #self.starts + 1)
  source:close()
  for i = 1, #lines - 1 do
    self.past[lines[i]] = lines[i + 1]
  end
  return self
end

--- Leave out so many cells at the end of each row.
---
--- @param count integer
function Copy:leave_out(count)
  self.cut = count
end

-- From UTF-8 to the file's encoding.
function Copy:encode(text)
  return errors.check(core.csv.convert(text, "utf-8", self.format.encoding))
end

-- A record with more cells at its end, as bytes in the file's encoding.
local function extended(self, line, cells, is_heading)
  local from, past = self.starts[line], self.starts[self.past[line]] or #self.text + 1
  local record = self.text:sub(from, past - 1):gsub("[\r\n]+$", "")
  record = fitted(record, self.format.delimiter, #self.headings - self.cut)
  local added = { "" }
  for i, cell in ipairs(cells) do
    added[i + 1] = is_heading and cell or '"' .. cell:gsub('"', '""') .. '"'
  end
  local tail = table.concat(added, self.format.delimiter) .. ENDINGS[self.format.newline]
  if self.is_wide then
    return self:encode(record .. tail)
  end
  return record .. self:encode(tail)
end

-- What must go before the headings: the mark of the encoding, and `sep=;`. Titles stay.
local function preamble(self)
  local mark = self.text:match "^\u{FEFF}" or ""
  local hint = self.text:match("^[sS][eE][pP]=[^\r\n]\r?\n?", #mark + 1) or ""
  local text = self.format.skip > 0 and mark .. hint or ""
  return self.is_wide and text ~= "" and self:encode(text) or text
end

--- Give the headings with more of them at their end.
---
--- @param cells string[] UTF-8
--- @return string
function Copy:heading(cells)
  return preamble(self) .. extended(self, self.format.skip + 1, cells, true)
end

--- Give a row with more cells at its end.
---
--- @param line integer on which it begins; those of one copy ascend
--- @param cells string[] UTF-8; what the encoding lacks becomes `?`
--- @return string
function Copy:row(line, cells)
  return extended(self, line, cells)
end

--- Close the file.
function Copy.close() end
Copy.__close = Copy.close

-- ---- Workbooks ---------------------------------------------------------------------

local SheetCopy = { __name = "icrm.import.SheetCopy" }
SheetCopy.__index = SheetCopy

local DELIMITER = { delimiter = ";" } -- what table programs of half of Europe expect

local function open_sheet(source)
  return setmetatable({ source = source, headings = source.headings, next_row = source:rows(),
    cut = 0 }, SheetCopy)
end

function SheetCopy:leave_out(count)
  self.cut = count
end

local function record(self, cells, added)
  local all = table.move(cells, 1, #self.headings - self.cut, 1, {})
  return csv.record(table.move(added, 1, #added, #all + 1, all), DELIMITER)
end

function SheetCopy:heading(cells)
  return "\u{FEFF}" .. record(self, self.headings, cells)
end

function SheetCopy:row(number, added)
  while true do
    local at, cells = self.next_row()
    if at == number then
      return record(self, cells, added)
    elseif not at then
      errors.refuse("%s has no row %d any more", self.source.path, number)
    end
  end
end

function SheetCopy:close()
  self.source:close()
end
SheetCopy.__close = SheetCopy.close

local function open_source(path, how, is_read)
  how = how or {}
  return sources.open { path = path, raw = not is_read, sheet = how.sheet, skip = how.skip,
    encoding = how.encoding, delimiter = how.delimiter, short_rows = "empty", totals = "keep" }
end

--- Open a file to copy rows of it. A CSV file is held in memory.
---
--- @param path string
--- @param how? table as for icrm.source: skip, encoding and delimiter, of a workbook sheet
--- @return icrm.import.Copy copy headings: the cells of its first row
function M.open(path, how)
  local source = open_source(path, how)
  return source.sheet and open_sheet(source) or open_csv(source, path)
end

-- The columns that were added the time before stand last.
local function leave_out_added(copy)
  local count = 0
  while count < #copy.headings - 1 and copy.headings[#copy.headings - count]:find "^icrm_" do
    count = count + 1
  end
  copy:leave_out(count)
end

--- Write rows of a file as they are, with columns of our own behind them in place of those
--- of the time before.
---
--- @param path string
--- @param how? table as for open
--- @param headings string[] of the columns; they begin with icrm_
--- @param cells_of fun(line: integer): string[]? what a row gets in them; nil leaves it out
--- @param write fun(piece: string)
--- @param form? "csv"|"xlsx" what is written; "csv"
--- @return integer count of rows
function M.write(path, how, headings, cells_of, write, form)
  local copy <close> = form == "xlsx" and workbook_copy.open(open_source(path, how, true))
    or M.open(path, how)
  local source <close> = open_source(path, how)
  local count = 0
  leave_out_added(copy)
  write(copy:heading(headings))
  for line in source:rows() do
    local cells = cells_of(line)
    if cells then
      write(copy:row(line, cells))
      count = count + 1
    end
  end
  if copy.finish then
    copy:finish(write)
  end
  return count
end

return M
