--- Looking for what a create may have left that its witness does not show: a worker
-- that dies in the middle leaves a record without its custom fields, or one that no
-- query shows and only its id reaches (law 10). So what does not show is looked for
-- by another field as well, and the ids between acknowledged ones are retrieved.
-- @module icrm.changes.send.halves

local errors = require "icrm.error"
local images = require "icrm.images"
local json = require "icrm.json"
local literals = require "icrm.query.literals"
local search = require "icrm.changes.send.search"

local M = {}

-- Before the first acknowledged id and behind the last, so many are looked at.
local MARGIN = 20

-- More ids than this are not retrieved for one change.
local MOST_GAPS = 200

-- Records that are older than the attempt by more than any clock is wrong by, in
-- seconds, are none of ours.
local CLOCKS = 86400

-- The code of a refused duplicate, of which nothing is written; what it is a
-- duplicate of has the same values, and was there before.
local DUPLICATE = "0"

local function number_of(id)
  return math.tointeger(tonumber(id:match "x(%d+)$"))
end

local function is_core_text(field)
  return field.editable and field.type == "string" and not field.name:find "^cf_"
end

-- The core field by which to look, and its value: one that must be there, else the
-- longest text.
local function field_of(schema, sent)
  local best, best_worth = nil, 0
  for _, field in ipairs(schema.fields) do
    local value = sent[field.name]
    if is_core_text(field) and type(value) == "string" then
      local worth = #value + (field.mandatory and value ~= "" and 1000 or 0)
      if worth > best_worth then
        best, best_worth = field.name, worth
      end
    end
  end
  return best, sent[best]
end

-- Whether a record may be what a create of ours has left: it is of no other change,
-- and has no text that was not sent; cut short, perhaps.
local function may_be(run, doubt, sent, record)
  local change, schema = doubt.change, run.set:schema(doubt.change.module)
  local witness = run.set:witness(change.module)
  if run.store:other_of_record(record.id, change.n) or witness and witness.tag
      and (record[witness.tag] or "") ~= "" then
    return false
  end
  local is_altered = false
  for _, field in ipairs(schema.fields) do
    local stored, value = record[field.name], sent[field.name]
    if is_core_text(field) and value and value ~= "" and (stored or "") ~= "" then
      if not schema:same(field.name, value, stored) then
        is_altered = true
        if not images.may_be(value, stored) then
          return false
        end
      end
    end
  end
  return not (is_altered and witness and witness.key
    and search.has_key_of_another(run, change, record))
end

local function is_recent(doubt, record)
  local year, month, day, hour, min, sec =
    tostring(record.createdtime):match "^(%d+)-(%d+)-(%d+) (%d+):(%d+):(%d+)"
  return not year or os.time { year = year, month = month, day = day, hour = hour, min = min,
    sec = sec } >= doubt.started - CLOCKS
end

-- The records of the module with the same text, made since the attempt.
local function by_field(run, doubt, sent)
  local module = doubt.change.module
  local field, value = field_of(run.set:schema(module), sent)
  if not field then
    return {}
  end
  local query = run.client:from(module):where(field, literals.asked_by(value))
  if doubt.after_number then
    query:where("id", ">", ("%sx%d"):format(run.set:schema(module).id_prefix, doubt.after_number))
  end
  return errors.try(query.all, query)
end

-- The highest of some ids, or the lowest.
local function extreme(ids, choose)
  local found
  for _, id in ipairs(ids) do
    found = found and choose(found, number_of(id)) or number_of(id)
  end
  return found
end

-- Between which numbers the record must be; nil where nothing was acknowledged.
local function bounds_of(store, doubt, before)
  local _, after = store:created_around(doubt.fenced_at)
  local last = store:created_around(math.maxinteger)
  local _, first = store:created_around(0)
  local low, high = extreme(before, math.max), extreme(after, math.min)
  low = low or #first > 0 and extreme(first, math.min) - MARGIN or nil
  high = high or #last > 0 and extreme(last, math.max) + MARGIN or nil
  return low and math.max(low, 0), high
end

-- The ids in between that are of no change of the set; nil when they are too many.
local function gaps_of(run, doubt, low, high)
  local ids, prefix = {}, run.set:schema(doubt.change.module).id_prefix
  local known = run.store:record_numbers()
  for number = low + 1, high - 1 do
    if not known[number] then
      ids[#ids + 1] = ("%sx%d"):format(prefix, number)
    end
    if #ids > MOST_GAPS then
      return nil
    end
  end
  return ids
end

-- The records behind some ids; nil when the server gave no answer.
local function retrieve(client, ids)
  local records = {}
  for _, id in ipairs(ids) do
    local record, err = errors.try(client.retrieve, client, id)
    if not record and err.kind ~= "refused" then
      return nil, err
    end
    records[#records + 1] = record
  end
  return records
end

-- True when a half was found and is left to a person; nil, err without an answer.
local function settles(self, doubt, sent, records, err)
  if not records then
    return nil, err
  end
  for _, record in ipairs(records) do
    if may_be(self.run, doubt, sent, record) and is_recent(doubt, record) then
      local schema = self.run.set:schema(doubt.change.module)
      local differences = images.differences(schema, sent, record)
      self:human(doubt.change, "PARTIAL", record.id, #differences > 0
        and "half written: " .. images.describe(differences)
        or "without the tag by which it is known")
      return true
    end
  end
  return false
end

local function look_in_gaps(self, doubt, sent, before)
  local low, high = bounds_of(self.store, doubt, before)
  if not low then
    return false
  end
  local ids = gaps_of(self.run, doubt, low, high)
  if not ids then
    self:human(doubt.change, "GAPS", MOST_GAPS)
    return true
  end
  return settles(self, doubt, sent, retrieve(self.run.client, ids))
end

-- Whether something was found, and the change is settled by that.
local function is_settled(self, doubt)
  local change = doubt.change
  local last = self.store:last_attempt(change.n)
  local sent = json.decode(change.fields)
  doubt.started = last and last.started or os.time()
  doubt.fenced_at = doubt.fenced_at or last and last.ended or os.time()
  local before = self.store:created_around(doubt.started)
  local is_duplicate = doubt.answer and doubt.answer.code == DUPLICATE
  doubt.after_number = extreme(before, math.max)
  if is_duplicate and not doubt.after_number then
    return false -- what it is a duplicate of would be taken for a half
  end
  local found, err = settles(self, doubt, sent, by_field(self.run, doubt, sent))
  if found == false and not is_duplicate then
    found, err = look_in_gaps(self, doubt, sent, before)
  end
  return found, err
end

--- Look for half records of creates that do not show; what is found goes to a
--- person.
---
--- @param self table the reconciler
--- @param doubts table list of { change }
--- @return table? those of which nothing is there; nil when the server gave no answer
function M.check(self, doubts)
  local absent = {}
  for _, doubt in ipairs(doubts) do
    local operation, found, err = doubt.change.operation, false, nil
    if operation == "create" or operation == "attach" then
      found, err = is_settled(self, doubt)
    end
    if found == nil then
      return self:stop(err)
    elseif not found then
      absent[#absent + 1] = doubt
    end
  end
  return absent
end

return M
