--- What was found out about a server, kept with its date from one process to the
-- next: a small file of one CRM and user in the folder of states.
--
-- Whoever finds nothing here, or something too old, asks the server or takes the
-- safe way (law 35). A file that cannot be read or written is none.
-- @module icrm.facts

local core = require "icrm.core"
local json = require "icrm.json"

local M = {}

local Facts = { __name = "icrm.Facts" }
Facts.__index = Facts

local OLD_S = 30 * 24 * 3600 -- a server may be another after its next upgrade
local CLOCKS_DIFFER_S = 300 -- a date further ahead is of a clock that was wrong

local function read(path)
  local file = path and io.open(path, "rb")
  local text = file and file:read "a"
  if file then
    file:close()
  end
  local ok, kept = pcall(json.decode, text or "{}")
  return ok and type(kept) == "table" and kept or {}
end

--- Open the facts of a server.
---
--- @param path? string the file; without it nothing outlives the process
--- @param identity string what the server is seen to be: another one's facts, behind
---   the same URL, are dropped
--- @return icrm.Facts
function M.open(path, identity)
  local kept = read(path)
  local facts = kept.identity == identity and type(kept.facts) == "table" and kept.facts or {}
  return setmetatable({ path = path, identity = identity, facts = facts }, Facts)
end

--- Return a fact.
---
--- @param name string
--- @param max_age_s? integer for how long it counts; 30 days by default
--- @return any value nil when it is not known, or has been known for too long
--- @return integer? date when it was found out, as os.time
function Facts:get(name, max_age_s)
  local fact = self.facts[name]
  local date = type(fact) == "table" and math.tointeger(tonumber(fact.date))
  local age = date and os.time() - date
  if age and age > -CLOCKS_DIFFER_S and age < (max_age_s or OLD_S) then
    return fact.value, date
  end
end

local function write(path, text)
  local draft = path .. ".new"
  os.remove(draft) -- of a process that ended in the middle
  local file = core.files.create(draft) and io.open(draft, "wb")
  if file then
    file:write(text)
    file:close()
    os.rename(draft, path)
  end
end

--- Keep a fact.
---
--- @param name string
--- @param value string|boolean
--- @return string|boolean value
function Facts:learn(name, value)
  self.facts[name] = { value = value, date = os.time() }
  if self.path then
    local kept = read(self.path) -- another process may have learnt something else
    for other, fact in pairs(kept.identity == self.identity and kept.facts or {}) do
      self.facts[other] = self.facts[other] or fact
    end
    write(self.path, json.encode { identity = self.identity, facts = self.facts })
  end
  return value
end

return M
