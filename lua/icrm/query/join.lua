--- Fields of the records that a record refers to, such as `parent_id.bill_state`.
--
-- The API has no joins. Rows are read ahead, and the records they refer to are
-- fetched many at a time, each once.
-- @module icrm.query.join

local core = require "icrm.core"
local errors = require "icrm.error"
local lookup = require "icrm.query.lookup"
local nearest = require "icrm.nearest"

local M = {}

local ROWS_PER_BATCH = 100

local refuse = errors.refuse

local OWNERS = { "Users", "Groups" }

local function modules_of(field)
  return field.refers_to or field.type == "owner" and OWNERS or nil
end

-- The schema of a module, nil when this user may not see it.
local function describe_target(crm, module)
  local ok, schema = pcall(crm.describe, crm, module)
  if ok then
    return schema
  elseif not (errors.is(schema, "refused") or errors.is(schema, "input")) then
    error(schema, 0)
  end
end

-- The modules that a reference may point to and that have the field.
local function targets_of(crm, schema, field, name)
  local targets, names, hidden, found = {}, {}, nil, nil
  for _, module in ipairs(modules_of(field)) do
    local target = describe_target(crm, module)
    local known = target and target:field(name)
    if target and known then
      targets[target.id_prefix], found = module, found or known.name
    end
    for _, other in ipairs(target and target.fields or {}) do
      names[#names + 1] = other.name
    end
    hidden = hidden or not target and module
  end
  if not next(targets) and hidden then
    refuse("%s.%s: %s may not see the module %s, which %s of %s refers to", field.name, name,
      crm.username, hidden, field.name, schema.name)
  end
  if not next(targets) then
    refuse("%s.%s: %s, which %s of %s refers to, has no field %q%s", field.name, name,
      table.concat(modules_of(field), " or "), field.name, schema.name, name,
      nearest.suffix(name, names))
  end
  return targets, found
end

--- Find out what a path such as `parent_id.bill_state` or `ticketstatus` means; labels
--- stand for names.
---
--- @param crm icrm.Client
--- @param schema icrm.Schema
--- @param path string
--- @return table path name; column (of the module itself); field and targets when
---   it goes through a reference; is_nameable: whether a query can name the column,
---   else it has to ask for all
function M.path(crm, schema, path)
  local whole = schema:field(path) -- a label may have a point in it
  local column, name = path:match "^([^.]+)%.?(.*)$"
  local field, fault = whole, nil
  if not whole then
    field, fault = schema:field(column or path)
  end
  if not field then
    refuse("%s; %s", fault.message, fault.cure)
  elseif whole or name == "" then
    return { name = field.name, column = field.name,
      is_nameable = core.vtql.is_name(field.name) }
  elseif not modules_of(field) then
    refuse("%s: %s is no reference to another record", path, column)
  end
  local targets, target_name = targets_of(crm, schema, field, name)
  return { name = field.name .. "." .. target_name, column = field.name, field = target_name,
    is_nameable = core.vtql.is_name(field.name), targets = targets, known = {} }
end

local function fill(crm, path, rows)
  local wanted = {}
  for _, row in ipairs(rows) do
    local id = row[path.column]
    local module = path.targets[id:match "^(%d+)x" or ""]
    if module and path.known[id] == nil then
      path.known[id] = ""
      wanted[module] = wanted[module] or {}
      table.insert(wanted[module], id)
    end
  end
  for module, ids in pairs(wanted) do
    for id, record in pairs(lookup.by_id(crm, module, ids,
        core.vtql.is_name(path.field) and { path.field } or "*")) do
      path.known[id] = record[path.field]
    end
  end
  for _, row in ipairs(rows) do
    row[path.name] = path.known[row[path.column]] or ""
  end
end

--- Iterate over rows with the values of the paths filled in.
---
--- @param crm icrm.Client
--- @param each fun(): table? rows, such as a query's each()
--- @param paths table[] see path
--- @return fun(): table?
function M.rows(crm, each, paths)
  local batch, at = {}, 0
  return function()
    at = at + 1
    if batch[at] == nil then
      batch, at = {}, 1
      for row in each do
        batch[#batch + 1] = row
        if #batch == ROWS_PER_BATCH then
          break
        end
      end
      for _, path in ipairs(paths) do
        if path.field then
          fill(crm, path, batch)
        end
      end
    end
    return batch[at]
  end
end

return M
