--- Which change waits for which: a child for its parents. The functions here are
-- methods of icrm.changes.Store.
-- @module icrm.changes.journal.graph

local state = require "icrm.changes.journal.state"

local M = {}

--- Whether any change waits for one that comes after it.
function M:has_forward_links()
  return #self:rows "SELECT 1 FROM links WHERE parent > child LIMIT 1" > 0
end

--- The links as a graph.
---
--- @return table child → how many parents it waits for
--- @return table parent → list of children
--- @return table list of parents that wait for nothing
function M:link_graph()
  local waits, children, free = {}, {}, {}
  for _, link in ipairs(self:rows "SELECT child, parent FROM links") do
    waits[link.child] = (waits[link.child] or 0) + 1
    children[link.parent] = children[link.parent] or {}
    table.insert(children[link.parent], link.child)
  end
  for parent in pairs(children) do
    if not waits[parent] then
      free[#free + 1] = parent
    end
  end
  return waits, children, free
end

--- Mark every planned change that waits, at any depth, for `n` as blocked.
---
--- @param n integer
--- @param message string
--- @return integer how many
function M:block_children(n, message)
  return self:run(
    [[WITH RECURSIVE waiting (n) AS (SELECT child FROM links WHERE parent = ?
      UNION SELECT l.child FROM links l JOIN waiting w ON l.parent = w.n)
    UPDATE changes SET state = 'blocked', code = 'PARENT_NOT_DONE', message = ?
    WHERE state = 'planned' AND n IN (SELECT n FROM waiting)]],
    n,
    message
  )
end

local UNBLOCK = ([[UPDATE changes SET state = 'planned', code = NULL, message = NULL
  WHERE state = 'blocked' AND NOT EXISTS (SELECT 1 FROM links l JOIN changes p ON p.n = l.parent
    WHERE l.child = changes.n AND p.state IN %s)]]):format(state.sql(state.HOLDS_BACK))

--- Give back to `planned` the blocked changes whose parents may still be done.
function M:unblock()
  repeat
    local count = self:run(UNBLOCK)
  until count == 0
end

local READY = ([[SELECT * FROM changes c WHERE state = 'planned'
  AND NOT EXISTS (SELECT 1 FROM links l JOIN changes p ON p.n = l.parent
    WHERE l.child = c.n AND p.state NOT IN %s)
  ORDER BY n LIMIT ?]]):format(state.sql(state.LETS_PASS))

--- Up to `limit` changes that may be sent now: planned, and every change that
--- they wait for is done.
---
--- @param limit integer
--- @return table[]
function M:ready(limit)
  return self:rows(READY, limit)
end

return M
