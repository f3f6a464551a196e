--- What the cells of a column prove, together: how numbers and dates are written, and
--- what an earlier tool has done to them.
-- @module icrm.import.column

local csv = require "icrm.csv"
local damage = require "icrm.import.damage"
local dates = require "icrm.import.dates"
local numbers = require "icrm.import.numbers"
local text_tools = require "icrm.text"

local M = {}

local Column = { __name = "icrm.import.Column" }
Column.__index = Column

--- Start to look at a column; `see` every cell of it, then ask what it proves.
---
--- @param kinds? table<string, boolean> what its fields hold: number, date, moment (a date
---   with a time), text; nil for numbers and dates
--- @param unit? string what a cell's place is called: "line" (the default) or "row"
--- @return icrm.import.Column
function M.new(kinds, unit)
  return setmetatable({ kinds = kinds or { number = true, date = true }, unit = unit or "line",
    numbers = {}, dates = {}, signs = {}, currencies = {}, digits = damage.digits() }, Column)
end

-- Count a cell, and keep the first of its like.
local function note(seen, what, line, text)
  seen[what] = seen[what] or { line = line, text = text, count = 0 }
  seen[what].count = seen[what].count + 1
end

local function see_number(self, text, line)
  local mark, currency = numbers.evidence(text), numbers.currency(text)
  if mark then
    note(self.numbers, mark, line, text)
  end
  if currency then
    note(self.currencies, currency, line, text)
  end
end

local function see_date(self, text, line)
  local order = dates.evidence(text)
  if order then
    note(self.dates, order, line, text)
  end
  if dates.is_nothing(text) then
    note(self.signs, "nothing", line, text)
  end
end

local function see_text(self, text, line)
  local bare = text_tools.trim(text)
  if bare ~= text and bare ~= "" then
    note(self.signs, "blanks", line, text)
  end
  if damage.is_misread(text) then
    note(self.signs, "misread", line, text)
  end
  self.digits:see(csv.unwrap(bare), line)
end

--- Look at one cell.
---
--- @param text string
--- @param line integer
function Column:see(text, line)
  if text == "" then
    return
  end
  if self.kinds.number then
    see_number(self, text, line)
  end
  if self.kinds.date then
    see_date(self, text, line)
  end
  if self.kinds.text then
    see_text(self, text, line)
  end
end

--- Look at a cell of a workbook that has a kind of its own, which proves nothing: a date
--- may still be none.
---
--- @param value any as icrm.workbook gives it
--- @param line integer
function Column:see_typed(value, line)
  if self.kinds.date and type(value) == "string" and dates.is_nothing(value) then
    note(self.signs, "nothing", line, value)
  end
end

local function decide(self, seen, one, other)
  if seen[one] and seen[other] then
    return nil, ("%s (%s %d) and %s (%s %d) contradict each other"):format(
      text_tools.quote(seen[one].text), self.unit, seen[one].line,
      text_tools.quote(seen[other].text), self.unit, seen[other].line)
  end
  return seen[one] and one or seen[other] and other or nil
end

--- Say how the column writes decimals.
---
--- @return string? mark "comma", "point", or nil when no cell proves it
--- @return string? problem when two cells contradict each other
function Column:decimal()
  return decide(self, self.numbers, "comma", "point")
end

--- Tell whether some number can be read in two ways, and which.
---
--- @return table? cell line and text
function Column:doubtful_number()
  return self.numbers.either
end

--- Say what comes first in the column's dates.
---
--- @return string? order "day", "month", or nil when no date proves it
--- @return string? problem when two cells contradict each other
function Column:date_order()
  return decide(self, self.dates, "day", "month")
end

--- Tell whether the column has dates whose order no cell proves.
---
--- @return table? cell line and text
function Column:doubtful_date()
  return self.dates.either
end

--- Give the cells of one kind: `nothing` (what programs write for no date), `blanks`
--- (around the text), `misread` (see icrm.import.damage).
---
--- @param what string
--- @return table? cells count, and line and text of the first
function Column:sign(what)
  return self.signs[what]
end

return M
