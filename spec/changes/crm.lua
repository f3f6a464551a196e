-- A CRM with tag fields, and change sets in a folder of the spec's own.
local changes = require "icrm.changes"
local core = require "icrm.core"
local helper = require "spec.helper"
local icrm = require "icrm"

local M = {}

M.TAG = { tag = "cf_icrm_token" }
M.WITNESS = { Accounts = M.TAG, HelpDesk = M.TAG }

--- Start a CRM and connect, as `options.user` if that is given; close both by
--- `crm.close()`.
function M.start(options)
  options = options or {}
  options.fields = options.fields or { "Accounts.cf_icrm_token:string",
    "HelpDesk.cf_icrm_token:string" }
  local user = options.user
  options.user = nil -- the sandbox knows them all
  local server = assert(core.sandbox.start(options))
  local client = icrm.connect { url = server:url(), username = user or server:username(),
    access_key = user and server:key(user) or server:key(), lanes = options.lanes }
  local crm = { server = server, client = client, dir = helper.tmpdir() }

  -- A new change set; `options` as for changes.create.
  function crm.plan(name, more)
    more = more or {}
    more.input = more.input or "spec"
    more.witness = more.witness or M.WITNESS
    return changes.create(client, crm.dir .. "/" .. (name or "set.icrm"), more)
  end

  function crm.count(module, where, ...)
    return client:count(module, where, ...)
  end

  -- Requests of an operation that changed something.
  function crm.commits(operation)
    local n = 0
    for _, event in ipairs(server:log()) do
      n = n + (event.operation == operation and event.committed and 1 or 0)
    end
    return n
  end

  function crm.close()
    client:close()
    server:stop()
  end
  return crm
end

return M
