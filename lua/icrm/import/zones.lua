--- Time zones by their names, from the files of the system: what a clock on the wall
--- shows, in UTC.
-- @module icrm.import.zones

local moments = require "icrm.moments"

local M = {}

local FOLDERS = { "/usr/share/zoneinfo/", "/usr/lib/zoneinfo/", "/usr/share/lib/zoneinfo/" }

local Zone = { __name = "icrm.import.Zone" }
Zone.__index = Zone

local function read_all(path)
  local file = io.open(path, "rb")
  local data = file and file:read "a"
  if file then
    file:close()
  end
  return data
end

-- One block of a TZif file (RFC 8536) whose times have `width` bytes: what it holds,
-- and where it ends.
local function read_block(data, at, width)
  local isut, isstd, leaps, times, types, chars = string.unpack(">I4I4I4I4I4I4", data, at + 20)
  local block, place = { at = {}, offsets = {}, kinds = {} }, at + 44
  local format = width == 8 and ">i8" or ">i4"
  for i = 1, times do
    block.at[i], place = string.unpack(format, data, place)
  end
  for i = 1, times do
    block.kinds[i], place = data:byte(place) + 1, place + 1
  end
  for i = 1, types do
    block.offsets[i] = string.unpack(">i4", data, place)
    place = place + 6
  end
  return block, place + chars + leaps * (width + 4) + isstd + isut
end

-- ---- The rule at the end of a file -------------------------------------------------

local LAST_YEAR = 2100 -- for which a rule is worked out

-- Of `2`, `-5:30` and `1:15:00`.
local function seconds_of(text)
  local sign, hours, minutes, seconds = text:match "^([+-]?)(%d+):?(%d*):?(%d*)$"
  local count = tonumber(hours) * 3600 + (tonumber(minutes) or 0) * 60 + (tonumber(seconds) or 0)
  return sign == "-" and -count or count
end

-- What the clock shows when it changes: `M10.5.0/3` is three o'clock on the last (5th)
-- Sunday (0) of October.
local function wall_of(change, year)
  local month, week, weekday, clock = change:match "^M(%d+)%.(%d)%.(%d)/?(.*)$"
  month = tonumber(month)
  local first = moments.days_since(year, month, 1)
  local past = moments.days_since(year + month // 12, month % 12 + 1, 1)
  local day = first + (weekday - first - 4) % 7 + (week - 1) * 7 -- 1970 began on a Thursday
  day = day < past and day or day - 7
  return day * 86400 + seconds_of(clock == "" and "2" or clock)
end

-- Carry on after the last change of a file, by its rule: `CET-1CEST,M3.5.0,M10.5.0/3`. Many
-- systems have files whose last change is the one that made the rule, years ago.
local function follow(block, rule)
  local west, summer_west, from, to = rule:gsub("<[^>]*>", "X")
    :match "^%a+([%d:+-]+)%a+([%d:+-]*),(M[^,]+),(M[^,]+)$"
  if not west then
    return
  end
  local standard = -seconds_of(west)
  local summer = summer_west == "" and standard + 3600 or -seconds_of(summer_west)
  local kind, last = #block.offsets + 1, block.at[#block.at] or 0
  block.offsets[kind], block.offsets[kind + 1] = standard, summer
  for year = tonumber(os.date("!%Y", last)), LAST_YEAR do
    local changes = { { at = wall_of(from, year) - standard, kind = kind + 1 },
      { at = wall_of(to, year) - summer, kind = kind } }
    table.sort(changes, function(a, b) return a.at < b.at end)
    for _, change in ipairs(changes) do
      if change.at > last then
        block.at[#block.at + 1], block.kinds[#block.kinds + 1] = change.at, change.kind
      end
    end
  end
end

local function parse(data)
  local block, past = read_block(data, 1, 4)
  if data:sub(5, 5) ~= "\0" then
    block, past = read_block(data, past, 8)
    follow(block, data:match("^\n([^\n]*)\n", past) or "")
  end
  return block
end

-- ---- Zones by name -------------------------------------------------------------------

local UTC = { UTC = 0, GMT = 0, Z = 0, z = 0 }

--- Read an offset: `+02:00`, `+0530`, `-3`, `UTC+2`, `Z`.
---
--- @param name string
--- @return integer? east seconds east of UTC; nil when it is no offset
function M.offset(name)
  if UTC[name] then
    return UTC[name]
  end
  local sign, hours, minutes = name:match "^[UG]?[TM]?[CT]?([+-])(%d%d?):?(%d?%d?)$"
  minutes = minutes == "" and "0" or minutes
  if sign and tonumber(hours) <= 14 and tonumber(minutes) <= 59 then
    local seconds = tonumber(hours) * 3600 + tonumber(minutes) * 60
    return sign == "-" and -seconds or seconds
  end
end

--- Find a time zone.
---
--- @param name string such as `Europe/Paris`, `UTC` or `+02:00`
--- @return icrm.import.Zone? zone nil when the system has none of that name
function M.find(name)
  local offset = M.offset(name)
  if offset then
    return setmetatable({ name = name, at = {}, kinds = {}, offsets = { offset } }, Zone)
  end
  for _, folder in ipairs(name:find "^%a[%w_+-]*[%w_/+-]*$" and FOLDERS or {}) do
    local data = read_all(folder .. name)
    if data and data:sub(1, 4) == "TZif" then
      local zone = parse(data)
      zone.name = name
      return setmetatable(zone, Zone)
    end
  end
end

-- The offset at a moment; before the first change the first.
local function offset_at(zone, utc)
  local from, to = 0, #zone.at
  while from < to do
    local middle = (from + to + 1) // 2
    if zone.at[middle] <= utc then
      from = middle
    else
      to = middle - 1
    end
  end
  return zone.offsets[from > 0 and zone.kinds[from] or 1]
end

--- Say which moments a clock on the wall shows as `wall`.
---
--- @param wall integer seconds since 1970 as that clock counts them
--- @return integer? utc seconds since 1970 in UTC; nil when the clock jumps over it
--- @return boolean? is_twice whether the clock shows it once more, an hour later
function Zone:utc(wall)
  local found
  for _, guess in ipairs { wall - 86400, wall + 86400 } do
    local utc = wall - offset_at(self, guess)
    if offset_at(self, utc) == wall - utc then
      if found and found ~= utc then
        return found, true
      end
      found = utc
    end
  end
  return found, false
end

return M
