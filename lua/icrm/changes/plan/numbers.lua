--- Numbers that the CRM counts up itself, such as an invoice's. It gives one number
-- to several records that are created at the same moment; where numbers must be
-- unique, records are created one at a time.
-- @module icrm.changes.plan.numbers

local json = require "icrm.json"

local M = {}

--- The field of a module that holds its counter's number; nil when it has none.
---
--- @param schema icrm.Schema
--- @return string?
function M.field(schema)
  for _, field in ipairs(schema.fields) do
    if field.name:find "_no$" and not field.editable then
      return field.name
    end
  end
end

-- Quotes, orders and invoices have a total: their numbers are a legal matter.
local function is_inventory(schema)
  return schema.by_name.hdnGrandTotal ~= nil
end

--- Whether the records of a module are created one at a time.
---
--- @param set icrm.ChangeSet
--- @param module string
--- @return boolean
function M.is_serial(set, module)
  local schema, choice = set:schema(module), set.store:get_meta "numbers"
  if not M.field(schema) or choice == "any" then
    return false
  end
  return choice == "unique" or is_inventory(schema)
end

local Gate = { __name = "icrm.changes.Gate" }
Gate.__index = Gate

--- A gate that lets one creation at a time into each module whose numbers must be
--- unique. The modules are looked at here: who asks the gate stands outside of any
--- job, and a call of his would wait for lanes whose writes wait for him.
---
--- @param set icrm.ChangeSet
--- @param is_open fun(n: integer): boolean whether a change may still be under way
--- @return icrm.changes.Gate
function M.gate(set, is_open)
  local serial = {}
  for _, module in ipairs(set.store:modules { operations = { "create" } }) do
    serial[module] = M.is_serial(set, module)
  end
  return setmetatable({ is_open = is_open, serial = serial, inside = {} }, Gate)
end

--- Whether a change may be sent now; when it may, it is inside.
---
--- @param change table
--- @return boolean
function Gate:admits(change)
  local module = change.module
  if change.operation ~= "create" or not self.serial[module] then
    return true
  elseif self.inside[module] and self.is_open(self.inside[module]) then
    return false
  end
  self.inside[module] = change.n
  return true
end

-- Adds the repeated numbers of one module to a list.
local function find_repeated(set, module, field, list)
  local first, repeated = {}, {}
  for change in set.store:each { states = { "done" }, operations = { "create" }, module = module,
    has = { "after" } } do
    local number = json.decode(change.after)[field]
    if number and number ~= "" and not first[number] then
      first[number] = change.record
    elseif number and number ~= "" then
      local one = repeated[number]
      if not one then
        one = { module = module, field = field, number = number, records = { first[number] } }
        repeated[number], list[#list + 1] = one, one
      end
      table.insert(one.records, change.record)
    end
  end
end

--- The numbers that the CRM gave to more than one record of a set.
---
--- @param set icrm.ChangeSet with a client
--- @return table[] list of { module, field, number, records }
function M.repeated(set)
  local list = {}
  for _, module in ipairs(set.store:modules { states = { "done" }, operations = { "create" } }) do
    local field = M.field(set:schema(module))
    if field then
      find_repeated(set, module, field, list)
    end
  end
  return list
end

return M
