--- A connection to one CRM as one user: the class icrm.Client.
--
-- Methods raise icrm.Error. Inside icrm.map they let other rows go on while
-- they wait; anywhere else they simply take their time.
-- @module icrm.client

local connection = require "icrm.connection"
local errors = require "icrm.error"
local json = require "icrm.json"
local operations = require "icrm.operations"
local tasks = require "icrm.tasks"

local M = {}

local Client = { __name = "icrm.Client" }
Client.__index = Client
M.Client = Client

-- Operations whose parameters the server reads from the URL; it reads those of
-- all others from the body.
local READS = {}
for word in ([[getchallenge listtypes describe retrieve query retrieve_related
    relatedtypes query_related sync files_retrieve getRelatedRecords
    retrievedocattachment]]):gmatch "%S+" do
  READS[word] = true
end

local LONG_REPLY = 16384 -- bytes

--- Connect and log in.
---
--- A URL that does not end in .php is tried with `/wstiger.php` and then with
--- `/webservice.php`.
---
--- @param options icrm.ConnectOptions
--- @return icrm.Client
function M.connect(options)
  connection.check(options)
  local self = setmetatable({
    url = options.url, site = options.site or options.url,
    username = options.username, name = options.name,
    protected = options.protected, check = options.check ~= false, rate = options.rate,
    _owner = options.owner, _schemas = {}, _learnt = {}, learnt_ways = {}, module_by_prefix = {},
    writes = 0, -- that were handed down, by any road
  }, Client)
  self.core_options = connection.core_options(options)
  local opened, url = connection.open(self.core_options, options.url)
  if not opened then
    self:close()
    error(url, 0)
  end
  self.core, self.url = opened, url
  self.session = self.core:session()
  self.user, self.version = self.session.user_id, self.session.vtiger_version
  self.facts_file = connection.state_file(options, "server")
  return self
end

local function parameter_text(name, value)
  if type(value) == "table" then
    return json.encode(value)
  elseif type(value) == "number" then
    return json.number_text(value)
  elseif type(value) == "boolean" then
    return value and "1" or "0"
  elseif type(value) ~= "string" then
    errors.refuse("parameter %s: a %s cannot be sent", name, type(value))
  end
  return value
end

-- What submit takes: the table itself when it holds strings alone, else a list
-- of pairs. Sorted, here or there, so that the same call is the same bytes.
local function by_name(a, b)
  return a[1] < b[1]
end

