--- Changes whose outcome only a person can tell.
-- @module icrm.changes.settle

local errors = require "icrm.error"
local json = require "icrm.json"
local state = require "icrm.changes.journal.state"

local M = {}

--- The selection of the changes that wait for a person.
M.OPEN = { states = state.FOR_A_PERSON }

local function open_change(set, key)
  local change = set.store:by_key(key)
  if not change then
    errors.raise { kind = "input", message = ("%s has no change %q"):format(set.path, key) }
  elseif change.state ~= "needs_human" and change.state ~= "unknown" then
    errors.raise {
      kind = "input",
      message = ("change %q is %s; there is nothing to settle"):format(key, change.state),
    }
  end
  return change
end

-- Records that may be the one: those that agree with the first text sent.
local function candidates(set, change)
  local schema, fields = set:schema(change.module), json.decode(change.fields)
  for _, field in ipairs(schema.fields) do
    local value = fields[field.name]
    if value and value ~= "" and field.type == "string" then
      local text = ("SELECT * FROM %s WHERE %s = ? LIMIT 5"):format(change.module, field.name)
      return set.client:query(text, value):all()
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
    lines[#lines + 1] = ("attempt %d at %s UTC: %s"):format(
      attempt.attempt,
      os.date("!%Y-%m-%d %H:%M:%S", attempt.started // 1 | 0),
      attempt.message or "no answer noted"
    )
  end
  local creates = change.operation == "create" or change.operation == "attach"
  for _, record in ipairs(creates and candidates(set, change) or {}) do
    lines[#lines + 1] = ("candidate: %s, created %s"):format(
      record.id,
      record.createdtime or "?"
    )
  end
  return lines
end

-- A record that a person names must be one that the creation can have made.
local function check_record(set, change, id)
  local prefix = set:schema(change.module).id_prefix
  if not tostring(id):match("^" .. prefix .. "x%d+$") then
    errors.raise {
      kind = "input",
      message = ("%s is no record of %s"):format(id, change.module),
    }
  end
  local other = set.store:other_of_record(id, change.n)
  if other then
    errors.raise {
      kind = "input",
      message = ("%s is the record of change %q"):format(id, other.key),
    }
  end
end

--- A person has seen that it was done.
---
--- @param set table icrm.ChangeSet with a client
--- @param key string
--- @param id? string the record that a creation made; it is read to make sure
function M.done(set, key, id)
  local change = open_change(set, key)
  local creates = change.operation == "create" or change.operation == "attach"
  id = id or change.record
  if creates and not id then
    errors.raise {
      kind = "input",
      message = "say which record it made: icrm-lua unknown FILE mark-done KEY ID",
    }
  end
  if creates then
    check_record(set, change, id)
  end
  local values = { state = "done", code = false, message = false }
  if change.operation ~= "delete" then
    local record = set.client:retrieve(creates and id or change.record)
    values.record, values.after = record.id, json.encode(record)
  end
  set.store:transaction(function()
    set.store:mark(change.n, values)
    set.store:unblock()
  end)
end

--- A person has seen that it was not done: it is planned again.
---
--- @param set table icrm.ChangeSet
--- @param key string
function M.absent(set, key)
  local change = open_change(set, key)
  set.store:transaction(function()
    set.store:mark(change.n, { state = "planned", code = false, message = false })
    set.store:unblock()
  end)
end

return M
