--- The durable file of a change set: its header, changes, links, attempts and
-- sessions. A store keeps rows and says when they are on the disk; it knows
-- nothing of the CRM.
-- @module icrm.changes.journal.store

local answers = require "icrm.changes.journal.answers"
local attempts = require "icrm.changes.journal.attempts"
local core = require "icrm.core"
local database = require "icrm.changes.journal.database"
local graph = require "icrm.changes.journal.graph"
local selections = require "icrm.changes.journal.selection"
local sqlite = require "icrm.changes.journal.sqlite"

local M = {}

local BATCH = 500

local Store = setmetatable({}, { __index = database.Database })
Store.__index = Store
Store.__close = Store.close
Store.__name = "icrm.changes.Store"
for _, methods in ipairs { answers, attempts, graph } do
  for name, method in pairs(methods) do
    Store[name] = method
  end
end

-- The SQL of change sets is what SQLite and PostgreSQL have in common, and every
-- number that comes back has one of these names. `%s` is the driver's `clustered`.
Store.numbers = {
  n = true,
  line = true,
  attempts = true,
  child = true,
  parent = true,
  change = true,
  attempt = true,
  started = true,
  ended = true,
  status = true,
  id = true,
  opened = true,
  open = true,
}

local TABLES = {
  [[CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT)]],
  [[CREATE TABLE changes (
      n INTEGER PRIMARY KEY, key TEXT NOT NULL, operation TEXT NOT NULL,
      module TEXT NOT NULL, record TEXT, line INTEGER,
      fields TEXT NOT NULL, refs TEXT, before TEXT, after TEXT, tag TEXT,
      state TEXT NOT NULL, attempts INTEGER NOT NULL DEFAULT 0,
      code TEXT, message TEXT, differences TEXT)]],
  [[CREATE UNIQUE INDEX changes_key ON changes (key)]],
  [[CREATE INDEX changes_state ON changes (state, n)]],
  [[CREATE INDEX changes_record ON changes (record)]],
  [[CREATE TABLE links (child INTEGER, parent INTEGER,
      PRIMARY KEY (child, parent)) %s]],
  [[CREATE INDEX links_parent ON links (parent)]],
  [[CREATE TABLE attempts (change INTEGER, attempt INTEGER, sha256 TEXT,
      started DOUBLE PRECISION, ended DOUBLE PRECISION, class TEXT, status INTEGER, code TEXT,
      message TEXT, PRIMARY KEY (change, attempt)) %s]],
  [[CREATE TABLE sessions (id INTEGER PRIMARY KEY, session TEXT NOT NULL,
      opened DOUBLE PRECISION NOT NULL)]],
}

local function open(path, options, is_new)
  local self = setmetatable({
    path = path,
    read_only = options.read_only,
    pending = {},
    pending_keys = {},
    pending_records = {},
  }, Store)
  return database.open(self, options, is_new)
end

local function write_header(self, meta)
  for _, statement in ipairs(TABLES) do
    self:run(statement:format(self.driver.clustered or ""))
  end
  for name, value in pairs(meta) do
    self:set_meta(name, value)
  end
  self:set_meta("format_version", database.FORMAT_VERSION)
  self:set_meta("sealed", 0)
  self.driver.mark(self, database.FORMAT_VERSION)
end

--- Create a change set file; it is locked for this process.
---
--- @param path string a path that does not exist yet
--- @param meta table the header: name → string or number
--- @param options? table `any_filesystem`, `driver`
--- @return table the Store; raises icrm.Error (kind store)
function M.create(path, meta, options)
  options = options or {}
  local ok, err = core.files.create(path, options.any_filesystem)
  if not ok then
    error(err, 0)
  end
  local self
  ok, err = pcall(function()
    self = open(path, options, true)
    self:transaction(write_header, self, meta)
  end)
  if not ok then
    if self then
      self:close()
    end
    (options.driver or sqlite).remove(path)
    error(err, 0)
  end
  return self
end

--- Close a change set that came to nothing, and remove it.
function Store:remove()
  self:close()
  self.driver.remove(self.path)
end

--- Open an existing change set.
---
--- @param path string
--- @param options? table `read_only` (no lock is taken), `any_filesystem`, `driver`
--- @return table the Store; raises icrm.Error (kind store; code LOCKED when another process has it)
function M.open(path, options)
  return open(path, options or {}, false)
end

local COLUMNS = {
  "n",
  "key",
  "operation",
  "module",
  "record",
  "line",
  "fields",
  "refs",
  "before",
  "tag",
  "state",
  "code",
  "message",
}