local function parameter_list(params)
  local list = {}
  local simple = true
  for name, value in pairs(params or list) do
    simple = simple and type(name) == "string" and type(value) == "string"
  end
  if simple then
    return params or list
  end
  for name, value in pairs(params) do
    list[#list + 1] = { name, parameter_text(name, value) }
  end
  table.sort(list, by_name)
  return list
end

--- Submit a call without waiting for its reply; pass what is returned to
--- receive, or to discard.
---
--- @param operation string
--- @param params? table<string, any> tables are sent as JSON
--- @param opts? icrm.CallOptions
--- @return integer id
function Client:send(operation, params, opts)
  if not self.core then
    errors.raise { kind = "canceled", message = "attempt to use a closed icrm.Client" }
  end
  opts = opts or {}
  local method = opts.method or (READS[operation:lower()] and "GET" or "POST")
  local write = opts.write
  if write == nil then
    write = method == "POST"
  end
  self.writes = self.writes + (write and 1 or 0)
  return (errors.check(self.core:submit {
    operation = operation, method = method, params = parameter_list(params),
    write = write, timeout = opts.timeout, parts = opts.parts, files = opts.files,
    into = opts.into,
  }))
end

--- Wait for the reply to a call that was sent.
---
--- @param id integer
--- @param decode? fun(reply: userdata): any, icrm.Error? instead of icrm.json's
--- @return any result
function Client:receive(id, decode)
  local reply, failure = tasks.await(self.core, id)
  if not reply then
    error(failure, 0)
  end
  local value, err = (decode or json.decode)(reply)
  if err then
    error(err, 0)
  elseif #reply > LONG_REPLY then
    errors.check(self.core:kick()) -- that took a while; others may be waiting
  end
  return value
end

--- Let the calls that were sent leave now, instead of with the next wait.
function Client:flush()
  errors.check(self.core:step(0))
end

--- Say that so many calls will follow when a reply under way has come, so that
--- lanes log in for them meanwhile.
---
--- @param calls integer
function Client:expect(calls)
  if self.core then
    self.core:expect(calls)
  end
end

--- Whether more calls than necessary do no harm when they save time: there are
--- several lanes and no rate is kept to.
---
--- @return boolean
function Client:may_spend_calls()
  return not self.rate and self:lanes() > 1
end

--- The number of calls that may be under way at once, at the moment.
---
--- @return integer
function Client:lanes()
  return self.core:stats().limit
end

--- Say that the reply to a call that was sent is not wanted any more.
---
--- @param id integer
function Client:discard(id)
  tasks.discard(self.core, id)
end

--- Call any operation that the server offers and return its result.
---
--- The method is GET for the operations known to read, POST for all others. A
--- POST counts as a write: it is never sent twice unless it is certain that
--- the first did nothing. `write = false` says that a repetition is harmless.
---
--- @param operation string
--- @param params? table<string, any> tables are sent as JSON
--- @param opts? icrm.CallOptions
--- @return any result
function Client:call(operation, params, opts)
  local id = self:send(operation, params, opts)
  if operations.is_in_parts(operation) then
    return operations.check_parts(operation, errors.try(self.receive, self, id))
  end
  return self:receive(id)
end

--- List the modules that this user may see.
---
--- @return table<string, { label: string, singular: string, isEntity: boolean }>
---   information by module name
--- @return string[] names in the server's order
function Client:list_types()
  local types = tasks.share(self, self._learnt, "types", function()
    return self:call "listtypes"
  end)
  return types.information, types.types
end

local function explain_module(self, module, err)
  local ok, information, names = pcall(self.list_types, self)
  if not ok or information[module] then
    return
  end
  local name_of = {}
  for _, name in ipairs(names) do
    for _, text in ipairs { name, information[name].label, information[name].singular } do
      name_of[text] = name_of[text] or name
    end
  end
  errors.refuse { code = err.code, operation = "describe", cause = err,
    message = ("there is no module %q for %s; %s"):format(module, self.username,
      require("icrm.nearest").question(module, name_of)
        or require("icrm.cures").say "{modules} lists them") }
end

--- Describe a module; asked once per client.
---
--- @param module string
--- @return icrm.Schema
function Client:describe(module)
  return tasks.share(self, self._schemas, module, function()
    local ok, result = pcall(self.call, self, "describe", { elementType = module })
    if ok then
      return require("icrm.schema").new(result)
    elseif errors.is(result, "refused") then
      explain_module(self, module, result)
    end
    error(result, 0)
  end)
end

--- The schema of a module as far as it is known; nothing is asked.
---
--- @param module string
--- @return icrm.Schema?
function Client:known_schema(module)
  return self._schemas[module]
end

-- Methods that live in modules of their own, loaded when first used.
local function lazy(method, module, name)
  Client[method] = function(self, ...)
    return require(module)[name or method](self, ...)
  end
end

for _, method in ipairs { "retrieve", "create", "update", "revise", "delete" } do
  lazy(method, "icrm.records")
end
lazy("related", "icrm.query.related")
lazy("attach", "icrm.documents")
lazy("download", "icrm.downloads")
lazy("query", "icrm.query", "new")
lazy("from", "icrm.query.builder", "new")
lazy("count", "icrm.query")
lazy("plan", "icrm.changes")
lazy("forecast", "icrm.forecast")
lazy("server", "icrm.server", "of")
lazy("own_settings", "icrm.server")
lazy("foreign_currency", "icrm.server")

local LOGOUT_PATIENCE = 1 -- seconds

--- Close the connection; calls under way are abandoned, idle sessions ended.
---
--- A second close does nothing.
function Client:close()
  local open, owner = self.core, self._owner
  self.core, self._owner = nil, nil
  if open then
    tasks.cancel(open)
    if not owner then
      open:logout(LOGOUT_PATIENCE)
    end
    open:close()
  end
  if owner then
    owner:stop()
  end
end

Client.__close = Client.close

function Client:__tostring()
  local host = self.url:match "^%w+://[^/?#]*" or "?"
  return ("icrm.Client (%s at %s)"):format(self.username,
    (host:gsub("//.*@", "//")))
end

return M
