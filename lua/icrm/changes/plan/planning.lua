--- Filling a change set: each value is checked, each before-image kept, nothing
-- is sent. The functions here are the methods of icrm.ChangeSet.
-- @module icrm.changes.plan.planning

local before = require "icrm.changes.plan.before"
local core = require "icrm.core"
local documents = require "icrm.documents"
local errors = require "icrm.error"
local images = require "icrm.images"
local json = require "icrm.json"
local links = require "icrm.links"
local records = require "icrm.records"
local roundings = require "icrm.changes.plan.roundings"
local schemas = require "icrm.schema"
local uniqueness = require "icrm.changes.plan.uniqueness"

local M = {}

local refuse = errors.refuse

local Reference = { __name = "icrm.Reference" }

--- A value that stands for the id of a record that this change set creates.
---
--- @param key string the key of that change
--- @return table to be used as the value of a reference field
function M.ref(key)
  return setmetatable({ key = tostring(key) }, Reference)
end

local function is_reference(value)
  return getmetatable(value) == Reference
end

-- Split fields into plain values and references to other changes.
local function split_references(fields)
  local plain, references = {}, nil
  for field, value in pairs(fields) do
    if is_reference(value) then
      references = references or {}
      references[field] = value.key
    else
      plain[field] = value
    end
  end
  return plain, references
end

