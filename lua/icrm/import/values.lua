--- The cells of a file, read as the values that the CRM stores.
--
-- A reader gets one text and returns the value as the API wants it (a string),
-- or nil and what is wrong with it, in words that fit after "line 12, Prix: ".
-- What a column means by `1.234` or `03/04/2026` is settled once per column, by
-- all of its cells; see `column`.
-- @module icrm.import.values

local dates = require "icrm.import.dates"
local numbers = require "icrm.import.numbers"
local text_tools = require "icrm.text"

local M = {
  number = numbers.number, integer = numbers.integer,
  date = dates.date, datetime = dates.datetime, time = dates.time,
  trim = text_tools.trim, fold = text_tools.fold,
}

local YES = { oui = true, o = true, yes = true, y = true, ["true"] = true, vrai = true,
  ["1"] = true, x = true, on = true }
local NO = { non = true, n = true, no = true, ["false"] = true, faux = true, ["0"] = true,
  off = true }

--- Read yes or no: Oui/Non, Vrai/Faux, true/false, yes/no, 1/0.
---
--- @param text string
--- @return string? value "1" or "0"
--- @return string? problem
function M.boolean(text)
  local word = text_tools.fold(text)
  if YES[word] then
    return "1"
  elseif NO[word] then
    return "0"
  end
  return nil, text_tools.quote(text) .. " is neither yes nor no; write Oui or Non, or 1 or 0"
end

--- Read a value of a picklist whatever its case and accents.
---
--- A text that is no value and no label comes back as it is: the check of the
--- schema, which all values pass, refuses it with the nearest word.
---
--- @param text string
--- @param field icrm.Field
--- @return string value as the picklist has it
function M.picklist(text, field)
  text = text_tools.trim(text)
  local picklist = field.picklist
  if not picklist or picklist.by_value[text] then
    return text
  end
  local wanted = text_tools.fold(text)
  for _, value in ipairs(picklist.values) do
    if text_tools.fold(value) == wanted
      or text_tools.fold(picklist.by_value[value]) == wanted then
      return value
    end
  end
  return text
end

local function number(text, _, style)
  return M.number(text, style.decimal)
end

local READERS = {
  integer = function(text, _, style) return M.integer(text, style.decimal) end,
  double = number,
  currency = number,
  percentage = number,
  date = function(text, _, style) return M.date(text, style.date) end,
  datetime = function(text, _, style) return M.datetime(text, style.date) end,
  time = M.time,
  boolean = M.boolean,
  picklist = M.picklist,
  email = M.trim,
}

--- Read a cell for a field. An empty cell is an empty value of any type.
---
--- What comes out still has to pass icrm.Schema:check.
---
--- Texts, phone numbers and addresses of web pages stay as they are: leading
--- zeros and inner blanks survive.
---
--- @param text string
--- @param field icrm.Field
--- @param style table decimal = "comma"|"point"|nil, date = "day"|"month"|nil
--- @return string? value
--- @return string? problem
function M.read(text, field, style)
  if text_tools.trim(text) == "" then
    return ""
  end
  local reader = READERS[field.type]
  if not reader then
    return text
  end
  return reader(text, field, style)
end

-- ---- What a column means ---------------------------------------------------

local Column = {}
Column.__index = Column

--- Start to look at a column; `see` every cell of it, then ask for its `style`.
---
--- @return icrm.import.Column
function M.column()
  return setmetatable({ numbers = {}, dates = {} }, Column)
end

local function note(seen, what, line, text)
  seen[what] = seen[what] or { line = line, text = text }
end

--- Look at one cell.
---
--- @param text string
--- @param line integer
function Column:see(text, line)
  local mark, order = numbers.evidence(text), dates.evidence(text)
  if mark then
    note(self.numbers, mark, line, text)
  end
  if order then
    note(self.dates, order, line, text)
  end
end

local function decide(seen, one, other)
  if seen[one] and seen[other] then
    return nil, ("%s (line %d) and %s (line %d) contradict each other"):format(
      text_tools.quote(seen[one].text), seen[one].line,
      text_tools.quote(seen[other].text), seen[other].line)
  end
  return seen[one] and one or seen[other] and other or nil
end

--- Say how the column writes decimals.
---
--- @return string? mark "comma", "point", or nil when no cell proves it
--- @return string? problem when two cells contradict each other
function Column:decimal()
  return decide(self.numbers, "comma", "point")
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
  return decide(self.dates, "day", "month")
end

--- Tell whether the column has dates whose order no cell proves.
---
--- @return table? cell line and text
function Column:doubtful_date()
  return self.dates.either
end

return M
