--- Rows of a CSV file as they are, byte for byte, with cells of our own behind them.
--
-- UTF-16 is the exception: such a file is read as text and written as UTF-16 again.
-- @module icrm.import.copy

local csv = require "icrm.import.csv"

local M = {}

local Copy = { __name = "icrm.import.Copy" }
Copy.__index = Copy

local ENDINGS = { LF = "\n", CRLF = "\r\n", CR = "\r" }
local UNITS = { ["utf-16le"] = "<I2", ["utf-16be"] = ">I2" }

-- ---- Encodings ------------------------------------------------------------------

-- What Windows-1252 has between 0x80 and 0x9F, as far as messages use it.
local WINDOWS = { [0x20AC] = 0x80, [0x2026] = 0x85, [0x0152] = 0x8C, [0x2018] = 0x91,
  [0x2019] = 0x92, [0x201C] = 0x93, [0x201D] = 0x94, [0x2013] = 0x96, [0x2014] = 0x97,
  [0x0153] = 0x9C }

local function to_windows(text)
  return (text:gsub("[\xC2-\xF4][\x80-\xBF]*", function(character)
    local code = utf8.codepoint(character)
    return string.char(WINDOWS[code] or code >= 0xA0 and code <= 0xFF and code or 63)
  end))
end

local function to_utf_16(text, unit)
  local out = {}
  for _, code in utf8.codes(text) do
    if code < 0x10000 then
      out[#out + 1] = unit:pack(code)
    else
      out[#out + 1] = unit:pack(0xD800 + ((code - 0x10000) >> 10))
        .. unit:pack(0xDC00 + (code & 0x3FF))
    end
  end
  return table.concat(out)
end

local function from_utf_16(bytes, unit)
  local out, high = {}, nil
  for at = 1, #bytes - 1, 2 do
    local code = unit:unpack(bytes, at)
    if code & 0xFC00 == 0xD800 then
      high = code
    elseif high then
      out[#out + 1] = utf8.char(0x10000 + ((high & 0x3FF) << 10) + (code & 0x3FF))
      high = nil
    else
      out[#out + 1] = utf8.char(code)
    end
  end
  return table.concat(out)
end

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
    unit = UNITS[source.format.encoding], cut = 0 }, Copy)
  self.text = self.unit and from_utf_16(text, self.unit) or text
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
  if self.unit then
    return to_utf_16(record .. tail, self.unit)
  end
  return record .. (self.format.encoding == "windows-1252" and to_windows(tail) or tail)
end

return M
