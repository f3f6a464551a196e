--- Looking for a created record by its witness: a tag of ours, or the user's key.
-- An empty list is no absence, for a query that fails on the server looks the
-- same: a control, a record known to be there, must come with the same query.
-- @module icrm.changes.send.search

local attach = require "icrm.changes.send.attach"
local errors = require "icrm.error"
local images = require "icrm.images"
local json = require "icrm.json"
local limits = require "icrm.limits"
local lookup = require "icrm.query.lookup"
local sight = require "icrm.changes.send.sight"
local state = require "icrm.changes.journal.state"
local values_module = require "icrm.values"

local M = {}

-- The field and the value by which a created record is searched; nil when it
-- has none, or when its key is empty.
local function witness_of(set, change)
  local witness = set:witness(change.module)
  if not witness then
    return nil
  elseif witness.tag then
    return witness.tag, change.tag
  end
  local fields = json.decode(change.fields)
  for _, field in ipairs(witness.key) do
    if (fields[field] or "") == "" then
      return nil
    end
  end
  return witness.key[1], fields[witness.key[1]]
end

--- Whether a creation can be found again.
function M.has_witness(set, change)
  return witness_of(set, change) ~= nil
end

-- The server compares without regard to case and accents; we compare bytes.
local function matches(set, change, record)
  local witness = set:witness(change.module)
  if witness.tag then
    return record[witness.tag] == change.tag
  end
  local fields = json.decode(change.fields)
  for _, field in ipairs(witness.key) do
    if record[field] ~= fields[field] then
      return false
    end
  end
  return true
end

M.shows_witness = matches

local function key_text(key, fields)
  local parts = {}
  for i, field in ipairs(key) do
    parts[i] = values_module.text(fields[field])
  end
  return table.concat(parts, "\0")
end

-- The keys of all creations of a module: key → number of the change; false for several.
local function keys_of(run, module)
  local keys, key = {}, run.set:witness(module).key
  for change in run.store:each { module = module, operations = state.CREATIONS } do
    local text = key_text(key, json.decode(change.fields))
    keys[text] = keys[text] == nil and change.n
  end
  return keys
end

--- Whether a record has the key that another creation of the set was given.
---
--- @param run table
--- @param change table a row of the store, of a module whose witness is a key
--- @param record icrm.Record
--- @return boolean
function M.has_key_of_another(run, change, record)
  local module = change.module
  run.keys[module] = run.keys[module] or keys_of(run, module)
  local n = run.keys[module][key_text(run.set:witness(module).key, record)]
  return n ~= nil and n ~= change.n
end

--- All records of a module whose `field` is one of `values`: a key's first field
--- need not be unique, and comparison ignores case.
---
--- @param client icrm.Client
--- @param module string
--- @param field string
--- @param values string[]
--- @param control? string|false a value that is known to be there; nil: one is looked
---   for; false: nothing is to be proven
--- @return icrm.Record[]? nil when the server gave no answer, or one to something else
--- @return icrm.Error? err
function M.values(client, module, field, values, control)
  return errors.try(lookup.find, client, module, field, values,
    { columns = "*", control = control })
end

-- The create by which a query is seen to work: the last that was acknowledged
-- about when the settling began. Queries may lag behind writes; where they do not
-- show this one yet, they would not show the one in doubt either.
local function control_change(self, module, owner)
  local before = os.time() - math.max(math.floor(self.settle_s) - 1, 0)
  if owner then
    return sight.creation_of(self.run, module, owner, before)
  end
  return self.store:acknowledged_creation(module, before)
end

-- A value that the same query must find: of a create of this set, else of any
-- record that has one, unless it must be of a certain owner. nil when there is none.
local function control_value(self, group)
  local change = control_change(self, group.module, group.owner)
  if change then
    local _, value = witness_of(self.run.set, change)
    return value
  elseif group.owner then
    return nil
  end
  local query = self.run.client:from(group.module):where(group.field, "!=", " ")
  local rows = errors.try(query.first, query, 1)
  return rows and rows[1] and rows[1][group.field]
