--- Rows of a CSV file as they are, byte for byte, with cells of our own behind them.
--
-- UTF-16 is the exception: such a file is read as text and written as UTF-16 again.
-- @module icrm.import.copy

local core = require "icrm.core"
local csv = require "icrm.csv"
local errors = require "icrm.error"

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
  local lines = { 1 }
  while true do
    local cells, line = source.reader:next()
    if not cells then
      lines[#lines + 1] = past
      return lines
    end
    lines[#lines + 1] = line
  end
end

-- Where the last cell of a record begins, its delimiter included.
local function last_cell(record, delimiter)
  local at, begins = 1, nil
  while true do
    local quote = record:match("^ *()\"", at)
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
      return begins
    end
    begins, at = next_one, next_one + 1
  end
end

--- Open a file to copy rows of it. It is held in memory.
---
--- @param path string
--- @return icrm.import.Copy copy headings: the cells of its first row
function M.open(path)
  local source <close> = csv.open { path = path, raw = true }
  local file = assert(io.open(path, "rb"))
  local text = file:read "a"
  file:close()
  local self = setmetatable({ headings = source.headings, format = source.format,
    is_wide = source.format.encoding:find("^utf%-16") ~= nil, cut = 0 }, Copy)
  self.text = self.is_wide
    and errors.check(core.csv.convert(text, self.format.encoding, "utf-8")) or text
  self.starts = line_starts(self.text)
  self.past = {}
  local lines = record_lines(source, #self.starts + 1)
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

--- Give a row with more cells at its end, as bytes in the file's encoding.
---
--- @param line integer on which it begins; 1 for the headings
--- @param cells string[] UTF-8; what the encoding lacks becomes `?`
--- @param is_heading? boolean write the cells without quotes
--- @return string
function Copy:row(line, cells, is_heading)
  local from, past = self.starts[line], self.starts[self.past[line]] or #self.text + 1
  local record = self.text:sub(from, past - 1):gsub("[\r\n]+$", "")
  for _ = 1, self.cut do
    record = record:sub(1, last_cell(record, self.format.delimiter) - 1)
  end
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

return M
