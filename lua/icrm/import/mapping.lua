--- Which column feeds which field: mapping files, options, and columns by their names.
--
-- A mapping says what records one row makes, as plain data (docs/import.md):
-- `{ module = "Accounts", columns = { ["Raison sociale"] = "accountname" } }`, or
-- `{ records = { { name = "company", module = …, key = "{SIREN}", fields = … } } }`.
-- @module icrm.import.mapping

local errors = require "icrm.error"
local text_tools = require "icrm.text"
local values = require "icrm.import.values"

local M = {}

local refuse = errors.refuse

-- ---- Where a mapping comes from ---------------------------------------------

local function copy(functions)
  local copied = {}
  for name, value in pairs(functions) do
    copied[name] = type(value) == "table" and copy(value) or value
  end
  return copied
end

-- What the functions of a mapping file may use: nothing that reaches outside, and
-- tables of its own, so that what it puts into them changes nothing for others.
local function environment()
  return {
    string = copy(string), table = copy(table), math = copy(math), utf8 = copy(utf8),
    tonumber = tonumber, tostring = tostring, type = type, ipairs = ipairs, pairs = pairs,
    select = select, error = error, values = copy(values),
  }
end

--- Read a mapping file: Lua that returns a table.
---
--- @param path string
--- @return table mapping
function M.load(path)
  local chunk, problem = loadfile(path, "t", environment())
  if not chunk then
    refuse("the mapping cannot be read: %s", problem)
  end
  local ok, mapping = pcall(chunk)
  if not ok or type(mapping) ~= "table" then
    refuse("the mapping %s must return a table%s", path,
      ok and "" or ": " .. tostring(mapping))
  end
  return mapping
end

local function split(word, option, form)
  local left, right = word:match "^%s*(.-)%s*=%s*(.-)%s*$"
  if not left or left == "" or right == "" then
    refuse("%s %q: write %s", option, word, form)
  end
  return left, right
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

--- Make a mapping from command-line options.
---
--- @param opts table module; map: "Column=field" list; set: "field=value" list;
---   ref: "field=Module.field:{Column}" list, a `?` at the end allows an empty
---   one, of several for one field the first that finds a record counts;
---   max_length: "field=N" list; key: list of fields by which existing records are
---   found
--- @return table mapping with `match = true`: headings not named are matched by name
function M.from_options(opts)
  local mapping = { module = opts.module, match = true, columns = {}, fields = {},
    existing = opts.key and #opts.key > 0 and opts.key or nil, max_length = {} }
  for _, word in ipairs(opts.max_length or {}) do
    local field, count = split(word, "--max-length", "FIELD=N")
    put(mapping.max_length, field, count:find "^[1-9]%d*$" and math.tointeger(count)
      or refuse("--max-length %q: write FIELD=N", word), "--max-length")
  end
  for _, word in ipairs(opts.map or {}) do
    local column, field = split(word, "--map", '"Column=field"')
    put(mapping.columns, column, field, "--map")
  end
  for _, word in ipairs(opts.set or {}) do
    local field, value = split(word, "--set", '"field=value"')
    put(mapping.fields, field, { const = value }, "--set")
  end
  for _, word in ipairs(opts.ref or {}) do
    local field, target = split(word, "--ref", '"field=Module.field:{Column}"')
    local by, from, optional = target:match "^([%w_]+%.[%w_]+):(.-)(%??)$"
    if not by or from == "" then
      refuse('--ref %q: write "field=Module.field:{Column}"', word)
    end
    put_reference(mapping.fields, field, { ref = by, from = from }, optional == "?")
  end
  return mapping
end

-- ---- Matching by name ---------------------------------------------------------

--- Compare headings with the names and labels of a module's fields, without
--- case and accents.
---
--- @param headings string[]
--- @param schema icrm.Schema
--- @return table<string, string> columns heading -> field name
function M.match(headings, schema)
  local by_text, taken, columns = {}, {}, {}
  local function offer(text, field)
    local folded = text_tools.fold(text)
    if field.editable and by_text[folded] == nil then
      by_text[folded] = field.name
    end
  end
  for _, field in ipairs(schema.fields) do
    offer(field.name, field)
  end
  for _, field in ipairs(schema.fields) do
    offer(field.label, field)
  end
  for _, heading in ipairs(headings) do
    local name = by_text[text_tools.fold(heading)]
    if name and not taken[name] then
      columns[heading], taken[name] = name, true
    end
  end
  return columns
end

return M
