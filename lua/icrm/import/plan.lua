--- An import as a change set: rows that exist already become updates, all
--- others creations.
-- @module icrm.import.plan

local core = require "icrm.core"
local changes = require "icrm.changes"
local cures = require "icrm.cures"
local errors = require "icrm.error"
local existence = require "icrm.import.existence"
local fault_lists = require "icrm.import.faults"
local limits = require "icrm.limits"
local map = require "icrm.map"
local lookup = require "icrm.query.lookup"
local text_tools = require "icrm.text"
local uniqueness = require "icrm.import.uniqueness"

local M = {}

local LOOK_UPS = 16 -- under way at once

-- A plan that will be refused need not be written any more, only looked through.
local NO_SET = { create = function() end, update = function() end, skip = function() end }

local function add_fault(filler, item, one)
  filler.set = NO_SET
  one.row = item.row
  filler.faults:add(one)
end

-- Note what is wrong with a field of a row.
local function blame(filler, record, item, field, message, cure, value)
  local target = record.by_field[field]
  local known = record.schema.by_name[field]
  add_fault(filler, item, { line = item.line, column = target and target.column, field = field,
    label = known and known.label, value = value, message = message, cure = cure })
end

-- Note what is wrong with the key of a row, or with the record that has it.
local function fault(filler, record, item, message, cure)
  blame(filler, record, item, record.existing[1], message, cure,
    item.key_values and table.concat(item.key_values, " "))
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
  for _, item in ipairs(record.existing and items or {}) do
    local value = item.key_values and item.key_values[1]
    if value and not seen[value] then
      seen[value] = true
      first[#first + 1] = value
    end
  end
  if #first == 0 then
    return found, filler.uniqueness:look_up(record, items)
  end
  record.lookup = record.lookup
    or lookup.new(filler.crm, record.module, record.existing[1], { columns = "*" })
  local rows = record.lookup:find(first)
  for _, row in ipairs(rows) do
    local values = {}
    for i, field in ipairs(record.existing) do
      values[i] = row[field] or ""
    end
    local key = joined(values)
    found[key] = found[key] or {}
    table.insert(found[key], row)
  end
  local known = #record.existing == 1 and { [record.existing[1]] = rows }
  return found, filler.uniqueness:look_up(record, items, known)
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
local function add_empty(filler, record, item, fields, row)
  for _, name in ipairs(item.empty) do
    if not record.schema:same(name, "", row[name]) and fields[name] == nil then
      if filler.empty == "clear" and record.schema.by_name[name].mandatory then
        blame(filler, record, item, name, "is empty, and is mandatory", "give it a value")
      elseif filler.empty == "clear" then
        fields[name] = ""
      elseif filler.empty ~= "keep" then
        blame(filler, record, item, name, "is empty where the CRM has a value",
          cures.say "say {empty=keep} or {empty=clear}")
      end
    end
  end
end

-- Whether the values of a row that the CRM takes once are free.
local function is_unique(filler, record, item, own)
  return filler.uniqueness:check(record, item, filler.taken, own, function(...)
    blame(filler, record, item, ...)
  end)
end

local function add_match(filler, record, item, row)
  local place = { key = item.key, line = item.line, check = false } -- each row is checked once
  if filler.on_match == "skip" then
    place.record, place.code, place.message = row.id, "EXISTS", "exists already as " .. row.id
    return filler.set:skip(item.module, place)
  elseif filler.on_match == "error" then
    return fault(filler, record, item, ("exists already as %s"):format(row.id),
      cures.say "take the row out, or say {on_match=update} or {on_match=skip}")
  end
  if not is_unique(filler, record, item, row.id) then
    return
  end
  local fields = with_references(item)
  add_empty(filler, record, item, fields, row)
  filler.set:update(row, fields, place)
end

-- A record that is not there yet: all of its mandatory fields must be given.
local function add_creation(filler, record, item)
  if item.fields.id then
    return fault(filler, record, item, ("is the id of no record of %s that this user may see")
      :format(record.module), "take the row out; without an id it is a new record")
  end
  local fields, is_whole = with_references(item), is_unique(filler, record, item)
  for _, name in ipairs(record.existing and record.schema.mandatory or {}) do
    local field = record.schema.by_name[name]
    if fields[name] == nil and field.type ~= "owner" then
      is_whole = false
      fault(filler, record, item, ("%s, which needs %s (%s)"):format(item.key_values
        and ("is the key of no record of %s, so this is a new one"):format(record.module)
        or "is empty, so this is a new record", name, field.label),
        "give it a value, or take the row out")
    end
  end
  if is_whole then
    filler.set:create(item.module, fields, { key = item.key, line = item.line, check = false })
  end
end

local function leave_out(filler, item, reason)
  filler.left_out[item.key] = true
  filler.set:skip(item.module, { key = item.key, line = item.line, code = "NO_KEY",
    message = "left out, for " .. reason })
end

-- A row whose key is empty may be there already: to be created, or left out?
local function add_without_key(filler, record, item)
  filler.without_key = filler.without_key + 1
  if filler.empty_key == "create" then
    add_creation(filler, record, item)
  elseif filler.empty_key == "skip" then
    leave_out(filler, item, "its key is empty")
  else
    fault(filler, record, item,
      "is empty, so nobody can look whether the record is there already",
      cures.say("fill it, or say {empty_key=create} (made anew, whatever is there) or "
        .. "{empty_key=skip}"))
  end
end

local function refers_to_left_out(filler, item)
  for _, key in pairs(item.refs) do
    if filler.left_out[key] then
      return true
    end
  end
  return false
end

local function add_item(filler, record, item, found)
  if refers_to_left_out(filler, item) then
    return leave_out(filler, item, "the key of what it refers to is empty")
  elseif record.existing and not item.key_values then
    return add_without_key(filler, record, item)
  end
  local rows = item.key_values and found[joined(item.key_values)] or {}
  if #rows > 1 then
    local ids = {}
    for i, row in ipairs(rows) do
      ids[i] = row.id
    end
    fault(filler, record, item, ("is the key of %d records of %s: %s"):format(#rows,
      record.module, text_tools.cut(table.concat(ids, ", "), 80)),
      "merge them in the CRM, or use another key")
  elseif rows[1] then
    add_match(filler, record, item, rows[1])
  else
    add_creation(filler, record, item)
  end
end

-- Two rows of the file with one key would be two records, or one changed twice.
local function check_twice(filler, record, item)
  local key = record.name .. "\0" .. joined(item.key_values)
  local row = filler.seen[key]
  filler.seen[key] = row or item.row
  if row then
    fault(filler, record, item, ("is in row %d already"):format(row), "remove one of the rows")
  end
end

local function check_references(filler, record, items)
  filler.existence:check(record.schema, items, function(item, field, id)
    blame(filler, record, item, field.name, "is no record or owner that this user may see",
      "mend the id", id)
  end)
end

-- Note the keys of a batch: two rows of the file may not share one.
local function note_keys(filler, record, items)
  for _, item in ipairs(record.existing and items or {}) do
    item.key_values = key_values(record, item)
    if item.key_values then
      check_twice(filler, record, item)
    end
  end
end

local function add_batch(filler, batch)
  filler.taken = batch.taken
  check_references(filler, batch.record, batch.items)
  for _, item in ipairs(batch.items) do
    if #item.faults == 0 then
      add_item(filler, batch.record, item, batch.found)
    end
  end
end

local function check_existing(record)
  for _, field in ipairs(record.existing or {}) do
    if not record.schema.by_name[field] then
      local one = record.schema:unknown_field(field)
      errors.refuse("the key: %s; %s", one.message, one.cure)
    elseif not record.by_field[field] then
      errors.refuse("the key %s: no column of the file feeds this field", field)
    end
  end
end

-- Raise the faults of a file as one error.
local function refuse(job, faults, opts)
  local lines, is_whole = faults:lines()
  local summary = ("%s: %d fault%s; nothing was sent"):format(job.source.path, faults.count,
    faults.count == 1 and "" or "s")
  if not is_whole and not opts.on_faults and opts.see_all then
    summary = summary .. "; " .. opts.see_all
  end
  for i = 1, opts.say and #lines or 0 do
    opts.say("%s", lines[i])
  end
  if opts.on_faults then
    opts.on_faults(faults)
  end
  lines[#lines + 1] = summary
  errors.refuse { message = opts.say and summary or table.concat(lines, "\n") }
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
      errors.refuse("the tag: %s; %s", one.message, one.cure)
    elseif tag then
      witness[record.module] = { tag = tag }
    elseif record.existing and not record.is_by_id then
      witness[record.module] = { key = record.existing }
    end
  end
  return witness
end

-- The rows of the job in batches of one record each; their own faults are noted.
local function batches(filler, job)
  local records, next_item, kept = {}, job:items(), nil
  for _, record in ipairs(job.records) do
    check_existing(record)
    records[record.name] = record
  end
  return function()
    local items, record = { kept }, kept and records[kept.record]
    kept = nil
    while next_item and #items < limits.VALUES_PER_QUERY do
      local item = next_item()
      for _, one in ipairs(item and item.faults or {}) do
        add_fault(filler, item, one)
      end
      local its_record = item and records[item.record] -- none: it is not known which the row makes
      if not item then
        next_item = nil
      elseif its_record and record and its_record ~= record then
        kept = item
        break
      elseif its_record then
        record = its_record
        items[#items + 1] = item
      end
    end
    if record then
      note_keys(filler, record, items)
      return { record = record, items = items, rows_read = job.rows_read }
    end
  end
end

--- Plan an import. When anything is wrong with its rows, all of that is raised as
--- one error.
---
--- @param job icrm.import.Job
--- @param set icrm.ChangeSet
--- @param opts? table on_match: "update" (the default), "skip" or "error"; empty:
---   "keep" or "clear" an existing value whose cell is empty; empty_key: "create"
---   or "skip" a row whose key is empty; say: function(format, ...) that gets the
---   faults line by line, else they are part of the error's message; on_faults: function
---   that gets the icrm.import.Faults, which know what is wrong with each row; see_all: a
---   sentence for where it is not given and not every row was named; on_rows:
---   function that is called with job.rows_read now and then. Where an answer is needed
---   and not given, the rows are faults.
--- @return integer without_key rows whose key is empty
function M.fill(job, set, opts)
  opts = opts or {}
  local filler = { crm = job.crm, set = set, on_match = opts.on_match or "update",
    empty = opts.empty, empty_key = opts.empty_key, seen = {}, without_key = 0, left_out = {},
    faults = fault_lists.new(function(...) return job:describe_fault(...) end,
      { by_row = opts.on_faults ~= nil }),
    existence = existence.new(job.crm), uniqueness = uniqueness.new(job.crm) }
  for batch in map.imap(batches(filler, job), function(batch)
    batch.ok, batch.found, batch.taken = pcall(look_up, filler, batch.record, batch.items)
  end, { concurrency = LOOK_UPS }) do
    if not batch.ok then -- raised here, for the number of a batch says nothing to anybody
      error(batch.found, 0)
    end
    add_batch(filler, batch)
    if opts.on_rows then
      opts.on_rows(batch.rows_read)
    end
  end
  if filler.faults.count > 0 then
    refuse(job, filler.faults, opts)
  end
  set:seal()
  return filler.without_key
end

--- The identity of a file, so that the same file planned twice has the same tags.
---
--- @param path string
--- @return string sha256
function M.identity(path)
  return errors.check(core.digest.sha256_file(path))
end

return M
