--- One row of a file as a change: a creation, an update, or nothing.
-- @module icrm.import.change

local advice = require "icrm.import.advice"
local changes = require "icrm.changes"
local cures = require "icrm.cures"
local keys = require "icrm.import.keys"
local text_tools = require "icrm.text"

-- What became of a row, for those that refer to it; of one that the CRM has, its id.
local M = { NEW = "new", LEFT_OUT = "left out", FAILED = "failed" }

-- A plan that will be refused need not be written any more, only looked through.
local NO_SET = { create = function() end, update = function() end, skip = function() end }

--- Note a fault of a row: nothing more is planned.
---
--- @param filler table of icrm.import.plan
--- @param item table the row
--- @param one icrm.import.Fault
function M.add_fault(filler, item, one)
  filler.set = NO_SET
  one.row = item.row
  filler.faults[item.job]:add(one)
end

--- Note what is wrong with a field of a row.
---
--- @param filler table of icrm.import.plan
--- @param record table compiled
--- @param item table the row
--- @param field string
--- @param message string
--- @param cure? string
--- @param value? string
function M.blame(filler, record, item, field, message, cure, value)
  M.add_fault(filler, item, advice.fault(item.line, record.schema.by_name[field],
    record.by_field[field], message, cure, value))
end

--- Note what is wrong with the key of a row, or with the record that has it.
---
--- @param filler table of icrm.import.plan
--- @param record table compiled
--- @param item table the row
--- @param message string
--- @param cure? string
--- @return string outcome
function M.fault(filler, record, item, message, cure)
  M.blame(filler, record, item, record.existing[1], message, cure,
    item.key_values and table.concat(item.key_values, " "))
  return M.FAILED
end

local blame, fault = M.blame, M.fault

-- ---- References to other rows ---------------------------------------------------

-- The fields of a row, references to other rows included.
local function with_references(filler, item)
  local fields = {}
  for name, value in pairs(item.fields) do
    fields[name] = value
  end
  for name, key in pairs(item.refs) do
    local outcome = filler.waiting:outcome(key)
    local is_made = outcome == M.NEW or outcome == M.FAILED
    fields[name] = is_made and changes.ref(key) or outcome
  end
  return fields
end

local function refers_to_left_out(filler, item)
  for _, key in pairs(item.refs) do
    if filler.waiting:outcome(key) == M.LEFT_OUT then
      return true
    end
  end
  return false
end

-- ---- What the row becomes ---------------------------------------------------------

local function with_plain_ends(text)
  return (text:gsub("\r\n?", "\n"))
end

-- A table program has LF where the CRM has CR LF, and blanks around a text go when it is
-- read: what differs in nothing else is no change, and what differs keeps the CRM's way
-- of ending lines.
local function keep_form(fields, row)
  for name, value in pairs(fields) do
    local stored = row[name]
    if type(value) == "string" and type(stored) == "string" and value ~= stored then
      local plain, its = with_plain_ends(value), with_plain_ends(stored)
      if plain == its or text_tools.trim(plain) == text_tools.trim(its) then
        fields[name] = stored
      elseif stored:find("\r\n", 1, true) then
        fields[name] = plain:gsub("\n", "\r\n")
      end
    end
  end
end

-- What is the same key is no change of it.
local function keep_keys(fields, record, row)
  for i, name in ipairs(record.existing) do
    local stored, field = row[name], record.key_fields[i]
    if stored and fields[name] and keys.form(stored, field) == keys.form(fields[name], field) then
      fields[name] = stored
    end
  end
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
local function is_unique(filler, record, item, taken, own)
  item.own = own
  return filler.uniqueness:check(record, item, taken, function(...)
    blame(filler, record, item, ...)
  end)
end

