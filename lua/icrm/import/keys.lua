--- When two values of a key are the same, and when they only look so.
--
-- The same: blanks around, signs without a form, composed or decomposed letters do not
-- count, nor does the case of an e-mail address. Near: a person, and most servers, take
-- them for the same, which differ in case, accents, blanks within or a leading zero.
-- @module icrm.import.keys

local core = require "icrm.core"
local text_tools = require "icrm.text"

local M = {}

--- Give the form that values have in common which are the same key.
---
--- @param value string
--- @param field? icrm.Field that holds the key
--- @return string
function M.form(value, field)
  value = text_tools.visible(text_tools.trim(value))
  if value:find "[\xC2-\xF4]" then
    value = core.unicode.compose(value) or value
  end
  return field and field.type == "email" and value:lower() or value
end

-- The digits of a number that is a name, such as 03.20.00.27.05, and no amount.
local function digits_of(text)
  local is_name = text:find "^%d[%d .-]*%d$" and not text:find "^%d+%.%d+$"
  return is_name and text:gsub("[ .-]", "") or nil
end

--- Give the form that near values have in common.
---
--- @param value string
--- @return string
function M.near(value)
  local folded = text_tools.fold(value)
  local digits = digits_of(folded)
  return digits and digits:gsub("^0+", "") or folded
end

--- Give what a server may hold for a value that it finds by no comparison of its own:
--- numbers without the blanks in them.
---
--- @param value string
--- @param has_lost_zeros? boolean whether values of the column lack a leading zero
--- @return string[] others
function M.spellings(value, has_lost_zeros)
  local others = {}
  local digits = digits_of(value)
  if digits then
    others[1] = digits ~= value and digits or nil
    if has_lost_zeros and digits:byte() ~= 48 then
      others[#others + 1] = "0" .. digits
    end
  end
  return others
end

local function all(values, form_of)
  local forms = {}
  for i, value in ipairs(values) do
    forms[i] = form_of(value, i)
  end
  return table.concat(forms, "\0")
end

--- Give the form of a key of several fields, as one text.
---
--- @param values string[]
--- @param fields icrm.Field[]
--- @return string
function M.joined(values, fields)
  return all(values, function(value, i) return M.form(value, fields[i]) end)
end

--- Give the near form of a key of several fields, as one text.
---
--- @param values string[]
--- @return string
function M.joined_near(values)
  return all(values, M.near)
end

return M
