--- The way back: a change set made from another one's before-images.
-- Each change lands in exactly one of reversed, kept (changed since by someone)
-- and impossible (with the reason). (Law 32.)
-- @module icrm.changes.plan.undo

local cures = require "icrm.cures"
local errors = require "icrm.error"
local images = require "icrm.images"
local json = require "icrm.json"
local limits = require "icrm.limits"
local operations = require "icrm.operations"
local lookup = require "icrm.query.lookup"
local records = require "icrm.records"
local undone = require "icrm.changes.plan.undone"
local kinds = require "icrm.kinds"
local ways = require "icrm.ways"

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
-- we left it, whatever its time of modification says; a row of a query has not all
-- that the record has.
local function moved_since(schema, change, current)
  local after = images.editable(schema, json.decode(change.after))
  for field in pairs(after) do
    if current[field] == nil then
      after[field] = nil
    end
  end
  local moved = images.differences(schema, after, current)[1]
  return moved and ("%s was %q, is %q"):format(moved.field, moved.sent, moved.stored)
end

-- All that an update did: the fields that it was meant to change, and those that
-- the server changed besides, but for what it computes from them.
local function reversed_fields(schema, change)
  local before, fields = json.decode(change.before), {}
  local meant = json.decode(change.fields)
  for field, key in pairs(change.refs and json.decode(change.refs) or {}) do
    meant[field] = key
  end
  for field in pairs(meant) do
    fields[field] = before[field] or ""
  end
  local old = images.editable(schema, before)
  for _, difference in ipairs(images.differences(schema, old, json.decode(change.after))) do
    local field = difference.field
    if not kinds.follows(field, meant) then
      fields[field] = before[field]
    end
  end
  return fields
end

local function reverse_update(plan, schema, change, current)
  local fields = reversed_fields(schema, change)
  for field in pairs(fields) do
    if current[field] == nil and schema.by_name[field] then -- a query does not show it
      current = plan.client:retrieve(change.record)
      break
    end
  end
  local converted = ways.conversions(plan.client, schema, fields)[1]
  if converted then
    return keep(plan, change, "IMPOSSIBLE",
      ("%s would be converted from %s to %s once more; undo it as a user who has the CRM's "
        .. "currency"):format(converted.field, converted.currency.name, converted.currency.base))
  end
  plan:update(current, fields, { key = change.key, check = false })
end

local function reverse(plan, change, current, deletable)
  local schema = plan:schema(change.module)
  if not change.after then
    return keep(plan, change, "IMPOSSIBLE", "what was stored is not known")
  elseif not current then
    return keep(plan, change, "IMPOSSIBLE",
      "the record cannot be read: it was deleted, or is out of this user's sight")
  end
  local moved = moved_since(schema, change, current)
  if moved then
    return keep(plan, change, "KEPT", "changed since: " .. moved)
  elseif change.operation == "update" then
    return reverse_update(plan, schema, change, current)
  elseif not deletable then
    return keep(plan, change, "IMPOSSIBLE", "this server has no operation to delete records")
  end
  plan:delete(current, { key = change.key })
end

-- The module of a change's record: an activity may be of another than it was made in.
local function module_of(plan, change)
  if plan:schema(change.module).id_prefix == change.record:match "^%d+" then
    return change.module
  end
  return records.module_of(plan.client, change.record)
end

-- Handle some changes with one read per module.
local function reverse_batch(plan, batch, deletable)
  local by_module, found = {}, {}
  for _, change in ipairs(batch) do
    if change.operation ~= "delete" and change.record then
      local module = module_of(plan, change)
      by_module[module] = by_module[module] or {}
      table.insert(by_module[module], change.record)
    end
  end
  for module, ids in pairs(by_module) do
    for id, record in pairs(lookup.by_id(plan.client, module, ids, "*")) do
      found[id] = record
    end
  end
  for _, change in ipairs(batch) do
    if change.operation == "delete" then
      keep(plan, change, "IMPOSSIBLE", "a deleted record cannot be brought back with its id")
    else
      reverse(plan, change, found[change.record], deletable)
    end
  end
end

-- What refers to a record goes before it: a server empties references to what is
-- deleted, and the record that refers would no longer be as it was.
local function order_by_references(plan, set)
  for change in set.store:each { states = { "done" }, has = { "refs" } } do
    local child = plan.store:by_key(change.key)
    for _, key in pairs(child and json.decode(change.refs) or {}) do
      local parent = plan.store:by_key(key)
      if parent and parent.operation == "delete" then
        plan.store:link(parent.n, child.n)
      end
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
    errors.refuse("%d changes of %s are not settled; first: %s", open, set.path,
      cures.say("{resume}", { FILE = set.path }))
  end
  local plan = create(set.client, path, {
    input = "undo of " .. set.store:get_meta "input",
    source = set.path,
    any_filesystem = options.any_filesystem,
    driver = options.driver or set.store.driver,
  })
  undone.note(set, path)
  local deletable, batch = operations.offers(set.client, "delete"), {}
  for change in set.store:each_backwards { states = { "done", "needs_human" } } do
    -- A conflict is an update that did more than it was meant to.
    if change.state == "done" or change.code == "CONFLICT" and change.after then
      table.insert(batch, change)
    end
    if #batch == limits.VALUES_PER_QUERY then
      reverse_batch(plan, batch, deletable)
      batch = {}
    end
  end
  reverse_batch(plan, batch, deletable)
  plan.store:flush()
  order_by_references(plan, set)
  plan:seal()
  return plan
end

return M