end

local function found_one(self, doubt, record)
  local run, change = self.run, doubt.change
  local sent = json.decode(change.fields)
  local differences = images.differences(run.set:schema(change.module), sent, record)
  if images.is_partial(differences) then
    return self:human(change, "PARTIAL", record.id, images.describe(differences))
  elseif #differences > 0 and not run.set:witness(change.module).tag then
    return self:human(change, "CANDIDATE", record.id, images.describe(differences))
  elseif change.operation == "attach" then
    return run.engine:start(attach.check, run, change, record)
  end
  run:record_done(change, record, differences)
end

local function judge(self, doubt, records)
  local found = {}
  for _, record in ipairs(records) do
    if matches(self.run.set, doubt.change, record) then
      found[#found + 1] = record
    end
  end
  if #found == 1 then
    found_one(self, doubt, found[1])
  elseif #found > 1 then
    local ids = {}
    for i, record in ipairs(found) do
      ids[i] = record.id
    end
    self:human(doubt.change, "DUPLICATE", table.concat(ids, ", "))
  end
  return #found > 0
end

-- Search one slice of doubts of one group. Returns those that are absent, and
-- whether the control shows that the query works; a hit does, too, where there is
-- no control. One that is older than the others would not.
local function search_slice(self, group, slice, control)
  local values = {}
  for i, doubt in ipairs(slice) do
    values[i] = doubt.value
  end
  local records, err = M.values(self.run.client, group.module, group.field, values, control)
  if not records then
    self:stop(err)
    return nil
  end
  local absent, works = {}, false
  for _, record in ipairs(records) do
    works = works or record[group.field] == control
  end
  for _, doubt in ipairs(slice) do
    if judge(self, doubt, records) then
      works = works or not control
    else
      absent[#absent + 1] = doubt
    end
  end
  return absent, works
end

-- Doubts that one query can look for, and that one control proves.
local function group(self, doubts, final)
  local groups, order, helpless = {}, {}, {}
  for _, doubt in ipairs(doubts) do
    local change = doubt.change
    local field, value = witness_of(self.run.set, change)
    if not field then
      helpless[#helpless + 1] = doubt
    else
      doubt.value = value
      doubt.owner = final and sight.owner_of(self.run, change) or nil
      local name = table.concat({ change.module, field, doubt.owner }, " ")
      if not groups[name] then
        groups[name] = { module = change.module, field = field, owner = doubt.owner }
        order[#order + 1] = groups[name]
      end
      table.insert(groups[name], doubt)
    end
  end
  return order, helpless
end

-- Those of a group that are absent; nil when the server gave no answer.
local function search_group(self, doubts, final, absent)
  local control = final and control_value(self, doubts)
  for first = 1, #doubts, limits.VALUES_PER_QUERY do
    local last = math.min(first + limits.VALUES_PER_QUERY - 1, #doubts)
    local slice = table.move(doubts, first, last, 1, {})
    local missing, works = search_slice(self, doubts, slice, control)
    if not missing then
      return nil
    end
    local list = (final and not works) and self.without_control or absent
    table.move(missing, 1, #missing, #list + 1, list)
  end
  return absent
end

--- Search creates by their witnesses; what is found is settled.
---
--- @param self table the reconciler
--- @param doubts table list of { change }
--- @param final boolean whether absence is to be proven: then what is absent
---   although the query was not seen to work goes to `self.without_control`
--- @return table|nil the doubts that are absent; nil when the server gave no answer
function M.creates(self, doubts, final)
  local groups, helpless = group(self, doubts, final)
  local absent = {}
  for _, doubt in ipairs(helpless) do
    if doubt.answer then
      absent[#absent + 1] = doubt -- looked for by its other fields
    else
      self:human(doubt.change, "NO_WITNESS")
    end
  end
  for _, one in ipairs(groups) do
    if not search_group(self, one, final, absent) then
      return nil
    end
  end
  return absent
end

return M
