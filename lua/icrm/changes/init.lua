--- Change sets: a plan, then a journal, then the way back, in one durable file.
-- @module icrm.changes

local core = require "icrm.core"
local documents = require "icrm.documents"
local error_class = require "icrm.error"
local images = require "icrm.changes.images"
local json = require "icrm.json"
local records = require "icrm.records"
local schemas = require "icrm.schema"
local store = require "icrm.changes.store"

local changes = {}

local ChangeSet = {}
ChangeSet.__index = ChangeSet
ChangeSet.__name = "icrm.ChangeSet"

-- How many ids one query carries: 100 rows come back at most, and a URL has room.
local IDS_PER_QUERY = 50

local function input_error(format, ...)
  error(error_class.new { kind = "input", message = format:format(...) }, 0)
end

local Reference = { __name = "icrm.Reference" }

--- A value that stands for the id of a record that this change set creates.
-- @param key string the key of that change
-- @return table to be used as the value of a reference field
function changes.ref(key)
  return setmetatable({ key = key }, Reference)
end

local function is_reference(value)
  return getmetatable(value) == Reference
end

local function new(client, journal)
  return setmetatable(
    { client = client, store = journal, path = journal.path, schemas = {}, waiting = {} },
    ChangeSet
  )
end

--- Open the change set in a file, or begin one there: `crm:plan "FILE.icrm"`.
-- @param client table icrm.Client
-- @param path string
-- @param options table|nil see `create`
-- @return table icrm.ChangeSet
function changes.plan(client, path, options)
  if core.files.exists(path) then
    return changes.open(client, path, options)
  end
  return changes.create(client, path, options)
end

--- Begin a change set in a new file.
-- @param client table|nil the icrm.Client it is made for
-- @param path string must not exist
-- @param options table|nil
--   `input`: what the change set is made from (a file's sha256 …): the same
--   input gives the same tags, so that a second plan finds the first one's rows;
--   `witness`: module → { tag = field } or { key = { field, … } }: how a record
--   whose creation got no answer is found again;
--   `source`, `source_sha256`, `script`: shown in the header;
--   `any_filesystem`: allow a network file system.
-- @return table icrm.ChangeSet; raises icrm.Error
function changes.create(client, path, options)
  options = options or {}
  local header = {
    created = os.date "!%Y-%m-%d %H:%M:%S",
    host = client.site,
    user = client.username,
    server_version = client.version or "",
    id = core.digest.random_hex(16),
    generation = 0,
    input = options.input or core.digest.random_hex(16),
    script = options.script or (arg and arg[0]) or "",
    source = options.source or "",
    source_sha256 = options.source_sha256 or "",
    witness = json.encode(options.witness or {}),
  }
  return new(client, store.create(path, header, options))
end

--- Open a change set that exists.
-- @param client table|nil the client that will apply it; nil to look only
-- @param path string
-- @param options table|nil `read_only`, `any_filesystem`
-- @return table icrm.ChangeSet; raises icrm.Error (kind store)
function changes.open(client, path, options)
  local self = new(client, store.open(path, options))
  self.sealed = self.store:get_meta "sealed" == "1"
  self.is_torn = not self.sealed
  if client then
    self:check_client()
  end
  return self
end

-- A plan holds ids of one CRM: applied to another, it would hit other records.
function ChangeSet:check_client()
  local header = self.store:header()
  for _, name in ipairs { "host", "user" } do
    local planned, now = header[name], self.client[name == "host" and "site" or "username"]
    if planned ~= now then
      self:close()
      input_error(
        "%s was planned for %s %s, and this is %s; use the profile that it was planned with",
        self.path,
        name,
        planned,
        tostring(now)
      )
    end
  end
end

--- The module's schema; its hash is kept in the header, to see it change.
function ChangeSet:schema(module)
  local schema = self.schemas[module]
  if not schema then
    schema = self.client:describe(module)
    self.schemas[module] = schema
  end
  return schema
end

-- Told now, before the first record is made with it.
local function check_witness(self, module)
  local schema, witness = self:schema(module), self:witness(module)
  for _, name in ipairs(witness and (witness.key or { witness.tag }) or {}) do
    local field = schema.by_name[name]
    if not field then
      local fault = schema:unknown_field(name)
      input_error("witness of %s: %s; %s", module, fault.message, fault.cure)
    elseif
      witness.tag and not (field.editable and (field.type == "string" or field.type == "text"))
    then
      input_error(
        "a tag cannot be kept in %s.%s, which is %s; name a text field of 20 characters or more",
        module,
        name,
        field.editable and "of type " .. field.type or "read-only"
      )
    end
  end
end

function ChangeSet:note_schema(module)
  if self.noted and self.noted[module] then
    return
  end
  self.noted = self.noted or {}
  self.noted[module] = true
  check_witness(self, module)
  self.store:set_meta(
    "describe." .. module,
    core.digest.sha256(images.outline(self:schema(module)))
  )
end

--- The modules whose description is not what it was when the set was planned:
-- fields, types, picklists or obligations changed.
-- @return table list of names
function ChangeSet:changed_modules()
  local changed = {}
  for name, value in pairs(self.store:header()) do
    local module = name:match "^describe%.(.+)$"
    if module and value ~= core.digest.sha256(images.outline(self:schema(module))) then
      changed[#changed + 1] = module
    end
  end
  table.sort(changed)
  return changed
end

--- How a record of a module is found again: { tag = field } | { key = { … } } | nil.
-- A document that is attached has its tag in the text of the document, unless
-- another field is named.
function ChangeSet:witness(module)
  self.witnesses = self.witnesses or json.decode(self.store:get_meta "witness")
  return self.witnesses[module] or (module == "Documents" and { tag = "notecontent" } or nil)
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
      return self:schema(name).id_prefix
    end,
  })
  faults = faults_without(faults, references)
  if #faults > 0 then
    local where = options.line and (" (line %d)"):format(options.line) or ""
    error(
      error_class.new {
        kind = "input",
        message = ("%s%s: %s"):format(
          options.key or module,
          where,
          schemas.describe_faults(faults)
        ),
        faults = faults,
      },
      0
    )
  end
  return checked