--- Add a change; it is durable after `flush`. `change.n` is given here.
function Store:add(change)
  self.last = self:count() + 1
  change.n = self.last
  local values = {}
  for i, column in ipairs(COLUMNS) do
    values[i] = database.literal(self.connection, change[column])
  end
  local pending = self.pending
  self.pending_keys[change.key] = true
  if change.record then
    self.pending_records[change.record] = true
  end
  pending[#pending + 1] = "(" .. table.concat(values, ",") .. ")"
  if #pending >= BATCH then
    self:flush()
  end
  return change.n
end

--- Write what `add` and `link` have gathered.
function Store:flush()
  local pending, links = self.pending, self.pending_links
  if #pending == 0 and not links then
    return
  end
  self.pending, self.pending_keys, self.pending_records = {}, {}, {}
  self.pending_links = nil
  self:transaction(function()
    if #pending > 0 then
      self:run_text(
        "INSERT INTO changes ("
          .. table.concat(COLUMNS, ",")
          .. ") VALUES "
          .. table.concat(pending, ",")
      )
    end
    if links then
      self:run_text(
        "INSERT INTO links (child, parent) VALUES "
          .. table.concat(links, ",")
          .. " ON CONFLICT DO NOTHING"
      )
    end
  end)
end

--- Say that `child` waits for `parent` (both are numbers of changes).
function Store:link(child, parent)
  self.pending_links = self.pending_links or {}
  table.insert(self.pending_links, ("(%d,%d)"):format(child, parent))
end

--- How many changes there are, those that wait for `flush` among them.
function Store:count()
  self.last = self.last or self:rows("SELECT coalesce(max(n), 0) AS n FROM changes")[1].n
  return self.last
end

--- One change by number or by key; nil when there is none.
function Store:get(n)
  return self:rows("SELECT * FROM changes WHERE n = ?", n)[1]
end

function Store:by_key(key)
  return self:rows("SELECT * FROM changes WHERE key = ?", tostring(key))[1]
end

--- Whether `key` is taken, by a change on the disk or one that waits for `flush`.
function Store:has_key(key)
  return self.pending_keys[key]
    or #self:rows("SELECT 1 FROM changes WHERE key = ?", tostring(key)) > 0
end

--- The change that is planned for a record; nil when there is none.
function Store:planned_for(record)
  if self.pending_records[record] then
    self:flush()
  end
  return self:rows("SELECT * FROM changes WHERE record = ? AND state = 'planned'", record)[1]
end

local function pages(self, direction, condition, values)
  local last, page, at = direction == "ASC" and 0 or math.maxinteger, {}, 0
  local sql = ("SELECT * FROM changes WHERE n %s ? AND (%s) ORDER BY n %s LIMIT %d"):format(
    direction == "ASC" and ">" or "<",
    condition,
    direction,
    BATCH
  )
  return function()
    at = at + 1
    if not page[at] then
      page, at = self:rows(sql, last, table.unpack(values)), 1
    end
    local row = page[at]
    last = row and row.n or last
    return row
  end
end

--- Iterate over changes in order, in constant memory.
---
--- @param selection? table which; all by default. @see icrm.changes.journal.selection
--- @return function an iterator of rows; changes may be marked meanwhile
function Store:each(selection)
  return pages(self, "ASC", selections.condition(selection))
end

--- Like `each`, the last change first.
function Store:each_backwards(selection)
  return pages(self, "DESC", selections.condition(selection))
end

--- Like `each`, by a condition of this folder.
---
--- @param condition string SQL
function Store:each_where(condition)
  return pages(self, "ASC", condition, {})
end

local MARKS =
  { "state", "attempts", "record", "before", "after", "tag", "code", "message", "differences" }

--- Change columns of one change: `mark(n, { state = "done", after = … })`.
-- `false` clears a column.
function Store:mark(n, values)
  local parts = {}
  for _, column in ipairs(MARKS) do
    local value = values[column]
    if value ~= nil then
      parts[#parts + 1] = column
        .. " = "
        .. (value == false and "NULL" or database.literal(self.connection, value))
    end
  end
  self:run_text(("UPDATE changes SET %s WHERE n = %d"):format(table.concat(parts, ", "), n))
end

--- Give a planned change other values.
---
--- @param n integer
--- @param fields string JSON
--- @param refs? string JSON
function Store:replace_fields(n, fields, refs)
  self:run("UPDATE changes SET fields = ?, refs = ? WHERE n = ?", fields, refs, n)
end

return M
