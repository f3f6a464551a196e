--- Times for people and for programs: how long, and until when.
-- @module icrm.cli.times

local M = {}

local MINUTE, HOUR, DAY = 60, 3600, 86400

--- Write a duration: "12 s", "3 min 05 s", "2 h 10 min", "5 days".
---
--- @param seconds number
--- @return string
function M.span(seconds)
  if seconds < MINUTE then
    return ("%.0f s"):format(seconds)
  elseif seconds < HOUR then
    return ("%d min %02d s"):format(seconds // MINUTE, seconds % MINUTE // 1)
  elseif seconds < 2 * DAY then
    return ("%d h %02d min"):format(seconds // HOUR, seconds % HOUR // MINUTE)
  end
  return ("%d days"):format((seconds + DAY / 2) // DAY)
end

--- Write the moment after so many seconds as this machine's clock will show it:
--- "23:40", "tomorrow 09:15", "2026-11-30 09:15"; with seconds when it is near.
---
--- @param seconds number from now
--- @param now? integer time, for specs
--- @return string
function M.moment(seconds, now)
  now = now or os.time()
  local at = now + math.ceil(seconds)
  if seconds < MINUTE then
    return os.date("%H:%M:%S", at)
  end
  at = at + MINUTE - 1 -- rounded up, so that nobody is too early
  local clock, day = os.date("%H:%M", at), os.date("%Y-%m-%d", at)
  if day == os.date("%Y-%m-%d", now) then
    return clock
  end
  local date = os.date("*t", now)
  local tomorrow = os.time { year = date.year, month = date.month, day = date.day + 1 }
  return (day == os.date("%Y-%m-%d", tomorrow) and "tomorrow" or day) .. " " .. clock
end

--- Write the moment after so many seconds in UTC, as programs read it.
---
--- @param seconds number from now
--- @return string such as 2026-11-24T23:40:00Z
function M.stamp(seconds)
  return os.date("!%Y-%m-%dT%H:%M:%SZ", os.time() + math.ceil(seconds))
end

return M
