--- Numbers as people write them: `1 234,50`, `1.234,50`, `1,234.50`, `12 €`.
-- @module icrm.import.numbers

local text_tools = require "icrm.text"

local M = {}

-- As alternatives, because a Lua character class works on bytes.
local function without_blanks(text)
  return (text:gsub("\u{A0}", ""):gsub("\u{202F}", ""):gsub("\u{2009}", ""):gsub("[ \t]", ""))
end

-- The digits and marks of a number, without blanks, apostrophes between
-- thousands and a currency sign. nil: no number.
local function bare_number(text)
  local bare = without_blanks(text):gsub("€$", ""):gsub("^€", ""):gsub("%$$", "")
  bare = bare:gsub("(%d)'(%d%d%d)", "%1%2"):gsub("^\u{2212}", "-"):gsub("^%+", "")
  return bare:find "^%-?[%d.,]*%d[%d.,]*$" and bare or nil
end

--- Say what a number proves about how its column writes decimals.
---
--- @param text string
--- @return string? mark "comma" or "point"; "either" when it can be read in
---   both ways, as `1,234` can; nil when it is no number or has no mark
function M.evidence(text)
  local bare = text:find "[.,]" and bare_number(text)
  if not bare then
    return nil
  end
  local commas = select(2, bare:gsub(",", ""))
  local points = select(2, bare:gsub("%.", ""))
  if commas > 0 and points > 0 then
    return bare:find ",.*%." and "point" or "comma"
  elseif commas + points > 1 then
    return commas > 1 and "point" or "comma"
  end
  if bare:find "^%-?[1-9]%d?%d?[.,]%d%d%d$" then
    return "either"
  end
  return commas > 0 and "comma" or "point"
end

local function regroup(whole, separator)
  if not whole:find(separator, 1, true) then
    return whole
  end
  local first, rest = whole:match("^(%-?%d%d?%d?)(.*)$")
  if not first then
    return nil
  end
  local groups = rest:gsub("%" .. separator .. "(%d%d%d)", "%1")
  return #groups == (#rest // 4) * 3 and #rest % 4 == 0 and first .. groups or nil
end

--- Read a number: `1 234,50`, `1.234,50`, `1,234.50`, `-4,503`, `12 €`.
---
--- @param text string
--- @param mark? string "comma" or "point"; needed for texts such as `1,234`
--- @return string? value with a decimal point and no separators
--- @return string? problem
function M.number(text, mark)
  local bare = bare_number(text)
  if not bare then
    return nil, ("%s is no number"):format(text_tools.quote(text))
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
  whole = regroup(whole or bare, separator)
  if not whole or not whole:find "^%-?%d*$" then
    return nil, ("%s is no number with a decimal %s"):format(text_tools.quote(text), mark)
  end
  local sign, digits = whole:match "^(%-?)0*(%d*)$"
  digits = digits == "" and "0" or digits
  fraction = fraction and fraction ~= "" and "." .. fraction or ""
  return sign .. digits .. fraction
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
    return nil, ("%s is no whole number"):format(text_tools.quote(text))
  end
  return whole
end

return M
