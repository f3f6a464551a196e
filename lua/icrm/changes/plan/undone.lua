--- What an undo has taken back already of a change set: each set knows the files of
-- its undos.
-- @module icrm.changes.plan.undone

local core = require "icrm.core"
local json = require "icrm.json"
local store = require "icrm.changes.journal.store"

local M = {}

local NAME = "undone_by" -- in the header: a list of paths

local function paths_of(set)
  local text = set.store:get_meta(NAME)
  return text and json.decode(text) or {}
end

--- Note in a change set that another one is its undo.
---
--- @param set icrm.ChangeSet
--- @param path string of the undo
function M.note(set, path)
  local paths, full = paths_of(set), core.files.full_path(path)
  for _, one in ipairs(paths) do
    if one == full then
      return
    end
  end
  paths[#paths + 1] = full
  if not set.store.read_only then
    set.store:set_meta(NAME, json.encode(paths))
  end
end

local Undone = { __name = "icrm.changes.Undone" }
Undone.__index = Undone

--- Open the undos of a change set that are still there.
---
--- @param set icrm.ChangeSet
--- @return icrm.changes.Undone to be closed
function M.of(set)
  local undone = setmetatable({ stores = {} }, Undone)
  for _, path in ipairs(paths_of(set)) do
    local ok, undo = pcall(store.open, path, { read_only = true, driver = set.store.driver })
    if ok then
      table.insert(undone.stores, undo)
    end
  end
  return undone
end

--- Whether an undo has taken back a change.
---
--- @param change table
--- @return boolean
function Undone:has_undone(change)
  for _, undo in ipairs(self.stores) do
    local way_back = undo:by_key(change.key)
    if way_back and way_back.state == "done" then
      return true
    end
  end
  return false
end

--- Close them.
function Undone:close()
  for _, undo in ipairs(self.stores) do
    undo:close()
  end
  self.stores = {}
end
Undone.__close = Undone.close

return M
