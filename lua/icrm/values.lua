--- Values of fields, type by type: what the server stores rightly, and how it
--- writes it back.
-- @module icrm.values

local core = require "icrm.core"
local json = require "icrm.json"
local moments = require "icrm.moments"
local nearest = require "icrm.nearest"
local picklists = require "icrm.picklist"

local M = { NO_ID = "is no record id", NO_VALUE = "is no value of this picklist" }

local LIST_SEPARATOR = " |##| "

--- Cut a text for a message.
---
--- @param text string
--- @return string
function M.shorten(text)
  if utf8.len(text) and utf8.len(text) > 60 then
    return text:sub(1, utf8.offset(text, 60) - 1) .. "…"
  end
  return text
end

--- Tell whether a text is a record id, such as `9x6617554`.
---
--- @param value any
--- @return boolean
function M.is_id(value)
  return type(value) == "string" and value:find "^%d+x%d+$" ~= nil
end

-- Each of the following returns the normal form, or nil, message, cure.

local function as_text(_, value)
  if core.is_sendable(value) then
    return value
  elseif type(value) == "number" then
    value = json.number_text(value)
  end
  if type(value) ~= "string" then
    return nil, "must be a text", "give a string"
  elseif not utf8.len(value) then
    return nil, "is not UTF-8", "convert it, from Windows-1252 for example"
  elseif value:find("\0", 1, true) then
    return nil, "holds a NUL byte", "remove it"
  end
  return value
end

local truth = { ["1"] = "1", ["true"] = "1", on = "1", yes = "1",
                ["0"] = "0", ["false"] = "0", off = "0", no = "0", [""] = "" }

local function as_boolean(_, value)
  local word = truth[tostring(value):lower()]
  if not word then
    return nil, "is no yes or no", "give true or false"
  end
  return word
end

local function as_integer(_, value)
  local text = as_text(nil, value)
  if text and (text == "" or text:find "^[+-]?%d+$") then
    return text
  end
  return nil, "is no whole number; the server would store 0", "give digits alone"
end

local function as_number(_, value)
  local text = as_text(nil, value)
  if text and (text == "" or text:find "^[+-]?%d+%.?%d*$"
               or text:find "^[+-]?%.%d+$") then
    return text
  end
  return nil, "is no number; the server would cut it",
    "write it with a point and without spaces, like 12345.67"
end

local function is_time(h, m, s)
  return tonumber(h) < 24 and tonumber(m) < 60 and (s == "" or tonumber(s) < 60)
end

local function as_date(_, value)
  local text = as_text(nil, value)
  local y, m, d = (text or "?"):match "^(%d%d%d%d)%-(%d%d)%-(%d%d)$"
  if text == "" or y and moments.is_day(tonumber(y), tonumber(m), tonumber(d)) then
    return text
  end
  return nil, "is no date; the server would store 0000-00-00",
    "write year-month-day, like 2026-11-24"
end

local function as_time(_, value)
  local text = as_text(nil, value)
  local h, m, s = (text or "?"):match "^(%d%d?):(%d%d):?(%d*)$"
  if text == "" then
    return text
  elseif h and #s ~= 1 and #s < 3 and is_time(h, m, s) then
    return ("%02d:%s:%s"):format(tonumber(h), m, s == "" and "00" or s)
  end
  return nil, "is no time of day", "write it like 09:30:00"
end

local function as_datetime(_, value)
  local text = as_text(nil, value)
  if text == "" then
    return text
  end
  local date, time = (text or "?"):match "^(%S-)[ T](%S-)Z?$"
  local day, clock = date and as_date(nil, date), time and as_time(nil, time)
  if day and day ~= "" and clock and clock ~= "" then
    return day .. " " .. clock
  end
  return nil, "is no date and time", "write it in UTC, like 2026-11-24 09:30:00"
end

-- One address that mail can be sent to: no blank, bracket or second sign in it, a
-- domain of several words whose last has no digit.
local function is_email(text)
  local name, domain = text:match "^([^%s@<>()%[%],;:\"\\]+)@([^%s@<>()%[%],;:\"\\/_]+)$"
  if not name or ("." .. name .. "."):find("..", 1, true)
    or ("." .. domain .. "."):find("..", 1, true) or domain:find "^%-" or domain:find "%-$" then
    return false
  end
  local last = domain:match "%.([^.]+)$"
  return last ~= nil and #last >= 2 and (last:find "^[%a\128-\255-]+$" ~= nil
    or last:find "^[xX][nN]%-%-%w" ~= nil)
end

local function as_email(_, value)
  local text, message, cure = as_text(nil, value)
  if not text then
    return nil, message, cure
  elseif text == "" or is_email(text) then
    return text
  end
  return nil, "is no e-mail address", "write it like name@example.com"
end

