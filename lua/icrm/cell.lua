--- A value of the CRM as a cell of a table program: a text, a number, a moment, a
--- boolean.
--
-- The field's type says what a value may be, and the value has the last word: what
-- would come back otherwise than it was stays a text. A number has at most 15 digits,
-- for that is what a table program keeps; a date is one of the calendar, and not before
-- March 1900, where table programs disagree.
-- @module icrm.cell

local M = {}

local KINDS = { integer = "number", double = "number", percentage = "number",
  currency = "amount", date = "date", datetime = "datetime", time = "time", boolean = "boolean" }

local DIGITS = 15
local FIRST_DAY = 61 -- 1900-03-01
local MONTHS = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 }

--- Say of columns that are fields what their values may be.
---
--- @param schema icrm.Schema
--- @param columns string[]
--- @return table<string, string> kinds "number", "amount", "date", "datetime", "time",
---   "boolean"; nothing for a text
function M.kinds(schema, columns)
  local kinds = {}
  for _, name in ipairs(columns) do
    local field = schema.by_name[name]
    kinds[name] = field and KINDS[field.type]
  end
  return kinds
end

-- The number without what says nothing, "59.97" for "59.97000000"; nil for a text.
local function decimal(text)
  local sign, whole, part = text:match "^(%-?)(%d+)%.?(%d*)$"
  if not whole or whole:find "^0%d" or text:find "%.$" then
    return nil
  end
  part = part:gsub("0+$", "")
  if #(whole .. part):gsub("^0+", "") > DIGITS then
    return nil
  end
  return sign .. whole .. (part ~= "" and "." .. part or "")
end

local function is_leap(year)
  return year % 4 == 0 and (year % 100 ~= 0 or year % 400 == 0)
end

-- Days as table programs count them: 1 is 1900-01-01, and 60 a day that never was.
local function serial(year, month, day)
  local last = MONTHS[month] and MONTHS[month] + (month == 2 and is_leap(year) and 1 or 0)
  if not last or day < 1 or day > last then
    return nil
  end
  local y = month > 2 and year or year - 1
  local of_year = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
  local days = 365 * y + y // 4 - y // 100 + y // 400 + of_year - 693899
  return days >= FIRST_DAY and days or nil
end

local function date(text)
  local year, month, day = text:match "^(%d%d%d%d)-(%d%d)-(%d%d)$"
  return year and serial(tonumber(year), tonumber(month), tonumber(day))
end

-- A part of a day, from 0 to less than 1.
local function time(text)
  local hour, minute, behind = text:match "^(%d%d):(%d%d)(.*)$"
  local second = behind == "" and 0 or tonumber(behind and behind:match "^:(%d%d%.?%d*)$")
  if not hour or hour > "23" or minute > "59" or not second or second >= 60 then
    return nil
  end
  return (tonumber(hour) * 3600 + tonumber(minute) * 60 + second) / 86400
end

local function datetime(text)
  local day, clock = text:match "^(%S+) (%d%d:%d%d:%S+)$"
  local whole, part = day and date(day), day and time(clock)
  return whole and part and whole + part
end

local function duration(text)
  local hours, minute, second = text:match "^(%d+):(%d%d):(%d%d%.?%d*)$"
  return hours and (tonumber(hours) * 3600 + tonumber(minute) * 60 + tonumber(second)) / 86400
end

local function number(text)
  local short = decimal(text)
  return short and tonumber(short) + 0.0, short
end

-- Two decimals would hide the third.
local function amount(text)
  local value, short = number(text)
  return value, short, short and short:find "%.%d%d%d" and "number" or "amount"
end

local READERS = { number = number, amount = amount, date = date, datetime = datetime, time = time,
  duration = duration,
  boolean = function(text)
    return text == "1" and 1 or text == "0" and 0 or nil
  end }

--- Make a cell of a value.
---
--- @param text string
--- @param kind? string as in kinds, or "duration"; nil for a text
--- @return number? value of a number, of a moment in days from 1900, 1 or 0 of a boolean;
---   nil where the cell is a text
--- @return string? decimal of a number, shortest
--- @return string? style in which it is shown
function M.value(text, kind)
  if not READERS[kind] then
    return nil
  end
  local value, short, style = READERS[kind](text)
  return value, short, style or kind
end

return M
