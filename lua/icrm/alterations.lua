--- What a server made of a value: rounded, cut, converted … Each kind has a name
-- by which a user accepts it, and a sentence that says what was done and why.
-- @module icrm.alterations

local values = require "icrm.values"

local M = {}

-- A text shorter than this is not taken for what was left of a longer one: a
-- workflow may have written it.
local MIN_CUT = 8

local KINDS = {
  {
    name = "rounded",
    text = "the server rounds numbers to the number of decimals in this user's settings",
  },
  {
    name = "converted",
    text = "the server reads numbers with this user's separators, in his currency, or times in "
      .. "his time zone, and stored another value",
  },
  { name = "cut", text = "the server keeps fewer characters of this field and cuts the rest" },
  { name = "encoded", text = "the server stored the text with HTML entities" },
  {
    name = "replaced",
    text = "the server's tables cannot hold some characters and put question marks in their place",
  },
  {
    name = "emptied",
    text = "the server stored nothing: it cannot read the value, does not keep the field, "
      .. "or blanks what an update leaves out",
  },
  {
    name = "trimmed",
    text = "the server removes blanks around a text, or writes its line ends otherwise",
  },
  { name = "defaulted", text = "the server gave a value of its own to a field that was not sent" },
  { name = "changed", text = "the server or a workflow stored another value" },
}

M.KINDS = KINDS

local text_of = {}
for _, kind in ipairs(KINDS) do
  text_of[kind.name] = kind.text
end

--- Whether a word names a kind.
---
--- @param name string
--- @return boolean
function M.is_kind(name)
  return text_of[name] ~= nil
end

-- What is said, and goes on: nobody has lost anything.
local HARMLESS = { trimmed = true }

--- Whether a value altered so stops a change set until it is accepted. A value
--- that the server gave by itself does where it is a date: those are facts, while a
--- status is what the CRM is set up to fill in, as it is to hand records on.
---
--- @param difference table see icrm.images
--- @return boolean
function M.is_serious(difference)
  if difference.spilled then
    return true
  elseif difference.kind == "defaulted" then
    return difference.type == "date" or difference.type == "datetime"
  end
  return not HARMLESS[difference.kind] and difference.type ~= "owner"
end

local function is_nothing(text)
  return text == "" or text:find "^[0.:%- ]+$" ~= nil
end

M.is_nothing = is_nothing

local function decimals(text)
  local fraction = text:match "^[+-]?%d*%.(%d*)$"
  return fraction and #(fraction:gsub("0+$", "")) or 0
end

--- How many decimals a number has, zeros at the end not counted.
---
--- @param text string
--- @return integer
M.decimals = decimals

-- Half of the last kept place, and what a float may be beside it.
local function is_rounded(sent, stored)
  local places = decimals(stored)
  local difference = math.abs(tonumber(sent) - tonumber(stored))
  return places < decimals(sent) and difference <= 0.5000001 * 10.0 ^ -places
end

local function digits(text)
  return (text:gsub("%D", ""):gsub("^0+", ""):gsub("0+$", ""))
end

local function altered_number(kind, sent, stored)
  if is_rounded(sent, stored) then
    return "rounded"
  elseif kind == "currency" or digits(sent) == digits(stored) then
    return "converted"
  end
  return "changed"
end

local function clock(text)
  local days, hours, minutes = text:match "(%d*)[ T]?(%d%d):(%d%d)"
  return hours and ((tonumber(days) or 0) * 24 + tonumber(hours)) * 60 + tonumber(minutes)
end

-- Time zones differ by quarters of an hour.
local function is_shifted(sent, stored)
  local from, to = clock(sent), clock(stored)
  return from and to and (from - to) % 15 == 0
end

local ENTITY = "&#?%w+;"

local function entities(text)
  return select(2, text:gsub(ENTITY, ""))
end

local function is_encoded(sent, stored)
  return entities(stored) > entities(sent)
end

local function is_replaced(sent, stored)
  local questions = select(2, stored:gsub("%?", ""))
  return questions > select(2, sent:gsub("%?", ""))
    and sent:gsub("[\x80-\xff]", ""):gsub("%?", "") == stored:gsub("[\x80-\xff]", ""):gsub("%?", "")
end

--- How many characters of a text the server kept, when it cut it; describe tells
--- no lengths.
---
--- @param sent string
--- @param stored string
--- @return integer? characters
function M.kept_length(sent, stored)
  local is_start = #stored >= MIN_CUT and sent:sub(1, #stored) == stored
  if is_start and sent:find("%S", #stored + 1) then -- blanks at the end are not missed
    return utf8.len(stored)
  end
end

local function trim(text)
  return text:gsub("\r\n?", "\n"):match "^%s*(.-)%s*$"
end

local function altered_text(sent, stored)
  if trim(sent) == trim(stored) then
    return "trimmed"
  elseif M.kept_length(sent, stored) then
    return "cut"
  elseif is_encoded(sent, stored) then
    return "encoded"
  elseif is_replaced(sent, stored) then
    return "replaced"
  end
  return "changed"
end

local NUMBERS = { integer = true, double = true, currency = true }
local TIMES = { time = true, datetime = true }

--- Name what became of a value that is not stored as it was sent.
---
--- @param kind? string the field's type
--- @param sent string
--- @param stored string
--- @return string name of one of KINDS
function M.name(kind, sent, stored)
  if not is_nothing(sent) and is_nothing(stored) then
    return "emptied"
  elseif NUMBERS[kind] and tonumber(sent) and tonumber(stored) then
    return altered_number(kind, sent, stored)
  elseif TIMES[kind] and is_shifted(sent, stored) then
    return "converted"
  end
  return altered_text(sent, stored)
end

--- Say what the server did, why, and how to go on all the same.
---
--- @param module string
--- @param difference table see icrm.images
--- @return string one sentence
function M.sentence(module, difference)
  local sent, stored = values.shorten(difference.sent), values.shorten(difference.stored)
  local what = ("%s.%s was sent as %q and is stored as %q"):format(
    module,
    difference.field,
    sent,
    stored
  )
  if difference.kind == "defaulted" then
    what = ("%s.%s was not sent and is stored as %q"):format(module, difference.field, stored)
  elseif difference.spilled then
    what = ("%s.%s was not to be changed, was %q and is %q"):format(
      module,
      difference.field,
      sent,
      stored
    )
  end
  return ("%s: %s"):format(what, text_of[difference.kind])
end

return M
