--- Numbers as people write them: `1 234,50`, `1.234,50`, `1,234.50`, `1’234.50`,
--- `(12 €)`, `12-`.
-- @module icrm.import.numbers

local text_tools = require "icrm.text"

local M = {}

-- ---- What stands around the digits ------------------------------------------------

-- As other signs are written here.
local PLAIN = { ["\u{A0}"] = " ", ["\u{202F}"] = " ", ["\u{2007}"] = " ", ["\u{2009}"] = " ",
  ["\u{200A}"] = " ", ["\u{2002}"] = " ", ["\u{2003}"] = " ", ["\u{2005}"] = " ",
  ["\u{3000}"] = " ", ["\u{2212}"] = "-", ["\u{2010}"] = "-", ["\u{2011}"] = "-",
  ["\u{2012}"] = "-", ["\u{2013}"] = "-", ["\u{2014}"] = "-", ["\u{FE63}"] = "-",
  ["\u{FF0D}"] = "-", ["\u{2019}"] = "'", ["\u{2018}"] = "'", ["\u{2BC}"] = "'",
  ["\u{B4}"] = "'", ["`"] = "'" }

-- What has another in it stands before it.
local CURRENCIES = { "€", "us$", "$", "£", "¥", "₣", "₤", "euros", "euro", "eur", "usd", "chf",
  "sfr.", "sfr", "fr.", "gbp", "cad", "aud", "jpy", "cny", "sek", "nok", "dkk", "pln", "czk", "huf",
  "ron", "bgn", "try", "mad", "tnd", "dzd", "xof", "xaf", "xpf" }

local function plain(text)
  text = text_tools.trim(text):gsub("\t", " ")
  if text:find "[\128-\255`]" then
    text = text:gsub("[\xC2-\xF4][\x80-\xBF]+", PLAIN):gsub("`", "'")
  end
  return (text:gsub(" +", " "))
end

