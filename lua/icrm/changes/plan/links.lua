--- The references between the changes of one set: who waits for whom.
-- @module icrm.changes.plan.links

local errors = require "icrm.error"
local json = require "icrm.json"

local M = {}

local refuse = errors.refuse

-- Every reference becomes a link from the child to its parent.
local function link_references(self)
  for change in self.store:each { has = { "refs" }, after = self.linked } do
    for field, key in pairs(json.decode(change.refs)) do
      local parent = self.store:by_key(key)
      if not parent then
        refuse(
          "change %q: %s refers to %q, which is not in this plan",
          change.key,
          field,
          key
        )
      end
      if not parent.record and (parent.operation ~= "create" or parent.state == "skipped") then
        refuse("change %q: %s refers to %q, which creates nothing", change.key, field, key)
      end
      self.store:link(change.n, parent.n)
    end
    self.linked = change.n
  end
  self.store:flush()
end

-- Parents mostly come first, and then there is no cycle. Otherwise take away,
-- again and again, what waits for nothing: what is left goes in circles.
local function check_cycles(self)
  if not self.store:has_forward_links() then
    return
  end
  local waits, children, free = self.store:link_graph()
  while #free > 0 do
    local n = table.remove(free)
    for _, child in ipairs(children[n] or {}) do
      waits[child] = waits[child] - 1
      if waits[child] == 0 then
        waits[child] = nil
        table.insert(free, child)
      end
    end
  end
  local n = next(waits)
  if n then
    refuse(
      "change %q refers, through others, to itself; break the circle",
      self.store:get(n).key
    )
  end
end

--- Turn the references that are new in a set into links; refuse those that lead
--- to nothing, and circles (law 14).
---
--- @param self table icrm.ChangeSet
function M.resolve(self)
  link_references(self)
  check_cycles(self)
end

return M
