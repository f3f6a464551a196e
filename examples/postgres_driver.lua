-- Change sets in PostgreSQL: a driver as lua/icrm/changes/journal/sqlite.lua describes it.
--   local postgres = dofile "examples/postgres_driver.lua"
--   local plan <close> = crm:plan("set.icrm", { driver = postgres "dbname=icrm" })
-- Each change set is a schema; the file at the path holds its name. Needs
-- lua-sql-postgres, and a database that takes texts as bytes:
--   CREATE DATABASE icrm ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0
-- Tried with PostgreSQL 15 and LuaSQL 2.6.0 by
--   ICRM_SPEC_POSTGRES="dbname=icrm" ctest --test-dir build -R 'spec.changes.(store|driver)'
local core = require "icrm.core"

local NOT_DURABLE = "what this server commits may be lost; set fsync = on"
local IN_USE = "another process writes to this change set; wait for it to end"

local function query(connection, sql)
  local cursor, message = connection:execute(sql)
  if type(cursor) ~= "userdata" then
    return nil, message
  end
  local value = cursor:fetch()
  cursor:close()
  return value
end

local function quote(word)
  return "'" .. word:gsub("'", [['\'']]) .. "'"
end

-- The name is as durable as what is kept under it.
local function name_schema(path)
  local name = "icrm_" .. core.digest.random_hex(12)
  local file = assert(io.open(path, "w"))
  assert(file:write(name, "\n"))
  assert(file:close())
  local folder = path:match "^(.*/)[^/]*$" or "./"
  assert(os.execute(("sync -- %s %s"):format(quote(path), quote(folder))))
  return name
end

local function schema_of(path)
  local file = assert(io.open(path))
  local name = file:read "l"
  file:close()
  return name and name:match "^icrm_%x+$"
end

-- Only one connection may write, from whatever machine.
local function take(connection, schema, options)
  local lock = ("SELECT pg_try_advisory_lock(hashtextextended('%s', 0))"):format(schema)
  if query(connection, "SHOW fsync") ~= "on" then
    return nil, NOT_DURABLE
  elseif not options.read_only and query(connection, lock) ~= "t" then
    return nil, IN_USE
  elseif options.is_new then
    return connection:execute("CREATE SCHEMA " .. schema)
  end
  return true
end

return function(source)
  local driver = {
    begin = "BEGIN",
    settings = { "SET synchronous_commit = on", "SET standard_conforming_strings = on" },
    gives_text = true,
    plain_words = {
      ['error executing statement. PostgreSQL: ERROR:  relation "meta" does not exist'] =
        "this is no change set",
    },
  }

  function driver.connect(path, options)
    local schema = options.is_new and name_schema(path) or schema_of(path)
    if not schema then
      return nil, "this is no change set"
    end
    local environment = require("luasql.postgres").postgres()
    local connection, message = environment:connect(source)
    local ok = connection
    if ok then
      ok, message = take(connection, schema, options)
      ok = ok and connection:execute("SET search_path = " .. schema)
    end
    if ok then
      return connection, environment
    end
    if connection then
      connection:close()
    end
    environment:close()
    return nil, message
  end

  function driver.mark() end -- the header has the version, too

  function driver.format(database)
    return tonumber(database:get_meta "format_version")
  end

  function driver.damage() end -- the server's own affair

  function driver.remove(path)
    local schema, environment = schema_of(path), require("luasql.postgres").postgres()
    local connection = schema and environment:connect(source)
    if connection then
      connection:execute(("DROP SCHEMA IF EXISTS %s CASCADE"):format(schema))
      connection:close()
    end
    environment:close()
    os.remove(path)
  end

  return driver
end
