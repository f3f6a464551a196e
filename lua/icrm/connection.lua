--- Opening the connection of a client: its options, its files, its first login.
-- @module icrm.connection

local core = require "icrm.core"
local errors = require "icrm.error"
local tasks = require "icrm.tasks"

local VERSION = require "icrm.version".VERSION

local M = {}

local OPTIONS = {}
for word in ([[url username key access_key lanes site ca_file proxy connect_timeout
    timeout patience max_reply_bytes user_agent insecure rate max_wait owner name check
    protected]])
    :gmatch "%S+" do
  OPTIONS[word] = true
end

local function config_error(message)
  errors.raise { kind = "config", message = message }
end

--- Refuse options that connect does not know, or lacks.
---
--- @param options icrm.ConnectOptions
function M.check(options)
  for name in pairs(options) do
    if not OPTIONS[name] then
      local names = {}
      for known in pairs(OPTIONS) do
        names[#names + 1] = known
      end
      table.sort(names)
      config_error(("unknown option %q%s"):format(tostring(name),
        require("icrm.nearest").suffix(name, names)))
    end
  end
  for _, name in ipairs { "url", "username" } do
    if type(options[name]) ~= "string" or options[name] == "" then
      config_error(("connect needs %s; set it in the profile or as ICRM_%s")
        :format(name, name:upper()))
    end
  end
end

--- A file of this user and this CRM that outlives the process: `quota` counts calls,
--- `server` keeps what was found out.
---
--- @param options icrm.ConnectOptions
--- @param name string
--- @return string? path nil for a sandbox in memory
function M.state_file(options, name)
  local folder = (options.site or not options.owner) and core.files.state_folder()
  return folder and ("%s/%s-%s"):format(folder, name,
    core.digest.sha256((options.site or options.url) .. "\n" .. options.username):sub(1, 16)) or nil
end

--- What icrm.core's client takes.
---
--- @param options icrm.ConnectOptions
--- @return table
function M.core_options(options)
  local passed = { user_agent = "icrm/" .. VERSION, quota_file = M.state_file(options, "quota") }
  for name, value in pairs(options) do
    passed[name] = value
  end
  if options.access_key then
    passed.key, passed.access_key = core.credentials(options.access_key), nil
  end
  if not passed.key then
    config_error("connect needs an access key; set access_key_command in the "
      .. "profile, or ICRM_ACCESS_KEY")
  end
  return passed
end

-- Connect to a URL and log in; returns nil and the error when that fails.
local function log_in(core_options, url)
  core_options.url = url
  local connection = errors.check(core.client(core_options))
  local ok, err = pcall(function()
    errors.check(tasks.await(connection, errors.check(connection:login())))
  end)
  if ok then
    return connection, url
  end
  tasks.cancel(connection)
  connection:close()
  return nil, err
end

--- Connect and log in. Servers of the family call their entry by one of two names: a
--- URL that names none is tried with both; the core adds the first.
---
--- @param core_options table as core_options made them; gets the `url` that was tried
--- @param url string
--- @return userdata? connection of icrm.core
--- @return string|icrm.Error url the one that answered, or why none did
function M.open(core_options, url)
  local connection, err = log_in(core_options, url)
  if connection or url:find "%.php$"
    or not (errors.is(err, "http") or errors.is(err, "decode")) then
    return connection, err
  end
  local other, other_url = log_in(core_options, url:gsub("/+$", "") .. "/webservice.php")
  if not other then
    err.message = "neither wstiger.php nor webservice.php answers there as a CRM: " .. err.message
    return nil, err
  end
  return other, other_url
end

return M
