--- Changes whose outcome only a person can tell.
-- @module icrm.changes.by_hand

local cures = require "icrm.cures"
local errors = require "icrm.error"
local json = require "icrm.json"
local literals = require "icrm.query.literals"
local moments = require "icrm.moments"
local state = require "icrm.changes.journal.state"

local M = {}

local refuse = errors.refuse

local function open_change(set, key)
  local change = set.store:by_key(key)
  if not change then
    refuse("%s has no change %q", set.path, key)
  elseif change.state ~= "needs_human" and change.state ~= "unknown" then
    refuse("change %q is %s; there is nothing to settle", key, change.state)
  end
  return change
end

local function is_creation(change)
  return change.operation == "create" or change.operation == "attach"
end

local function refuse_without_record(set, change)
  refuse("change %q names no record; say which it made: %s", change.key,
    cures.say("{mark_done KEY ID}", { FILE = set.path, KEY = change.key }))
end

-- Records that may be the one: those that agree with the first text sent.
local function candidates(set, change)
  local schema, fields = set:schema(change.module), json.decode(change.fields)
  for _, field in ipairs(schema.fields) do
    local value = fields[field.name]
    if value and value ~= "" and field.type == "string" then
      local operator, operand = literals.asked_by(value)
      return set.client:from(change.module):where(field.name, operator, operand):limit(5):all()
    end
  end
  return {}
end

--- What is known of an open change, as lines: what was sent and when, and which
--- records may be it.
---
--- @param set table icrm.ChangeSet with a client
--- @param key string
--- @return table list of strings
function M.describe(set, key)
  local change = open_change(set, key)
  local lines = {
    ("%s: %s %s, %s"):format(change.key, change.operation, change.module, change.message or ""),
    "sent: " .. change.fields,
  }
  for _, attempt in ipairs(set.store:attempts(change.n)) do
    lines[#lines + 1] = ("attempt %d at %s: %s"):format(
      attempt.attempt,
      moments.here(attempt.started // 1 | 0),
      attempt.message or "no answer noted"
    )
  end
  for _, record in ipairs(is_creation(change) and candidates(set, change) or {}) do
    lines[#lines + 1] = ("candidate: %s, created %s"):format(
      record.id,
      record.createdtime or "?"
    )
  end
  local cure = state.cure(set.path, change)
  lines[#lines + 1] = cure and "what to do: " .. cure
  return lines
end

-- A record that a person names must be one that the creation can have made.
local function check_record(set, change, id)
  local prefix = set:schema(change.module).id_prefix
  if not tostring(id):match("^" .. prefix .. "x%d+$") then
    refuse("%s is no record of %s", id, change.module)
  end
  local other = set.store:other_of_record(id, change.n)
  if other then
    refuse("%s is the record of change %q", id, other.key)
  end
end

-- What a change that was done is marked with: its record is read to make sure.
local function values_of_done(set, change, id)
  local values = { state = "done", code = false, message = false }
  if change.operation ~= "delete" then
    local record = set.client:retrieve(id or change.record)
    values.record, values.after = record.id, json.encode(record)
  end
  return values
end

--- A person has seen that it was done.
---
--- @param set table icrm.ChangeSet with a client
--- @param key string
--- @param id? string the record that a creation made; it is read to make sure
function M.mark_done(set, key, id)
  local change = open_change(set, key)
  id = id or change.record
  if is_creation(change) and not id then
    refuse_without_record(set, change)
  elseif is_creation(change) then
    check_record(set, change, id)
  end
  local values = values_of_done(set, change, is_creation(change) and id or nil)
  set.store:transaction(function()
    set.store:mark(change.n, values)
    set.store:unblock()
  end)
end

local ABSENT = { state = "planned", code = false, message = false }

--- A person has seen that it was not done: it is planned again.
---
--- @param set table icrm.ChangeSet
--- @param key string
function M.mark_absent(set, key)
  local change = open_change(set, key)
  set.store:transaction(function()
    set.store:mark(change.n, ABSENT)
    set.store:unblock()
  end)
end

local NAMES = { code = "codes", operation = "operations", state = "states" }

--- The open changes that have something in common.
---
--- @param words? table<string, string> code, operation, state, module, record
--- @return table selection of icrm.changes.journal.selection
function M.selection(words)
  local selection = { states = state.FOR_A_PERSON }
  for name, value in pairs(words or {}) do
    if name == "state" and value ~= "unknown" and value ~= "needs_human" then
      refuse("a change that is %s is not open", value)
    elseif NAMES[name] then
      selection[NAMES[name]] = { value }
    elseif name == "module" or name == "record" then
      selection[name] = value
    else
      refuse("open changes are chosen by code, operation, state, module or record, not by %s", name)
    end
  end
  return selection
end

--- A person has seen that none of these was done: they are planned again.
---
--- @param set table icrm.ChangeSet
--- @param words? table see selection; without a code those whose record was seen are left
--- @return integer count of the changes that are planned again
--- @return integer left how many were seen to be there
function M.mark_all_absent(set, words)
  local count, left = 0, 0
  set.store:transaction(function()
    for change in set.store:each(M.selection(words)) do
      local code = state.code(change.code)
      if code and code.there and not (words and words.code) then
        left = left + 1
      else
        set.store:mark(change.n, ABSENT)
        count = count + 1
      end
    end
    set.store:unblock()
  end)
  return count, left
end

--- A person has seen that all of these were done: their records are read to make
--- sure, and nothing is marked unless all can be.
---
--- @param set table icrm.ChangeSet with a client
--- @param words? table see selection
--- @return integer count
function M.mark_all_done(set, words)
  local marks = {}
  for change in set.store:each(M.selection(words)) do
    if is_creation(change) and not change.record then
      refuse_without_record(set, change)
    end
    marks[#marks + 1] = { n = change.n, values = values_of_done(set, change) }
  end
  set.store:transaction(function()
    for _, one in ipairs(marks) do
      set.store:mark(one.n, one.values)
    end
    set.store:unblock()
  end)
  return #marks
end

return M
