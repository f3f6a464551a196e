--- Rows of a file that may not be what they look like: totals below a table, and rows
--- that a stray quote took into a cell.
-- @module icrm.row_doubts

local text_tools = require "icrm.text"

local M = {}

-- Words that are names as well, of a département and of companies: a total stands last.
local NAMES_TOO = { somme = true, ensemble = true, cumul = true, sum = true }

local TOTALS = {}
for _, words in ipairs { "total", "totaux", "total general", "total global", "grand total",
  "sous total", "sub total", "subtotal", "sous totaux", "total ht", "total ttc", "total tva",
  "total net", "total brut", "totals", "montant total", "nombre total", "ensemble", "cumul",
  "somme", "sum", "moyenne", "average" } do
  TOTALS[words] = true
end

-- "total general" for "TOTAL GÉNÉRAL (EUR) :", "sous total" for "Sous-total".
local function words_of(text)
  return text_tools.trim((text_tools.fold(text):gsub("%b()", " "):gsub("[%s%-_:.=*]+", " ")))
end

-- Whether words are one for a total, or begin with one.
local function find_label(words)
  local at = 0
  if TOTALS[words] then
    return true, true
  end
  while at do
    at = words:find(" ", at + 1, true)
    if at and TOTALS[words:sub(1, at - 1)] then
      return false, true
    end
  end
  return false, false
end

-- What adds up: not a phone number, a postal code or a SIRET.
local function is_amount(text)
  local digits = text:gsub("%D", "")
  return digits ~= "" and #digits <= 12 and not digits:find "^0%d" and not text:find "%a%a%a%a"
    and text:gsub("[\128-\255]+", ""):find "^[%s%d.,'%-+()%%$%a]+$" ~= nil
end

-- The first filled cell, and how many amounts stand behind it; nil where texts do.
local function label_and_amounts(cells)
  local label, amounts = nil, 0
  for _, cell in ipairs(cells) do
    local text = text_tools.trim(cell)
    if text ~= "" and not label then
      label = text
    elseif text ~= "" and not is_amount(text) then
      return nil
    elseif text ~= "" then
      amounts = amounts + 1
    end
  end
  return label, amounts
end

--- Tell whether a row is a total: its first filled cell says so, and all others are
--- amounts. A company that is called Total has an address.
---
--- @param cells string[]
--- @return boolean
--- @return boolean? only_last it is none where rows come behind it
function M.is_total(cells)
  local label, amounts = label_and_amounts(cells)
  if not label or #cells < 2 then
    return false
  end
  local words = words_of(label)
  local is_word, begins = find_label(words)
  return is_word or begins and amounts > 0, NAMES_TOO[words]
end

local function separators_in(line, delimiter)
  return select(2, line:gsub("%" .. delimiter, ""))
end

-- How many lines of the cell i, but the first, have the separators of a record; behind the
-- last one stand those of the record.
local function rows_within(cells, i, delimiter)
  local lines, count = {}, 0
  for line in cells[i]:gmatch "[^\r\n]+" do
    lines[#lines + 1] = separators_in(line, delimiter)
  end
  for at = 2, #lines do
    local behind = at == #lines and lines[at] > 0 and #cells - i or 0
    count = count + (lines[at] + behind == #cells - 1 and 1 or 0)
  end
  return count
end

--- Count the lines within the cells of a record that have the separators of a record of
--- their own.
---
--- @param cells string[]
--- @param delimiter string
--- @return integer count
--- @return integer? column the first cell with such lines
function M.swallowed(cells, delimiter)
  local count, column = 0, nil
  for i, cell in ipairs(#cells > 1 and cells or {}) do
    local its = cell:find "[\r\n]" and rows_within(cells, i, delimiter) or 0
    count, column = count + its, column or its > 0 and i or nil
  end
  return count, column
end

return M
