--- A file of rows with headings, whatever its format: CSV (icrm.csv writes it) or a
--- workbook (.xlsx, .ods).
--
-- Cells are texts as a person sees them. What a workbook knows besides of a cell,
-- its kind and its value, is in `cells.typed`. What a file is, is told by its bytes
-- and not by its name.
-- @module icrm.source

local core = require "icrm.core"
local errors = require "icrm.error"
local text_tools = require "icrm.text"
local workbook = require "icrm.workbook"

local M = {}

local Source = { __name = "icrm.Source" }
Source.__index = Source

local refuse = errors.refuse

-- ---- CSV --------------------------------------------------------------------

local SHOWN = { [","] = '","', ["\t"] = "tab" }

-- A table program obeys a cell that begins with `=`; icrm.csv puts an apostrophe
-- before it, which is taken away here. And it computes a text such as 01000, which
-- is why many programs write ="01000".
local function unneutralise(cells)
  for i, cell in ipairs(cells) do
    local first = cell:byte()
    if first == 39 and cell:find "^'+[=+%-@\t\r]" then
      cells[i] = cell:sub(2)
    elseif first == 61 then
      local text = cell:match '^="(.*)"$'
      if text and not text:gsub('""', ""):find '"' then
        cells[i] = text:gsub('""', '"')
      end
    end
  end
end

local Csv = { unit = "line", neutralises = true }
Csv.__index = Csv

local function open_csv(opts)
  local reader = errors.check(core.csv.reader {
    path = opts.path, encoding = opts.encoding, delimiter = opts.delimiter,
  })
  return setmetatable({ reader = reader, format = reader:format(), breaks = 0 }, Csv)
end

-- Line breaks within the cells of a record, the last of which the reader gave.
local function breaks_in(reader, cells, line)
  local count, last = reader:line(#cells) - line, cells[#cells]
  if last:find "[\r\n]" then
    count = count + select(2, last:gsub("\r\n?", "\n"):gsub("\n", ""))
  end
  return count
end

-- A table program has one row for a record, however many lines that takes.
function Csv:next()
  local cells, line = self.reader:next()
  if cells then
    self.row = line - self.breaks
    self.breaks = self.breaks + breaks_in(self.reader, cells, line)
  end
  return cells, line
end

function Csv:headings()
  return errors.check(self:next())
end

function Csv:describe()
  local format = self.format
  return ("%s%s, separator %s"):format(format.encoding,
    format.bom and " with a byte order mark" or "", SHOWN[format.delimiter] or format.delimiter)
end

-- What there is to say of a guess that may be wrong.
function Csv:notes()
  local format = self.format
  local doubt = format.doubt
  return doubt and { ("%s is a guess, for it has %s where %s would have %s; if that is wrong, "
    .. "name the encoding"):format(format.encoding, text_tools.quote(doubt.word), doubt.rival,
    text_tools.quote(doubt.rival_word)) } or {}
end

function Csv:close()
  self.reader:close()
end

-- ---- Any --------------------------------------------------------------------

local function check_headings(path, headings)
  local seen = {}
  for i, name in ipairs(headings) do
    local first = seen[name]
    if name == "" then
      refuse("%s: heading %d is empty; name the column, or remove it", path, i)
    elseif first then
      refuse("%s: the heading %q stands over columns %d and %d; rename one", path,
        text_tools.clean(name), first, i)
    end
    seen[name] = i
  end
  return seen
end

--- Open a file and read its headings.
---
--- @param opts table path; of a CSV file encoding and delimiter (nil to detect),
---   raw = true to keep what neutralises a cell; of a workbook sheet
---   (name, or number from 1; nil: the first visible one with data) and skip (how
---   many rows stand above the headings; nil to detect)
--- @return icrm.Source source; raises icrm.Error (input)
function M.open(opts)
  local reader
  if core.workbook.is_claimed(opts.path) then
    if opts.encoding or opts.delimiter then
      refuse("%s is a workbook: it has neither an encoding nor a separator to state", opts.path)
    end
    reader = workbook.open(opts)
  elseif opts.sheet or opts.skip then
    refuse("%s is no workbook: sheet and skip are for .xlsx and .ods", opts.path)
  else
    reader = open_csv(opts)
  end
  local source = setmetatable({ path = opts.path, reader = reader, opts = opts,
    format = reader.format, unit = reader.unit, sheet = reader.sheet, blank_rows = 0 }, Source)
  source.headings = reader:headings()
  if not source.headings then
    refuse("%s is empty; a file of rows begins with a line of headings", opts.path)
  end
  source.index = check_headings(opts.path, source.headings)
  return source
end

local function is_blank(cells)
  for _, cell in ipairs(cells) do
    if cell ~= "" then
      return false
    end
  end
  return true
end

--- Iterate over the rows below the headings; rows of empty cells are counted
--- in `blank_rows` and left out.
---
--- @return fun(): integer?, string[], integer line or row of the sheet, its cells, and
---   the row as a table program numbers it
function Source:rows()
  local any = false
  return function()
    while true do
      local cells, number = self.reader:next()
      if not cells then
        errors.check(cells, number)
        if not any then
          refuse("%s has headings but no rows", self.path)
        end
        return nil
      end
      any = true
      if self.reader.neutralises and not self.opts.raw then
        unneutralise(cells)
      end
      if not is_blank(cells) then
        return number, cells, self.reader.row or number
      end
      self.blank_rows = self.blank_rows + 1
    end
  end
end

--- Read the file once more from the start.
---
--- @return icrm.Source
function Source:again()
  if not self.format.file then
    refuse("%s is a pipe, and an import reads its file several times; save it first", self.path)
  end
  local source = M.open {
    path = self.path, raw = self.opts.raw,
    encoding = self.opts.encoding, delimiter = self.format.delimiter,
    sheet = self.format.number, skip = self.format.skip,
  }
  if table.concat(source.headings, "\0") ~= table.concat(self.headings, "\0") then
    source:close()
    refuse("%s changed while it was being read; its headings are others now", self.path)
  end
  return source
end

--- How many of the rows that were read are hidden in their sheet.
---
--- @return integer
function Source:hidden_rows()
  return self.reader.hidden or 0
end

--- Say in one line what the file is.
---
--- @return string
function Source:describe()
  return ("%s, %d column%s"):format(self.reader:describe(), #self.headings,
    #self.headings == 1 and "" or "s")
end

--- What is to be said of how the file is read: guesses that may be wrong.
---
--- @return string[]
function Source:notes()
  return self.reader.notes and self.reader:notes() or {}
end

--- Close the file.
function Source:close()
  self.reader:close()
end
Source.__close = Source.close

return M
