--- Dates and times as people and other programs write them: `12/08/2026`,
--- `12 août 2026`, `2026-08-12T10:20:30+02:00`, `14h30`.
-- @module icrm.import.dates

local cures = require "icrm.cures"
local moments = require "icrm.moments"
local text_tools = require "icrm.text"
local zones = require "icrm.import.zones"

local M = {}

local quote = text_tools.quote

-- ---- Days ---------------------------------------------------------------------

local MONTHS = {}
for number, names in ipairs { "janvier janv jan january", "fevrier fevr fev february feb",
  "mars mar march", "avril avr april apr", "mai may", "juin june jun", "juillet juil july jul",
  "aout august aug", "septembre sept sep september", "octobre oct october",
  "novembre nov november", "decembre dec december" } do
  for name in names:gmatch "%a+" do
    MONTHS[name] = tostring(number)
  end
end

local WEEKDAYS = {}
for name in ([[lundi mardi mercredi jeudi vendredi samedi dimanche lun mar mer jeu ven sam dim
  monday tuesday wednesday thursday friday saturday sunday mon tue wed thu fri sat sun]])
  :gmatch "%a+" do
  WEEKDAYS[name] = true
end

-- Year, month and day of a date whose month is a word; only the first two without a day.
local function split_words(text)
  local words = {}
  for word in text_tools.fold(text):gmatch "[%w]+" do
    words[#words + 1] = word
  end
  if #words > 1 and WEEKDAYS[words[1]] and not (MONTHS[words[1]] and #words < 4) then
    table.remove(words, 1)
  end
  local first, second, third = table.unpack(words)
  if #words == 2 and MONTHS[first] then
    return second, MONTHS[first], nil
  elseif #words ~= 3 then
    return nil
  elseif MONTHS[first] then -- August 12, 2026
    return third, MONTHS[first], second:match "^%d+"
  end
  return third, MONTHS[second], first:match "^%d+"
end

-- The three numbers of a date as they stand, and in which order: "year" first, "word"
-- for a month by its name, else nil. The day of a month alone is missing.
local function split_date(text)
  local year, month, day = text:match "^(%d%d%d%d)[-/.](%d%d?)[-/.](%d%d?)$"
  if year then
    return year, month, day, "year"
  end
  local first, second, last = text:match "^(%d%d?)[-/.](%d%d?)[-/.](%d+)$"
  if last then
    return last, first, second
  elseif text:find "%a" and text:find "%d" then
    year, month, day = split_words(text)
    if year and month and year:find "^%d+$" then
      return year, month, day, "word"
    end
  end
end

-- Dates that programs write for none, and those that may be meant.
local NOTHING = { ["0000-00-00"] = true, ["0001-01-01"] = true, ["1899-12-30"] = true,
  ["1899-12-31"] = true, ["1900-01-00"] = true }
local DOUBTFUL = { ["1900-01-01"] = true, ["1601-01-01"] = true, ["1753-01-01"] = true,
  ["9999-12-31"] = true }

local function check_day(text, year, month, day, order)
  local iso = ("%04d-%02d-%02d"):format(year, month, day)
  if NOTHING[iso] then
    return ""
  elseif DOUBTFUL[iso] then
    return nil, ("%s is what programs write for no date; empty the cell, or %s"):format(quote(text),
      cures.say("say {null=WORD}", { WORD = text }))
  elseif not moments.is_day(year, month, day) then
    return nil, ("%s is a day that does not exist%s"):format(quote(text),
      order and "" or " with the day first")
  elseif year < 1000 then
    return nil, ("%s has the year %d; write all four digits"):format(quote(text), year)
  end
  return iso
end

-- A date without a time: its text, "" for none.
local function read_day(text, order)
  local year, first, second, form = split_date(text)
  if not year then
    return nil, ("%s is no date; write dd/mm/yyyy or yyyy-mm-dd"):format(quote(text))
  elseif not second then
    return nil, ("%s is a month; write a day of it"):format(quote(text))
  elseif #year ~= 4 then
    return nil, ("%s has a year of %d digits; write all four"):format(quote(text), #year)
  end
  local month, day = first, second
  if not form and order ~= "month" then
    month, day = second, first
  end
  local iso, problem = check_day(text, tonumber(year), tonumber(month), tonumber(day),
    form or order == "month")
  if problem and not form and order == "month" then
    problem = problem:gsub("does not exist$", "does not exist with the month first")
  end
  return iso, problem
end

-- ---- Times of day ---------------------------------------------------------------

local NAMED_ZONES = { CET = 3600, CEST = 7200 }

-- Without the zone at its end, and how many seconds that is east of UTC.
local function split_zone(clock)
  local rest = clock:gsub(" ?%[[%w_/+-]+%]$", "") -- +02:00[Europe/Paris]
  local before, name = rest:match "^(.-%d) ?(%a+)$"
  if not before then
    before, name = rest:match "^(.-%d) ?(%u*[+-]%d%d:?%d?%d?)$"
  end
  local east = name and (NAMED_ZONES[name] or zones.offset(name))
  return east and before or clock, east
end

-- Hour, minute and second; nil when it is no time of day.
local function split_clock(clock)
  local half, rest = nil, clock
  local before, letter = clock:match "^(.-%d) ?([AaPp])%.?[Mm]%.?$"
  if before then
    half, rest = letter:lower(), before
  end
  rest = rest:gsub("(:%d%d)[.,]%d+$", "%1") -- fractions of a second
  local hour, minute, second = rest:match "^(%d%d?)[:hH](%d%d):?(%d?%d?)$"
  if not hour then
    hour = rest:match "^(%d%d?) ?[hH]$" or half and rest:match "^(%d%d?)$"
    minute, second = "00", ""
  end
  second = second == "" and "00" or second
  local h = tonumber(hour)
  if half and h and (h < 1 or h > 12) then
    return nil
  elseif half then
    h = h and h % 12 + (half == "p" and 12 or 0)
  end
  if not h or h > 23 or tonumber(minute) > 59 or #second < 2 or tonumber(second) > 59 then
    return nil
  end
  return h, tonumber(minute), tonumber(second)
end

-- A date and what stands behind it: the text of each, the second nil without a time.
local function split_moment(text)
  text = text_tools.trim(text):gsub("[\xC2\xE2][\x80-\xBF]+", { ["\u{A0}"] = " ",
    ["\u{202F}"] = " ", ["\u{2009}"] = " " })
  local day, clock = text:match "^(.-%d)[T, ]+(%d%d?:%d.*)$"
  if not day then
    day, clock = text:match "^(.-%d)[T, ]+(%d%d? ?[hHaApP].*)$"
  end
  if not day then
    day, clock = text:match "^(.-%d) à (%d%d?[:hH ].*)$"
  end
  local bare = not day and text:match "^(%d%d%d%d%-%d%d%-%d%d)[Zz]$"
    or not day and text:match "^(%d%d%d%d%-%d%d%-%d%d)[+-]%d%d:?%d%d$"
  return bare or day or text, clock
end

-- ---- Values ------------------------------------------------------------------------

--- Read a date: `2026-08-12`, `12/08/2026`, `12.08.2026`, `12 août 2026`, also with
--- midnight behind it. What programs write for no date, `0000-00-00` and the like, is
--- empty.
---
--- @param text string
--- @param order? string "day" (the default) or "month": what comes first in `12/08/2026`
--- @return string? value yyyy-mm-dd, or ""
--- @return string? problem
function M.date(text, order)
  local day, clock = split_moment(text)
  local date, problem = read_day(day, order)
  if not date or not clock or date == "" then
    return date, problem
  end
  local hour, minute, second = split_clock((split_zone(clock)))
  if not hour then
    return nil, ("%s is no time of day, and the field holds a date"):format(quote(clock))
  elseif hour + minute + second > 0 then
    return nil, ("%s has a time of day, and the field holds a date; write the date alone")
      :format(quote(text))
  end
  return date
end

--- Read a time of day: `9:05`, `14h30`, `14:30:59`, `2:30 PM`.
---
--- @param text string
--- @return string? value hh:mm:ss
--- @return string? problem
function M.time(text)
  local day, clock = split_moment(text)
  local is_alone = not clock or read_day(day) == "" -- 1899-12-30 is day 0 of a table program
  local hour, minute, second = split_clock(clock and split_zone(clock) or day)
  if not is_alone or not hour then
    return nil, ("%s is no time of day; write hh:mm"):format(quote(text))
  end
  return ("%02d:%02d:%02d"):format(hour, minute, second)
end

local function in_utc(text, date, seconds, east, zone)
  local year, month, day = date:match "^(%d+)-(%d+)-(%d+)$"
  local wall = moments.days_since(tonumber(year), tonumber(month), tonumber(day)) * 86400 + seconds
  local utc, is_twice = wall - (east or 0), false
  if not east and zone then
    utc, is_twice = zone:utc(wall)
  end
  if not utc then
    return nil, ("%s is a time that does not exist in %s: clocks went forward"):format(quote(text),
      zone.name)
  elseif is_twice then
    return nil, ("%s is a time that came twice in %s: clocks went back; write the offset behind "
      .. "it, such as +02:00"):format(quote(text), zone.name)
  end
  return os.date("!%Y-%m-%d %H:%M:%S", utc)
end

--- Read a date with a time of day, and give both in UTC, as the API wants them.
---
--- @param text string with an offset, `2026-08-12T10:20:30+02:00`, or without
--- @param order? string as for date
--- @param zone? icrm.import.Zone of texts without an offset; UTC without it
--- @return string? value yyyy-mm-dd hh:mm:ss
--- @return string? problem
function M.datetime(text, order, zone)
  local day, clock = split_moment(text)
  local date, problem = read_day(day, order)
  if not date or date == "" then
    return date, problem
  end
  local seconds, east = 0, nil
  if clock then
    local bare, hour, minute, second
    bare, east = split_zone(clock)
    hour, minute, second = split_clock(bare)
    if not hour then
      return nil, ("%s is no time of day; write hh:mm"):format(quote(clock))
    end
    seconds = hour * 3600 + minute * 60 + second
  end
  return in_utc(text, date, seconds, east, zone)
end

-- ---- What a column proves -----------------------------------------------------------

--- Say what a date proves about the order of its column.
---
--- @param text string
--- @return string? order "day" or "month"; "either" when it can be read in both
---   ways, as `03/04/2026` can; nil when it is no date or begins with the year
function M.evidence(text)
  local year, first, second, form = split_date((split_moment(text)))
  if not year or form or first + second == 0 then
    return nil
  end
  return tonumber(first) > 12 and "day" or tonumber(second) > 12 and "month" or "either"
end

--- Tell whether a text is what programs write for no date.
---
--- @param text string
--- @return boolean
function M.is_nothing(text)
  return text:find "^%d" ~= nil and read_day((split_moment(text))) == ""
end

return M
