--- The durable file of a change set: SQLite through LuaSQL.
-- A store keeps rows and says when they are on the disk; it knows nothing of
-- the CRM. Another LuaSQL driver can serve it through `open`'s last parameter.
-- @module icrm.changes.store

local core = require "icrm.core"
local error_class = require "icrm.error"

local store = {}

local APPLICATION_ID = 0x6963726D -- "icrm"
local FORMAT_VERSION = 1
local BATCH = 500

local Store = {}
Store.__index = Store
Store.__name = "icrm.changes.Store"

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
      PRIMARY KEY (child, parent)) WITHOUT ROWID]],
  [[CREATE INDEX links_parent ON links (parent)]],
  [[CREATE TABLE attempts (change INTEGER, attempt INTEGER, sha256 TEXT,
      started REAL, ended REAL, class TEXT, status INTEGER, code TEXT,
      message TEXT, PRIMARY KEY (change, attempt)) WITHOUT ROWID]],
  [[CREATE TABLE sessions (id INTEGER PRIMARY KEY, session TEXT NOT NULL,
      opened REAL NOT NULL)]],
}

--- The LuaSQL driver for SQLite, as `open` wants it.
local sqlite = {}

function sqlite.connect(path)
  local environment = require("luasql.sqlite3").sqlite3()
  local connection, message = environment:connect(path, 5000)
  if not connection then
    return nil, message
  end
  return connection, environment
end

sqlite.settings = {
  "PRAGMA journal_mode = WAL",
  "PRAGMA synchronous = FULL",
  "PRAGMA secure_delete = ON", -- an erased session leaves no trace
}

local function fail(path, message, code)
  message = tostring(message):gsub("^LuaSQL: ", "")
  error(
    error_class.new {
      kind = "store",
      code = code,
      message = ("%s: %s"):format(path, message),
    },
    0
  )
end

local function literal(connection, value)
  if value == nil then
    return "NULL"
  elseif math.type(value) == "integer" then
    return ("%d"):format(value)
  elseif type(value) == "number" then
    return ("%.17g"):format(value)
  end
  return "'" .. connection:escape(tostring(value)) .. "'"
end

-- Run one statement; each `?` is the next of `...` as a literal.
function Store:run(sql, ...)
  local connection, values, at = self.connection, table.pack(...), 0
  local text = sql:gsub("%?", function()
    at = at + 1
    return literal(connection, values[at])
  end)
  local result, message = connection:execute(text)
  if not result then
    self.broken = true
    fail(self.path, message)
  end
  return result
end

-- All rows of a SELECT, as tables by column name. Only for bounded results.
function Store:rows(sql, ...)
  local cursor = self:run(sql, ...)
  local list = {}
  for i = 1, math.maxinteger do
    local row = cursor:fetch({}, "a")
    if not row then
      break
    end
    list[i] = row
  end
  cursor:close()
  return list
end

local function open_connection(self, driver)
  local connection, environment = driver.connect(self.path)
  if not connection then
    fail(self.path, environment)
  end
  self.connection, self.environment = connection, environment
  for _, statement in ipairs(driver.settings) do
    self:rows_or_nothing(statement)
  end
end

-- A PRAGMA answers with a cursor or with a count; either way it is done.
function Store:rows_or_nothing(sql)
  local result = self:run(sql)
  if type(result) == "userdata" then
    result:close()
  end
end

local function check_format(self)
  local id = tonumber(self:rows("PRAGMA application_id")[1].application_id)
  if id ~= APPLICATION_ID then
    self:close()
    fail(self.path, "this is no change set")
  end
  local version = tonumber(self:rows("PRAGMA user_version")[1].user_version)
  if version ~= FORMAT_VERSION then
    self:close()
    fail(
      self.path,
      ("format %d of this change set is not the one that this icrm reads (%d)"):format(
        version,
        FORMAT_VERSION
      )
    )
  end
end

-- After an unclean end SQLite replays its log; make sure of the result once.
local function check_integrity(self, options)
  if options.read_only or self:get_meta("open") ~= "1" then
    return
  end
  local verdict = self:rows("PRAGMA quick_check(1)")[1]
  if verdict.quick_check ~= "ok" then
    fail(self.path, "the file is damaged: " .. tostring(verdict.quick_check))
  end
end

local function open(path, options, is_new)
  local self = setmetatable({
    path = path,
    read_only = options.read_only,
    pending = {},
    pending_keys = {},
    pending_records = {},
  }, Store)
  if not core.files.exists(path) then -- not by opening it: that would drop SQLite's locks
    fail(path, "there is no such file")
  end
  if not options.read_only then
    local lock, err = core.files.lock(path, options.any_filesystem)
    if not lock then
      error(err, 0)
    end
    self.lock = lock
  end
  local ok, err = pcall(function()
    open_connection(self, options.driver or sqlite)
    if not is_new then
      check_format(self)
      check_integrity(self, options)
    end
  end)
  if not ok then
    self:close()
    error(err, 0)
  end
  return self
end

