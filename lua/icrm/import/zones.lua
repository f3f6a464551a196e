--- Time zones by their names, from the files of the system: what a clock on the wall
--- shows, in UTC.
-- @module icrm.import.zones

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

local function parse(data)
  local block, past = read_block(data, 1, 4)
  return data:sub(5, 5) == "\0" and block or (read_block(data, past, 8))
end

-- Seconds east of UTC: `+02:00`, `+0530`, `-3`, `UTC+2`.
local function fixed(name)
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
  local offset = (name == "UTC" or name == "GMT" or name == "Z") and 0 or fixed(name)
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

-- The offset at a moment; before the first change and after the last, the nearest.
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
