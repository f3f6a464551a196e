--- Rows of a file as a workbook, with cells of our own behind them: texts as they are
--- shown, numbers and moments as such, so that an import reads the same values again.
-- @module icrm.import.workbook_copy

local cell = require "icrm.cell"
local core = require "icrm.core"
local errors = require "icrm.error"

local M = {}

local Copy = { __name = "icrm.import.WorkbookCopy" }
Copy.__index = Copy

local PIECE = 65536 -- bytes
local LONG = 12 -- digits that a table program would show as 3,77763E+13
local MOMENTS = { "date", "datetime", "time", "duration" }

--- Start a workbook of rows of a file.
---
--- @param source icrm.Source of which nothing was read; it is closed with the copy
--- @return icrm.import.WorkbookCopy
function M.open(source)
  return setmetatable({ source = source, headings = source.headings, next_row = source:rows(),
    book = errors.check(core.workbook.writer(source.sheet or "icrm")), cut = 0 }, Copy)
end

--- Leave out so many cells at the end of each row.
---
--- @param count integer
function Copy:leave_out(count)
  self.cut = count
end

--- Begin with the headings and more of them at their end.
---
--- @param cells string[]
--- @return string nothing, for all comes at the end
function Copy:heading(cells)
  self.width = #self.headings - self.cut
  for i = 1, self.width + #cells do
    errors.check(self.book:column(i <= self.width and self.headings[i] or cells[i - self.width],
      "text"))
  end
  errors.check(self.book:end_row())
  return ""
end

-- What a typed cell is written as: a number with its style, or nothing.
local function value_of(typed, shown)
  local kind, text = typed[1], typed[2]
  if kind == "boolean" then
    return text == "1"
  elseif kind == "number" and shown == text and #text < LONG then
    local value = cell.value(text, "number")
    return value, value and "number"
  end
  for _, style in ipairs(kind == "moment" and MOMENTS or {}) do
    local value = cell.value(text, style)
    if value then
      return value, style
    end
  end
end

local function put(self, column, text, typed)
  local value, style
  if typed then
    value, style = value_of(typed, text)
  end
  if value == nil then
    value = text
  end
  if value ~= "" then
    errors.check(self.book:cell(column, value, style))
  end
end

--- Add a row with more cells at its end.
---
--- @param number integer line, or row of the sheet; those of one copy ascend
--- @param added string[]
--- @return string nothing
function Copy:row(number, added)
  local at, cells
  repeat
    at, cells = self.next_row()
    if not at then
      errors.refuse("%s has no row %d any more", self.source.path, number)
    end
  until at == number
  for i = 1, self.width do
    put(self, i, cells[i], cells.typed and cells.typed[i])
  end
  for i, text in ipairs(added) do
    put(self, self.width + i, text)
  end
  errors.check(self.book:end_row())
  return ""
end

--- Give the whole file.
---
--- @param write fun(piece: string)
function Copy:finish(write)
  local path = errors.check(self.book:finish())
  local file <close> = assert(io.open(path, "rb"))
  for piece in file:lines(PIECE) do
    write(piece)
  end
end

--- Close the file that was read, and what is left of the other.
function Copy:close()
  self.source:close()
  self.book:close()
end
Copy.__close = Copy.close

return M
