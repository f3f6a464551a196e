--- A sheet of a workbook (.xlsx, .ods) as rows below headings.
-- @module icrm.workbook

local core = require "icrm.core"
local cures = require "icrm.cures"
local errors = require "icrm.error"
local text_tools = require "icrm.text"

local M = {}

local LOOKED_AT = 20 -- rows in which the headings are looked for
local FILLED = 0.6 -- of the widest of them: so much of a row of headings is filled

local Reader = { __name = "icrm.workbook.Reader", unit = "row" }
Reader.__index = Reader

local refuse = errors.refuse

-- ---- Sheets -----------------------------------------------------------------

local function list(sheets)
  local names = {}
  for number, sheet in ipairs(sheets) do
    names[number] = ("%d %s%s"):format(number, text_tools.quote(sheet.name),
      sheet.state == "visible" and "" or " (hidden)")
  end
  return table.concat(names, ", ")
end

-- By name, whatever its case, or by number.
local function find_sheet(path, sheets, wanted)
  local folded = text_tools.fold(tostring(wanted))
  for number, sheet in ipairs(sheets) do
    if text_tools.fold(sheet.name) == folded then
      return number
    end
  end
  local number = math.tointeger(tonumber(wanted))
  if number and sheets[number] then
    return number
  end
  refuse("%s has no sheet %s; its sheets are %s", path, text_tools.quote(tostring(wanted)),
    list(sheets))
end

local function has_data(book, number)
  errors.check(book:select(number))
  local cells, err = book:next()
  if not cells and err then
    errors.raise(err)
  end
  return cells ~= nil
end

local function first_with_data(path, book, sheets)
  for number, sheet in ipairs(sheets) do
    if sheet.state == "visible" and has_data(book, number) then
      return number
    end
  end
  refuse("%s: no visible sheet has data; its sheets are %s%s", path, list(sheets),
    #sheets > 0 and cures.say "; for a hidden one say {sheet=NAME}" or "")
end

-- ---- Headings -----------------------------------------------------------------

local function count_filled(row)
  local filled, all_text = 0, true
  for column, cell in ipairs(row.cells) do
    if cell ~= "" then
      filled = filled + 1
      all_text = all_text and not row.typed[column]
    end
  end
  return filled, all_text
end

-- The first row that is filled with texts about as widely as any of the first
-- rows: titles and groups of headings are narrower.
local function find_headings(rows)
  local widest = 0
  for _, row in ipairs(rows) do
    widest = math.max(widest, (count_filled(row)))
  end
  for i, row in ipairs(rows) do
    local filled, all_text = count_filled(row)
    if all_text and filled >= widest * FILLED then
      return i
    end
  end
  return 1
end

local function fetch(self)
  local cells, number, typed, is_hidden = self.book:next()
  if not cells then
    errors.check(cells, number)
    return nil
  end
  return { cells = cells, number = number, typed = typed, is_hidden = is_hidden }
end

local function read_ahead(self)
  local rows = {}
  while #rows < LOOKED_AT do
    local row = fetch(self)
    if not row then
      break
    elseif not self.skip or row.number > self.skip then
      rows[#rows + 1] = row
    end
  end
  return rows
end

--- Open a sheet.
---
--- @param opts table path; sheet: name or number, nil for the first visible one with
---   data; skip: rows above the headings, nil to find them
--- @return icrm.workbook.Reader
function M.open(opts)
  local book = errors.check(core.workbook.open(opts.path))
  local ok, err = pcall(function()
    local sheets = book:sheets()
    local number = opts.sheet and find_sheet(opts.path, sheets, opts.sheet)
      or first_with_data(opts.path, book, sheets)
    errors.check(book:select(number))
    local self = setmetatable({ book = book, skip = opts.skip, sheets = #sheets,
      sheet = sheets[number].name, hidden = 0,
      format = { file = true, kind = book:format(), number = number } }, Reader)
    self.ahead = read_ahead(self)
    return self
  end)
  if not ok then
    book:close()
    error(err, 0)
  end
  return err
end

--- The headings; the rows above them are left out.
---
--- @return string[]? nil when the sheet is empty
function Reader:headings()
  if #self.ahead == 0 then
    return nil
  end
  local at = self.skip and 1 or find_headings(self.ahead)
  local row = self.ahead[at]
  self.at = at + 1
  self.format.skip = row.number - 1
  self.width = #row.cells
  return row.cells
end

local function take(self)
  local row = self.ahead[self.at]
  if not row then
    return fetch(self)
  end
  self.ahead[self.at] = nil
  self.at = self.at + 1
  return row
end

--- The next row, as wide as the headings.
---
--- @return string[]? cells texts as they are shown; cells.typed: column → { kind, value }
--- @return integer? number of the row in the sheet
function Reader:next()
  local row = take(self)
  if not row then
    return nil
  end
  local cells = row.cells
  for column = #cells + 1, self.width do
    cells[column] = ""
  end
  for column = self.width + 1, #cells do
    cells[column] = nil
  end
  cells.typed = row.typed
  self.hidden = self.hidden + (row.is_hidden and 1 or 0)
  return cells, row.number
end

--- Say in one line what is read.
---
--- @return string
function Reader:describe()
  local skip = self.format.skip
  local above = skip == 0 and "" or (", headings in row %d"):format(skip + 1)
  return ("%s, sheet %s (%d of %d)%s"):format(self.format.kind, text_tools.clean(self.sheet),
    self.format.number, self.sheets, above)
end

--- Close the workbook.
function Reader:close()
  self.book:close()
end

return M