local function as_picklist(field, value)
  local text, message, cure = as_text(nil, value)
  local picklist = field.picklist
  if not text then
    return nil, message, cure
  elseif text == "" or not picklist or picklist.by_value[text] then
    return text
  end
  local found, several = picklists.find(picklist, text)
  if found then
    return found
  elseif several then
    return nil, "is the label of several values of this picklist",
      "write the value itself: " .. picklists.list(picklist, several)
  end
  local near = picklists.near(picklist, text)
  local allowed = "allowed: " .. picklists.list(picklist)
  return nil, M.NO_VALUE, near and nearest.ask(near) .. " " .. allowed or allowed, near
end

local function as_multipicklist(field, value)
  local list = value
  if type(value) ~= "table" then
    list = {}
    for word in (tostring(value) .. LIST_SEPARATOR):gmatch "(.-)|##|" do
      list[#list + 1] = word:match "^ ?(.-) ?$"
    end
  end
  local out = {}
  for i, word in ipairs(list) do
    local normal, message, cure, near = as_picklist(field, word)
    if not normal then
      return nil, message, cure, near
    end
    out[i] = normal
  end
  return table.concat(out, LIST_SEPARATOR)
end

local function as_reference(field, value, opts)
  if type(value) == "table" then
    value = value.id
  end
  if value == "" then
    return ""
  elseif not M.is_id(value) then
    return nil, M.NO_ID, "give an id like 3x262015, or \"\" for none"
  end
  if not (opts and opts.prefix_of and field.refers_to) then
    return value
  end
  local prefix = value:match "^%d+"
  for _, module in ipairs(field.refers_to) do
    local wanted = opts.prefix_of(module)
    if wanted == nil or wanted == prefix then
      return value
    end
  end
  return nil, "points to a wrong module",
    "it must be an id of " .. table.concat(field.refers_to, " or ")
end

local OWNERS = { refers_to = { "Users", "Groups" } }

local function as_owner(_, value, opts)
  return as_reference(OWNERS, value, opts)
end

local by_type = {
  boolean = as_boolean, integer = as_integer, double = as_number,
  currency = as_number, date = as_date, time = as_time,
  datetime = as_datetime, email = as_email, picklist = as_picklist,
  multipicklist = as_multipicklist, reference = as_reference, owner = as_owner,
}

--- Tell whether every text is a value of fields of this type.
---
--- @param kind string the type's name
--- @return boolean
function M.takes_any_text(kind)
  return by_type[kind] == nil
end

--- Bring a value into the form that the server expects for a field.
---
--- @param field icrm.Field
--- @param value any
--- @param opts? table see icrm.Schema:check
--- @return string? normal nil when the value cannot be right
--- @return string? message what is wrong with it
--- @return string? cure what to do
--- @return string? near of a picklist the label of the value that was probably meant
function M.normalise(field, value, opts)
  return (by_type[field.type] or as_text)(field, value, opts)
end

--- Write any value that a server may put into a record as one text: numbers and
--- tables of JSON come where texts are expected.
---
--- @param value any
--- @return string
function M.text(value)
  if type(value) == "string" then
    return value
  elseif type(value) == "number" then
    return json.number_text(value) or tostring(value)
  elseif type(value) == "boolean" then
    return value and "1" or "0"
  elseif type(value) == "table" then
    local ok, text = pcall(json.encode, value)
    return ok and text or "a table"
  end
  return ""
end

local NUMERIC = { integer = true, double = true, currency = true }
local EXACT = 1e-12 -- of the number: what a float may be beside its text

local function same_number(sent, stored)
  local a, b = tonumber(sent) or 0, tonumber(stored) or 0
  return math.abs(a - b) <= EXACT * math.max(math.abs(a), math.abs(b))
end

-- Nothing is written in several ways: "", 0000-00-00.
local function point_in_time(text)
  if text:find "^[0:%- ]*$" then
    return ""
  end
  return (text:find "^%d%d:%d%d$" or text:find " %d%d:%d%d$") and text .. ":00" or text
end

local same_by_type = {
  boolean = function(sent, stored)
    return (sent == "1") == (stored == "1")
  end,
}
for kind in pairs(NUMERIC) do
  same_by_type[kind] = same_number
end
for _, kind in ipairs { "date", "datetime" } do
  same_by_type[kind] = function(sent, stored)
    return point_in_time(sent) == point_in_time(stored)
  end
end

-- Midnight is no empty time.
function same_by_type.time(sent, stored)
  return sent ~= "" and stored ~= "" and point_in_time(sent) == point_in_time(stored)
end

--- Tell whether two values of a field, as sent or as a server returns them, are
--- the same.
---
--- @param field icrm.Field?
--- @param sent any
--- @param stored any
--- @return boolean
function M.same(field, sent, stored)
  local a, b = M.text(sent), M.text(stored)
  if a == b then
    return true
  end
  local same = same_by_type[field and field.type]
  if not same and (type(sent) == "number" or type(stored) == "number") then
    same = tonumber(a) and tonumber(b) and same_number
  end
  return same and same(a, b) or false
end

return M
