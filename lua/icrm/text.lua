--- What a person sees of a string: its width on a terminal, its letters
-- without case and accents, its control characters made visible.
--
-- @module icrm.text

local core = require "icrm.core"

local M = {}

-- Letters that are no other letter with an accent, and apostrophes.
local ALIKE = { ["æ"] = "ae", ["œ"] = "oe", ["ø"] = "o", ["đ"] = "d", ["ð"] = "d", ["ħ"] = "h",
  ["ı"] = "i", ["ł"] = "l", ["ŋ"] = "n", ["ŧ"] = "t", ["ĸ"] = "k", ["’"] = "'", ["‘"] = "'",
  ["ʼ"] = "'" }

--- Fold a text for comparing names: lower case, no accents, no signs without a form,
--- single blanks.
---
--- @param text string
--- @return string
function M.fold(text)
  if text:find "[\128-\255]" then
    text = core.unicode.fold(text) or text
    text = text:gsub("[\xC0-\xFF][\x80-\xBF]+", ALIKE)
  end
  return (text:lower():gsub("%s+", " "):gsub("^ ", ""):gsub(" $", ""))
end

-- Ranges of code points, in order. Zero: combining marks and joiners.
-- Two: East Asian wide and emoji, as terminals draw them.
local ZERO = {
  { 0x300, 0x36F }, { 0x483, 0x489 }, { 0x591, 0x5BD }, { 0x610, 0x61A }, { 0x64B, 0x65F },
  { 0x1AB0, 0x1AFF }, { 0x1DC0, 0x1DFF }, { 0x200B, 0x200F }, { 0x202A, 0x202E },
  { 0x2060, 0x2064 }, { 0x2066, 0x2069 }, { 0x20D0, 0x20FF }, { 0xFE00, 0xFE0F },
  { 0xFE20, 0xFE2F }, { 0xFEFF, 0xFEFF }, { 0xE0100, 0xE01EF },
}
local TWO = {
  { 0x1100, 0x115F }, { 0x2E80, 0x303E }, { 0x3041, 0x33FF }, { 0x3400, 0x4DBF },
  { 0x4E00, 0x9FFF }, { 0xA000, 0xA4CF }, { 0xAC00, 0xD7A3 }, { 0xF900, 0xFAFF },
  { 0xFE30, 0xFE6F }, { 0xFF00, 0xFF60 }, { 0xFFE0, 0xFFE6 }, { 0x1F300, 0x1F64F },
  { 0x1F680, 0x1F6FF }, { 0x1F900, 0x1F9FF }, { 0x20000, 0x3FFFD },
}

local function is_in(ranges, code)
  for _, range in ipairs(ranges) do
    if code <= range[2] then
      return code >= range[1]
    end
  end
  return false
end

local function width_of(code)
  if code < 0x300 then
    return 1
  end
  return is_in(ZERO, code) and 0 or is_in(TWO, code) and 2 or 1
end

--- Count the columns that a text takes on a terminal.
---
--- @param text string valid UTF-8 without control characters; see clean
--- @return integer
function M.width(text)
  if not text:find "[\128-\255]" then
    return #text
  end
  local width = 0
  for _, code in utf8.codes(text) do
    width = width + width_of(code)
  end
  return width
end

--- Cut a text to at most `width` columns, the last one an ellipsis if it was cut.
---
--- @param text string as for width
--- @param width integer at least 1
--- @return string
function M.cut(text, width)
  if M.width(text) <= width then
    return text
  end
  local used = 0
  for position, code in utf8.codes(text) do
    local one = width_of(code)
    if used + one > width - 1 then
      return text:sub(1, position - 1) .. "…"
    end
    used = used + one
  end
  return text
end

local NAMED = { ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t" }

local function escape_byte(byte)
  return NAMED[byte] or ("\\x%02X"):format(byte:byte())
end

local function escape_invalid(text)
  local parts, from = {}, 1
  while from <= #text do
    local _, bad = utf8.len(text, from)
    parts[#parts + 1] = text:sub(from, (bad or #text + 1) - 1)
    if not bad then
      break
    end
    parts[#parts + 1] = escape_byte(text:sub(bad, bad))
    from = bad + 1
  end
  return table.concat(parts)
end

-- Signs without a form that turn the direction of what follows, or end the line.
local UNSEEN = "\u{61C}\u{200E}\u{200F}\u{2028}\u{2029}\u{202A}\u{202B}\u{202C}\u{202D}\u{202E}"
  .. "\u{2066}\u{2067}\u{2068}\u{2069}"

local function escape_unseen(character)
  if UNSEEN:find(character, 1, true) then
    return ("\\u{%X}"):format(utf8.codepoint(character))
  end
end

--- Make a text fit for one line of a terminal.
---
--- Control characters, which a terminal would obey, signs that turn the direction of
--- writing, and bytes that are not UTF-8 are shown as \n, \x1B, \u{202E} and the like.
---
--- @param text string
--- @return string
function M.clean(text)
  if not utf8.len(text) then
    text = escape_invalid(text)
  end
  text = text:gsub("[%z\1-\31\127]", escape_byte)
  text = text:gsub("[\xD8\xE2][\x80-\xBF]+", escape_unseen)
  return (text:gsub("\xC2([\x80-\x9F])", function(byte)
    return "\\xC2" .. escape_byte(byte)
  end))
end

--- Make a text of several lines fit for a terminal, line by line.
---
--- @param text string
--- @return string
function M.clean_lines(text)
  return (text:gsub("[^\n]+", M.clean))
end

--- Remove what nobody sees around a text: blanks of any kind, line ends, controls, signs
--- without a form.
---
--- @param text string
--- @return string
function M.trim(text)
  return core.unicode.trim(text)
end

-- Signs without a form, which pages and programs leave within texts.
local FORMLESS = { ["\u{200B}"] = "", ["\u{200C}"] = "", ["\u{200D}"] = "", ["\u{200E}"] = "",
  ["\u{200F}"] = "", ["\u{2060}"] = "", ["\u{FEFF}"] = "", ["\u{AD}"] = "" }

--- Leave out what nobody sees within a text: byte order marks, blanks without a width, soft
--- hyphens.
---
--- @param text string
--- @return string
function M.visible(text)
  if text:find "[\xC2\xE2\xEF]" then
    text = text:gsub("[\xC2-\xF4][\x80-\xBF]+", FORMLESS)
  end
  return text
end

--- Show a value in a message: in quotes, clean, and not too long.
---
--- @param text string
--- @return string
function M.quote(text)
  return ('"%s"'):format(M.cut(M.clean(text), 60))
end

return M
