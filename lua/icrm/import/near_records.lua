--- Records whose key is near one that no record has: "Dupont" for "Dupond".
--
-- What the server holds equal, case and accents aside, came with the look-up itself. For
-- others it is asked by the longest words of the key, a few keys of an import only: the
-- names are a help, and no file costs more than so many queries.
-- @module icrm.import.near_records

local core = require "icrm.core"
local errors = require "icrm.error"
local nearest = require "icrm.nearest"
local text_tools = require "icrm.text"

local M = {}

local NearRecords = {}
NearRecords.__index = NearRecords

local QUERIES = 20 -- of an import
local ROWS = 60 -- among which the near ones are chosen
local SHOWN = 3
local SHORTEST = 4 -- letters of a word that is asked for

--- @param crm icrm.Client
--- @return table near remembers what it asked for
function M.new(crm)
  return setmetatable({ crm = crm, left = QUERIES, known = {} }, NearRecords)
end

-- The two longest words, cut so that another ending is found as well.
local function stems_of(key)
  local words = {}
  for word in key:gmatch "[%w\128-\255]+" do
    local length = utf8.len(word)
    if length and length >= SHORTEST then
      words[#words + 1] = { text = word, length = length }
    end
  end
  table.sort(words, function(a, b)
    return a.length > b.length or a.length == b.length and a.text < b.text
  end)
  local stems = {}
  for i = 1, math.min(2, #words) do
    local kept = math.max(SHORTEST, words[i].length - 2)
    stems[i] = words[i].text:sub(1, (utf8.offset(words[i].text, kept + 1) or 0) - 1)
  end
  return stems
end

local function ask(self, module, field, stems, any)
  local query = self.crm:from(module):select(field)
  for i, stem in ipairs(stems) do
    local pattern = "%" .. stem .. "%"
    query = any and i > 1 and query:or_where(field, "LIKE", pattern)
      or query:where(field, "LIKE", pattern)
  end
  return query:all(ROWS)
end

-- Records that hold the words of the key, all of them or one. A server that cannot tell
-- leaves the person without the help, and nothing else.
local function candidates(self, module, field, key)
  local stems = core.vtql.is_name(field) and stems_of(key) or {}
  if #stems == 0 then
    return {}
  end
  self.left = self.left - 1
  local rows = errors.try(ask, self, module, field, stems) or {}
  if #rows == 0 and #stems > 1 and self.left > 0 then
    self.left = self.left - 1
    rows = errors.try(ask, self, module, field, stems, true) or {}
  end
  return rows
end

local function words_of(form)
  local words = {}
  for word in form:gmatch "%S+" do
    words[#words + 1] = word
  end
  return words
end

--- Whether two keys differ in some letters of a word: another word is another name, be the
--- whole as long as it may.
---
--- @param form string folded
--- @param other string folded
--- @return boolean
function M.is_misspelt(form, other)
  local words, others = words_of(form), words_of(other)
  for i, word in ipairs(words) do
    if others[i] ~= word and not (others[i] and nearest.name(word, { others[i] })) then
      return false
    end
  end
  return #words == #others
end

local function holds(form, other)
  return #other >= SHORTEST and form:find(other, 1, true) ~= nil
end

-- Those that are misspelt first, then those that hold the key or are held by it.
local function choose(rows, field, key)
  local form, misspelt, held = text_tools.fold(key), {}, {}
  for _, row in ipairs(rows) do
    local other = type(row[field]) == "string" and text_tools.fold(row[field]) or ""
    if M.is_misspelt(form, other) then
      row.is_misspelt = true
      misspelt[#misspelt + 1] = row
    elseif holds(form, other) or holds(other, form) then
      held[#held + 1] = row
    end
  end
  table.move(held, 1, #held, #misspelt + 1, misspelt)
  return table.move(misspelt, 1, math.min(SHOWN, #misspelt), 1, {})
end

--- Find records whose key is near another.
---
--- @param module string
--- @param field string
--- @param key string that no record has, whatever the case and accents
--- @return icrm.Record[] rows id and the field, and `is_misspelt` where only letters of words
---   differ; three at most, the nearest first
function NearRecords:of(module, field, key)
  local name = ("%s.%s\0%s"):format(module, field, key)
  if not self.known[name] and self.left > 0 then
    self.known[name] = choose(candidates(self, module, field, key), field, key)
  end
  return self.known[name] or {}
end

return M
