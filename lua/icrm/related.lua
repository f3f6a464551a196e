--- Related records: the method related of icrm.Client.
-- @module icrm.related

local errors = require "icrm.error"
local limits = require "icrm.limits"
local records = require "icrm.records"

local M = {}

-- The reference field by which all these rows belong to the record, if any.
local function linking_field(client, id, module, rows)
  for _, field in ipairs(client:describe(module).fields) do
    local all = field.type == "reference"
    for _, row in ipairs(rows) do
      all = all and row[field.name] == id
    end
    if all then
      return field.name
    end
  end
end

local function walk_related(client, id, module, rows)
  local field = linking_field(client, id, module, rows)
  local seen, all = {}, {}
  if field then
    for row in client:from(module):where(field, "=", id):each() do
      seen[row.id] = true
      all[#all + 1] = row
    end
  end
  for _, row in ipairs(rows) do
    if not seen[row.id] then
      return nil
    end
  end
  return all
end

local function retrieve_related(client, id, module, label)
  local ok, rows = pcall(records.call_on, client, id, "retrieve_related", {
    id = id, relatedType = module, relatedLabel = label })
  if ok then
    return rows
  elseif errors.is(rows, "refused") and rows.code == "UNKOWN_ENTITY" then
    client:describe(module) -- raises with the nearest name when there is none
    rows.message = ("the module of %s has no relation %q to %s; the name is "
      .. "untranslated and case matters, see { label = … }: %s"):format(
        id, label, module, rows.message)
  end
  error(rows, 0)
end

--- List the records of a module that are related to a record.
---
--- The server cuts the list at 100 without a word. When 100 come back and a
--- reference field is seen to make the relation, all are read by it; otherwise
--- an error says so, unless `cap = true` accepts the first hundred.
---
--- @param client icrm.Client
--- @param record string|table
--- @param module string
--- @param opts? { label?: string, cap?: boolean } label: the relation's name,
---   untranslated; the module's name by default
--- @return icrm.Record[]
function M.related(client, record, module, opts)
  opts = opts or {}
  local id = records.id_of(record)
  local rows = retrieve_related(client, id, module, opts.label or module)
  if #rows < limits.PAGE_ROWS or opts.cap then
    return rows
  end
  return walk_related(client, id, module, rows) or errors.raise {
    kind = "query", operation = "retrieve_related",
    message = ("%s has 100 or more related %s and the server never gives more "
      .. "than 100; pass { cap = true } to take the first hundred"):format(id, module) }
end

return M
