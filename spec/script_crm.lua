-- A sandbox CRM for specs that run icrm-lua as a user does.
local core = require "icrm.core"
local helper = require "spec.helper"
local luasql = require "luasql.sqlite3"

local M = {}

--- Start a sandbox; `crm.env` makes icrm-lua find it.
function M.start(options)
  local server = assert(core.sandbox.start(options or {}))
  local crm = { server = server, env = {
    ICRM_URL = server:url(), ICRM_USERNAME = server:username(), ICRM_ACCESS_KEY = server:key(),
  } }

  function crm.run(arguments, more)
    more = more or {}
    local env = {}
    for name, value in pairs(crm.env) do
      env[name] = value
    end
    for name, value in pairs(more.env or {}) do
      env[name] = value
    end
    return helper.icrm(arguments, { env = env, cwd = more.cwd, stdin = more.stdin })
  end

  -- How many requests of an operation changed something.
  function crm.commits(operation)
    local n = 0
    for _, event in ipairs(server:log()) do
      n = n + (event.operation == operation and event.committed and 1 or 0)
    end
    return n
  end

  function crm.stop()
    server:stop()
  end
  return crm
end

--- Change a change set's file in a way that only a bad day brings about.
function M.alter(path, sql)
  local environment = luasql.sqlite3()
  local connection = assert(environment:connect(path))
  assert(connection:execute(sql))
  connection:close()
  environment:close()
end

return M
