--- What helps against a fault of a value: near values, all that are allowed, look-ups.
-- @module icrm.import.advice

local cures = require "icrm.cures"
local nearest = require "icrm.nearest"
local picklists = require "icrm.picklist"
local text_tools = require "icrm.text"
local translations = require "icrm.import.translations"
local values = require "icrm.import.values"
local value_tools = require "icrm.values"

local M = {}

--- Make a fault of a field in a row, with the columns that feed it.
---
--- @param line integer
--- @param field? icrm.Field
--- @param target? table compiled: what feeds the field
--- @param message string
--- @param cure? string
--- @param value? any
--- @return icrm.import.Fault
function M.fault(line, field, target, message, cure, value)
  return { line = line, column = target and target.headings and table.concat(target.headings, ", "),
    field = field and field.name, label = field and field.label, value = value,
    message = message, cure = cure }
end

--- Note a fault of an item.
---
--- @param item table
--- @param target? table compiled: which column and field it is about
--- @param message string
--- @param cure? string
--- @param value? string
--- @return icrm.import.Fault
function M.blame(item, target, message, cure, value)
  local one = M.fault(item.line, target and target.field, target, message, cure, value)
  table.insert(item.faults, one)
  return one
end

--- Add to a fault what helps with its own value; the rest of the cure is of all values.
---
--- @param told icrm.import.Fault
--- @param hint string?
function M.add(told, hint)
  told.hint, told.allowed = hint, told.cure
  told.cure = hint and told.cure and ("%s; or %s"):format(hint, told.cure) or hint or told.cure
end

-- How a value of a column is said to stand for another, where one column feeds the field.
local function translated(target, from, to)
  local heading = translations.heading_of(target)
  return heading and cures.say("{translate COLUMN FROM TO}",
    { COLUMN = heading, FROM = text_tools.trim(from), TO = to })
end

--- Name the row that makes a record whose key is near.
---
--- @param target table compiled
--- @param key string
--- @param near string what the row has
--- @return string hint
function M.near_row(target, key, near)
  local translation = translated(target, key, near)
  return ("a row makes %s; write it alike%s"):format(text_tools.quote(near),
    translation and ": " .. translation or "")
end

--- Name records whose key is near one that no record has.
---
--- @param target table compiled
--- @param key string
--- @param near table[] text and id
--- @return string? hint
function M.near_records(target, key, near)
  local words = {}
  for i, one in ipairs(near) do
    words[i] = ("%s (%s)"):format(text_tools.quote(one.text), one.id)
  end
  if #words == 0 then
    return nil
  end
  local translation = near[1].is_misspelt and translated(target, key, near[1].text)
  return ("near: %s%s"):format(table.concat(words, ", "), translation and "; " .. translation or "")
end

--- How to say which of several records one key means.
---
--- @param target table compiled
--- @param key string
--- @return string? hint
function M.choice(target, key)
  local translation = translated(target, key, "ID")
  return translation and "say which: " .. translation
end

local MANY = 5 -- rows
local NEARLY_ALL = 0.8

-- The modules of which the job itself makes records: there the cure is another.
local function made_by(jobs)
  local made = {}
  for _, job in ipairs(jobs) do
    for _, record in ipairs(job.records) do
      made[record.module] = true
    end
  end
  return made
end

--- Say of the references of which nearly none was found what helps with all of them.
---
--- @param jobs icrm.import.Job[] whose items were made
--- @return string[] lines
function M.of_references(jobs)
  local lines, made = {}, made_by(jobs)
  for _, job in ipairs(jobs) do
    for _, record in ipairs(job.records) do
      for _, target in ipairs(record.targets) do
        local sought, absent = target.sought or 0, target.absent or 0
        if absent >= MANY and absent >= NEARLY_ALL * sought
          and not made[target.ways[1].module] then
          lines[#lines + 1] = ("%s: %s: %d of %d rows name records of %s that are not there; "
            .. "import those first, or their file and this one in one job"):format(job.source.path,
            table.concat(target.headings, ", "), absent, sought, target.ways[1].module)
        end
      end
    end
  end
  return lines
end

-- Of the values of a cell the first that is none, and what was probably meant.
local function wrong_word(field, text)
  for _, word in ipairs(values.words(text)) do
    if not picklists.find(field.picklist, word) then
      return word, picklists.near(field.picklist, word)
    end
  end
  return text, nil
end

-- Of a picklist: what this value may stand for, and what all of them may be.
local function advise_on_picklist(told, target, near)
  local wrong = told.value
  if target.field.type == "multipicklist" then
    wrong, near = wrong_word(target.field, wrong)
  end
  local hint = nearest.ask(near)
  if hint then
    hint = hint .. " " .. translated(target, wrong, near)
  end
  local allowed = "allowed: " .. picklists.list(target.field.picklist)
  told.hint, told.allowed = hint, allowed
  told.cure = hint and hint .. "; " .. allowed or allowed
end

--- Make the fault of a row of what the schema found: with the column that it comes from,
--- and what can be said of it in an import.
---
--- @param record table compiled
--- @param one icrm.FieldError
--- @param line integer
--- @return icrm.import.Fault
function M.of(record, one, line)
  local target, field = record.by_field[one.field], record.schema.by_name[one.field]
  local told = M.fault(line, field, target, one.message, one.cure, one.value)
  if target and target.index and one.message == value_tools.NO_ID then
    told.cure = ("%s, or look it up by a key: %s"):format(one.cure,
      cures.say("{refer FIELD KEY COLUMN}", { FIELD = one.field, COLUMN = target.column,
        KEY = (field.refers_to or { "Module" })[1] .. ".field" }))
  elseif target and target.index and one.message == value_tools.NO_VALUE then
    advise_on_picklist(told, target, one.near)
  end
  return told
end

return M
