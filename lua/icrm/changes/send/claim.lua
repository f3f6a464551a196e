--- The right to create records in a module of one CRM as one user: one process of
-- this machine has it at a time. Two runs of one file would both look, both find
-- nothing, and both create.
-- @module icrm.changes.send.claim

local core = require "icrm.core"
local errors = require "icrm.error"
local state = require "icrm.changes.journal.state"

local M = {}

local Claim = { __name = "icrm.changes.Claim" }
Claim.__index = Claim

-- The file that is locked; its text says who has it.
local function path_of(folder, client, module)
  local name = table.concat({ client.site, client.username, module }, "\n")
  return ("%s/creates-%s.lock"):format(folder, core.digest.sha256(name):sub(1, 16))
end

local function write_holder(path, set)
  local file = io.open(path, "w")
  if file then
    file:write(("%d\n%d\n%s\n"):format(core.files.process_id(), os.time(),
      core.files.full_path(set.path)))
    file:close()
  end
end

-- Who has a lock, as far as its file says.
local function holder(path)
  local file = io.open(path)
  local pid, since, set_path = (file and file:read "a" or ""):match "^(%d+)\n(%d+)\n([^\n]*)\n"
  if file then
    file:close()
  end
  return pid and ("process %s with %s, since %s"):format(pid, set_path,
    os.date("%Y-%m-%d %H:%M:%S", math.tointeger(since))) or "another process"
end

local function take_one(folder, set, module)
  local path = path_of(folder, set.client, module)
  if not core.files.exists(path) then
    core.files.create(path, true) -- another process may be faster; what counts is the lock
  end
  local lock, err = core.files.lock(path, true)
  if not lock and err.code == "LOCKED" then
    errors.raise {
      kind = "store",
      code = "LOCKED",
      message = ("records of %s are being created already by %s; the same rows might be made "
        .. "twice, so wait for it to end"):format(module, holder(path)),
    }
  end
  errors.check(lock, err)
  write_holder(path, set)
  return lock
end

--- Take the right to create what a change set has still to create.
---
--- @param set icrm.ChangeSet with a client
--- @return icrm.changes.Claim to be closed when nothing more is sent; raises
---   icrm.Error (kind store, code LOCKED) while another process has one of the modules
function M.take(set)
  local claim = setmetatable({ locks = {} }, Claim)
  local folder = core.files.state_folder()
  local open = { operations = state.CREATIONS, states = state.except("done", "skipped", "failed") }
  local ok, err = pcall(function()
    for _, module in ipairs(folder and set.store:modules(open) or {}) do
      table.insert(claim.locks, take_one(folder, set, module))
    end
  end)
  if not ok then
    claim:close()
    error(err, 0)
  end
  return claim
end

--- Give the right back.
function Claim:close()
  for _, lock in ipairs(self.locks) do
    lock:close()
  end
  self.locks = {}
end
Claim.__close = Claim.close

return M