--- Create a change set file; it is locked for this process.
-- @param path string a path that does not exist yet
-- @param meta table the header: name → string or number
-- @param options table|nil `any_filesystem`, `driver`
-- @return table the Store; raises icrm.Error (kind store)
function store.create(path, meta, options)
  options = options or {}
  local ok, err = core.files.create(path, options.any_filesystem)
  if not ok then
    error(err, 0)
  end
  local self = open(path, options, true)
  self:transaction(function()
    for _, statement in ipairs(TABLES) do
      self:run(statement)
    end
    for name, value in pairs(meta) do
      self:set_meta(name, value)
    end
    self:set_meta("format_version", FORMAT_VERSION)
    self:set_meta("sealed", 0)
    self:rows_or_nothing(("PRAGMA application_id = %d"):format(APPLICATION_ID))
    self:rows_or_nothing(("PRAGMA user_version = %d"):format(FORMAT_VERSION))
  end)
  return self
end

--- Open an existing change set.
-- @param path string
-- @param options table|nil `read_only` (no lock is taken), `any_filesystem`, `driver`
-- @return table the Store; raises icrm.Error (kind store; code LOCKED when another process has it)
function store.open(path, options)
  return open(path, options or {}, false)
end

--- Run `fn` in one transaction: durable when this returns, undone when it raises.
-- A yield inside fails, which is the wish: no transaction stays open across a wait.
function Store:transaction(fn, ...)
  self:run "BEGIN IMMEDIATE"
  local result = table.pack(pcall(fn, ...))
  if not result[1] then
    self.connection:execute "ROLLBACK"
    error(result[2], 0)
  end
  self:run "COMMIT"
  return table.unpack(result, 2, result.n)
end

--- Read or write one entry of the header.
function Store:get_meta(name)
  local row = self:rows("SELECT value FROM meta WHERE name = ?", name)[1]
  return row and row.value
end

function Store:set_meta(name, value)
  self:run("INSERT OR REPLACE INTO meta (name, value) VALUES (?, ?)", name, tostring(value))
end

--- The whole header: name → string.
function Store:header()
  local header = {}
  for _, row in ipairs(self:rows "SELECT name, value FROM meta") do
    header[row.name] = row.value
  end
  return header
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
    values[i] = literal(self.connection, change[column])
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
        "INSERT OR IGNORE INTO links (child, parent) VALUES " .. table.concat(links, ",")
      )
    end
  end)
end

-- Like run, for text that holds literals already (a `?` in them is text).
function Store:run_text(text)
  local result, message = self.connection:execute(text)
  if not result then
    self.broken = true
    fail(self.path, message)
  end
  return result
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
  return self:rows("SELECT * FROM changes WHERE key = ?", key)[1]
end

--- Whether `key` is taken, by a change on the disk or one that waits for `flush`.
function Store:has_key(key)
  return self.pending_keys[key] or #self:rows("SELECT 1 FROM changes WHERE key = ?", key) > 0
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
-- @return table child → how many parents it waits for
-- @return table parent → list of children
-- @return table list of parents that wait for nothing
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
    condition or "1",
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
-- @param condition string|nil an SQL condition with `?`
-- @return function an iterator of rows; changes may be marked meanwhile
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
        .. (value == false and "NULL" or literal(self.connection, value))
    end
  end
  self:run_text(("UPDATE changes SET %s WHERE n = %d"):format(table.concat(parts, ", "), n))
end

--- Mark every planned change that waits, at any depth, for `n` as blocked.
-- @return integer how many
function Store:block_children(n, message)
  self:run(
    [[WITH RECURSIVE waiting (n) AS (SELECT child FROM links WHERE parent = ?
      UNION SELECT l.child FROM links l JOIN waiting w ON l.parent = w.n)
    UPDATE changes SET state = 'blocked', code = 'PARENT_NOT_DONE', message = ?
    WHERE state = 'planned' AND n IN (SELECT n FROM waiting)]],
    n,
    message
  )
  return self:rows("SELECT changes() AS n")[1].n
end

--- Give back to `planned` the blocked changes whose parents may still be done.
function Store:unblock()
  repeat
    self:run [[UPDATE changes SET state = 'planned', code = NULL, message = NULL
      WHERE state = 'blocked' AND NOT EXISTS (SELECT 1 FROM links l JOIN changes p ON p.n = l.parent
        WHERE l.child = changes.n AND p.state IN ('failed', 'needs_human', 'blocked'))]]
  until self:rows("SELECT changes() AS n")[1].n == 0
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
  self:run("INSERT INTO sessions (session, opened) VALUES (?, ?)", session, now)
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

--- How many changes are in each state: state → number.
function Store:states()
  local states = {}
  for _, row in ipairs(self:rows "SELECT state, count(*) AS n FROM changes GROUP BY 1") do
    states[row.state] = row.n
  end
  return states
end

--- Close the file and release its lock. Harmless when closed already.
function Store:close()
  if self.connection then
    self.connection:close()
    self.environment:close()
    self.connection = nil
  end
  if self.lock then
    self.lock:close()
    self.lock = nil
  end
end

Store.__close = Store.close

return store
