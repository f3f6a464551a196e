--- Reading and writing single records: the methods retrieve, create, update,
--- revise and delete of icrm.Client.
-- @module icrm.records

local core = require "icrm.core"
local errors = require "icrm.error"
local images = require "icrm.images"
local record_calls = require "icrm.record_calls"
local schema_module = require "icrm.schema"
local values = require "icrm.values"
local ways = require "icrm.ways"

local M = {}

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
    errors.refuse("%s is no record id; an id is the module's prefix, an x and a number, like "
      .. "9x6617554", type(id) == "string" and ("%q"):format(values.shorten(id)) or tostring(id))
  end
  return id
end

--- Retrieve a record by its id. An answer that is not that record is refused: what
--- is written on the strength of it would go to the wrong one.
---
--- @param client icrm.Client
--- @param record string|table an id, or a record with one
--- @return icrm.Record
function M.retrieve(client, record)
  local id = M.id_of(record)
  local result = record_calls.call_on(client, id, "retrieve", { id = id })
  local came = type(result) == "table" and result.id
  if came ~= id then
    errors.raise { kind = "decode", operation = "retrieve",
      message = ("the CRM was asked for %s and gave %s; nothing of this answer is used"):format(id,
        values.is_id(came) and came or "no record") }
  end
  return result
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
    errors.refuse { message = ("%s: %s"):format(schema.name, schema_module.describe_faults(faults)),
      faults = faults }
  end
  return normalised
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
    errors.refuse "create takes no id; the server gives one (use update to change a record)"
  end
  element = checked(client, schema, element, opts or {})
  local record = record_calls.save(client, schema, "create", ways.creation(client, schema, element))
  local outcome = images.outcome(schema, element, nil, record)
  if images.is_altered(outcome) and images.is_another(schema, element, record) then
    errors.raise { kind = "unknown_outcome", operation = "create",
      message = ("the answer shows another record, %s, than the one of %s that was sent; look "
        .. "whether that is there before trying again"):format(record.id, schema.name) }
  end
  ways.follow(client, module, record)
  return record, outcome
end

local function split_id(schema, fields)
  local id, rest = M.id_of(fields), {}
  if id:match "^%d+" ~= schema.id_prefix then
    errors.refuse("%s is no id of %s: those begin with %sx", id, schema.name, schema.id_prefix)
  end
  for name, value in pairs(fields) do
    rest[name] = value
  end
  rest.id = nil
  return id, rest
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
  errors.refuse("%s belongs to no module that %s may see", id, client.username)
end

local function choose_way(client, schema, current, changes, opts)
  local way, failure = ways.choose(client, schema, current, changes,
    { learnt = client.learnt_ways[schema.name] })
  if way and way.name == "whole" and opts.partial then
    failure = { code = "NO_SAFE_WAY", message = ("%s can only be changed by sending it back "
      .. "whole, and that is not wanted (partial)"):format(current.id) }
  end
  if failure then
    errors.refuse { code = failure.code, message = failure.message }
  end
  return way
end

-- Where nothing is known of the server, the first record of a module shows what it
-- does; one that blanks what is absent gets the record back whole.
local function change(client, schema, current, changes, opts)
  local way = choose_way(client, schema, current, changes, opts)
  local record = record_calls.save(client, schema, way.operation, way.element)
  if way.is_known then
    return record, images.outcome(schema, changes, current, record)
  end
  record = M.retrieve(client, current.id)
  local outcome = images.outcome(schema, changes, current, record)
  local learnt = client.learnt_ways
  learnt[schema.name] = images.is_blanked(outcome) and way.name ~= "whole" and "whole" or way.name
  if learnt[schema.name] ~= way.name then
    return change(client, schema, current, changes, opts)
  end
  return record, outcome
end

-- What is given back as it was read is not meant to change, and need not be a
-- field that a client may write: a whole record can be given.
local function without(fields, is_same)
  local rest = {}
  for name, value in pairs(fields) do
    if not is_same(name, value) then
      rest[name] = value
    end
  end
  return rest
end

--- Change a record.
---
--- The record is read first; the fields that are not as it has them are changed, in
--- the way that keeps all else as it is on this server (docs/servers.md). Nothing is
--- sent where there is no such field.
---
--- @param client icrm.Client
--- @param module string
--- @param fields table<string, any> with `id`
--- @param opts? { check?: boolean, partial?: boolean } partial: raise rather than
---   send the record back whole, where nothing else would keep the rest
--- @return icrm.Record stored
--- @return icrm.Difference[] changes what the server stored otherwise than sent, and
---   fields that are not as before although they were not sent (`spilled`)
function M.update(client, module, fields, opts)
  opts = opts or {}
  local schema = client:describe(module)
  local id, changes = split_id(schema, fields)
  local current = M.retrieve(client, id)
  changes = without(changes, function(name, value)
    local both_tables = type(value) == "table" and type(current[name]) == "table"
    return both_tables or values.text(value) == values.text(current[name]) and current[name] ~= nil
  end)
  changes = checked(client, schema, changes, { check = opts.check, partial = true })
  changes = without(changes, function(name, value)
    return current[name] ~= nil and schema:same(name, value, current[name])
  end)
  if not next(changes) then
    return current, {}
  end
  return change(client, schema, current, changes, opts)
end

--- Change only the given fields by the operation revise, where the server has it.
---
--- Unlike update it can empty a reference. Raises where the server's revise would
--- take something else away. Numbers go in the form that the server reads.
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
  local sent, failure = ways.revision(client, schema, element, function()
    return M.retrieve(client, id)
  end)
  if not sent then
    errors.refuse { code = failure.code, message = failure.message }
  end
  sent.id = id
  local record = record_calls.save(client, schema, "revise", sent)
  return record, images.differences(schema, element, record)
end

--- Delete a record, where the server has this operation.
---
--- @param client icrm.Client
--- @param record string|table
--- @return boolean true
function M.delete(client, record)
  local id = M.id_of(record)
  if id:match "^%d+" == tostring(client.user):match "^%d+" then
    errors.refuse("%s is a user, whom delete would deactivate; do that in the CRM", id)
  end
  record_calls.call_on(client, id, "delete", { id = id })
  return true
end

return M
