-- Walks in ranges against a server in memory that caps pages, hides records
-- after LIMIT and counts what it hides.
local ranges = require "icrm.query.ranges"

local PAGE_ROWS = 100

local function number_of(id)
  return id and tonumber(id:match "x(%d+)$")
end

-- ids: sorted numbers; hidden: set of those that are counted and not shown
local function new_server(ids, hidden)
  local server = { calls = 0, lanes = 8, open = {}, most_open = 0, discarded = 0 }
  local function between(after, until_id)
    local from, to = number_of(after) or 0, number_of(until_id) or math.maxinteger
    local found = {}
    for _, id in ipairs(ids) do
      if id > from and id <= to then
        found[#found + 1] = id
      end
    end
    return found
  end
  local function visible(found, rows, offset)
    local page = {}
    for i = offset + 1, math.min(#found, offset + rows) do
      if not hidden[found[i]] then
        page[#page + 1] = { id = "17x" .. found[i] }
      end
    end
    return page
  end
  local source = {}
  function source.send(_, change)
    server.calls = server.calls + 1
    local id, open = server.calls, 0
    server.open[id] = change
    for _ in pairs(server.open) do
      open = open + 1
    end
    server.most_open = math.max(server.most_open, open)
    return id
  end
  local function take(id)
    local change = assert(server.open[id], "received twice, or never sent")
    server.open[id] = nil
    local found = between(change.after_id, change.until_id)
    return change, found
  end
  function source.receive(_, id)
    local change, found = take(id)
    return visible(found, change.rows, change.offset or 0)
  end
  function source.receive_count(_, id)
    return #select(2, take(id))
  end
  function source.count(_, id, until_id)
    server.calls = server.calls + 1
    return #between(id, until_id)
  end
  source.facts = { select = "columns", columns = { "id" }, order = {} }
  source.client = {
    flush = function() end,
    lanes = function() return server.lanes end,
    discard = function(_, id)
      assert(server.open[id])
      server.open[id], server.discarded = nil, server.discarded + 1
    end,
  }
  server.source = source
  return server
end

local function first_page(ids, hidden)
  local page = {}
  for _, id in ipairs(ids) do
    if #page < PAGE_ROWS and not hidden[id] then
      page[#page + 1] = { id = "17x" .. id }
    end
  end
  return page
end

local function random_ids(n, most_gap)
  local ids, at = {}, 1000
  for i = 1, n do
    at = at + math.random(1, most_gap)
    if math.random(200) == 1 then
      at = at + most_gap * 500 -- a stretch of other modules
    end
    ids[i] = at
  end
  return ids
end

describe("a walk in ranges", function()
  it("gives every visible row once, in order", function()
    math.randomseed(11)
    for round = 1, 60 do
      local ids, hidden = random_ids(math.random(200, 1500), ({ 1, 2, 10, 300 })[round % 4 + 1]), {}
      for _, id in ipairs(ids) do
        hidden[id] = round % 3 == 0 and math.random(4) == 1 or nil
      end
      local page = first_page(ids, hidden)
      local server = new_server(ids, hidden)
      local next_page = ranges.walk(server.source, page)
      local at = number_of(page[#page].id)
      local expected, got = {}, {}
      for _, id in ipairs(ids) do
        if id > at and not hidden[id] then
          expected[#expected + 1] = id
        end
      end
      for rows in next_page do
        for _, row in ipairs(rows) do
          got[#got + 1] = number_of(row.id)
        end
      end
      assert.same(expected, got)
      assert.is_nil(next(server.open))
    end
  end)

  it("keeps the lanes busy and asks little more than a page at a time does", function()
    math.randomseed(12)
    local ids = random_ids(5000, 20)
    local server = new_server(ids, {})
    for _ in ranges.walk(server.source, first_page(ids, {})) do end
    assert.is_true(server.most_open >= server.lanes)
    assert.is_true(server.calls < 2 * 1.6 * #ids / PAGE_ROWS + 20, server.calls)
  end)

  it("counts nothing where ids follow each other", function()
    local ids = random_ids(0, 1)
    for i = 1, 2000 do
      ids[i] = 5000 + i
    end
    local server = new_server(ids, {})
    for _ in ranges.walk(server.source, first_page(ids, {})) do end
    assert.is_true(server.calls <= 20 + server.lanes + 2, server.calls)
  end)

  it("gives up what is under way when it is left", function()
    local ids = random_ids(3000, 5)
    local server = new_server(ids, {})
    local next_page, stop = ranges.walk(server.source, first_page(ids, {}))
    next_page()
    next_page()
    stop()
    assert.is_true(server.discarded > 0)
    assert.is_nil(next(server.open))
  end)
end)
