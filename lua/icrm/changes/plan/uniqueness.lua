--- Values that the CRM takes once: its description of a module names the fields. Two
-- rows with one value, or a value that another record has, would be refused, and
-- several lanes can get past that check; so they are faults before anything is sent.
-- @module icrm.changes.plan.uniqueness

local errors = require "icrm.error"
local limits = require "icrm.limits"
local lookup = require "icrm.query.lookup"
local text_tools = require "icrm.text"

local M = {}

local Uniqueness = {}
Uniqueness.__index = Uniqueness

local MOST_FAULTS = 20 -- that are shown

--- @param crm icrm.Client
--- @param advice { twice: string, taken: fun(field: string): string } cures for a value
---   that two rows have, and for one that another record has
--- @return table uniqueness remembers the values of all rows
function M.new(crm, advice)
  return setmetatable({ crm = crm, advice = advice, rows = {}, lookups = {}, modules = {},
    waiting = {}, faults = {}, fault_count = 0 }, Uniqueness)
end

-- As the server compares: without case, accents and blanks around.
local function form_of(value)
  return text_tools.fold(text_tools.trim(value))
end

local function fields_of(record)
  if not record.unique_fields then
    record.unique_fields = {}
    for _, field in ipairs(record.schema.fields) do
      local is_given = record.by_field == nil or record.by_field[field.name]
      if field.unique and field.editable and is_given then
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
--- @param record table what is written to: `module`, `schema`; `by_field` where it is
---   known which fields are given
--- @param items table[] rows, each with `fields`
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

local function place_of(item)
  return item.row and ("in row %d"):format(item.row) or ('in change "%s"'):format(item.key)
end

-- Where another row has the value; a record that is changed twice is one record.
local function place_before(self, record, field, item, value)
  local name = record.module .. "\0" .. field .. "\0" .. form_of(value)
  local before = self.rows[name]
  self.rows[name] = before or { place = place_of(item), value = value, own = item.own }
  local is_same = before and before.own ~= nil and before.own == item.own
  if before and not is_same and not (is_key(record, field) and before.value == value) then
    return before.place
  end
end

--- Blame a row for values that another row or another record has.
---
--- @param record table as for look_up; `existing`: the fields of its key
--- @param item table the row: `fields`, and `row`, its number, or `key`; `own`: id of the
---   record that it is about to change
--- @param taken table what look_up found
--- @param blame fun(field: string, message: string, cure: string, value: string)
--- @return boolean whether the row is without fault
function Uniqueness:check(record, item, taken, blame)
  local is_right = true
  for _, field in ipairs(fields_of(record)) do
    local value = value_of(item, field)
    local place = value and place_before(self, record, field, item, value)
    local id = value and other_id(taken[field][form_of(value)], item.own)
    if place then
      blame(field, ("is %s already, and the CRM takes each %s once"):format(place, field),
        self.advice.twice, value)
    elseif id then
      blame(field, ("is the %s of %s already, and the CRM takes each once"):format(field, id),
        item.own and "mend the value" or self.advice.taken(field), value)
    end
    is_right = is_right and not place and not id
  end
  return is_right
end

-- ---- The changes of a plan, in batches ---------------------------------------------------

local ADVICE = {
  twice = "leave one of them out, or mend the value",
  taken = function() return "leave it out, or plan an update of that record" end,
}

local function of_module(batches, item)
  local batch = batches[item.module] or {}
  batches[item.module] = batch
  batch[#batch + 1] = item
end

-- Look at the changes that wait; what is wrong with them is kept.
local function check_waiting(self)
  local batches, waiting = {}, self.waiting
  self.waiting = {}
  for _, item in ipairs(waiting) do
    of_module(batches, item)
  end
  for module, items in pairs(batches) do
    local record = self.modules[module]
    local taken = self:look_up(record, items)
    for _, item in ipairs(items) do
      self:check(record, item, taken, function(field, message, cure, value)
        self.fault_count = self.fault_count + 1
        if self.fault_count <= MOST_FAULTS then
          table.insert(self.faults, { field = field, value = value, line = item.line,
            message = message, cure = cure, key = item.key })
        end
      end)
    end
  end
end

--- Note a change that was planned, so that its values are looked at with those of
--- others, before anything is sent.
---
--- @param set icrm.ChangeSet
--- @param module string
--- @param fields table field → value, those that are written
--- @param change table `key`; `line` of the source; `own`: id of the record that it changes
function M.note(set, module, fields, change)
  local self = set.uniqueness or M.new(set.client, ADVICE)
  set.uniqueness = self
  local record = self.modules[module] or { module = module, schema = set:schema(module) }
  self.modules[module] = record
  for _, field in ipairs(fields_of(record)) do
    if fields[field] then
      table.insert(self.waiting, { module = module, fields = fields, key = change.key,
        line = change.line, row = change.line, own = change.own })
      break
    end
  end
  if #self.waiting >= limits.VALUES_PER_QUERY then
    check_waiting(self)
  end
end

local function describe(fault)
  return ("%s%s: %s %q %s; %s"):format(fault.key, fault.line and (" (line %d)"):format(fault.line)
    or "", fault.field, text_tools.cut(fault.value, 60), fault.message, fault.cure)
end

--- Raise when changes of the plan have values that the CRM takes once and that are
--- taken: all of them at once, as `faults`. Nothing was sent then, nor will be.
---
--- @param set icrm.ChangeSet
function M.seal(set)
  local self = set.uniqueness
  if self then
    check_waiting(self)
  end
  local message = set.store:get_meta "not unique"
  if self and self.fault_count > 0 then
    local lines = {}
    for i, fault in ipairs(self.faults) do
      lines[i] = describe(fault)
    end
    lines[#lines + 1] = self.fault_count > #self.faults
      and ("… and %d more"):format(self.fault_count - #self.faults) or nil
    message = table.concat(lines, "\n")
    set.store:set_meta("not unique", message) -- whoever opens the file is told as well
    set.store:flush()
  end
  if message then
    errors.refuse { message = message .. "\nnothing was sent; plan it anew without them",
      faults = self and self.faults or nil }
  end
end

return M
