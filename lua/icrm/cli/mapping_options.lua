--- The options that say which column feeds which field, as a mapping (docs/import-reference.md).
-- @module icrm.cli.mapping_options

local refuse = require("icrm.error").refuse
local text_tools = require "icrm.text"
local words = require "icrm.cli.words"

local M = {}

local function split(word, option, form)
  local left, right = word:match "^%s*(.-)%s*=%s*(.-)%s*$"
  if not left or left == "" or right == "" then
    refuse("%s %q: write %s", option, word, form)
  end
  return left, right
end

-- A heading may hold `=`, and no field does: without quotes the last one counts.
local function column_and_field(word)
  local column, field = word:match '^%s*([^"%s].*)=([^="]*)$'
  if column and field:find "%S" then
    return text_tools.trim(column), text_tools.trim(field)
  end
  return words.split(word, "--map", '"Column=field"', "=")
end

-- Of two values for one name the last would count, and the first be forgotten.
local function put(map, name, value, option)
  if map[name] ~= nil then
    refuse("%s names %s twice", option, name)
  end
  map[name] = value
end

-- Several references of one field are ways to its record: the first that finds it.
local function put_reference(fields, name, way, optional)
  local before = fields[name]
  if not before then
    fields[name] = { ref = way.ref, from = way.from, optional = optional }
  elseif before.ref then
    if type(before.ref) == "string" then
      before.ref, before.from = { { ref = before.ref, from = before.from } }, nil
    end
    table.insert(before.ref, way)
    before.optional = before.optional or optional
  else
    refuse("--set and --ref both feed %s; leave one out", name)
  end
end

--- Make a mapping of the options.
---
--- @param opts table module; map: "Column=field" list; set: "field=value" list;
---   ref: "field=Module.field:{Column}" list, a `?` at the end allows an empty
---   one, of several for one field the first that finds a record counts;
---   max_length: "field=N" list; key: list of fields by which existing records are
---   found
--- @return table mapping with `match = true`: headings not named are matched by name
function M.read(opts)
  local mapping = { module = opts.module, match = true, columns = {}, fields = {},
    existing = opts.key and #opts.key > 0 and opts.key or nil, max_length = {} }
  for _, word in ipairs(opts.max_length or {}) do
    local field, count = split(word, "--max-length", "FIELD=N")
    put(mapping.max_length, field, count:find "^[1-9]%d*$" and math.tointeger(count)
      or refuse("--max-length %q: write FIELD=N", word), "--max-length")
  end
  for _, word in ipairs(opts.map or {}) do
    local column, field = column_and_field(word)
    put(mapping.columns, column, field, "--map")
  end
  for _, word in ipairs(opts.set or {}) do
    local field, value = split(word, "--set", '"field=value"')
    put(mapping.fields, field, { const = value }, "--set")
  end
  for _, word in ipairs(opts.ref or {}) do
    local field, target = split(word, "--ref", '"field=Module.field:{Column}"')
    local by, from, optional = target:match "^([%w_]+%.[^:]+):(.-)(%??)$"
    if not by or from == "" then
      refuse('--ref %q: write "field=Module.field:{Column}"', word)
    end
    put_reference(mapping.fields, field, { ref = by, from = from }, optional == "?")
  end
  return mapping
end

--- Read the values that stand for others.
---
--- @param list string[] "Column:from=to"
--- @return table<string, table<string, string>> values by heading
function M.values(list)
  local by_heading = {}
  for _, word in ipairs(list) do
    local heading, from, to = words.split(word, "--value", '"Column:from=to"', ":=")
    by_heading[heading] = by_heading[heading] or {}
    put(by_heading[heading], from, to, ("--value %q"):format(heading))
  end
  return by_heading
end

return M
