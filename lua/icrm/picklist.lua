--- The values of a picklist, by what a person calls them: labels, any case, accents or none.
-- @module icrm.picklist

local nearest = require "icrm.nearest"
local text_tools = require "icrm.text"

local M = {}

local SHOWN_VALUES = 16
local ABBREVIATED = 4 -- letters that an abbreviation has at most

-- Form of a text -> the values that it may mean, each once.
local function forms_of(picklist)
  if not picklist.by_form then
    picklist.by_form = {}
    for _, value in ipairs(picklist.values) do
      for _, text in ipairs { value, picklist.by_value[value] } do
        local form = text_tools.fold(text)
        local values = picklist.by_form[form] or {}
        if values[#values] ~= value then
          values[#values + 1] = value
        end
        picklist.by_form[form] = values
      end
    end
  end
  return picklist.by_form
end

-- Values with exactly this label.
local function labelled(picklist, text)
  local values = {}
  for _, value in ipairs(picklist.values) do
    if picklist.by_value[value] == text then
      values[#values + 1] = value
    end
  end
  return values
end

--- Find the value that a text means: a value, else a label, else either of them whatever
--- its case and accents.
---
--- @param picklist table of an icrm.Field
--- @param text string
--- @return string? value nil when there is none, or when several may be meant
--- @return string[]? values the several
function M.find(picklist, text)
  if picklist.by_value[text] then
    return text
  end
  local values = labelled(picklist, text)
  if #values == 0 then
    values = forms_of(picklist)[text_tools.fold(text)] or values
  end
  if #values > 1 then
    return nil, values
  end
  return values[1]
end

local function letters_of(text)
  return (text_tools.fold(text):gsub("[%s%p]", ""))
end

-- Whether the letters of a short word come in a long one in this order, from its first.
local function abbreviates(short, long)
  if short == "" or #short > ABBREVIATED or #short >= #long or short:byte() ~= long:byte() then
    return false
  end
  local at = 0
  for letter in short:gmatch "." do
    at = long:find(letter, at + 1, true)
    if not at then
      return false
    end
  end
  return true
end

-- "Madame" for Mme, "Docteur" for Dr.: of several the one with the most letters.
local function abbreviation_of(picklist, text)
  local long, found, most = letters_of(text), nil, 0
  for _, value in ipairs(picklist.values) do
    for _, word in ipairs { picklist.by_value[value], value } do
      local short = letters_of(word)
      if #short > most and abbreviates(short, long) then
        found, most = value, #short
      end
    end
  end
  return found
end

-- The value whose name or label begins as the text does, or the other way round.
local function beginning_of(picklist, text)
  local form, found = text_tools.fold(text), nil
  for _, value in ipairs(picklist.values) do
    for _, word in ipairs { picklist.by_value[value], value } do
      local other = text_tools.fold(word)
      if math.min(#form, #other) > 3 and (form:sub(1, #other) == other
          or other:sub(1, #form) == form) and found ~= value then
        if found then
          return nil
        end
        found = value
      end
    end
  end
  return found
end

-- The one word that begins with a text.
local function completion_of(word_of_form, form)
  local found
  for other, word in pairs(word_of_form) do
    if #form > 1 and other:sub(1, #form) == form then
      if found then
        return nil
      end
      found = word
    end
  end
  return found
end

--- Find the word that was probably meant by a text that means no value.
---
--- @param picklist table of an icrm.Field
--- @param text string
--- @return string? word a label or a value
function M.near(picklist, text)
  local word_of_form, form = {}, text_tools.fold(text)
  for _, value in ipairs(picklist.values) do
    for _, word in ipairs { value, picklist.by_value[value] } do
      word_of_form[text_tools.fold(word)] = word
    end
  end
  local value = not word_of_form[form]
    and (beginning_of(picklist, text) or abbreviation_of(picklist, text))
  return completion_of(word_of_form, form) or nearest.name(form, word_of_form)
    or value and picklist.by_value[value] or nil
end

--- Name some values, labels first, for these are what a person sees:
--- `Ouvert (Open), Fermé (Closed)`.
---
--- @param picklist table of an icrm.Field
--- @param values? string[] all when nil
--- @return string
function M.list(picklist, values)
  values = values or picklist.values
  local words, count = {}, #values
  for i = 1, math.min(count, SHOWN_VALUES) do
    local label = picklist.by_value[values[i]]
    words[i] = label == values[i] and label or ("%s (%s)"):format(label, values[i])
  end
  local more = count > SHOWN_VALUES and (" and %d more"):format(count - SHOWN_VALUES) or ""
  return table.concat(words, ", ") .. more
end

return M
