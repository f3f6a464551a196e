--- A file of rows with headings, whatever its format: CSV (icrm.csv writes it) or a
--- workbook (.xlsx, .ods).
--
-- Cells are texts as a person sees them. What a workbook knows besides of a cell,
-- its kind and its value, is in `cells.typed`. What a file is, is told by its bytes
-- and not by its name.
-- @module icrm.source

local core = require "icrm.core"
local csv = require "icrm.csv"
local cures = require "icrm.cures"
local errors = require "icrm.error"
local headings = require "icrm.headings"
local row_doubts = require "icrm.row_doubts"
local text_tools = require "icrm.text"
local workbook = require "icrm.workbook"

local M = {}

local Source = { __name = "icrm.Source" }
Source.__index = Source

local refuse = errors.refuse

-- ---- CSV --------------------------------------------------------------------

local SHOWN = { [","] = '","', ["\t"] = "tab" }

local function unneutralise(cells)
  for i, cell in ipairs(cells) do
    cells[i] = csv.plain(cell)
  end
end

local Csv = { unit = "line", neutralises = true }
Csv.__index = Csv

local function open_csv(opts)
  local reader = errors.check(core.csv.reader {
    path = opts.path, encoding = opts.encoding, delimiter = opts.delimiter, skip = opts.skip,
    takes_short = opts.short_rows == "empty",
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
  if not cells and line and line.code == "SHORT_ROW" then
    errors.refuse("%s; %s", line.message,
      cures.say "where rows may end early, say {short_rows=empty}")
  elseif cells then
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
  return ("%s%s, separator %s%s"):format(format.encoding,
    format.bom and " with a byte order mark" or "", SHOWN[format.delimiter] or format.delimiter,
    format.skip > 0 and (", headings on line %d"):format(format.skip + 1) or "")
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

--- Open a file and read its headings.
---
--- @param opts table path; skip: how many rows stand above the headings (nil to find
---   them); of a CSV file encoding and delimiter (nil to detect), short_rows = "empty" to
---   fill up rows that end early, raw = true to keep what neutralises a cell; of a
---   workbook sheet (name, or number from 1; nil: the first visible one with data);
---   totals = "keep" to read them as rows
--- @return icrm.Source source; raises icrm.Error (input)
function M.open(opts)
  local reader
  if core.workbook.is_claimed(opts.path) then
    if opts.encoding or opts.delimiter then
      refuse("%s is a workbook: it has neither an encoding nor a separator to state", opts.path)
    end
    reader = workbook.open(opts)
  elseif opts.sheet then
    refuse("%s is no workbook: only .xlsx and .ods have sheets", opts.path)
  else
    reader = open_csv(opts)
  end
  local source = setmetatable({ path = opts.path, reader = reader, opts = opts,
    format = reader.format, unit = reader.unit, sheet = reader.sheet, blank_rows = 0,
    totals = {}, swallowed = {} }, Source)
  local cells = reader:headings()
  if not cells then
    refuse("%s is empty; a file of rows begins with a line of headings", opts.path)
  end
  source.headings, source.doubles = headings.name(cells)
  source.index = {}
  for column, name in ipairs(source.headings) do
    source.index[name] = column
  end
  return source
end

--- The name of a column, found by its heading whatever is not seen of it, and whatever
--- its case and accents where that names one alone.
---
--- @param heading string
--- @return string? name one of `headings`
function Source:name_of(heading)
  local plain = self.index[heading] and heading or headings.plain(heading)
  if self.index[plain] then
    return plain
  end
  local form, found = text_tools.fold(plain), nil
  for _, name in ipairs(self.headings) do
    if text_tools.fold(name) == form then
      if found then
        return nil
      end
      found = name
    end
  end
  return found
end

--- Find a column by its heading.
---
--- @param heading string see name_of
--- @return integer? column nil where none has it; raises icrm.Error (input) where several
---   have
function Source:column(heading)
  local name = self:name_of(heading)
  local double = self.doubles[name]
  if double then
    refuse("%s: the heading %q stands over columns %s; rename one", self.path, name,
      table.concat(double, " and "))
  end
  return name and self.index[name]
end

local function is_blank(cells)
  for _, cell in ipairs(cells) do
    if cell ~= "" then
      return false
    end
  end
  return true
end

-- Note lines of a cell that look like rows themselves.
local function note_swallowed(self, cells, number)
  if self.format.delimiter then
    local count, column = row_doubts.swallowed(cells, self.format.delimiter)
    if count > 0 then
      table.insert(self.swallowed, { number = number, count = count,
        heading = self.headings[column] })
    end
  end
end

-- What becomes of a row: it is left out, waits for what comes behind it, or is one.
local function judge(self, cells, number)
  if is_blank(cells) then
    self.blank_rows = self.blank_rows + 1
    return "left out"
  end
  note_swallowed(self, cells, number)
  local is_total, only_last = false, nil
  if self.opts.totals ~= "keep" then
    is_total, only_last = row_doubts.is_total(cells)
  end
  if is_total and not only_last then
    table.insert(self.totals, { number = number, cells = cells })
    return "left out"
  end
  return is_total and "waits" or "row"
end

-- The next row of the reader with its numbers; nil at the end.
local function next_record(self)
  local cells, number = self.reader:next()
  if not cells then
    errors.check(cells, number)
    return nil
  end
  if self.reader.neutralises and not self.opts.raw then
    unneutralise(cells)
  end
  return { cells = cells, number = number, row = self.reader.row or number }
end

--- Iterate over the rows below the headings; rows of empty cells are counted
--- in `blank_rows` and left out, and so are totals, which are listed in `totals`.
--- `swallowed` lists rows with lines in a cell that look like rows themselves.
---
--- @return fun(): integer?, string[], integer line or row of the sheet, its cells, and
---   the row as a table program numbers it
function Source:rows()
  local any, waiting, ahead = false, nil, nil
  -- The one that waited comes first, and what came behind it next.
  local function in_turn(record, verdict)
    if waiting then
      record, ahead, waiting = waiting, verdict == "row" and record or nil,
        verdict == "waits" and record or nil
    elseif verdict == "waits" then
      record, waiting = nil, record
    end
    return record
  end
  return function()
    local record = ahead
    ahead = nil
    while not record do
      record = next_record(self)
      if not record then
        if not any then
          refuse("%s has headings but no rows", self.path)
        elseif waiting then
          table.insert(self.totals, { number = waiting.row, cells = waiting.cells })
          waiting = nil
        end
        return nil
      end
      any = true
      local verdict = judge(self, record.cells, record.row)
      record = verdict ~= "left out" and in_turn(record, verdict) or nil
    end
    return record.number, record.cells, record.row
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
    short_rows = self.opts.short_rows, totals = self.opts.totals,
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
