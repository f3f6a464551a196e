--- A mapping made ready for a file: headings become places, fields are known.
-- @module icrm.import.compile

local cures = require "icrm.cures"
local errors = require "icrm.error"
local mapping_files = require "icrm.import.mapping"
local schemas = require "icrm.schema"
local shape = require "icrm.import.shape"
local targets = require "icrm.import.target"
local text_tools = require "icrm.text"

local M = {}

local refuse = errors.refuse

local function add_target(record, source, text, spec)
  local target = targets.compile(record, source, text, spec)
  local name = target.field.name
  if record.by_field[name] then
    refuse("the field %s is fed twice", name)
  end
  record.by_field[name] = target
  record.targets[#record.targets + 1] = target
end

local function sorted(map)
  local names = {}
  for name in pairs(map or {}) do
    names[#names + 1] = name
  end
  table.sort(names)
  return names
end

local function compile_columns(record, source, spec)
  local used = {}
  for _, heading in ipairs(sorted(spec.columns)) do
    local to = spec.columns[heading]
    local name = source:name_of(heading)
    if to ~= false or not source.doubles[name] then
      targets.column(source, heading)
    end
    if type(to) == "string" then
      add_target(record, source, to, heading)
    elseif type(to) == "table" and type(to.field) == "string" then
      local copy = { column = heading }
      for key, value in pairs(to) do
        copy[key] = value
      end
      add_target(record, source, copy.field, copy)
    elseif to ~= false then
      refuse("the column %q needs a field's name, a table with `field`, or false", heading)
    end
    used[name] = true
  end
  return used
end

-- A copy of a list, or of what stands for a list of one.
local function list_of(value)
  return type(value) == "table" and table.move(value, 1, #value, 1, {}) or { value }
end

local function compile_keys(source, key)
  local templates = {}
  for i, template in ipairs(list_of(key)) do
    templates[i] = targets.template(source, template)
  end
  return templates
end

local function owner_of(target, owners)
  local text = tostring(target.const)
  local id, problem, cure = owners:find(text)
  return id or refuse("%s: %s %s; %s", target.field.name, text_tools.quote(text), problem, cure)
end

-- What every row would be refused for is said once, before the first row is read:
-- a constant that the field does not take, a mandatory field that nothing feeds.
local function check_constants(record, owners)
  local constants = {}
  for _, target in ipairs(record.targets) do
    if target.const ~= nil and target.field.type == "owner" then
      target.const = owner_of(target, owners)
    end
    if target.const ~= nil then
      constants[target.field.name] = target.const
    end
  end
  local _, faults = record.schema:check(constants, { partial = true })
  if #faults > 0 then
    refuse("%s, the same value in every row: %s", record.module, schemas.describe_faults(faults))
  end
end

local function check_mandatory(record, source)
  if record.existing then
    return -- updates need none; which rows are creations shows later
  end
  local names = {}
  for _, name in ipairs(record.schema.mandatory) do
    local field = record.schema.by_name[name]
    if not record.by_field[name] and field.type ~= "owner" then
      names[#names + 1] = ("%s (%s)"):format(name, field.label)
    end
  end
  if #names > 0 then
    refuse("no column of %s feeds %s, without which %s takes no record; name one with %s, or in "
      .. "the mapping file, or give all rows the same value; the columns are %s", source.path,
      table.concat(names, ", "), record.module,
      cures.say("{feed COLUMN FIELD}", { FIELD = names[1]:match "^%S+" }),
      table.concat(source.headings, ", "))
  end
end

-- Fields may be named by their labels.
local function by_names(record, spec)
  for i, text in ipairs(record.existing or {}) do
    local field, fault = record.schema:field(text)
    if not field then
      refuse("the key: %s; %s", fault.message, fault.cure)
    end
    record.existing[i] = field.name
  end
  for _, text in ipairs(sorted(spec.max_length)) do
    record.max_length[targets.field(record.schema, text).name] = spec.max_length[text]
  end
end

local function compile_record(spec, source, describe)
  if type(spec.module) ~= "string" then
    refuse "the mapping names no module; write module = \"Accounts\", say"
  end
  local record = {
    name = spec.name or spec.module, module = spec.module, schema = describe(spec.module),
    targets = {}, by_field = {}, distinct = spec.distinct, when = spec.when,
    keys = compile_keys(source, spec.key), max_length = {},
    existing = spec.existing and list_of(spec.existing),
  }
  by_names(record, spec)
  record.is_by_id = record.existing ~= nil and record.existing[1] == "id"
  if record.is_by_id and #record.existing > 1 then
    refuse("%s: an id is a key by itself; leave the others out", record.name)
  end
  if record.distinct and #record.keys == 0 then
    refuse("%s: distinct needs a key that tells which rows are the same record", record.name)
  end
  local used = compile_columns(record, source, spec)
  for _, name in ipairs(sorted(spec.fields)) do
    add_target(record, source, name, spec.fields[name])
  end
  if spec.match then
    local matched = mapping_files.match(source.headings, record.schema)
    if record.is_by_id and source.index.id then
      matched.id = "id"
    end
    for _, heading in ipairs(source.headings) do
      local name = matched[heading]
      if name and not used[heading] and not record.by_field[name] then
        add_target(record, source, name, heading)
      end
    end
  end
  if #record.targets == 0 then
    refuse("no column of %s matches a field of %s (it was read as %s); %s", source.path,
      spec.module, source:describe(),
      cures.say("name them with {feed COLUMN FIELD}, or write a mapping file, of which {suggest} "
        .. "makes a draft", { FILE = source.path, MODULE = spec.module }))
  end
  return record
end

--- Compile a mapping against a file's headings and the modules' fields.
---
--- @param mapping table
--- @param source icrm.Source
--- @param describe fun(module: string): icrm.Schema
--- @param owners icrm.import.Owners
--- @return table[] records in the order in which they are made
function M.compile(mapping, source, describe, owners)
  shape.check(mapping)
  local records, by_name = {}, {}
  for i, spec in ipairs(mapping.records or { mapping }) do
    local record = compile_record(spec, source, describe)
    if by_name[record.name] then
      refuse("two records of the mapping are named %q; give each a name", record.name)
    end
    for _, target in ipairs(record.targets) do
      if target.record then
        target.parent = by_name[target.record] or refuse(
          "%s refers to the record %q, which must come before it in the mapping",
          target.field.name, tostring(target.record))
        target.parent.is_parent = true
      end
    end
    check_constants(record, owners)
    check_mandatory(record, source)
    by_name[record.name], records[i] = record, record
  end
  return records
end

--- List the headings that no record reads, as far as it can be seen: functions
--- may read more.
---
--- @param records table[]
--- @param source icrm.Source
--- @return string[]
function M.unused(records, source)
  local used, unused, has_functions = {}, {}, false
  for _, record in ipairs(records) do
    has_functions = has_functions or record.when ~= nil
    for _, target in ipairs(record.targets) do
      has_functions = has_functions or target.fn ~= nil
      for _, heading in ipairs(target.headings or {}) do
        used[heading] = true
      end
    end
  end
  for _, heading in ipairs(has_functions and {} or source.headings) do
    if not used[heading] then
      unused[#unused + 1] = heading
    end
  end
  return unused
end

return M
