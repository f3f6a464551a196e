--- The headings of a file as names of its columns.
-- @module icrm.headings

local nearest = require "icrm.nearest"
local text_tools = require "icrm.text"

local M = {}

local BLANKS = { ["\u{A0}"] = " ", ["\u{202F}"] = " ", ["\u{2007}"] = " ", ["\u{2009}"] = " " }

--- Write a heading as it is seen: without what is not, with single plain blanks.
---
--- @param text string
--- @return string
function M.plain(text)
  text = text_tools.visible(text):gsub("[\xC2\xE2][\x80-\xBF]+", BLANKS)
  return text_tools.trim((text:gsub("%s+", " ")))
end

--- Find the heading that was probably meant; an accent is no letter more.
---
--- @param heading string
--- @param names string[]
--- @return string? name one of them
function M.near(heading, names)
  local by_form = {}
  for _, name in ipairs(names) do
    by_form[text_tools.fold(name)] = name
  end
  return nearest.name(text_tools.fold(heading), by_form)
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
