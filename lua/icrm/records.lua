--- Reading and writing single records: the methods retrieve, create, update,
--- revise and delete of icrm.Client.
-- @module icrm.records

local core = require "icrm.core"
local errors = require "icrm.error"
local json = require "icrm.json"
local schema_module = require "icrm.schema"
local values = require "icrm.values"

local M = {}

local function input_error(message, fields)
  errors.raise { kind = "input", message = message, errors = fields }
end

--- Return the id of a record or of the id itself, or raise.
---
--- @param record string|table
--- @return string
function M.id_of(record)
  local id = record
  if type(record) == "table" then
    id = record.id
  end
  if not values.is_id(id) then
    input_error(("%s is no record id; an id is the module's prefix, an x and a "
      .. "number, like 9x6617554"):format(
        type(id) == "string" and ("%q"):format(values.shorten(id)) or tostring(id)))
  end
  return id
end

-- The server has one answer for many causes; say which they are.
local function explain(err, text)
  if errors.is(err, "refused") and err.code == "ACCESS_DENIED" then
    err.message = text .. ": " .. err.message
  end
  error(err, 0)
end

--- Call an operation on one record; when it is refused, say why that may be.
---
--- @param client icrm.Client
--- @param id string
--- @param operation string
--- @param params table
--- @return any result
function M.call_on(client, id, operation, params)
  local ok, result = pcall(client.call, client, operation, params)
  if ok then
    return result
  end
  explain(result, ("%s does not exist, was deleted, or %s may not %s it"):format(
    id, client.username, operation == "delete" and "delete" or "read"))
end

--- Retrieve a record by its id.
---
--- @param client icrm.Client
--- @param record string|table an id, or a record with one
--- @return icrm.Record
function M.retrieve(client, record)
  local id = M.id_of(record)
  return M.call_on(client, id, "retrieve", { id = id })
end

--- The id prefix of a module.
---
--- @param client icrm.Client
--- @param module string
--- @return string? nil when this user may not describe it
function M.prefix_of(client, module)
  if module == "Users" and values.is_id(client.user) then
    return client.user:match "^%d+"
  end
  local ok, schema = pcall(client.describe, client, module)
  if ok then
    return schema.id_prefix
  elseif not (errors.is(schema, "refused") or errors.is(schema, "input")) then
    error(schema, 0)
  end
end

local function checked(client, schema, fields, opts)
  if opts.check == false or not client.check and opts.check ~= true then
    return fields
  end
  local normalised, faults = schema:check(fields, {
    partial = opts.partial,
    prefix_of = function(module) return M.prefix_of(client, module) end,
  })
  if #faults > 0 then
    input_error(("%s: %s"):format(schema.name,
      schema_module.describe_faults(faults)), faults)
  end
  return normalised
end

