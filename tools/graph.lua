-- Circles in a graph: what tools/layers needs of graph theory.
local M = {}

local function sorted_keys(set)
  local list = {}
  for key in pairs(set) do
    list[#list + 1] = key
  end
  table.sort(list)
  return list
end
M.sorted_keys = sorted_keys

-- The shortest way from a node back to itself, without the nodes of `done`.
local function way_back(edges, start, done)
  local from, queue, at = {}, { start }, 1
  while queue[at] do
    local node = queue[at]
    for _, to in ipairs(sorted_keys(edges[node] or {})) do
      if to == start then
        local way = { start }
        while node ~= start do
          table.insert(way, 2, node)
          node = from[node]
        end
        return way
      elseif not from[to] and not done[to] then
        from[to], queue[#queue + 1] = node, to
      end
    end
    at = at + 1
  end
end

-- Find the circles of a graph: `edges[a][b]` is there when a leads to b. Each
-- circle is a list of nodes, the shortest through its first one; a node that was
-- a circle's first is in no further one.
function M.circles(edges)
  local found, done = {}, {}
  for _, node in ipairs(sorted_keys(edges)) do
    local way = way_back(edges, node, done)
    if way then
      found[#found + 1] = way
      for _, member in ipairs(way) do
        done[member] = true
      end
    end
    done[node] = true
  end
  return found
end

return M