local function add_match(filler, record, item, taken, row)
  local place = { key = item.key, line = item.line, check = false } -- each row is checked once
  if filler.on_match == "skip" then
    place.record, place.code, place.message = row.id, "EXISTS", "exists already as " .. row.id
    filler.set:skip(item.module, place)
    return row.id
  elseif filler.on_match == "error" then
    return fault(filler, record, item, ("exists already as %s"):format(row.id),
      cures.say "take the row out, or say {on_match=update} or {on_match=skip}")
  end
  if not is_unique(filler, record, item, taken, row.id) then
    return M.FAILED
  end
  local fields = with_references(filler, item)
  keep_form(fields, row)
  keep_keys(fields, record, row)
  add_empty(filler, record, item, fields, row)
  filler.set:update(row, fields, place)
  return row.id
end

-- A record that is not there yet: all of its mandatory fields must be given.
local function add_creation(filler, record, item, taken)
  if item.fields.id then
    return fault(filler, record, item, ("is the id of no record of %s that this user may see")
      :format(record.module), "take the row out; without an id it is a new record")
  end
  local fields = with_references(filler, item)
  local is_whole = is_unique(filler, record, item, taken)
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
  if not is_whole then
    return M.FAILED
  end
  filler.set:create(item.module, fields, { key = item.key, line = item.line, check = false })
  return M.NEW
end

local function leave_out(filler, item, code, message)
  filler.set:skip(item.module, { key = item.key, line = item.line, code = code,
    message = message })
  return M.LEFT_OUT
end

-- A row whose key is empty may be there already: to be created, or left out?
local function add_without_key(filler, record, item, taken)
  filler.without_key = filler.without_key + 1
  if filler.empty_key == "create" then
    return add_creation(filler, record, item, taken)
  elseif filler.empty_key == "skip" then
    return leave_out(filler, item, "NO_KEY", "left out, for its key is empty")
  end
  return fault(filler, record, item,
    "is empty, so nobody can look whether the record is there already",
    cures.say("fill it, or say {empty_key=create} (made anew, whatever is there) or "
      .. "{empty_key=skip}"))
end

-- No record has the key: a new one, or a key that was mistyped?
local function add_unmatched(filler, record, item, taken)
  if not record.existing or item.fields.id or filler.no_match == "create" then
    return add_creation(filler, record, item, taken)
  elseif filler.no_match == "skip" then
    return leave_out(filler, item, "NO_MATCH", "left out, for no record has its key")
  end
  return fault(filler, record, item, ("is the key of no record of %s"):format(record.module),
    cures.say "mend it, or say {no_match=create} or {no_match=skip}")
end

local function blame_several(filler, record, item, rows)
  local ids = {}
  for i, row in ipairs(rows) do
    ids[i] = row.id
  end
  return fault(filler, record, item, ("is the key of %d records of %s: %s"):format(#rows,
    record.module, text_tools.cut(table.concat(ids, ", "), 80)),
    "merge them in the CRM, or use another key")
end

-- A record that a person, and the server, would take for the same: no second one.
local function blame_near(filler, record, item, row)
  local values = {}
  for i, field in ipairs(record.existing) do
    values[i] = row[field] or ""
  end
  return fault(filler, record, item, ("is the key of no record, but the CRM has %s with %s, which "
    .. "differs in what is easily overlooked"):format(row.id,
    text_tools.quote(table.concat(values, " "))), "write it as the CRM has it, or mend the record")
end

--- Plan the change that a row becomes. What it refers to has been planned.
---
--- @param filler table of icrm.import.plan
--- @param record table compiled
--- @param item table the row, without faults
--- @param known table what was looked up: found (records by their key), taken (see
---   icrm.changes.plan.uniqueness), near (a record by its near form)
--- @return string outcome NEW, LEFT_OUT, FAILED, or the id of the record that it is
function M.add(filler, record, item, known)
  if refers_to_left_out(filler, item) then
    return leave_out(filler, item, "NO_KEY", "left out, for what it refers to is left out")
  elseif record.existing and not item.key_values then
    return add_without_key(filler, record, item, known.taken)
  end
  local rows = item.form and known.found[item.form] or {}
  if #rows > 1 then
    return blame_several(filler, record, item, rows)
  elseif rows[1] then
    return add_match(filler, record, item, known.taken, rows[1])
  end
  local near = item.form and known.near[item.near_key]
  return near and blame_near(filler, record, item, near)
    or add_unmatched(filler, record, item, known.taken)
end

return M
