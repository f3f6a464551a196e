--- The durable file of a change set: its header, changes, links, attempts and
-- sessions. A store keeps rows and says when they are on the disk; it knows
-- nothing of the CRM.
-- @module icrm.changes.journal.store

local core = require "icrm.core"
local database = require "icrm.changes.journal.database"
local sqlite = require "icrm.changes.journal.sqlite"

local M = {}

local BATCH = 500

local Store = setmetatable({}, { __index = database.Database })
Store.__index = Store
Store.__close = Store.close
Store.__name = "icrm.changes.Store"

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
  self.last = (self.last or self:count()) + 1
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

--- How many changes there are.
function Store:count()
  return self:rows("SELECT coalesce(max(n), 0) AS n FROM changes")[1].n + #self.pending
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

--- Whether any change waits for one that comes after it.
function Store:has_forward_links()
  return #self:rows "SELECT 1 FROM links WHERE parent > child LIMIT 1" > 0
end

--- The links as a graph.
---
--- @return table child → how many parents it waits for
--- @return table parent → list of children
--- @return table list of parents that wait for nothing
function Store:link_graph()
  local waits, children, free = {}, {}, {}
  for _, link in ipairs(self:rows "SELECT child, parent FROM links") do
    waits[link.child] = (waits[link.child] or 0) + 1
    children[link.parent] = children[link.parent] or {}
    table.insert(children[link.parent], link.child)
  end
  for parent in pairs(children) do
    if not waits[parent] then
      free[#free + 1] = parent
    end
  end
  return waits, children, free
end

local function pages(self, direction, first, condition, ...)
  local last, page, at, values = first, {}, 0, table.pack(...)
  local sql = ("SELECT * FROM changes WHERE n %s ? AND (%s) ORDER BY n %s LIMIT %d"):format(
    direction == "ASC" and ">" or "<",
    condition or "1 = 1",
    direction,
    BATCH
  )
  return function()
    at = at + 1
    if not page[at] then
      page, at = self:rows(sql, last, table.unpack(values, 1, values.n)), 1
    end
    local row = page[at]
    last = row and row.n or last
    return row
  end
end

--- Iterate over changes in order, in constant memory.
---
--- @param condition? string an SQL condition with `?`
--- @return function an iterator of rows; changes may be marked meanwhile
function Store:each(condition, ...)
  return pages(self, "ASC", 0, condition, ...)
end

--- Like `each`, the last change first.
function Store:each_backwards(condition, ...)
  return pages(self, "DESC", math.maxinteger, condition, ...)
end

--- Up to `limit` changes that may be sent now: planned, and every change that
-- they wait for is done.
function Store:ready(limit)
  return self:rows(
    [[SELECT * FROM changes c WHERE state = 'planned'
    AND NOT EXISTS (SELECT 1 FROM links l JOIN changes p ON p.n = l.parent
      WHERE l.child = c.n AND p.state NOT IN ('done', 'skipped'))
    ORDER BY n LIMIT ?]],
    limit
  )
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

--- Mark every planned change that waits, at any depth, for `n` as blocked.
---
--- @return integer how many
function Store:block_children(n, message)
  return self:run(
    [[WITH RECURSIVE waiting (n) AS (SELECT child FROM links WHERE parent = ?
      UNION SELECT l.child FROM links l JOIN waiting w ON l.parent = w.n)
    UPDATE changes SET state = 'blocked', code = 'PARENT_NOT_DONE', message = ?
    WHERE state = 'planned' AND n IN (SELECT n FROM waiting)]],
    n,
    message
  )
end

--- Give back to `planned` the blocked changes whose parents may still be done.
function Store:unblock()
  repeat
    local count = self:run [[UPDATE changes SET state = 'planned', code = NULL, message = NULL
      WHERE state = 'blocked' AND NOT EXISTS (SELECT 1 FROM links l JOIN changes p ON p.n = l.parent
        WHERE l.child = changes.n AND p.state IN ('failed', 'needs_human', 'blocked'))]]
  until count == 0
end

--- Note that attempt `attempt` of change `n` is about to be sent.
function Store:begin_attempt(n, attempt, sha256, now)
  self:run(
    "INSERT INTO attempts (change, attempt, sha256, started) VALUES (?, ?, ?, ?)",
    n,
    attempt,
    sha256,
    now
  )
end

--- Note how an attempt ended.
function Store:end_attempt(n, attempt, outcome)
  self:run(
    [[UPDATE attempts SET ended = ?, class = ?, status = ?, code = ?, message = ?
      WHERE change = ? AND attempt = ?]],
    outcome.ended,
    outcome.class,
    outcome.status,
    outcome.code,
    outcome.message,
    n,
    attempt
  )
end

--- The attempts of one change, oldest first.
function Store:attempts(n)
  return self:rows("SELECT * FROM attempts WHERE change = ? ORDER BY attempt", n)
end

--- Sessions that may still carry a write of this change set. They are secrets:
-- the only ones in the file, erased as soon as they are fenced.
function Store:add_session(session, now)
  self:run(
    [[INSERT INTO sessions (id, session, opened)
      SELECT coalesce(max(id), 0) + 1, ?, ? FROM sessions]],
    session,
    now
  )
end

function Store:sessions()
  return self:rows "SELECT * FROM sessions ORDER BY id"
end

function Store:erase_session(session)
  self:run("DELETE FROM sessions WHERE session = ?", session)
end

--- Totals: a list of { module, operation, state, n }.
function Store:totals()
  return self:rows [[SELECT module, operation, state, count(*) AS n FROM changes
    GROUP BY 1, 2, 3 ORDER BY 1, 2, 3]]
end

--- How many records are to be deleted: `all`, and those still `open`.
function Store:count_deletions()
  local count = self:rows([[SELECT count(*) AS n,
    count(CASE WHEN state IN ('planned', 'sending', 'unknown') THEN 1 END) AS open
    FROM changes WHERE operation = 'delete' AND state <> 'skipped']])[1]
  return { all = math.tointeger(count.n), open = math.tointeger(count.open) }
end

--- How many changes are in each state: state → number.
function Store:states()
  local states = {}
  for _, row in ipairs(self:rows "SELECT state, count(*) AS n FROM changes GROUP BY 1") do
    states[row.state] = row.n
  end
  return states
end

return M