end

-- The witness is written into the record itself, derived from the input and the
-- row, never from the run (RELIABILITY 1.3, X5).
local function tag_of(self, module, key)
  return core.digest.tag(self.store:get_meta "input", module, key)
end

local function next_key(self)
  return ("#%d"):format(self.store:count() + 1)
end

local function add(self, change)
  if self.store:has_key(change.key) then
    input_error(
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
-- @param module string
-- @param fields table field → value, or `icrm.ref(key)` for a record of this plan
-- @param options table|nil `key`: names the change (default: its number), unique
--   in the set; `line`: the line of the source
-- @return string the key; raises icrm.Error (kind input) when the values cannot be stored
function ChangeSet:create(module, fields, options)
  options = options or {}
  self:note_schema(module)
  local element = records.with_owner(self.client, self:schema(module), fields)
  local plain, references = split_references(element)
  local checked = check_fields(self, module, plain, references, options)
  local key = options.key or next_key(self)
  local witness, tag = self:witness(module), nil
  if witness and witness.tag then
    if (checked[witness.tag] or "") ~= "" then
      input_error("%s is the field of the tags, and %q gives it a value", witness.tag, key)
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
  self.store:run(
    "UPDATE changes SET fields = ?, refs = ? WHERE n = ?",
    json.encode(merged),
    next(refs) and json.encode(refs),
    earlier.n
  )
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
  local earlier = self.store:planned_for(record.id)
  if earlier then
    if earlier.operation ~= "update" then
      input_error("%s is to be deleted by change %q already", record.id, earlier.key)
    end
    return merge_into(self, earlier, checked, references, options)
  end
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

-- Read the records of the updates and deletes that were given by id alone.
local function read_waiting(self)
  local waiting = self.waiting
  self.waiting = {}
  local by_module = {}
  for _, item in ipairs(waiting) do
    local module = records.module_of(self.client, item.id)
    by_module[module] = by_module[module] or {}
    table.insert(by_module[module], item.id)
  end
  local found = {}
  for module, ids in pairs(by_module) do
    for record in
      self.client:query(("SELECT * FROM %s WHERE id IN (?)"):format(module), ids):each()
    do
      found[record.id] = record
    end
  end
  for _, item in ipairs(waiting) do
    if not found[item.id] then
      input_error("%s is not there, or this user may not see it", item.id)
    end
    item.add(found[item.id])
  end
end

local function with_record(self, record_or_id, add_change)
  if type(record_or_id) == "table" and record_or_id.id and record_or_id.modifiedtime then
    return add_change(record_or_id)
  end
  local id = type(record_or_id) == "table" and record_or_id.id or record_or_id
  records.id_of(id) -- raises when it is none
  table.insert(self.waiting, { id = id, add = add_change })
  if #self.waiting >= IDS_PER_QUERY then
    read_waiting(self)
  end
end

--- Plan the update of a record.
-- Its present values become the before-image: given a whole record (a row of
-- `SELECT *`) nothing is read, given an id the record is read, 50 at a time.
-- @param record_or_id table|string
-- @param fields table field → new value; fields that have it already are left out
-- @param options table|nil `key`, `line`; `check = false`: values known to be
--   storable, such as those of a before-image
function ChangeSet:update(record_or_id, fields, options)
  return with_record(self, record_or_id, function(record)
    return add_update(self, record, fields, options or {})
  end)
end

--- Plan the deletion of a record. It cannot be undone: a record that is created
-- again has another id. The server needs the operation `delete`.
-- @param record_or_id table|string
-- @param options table|nil `key`, `line`
function ChangeSet:delete(record_or_id, options)
  options = options or {}
  return with_record(self, record_or_id, function(record)
    local earlier = self.store:planned_for(record.id)
    if earlier then
      input_error("%s is changed by change %q already", record.id, earlier.key)
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
-- @param record_or_ref string|table an id, a record, or `changes.ref(key)`
-- @param path string the file; it must be the same when it is sent
-- @param options table|nil `title`, `key`, `line`
-- @return string key
function ChangeSet:attach(record_or_ref, path, options)
  options = options or {}
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
      size = #file.data,
      sha256 = core.digest.sha256(file.data),
      related_to = target,
    },
    tag = tag,
    state = "planned",
  })
  return key
