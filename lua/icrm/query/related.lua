--- Related records: the method related of icrm.Client.
--
-- vtiger lists them by a relation's label and stops at a hundred. coreBOS has one
-- relation to a module, and its rows have the data base's names of columns, so
-- there the ids are listed, and the records read by them.
-- @module icrm.query.related

local errors = require "icrm.error"
local json = require "icrm.json"
local limits = require "icrm.limits"
local lookup = require "icrm.query.lookup"
local record_calls = require "icrm.record_calls"
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

-- What the relations to a module are called, or which modules there are at all.
local function advice(client, id, module)
  local types = errors.try(client.call, client, "relatedtypes",
    { elementType = records.module_of(client, id) }) or {}
  local labels, others = {}, {}
  for label, relation in pairs(type(types.information) == "table" and types.information or {}) do
    local list = relation.name == module and labels or others
    list[#list + 1] = ("%q"):format(label)
  end
  table.sort(labels)
  table.sort(others)
  if #labels > 0 then
    return ("those to it are called %s: give one as the label"):format(
      table.concat(labels, ", "))
  elseif #others > 0 then
    return "its relations are called " .. table.concat(others, ", ")
  end
  return "the name is untranslated and case matters"
end

local function retrieve_related(client, id, module, label)
  local ok, rows = pcall(record_calls.call_on, client, id, "retrieve_related", {
    id = id, relatedType = module, relatedLabel = label })
  if ok then
    return rows
  elseif errors.is(rows, "refused") and rows.code == "UNKOWN_ENTITY" then
    client:describe(module) -- raises with the nearest name when there is none
    rows.message = ("the module of %s has no relation %q to %s; %s: %s"):format(
      id, label, module, advice(client, id, module), rows.message)
  end
  error(rows, 0)
end

-- One page of ids from coreBOS.
local function related_ids(client, id, module, offset)
  local result = record_calls.call_on(client, id, "getRelatedRecords", {
    id = id, module = records.module_of(client, id), relatedModule = module,
    queryParameters = json.encode { columns = "id", limit = tostring(limits.PAGE_ROWS),
      offset = tostring(offset), orderby = "", productDiscriminator = "" },
  })
  local rows = type(result) == "table" and result.records
  if type(rows) ~= "table" then
    errors.raise { kind = "decode", operation = "getRelatedRecords",
      message = ("the CRM's answer has no records that are related to %s"):format(id) }
  end
  return rows
end

local function all_related_ids(client, id, module)
  local ids, seen = {}, {}
  repeat
    local rows, fresh = related_ids(client, id, module, #ids), 0
    for _, row in ipairs(rows) do
      if not seen[row.id] then
        seen[row.id], fresh = true, fresh + 1
        ids[#ids + 1] = row.id
      end
    end
  until #rows < limits.PAGE_ROWS or fresh == 0
  return ids
end

local function read_related(client, id, module, label)
  if label and label ~= module then
    errors.refuse("this server has one relation of a record to %s; leave the label %q out",
      module, label)
  end
  local rows, ids = {}, all_related_ids(client, id, module)
  local by_id = lookup.by_id(client, module, ids, "*")
  for _, related_id in ipairs(ids) do
    rows[#rows + 1] = by_id[related_id] -- one that was deleted meanwhile is not there
  end
  return rows
end

--- List the records of a module that are related to a record.
---
--- The server cuts the list at 100 without a word. When 100 come back and a
--- reference field is seen to make the relation, all are read by it; otherwise
--- an error says so, unless `cap = true` accepts the first hundred. coreBOS gives
--- them all.
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
  if client:server().kind == "corebos" then
    return read_related(client, id, module, opts.label)
  end
  local rows = retrieve_related(client, id, module, opts.label or module)
  if #rows < limits.PAGE_ROWS or opts.cap then
    return rows
  end
  return walk_related(client, id, module, rows) or errors.raise {
    kind = "query", operation = "retrieve_related",
    message = ("%s has %d or more related %s and the server never gives more than that; "
      .. "pass { cap = true } to take the first of them"):format(id, limits.PAGE_ROWS, module) }
end

return M
