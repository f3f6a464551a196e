--- Comparing what was sent with what the server stores, and what was there before
-- with what is there now.
-- @module icrm.images

local alterations = require "icrm.alterations"
local values = require "icrm.values"
local kinds = require "icrm.kinds"

local M = {}

local function difference(schema, name, sent, stored)
  local field = schema.by_name[name]
  sent, stored = values.text(sent), values.text(stored)
  local kind = field and field.type
  return {
    field = name,
    type = kind,
    sent = sent,
    stored = stored,
    kind = alterations.name(kind, sent, stored),
    missing = sent ~= "" and (stored == "" or stored == "0000-00-00"),
  }
end

local function by_field(a, b)
  return a.field < b.field
end

--- The fields whose stored value is not what was sent, sorted by name. The
--- server's own way of writing a value (`12.50000000`) is no difference.
---
--- @param schema table icrm.Schema
--- @param sent table field → value
--- @param stored table the record as the server returned it
--- @return table list of { field, type, sent, stored, kind, missing = boolean }; kind
---   is one of icrm.alterations
function M.differences(schema, sent, stored)
  local list = {}
  for field, value in pairs(sent) do
    local found = stored[field]
    if value ~= found and field ~= "id" and not schema:same(field, value, found) then
      list[#list + 1] = difference(schema, field, value, found)
    end
  end
  if #list > 1 then
    table.sort(list, by_field)
  end
  return list
end

-- What the server may answer with in one call and leave out in another says
-- nothing; a field of the module that is not there any more does.
local function is_silent(schema, name, stored)
  return stored[name] == nil and not schema.by_name[name]
end

-- Fields that were not sent and are not as before.
local function spilled(schema, sent, before, stored, list)
  for name, old in pairs(before) do
    if
      old ~= stored[name]
      and sent[name] == nil
      and name ~= "id"
      and not is_silent(schema, name, stored)
      and not kinds.follows(name, sent)
      and not schema:same(name, old, stored[name])
    then
      local entry = difference(schema, name, old, stored[name])
      entry.spilled = true
      list[#list + 1] = entry
    end
  end
end

-- Whether describe promises a value. A date that it promises is today's, which
-- nobody knows of the record.
local function is_promised(field, value)
  return not field.type:find "^date" and values.same(field, field.default or "", value)
end

local editables = setmetatable({}, { __mode = "k" }) -- schema → fields, expected

-- The editable fields of a module, and of each the value that was last seen to be
-- expected of it: the server gives every record the same ones.
local function editable_fields(schema)
  local found = editables[schema]
  if not found then
    found = { fields = {}, expected = {} }
    for _, field in pairs(schema.by_name) do
      found.fields[#found.fields + 1] = field.editable and field or nil
    end
    editables[schema] = found
  end
  return found.fields, found.expected
end

-- Fields that were not sent and have a value that describe does not promise.
local function defaulted(schema, sent, stored, list)
  local fields, expected = editable_fields(schema)
  for _, field in ipairs(fields) do
    local name = field.name
    local value = stored[name]
    if value and value ~= "" and value ~= "0" and sent[name] == nil
      and value ~= expected[name] then
      if alterations.is_nothing(values.text(value)) or is_promised(field, value) then
        expected[name] = value
      elseif not kinds.follows(name, sent) then
        list[#list + 1] = {
          field = name, type = field.type, sent = "", stored = values.text(value),
          kind = "defaulted",
        }
      end
    end
  end
end

--- All that a write did otherwise than it was meant to: fields stored otherwise
--- than sent; `spilled`, fields that were not sent and are not as before; fields of
--- a new record that were not sent and have a value all the same (`defaulted`).
--- What the server computes from the fields that were sent is none of them.
---
--- @param schema table icrm.Schema
--- @param sent table field → value, what was meant
--- @param before table? the record before the write; nil for a new one
--- @param stored table the record as the server returned it
--- @return table list as `differences` has it, sorted by field
function M.outcome(schema, sent, before, stored)
  local list = M.differences(schema, sent, stored)
  if before then
    spilled(schema, sent, before, stored, list)
  else
    defaulted(schema, sent, stored, list)
  end
  if #list > 1 then
    table.sort(list, by_field)
  end
  return list
end

local FREE = { string = true, text = true, email = true, phone = true, url = true }

-- What is left of a text when an administrator's workflow, the tables or an
-- encoding have done their worst.
local function bare(text)
  return (text:gsub("&#?%w+;", ""):lower():gsub("[^%w]", ""))
end

local SURELY_CUT = 20 -- characters that two records do not share by chance

local function is_like(sent, stored)
  local a, b = bare(sent), bare(stored)
  if stored == "" then
    return true -- half written, perhaps; it shows no other record
  elseif a == "" then -- no letter that survives everything
    return sent:sub(1, #stored) == stored or stored:find "[&?]" ~= nil
  end
  return a == b or #b >= SURELY_CUT and a:sub(1, #b) == b
end

-- What is left of a text where it was cut short, or read as a number.
local function is_remnant(sent, stored)
  return stored ~= "" and (sent:sub(1, #stored) == stored
    or tonumber(sent) ~= nil and tonumber(sent) == tonumber(stored))
end

--- Whether a stored text may be what a server has made of the one that was sent.
---
--- @param sent string
--- @param stored string
--- @return boolean
function M.may_be(sent, stored)
  return is_like(sent, stored) or is_remnant(sent, stored)
end

local identities = setmetatable({}, { __mode = "k" }) -- schema → `names`, `others`

-- The fields by which the records of a module are known: mandatory and unique texts,
-- else all texts.
local function identity(schema)
  local found = identities[schema]
  if not found then
    found = { names = {}, others = {} }
    for name, field in pairs(schema.by_name) do
      local list = (field.mandatory or field.unique) and found.names or found.others
      list[#list + 1] = FREE[field.type] and name or nil
    end
    identities[schema] = found
  end
  return found
end

-- Those that have a value.
local function given(fields, names)
  local list = {}
  for _, name in ipairs(names) do
    if values.text(fields[name]) ~= "" then
      list[#list + 1] = name
    end
  end
  return list
end

local function count_unlike(sent, stored, names)
  local n = 0
  for _, name in ipairs(names) do
    local a, b = sent[name], stored[name]
    n = n + ((a == b or is_like(values.text(a), values.text(b))) and 0 or 1)
  end
  return n
end

--- Whether the answer to a creation shows another record than the one that was
--- sent: its names are other names, not the same ones cut, encoded or put in capitals.
---
--- @param schema table icrm.Schema
--- @param sent table field → value
--- @param stored table the record as the server returned it
--- @param key? table names of the fields that tell records apart
--- @return boolean
function M.is_another(schema, sent, stored, key)
  local names = key or given(sent, identity(schema).names)
  if key or #names > 0 then
    return count_unlike(sent, stored, names) > 0
  end
  local others = given(sent, identity(schema).others)
  return #others > 0 and count_unlike(sent, stored, others) == #others
end

--- Whether a record is the one that was sent but for its key, of which the server kept
--- only a part: every other text that was sent is there, and there is one at least.
---
--- @param schema table icrm.Schema
--- @param sent table field → value
--- @param stored table the record as the server returned it
--- @param key table names of the fields that tell records apart
--- @return boolean
function M.has_remnant(schema, sent, stored, key)
  local is_key, others = {}, {}
  for _, name in ipairs(key) do
    is_key[name] = true
    if not M.may_be(values.text(sent[name]), values.text(stored[name])) then
      return false
    end
  end
  for name, value in pairs(sent) do
    local field = schema.by_name[name]
    if field and FREE[field.type] and not is_key[name] and values.text(value) ~= "" then
      others[#others + 1] = name
    end
  end
  return #others > 0 and count_unlike(sent, stored, others) == 0
end

--- Whether something that was sent is not stored as it was.
---
--- @param outcome table see `outcome`
--- @return boolean
function M.is_altered(outcome)
  for _, one in ipairs(outcome) do
    if not one.spilled and one.kind ~= "defaulted" then
      return true
    end
  end
  return false
end

--- Whether an update made fields empty that were not sent to be.
---
--- @param outcome table see `outcome`
--- @return boolean
function M.is_blanked(outcome)
  for _, one in ipairs(outcome) do
    if one.spilled and one.kind == "emptied" then
      return true
    end
  end
  return false
end

--- Whether a record looks half written: something was sent, nothing is there.
-- A worker killed in the middle of a create leaves such a record (law 10).
function M.is_partial(differences)
  for _, one in ipairs(differences) do
    if one.missing then
      return true
    end
  end
  return false
end

--- The fields whose text the server has cut.
---
--- @param differences table see `differences`
--- @return table field → how many characters it kept
function M.cuts(differences)
  local cuts = {}
  for _, one in ipairs(differences) do
    cuts[one.field] = alterations.kept_length(one.sent, one.stored)
  end
  return cuts
end

local function describe_one(one)
  local kept = alterations.kept_length(one.sent, one.stored)
  if one.kind == "defaulted" then
    return ("%s: not sent, stored %q"):format(one.field, values.shorten(one.stored))
  elseif one.spilled then
    return ("%s: was %q, is %q"):format(
      one.field, values.shorten(one.sent), values.shorten(one.stored))
  elseif kept then
    return ("%s: cut, %d of %d characters stored"):format(
      one.field, kept, utf8.len(one.sent) or #one.sent)
  end
  return ("%s: sent %q, stored %q"):format(
    one.field, values.shorten(one.sent), values.shorten(one.stored))
end

--- Say a list of differences in one line.
---
--- @param differences table see `differences`
--- @return string
function M.describe(differences)
  local parts = {}
  for i, one in ipairs(differences) do
    parts[i] = describe_one(one)
  end
  return table.concat(parts, "; ")
end

--- Only the fields of `record` that a client may write.
function M.editable(schema, record)
  local part = {}
  for field, value in pairs(record) do
    local description = schema.by_name[field]
    if description and description.editable then
      part[field] = value
    end
  end
  return part
end

--- What a module's fields look like, as one short text: it changes when the
--- administrator adds a field, a picklist value or an obligation.
---
--- @param schema table icrm.Schema
--- @return string text to be hashed
function M.outline(schema)
  local lines = {}
  for i, field in ipairs(schema.fields) do
    lines[i] = table.concat({
      field.name,
      field.type,
      tostring(field.mandatory),
      tostring(field.editable),
      table.concat(field.picklist and field.picklist.values or {}, "|"),
      table.concat(field.refers_to or {}, "|"),
    }, "\t")
  end
  return table.concat(lines, "\n")
end

return M
