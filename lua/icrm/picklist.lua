--- The values of a picklist, by what a person calls them: labels, any case, accents or none.
-- @module icrm.picklist

local nearest = require "icrm.nearest"
local text_tools = require "icrm.text"

local M = {}

local SHOWN_VALUES = 16
local ABBREVIATED = 4 -- letters that an abbreviation has at most

local function letters_of(form)
  return (form:gsub("[%s%p]", ""))
end

-- The values and labels of a picklist, folded once: `words`, each with its form, its letters
-- and the value that it stands for; `values_of` and `word_of` a form; `forms`, in order.
local function index_of(picklist)
  if not picklist.index then
    local index = { words = {}, values_of = {}, word_of = {}, forms = {} }
    for _, value in ipairs(picklist.values) do
      for _, text in ipairs { value, picklist.by_value[value] } do
        local form = text_tools.fold(text)
        local values = index.values_of[form] or {}
        if values[#values] ~= value then
          values[#values + 1] = value
        end
        index.forms[#index.forms + 1] = not index.word_of[form] and form or nil
        index.values_of[form], index.word_of[form] = values, text
        table.insert(index.words, { value = value, form = form, letters = letters_of(form) })
      end
    end
    table.sort(index.forms)
    picklist.index = index
  end
  return picklist.index
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
    values = index_of(picklist).values_of[text_tools.fold(text)] or values
  end
  if #values > 1 then
    return nil, values
  end
  return values[1]
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
local function abbreviation_of(index, form)
  local long, found, most = letters_of(form), nil, 0
  for _, word in ipairs(index.words) do
    if #word.letters > most and abbreviates(word.letters, long) then
      found, most = word.value, #word.letters
    end
  end
  return found
end

-- The value whose name or label begins as the text does, or the other way round.
local function beginning_of(index, form)
  local found
  for _, word in ipairs(index.words) do
    local other = word.form
    if math.min(#form, #other) > 3 and (form:sub(1, #other) == other
        or other:sub(1, #form) == form) and found ~= word.value then
      if found then
        return nil
      end
      found = word.value
    end
  end
  return found
end

-- The one word that begins with a text.
local function completion_of(index, form)
  local found
  for _, other in ipairs(#form > 1 and index.forms or {}) do
    if other:sub(1, #form) == form then
      if found then
        return nil
      end
      found = other
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
  local index, form = index_of(picklist), text_tools.fold(text)
  local near = completion_of(index, form) or nearest.name(form, index.forms)
  if near then
    return index.word_of[near]
  end
  local value = beginning_of(index, form) or abbreviation_of(index, form)
  return value and picklist.by_value[value]
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
