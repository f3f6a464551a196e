--- The order in which rows that refer to one another are planned: what they refer to
--- first, wherever in the files it stands.
-- @module icrm.import.waiting

local M = {}

local Waiting = {}
Waiting.__index = Waiting

--- @return table waiting
function M.new()
  return setmetatable({ outcomes = {}, children = {}, parents = {} }, Waiting)
end

-- What an item waits for; nil when all is planned.
local function open_parent(self, item)
  for _, key in pairs(item.refs or {}) do
    if not self.outcomes[key] then
      return key
    end
  end
end

local function wait(self, key, entry)
  self.children[key] = self.children[key] or {}
  table.insert(self.children[key], entry)
  self.parents[entry.item.key] = { key = key, item = entry.item }
end

--- Plan an item as soon as all that it refers to are planned, and then those that waited
--- for it.
---
--- @param item table with key and refs
--- @param is_referred boolean whether others may refer to it
--- @param plan fun(item: table): string plans it; what became of it
function Waiting:add(item, is_referred, plan)
  local work = { { item = item, is_referred = is_referred, plan = plan } }
  while #work > 0 do
    local entry = table.remove(work)
    local key = entry.item.key
    local open = open_parent(self, entry.item)
    if open then
      wait(self, open, entry)
    else
      self.parents[key] = nil
      local outcome = entry.plan(entry.item)
      if entry.is_referred then
        self.outcomes[key] = outcome
      end
      local children = self.children[key] or {}
      self.children[key] = nil
      for i = #children, 1, -1 do
        work[#work + 1] = children[i]
      end
    end
  end
end

--- What became of an item that others refer to.
---
--- @param key string
--- @return string? outcome nil when it was not planned yet
function Waiting:outcome(key)
  return self.outcomes[key]
end

-- From an item on, from what waits to what it waits for, until one comes twice.
local function circle_from(self, key, visited)
  local path, place = {}, {}
  while self.parents[key] and not visited[key] and not place[key] do
    path[#path + 1] = self.parents[key].item
    place[key] = #path
    key = self.parents[key].key
  end
  for at in pairs(place) do
    visited[at] = true
  end
  return place[key] and table.move(path, place[key], #path, 1, {})
end

--- The circles among what waits in the end.
---
--- @return table[] circles each a list of items, each of which refers to the next, the last
---   to the first; in the order of their first lines
function Waiting:circles()
  local circles, visited, keys = {}, {}, {}
  for key in pairs(self.parents) do
    keys[#keys + 1] = key
  end
  table.sort(keys, function(a, b)
    local one, other = self.parents[a].item, self.parents[b].item
    return one.line < other.line or one.line == other.line and a < b
  end)
  for _, key in ipairs(keys) do
    circles[#circles + 1] = circle_from(self, key, visited)
  end
  return circles
end

return M