-- A mandatory reference may be given by a record that does not exist yet.
local function faults_without(faults, references)
  local left = {}
  for _, fault in ipairs(faults) do
    if not (references and references[fault.field] and fault.value == nil) then
      left[#left + 1] = fault
    end
  end
  return left
end

local function check_fields(self, module, fields, references, options, partial)
  if options.check == false then
    return fields
  end
  local checked, faults = self:schema(module):check(fields, {
    partial = partial,
    prefix_of = function(name)
      return records.prefix_of(self.client, name)
    end,
  })
  faults = faults_without(faults, references)
  if #faults > 0 then
    local where = options.line and (" (line %d)"):format(options.line) or ""
    errors.refuse {
      message = ("%s%s: %s"):format(options.key or module, where,
        schemas.describe_faults(faults)),
      faults = faults,
    }
  end
  return checked
end

-- The witness is written into the record itself, derived from the input and the
-- row, never from the run (law 6).
local function tag_of(self, module, key)
  return core.digest.tag(self.store:get_meta "input", module, key)
end

local function next_key(self)
  return ("#%d"):format(self.store:count() + 1)
end

local function add(self, change)
  if self.store:has_key(change.key) then
    refuse(
      "key %q is used twice in %s; every change needs a key of its own",
      change.key,
      self.path
    )
  end
  if self.sealed then
    self.store:set_meta("sealed", 0)
    self.sealed = false
  end
  return self.store:add(change)
end

--- Plan the creation of a record.
---
--- @param self table icrm.ChangeSet
--- @param module string
--- @param fields table field → value, or `icrm.ref(key)` for a record of this plan
--- @param options? table `key`: names the change (default: its number), unique
---   in the set; `line`: the line of the source
--- @return string the key; raises icrm.Error (kind input) when the values cannot be stored
function M.create(self, module, fields, options)
  options = options or {}
  self:note_schema(module)
  local element = records.with_owner(self.client, self:schema(module), fields)
  local plain, references = split_references(element)
  local checked = check_fields(self, module, plain, references, options)
  roundings.note(self, module, checked)
  local key = options.key or next_key(self)
  if options.check ~= false then
    uniqueness.note(self, module, checked, { key = key, line = options.line })
  end
  local witness, tag = self:witness(module), nil
  if witness and witness.tag then
    if (checked[witness.tag] or "") ~= "" then
      refuse("%s is the field of the tags, and %q gives it a value", witness.tag, key)
    end
    tag = tag_of(self, module, key)
    checked[witness.tag] = tag
  end
  add(self, {
    key = key,
    operation = "create",
    module = module,
    line = options.line,
    fields = json.encode(checked),
    refs = references and json.encode(references),
    tag = tag,
    state = "planned",
  })
  return key
end

-- A record is changed once: the later values win. The row that is merged is
-- kept, as skipped, so that every row of the input is accounted for.
local function merge_into(self, earlier, fields, references, options)
  local merged, refs = json.decode(earlier.fields), earlier.refs and json.decode(earlier.refs) or {}
  for field, value in pairs(fields) do
    merged[field], refs[field] = value, nil
  end
  for field, key in pairs(references or {}) do
    refs[field], merged[field] = key, nil
  end
  self.store:replace_fields(earlier.n, json.encode(merged), next(refs) and json.encode(refs))
  self.linked = math.min(self.linked or 0, earlier.n - 1)
  return self:skip(earlier.module, {
    key = options.key or next_key(self),
    operation = "update",
    record = earlier.record,
    line = options.line,
    code = "MERGED",
    message = ("part of change %q, of the same record"):format(earlier.key),
  })
end

-- Only what differs is written; a change that would change nothing is kept, as
-- skipped, so that every row of the input is accounted for.
local function add_update(self, record, fields, options)
  local module = records.module_of(self.client, record.id)
  self:note_schema(module)
  local plain, references = split_references(fields)
  local checked = check_fields(self, module, plain, references, options, true)
  local schema, wanted = self:schema(module), {}
  for _, difference in ipairs(images.differences(schema, checked, record)) do
    wanted[difference.field] = checked[difference.field]
  end
  if options.check ~= false then
    uniqueness.note(self, module, wanted, { key = options.key or next_key(self),
      line = options.line, own = record.id })
  end
  local earlier = self.store:planned_for(record.id)
  if earlier then
    if earlier.operation ~= "update" then
      refuse("%s is to be deleted by change %q already", record.id, earlier.key)
    end
    return merge_into(self, earlier, checked, references, options)
  end
  roundings.note(self, module, wanted)
  local unchanged = not next(wanted) and not references
  local key = options.key or next_key(self)
  add(self, {
    key = key,
    operation = "update",
    module = module,
    record = record.id,
    line = options.line,
    fields = json.encode(wanted),
    refs = references and json.encode(references),
    before = json.encode(record),
    state = unchanged and "skipped" or "planned",
    code = unchanged and "UNCHANGED" or nil,
    message = unchanged and "the record has these values already" or nil,
  })
  return key
end

--- Plan the update of a record.
--- Its present values become the before-image: given a record that has the fields
--- and `modifiedtime` (a row of `SELECT *`) nothing is read, given less the record
--- is read, 50 at a time.
---
--- @param self table icrm.ChangeSet
--- @param record_or_id table|string
--- @param fields table field → new value; fields that have it already are left out
--- @param options? table `key`, `line`; `check = false`: values known to be
---   storable, such as those of a before-image
function M.update(self, record_or_id, fields, options)
  return before.with(self, record_or_id, fields, function(record)
    return add_update(self, record, fields, options or {})
  end)
end

--- Plan the deletion of a record. It cannot be undone: a record that is created
--- again has another id. The server needs the operation `delete`.
---
--- @param self table icrm.ChangeSet
--- @param record_or_id table|string
--- @param options? table `key`, `line`
function M.delete(self, record_or_id, options)
  options = options or {}
  return before.with(self, record_or_id, {}, function(record)
    local earlier = self.store:planned_for(record.id)
    if earlier then
      refuse("%s is changed by change %q already", record.id, earlier.key)
    end
    local key = options.key or next_key(self)
    add(self, {
      key = key,
      operation = "delete",
      module = records.module_of(self.client, record.id),
      record = record.id,
      line = options.line,
      fields = "{}",
      before = json.encode(record),
      state = "planned",
    })
    return key
  end)
end

--- Plan the attachment of a file to a record, as a document of its own.
---
--- @param self table icrm.ChangeSet
--- @param record_or_ref string|table an id, a record, or `changes.ref(key)`
--- @param path string the file; it must be the same when it is sent
--- @param options? table `title`, `key`, `line`
--- @return string key
function M.attach(self, record_or_ref, path, options)
  options = options or {}
  links.check(self.client)
  self:note_schema "Documents"
  local schema, file = self:schema "Documents", documents.load(path)
  documents.check_size(schema, file)
  local fields = documents.fields(self.client, schema, file, options)
  local key = options.key or next_key(self)
  local tag = tag_of(self, "Documents", key)
  fields[self:witness("Documents").tag] = tag
  local target = not is_reference(record_or_ref) and records.id_of(record_or_ref) or nil
  add(self, {
    key = key,
    operation = "attach",
    module = "Documents",
    line = options.line,
    fields = json.encode(fields),
    refs = not target and json.encode { related_to = record_or_ref.key } or nil,
    before = json.encode {
      path = path,
      size = file.size,
      sha256 = errors.check(core.digest.sha256_file(path)),
      related_to = target,
    },
    tag = tag,
    state = "planned",
  })
  return key
end

--- Keep a row of the input that needs no change, so that it is counted.
---
--- @param self table icrm.ChangeSet
--- @param module string
--- @param options table `key`, `line`, `code`, `message`, `record`
--- @return string the key
function M.skip(self, module, options)
  add(self, {
    key = options.key,
    operation = options.operation or "create",
    module = module,
    record = options.record,
    line = options.line,
    fields = "{}",
    state = "skipped",
    code = options.code,
    message = options.message,
  })
  return options.key
end

return M