-- What the server stored otherwise than it was sent.
local function differences(schema, sent, stored)
  local list = {}
  for name, value in pairs(sent) do
    local found = stored[name]
    if found ~= nil and found ~= value and not schema:same(name, tostring(value), found) then
      list[#list + 1] = { field = name, sent = value, stored = found }
    end
  end
  table.sort(list, function(a, b) return a.field < b.field end)
  return list
end

local function check_echo(schema, result, operation)
  local id = type(result) == "table" and result.id
  if not values.is_id(id) or id:match "^%d+" ~= schema.id_prefix then
    errors.raise { kind = "unknown_outcome", operation = operation,
      message = ("the server says that the %s of a record of %s succeeded but "
        .. "gives no record back; look whether it is there before trying again")
        :format(operation, schema.name) }
  end
  return result
end

local function save(client, schema, operation, element)
  local ok, result = pcall(client.call, client, operation, {
    elementType = schema.name, element = json.encode_element(element) })
  if not ok then
    local text = ("%s may not create in %s, or the module does not allow it")
      :format(client.username, schema.name)
    if errors.is(result) and result.message:find("LBL_DUPLICATES_DETECTED", 1, true) then
      result.message = ("a record of %s with the same %s exists: %s"):format(
        schema.name, schema:unique_names(), result.message)
    elseif operation ~= "create" then
      text = ("%s does not exist, was deleted, or %s may not change it")
        :format(element.id, client.username)
    end
    explain(result, text)
  end
  return check_echo(schema, result, operation), differences(schema, element, result)
end

--- Copy fields; a mandatory owner that is not given is the connected user.
---
--- @param client icrm.Client
--- @param schema icrm.Schema
--- @param fields table<string, any>
--- @return table<string, any> element
function M.with_owner(client, schema, fields)
  local element = core.copy(fields)
  for _, name in ipairs(schema.mandatory) do
    if schema.by_name[name].type == "owner" and element[name] == nil then
      element[name] = client.user
    end
  end
  return element
end

--- Create a record.
---
--- Every field is checked by describe before anything is sent. A mandatory
--- owner that is not given is the connected user.
---
--- @param client icrm.Client
--- @param module string
--- @param fields table<string, any>
--- @param opts? { check?: boolean } false sends the fields as they are
--- @return icrm.Record stored
--- @return icrm.Difference[] changes what the server stored otherwise than sent
function M.create(client, module, fields, opts)
  local schema = client:describe(module)
  local element = M.with_owner(client, schema, fields)
  if element.id ~= nil then
    input_error "create takes no id; the server gives one (use update to change a record)"
  end
  return save(client, schema, "create", checked(client, schema, element, opts or {}))
end

local function split_id(schema, fields)
  local id, rest = M.id_of(fields), {}
  if id:match "^%d+" ~= schema.id_prefix then
    input_error(("%s is no id of %s: those begin with %sx"):format(
      id, schema.name, schema.id_prefix))
  end
  for name, value in pairs(fields) do
    rest[name] = value
  end
  rest.id = nil
  return id, rest
end

--- Lay changes over a record: all of its fields that a client may write.
---
--- Some servers blank what is absent from an update, so the whole is sent.
---
--- @param schema icrm.Schema
--- @param current icrm.Record the record as the server has it
--- @param changes table<string, any>
--- @return table<string, any> element without `id`
function M.merge(schema, current, changes)
  local element, absent = {}, {}
  for _, field in ipairs(schema.fields) do
    if field.editable and current[field.name] ~= nil then
      element[field.name] = current[field.name]
    end
  end
  for name, value in pairs(changes) do
    element[name] = value
  end
  for _, name in ipairs(schema.mandatory) do
    if element[name] == nil or element[name] == "" then
      absent[#absent + 1] = name
    end
  end
  if #absent > 0 then
    input_error(("%s: the stored record has no value for %s, which the server "
      .. "demands; give one as well"):format(current.id, table.concat(absent, ", ")))
  end
  return element
end

--- Find the module that a record id belongs to, by its prefix.
---
--- Modules are described, in the server's order, until one has the prefix.
---
--- @param client icrm.Client
--- @param record string|table
--- @return string module
function M.module_of(client, record)
  local id = M.id_of(record)
  local prefix, known = id:match "^%d+", client.module_by_prefix
  if known[prefix] then
    return known[prefix]
  end
  local _, names = client:list_types()
  for _, name in ipairs(names) do
    local found = M.prefix_of(client, name)
    if found and not known[found] then
      known[found] = name
    end
    if found == prefix then
      return name
    end
  end
  input_error(("%s belongs to no module that %s may see"):format(id, client.username))
end

--- Change a record.
---
--- The record is read first and sent back whole with the changes, because
--- some servers blank what is absent. `partial = true` sends the given fields
--- alone.
---
--- @param client icrm.Client
--- @param module string
--- @param fields table<string, any> with `id`
--- @param opts? { check?: boolean, partial?: boolean }
--- @return icrm.Record stored
--- @return icrm.Difference[] changes what the server stored otherwise than sent
function M.update(client, module, fields, opts)
  opts = opts or {}
  local schema = client:describe(module)
  local id, element = split_id(schema, fields)
  element = checked(client, schema, element, { check = opts.check, partial = true })
  if not opts.partial then
    element = M.merge(schema, M.retrieve(client, id), element)
  end
  element.id = id
  return save(client, schema, "update", element)
end

--- Change only the given fields by the operation revise, where the server has it.
---
--- Unlike update it can empty a reference.
---
--- @param client icrm.Client
--- @param module string
--- @param fields table<string, any> with `id`
--- @param opts? { check?: boolean }
--- @return icrm.Record stored
--- @return icrm.Difference[] changes
function M.revise(client, module, fields, opts)
  local schema = client:describe(module)
  local id, element = split_id(schema, fields)
  element = checked(client, schema, element,
    { check = opts and opts.check, partial = true })
  element.id = id
  return save(client, schema, "revise", element)
end

--- Delete a record, where the server has this operation.
---
--- @param client icrm.Client
--- @param record string|table
--- @return boolean true
function M.delete(client, record)
  local id = M.id_of(record)
  if id:match "^%d+" == tostring(client.user):match "^%d+" then
    input_error(("%s is a user, whom delete would deactivate; do that in the CRM")
      :format(id))
  end
  M.call_on(client, id, "delete", { id = id })
  return true
end

return M
