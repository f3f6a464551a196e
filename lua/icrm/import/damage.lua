--- Marks that earlier tools leave in cells: errors of formulas, numbers that were
--- shortened, letters that were lost, words that programs write for nothing.
-- @module icrm.import.damage

local cures = require "icrm.cures"
local text_tools = require "icrm.text"

local M = {}

local ERRORS = {}
for word in ([[#N/A #NV #N/D #ND #REF! #BEZUG! #¡REF! #RIF! #VERW! #VALUE! #VALEUR! #WERT! #¡VALOR!
  #VALORE! #WAARDE! #VALOR! #NAME? #NOM? #¿NOMBRE? #NOME? #NAAM? #DIV/0! #¡DIV/0! #DEEL/0! #NUM!
  #NOMBRE! #ZAHL! #¡NUM! #GETAL! #NÚM! #NULL! #NUL! #¡NULO! #NULO! #LEEG! #SPILL! #PROPAGATION!
  #EPARS! #ÜBERLAUF! #CALC! #FIELD! #CHAMP! #FELD! #GETTING_DATA #BLOCKED! #CONNECT! #UNKNOWN!
  #BUSY! #PYTHON! #ERROR!]]):gmatch "%S+" do
  ERRORS[word] = true
end

-- What programs write for an empty value.
local NOTHING = {}
for word in ([[NULL null (null) (NULL) <NULL> <null> [NULL] [null] \N None nan NaN NAN NaT <NA> nil
  undefined]]):gmatch "%S+" do
  NOTHING[word] = true
end

local function is_shortened(text)
  return text:find "^[+-]?%d+[.,]%d+[eE][+-]?%d+$" or text:find "^[+-]?%d+[eE]%+%d+$"
end

--- Say that a formula gave no value.
---
--- @param text string what the table program shows instead
--- @return string problem
function M.formula_error(text)
  return ("%s is an error of a table program; mend its formula, or %s, where it means an empty "
    .. "cell"):format(text_tools.quote(text), cures.say("say {null=WORD}", { WORD = text }))
end

--- Whether a cell is an error of a formula, or a word that programs write for nothing.
---
--- @param text string without outer blanks
--- @return boolean
function M.is_nothing(text)
  return (ERRORS[text] or NOTHING[text]) == true
end

--- Say what is wrong with a cell that an earlier tool has damaged.
---
--- @param text string without outer blanks
--- @return string? problem nil when nothing is
function M.problem(text)
  local first = text:byte()
  if first == 35 and (ERRORS[text] or text:find "^###+$") or text:find "^Err:%d%d%d$" then
    return M.formula_error(text)
  elseif NOTHING[text] then
    return ("%s is what programs write for nothing; %s, where it means an empty cell"):format(
      text_tools.quote(text), cures.say("say {null=WORD}", { WORD = text }))
  elseif is_shortened(text) then
    return ("%s was shortened by a table program, its digits are lost; export the column as text")
      :format(text_tools.quote(text))
  elseif text:find("\u{FFFD}", 1, true) then
    return ("%s has a \u{FFFD} where an earlier program lost a letter; write the letter"):format(
      text_tools.quote(text))
  end
end

--- Tell whether a text was in UTF-8 and read by an earlier program as Windows-1252.
---
--- @param text string
--- @return boolean
function M.is_misread(text)
  return text:find "\xC3[\x82\x83]\xC2[\x80-\xBF]" ~= nil
    or text:find "\xC3\xA2\xE2\x82\xAC" ~= nil
end

-- ---- Leading zeros -----------------------------------------------------------------

local Digits = {}
Digits.__index = Digits

--- Start to look at the numbers that stand in a column of texts.
---
--- @return icrm.import.Digits
function M.digits()
  return setmetatable({ of_length = {}, zeros = {}, texts = 0, cells = 0 }, Digits)
end

--- Look at one cell.
---
--- @param text string
--- @param line? integer nil for a value of the CRM
function Digits:see(text, line)
  self.texts = self.texts + 1
  local bare = text:find "^[%d .-]+$" and text:gsub("[ .-]", "")
  if not bare or #bare < 4 then
    return
  end
  self.cells = self.cells + 1
  local one = self.of_length[#bare] or { count = 0, text = text, line = line }
  one.count = one.count + 1
  self.of_length[#bare] = one
  if bare:byte() == 48 then
    self.zeros[#bare] = self.zeros[#bare] or { text = text, line = line, count = 0 }
    self.zeros[#bare].count = self.zeros[#bare].count + 1
  end
end

-- Lengths that numbers of that name have in France: SIRET, SIREN, postal codes.
local function is_usual(field, length)
  local name = field.name:lower()
  return length == 14 or length == 9 and name:find "siren"
    or length == 5 and (name:find "code$" or name:find "zip" or name:find "postal") ~= nil
end

-- Whether numbers of `length` are what the field holds, as others of it tell.
local function is_norm(digits, field, length)
  local one, zero = digits.of_length[length], digits.zeros[length]
  if not one or one.count * 2 < digits.cells then
    return false
  end
  return zero ~= nil or is_usual(field, length)
end

--- Find the numbers of a column that have one digit less than the field's others, which
--- begin with a zero, or have a length of their own.
---
--- @param field icrm.Field
--- @param crm? icrm.import.Digits what the CRM has in the field
--- @return table? lost count, text and line of the first; like: the text of another
--- @return boolean is_open whether values of the CRM could tell
function Digits:lost_zeros(field, crm)
  local is_open = false
  for length, one in pairs(self.of_length) do
    local whole, zeros = self.of_length[length + 1], self.zeros[length]
    local count = one.count - (zeros and zeros.count or 0)
    if count > 0 and length >= 4 and length < 20 then
      local mine = whole and is_norm(self, field, length + 1) and self
      local other = mine or crm and is_norm(crm, field, length + 1) and crm
      if other then
        local like = other.zeros[length + 1] or other.of_length[length + 1]
        return { count = count, text = one.text, line = one.line, like = like.text }, false
      end
      is_open = is_open or count * 2 > self.texts
    end
  end
  local phone = crm and crm.cells == 0 and field.type == "phone" and self.of_length[9]
  if phone and not self.zeros[9] and phone.count * 2 > self.cells then
    return { count = phone.count, text = phone.text, line = phone.line, like = "0" .. phone.text },
      false
  end
  return nil, is_open
end

return M
