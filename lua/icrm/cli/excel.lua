--- Rows for table programs: a workbook (.xlsx), and CSV that a double click opens.
--
-- Writers as in icrm.cli.table. Both keep texts as texts, so that a file which is
-- corrected and imported again has the phone numbers and SIRETs that it had.
-- @module icrm.cli.excel

local cell = require "icrm.cell"
local core = require "icrm.core"
local csv = require "icrm.csv"
local errors = require "icrm.error"
local exits = require "icrm.cli.exits"
local locale = require "icrm.cli.locale"
local text_tools = require "icrm.text"

local M = {}

local PIECE = 65536 -- bytes

-- ---- Workbook -------------------------------------------------------------------

-- Where rows are kept until the workbook is whole there may be no room for them.
local function whole(result, err)
  if not result and errors.is(err, "store") then
    exits.leave(err)
  end
  return errors.check(result, err)
end

local Xlsx = {}
Xlsx.__index = Xlsx
M.Xlsx = Xlsx

-- The columns; what they are is in self.kinds.
function Xlsx:begin()
  self.book = whole(core.workbook.writer(self.sheet or "icrm"))
  for _, name in ipairs(self.columns) do
    whole(self.book:column(name, self.kinds[name] or "text"))
  end
  self:end_row()
end

-- A refusal names the row of the sheet; the person looks for the record.
local function check(self, ok, err, column, row)
  if not ok and errors.is(err, "input") then
    local id = row and row.id and (" (%s of %s)"):format(self.columns[column], row.id) or ""
    errors.refuse("%s%s; nothing was written. Without that column or row it goes, and so does "
      .. "-o csv, which has no such limit", err.message, id)
  end
  whole(ok, err)
end

function Xlsx:put(column, text, kind, row)
  local value, _, style = cell.value(text, kind)
  if style == "boolean" and value then
    check(self, self.book:cell(column, value == 1))
  else
    local ok, err = self.book:cell(column, value or text, style)
    check(self, ok, err, column, row)
  end
end

--- Add a row of values by name.
function Xlsx:add(row)
  for i, name in ipairs(self.columns) do
    local text = self.text_of(row[name])
    if text ~= "" then
      self:put(i, text, self.kinds[name], row)
    end
  end
  self:end_row()
end

function Xlsx:end_row()
  whole(self.book:end_row())
end

function Xlsx:close()
  local path = whole(self.book:finish())
  local file = assert(io.open(path, "rb"))
  for piece in file:lines(PIECE) do
    self.file:write(piece)
  end
  file:close()
  self.book:close()
end

-- ---- CSV ------------------------------------------------------------------------

local Csv = {}
Csv.__index = Csv
M.Csv = Csv

local MARKS = { comma = ",", point = "." }
local SEPARATORS = { comma = ";", point = "," }

function Csv:begin()
  local decimal = self.decimal or locale.decimal()
  self.mark = MARKS[decimal]
  self.delimiter = self.delimiter or SEPARATORS[decimal]
  self.guarded = { raw = true, delimiter = self.delimiter }
  self.file:write("\u{FEFF}", csv.record(self.columns, self))
end

-- Words within a number or a moment, by their first three letters, and whole ones.
local WORDS = {}
for word in ("jan fev feb mar avr apr mai may jun jui jul aou aug sep oct nov dec"):gmatch "%S+" do
  WORDS[word] = true
end
local WHOLE = { am = true, pm = true, e = true }
local BOOLEANS = { ["true"] = true, ["false"] = true, vrai = true, faux = true }

local LONGEST = 250 -- bytes: a formula holds texts of 255 characters

-- What a table program would make a number or a date of, and show otherwise: 01000,
-- 84212345600017, 03 20 00 27 05, 1-2, 3/4, 1E5, 12 mars 2024.
local function looks_computed(text)
  if not text:find "%d" then
    return BOOLEANS[text_tools.fold(text)]
  end
  local rest, words = text_tools.fold(text):gsub("%a+", function(word)
    return (WHOLE[word] or WORDS[word:sub(1, 3)]) and "" or nil
  end)
  return words <= 1 and rest:find "^[%d%s%.,:/+%-()%%€$]+$"
end

-- `="01000"` is a text in every table program, and icrm.source reads it as one.
function Csv:text(text)
  local is_meant = looks_computed(text) or text:find "^'*[=+%-@\t]"
  if is_meant and not self.raw and #text <= LONGEST and not text:find "[\r\n]" then
    return csv.cell('="' .. text:gsub('"', '""') .. '"', self.guarded)
  end
  return csv.cell(text, self)
end

function Csv:cell(text, kind)
  local value, decimal = cell.value(text, kind)
  if decimal then
    text = decimal:gsub("%.", self.mark)
  end
  return value and csv.cell(text, self) or self:text(text)
end

function Csv:add(row)
  local cells = {}
  for i, name in ipairs(self.columns) do
    local text = self.text_of(row[name]):gsub("\r\n?", "\n")
    cells[i] = self:cell(text, self.kinds[name])
  end
  local line = table.concat(cells, self.delimiter)
  self.file:write(line == "" and '""' or line, "\r\n") -- an empty line would be no record
end

function Csv.close() end

return M
