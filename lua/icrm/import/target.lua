--- One field of a mapping made ready for a file: the columns, the constant, the function or
--- the references that feed it.
-- @module icrm.import.target

local errors = require "icrm.error"
local heading_tools = require "icrm.headings"
local nearest = require "icrm.nearest"
local text_tools = require "icrm.text"
local translations = require "icrm.import.translations"

local M = {}

local refuse = errors.refuse

-- The file of the same import that has a column, by mistake of whoever wrote the mapping.
local function other_with(source, heading)
  for _, other in ipairs(source.others or {}) do
    if other:name_of(heading) then
      return ("%s has one: is it in the wrong part of the mapping?"):format(other.path)
    end
  end
end

--- Find a column, or refuse the mapping that names it.
---
--- @param source icrm.Source
--- @param heading string
--- @return integer column
function M.column(source, heading)
  local column = source:column(heading)
  if column then
    return column
  end
  refuse("%s has no column %q; %s", source.path, heading, other_with(source, heading)
    or nearest.ask(heading_tools.near(heading, source.headings))
    or "it has " .. table.concat(source.headings, ", "))
end

--- Compile a template such as "{SIREN}-{Ville}".
---
--- @param source icrm.Source
--- @param template string
--- @return fun(cells: string[]): string? text nil when a column in it is empty
--- @return string[] headings that it reads
function M.template(source, template)
  local parts, headings = {}, {}
  local rest = template:gsub("{([^{}]+)}", function(heading)
    local column = M.column(source, heading)
    headings[#headings + 1] = source.headings[column]
    return "\0" .. column .. "\0"
  end)
  if #headings == 0 then
    refuse("%q names no column; write {Column}", template)
  end
  for text, index in (rest .. "\0\0"):gmatch "([^\0]*)\0(%d*)\0" do
    parts[#parts + 1] = { text = text, index = tonumber(index) }
  end
  return function(cells)
    local out = {}
    for _, part in ipairs(parts) do
      out[#out + 1] = part.text
      if part.index then
        local cell = text_tools.trim(cells[part.index])
        if cell == "" then
          return nil
        end
        out[#out + 1] = cell
      end
    end
    return table.concat(out)
  end, headings
end

local SOURCES = { "column", "const", "fn", "record", "ref" }

--- Find a field that may be written, or refuse the mapping that names it.
---
--- @param schema icrm.Schema
--- @param name string
--- @return icrm.Field
function M.field(schema, name)
  local field, fault = schema:field(name)
  if not field then
    refuse("%s; %s", fault.message, fault.cure)
  elseif not field.editable then
    refuse("%s of %s is written by the server alone; leave it out", name, schema.name)
  end
  return field
end

-- Where the record of a reference is looked for, in this order: the first that finds it.
local function compile_references(target, source, name)
  target.ways, target.headings = {}, {}
  local list = type(target.ref) == "table" and target.ref or { target }
  for i, way in ipairs(list) do
    local module, field = tostring(way.ref):match "^([%w_]+)%.(.+)$"
    if not module then
      refuse("the reference %q of %s: write Module.field", tostring(way.ref), name)
    end
    local text, headings = M.template(source,
      way.from or target.from or ("{%s}"):format(target.column or ""))
    target.ways[i] = { module = module, field = field, text = text }
    table.move(headings, 1, #headings, #target.headings + 1, target.headings)
  end
end

--- Compile what a mapping says of one field: `field`, where its value comes from, and
--- `headings`, the columns that feed it (nil when the mapping names none).
---
--- @param record table being compiled
--- @param source icrm.Source
--- @param name string of the field, or its label
--- @param spec string|table a column, or what feeds the field
--- @return table target
function M.compile(record, source, name, spec)
  local is_id = name == "id" and record.is_by_id
  local target = { field = is_id and record.schema.by_name.id or M.field(record.schema, name) }
  if type(spec) == "string" then
    spec = { column = spec }
  elseif type(spec) ~= "table" then
    refuse("the field %s needs a column or a table, not a %s", name, type(spec))
  end
  for key, value in pairs(spec) do
    target[key] = key == "field" and target.field or value
  end
  if target.column then
    target.index = M.column(source, target.column)
    target.column = source.headings[target.index]
    target.headings = { target.column }
  end
  if target.ref then
    compile_references(target, source, name)
  end
  local given = {}
  for _, kind in ipairs(SOURCES) do
    given[#given + 1] = target[kind] ~= nil and kind or nil
  end
  if #given == 0 then
    refuse("the field %s needs one of %s", name, table.concat(SOURCES, ", "))
  elseif #given > 1 and not (#given == 2 and target.ref and target.column) then
    refuse("the field %s has %s; which of them counts?", name, table.concat(given, " and "))
  end
  if target.values then
    translations.attach(record.schema, target, target.values)
  end
  return target
end

return M
