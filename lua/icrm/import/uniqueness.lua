--- Values that the CRM takes once: its description of a module names the fields. Two
-- rows with one value, or a value that another record has, would be refused, and
-- several lanes can get past that check; so they are faults before anything is sent.
-- @module icrm.import.uniqueness

local cures = require "icrm.cures"
local lookup = require "icrm.query.lookup"
local text_tools = require "icrm.text"

local M = {}

local Uniqueness = {}
Uniqueness.__index = Uniqueness

--- @param crm icrm.Client
--- @return table uniqueness remembers the values of all rows
function M.new(crm)
  return setmetatable({ crm = crm, rows = {}, lookups = {} }, Uniqueness)
end

-- As the server compares: without case, accents and blanks around.
local function form_of(value)
  return text_tools.fold(text_tools.trim(value))
end

local function fields_of(record)
  if not record.unique_fields then
    record.unique_fields = {}
    for _, field in ipairs(record.schema.fields) do
      if field.unique and field.editable and record.by_field[field.name] then
        table.insert(record.unique_fields, field.name)
      end
    end
  end
  return record.unique_fields
end

local function value_of(item, field)
  local value = item.fields[field]
  return type(value) == "string" and value ~= "" and value or nil
end

local function ask(self, record, field, items)
  local values, asked = {}, {}
  for _, item in ipairs(items) do
    local value = value_of(item, field)
    if value and not asked[value] then
      asked[value] = true
      values[#values + 1] = value
    end
  end
  if #values == 0 then
    return {}
  end
  local name = record.module .. "." .. field
  self.lookups[name] = self.lookups[name] or lookup.new(self.crm, record.module, field)
  return self.lookups[name]:find(values)
end

--- Look for the records of the CRM that have the values of some rows already.
---
--- @param record table compiled
--- @param items table[]
--- @param known? table<string, icrm.Record[]> field -> records that were looked up already
--- @return table taken field -> form of a value -> ids
function Uniqueness:look_up(record, items, known)
  local taken = {}
  for _, field in ipairs(fields_of(record)) do
    taken[field] = {}
    for _, row in ipairs(known and known[field] or ask(self, record, field, items)) do
      local form = form_of(row[field] or "")
      taken[field][form] = taken[field][form] or {}
      table.insert(taken[field][form], row.id)
    end
  end
  return taken
end

local function other_id(ids, own)
  for _, id in ipairs(ids or {}) do
    if id ~= own then
      return id
    end
  end
end

-- Whether two rows with one value were told already, for it is the key.
local function is_key(record, field)
  return record.existing and #record.existing == 1 and record.existing[1] == field
end

local function row_before(self, record, field, item, value)
  local name = record.module .. "\0" .. field .. "\0" .. form_of(value)
  local before = self.rows[name]
  self.rows[name] = before or { row = item.row, value = value }
  if before and not (is_key(record, field) and before.value == value) then
    return before.row
  end
end

--- Blame a row for values that another row or another record has.
---
--- @param record table compiled
--- @param item table the row
--- @param taken table what look_up found
--- @param own? string id of the record that the row is about to change
--- @param blame fun(field: string, message: string, cure: string, value: string)
--- @return boolean whether the row is without fault
function Uniqueness:check(record, item, taken, own, blame)
  local is_right = true
  for _, field in ipairs(fields_of(record)) do
    local value = value_of(item, field)
    local row = value and row_before(self, record, field, item, value)
    local id = value and other_id(taken[field][form_of(value)], own)
    if row then
      blame(field, ("is in row %d already, and the CRM takes each %s once"):format(row, field),
        "remove one of the rows", value)
    elseif id then
      blame(field, ("is the %s of %s already, and the CRM takes each once"):format(field, id),
        own and "mend the value"
          or cures.say("take the row out, or let the key find the record: {key=FIELD}",
            { FIELD = field }), value)
    end
    is_right = is_right and not row and not id
  end
  return is_right
end

return M
