--- Dates and times as people write them: `12/08/2026`, `2026-08-12`, `14h30`.
-- @module icrm.import.dates

local text_tools = require "icrm.text"

local M = {}

local DAYS = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 }

local function days_in(month, year)
  local leap = year % 4 == 0 and (year % 100 ~= 0 or year % 400 == 0)
  return month == 2 and leap and 29 or DAYS[month]
end

-- The three numbers of a date and whether the year comes first.
local function split_date(text)
  local year, month, day = text:match "^(%d%d%d%d)[-/.](%d%d?)[-/.](%d%d?)$"
  if year then
    return year, month, day, true
  end
  local first, second, last = text:match "^(%d%d?)[-/.](%d%d?)[-/.](%d+)$"
  return last, first, second, false
end

--- Read a date: `2026-08-12`, `12/08/2026`, `12.08.2026`.
---
--- @param text string
--- @param order? string "day" (the default) or "month": what comes first in `12/08/2026`
--- @return string? value yyyy-mm-dd
--- @return string? problem
function M.date(text, order)
  text = text_tools.trim(text)
  local year, first, second, is_iso = split_date(text)
  if not year then
    return nil, ("%s is no date; write dd/mm/yyyy or yyyy-mm-dd"):format(text_tools.quote(text))
  end
  if #year ~= 4 then
    return nil, ("%s has a year of %d digits; write all four"):format(text_tools.quote(text), #year)
  end
  local month, day = first, second
  if not is_iso and order ~= "month" then
    month, day = second, first
  end
  local y, m, d = tonumber(year), tonumber(month), tonumber(day)
  if m < 1 or m > 12 or d < 1 or d > days_in(m, y) then
    return nil, ("%s is a day that does not exist%s"):format(text_tools.quote(text),
      is_iso and "" or (" with the %s first"):format(order or "day"))
  end
  return ("%04d-%02d-%02d"):format(y, m, d)
end

--- Read a time of day: `9:05`, `14h30`, `14:30:59`.
---
--- @param text string
--- @return string? value hh:mm:ss
--- @return string? problem
function M.time(text)
  local hour, minute, second = text_tools.trim(text):match "^(%d%d?)[:hH](%d%d):?(%d?%d?)$"
  second = second == "" and "00" or second
  if not hour or tonumber(hour) > 23 or tonumber(minute) > 59 or #second < 2
    or tonumber(second) > 59 then
    return nil, ("%s is no time of day; write hh:mm"):format(text_tools.quote(text))
  end
  return ("%02d:%s:%s"):format(tonumber(hour), minute, second)
end

--- Read a date with a time of day, both in UTC, as the API wants them.
---
--- @param text string
--- @param order? string as for date
--- @return string? value yyyy-mm-dd hh:mm:ss
--- @return string? problem
function M.datetime(text, order)
  text = text_tools.trim(text)
  local day, hour = text:match "^(%S+)[T ]+(%S+)$"
  local date, problem = M.date(day or text, order)
  if not date then
    return nil, problem
  end
  if not hour then
    return date .. " 00:00:00"
  end
  local time, no_time = M.time((hour:gsub("Z$", "")))
  if not time then
    return nil, no_time
  end
  return date .. " " .. time
end

--- Say what a date proves about the order of its column.
---
--- @param text string
--- @return string? order "day" or "month"; "either" when it can be read in both
---   ways, as `03/04/2026` can; nil when it is no date or begins with the year
function M.evidence(text)
  local year, first, second, is_iso = split_date(text:match "^(%S+)" or "")
  if not year or is_iso then
    return nil
  end
  return tonumber(first) > 12 and "day" or tonumber(second) > 12 and "month" or "either"
end

return M
