--- The driver for SQLite, and by its example what a driver is: all that one
-- database does in its own way. A change set uses this one, in its own file, unless
-- `options.driver` is another; the SQL of the other modules is what SQLite and
-- PostgreSQL have in common.
--
-- A driver is a table of
--
-- * `connect(path, options)`: a connection and an environment of LuaSQL, or nil and
--   a message. The file at `path` is there, private and locked by the store (but for
--   `options.read_only`), and empty when `options.is_new`; a driver that keeps its
--   rows elsewhere may write into it where they are. Whatever another connection
--   can do, only one that is not `read_only` may be open at a time.
-- * `settings`: statements for every new connection. After them a COMMIT that has
--   returned survives the loss of power; exactly-once hangs on it.
-- * `begin`: the statement that begins a transaction for writing; COMMIT and
--   ROLLBACK end it. CREATE TABLE must be possible within it.
-- * `mark(database, version)`: mark new tables as a change set of this format, in
--   the transaction that makes them; `format(database)`: that version again, nil
--   when it is no change set.
-- * `damage(database)`: what is wrong with the tables after an unclean end, as a
--   text; nil when nothing is.
-- * `flaw(database)`: nil, or what is wrong with a row that somebody else has written;
--   may be left out.
-- * `is_foreign(path)`: whether a file that could not be locked is of another kind; may
--   be left out.
-- * `remove(path)`: remove a change set and its file.
-- * `is_full(path, message)`: whether what the database says means that the disk is full;
--   may be left out.
-- * `plain_words`: what the database says → words for whoever has to mend it.
-- * `gives_text`: true when every value comes back as a text, numbers too.
-- * `clustered`: nil, or what to append to CREATE TABLE for rows kept by their key.
--
-- `database` has `run(sql, ...)`, `rows(sql, ...)`, `rows_or_nothing(sql)` and
-- `get_meta(name)` of icrm.changes.journal.database. Texts are bytes: the connection's
-- `escape` makes them safe between apostrophes, where a backslash is a character
-- like others. They never hold a NUL.
-- @module icrm.changes.journal.sqlite

local core = require "icrm.core"
local state = require "icrm.changes.journal.state"

local M = {
  begin = "BEGIN IMMEDIATE",
  clustered = "WITHOUT ROWID",
}

local APPLICATION_ID = 0x6963726D -- "icrm"
local HEAD = "SQLite format 3\0"
local BUSY_MS = 5000

M.settings = {
  "PRAGMA journal_mode = WAL",
  "PRAGMA synchronous = FULL",
  "PRAGMA secure_delete = ON", -- an erased session leaves no trace
}

local FULL = "database or disk is full"

M.plain_words = {
  ["file is not a database"] = "this is no change set; an import, an update and the like "
    .. "write one, FILE.icrm",
  ["attempt to write a readonly database"] = "it, or its folder, may not be written to",
  ["unable to open database file"] = "it, or its folder, may not be written to",
}

local ROOM = 64 * 1024 -- bytes; the log and its shared memory take as much

-- Whether there is no room for what a database needs beside its file.
local function lacks_room(path)
  local probe = path .. ".room"
  local file = core.files.create(probe) and io.open(probe, "wb")
  if not file then
    return false
  end
  local is_written = file:write(("\0"):rep(ROOM)) and file:flush()
  file:close()
  os.remove(probe)
  return not is_written
end

--- Whether an error means that the disk is full. Where not even the shared memory of the
--- log finds room SQLite speaks of an I/O error.
---
--- @param path string of the database
--- @param message string
--- @return boolean
function M.is_full(path, message)
  return message == FULL or message == "disk I/O error" and lacks_room(path)
end

--- Open a file.
---
--- @param path string
--- @return userdata|nil connection of LuaSQL
--- @return userdata|string its environment, or what is wrong
function M.connect(path)
  local environment = require("luasql.sqlite3").sqlite3()
  local connection, message = environment:connect(path, BUSY_MS)
  if not connection then
    environment:close()
    return nil, message
  end
  return connection, environment
end

--- Whether a file is of another kind. It is opened, which would drop the locks of a
--- connection that this process has: only for one that could not be locked.
---
--- @param path string
--- @return boolean
function M.is_foreign(path)
  local file = io.open(path, "rb")
  local head = file and file:read(#HEAD) or HEAD
  if file then
    file:close()
  end
  return head ~= HEAD
end

--- The versions of SQLite and of the library that reaches it.
---
--- @return string|nil nil where the library is not installed
function M.version()
  local ok, luasql = pcall(require, "luasql.sqlite3")
  if not ok then
    return nil
  end
  local connection, environment = M.connect ":memory:"
  local cursor = connection:execute "SELECT sqlite_version()"
  local version = cursor:fetch()
  cursor:close()
  connection:close()
  environment:close()
  return ("SQLite %s, %s"):format(version, luasql._VERSION)
end

--- Mark a new file as a change set.
---
--- @param database table
--- @param version integer
function M.mark(database, version)
  database:rows_or_nothing(("PRAGMA application_id = %d"):format(APPLICATION_ID))
  database:rows_or_nothing(("PRAGMA user_version = %d"):format(version))
end

--- The version that a file was marked with; nil when it is no change set.
---
--- @param database table
--- @return integer|nil
function M.format(database)
  local id = database:rows("PRAGMA application_id")[1].application_id
  if tonumber(id) ~= APPLICATION_ID then
    return nil
  end
  return tonumber(database:rows("PRAGMA user_version")[1].user_version)
end

--- What is wrong with the file; nil when nothing is.
---
--- @param database table
--- @return string|nil
function M.damage(database)
  local verdict = database:rows("PRAGMA quick_check(1)")[1].quick_check
  return verdict ~= "ok" and tostring(verdict) or nil
end

-- A column is an object of JSON.
local function is_object(column)
  return ("CASE WHEN json_valid(%s) THEN json_type(%s) = 'object' ELSE 0 END"):format(
    column,
    column
  )
end

local FLAWS = {
  ("operation NOT IN %s"):format(state.sql { "create", "update", "delete", "attach" }),
  ("state NOT IN %s"):format(state.sql(state.except())),
  "typeof(n) <> 'integer' OR typeof(attempts) <> 'integer' OR typeof(line) NOT IN "
    .. "('integer', 'null')",
  "NOT " .. is_object "fields",
  "refs IS NOT NULL AND NOT " .. is_object "refs",
  "before IS NOT NULL AND NOT " .. is_object "before",
  "after IS NOT NULL AND NOT " .. is_object "after",
  "before IS NULL AND state <> 'skipped' AND operation <> 'create'",
  "record IS NULL AND state <> 'skipped' AND operation IN ('update', 'delete')",
  "operation = 'attach' AND state <> 'skipped' AND (json_type(before, '$.path') IS NOT 'text' "
    .. "OR json_type(before, '$.size') IS NOT 'integer')",
}

--- What is wrong with a row that no icrm has written like that; nil when nothing is,
--- or when this SQLite cannot tell.
---
--- @param database table
--- @return string|nil
function M.flaw(database)
  local cursor = database.connection:execute(
    ("SELECT n FROM changes WHERE (%s) LIMIT 1"):format(table.concat(FLAWS, ") OR ("))
  )
  local n = cursor and cursor:fetch()
  if cursor then
    cursor:close()
  end
  return n and ("change %s is not one that icrm has written"):format(n)
end

--- Remove a file and what SQLite keeps beside it.
---
--- @param path string
function M.remove(path)
  for _, suffix in ipairs { "", "-wal", "-shm" } do
    os.remove(path .. suffix)
  end
end

return M
