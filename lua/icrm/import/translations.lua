--- Values of a file that stand for others in the CRM: `values = { Madame = "Mrs." }` in a
--- mapping, `--value "Civilité:Madame=Mrs."` on the command line.
-- @module icrm.import.translations

local errors = require "icrm.error"
local headings = require "icrm.headings"
local nearest = require "icrm.nearest"
local schemas = require "icrm.schema"
local text_tools = require "icrm.text"
local values = require "icrm.import.values"

local M = {}

local Translations = {}
Translations.__index = Translations

-- The value in the API's form. A key of a reference, or the name of an owner, is looked up
-- like the cell that it replaces; "" leaves the field empty.
local function checked(schema, target, heading, from, to)
  local text = tostring(to)
  if text == "" or target.ref or target.field.type == "owner" then
    return text
  end
  local field = target.field
  local value, problem = values.read(text, field, { decimal = "point", is_meant = true })
  local fields, faults = schema:check({ [field.name] = value or text }, { partial = true })
  if not value or #faults > 0 then
    errors.refuse("%s: %s stands for %s: %s", heading, text_tools.quote(from),
      text_tools.quote(text), problem or schemas.describe_faults(faults))
  end
  return fields[field.name]
end

--- The one column that feeds a target.
---
--- @param target table compiled
--- @return string? heading nil when it is fed otherwise
function M.heading_of(target)
  local names = target.headings or {}
  return #names == 1 and names[1] or nil
end

--- Give a target the translations of its column, every value that stands for another
--- checked.
---
--- @param schema icrm.Schema
--- @param target table compiled; `translations` is set
--- @param map table<string|number, string|number|boolean>
function M.attach(schema, target, map)
  local heading = M.heading_of(target)
  if not heading then
    errors.refuse("%s: values stand for others in one column, and none feeds it",
      target.field.name)
  end
  local self = target.translations
    or setmetatable({ heading = heading, by_text = {}, by_form = {}, unseen = {},
      has_words = target.field.type == "multipicklist" }, Translations)
  for from, to in pairs(map) do
    from = text_tools.trim(tostring(from))
    local form = text_tools.fold(from)
    local value = checked(schema, target, heading, from, to)
    self.by_text[from], self.unseen[from] = value, true
    if self.by_form[form] ~= nil and self.by_form[form] ~= value then
      value = false -- two that differ in case or accents alone: each for itself
    end
    self.by_form[form] = value
  end
  target.translations = self
end

--- Give the translations of columns to whatever these feed.
---
--- @param records table[] compiled
--- @param source icrm.Source
--- @param by_heading table<string, table> see attach
function M.add(records, source, by_heading)
  for heading, map in pairs(by_heading) do
    local is_used, name = false, source:name_of(heading)
    for _, record in ipairs(records) do
      for _, target in ipairs(record.targets) do
        if name and M.heading_of(target) == name then
          M.attach(record.schema, target, map)
          is_used = true
        end
      end
    end
    if not is_used then
      local near = nearest.ask(headings.near(heading, source.headings))
      errors.refuse("values of the column %q: %s", heading, name and "it feeds no field"
        or "there is none" .. (near and "; " .. near or ""))
    end
  end
end

--- The translations of all columns.
---
--- @param records table[] compiled
--- @return table[] translations
function M.all(records)
  local list = {}
  for _, record in ipairs(records) do
    for _, target in ipairs(record.targets) do
      list[#list + 1] = target.translations
    end
  end
  return list
end

--- The value that a cell stands for, by the same text, else whatever its case and accents.
---
--- @param cell string
--- @return string? value nil when the cell stands for itself
function Translations:of(cell)
  local text = text_tools.trim(cell)
  local value = self.by_text[text]
  if value == nil then
    value = self.by_form[text_tools.fold(text)] or nil
  end
  return value
end

--- The same of a cell that has several values: each word stands for itself or another.
---
--- @param cell string
--- @return string? values with ` |##| ` between them; nil when all stand for themselves
function Translations:of_words(cell)
  local words, is_changed = {}, false
  for _, word in ipairs(values.words(cell)) do
    local value = self:of(word)
    is_changed = is_changed or value ~= nil
    words[#words + 1] = value ~= "" and (value or word) or nil
  end
  return is_changed and table.concat(words, " |##| ") or nil
end

local function note_seen(self, text)
  local form = text_tools.fold(text)
  self.unseen[text] = nil
  for other in pairs(self.unseen) do
    if text_tools.fold(other) == form and self.by_text[text] == nil then
      self.unseen[other] = nil
    end
  end
end

--- Note that a cell of the column says this.
---
--- @param cell string
function Translations:see(cell)
  if next(self.unseen) then
    note_seen(self, text_tools.trim(cell))
    for _, word in ipairs(self.has_words and values.words(cell) or {}) do
      note_seen(self, word)
    end
  end
end

--- Name the values that no cell of the column says.
---
--- @return string[] values each in quotes
function Translations:never_seen()
  local list = {}
  for text in pairs(self.unseen) do
    list[#list + 1] = text_tools.quote(text)
  end
  table.sort(list)
  return list
end

return M