-- Without a currency on either side; nil when there is none.
local function without_currency(text)
  local lower = text:lower()
  for _, word in ipairs(CURRENCIES) do
    local past, before = #word + 1, #text - #word
    if lower:sub(1, #word) == word and not (word:find "%a$" and lower:find("^%a", past)) then
      return (text:sub(past):gsub("^ ", ""))
    elseif before > 0 and lower:sub(before + 1) == word
      and not (word:find "^%a" and lower:find("^%a", before)) then
      return (text:sub(1, before):gsub(" $", ""))
    end
  end
end

local CODES = { ["€"] = "EUR", euro = "EUR", euros = "EUR", ["$"] = "$", ["us$"] = "USD",
  ["£"] = "GBP", fr = "CHF", sfr = "CHF" }

--- The currency that stands beside a number.
---
--- @param text string
--- @return string? currency its code, or its sign where several have it; nil for none
function M.currency(text)
  local word = plain(text):lower():gsub("[%d., '()%%+-]", "")
  if word == "" then
    return nil
  end
  return CODES[word] or without_currency(word) == "" and word:upper() or nil
end

-- Each takes one thing from the outside of a number; the second result tells that it
-- turns the sign.
local PEELERS = {
  { name = "sign", function(text)
    local rest = text:match "^%((.+)%)$" or text:match "^%- ?(.+)$" or text:match "^(.-) ?%-$"
    if rest then
      return rest, true
    end
    return text:match "^%+ ?(.+)$", false
  end },
  { name = "currency", function(text) return without_currency(text), false end },
  { name = "percent", function(text) return text:match "^(.-) ?%%$", false end },
}

-- The digits and marks of a number, and whether it is negative. nil: no number.
local function peel(text)
  -- `12,-` has no cents; the mark in it is the decimal one.
  text = plain(text):gsub("([.,])%-+$", "%100"):gsub("([.,])%-+( ?[^%d]+)$", "%100%2")
  local is_negative, peeled = false, {}
  repeat
    local from = text
    for _, peeler in ipairs(PEELERS) do
      local rest, turns = peeler[1](text)
      if rest and peeled[peeler.name] then
        return nil -- a second sign or currency
      elseif rest then
        text, peeled[peeler.name], is_negative = rest, true, is_negative or turns
      end
    end
  until text == from
  if text:find "^[%d., ']*%d[%d., ']*$" and not text:find "^ " and not text:find " $" then
    return text, is_negative
  end
end

-- ---- The digits -------------------------------------------------------------------

-- Without blanks or apostrophes between groups of three; nil when they stand elsewhere.
local function ungroup(bare)
  local separator = bare:match "[ ']"
  if not separator then
    return bare, false
  end
  local whole, rest = bare:match "^([%d ']+)(.*)$"
  local first, groups = (whole or ""):match("^([1-9]%d?%d?)([%d ']+)$")
  if not first or rest:find "[ ']" or rest:find "[.,].*[.,]"
    or groups:gsub(separator .. "%d%d%d", "") ~= "" then
    return nil
  end
  return first .. groups:gsub(separator, "") .. rest, true
end

--- Say what a number proves about how its column writes decimals.
---
--- @param text string
--- @return string? mark "comma" or "point"; "either" when it can be read in
---   both ways, as `1,234` can; nil when it is no number or has no mark
function M.evidence(text)
  local bare, is_grouped = text:find "[.,]" and peel(text) or nil, nil
  if bare then
    bare, is_grouped = ungroup(bare)
  end
  local commas = bare and select(2, bare:gsub(",", "")) or 0
  local points = bare and select(2, bare:gsub("%.", "")) or 0
  if commas + points == 0 then
    return nil
  elseif commas > 0 and points > 0 then
    return bare:find ",.*%." and "point" or "comma"
  elseif commas + points > 1 then
    return commas > 1 and "point" or "comma"
  elseif not is_grouped and bare:find "^[1-9]%d?%d?[.,]%d%d%d$" then
    return "either"
  end
  return commas > 0 and "comma" or "point"
end

-- Without the separators between groups of three; nil when they stand elsewhere.
local function regroup(whole, separator)
  if not whole:find(separator, 1, true) then
    return whole
  end
  local first, rest = whole:match("^([1-9]%d?%d?)(.+)$")
  if not first or rest:gsub("%" .. separator .. "%d%d%d", "") ~= "" then
    return nil
  end
  return first .. rest:gsub("%" .. separator, "")
end

--- Read a number: `1 234,50`, `1.234,50`, `1’234.50`, `(1,234.50)`, `-4,503`, `12 €`,
--- `CHF 12.-`, `5 %`.
---
--- @param text string
--- @param mark? string "comma" or "point"; needed for texts such as `1,234`
--- @return string? value with a decimal point and no separators
--- @return string? problem
function M.number(text, mark)
  local bare, is_negative = peel(text)
  local grouped
  if bare then
    bare, grouped = ungroup(bare)
  end
  if not bare then
    return nil, text_tools.quote(text) .. " is no number"
  end
  local evidence = M.evidence(text)
  if evidence == "either" and not mark then
    return nil, ("%s may be read in two ways; say whether the decimal mark is comma or point")
      :format(text_tools.quote(text))
  end
  mark = mark or evidence or "point"
  local decimal, separator = ",", "."
  if mark == "point" then
    decimal, separator = ".", ","
  end
  local whole, fraction = bare:match("^(.-)%" .. decimal .. "(%d*)$")
  whole = whole or bare
  if not grouped then
    whole = regroup(whole, separator)
  end
  if not whole or not whole:find "^%d*$" then
    return nil, ("%s is no number with a decimal %s"):format(text_tools.quote(text), mark)
  end
  local digits = whole:gsub("^0+", "")
  digits = digits == "" and "0" or digits
  fraction = fraction and fraction ~= "" and "." .. fraction or ""
  return (is_negative and "-" or "") .. digits .. fraction
end

--- Read a whole number.
---
--- @param text string
--- @param mark? string as for number
--- @return string? value
--- @return string? problem
function M.integer(text, mark)
  local value, problem = M.number(text, mark)
  if not value then
    return nil, problem
  end
  local whole = value:match "^(%-?%d+)%.?0*$"
  if not whole then
    return nil, text_tools.quote(text) .. " is no whole number"
  end
  return whole
end

return M
