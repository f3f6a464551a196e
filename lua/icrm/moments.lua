--- Points in time as this machine's clock shows them.
-- @module icrm.moments

local M = {}

--- Days since 1970-01-01, in the calendar of today carried back.
---
--- @param year integer
--- @param month integer
--- @param day integer
--- @return integer
function M.days_since(year, month, day)
  if month <= 2 then
    year, month = year - 1, month + 12
  end
  return 365 * year + year // 4 - year // 100 + year // 400 + (153 * (month - 3) + 2) // 5
    + day - 719469
end

local DAYS = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 }

--- Tell whether the calendar has a day.
---
--- @param year integer
--- @param month integer
--- @param day integer
--- @return boolean
function M.is_day(year, month, day)
  local leap = month == 2 and year % 4 == 0 and (year % 100 ~= 0 or year % 400 == 0)
  return month >= 1 and month <= 12 and day >= 1 and day <= (leap and 29 or DAYS[month])
end

--- Read a point in time that is written in UTC.
---
--- @param text string such as 2026-11-24 09:30:00
--- @return integer? seconds since 1970, nil when it is none
function M.of_utc(text)
  local year, month, day, hour, minute, second =
    text:match "^(%d+)-(%d+)-(%d+)[ T](%d+):(%d+):(%d+)"
  if not year then
    return nil
  end
  return M.days_since(tonumber(year), tonumber(month), tonumber(day)) * 86400
    + tonumber(hour) * 3600 + tonumber(minute) * 60 + tonumber(second)
end

--- Write a point in time as this machine's clock shows it, with its zone.
---
--- @param seconds integer since 1970
--- @return string such as 2026-11-24 10:30:00 CET
function M.here(seconds)
  return os.date("%Y-%m-%d %H:%M:%S %Z", seconds) --[[@as string]]
end

--- The same of one that is written in UTC.
---
--- @param text string such as 2026-11-24 09:30:00
--- @return string
function M.utc_here(text)
  local seconds = M.of_utc(text)
  return seconds and M.here(seconds) or text
end

return M
