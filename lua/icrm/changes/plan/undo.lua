--- The way back: a change set made from another one's before-images.
-- Each change lands in exactly one of reversed, kept (changed since by someone)
-- and impossible (with the reason). (Law 32.)
-- @module icrm.changes.plan.undo

local errors = require "icrm.error"
local images = require "icrm.images"
local json = require "icrm.json"
local limits = require "icrm.limits"
local operations = require "icrm.operations"
local lookup = require "icrm.query.lookup"

local M = {}

local function keep(plan, change, code, message)
  plan:skip(change.module, {
    key = change.key,
    operation = change.operation,
    record = change.record,
    code = code,
    message = message,
  })
end

-- What moved since our write. A record that was changed and changed back is as
-- we left it, whatever its time of modification says.
local function moved_since(schema, change, current)
  local after = json.decode(change.after)
  local moved = images.differences(schema, images.editable(schema, after), current)[1]
  return moved and ("%s was %q, is %q"):format(moved.field, moved.sent, moved.stored)
end

-- The fields that an update wrote get their old values back.
local function reverse_update(plan, change, current)
  local before, fields = json.decode(change.before), {}
  for field in pairs(json.decode(change.fields)) do
    fields[field] = before[field] or ""
  end
  for field in pairs(change.refs and json.decode(change.refs) or {}) do
    fields[field] = before[field] or ""
  end
  plan:update(current, fields, { key = change.key, check = false })
end

local function reverse(plan, change, current, deletable)
  local schema = plan:schema(change.module)
  if not current then
    return keep(plan, change, "IMPOSSIBLE", "the record is not there any more")
  end
  local moved = moved_since(schema, change, current)
  if moved then
    return keep(plan, change, "KEPT", "changed since by someone else: " .. moved)
  elseif change.operation == "update" then
    return reverse_update(plan, change, current)
  elseif not deletable then
    return keep(plan, change, "IMPOSSIBLE", "this server has no operation to delete records")
  end
  plan:delete(current, { key = change.key })
end

-- Handle some changes with one read per module.
local function reverse_batch(plan, batch, deletable)
  local by_module, records = {}, {}
  for _, change in ipairs(batch) do
    if change.operation ~= "delete" then
      by_module[change.module] = by_module[change.module] or {}
      table.insert(by_module[change.module], change.record)
    end
  end
  for module, ids in pairs(by_module) do
    for id, record in pairs(lookup.by_id(plan.client, module, ids, "*")) do
      records[id] = record
    end
  end
  for _, change in ipairs(batch) do
    if change.operation == "delete" then
      keep(plan, change, "IMPOSSIBLE", "a deleted record cannot be brought back with its id")
    else
      reverse(plan, change, records[change.record], deletable)
    end
  end
end

--- Plan the undoing of what `set` has done, in a new file, last change first.
--- Nothing is sent; show it and apply it like any other change set. Deleting the
--- records that `set` created needs `allow_delete` when it is applied.
---
--- @param set table icrm.ChangeSet with a client
--- @param create function icrm.changes.create
--- @param path string
--- @param options? table as for icrm.changes.create
--- @return table icrm.ChangeSet
function M.plan(set, create, path, options)
  options = options or {}
  local states = set.store:states()
  local open = (states.sending or 0) + (states.unknown or 0)
  if open > 0 then
    error(
      errors.new {
        kind = "input",
        message = ("%d changes of %s are not settled; resume it first"):format(open, set.path),
      },
      0
    )
  end
  local plan = create(set.client, path, {
    input = "undo of " .. set.store:get_meta "input",
    source = set.path,
    any_filesystem = options.any_filesystem,
    driver = options.driver or set.store.driver,
  })
  local deletable, batch = operations.offers(set.client, "delete"), {}
  for change in set.store:each_backwards { states = { "done" } } do
    table.insert(batch, change)
    if #batch == limits.VALUES_PER_QUERY then
      reverse_batch(plan, batch, deletable)
      batch = {}
    end
  end
  reverse_batch(plan, batch, deletable)
  plan:seal()
  return plan
end

return M
