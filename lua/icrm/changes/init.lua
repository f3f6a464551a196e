--- Change sets: a plan, then a journal, then the way back, in one durable file.
-- @module icrm.changes

local before = require "icrm.changes.plan.before"
local by_hand = require "icrm.changes.by_hand"
local core = require "icrm.core"
local errors = require "icrm.error"
local images = require "icrm.images"
local json = require "icrm.json"
local links = require "icrm.changes.plan.links"
local notes_module = require "icrm.changes.journal.notes"
local planning = require "icrm.changes.plan.planning"
local roundings = require "icrm.changes.plan.roundings"
local store = require "icrm.changes.journal.store"
local uniqueness = require "icrm.changes.plan.uniqueness"
local witness = require "icrm.changes.plan.witness"

local M = { ref = planning.ref }

local ChangeSet = {}
ChangeSet.__index = ChangeSet
ChangeSet.__name = "icrm.ChangeSet"

local refuse = errors.refuse

local function new(client, journal)
  return setmetatable(
    {
      client = client,
      store = journal,
      path = journal.path,
      schemas = {},
      waiting = {},
      roundings = {}, -- Module.field → what will be rounded, see plan/roundings
    },
    ChangeSet
  )
end

--- Open the change set in a file, or begin one there: `crm:plan "FILE.icrm"`.
---
--- @param client table icrm.Client
--- @param path string
--- @param options? table see `create`
--- @return table icrm.ChangeSet
function M.plan(client, path, options)
  if core.files.exists(path) then
    return M.open(client, path, options)
  end
  return M.create(client, path, options)
end

--- Begin a change set in a new file.
---
--- @param client? table the icrm.Client it is made for
--- @param path string must not exist
--- @param options? table
---   `input`: what the change set is made from (a file's sha256 …): the same
---   input gives the same tags, so that a second plan finds the first one's rows;
---   `witness`: module → { tag = field } or { key = { field, … } }: how a record
---   whose creation got no answer is found again;
---   `source`, `source_sha256`, `reading` (how a file was read), `script`: shown in the header;
---   `sources`: the files that the rows came from, a list of { path, full_path, sha256, sheet,
---   skip (where in a workbook: numbers), encoding, delimiter (of a CSV file), records (names
---   that the keys of its changes begin with) };
---   `any_filesystem`: allow a network file system;
---   `driver`: where the rows are kept, if not in the file. @see icrm.changes.journal.sqlite
--- @return table icrm.ChangeSet; raises icrm.Error
function M.create(client, path, options)
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
    sources = options.sources and json.encode(options.sources),
    reading = options.reading,
    witness = json.encode(options.witness or {}),
  }
  return new(client, store.create(path, header, options))
end

-- A file of the right form may have been made by anybody.
local function check_header(self)
  local header = self.store:header()
  local ok = math.tointeger(tonumber(header.generation))
    and type(json.decode(header.witness or "")) == "table"
  for _, name in ipairs { "id", "input", "created", "source", "source_sha256", "host", "user",
    "server_version" } do
    ok = ok and header[name] ~= nil
  end
  if not ok then
    self:close()
    errors.raise {
      kind = "store",
      message = self.path .. ": its header is not one that icrm has written",
    }
  end
end

--- Open a change set that exists.
---
--- @param client? table the client that will apply it; nil to look only
--- @param path string
--- @param options? table `read_only`, `any_filesystem`, `driver`
--- @return table icrm.ChangeSet; raises icrm.Error (kind store)
function M.open(client, path, options)
  local self = new(client, store.open(path, options))
  check_header(self)
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
      refuse(
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

function ChangeSet:note_schema(module)
  if self.noted and self.noted[module] then
    return
  end
  self.noted = self.noted or {}
  self.noted[module] = true
  witness.check(self, module)
  self.store:set_meta(
    "describe." .. module,
    core.digest.sha256(images.outline(self:schema(module)))
  )
end

--- The modules whose description is not what it was when the set was planned:
--- fields, types, picklists or obligations changed.
---
--- @return table list of names
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

for _, name in ipairs { "create", "update", "delete", "attach", "skip" } do
  ChangeSet[name] = planning[name]
end
ChangeSet.witness = witness.of
ChangeSet.mark_done, ChangeSet.mark_absent = by_hand.mark_done, by_hand.mark_absent

--- Finish the plan: everything is on the disk, references are resolved.
-- `show` and `apply` call it; call it yourself to learn of errors sooner.
function ChangeSet:seal()
  if self.sealed or self.store.read_only then
    return
  end
  while #self.waiting > 0 do
    before.read(self)
  end
  self.store:flush()
  uniqueness.seal(self)
  links.resolve(self)
  roundings.save(self)
  self.store:set_meta("sealed", 1)
  self.sealed = true
end

--- Whether it was applied, if only in part.
---
--- @return boolean
function ChangeSet:is_begun()
  return tonumber(self.store:get_meta "generation") > 0
end

--- Choose how records whose numbers the CRM counts up are created: "unique", one at a
--- time; "any", several at once, so that some may get one number. Without a choice,
--- quotes, orders and invoices are unique. It holds until it is chosen again.
---
--- @param choice "unique"|"any"
function ChangeSet:number(choice)
  self.store:set_meta("numbers", choice)
end

--- How many deletions must still be allowed by their exact number. A number that
--- was right once holds for the set: whoever goes on after a crash is not asked again.
---
--- @param allowed? integer the number that was said
--- @return integer 0 when all are allowed
function ChangeSet:deletions_to_allow(allowed)
  local count = self.store:count_deletions()
  if count.open == allowed or tostring(count.all) == self.store:get_meta "allowed_deletions" then
    return 0
  end
  return count.open
end

--- Describe the plan, or what became of it, for a person.
---
--- @param options? table see icrm.changes.show
--- @return string
function ChangeSet:show(options)
  return require("icrm.changes.show").text(self, options)
end

--- The same, written piece by piece.
---
--- @param write function called with each piece of text
--- @param options? table see icrm.changes.show
function ChangeSet:write(write, options)
  return require("icrm.changes.show").write(self, write, options)
end

-- The machine remembers which files were sent, so that a second time is no surprise.
local function note_source(self)
  local is_file = self.store:get_meta "source_sha256" ~= ""
  local notes <close> = is_file and notes_module.open() or nil
  if notes then
    notes:note_sent(self.store:get_meta "input", self.client.site, self.path, os.time())
  end
end

--- Send what is planned, each change exactly once; continue where an earlier
--- run stopped. @see icrm.changes.send.run
---
--- @param options? table
--- @return table summary
function ChangeSet:apply(options)
  if self.is_torn then
    refuse(
      "the planning of %s was interrupted, so rows may be missing; plan anew",
      self.path
    )
  end
  self:seal()
  local _ <close> = require("icrm.changes.send.claim").take(self)
  note_source(self)
  if options and options.numbers then
    self:number(options.numbers)
  end
  return require("icrm.changes.send.run").run(self, options)
end

--- Plan the way back in a new file.
---
--- @param path string
--- @param options? table see icrm.changes.plan.undo
--- @return table icrm.ChangeSet
function ChangeSet:undo(path, options)
  return require("icrm.changes.plan.undo").plan(self, M.create, path, options)
end

--- Close the file. Harmless when closed already.
function ChangeSet:close()
  self.store:close()
end

ChangeSet.__close = ChangeSet.close

function ChangeSet:__tostring()
  return ("icrm.ChangeSet (%s)"):format(self.path)
end

return M

