--- Checks of the installation, the configuration and the CRM, for `icrm-lua doctor`.
-- @module icrm.cli.doctor

local core = require "icrm.core"
local errors = require "icrm.error"
local script = require "icrm.cli.script"
local server_checks = require "icrm.cli.server_checks"
local trial = require "icrm.cli.trial"

local M = {}

local MINIMUM = { -- what this version was built against and tested with
  { name = "libcurl", pattern = "libcurl/([%d.]+)", at_least = "7.88.0" },
  { name = "OpenSSL", pattern = "OpenSSL/([%d.]+)", at_least = "3.0.0" },
}

local function number_of(version)
  local major, minor, patch = version:match "^(%d+)%.?(%d*)%.?(%d*)"
  return (tonumber(major) or 0) * 1000000 + (tonumber(minor) or 0) * 1000 + (tonumber(patch) or 0)
end

local function check_versions(add)
  add(true, "icrm", require("icrm").VERSION)
  add(number_of(_VERSION:match "%d.*") >= number_of "5.4", "Lua", _VERSION, "install Lua 5.4")
  local network = core.network_version()
  for _, library in ipairs(MINIMUM) do
    local version = network:match(library.pattern)
    add(version and number_of(version) >= number_of(library.at_least), library.name,
      version or "not there", ("install %s %s or later"):format(library.name, library.at_least))
  end
  add(true, "network", network)
  add(true, "lua-cjson", require("cjson")._VERSION .. ", self-test passed")
  local version = require("icrm.changes.journal.sqlite").version()
  add(version ~= nil, "change sets", version or "not there",
    "install LuaSQL for SQLite (Debian: lua-sql-sqlite3)")
  add(core.sandbox ~= nil, "sandbox", core.sandbox and "built in" or "not built in",
    "build with -DICRM_SANDBOX=ON")
end

local function check_configuration(add, args)
  local profile = require "icrm.profile"
  if args.url then
    return add(true, "configuration", args.url)
  end
  local ok, options = pcall(profile.load, args.profile)
  if not ok then
    add(false, "configuration", options.message or tostring(options),
      "see docs/configuration.md, or try --url sandbox:")
    return false
  end
  add(true, "configuration", ("%s%s (%s)"):format(options.url,
    options.username and ", user " .. options.username or "",
    options.name and "profile " .. options.name or "environment"))
end

local function check_connection(add, crm, seconds)
  add(true, "login", ("%s at %s, vtiger %s, %.0f ms"):format(crm.username,
    crm.url:match "^%w+://[^/]+", crm.version or "?", seconds * 1000))
  add(true, "TLS", crm.url:find "^https:" and "verified, 1.2 or later" or "none: loopback")
  local offset = crm.session.server_time_offset or 0
  add(math.abs(offset) < 300, "clock", ("the server's is %+d s from this machine's"):format(offset),
    "set this machine's clock by NTP")
  local _, names = crm:list_types()
  add(#names > 0, "modules", ("%d that %s may see"):format(#names, crm.username))
end

local function check_crm(add, args)
  local started = core.clock()
  local ok, found = pcall(script.connect, args)
  if not ok then
    return add(false, "login", errors.is(found) and found.message or tostring(found))
  end
  local crm <close> = found
  local err
  ok, err = pcall(function()
    check_connection(add, crm, core.clock() - started)
    server_checks.run(add, crm, args)
    if args.probe then
      trial.run(add, crm, args)
    end
  end)
  if not ok then
    add(false, "server", errors.is(err) and err.message or tostring(err))
  end
end

--- Go through the checks.
---
--- @param args table `profile`, `url`; `probe`: write as well, on records that are
---   removed again
--- @return fun(): table? check ok, name, text, cure
function M.checks(args)
  return coroutine.wrap(function()
    local function add(ok, name, text, cure)
      coroutine.yield { ok = ok and true or false, name = name, text = text, cure = cure }
    end
    check_versions(add)
    if check_configuration(add, args) ~= false then
      check_crm(add, args)
    end
  end)
end

return M
