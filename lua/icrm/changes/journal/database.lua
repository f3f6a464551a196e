--- One change set through LuaSQL: opened under a lock, checked, written in
-- transactions. What a database does in its own way is in its driver:
-- icrm.changes.journal.sqlite, which says what a driver is, or `options.driver`.
-- @module icrm.changes.journal.database

local core = require "icrm.core"
local errors = require "icrm.error"
local sqlite = require "icrm.changes.journal.sqlite"

local M = {}

--- The version of the format of change sets.
M.FORMAT_VERSION = 1

local Database = {}
M.Database = Database

-- Raise; the transaction that this happens in is undone, whoever catches it.
local function fail(self, message)
  message = tostring(message):gsub("^LuaSQL: ", ""):match "[^\n]*"
  local is_full = self.driver.is_full and self.driver.is_full(self.path, message)
  local words = is_full and "the disk is full; make room, then run this again"
    or self.driver.plain_words[message] or message
  self.failed = errors.new {
    kind = "store",
    code = is_full and "FULL" or nil,
    message = ("%s: %s"):format(self.path, words),
  }
  error(self.failed, 0)
end

--- A value as an SQL literal. No database takes a NUL in a text; it is kept as
-- the sign for one.
function M.literal(connection, value)
  if value == nil then
    return "NULL"
  elseif math.type(value) == "integer" then
    return ("%d"):format(value)
  elseif type(value) == "number" then
    return ("%.17g"):format(value)
  end
  local text = tostring(value)
  if text:find("\0", 1, true) then
    text = text:gsub("%z", "␀")
  end
  return "'" .. connection:escape(text) .. "'"
end

--- Run one statement whose values are literals in it already (a `?` is text).
---
--- @return integer|userdata how many rows it changed, or a cursor
function Database:run_text(text)
  local result, message = self.connection:execute(text)
  if not result then
    fail(self, message)
  end
  return math.tointeger(result) or result
end

--- Run one statement; each `?` is the next of `...` as a literal.
---
--- @return integer|userdata how many rows it changed, or a cursor
function Database:run(sql, ...)
  local connection, values, at = self.connection, table.pack(...), 0
  return self:run_text((sql:gsub("%?", function()
    at = at + 1
    return M.literal(connection, values[at])
  end)))
end

-- The columns that hold numbers are known by their names.
local function read_numbers(self, row)
  for name in pairs(self.numbers) do
    row[name] = tonumber(row[name])
  end
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
    if self.driver.gives_text then
      read_numbers(self, row)
    end
    list[i] = row
  end
  cursor:close()
  return list
end

local function open_connection(self, options, is_new)
  local driver = self.driver
  local connection, environment =
    driver.connect(self.path, { read_only = options.read_only, is_new = is_new })
  if not connection then
    fail(self, environment)
  end
  self.connection, self.environment = connection, environment
  for _, statement in ipairs(driver.settings) do
    self:rows_or_nothing(statement)
  end
end

--- Run a setting, which may answer with a cursor or with a count.
function Database:rows_or_nothing(sql)
  local result = self:run(sql)
  if type(result) ~= "number" then
    result:close()
  end
end

local NO_SET = "this is no change set; an import, an update and the like write one, FILE.icrm"

local function check_format(self)
  local version = self.driver.format(self)
  if not version then
    fail(self, NO_SET)
  elseif version ~= M.FORMAT_VERSION then
    fail(
      self,
      ("format %d of this change set is not the one that this icrm reads (%d)"):format(
        version,
        M.FORMAT_VERSION
      )
    )
  end
end

-- After an unclean end a database replays its log; make sure of the result once.
local function check_integrity(self, options)
  if options.read_only or self:get_meta "open" ~= "1" then
    return
  end
  local damage = self.driver.damage(self)
  if damage then
    fail(self, "the file is damaged: " .. damage)
  end
end

-- What others may have put into the file must not be taken for what icrm wrote.
local function check_rows(self)
  local flaw = self.driver.flaw and self.driver.flaw(self)
  if flaw then
    fail(self, flaw)
  end
end

--- Open the file of `self.path`, which is there, and take its lock.
---
--- @param self table whose class inherits from Database and has `numbers`, the
---   names of all columns that hold numbers
--- @param options table `read_only` (no lock is taken), `any_filesystem`, `driver`
--- @param is_new boolean the file is empty
--- @return table self; raises icrm.Error (kind store; code LOCKED when another
---   process has it)
function M.open(self, options, is_new)
  local path = self.path
  self.driver = options.driver or sqlite
  if not core.files.exists(path) then -- not by opening it: that would drop SQLite's locks
    fail(self, "there is no such file")
  end
  if not options.read_only then
    local lock, err = core.files.lock(path, options.any_filesystem)
    if not lock and err.code ~= "LOCKED" and self.driver.is_foreign
      and self.driver.is_foreign(path)
    then
      fail(self, NO_SET) -- whoever may read it
    elseif not lock then
      error(err, 0)
    end
    self.lock = lock
  end
  local ok, err = pcall(function()
    open_connection(self, options, is_new)
    if not is_new then
      check_format(self)
      check_integrity(self, options)
      check_rows(self)
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
    fail(
      self,
      "it was removed, renamed or replaced while it was in use, so nothing more is sent; put it "
        .. "back and resume it, or plan the same input again: a tag or a key finds what is there"
    )
  end
end

--- Run `fn` in one transaction: durable when this returns, undone when it raises.
-- A yield inside fails, which is the wish: no transaction stays open across a wait.
function Database:transaction(fn, ...)
  check_name(self)
  self:run(self.driver.begin)
  self.failed = nil
  local result = table.pack(pcall(fn, ...))
  if not result[1] or self.failed then
    self.connection:execute "ROLLBACK"
    error(result[1] and self.failed or result[2], 0)
  end
  self:run "COMMIT"
  return table.unpack(result, 2, result.n)
end

--- Read or write one entry of the header.
function Database:get_meta(name)
  local row = self:rows("SELECT value FROM meta WHERE name = ?", name)[1]
  return row and row.value
end

function Database:set_meta(name, value)
  self:run(
    [[INSERT INTO meta (name, value) VALUES (?, ?)
      ON CONFLICT (name) DO UPDATE SET value = excluded.value]],
    name,
    tostring(value)
  )
end

--- The whole header: name → string.
function Database:header()
  local header = {}
  for _, row in ipairs(self:rows "SELECT name, value FROM meta") do
    header[row.name] = row.value
  end
  return header
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
