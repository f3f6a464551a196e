--- An import as a change set: rows that exist already become updates, all
--- others creations.
-- @module icrm.import.plan

local core = require "icrm.core"
local changes = require "icrm.changes"
local errors = require "icrm.error"
local existence = require "icrm.import.existence"
local text_tools = require "icrm.text"

local M = {}

local KEYS_PER_CALL = 50 -- the front server refuses long URLs

local function fault(filler, item, message, cure)
  table.insert(filler.faults, { line = item.line, message = message, cure = cure })
end

-- The values by which a row's record is found in the CRM, nil when one is empty.
local function key_values(record, item)
  local values = {}
  for i, field in ipairs(record.existing) do
    local value = item.fields[field]
    if not value or value == "" then
      return nil
    end
    values[i] = value
  end
  return values
end

local function joined(values)
  return table.concat(values, "\0")
end

-- Records of the CRM by their key, compared byte for byte: the server itself
-- compares without case and accents.
local function look_up(filler, record, items)
  local first, seen, found = {}, {}, {}
  for _, item in ipairs(items) do
    local value = item.key_values and item.key_values[1]
    if value and not seen[value] then
      seen[value] = true
      first[#first + 1] = value
    end
  end
  for from = 1, #first, KEYS_PER_CALL do
    local keys = table.move(first, from, math.min(from + KEYS_PER_CALL - 1, #first), 1, {})
    local text = ("SELECT * FROM %s WHERE %s IN (?)"):format(record.module, record.existing[1])
    for row in filler.crm:query(text, keys):each() do
      local values = {}
      for i, field in ipairs(record.existing) do
        values[i] = row[field] or ""
      end
      local key = joined(values)
      found[key] = found[key] or {}
      table.insert(found[key], row)
    end
  end
  return found
end

local function with_references(item)
  local fields = {}
  for name, value in pairs(item.fields) do
    fields[name] = value
  end
  for name, key in pairs(item.refs) do
    fields[name] = changes.ref(key)
  end
  return fields
end

-- A cell is empty where the CRM has a value: to be kept, or to be cleared?
local function add_empty(filler, item, fields, record)
  for _, name in ipairs(item.empty) do
    if (record[name] or "") ~= "" and fields[name] == nil then
      if filler.empty == "clear" then
        fields[name] = ""
      elseif filler.empty ~= "keep" then
        filler.open_empty = filler.open_empty or { line = item.line, field = name, n = 0 }
        filler.open_empty.n = filler.open_empty.n + 1
      end
    end
  end
end

local function add_match(filler, item, row)
  local place = { key = item.key, line = item.line }
  if filler.on_match == "skip" then
    place.record, place.code, place.message = row.id, "EXISTS", "exists already as " .. row.id
    return filler.set:skip(item.module, place)
  elseif filler.on_match == "error" then
    return fault(filler, item, ("exists already as %s"):format(row.id),
      "take the row out, or say --on-match update or skip")
  end
  local fields = with_references(item)
  add_empty(filler, item, fields, row)
  filler.set:update(row, fields, place)
end

local function add_item(filler, record, item, found)
  local rows = item.key_values and found[joined(item.key_values)] or {}
  if #rows > 1 then
    local ids = {}
    for i, row in ipairs(rows) do
      ids[i] = row.id
    end
    fault(filler, item, ("%d records of %s have this key: %s"):format(#rows, record.module,
      table.concat(ids, ", ")), "merge them in the CRM, or use another key")
  elseif rows[1] then
    add_match(filler, item, rows[1])
  else
    filler.set:create(item.module, with_references(item), { key = item.key, line = item.line })
  end
end

-- Two rows of the file with one key would be two records, or one changed twice.
local function check_twice(filler, record, item)
  if not item.key_values then
    return
  end
  local key = record.name .. "\0" .. joined(item.key_values)
  local line = filler.seen[key]
  filler.seen[key] = line or item.line
  if line then
    fault(filler, item, ("%s is on line %d already"):format(
      text_tools.quote(table.concat(item.key_values, " ")), line), "remove one of the rows")
  end
end

local function check_references(filler, record, items)
  filler.existence:check(record.schema, items, function(item, field, id)
    local target = record.by_field[field.name]
    table.insert(filler.faults, { line = item.line, column = target and target.column,
      field = field.name, value = id, message = "is no record or owner that this user may see",
      cure = "mend the id" })
  end)
end

local function add_batch(filler, record, items)
  check_references(filler, record, items)
  local found = record.existing and look_up(filler, record, items) or {}
  for _, item in ipairs(items) do
    add_item(filler, record, item, found)
  end
end

local function check_existing(record)
  for _, field in ipairs(record.existing or {}) do
    if not record.schema.by_name[field] then
      local one = record.schema:unknown_field(field)
      errors.raise { kind = "input", message = ("--key: %s; %s"):format(one.message, one.cure) }
    elseif not record.by_field[field] then
      errors.raise { kind = "input", message = ("--key %s: no column of the file feeds this field")
        :format(field) }
    end
  end
end

local function raise_faults(job, faults)
  local lines = {}
  for i = 1, math.min(#faults, 20) do
    lines[i] = job:describe_fault(faults[i])
  end
  if #faults > 20 then
    lines[#lines + 1] = ("… and %d more"):format(#faults - 20)
  end
  errors.raise { kind = "input", message = table.concat(lines, "\n") }
end

--- How the records of an import are found again when an answer is lost: by a
--- tag field, else by the key that tells which exist.
---
--- @param job icrm.import.Job
--- @param tag? string a text field of every module of the import
--- @return table witness for icrm.changes.create
function M.witness(job, tag)
  local witness = {}
  for _, record in ipairs(job.records) do
    local field = tag and record.schema.by_name[tag]
    if tag and not field then
      local one = record.schema:unknown_field(tag)
      errors.raise { kind = "input", message = ("--tag: %s; %s"):format(one.message, one.cure) }
    elseif tag then
      witness[record.module] = { tag = tag }
    elseif record.existing then
      witness[record.module] = { key = record.existing }
    end
  end
  return witness
end

--- Plan an import whose rows have no faults (see icrm.import.Job:check).
---
--- @param job icrm.import.Job
--- @param set icrm.ChangeSet
--- @param opts? table on_match: "update" (the default), "skip" or "error"; empty:
---   "keep" or "clear" an existing value whose cell is empty
function M.fill(job, set, opts)
  opts = opts or {}
  local filler = { crm = job.crm, set = set, on_match = opts.on_match or "update",
    empty = opts.empty, faults = {}, seen = {}, existence = existence.new(job.crm) }
  local records = {}
  for _, record in ipairs(job.records) do
    check_existing(record)
    records[record.name] = record
  end
  local batch, current = {}, nil
  for item in job:items() do
    local record = records[item.record]
    if #batch > 0 and (record ~= current or #batch == KEYS_PER_CALL) then
      add_batch(filler, current, batch)
      batch = {}
    end
    current = record
    item.key_values = record.existing and key_values(record, item)
    check_twice(filler, record, item)
    batch[#batch + 1] = item
  end
  add_batch(filler, current, batch)
  if #filler.faults > 0 then
    raise_faults(job, filler.faults)
  end
  local open = filler.open_empty
  if open then
    errors.raise { kind = "input", message = ("%s: %d empty cells stand where the CRM has a "
      .. "value, the first on line %d (%s); say --empty keep or --empty clear")
      :format(job.source.path, open.n, open.line, open.field) }
  end
  set:seal()
end

--- The identity of a file, so that the same file planned twice has the same tags.
---
--- @param path string
--- @return string sha256
function M.identity(path)
  return errors.check(core.digest.sha256_file(path))
end

return M
