--- One SQLite file through LuaSQL: opened under a lock, checked, written in
-- transactions. What is SQLite's own is in this file and in the SQL of the store;
-- `options.driver` gives another LuaSQL connection.
-- @module icrm.changes.database

local core = require "icrm.core"
local error_class = require "icrm.error"

local M = {}

local APPLICATION_ID = 0x6963726D -- "icrm"

--- The version of the format of change sets.
M.FORMAT_VERSION = 1

local Database = {}
M.Database = Database

-- The LuaSQL driver for SQLite, as `options.driver` is to be.
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

-- What SQLite says, in words for whoever has to mend it.
local PLAIN_WORDS = {
  ["file is not a database"] = "this is no change set",
  ["database or disk is full"] = "the disk is full; make room, then run this again",
  ["attempt to write a readonly database"] = "it, or its folder, may not be written to",
  ["unable to open database file"] = "it, or its folder, may not be written to",
}

local function fail(path, message, code)
  message = tostring(message):gsub("^LuaSQL: ", "")
  message = PLAIN_WORDS[message] or message
  error(
    error_class.new {
      kind = "store",
      code = code,
      message = ("%s: %s"):format(path, message),
    },
    0
  )
end

--- A value as an SQL literal.
function M.literal(connection, value)
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
function Database:run(sql, ...)
  local connection, values, at = self.connection, table.pack(...), 0
  local text = sql:gsub("%?", function()
    at = at + 1
    return M.literal(connection, values[at])
  end)
  local result, message = connection:execute(text)
  if not result then
    self.broken = true
    fail(self.path, message)
  end
  return result
end

-- All rows of a SELECT, as tables by column name. Only for bounded results.
function Database:rows(sql, ...)
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
function Database:rows_or_nothing(sql)
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
  if version ~= M.FORMAT_VERSION then
    self:close()
    fail(
      self.path,
      ("format %d of this change set is not the one that this icrm reads (%d)"):format(
        version,
        M.FORMAT_VERSION
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

--- Open the file of `self.path`, which is there, and take its lock.
-- @param self table whose class inherits from Database
-- @param options table `read_only` (no lock is taken), `any_filesystem`, `driver`
-- @param is_new boolean the file is empty
-- @return table self; raises icrm.Error (kind store; code LOCKED when another
--   process has it)
function M.open(self, options, is_new)
  local path = self.path
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

-- What is written to a file that has no name any more is lost.
local function check_name(self)
  if self.lock and not self.lock:is_at(self.path) then
    self.broken = true
    fail(
      self.path,
      "it was removed, renamed or replaced while it was in use, so nothing more is sent; put it "
        .. "back and resume it, or plan the same input again: a tag or a key finds what is there"
    )
  end
end

--- Run `fn` in one transaction: durable when this returns, undone when it raises.
-- A yield inside fails, which is the wish: no transaction stays open across a wait.
function Database:transaction(fn, ...)
  check_name(self)
  self:run "BEGIN IMMEDIATE"
  local result = table.pack(pcall(fn, ...))
  if not result[1] then
    self.connection:execute "ROLLBACK"
    error(result[2], 0)
  end
  self:run "COMMIT"
  return table.unpack(result, 2, result.n)
end

--- Mark a new file as a change set of this format; to be called in a transaction.
function Database:mark_format()
  self:rows_or_nothing(("PRAGMA application_id = %d"):format(APPLICATION_ID))
  self:rows_or_nothing(("PRAGMA user_version = %d"):format(M.FORMAT_VERSION))
end

--- Read or write one entry of the header.
function Database:get_meta(name)
  local row = self:rows("SELECT value FROM meta WHERE name = ?", name)[1]
  return row and row.value
end

function Database:set_meta(name, value)
  self:run("INSERT OR REPLACE INTO meta (name, value) VALUES (?, ?)", name, tostring(value))
end

--- The whole header: name → string.
function Database:header()
  local header = {}
  for _, row in ipairs(self:rows "SELECT name, value FROM meta") do
    header[row.name] = row.value
  end
  return header
end

-- Like run, for text that holds literals already (a `?` in them is text).
function Database:run_text(text)
  local result, message = self.connection:execute(text)
  if not result then
    self.broken = true
    fail(self.path, message)
  end
  return result
end

--- Close the file and release its lock. Harmless when closed already.
function Database:close()
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

Database.__close = Database.close

return M
