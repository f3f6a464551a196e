-- A driver that is as strict as PostgreSQL, over SQLite: every value comes back as a
-- text, a statement with words that only SQLite knows is refused, and after a
-- failed statement a transaction can only be undone.
local sqlite = require "icrm.changes.journal.sqlite"

local strict = {
  begin = "BEGIN",
  settings = {},
  plain_words = { ["no such table: meta"] = "this is no change set" },
  gives_text = true,
  remove = sqlite.remove,
}

-- In the text of a statement without its literals and in small letters.
local FOREIGN = {
  "pragma", "rowid", "insert%s+or%f[%W]", "update%s+or%f[%W]", "replace%s+into", "autoincrement",
  "%f[%w]changes%s*%(%s*%)", "immediate", "%f[%w]real%f[%W]", "%f[%w]glob%f[%W]", "ifnull",
  "datetime%s*%(", "strftime", "julianday", "group_concat", "%f[%w]total%s*%(", "typeof",
  "%f[%w]hex%s*%(", "%f[%w]instr%s*%(", "sqlite", "nocase", "indexed%s+by", "==", '"', "`", "%[",
  "limit%s+%-", "limit%s+[%w?]+%s*,", "where%s+%d+%s*$", "and%s+%d+%s*$", "and%s+%(%d+%)",
  -- a text is not compared with a number
  "%f[%w]key%s*[<>=]+%s*%d", "%f[%w]record%s*[<>=]+%s*%d", "%f[%w]module%s*[<>=]+%s*%d",
  "%f[%w]name%s*[<>=]+%s*%d", "%f[%w]session%s*[<>=]+%s*%d", "%f[%w]code%s*[<>=]+%s*%d",
}

local function foreign_word(sql)
  local text = sql:gsub("'[^']*'", "''"):lower()
  for _, pattern in ipairs(FOREIGN) do
    if text:find(pattern) then
      return pattern
    end
  end
end

local Cursor = {}
Cursor.__index = Cursor

function Cursor:fetch(...)
  local row = self.cursor:fetch(...)
  for name, value in pairs(type(row) == "table" and row or {}) do
    if type(value) == "number" then
      row[name] = math.tointeger(value) and ("%d"):format(value) or ("%.17g"):format(value)
    end
  end
  return row
end

function Cursor:close()
  return self.cursor:close()
end

local Connection = {}
Connection.__index = Connection

local function execute(self, sql)
  if sql:find("\0", 1, true) then
    return nil, "LuaSQL: a text holds a NUL"
  elseif foreign_word(sql) then
    return nil, ("LuaSQL: syntax error (%s): %s"):format(foreign_word(sql), sql)
  end
  local result, message = self.connection:execute(sql)
  if type(result) == "userdata" then
    result = setmetatable({ cursor = result }, Cursor)
  end
  return result, message
end

function Connection:execute(sql)
  if self.has_failed and (sql == "COMMIT" or sql == "ROLLBACK") then
    self.has_failed = false
    return self.connection:execute "ROLLBACK"
  elseif self.has_failed then
    return nil, "LuaSQL: current transaction is aborted, commands ignored until its end"
  elseif sql == "BEGIN" or sql == "COMMIT" or sql == "ROLLBACK" then
    self.is_open = sql == "BEGIN"
    return self.connection:execute(sql)
  end
  local result, message = execute(self, sql)
  self.has_failed = not result and self.is_open
  return result, message
end

function Connection.escape(_, text)
  return (text:gsub("'", "''"))
end

function Connection:close()
  return self.connection:close()
end

function strict.connect(path)
  local connection, environment = sqlite.connect(path)
  if connection then
    for _, setting in ipairs(sqlite.settings) do
      local result = connection:execute(setting)
      if type(result) == "userdata" then
        result:close()
      end
    end
    connection = setmetatable({ connection = connection }, Connection)
  end
  return connection, environment
end

function strict.mark() end -- the header has the version too

function strict.format(database)
  return tonumber(database:get_meta "format_version")
end

function strict.damage() end

return strict
