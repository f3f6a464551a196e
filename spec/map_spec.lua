local errors = require "icrm.error"
local map = require "icrm.map"
local tasks = require "icrm.tasks"

-- Clients of the core with scripted replies, all on one network: a call
-- submitted with `ticks` is ready after so many steps of any of them.
local network

local function deliver_due()
  network.now = network.now + 1
  for _, client in ipairs(network) do
    for id, call in pairs(client.calls) do
      if call.at <= network.now then
        client.calls[id] = nil
        table.insert(client.ready, { id, call.reply })
        client.in_flight = client.in_flight - 1
      end
    end
    table.sort(client.ready, function(a, b) return a[1] < b[1] end)
  end
end

local function fake_client()
  local fake = { calls = {}, ready = {}, last = 0, in_flight = 0, most = 0, steps = 0,
                 expected = {} }
  function fake:submit(ticks, reply)
    self.last = self.last + 1
    self.calls[self.last] = { at = network.now + ticks, reply = reply }
    self.in_flight = self.in_flight + 1
    self.most = math.max(self.most, self.in_flight)
    return self.last
  end
  function fake:step()
    self.steps = self.steps + 1
    deliver_due()
    return #self.ready
  end
  function fake:next()
    local entry = table.remove(self.ready, 1)
    if not entry then
      return nil
    elseif errors.is(entry[2]) then
      return entry[1], nil, entry[2]
    end
    return entry[1], entry[2]
  end
  function fake:expect(calls)
    self.expected[#self.expected + 1] = calls
  end
  function fake:stats()
    return { in_flight = self.in_flight, queued = 0, held = 0 }
  end
  -- One call, as a method of icrm.Client makes it.
  function fake:call(ticks, reply)
    local value, err = tasks.await(self, self:submit(ticks, reply))
    if value == nil then
      error(err, 0)
    end
    return value
  end
  network[#network + 1] = fake
  return fake
end

before_each(function() network = { now = 0 } end)

local function numbers(n)
  local list = {}
  for i = 1, n do list[i] = i end
  return list
end

local function refusal(message)
  return errors.new { kind = "refused", message = message }
end

describe("icrm.map", function()
  local client
  before_each(function() client = fake_client() end)

  it("gives results in order, however the replies come", function()
    local result = map.map(numbers(50), function(i)
      return client:call(1 + i * 7 % 5, "r" .. i)
    end)
    for i = 1, 50 do assert.equal("r" .. i, result[i]) end
    assert.equal(50, #result)
  end)

  it("keeps no more rows under way than asked", function()
    map.map(numbers(40), function(i) return client:call(i % 3 + 1, "x") end,
      { concurrency = 7 })
    assert.equal(7, client.most)
  end)

  it("takes as many steps as the longest chain, not as all calls together", function()
    map.map(numbers(8), function()
      client:call(5, "a")
      return client:call(5, "b")
    end)
    assert.equal(10, client.steps)
  end)

  it("gives the function the row and its number", function()
    assert.same({ "a1", "b2" }, map.map({ "a", "b" }, function(row, i) return row .. i end))
    assert.same({}, map.map({}, error))
  end)

  it("raises the first error in row order, after what is under way", function()
    local started, ended = {}, {}
    local ok, err = pcall(map.map, numbers(20), function(i)
      started[#started + 1] = i
      if i == 5 then client:call(1, refusal "five") end
      if i == 3 then client:call(4, refusal "three") end
      local value = client:call(6, "x")
      ended[#ended + 1] = i
      return value
    end, { concurrency = 6 })
    assert.is_false(ok)
    assert.equal("three", err.message)
    assert.equal(3, err.row)
    assert.equal("row 3: refused: three", tostring(err))
    assert.same(numbers(6), started)
    assert.same({ 1, 2, 4, 6 }, ended)
    assert.equal(0, client.in_flight)
  end)

  it("puts the row's number before a plain error and keeps other values", function()
    assert.error_matches(function()
      map.map(numbers(3), function(i) if i == 2 then error("odd", 0) end end)
    end, "^row 2: odd$")
    local value = { odd = true }
    local _, err = pcall(map.map, { 1 }, function() error(value) end)
    assert.equal(value, err)
  end)

  it("lets pcall inside the function catch a failed call", function()
    local result = map.map(numbers(3), function(i)
      local ok, err = pcall(client.call, client, i, i == 2 and refusal "no" or "yes")
      return ok and err or err.message
    end)
    assert.same({ "yes", "no", "yes" }, result)
  end)

  it("nests, and the inner rows run together with the outer ones", function()
    local result = map.map(numbers(3), function(i)
      return table.concat(map.map(numbers(4), function(j)
        return client:call(5, i .. j)
      end), ",")
    end)
    assert.same({ "11,12,13,14", "21,22,23,24", "31,32,33,34" }, result)
    assert.equal(12, client.most)
    assert.equal(5, client.steps)
  end)

  it("waits for several clients at once", function()
    local clients = {}
    for i = 1, 50 do clients[i] = fake_client() end
    local result = map.map(clients, function(one, i)
      return one:call(i % 4 + 1, "a" .. i) .. one:call(2, "b")
    end, { concurrency = 50 })
    for i = 1, 50 do assert.equal("a" .. i .. "b", result[i]) end
    assert.equal(6, network.now)
  end)

  it("passes foreign yields through to whoever resumed the caller", function()
    local co = coroutine.wrap(function()
      return map.map(numbers(3), function(i)
        local got = coroutine.yield("from " .. i, nil, i)
        return got .. client:call(2, "!")
      end)
    end)
    assert.same({ n = 3, "from 1", nil, 1 }, table.pack(co()))
    assert.equal("from 2", co "one")
    assert.equal("from 3", co "two")
    assert.same({ "one!", "two!", "three!" }, co "three")
  end)

  it("passes a foreign yield through nested maps", function()
    local co = coroutine.wrap(function()
      return map.map({ 1 }, function()
        return map.map({ 1 }, function() return coroutine.yield "inner" end)[1]
      end)
    end)
    assert.equal("inner", co())
    assert.same({ "back" }, co "back")
  end)

  it("says that a foreign yield has nowhere to go outside a coroutine", function()
    -- Busted runs specs in the main thread, as a script does.
    assert.is_false(coroutine.isyieldable())
    assert.error_matches(function()
      map.map({ 1 }, function() coroutine.yield() end)
    end, "row 1: attempt to yield from outside a coroutine")
  end)

  it("leaves coroutines of the function's own alone; calls in them just wait", function()
    local result = map.map(numbers(3), function(i)
      local each = coroutine.wrap(function()
        coroutine.yield(client:call(2, "a" .. i))
        coroutine.yield(client:call(1, "b" .. i))
      end)
      return each() .. each() .. client:call(1, "c")
    end)
    assert.same({ "a1b1c", "a2b2c", "a3b3c" }, result)
  end)

  it("just waits where Lua cannot yield", function()
    local result = map.map(numbers(3), function(i)
      local list = { 3, 1, 2 }
      table.sort(list, function(a, b)
        client:call(1, "x")
        return a < b
      end)
      local text = ("x"):gsub("x", function() return client:call(2, "s" .. i) end)
      return text .. table.concat(list)
    end)
    assert.same({ "s1123", "s2123", "s3123" }, result)
  end)

  it("waits inside metamethods", function()
    local record = setmetatable({}, { __index = function(_, key)
      return client:call(2, key)
    end, __close = function() client:call(1, "closed") end })
    local result = map.map({ "a", "b" }, function(key)
      local r <close> = record
      return r[key]
    end)
    assert.same({ "a", "b" }, result)
    assert.equal(0, client.in_flight)
  end)

  it("closes the variables of rows that an error from outside cuts off", function()
    local closed = 0
    function client:step()
      self.steps = self.steps + 1
      if self.steps == 3 then error("interrupted!", 0) end
      return 0
    end
    local ok, err = pcall(map.map, numbers(4), function()
      local _ <close> = setmetatable({}, { __close = function() closed = closed + 1 end })
      return client:call(9, "never")
    end)
    assert.is_false(ok)
    assert.equal("interrupted!", err)
    assert.equal(4, closed)
  end)

  it("reports a call that was never made instead of waiting for ever", function()
    assert.error_matches(function() tasks.await(client, 99) end, "never asked for")
    assert.error_matches(function()
      map.map({ 1 }, function() tasks.await(client, 99) end)
    end, "never asked for")
  end)

  it("gives rows that wait an error when their client closes", function()
    local result = map.map(numbers(3), function(i)
      if i == 3 then
        tasks.cancel(client)
        return "closed"
      end
      local _, err = pcall(client.call, client, 1000, "late")
      return err.kind
    end)
    assert.same({ "canceled", "canceled", "closed" }, result)
  end)

  it("drops a reply that nobody wants", function()
    local unwanted = client:submit(1, "a")
    tasks.discard(client, unwanted)
    assert.equal("b", client:call(2, "b"))
    assert.error_matches(function() tasks.await(client, unwanted) end, "never asked for")
  end)

  it("refuses rows and windows that are none", function()
    assert.error_matches(function() map.map("rows", print) end, "rows must be")
    assert.error_matches(function() map.map({}, print, { concurrency = 0 }) end,
      "concurrency must be")
  end)
end)

describe("icrm.map over an iterator", function()
  local client
  before_each(function() client = fake_client() end)

  -- Pages of ten rows, each page a call of its own.
  local function pages(count)
    local page, row = 0, 10
    return function()
      if row == 10 then
        if page == count then return nil end
        client:call(3, "page")
        page, row = page + 1, 0
      end
      row = row + 1
      return (page - 1) * 10 + row
    end
  end

  it("takes rows while others are under way", function()
    local result = map.map(pages(3), function(i) return client:call(3, i) end,
      { concurrency = 10 })
    assert.same(numbers(30), result)
    assert.equal(18, client.steps) -- 3 pages, 3 rounds of ten rows, 3 steps each
  end)

  it("takes something with each()", function()
    local query = { each = function() return pages(1) end }
    assert.same(numbers(10), map.map(query, function(i) return i end))
  end)

  it("lets the source yield for somebody else", function()
    local co = coroutine.wrap(function()
      local n = 0
      return map.map(function()
        n = n + 1
        if n <= 2 then return coroutine.yield(n) end
      end, function(row) return row end)
    end)
    assert.equal(1, co())
    assert.equal(2, co "a")
    assert.same({ "a", "b" }, co "b")
  end)

  it("raises the source's error as it is, after the rows before it", function()
    local done = 0
    local n = 0
    local ok, err = pcall(map.map, function()
      n = n + 1
      if n == 4 then error(refusal "no more") end
      return n
    end, function() client:call(5, "x") done = done + 1 end)
    assert.is_false(ok)
    assert.equal("refused: no more", tostring(err))
    assert.equal(3, done)
  end)
end)

describe("icrm.imap", function()
  local client
  before_each(function() client = fake_client() end)

  it("gives each row with its result, in order", function()
    local seen = {}
    for row, result in map.imap({ "a", "b", "c" }, function(row, i)
      return client:call(4 - i, row:upper())
    end) do
      seen[#seen + 1] = row .. result
    end
    assert.same({ "aA", "bB", "cC" }, seen)
  end)

  it("reads no further ahead than the window", function()
    local pulled, ahead = 0, 0
    local function source()
      pulled = pulled + 1
      if pulled <= 100 then return pulled end
    end
    for row in map.imap(source, function(i) return client:call(1, i) end,
                        { concurrency = 5 }) do
      ahead = math.max(ahead, pulled - row)
    end
    assert.is_true(ahead <= 5, ahead)
  end)

  it("lets rows under way end when the loop is left", function()
    local done = 0
    local function work(i)
      client:call(i, "x")
      done = done + 1
    end
    for _ in map.imap(numbers(20), work, { concurrency = 4 }) do -- luacheck: ignore 512
      break
    end
    assert.equal(4, done)
    assert.equal(0, client.in_flight)
  end)

  it("raises what fails after the loop was left", function()
    local function work(i)
      return client:call(i, i == 3 and refusal "late" or "x")
    end
    local ok, err = pcall(function()
      for _ in map.imap(numbers(4), work) do -- luacheck: ignore 512
        break
      end
    end)
    assert.is_false(ok)
    assert.equal("row 3: refused: late", tostring(err))
  end)

  it("runs a loop inside a row of another", function()
    local result = map.map(numbers(2), function(i)
      local sum = ""
      for row, value in map.imap({ "a", "b" }, function(r) return client:call(3, r) end) do
        sum = sum .. i .. row .. value
      end
      return sum
    end)
    assert.same({ "1aa1bb", "2aa2bb" }, result)
    assert.equal(3, client.steps)
  end)
end)

describe("tasks.share", function()
  it("makes a value once for all that want it at the same time", function()
    local client, cache, made = fake_client(), {}, 0
    local result = map.map(numbers(5), function()
      return tasks.share(client, cache, "key", function()
        made = made + 1
        return client:call(3, "value")
      end)
    end)
    assert.same({ "value", "value", "value", "value", "value" }, result)
    assert.equal(1, made)
    assert.same({ 1, 2, 3, 4, 0 }, client.expected)
  end)

  it("lets the next one try when the first fails", function()
    local client, cache, made = fake_client(), {}, 0
    local result = map.map(numbers(3), function()
      local ok, value = pcall(tasks.share, client, cache, "key", function()
        made = made + 1
        return client:call(2, made == 1 and refusal "no" or "yes")
      end)
      return ok and value or value.message
    end)
    assert.same({ "no", "yes", "yes" }, result)
    assert.equal(2, made)
  end)
end)
