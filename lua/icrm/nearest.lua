--- Which word was probably meant, for messages about one that does not exist.
-- @module icrm.nearest

local core = require "icrm.core"

local M = {}

--- Find what a word was probably meant to be.
---
--- @param word any
--- @param words string[]|table<string, string> the words there are; a table without
---   a list part gives the name that each text stands for
--- @return string? the word, or the name that it stands for
function M.name(word, words)
  if #words > 0 or next(words) == nil then
    return core.nearest(tostring(word), words)
  end
  local texts = {}
  for text in pairs(words) do
    texts[#texts + 1] = text
  end
  table.sort(texts)
  return words[core.nearest(tostring(word), texts)]
end

--- Ask whether this was meant: `did you mean "x"?`
---
--- @param name string? what was probably meant
--- @return string? nil without a name
function M.ask(name)
  return name and ("did you mean %q?"):format(name)
end

--- Ask whether another word was meant.
---
--- @param word any
--- @param words string[]|table<string, string> as for name
--- @return string? nil when no word is near
function M.question(word, words)
  return M.ask(M.name(word, words))
end

--- The same as the end of a sentence, `; did you mean "x"?`, or nothing.
---
--- @param word any
--- @param words string[]|table<string, string> as for name
--- @return string
function M.suffix(word, words)
  local question = M.question(word, words)
  return question and "; " .. question or ""
end

return M
