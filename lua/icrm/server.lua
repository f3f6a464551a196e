--- What the server at the other end is: its kind, what it offers, and how it reads
-- and shows the connected user's numbers and times.
--
-- The family's servers answer the same operations in different ways, so whoever
-- must know asks here and takes the safe way where the answer is `unknown`.
-- docs/client.md lists the kinds.
-- @module icrm.server

local core = require "icrm.core"
local errors = require "icrm.error"
local facts = require "icrm.facts"
local operations = require "icrm.operations"
local tasks = require "icrm.tasks"

local M = {}

local Server = { __name = "icrm.Server" }
Server.__index = Server
M.Server = Server

-- Modules that coreBOS alone has are called cb…; it says of itself that it is a
-- vtiger 5.5, which never was.
local function is_corebos(version, information)
  if version:find "^5%.5" then
    return true
  end
  for name in pairs(information) do
    if name:find "^cb%u" then
      return true
    end
  end
  return false
end

local function kind_of(version, information)
  if is_corebos(version, information) then
    return "corebos"
  elseif version:find "^8%." then
    return "vtiger8"
  elseif version:find "^6%." then
    return "initiative"
  end
  return "unknown"
end

-- What tells a server from another one that answers under its URL one day: an upgrade,
-- a copy for tests, a restored backup. The kind and the modules are looked at with
-- each connection, so a fact is never one of a server that shows others.
local function identity_of(client, kind, names)
  return core.digest.sha256(table.concat({ client.version or "", kind, client.user or "",
    table.concat(names, " ") }, "\n"))
end

--- Find out what a client's server is; asked once per client.
---
--- It takes one `listtypes`, which the client remembers.
---
--- @param client icrm.Client
--- @return icrm.Server
function M.of(client)
  return tasks.share(client, client._learnt, "server", function()
    local version = client.version or ""
    local information, names = client:list_types()
    local kind = kind_of(version, information)
    return setmetatable({ client = client, version = version, kind = kind,
      facts = facts.open(client.facts_file, identity_of(client, kind, names or {})) }, Server)
  end)
end

--- Whether the server has an operation; found out by a call that does nothing, and
--- kept for this CRM and user.
---
--- @param operation string one that wants an id
--- @return boolean; raises icrm.Error when the server cannot be asked
function Server:offers(operation)
  local known = self:fact("offers " .. operation)
  if known == nil then
    known = self:learn("offers " .. operation, operations.offers(self.client, operation))
  end
  return known
end

--- What was found out about the server, by this process or by one before it.
---
--- @param name string such as `session_lock`, `logout`
--- @param max_age_s? integer for how long it counts; 30 days by default
--- @return any value nil when it is not known
--- @return integer? date when it was found out, as os.time
function Server:fact(name, max_age_s)
  return self.facts:get(name, max_age_s)
end

--- Keep what was found out about the server.
---
--- @param name string
--- @param value string|boolean
--- @return string|boolean value
function Server:learn(name, value)
  self.ways = nil -- icrm.kinds weighs the facts anew
  return self.facts:learn(name, value)
end

-- What the user's own record says, by the names of its fields.
local SETTINGS = {
  decimal_separator = "currency_decimal_separator",
  grouping_separator = "currency_grouping_separator",
  decimals = "no_of_currency_decimals",
  time_zone = "time_zone",
  date_format = "date_format",
  hour_format = "hour_format",
  currency_id = "currency_id",
}

-- A blank stands as text or as entity; an entity is how a web form keeps it.
local function plain(value)
  local names = { ["&nbsp;"] = "\u{A0}", ["&#039;"] = "'", ["&#39;"] = "'", ["&quot;"] = '"' }
  return names[value] or value
end

local function read_settings(client)
  local ok, record = pcall(client.retrieve, client, client.user)
  if not ok and errors.is(record, "refused") then
    return false -- no user but an administrator may read Users on some servers
  elseif not ok then
    error(record, 0)
  end
  local settings = {}
  for name, field in pairs(SETTINGS) do
    local value = record[field]
    settings[name] = type(value) == "string" and plain(value) or nil
  end
  settings.decimals = math.tointeger(tonumber(settings.decimals)) or 2
  settings.is_admin = record.is_admin == "on"
  return settings
end

--- How the connected user writes numbers and times in the CRM; asked once per
--- client.
---
--- @param client icrm.Client
--- @return icrm.UserSettings? nil when the user may not read his own record
function M.own_settings(client)
  return tasks.share(client, client._learnt, "own_settings", function()
    return read_settings(client)
  end) or nil
end

-- The currencies of the CRM; none where the user may not read them.
local function currencies(client)
  local ok, rows = pcall(function()
    return client:call("query", { query = "SELECT * FROM Currency;" }, { method = "GET" })
  end)
  if not ok and not errors.is(rows, "refused") then
    error(rows, 0)
  end
  local list = {}
  for _, row in ipairs(ok and type(rows) == "table" and rows or {}) do
    local rate = type(row) == "table" and tonumber(row.conversion_rate)
    if rate and type(row.id) == "string" then
      list[#list + 1] = { id = row.id, name = tostring(row.currency_name or row.id),
        rate = rate, is_base = row.defaultid == "-11" }
    end
  end
  return list
end

-- The currency with the rate 1 is the one that amounts are kept in.
local function base_of(list)
  local base
  for _, one in ipairs(list) do
    base = (one.is_base or not base and one.rate == 1) and one or base
  end
  return base
end

--- The currency in which a server reads the amounts of the connected user, where it is
--- another one than the one it keeps them in; asked once per client.
---
--- @param client icrm.Client
--- @return icrm.ForeignCurrency? nil where it is the same, or nobody can tell
function M.foreign_currency(client)
  return tasks.share(client, client._learnt, "foreign_currency", function()
    local settings = client:own_settings()
    local list = settings and settings.currency_id and currencies(client) or {}
    for _, one in ipairs(list) do
      local base = base_of(list)
      if one.id == settings.currency_id and one.rate ~= 1 and one ~= base then
        return { name = one.name, rate = one.rate, base = base and base.name or "its own" }
      end
    end
    return false
  end) or nil
end

return M