end

--- Keep a row of the input that needs no change, so that it is counted.
-- @param module string
-- @param options table `key`, `line`, `code`, `message`, `record`
-- @return string the key
function ChangeSet:skip(module, options)
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

-- Every reference becomes a link from the child to its parent.
local function link_references(self)
  for change in self.store:each("refs IS NOT NULL AND n > ?", self.linked or 0) do
    for field, key in pairs(json.decode(change.refs)) do
      local parent = self.store:by_key(key)
      if not parent then
        input_error(
          "change %q: %s refers to %q, which is not in this plan",
          change.key,
          field,
          key
        )
      end
      if not parent.record and (parent.operation ~= "create" or parent.state == "skipped") then
        input_error("change %q: %s refers to %q, which creates nothing", change.key, field, key)
      end
      self.store:link(change.n, parent.n)
    end
    self.linked = change.n
  end
  self.store:flush()
end

-- Parents mostly come first, and then there is no cycle. Otherwise take away,
-- again and again, what waits for nothing: what is left goes in circles.
local function check_cycles(self)
  if not self.store:has_forward_links() then
    return
  end
  local waits, children, free = self.store:link_graph()
  while #free > 0 do
    local n = table.remove(free)
    for _, child in ipairs(children[n] or {}) do
      waits[child] = waits[child] - 1
      if waits[child] == 0 then
        waits[child] = nil
        table.insert(free, child)
      end
    end
  end
  local n = next(waits)
  if n then
    input_error(
      "change %q refers, through others, to itself; break the circle",
      self.store:get(n).key
    )
  end
end

--- Finish the plan: everything is on the disk, references are resolved.
-- `show` and `apply` call it; call it yourself to learn of errors sooner.
function ChangeSet:seal()
  if self.sealed or self.store.read_only then
    return
  end
  while #self.waiting > 0 do
    read_waiting(self)
  end
  self.store:flush()
  link_references(self)
  check_cycles(self)
  self.store:set_meta("sealed", 1)
  self.sealed = true
end

--- Whether it was applied, if only in part.
-- @return boolean
function ChangeSet:is_begun()
  return tonumber(self.store:get_meta "generation") > 0
end

--- Describe the plan, or what became of it, for a person.
-- @param options table|nil see icrm.changes.show
-- @return string
function ChangeSet:show(options)
  return require("icrm.changes.show").text(self, options)
end

--- The same, written piece by piece.
-- @param write function called with each piece of text
-- @param options table|nil see icrm.changes.show
function ChangeSet:write(write, options)
  return require("icrm.changes.show").write(self, write, options)
end

--- Send what is planned, each change exactly once; continue where an earlier
-- run stopped. @see icrm.changes.apply
-- @param options table|nil
-- @return table summary
function ChangeSet:apply(options)
  if self.is_torn then
    input_error(
      "the planning of %s was interrupted, so rows may be missing; plan anew",
      self.path
    )
  end
  self:seal()
  return require("icrm.changes.apply").run(self, options)
end

--- Plan the way back in a new file.
-- @param path string
-- @param options table|nil see icrm.changes.undo
-- @return table icrm.ChangeSet
function ChangeSet:undo(path, options)
  return require("icrm.changes.undo").plan(self, path, options)
end

--- Close the file. Harmless when closed already.
function ChangeSet:close()
  self.store:close()
end

ChangeSet.__close = ChangeSet.close

function ChangeSet:__tostring()
  return ("icrm.ChangeSet (%s)"):format(self.path)
end

return changes
