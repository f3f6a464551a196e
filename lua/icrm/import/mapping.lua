--- Which column feeds which field: mapping files, and columns by their names.
--
-- A mapping says what records one row makes, as plain data (docs/import-reference.md):
-- `{ module = "Accounts", columns = { ["Raison sociale"] = "accountname" } }`, or
-- `{ records = { { name = "company", module = …, key = "{SIREN}", fields = … } } }`.
-- @module icrm.import.mapping

local core = require "icrm.core"
local errors = require "icrm.error"
local text_tools = require "icrm.text"
local values = require "icrm.import.values"

local M = {}

local refuse = errors.refuse

-- ---- Where a mapping comes from ---------------------------------------------

-- What the functions of a mapping file may use: nothing that reaches outside, and
-- tables of its own, so that what it puts into them changes nothing for others.
local function environment()
  return {
    string = core.copy(string), table = core.copy(table), math = core.copy(math),
    utf8 = core.copy(utf8), values = core.copy(values),
    tonumber = tonumber, tostring = tostring, type = type, ipairs = ipairs, pairs = pairs,
    select = select, error = error,
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

--- Read one mapping file, or one for each of several files of rows.
---
--- @param paths string[]
--- @return table mapping of several, with `files`
function M.load_all(paths)
  if #paths == 1 then
    return M.load(paths[1])
  end
  local parts = {}
  for i, path in ipairs(paths) do
    parts[i] = M.load(path)
    if parts[i].files then
      refuse("the mapping %s is for several files; it is the only one then", path)
    end
  end
  return { files = parts }
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
