--- The headings of a file as names of its columns.
-- @module icrm.headings

local text_tools = require "icrm.text"

local M = {}

-- What is not seen: byte order marks, zero-width characters, soft hyphens.
local UNSEEN = { "\u{FEFF}", "\u{200B}", "\u{200C}", "\u{200D}", "\u{200E}", "\u{200F}", "\u{2060}",
  "\u{AD}" }
local BLANKS = { "\u{A0}", "\u{202F}", "\u{2007}", "\u{2009}" }

--- Write a heading as it is seen: without what is not, with single plain blanks.
---
--- @param text string
--- @return string
function M.plain(text)
  for _, character in ipairs(UNSEEN) do
    text = text:gsub(character, "")
  end
  for _, character in ipairs(BLANKS) do
    text = text:gsub(character, " ")
  end
  return text_tools.trim((text:gsub("%s+", " ")))
end

--- "AB", as table programs name a column.
---
--- @param column integer from 1
--- @return string
function M.letters(column)
  local text = ""
  while column > 0 do
    text = string.char(65 + (column - 1) % 26) .. text
    column = (column - 1) // 26
  end
  return text
end

--- Name the columns: by their headings, and those without one, or whose heading came
--- before, by their letters. They hinder nobody who does not map them.
---
--- @param cells string[] the headings as they are
--- @return string[] names one for each column, no two the same
--- @return table<string, integer[]> doubles heading → the columns that it stands over,
---   for those that stand over several
function M.name(cells)
  local names, seen, doubles = {}, {}, {}
  for column, cell in ipairs(cells) do
    local name = M.plain(cell)
    if name == "" then
      name = ("column %s"):format(M.letters(column))
    elseif seen[name] then
      doubles[name] = doubles[name] or { seen[name] }
      table.insert(doubles[name], column)
      name = ("%s (column %s)"):format(name, M.letters(column))
    end
    seen[name] = seen[name] or column
    names[column] = name
  end
  return names, doubles
end

return M
