--- Options that join a heading with something: `--map "Column=field"`,
--- `--value "Column:from=to"`.
--
-- A part that holds a separator, or begins with a quote, stands in double quotes, in which
-- a doubled one is a quote: `--value '"Taux: TVA":"20,0 %=plein"=20'`.
-- @module icrm.cli.words

local errors = require "icrm.error"
local text_tools = require "icrm.text"

local M = {}

-- A part in quotes from `at` on: its text, and where the next one begins.
local function quoted_part(word, at, separator)
  local past = at + 1
  while true do
    local quote = word:find('"', past, true)
    if not quote then
      return nil
    elseif word:sub(quote + 1, quote + 1) == '"' then
      past = quote + 2
    else
      local text = word:sub(at + 1, quote - 1):gsub('""', '"')
      local behind = separator == "" and "^%s*()$" or "^%s*%" .. separator .. "()"
      local next_at = word:match(behind, quote + 1)
      return next_at and text, next_at
    end
  end
end

local function part(word, at, separator)
  local first = word:match('^%s*()"', at)
  if first then
    return quoted_part(word, first, separator)
  elseif separator == "" then
    return text_tools.trim(word:sub(at)), #word + 1
  end
  local found = word:find(separator, at, true)
  return found and text_tools.trim(word:sub(at, found - 1)), found and found + 1
end

--- Take an option's word apart.
---
--- @param word string
--- @param option string its name, for messages
--- @param form string how it is written, for messages: `"Column:from=to"`
--- @param separators string one character between two parts, such as ":="
--- @return string ... the parts
function M.split(word, option, form, separators)
  local parts, at = {}, 1
  for i = 1, #separators + 1 do
    local text, next_at = part(word, at, separators:sub(i, i))
    if not text then
      errors.refuse("%s %q: write %s; a part with %s in it stands in double quotes", option, word,
        form, separators:gsub(".", " %0"):sub(2))
    end
    parts[i], at = text, next_at
  end
  return table.unpack(parts)
end

--- Write parts as an option's word, the inverse of split.
---
--- @param separators string
--- @param ... string one more than separators
--- @return string
function M.join(separators, ...)
  local parts = { ... }
  for i, text in ipairs(parts) do
    if text:find("[" .. separators:gsub(".", "%%%0") .. "]") or text:find '^%s*"'
      or text:find "^%s" or text:find "%s$" then
      text = '"' .. text:gsub('"', '""') .. '"'
    end
    parts[i] = text .. separators:sub(i, i)
  end
  return table.concat(parts)
end

return M
