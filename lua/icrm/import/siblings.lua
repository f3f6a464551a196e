--- The rows of a job that references may mean: a record that another row will make is
--- found by the value of a field, as those of the CRM are.
--
-- One more pass over a file notes the values; they are kept in memory, as keys are.
-- @module icrm.import.siblings

local forms = require "icrm.import.keys"
local near_records = require "icrm.import.near_records"
local nearest = require "icrm.nearest"
local rows = require "icrm.import.rows"
local text_tools = require "icrm.text"

local M = {}

local SEARCHES = 20 -- for misspelt keys, in a job

local Siblings = {}
Siblings.__index = Siblings

-- The fields that references ask for, by module: Accounts → { accountname = true }.
local function asked_fields(jobs)
  local asked = {}
  for _, job in ipairs(jobs) do
    for _, record in ipairs(job.records) do
      for _, target in ipairs(record.targets) do
        for _, way in ipairs(target.ways or {}) do
          asked[way.module] = asked[way.module] or {}
          asked[way.module][way.field] = true
        end
      end
    end
  end
  return asked
end

-- Those of them that a record of the job gives a value of its own.
local function given_fields(record, asked)
  local fields = {}
  for field in pairs(asked[record.module] or {}) do
    local target = record.by_field[field]
    if target and not (target.ways or target.parent) then
      fields[#fields + 1] = field
    end
  end
  return fields
end

-- Value → key of the item that has it, or a list of keys.
local function note(values, value, key)
  local before = values[value]
  if not before then
    values[value] = key
  elseif type(before) == "table" then
    table.insert(before, key)
  elseif before ~= key then
    values[value] = { before, key }
  end
end

local function note_rows(self, job, record, fields)
  local source <close> = job.source:again()
  local row, view = rows.view(source)
  for line, cells in source:rows() do
    view.cells = cells
    if rows.wanted(record, line, row) then
      local key, given = rows.outline(job, record, fields, line, cells, row)
      for _, field in ipairs(fields) do
        local value = forms.form(given[field] or "", record.schema.by_name[field])
        if value ~= "" then
          note(self.values[record.module .. "." .. field], value, key)
        end
      end
    end
  end
end

--- Note what the rows of some jobs make, as far as a reference of theirs may mean it.
---
--- @param jobs icrm.import.Job[]
--- @return table siblings; sets `is_referred` of the records that rows may refer to
function M.new(jobs)
  local self = setmetatable({ values = {}, fields = {}, folded = {}, misspelt = {},
    searches = 0 }, Siblings)
  local asked = asked_fields(jobs)
  for _, job in ipairs(jobs) do
    for _, record in ipairs(job.records) do
      local fields = given_fields(record, asked)
      for _, field in ipairs(fields) do
        local name = record.module .. "." .. field
        self.values[name] = self.values[name] or {}
        self.fields[name] = record.schema.by_name[field]
      end
      if #fields > 0 then
        record.is_referred = true
        note_rows(self, job, record, fields)
      end
    end
  end
  return self
end

--- The row that makes the record with a value.
---
--- @param module string
--- @param field string
--- @param value string
--- @param own string key of the row that refers: where it has the value itself, none is meant
--- @return string? key of the item; nil when no row does, or when several do
--- @return string? problem why none of those that have the value is meant
--- @return string? cure
--- @return boolean? is_own whether it is the row itself, which is no answer
function Siblings:key_of(module, field, value, own)
  local name = module .. "." .. field
  local values = self.values[name]
  local keys = values and values[forms.form(value, self.fields[name])]
  if keys == own then
    return nil, ("no record of %s but the row itself has the %s %s"):format(module, field,
      text_tools.quote(value)), "empty the cell, or mend the key", true
  elseif type(keys) ~= "table" then
    return keys
  end
  for _, key in ipairs(keys) do
    if key == own then
      return nil
    end
  end
  return nil, ("%d rows make a record of %s with the %s %s"):format(#keys, module, field,
    text_tools.quote(value)), "refer by a field that only one of them has"
end

-- Looked for through all values of a file, so of a few texts only, each once.
local function misspelt(self, name, form)
  local text = name .. "\0" .. form
  if self.misspelt[text] == nil and self.searches < SEARCHES then
    self.searches = self.searches + 1
    local near = nearest.name(form, self.folded[name])
    self.misspelt[text] = near and near_records.is_misspelt(form, text_tools.fold(near)) and near
      or false
  end
  return self.misspelt[text] or nil
end

--- The value of some row that is the same but for case and accents, or that is misspelt.
---
--- @param module string
--- @param field string
--- @param value string
--- @return string? other
function Siblings:near(module, field, value)
  local name = module .. "." .. field
  local values = self.values[name]
  if not values then
    return nil
  end
  if not self.folded[name] then
    self.folded[name] = {}
    for other in pairs(values) do
      self.folded[name][text_tools.fold(other)] = other
    end
  end
  local form = text_tools.fold(value)
  return self.folded[name][form] or misspelt(self, name, form)
end

return M
