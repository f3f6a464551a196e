--- Rows of a file that may not be what they look like: totals below a table, and rows
--- that a stray quote took into a cell.
-- @module icrm.row_doubts

local text_tools = require "icrm.text"

local M = {}

local TOTALS = {}
for _, words in ipairs { "total", "totaux", "total general", "total global", "grand total",
  "sous total", "sub total", "subtotal", "sous totaux", "total ht", "total ttc", "total tva",
  "total net", "total brut", "somme", "sum" } do
  TOTALS[words] = true
end

-- "total general" for "TOTAL GÉNÉRAL :", "sous total" for "Sous-total".
local function words_of(text)
  return text_tools.trim((text_tools.fold(text):gsub("[%s%-_:.=*]+", " ")))
end

local function is_label(text)
  local words = words_of(text)
  return TOTALS[words] or TOTALS[words:match "^(.-) de[s]? .+$"] or TOTALS[words:match "^(.-) %d+$"]
end

-- What adds up: not a phone number, a postal code or a SIRET.
local function is_amount(text)
  local digits = text:gsub("%D", "")
  return digits ~= "" and #digits <= 12 and not digits:find "^0%d" and not text:find "%a%a%a%a"
    and text:gsub("[\128-\255]+", ""):find "^[%s%d.,'%-+()%%$%a]+$" ~= nil
end

--- Tell whether a row is a total: its first filled cell says so, and all others are
--- amounts. A company that is called Total has an address.
---
--- @param cells string[]
--- @return boolean
function M.is_total(cells)
  local label
  for _, cell in ipairs(cells) do
    local text = text_tools.trim(cell)
    if text ~= "" and label and not is_amount(text) then
      return false
    elseif text ~= "" and not label then
      label = text
      if not is_label(text) then
        return false
      end
    end
  end
  return label ~= nil and #cells > 1
end

local function separators_in(line, delimiter)
  return select(2, line:gsub("%" .. delimiter, ""))
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
    local is_first = true
    for line in cell:find "[\r\n]" and cell:gmatch "[^\r\n]+" or function() end do
      if not is_first and separators_in(line, delimiter) == #cells - 1 then
        count, column = count + 1, column or i
      end
      is_first = false
    end
  end
  return count, column
end

return M
