local helper = require "spec.helper"
local model = require "spec.query_model"
local query = require "icrm.query"

local raised = helper.raised

local function numbers(iterator, state, control, closing)
  local list = {}
  for row in iterator, state, control, closing do
    list[#list + 1] = tonumber(row.id:match "x(%d+)")
  end
  return list
end

local function run(from, to, except)
  local list = {}
  for n = from, to do
    if not (except and except(n)) then
      list[#list + 1] = n
    end
  end
  return list
end

-- "1-100 105": readable when it differs.
local function ranges(list)
  local parts, from = {}, list[1]
  for i, n in ipairs(list) do
    if list[i + 1] ~= n + 1 then
      parts[#parts + 1] = from == n and tostring(n) or ("%d-%d"):format(from, n)
      from = list[i + 1]
    end
  end
  return table.concat(parts, " ")
end

local function same_numbers(want, have)
  assert.equal(ranges(want), ranges(have))
end

local function pages_sent(client)
  local list = {}
  for _, text in ipairs(client.sent) do
    if not text:find "count" then
      list[#list + 1] = text
    end
  end
  return list
end

describe("a walk by id", function()
  it("reads every row past the cap", function()
    local client = model.new(342)
    same_numbers(run(1, 342), numbers(query.new(client, "SELECT * FROM Things"):each()))
    assert.same({
      "SELECT * FROM Things ORDER BY id LIMIT 100;",
      "SELECT * FROM Things WHERE id > '7x100' ORDER BY id LIMIT 100;",
      "SELECT * FROM Things WHERE id > '7x200' ORDER BY id LIMIT 100;",
      "SELECT * FROM Things WHERE id > '7x300' ORDER BY id LIMIT 100;",
      "SELECT count(*) FROM Things WHERE id > '7x342';",
    }, client.sent)
  end)

  it("lets the call for the next page leave at once", function()
    local client = model.new(342)
    query.new(client, "SELECT * FROM Things"):pages()()
    assert.equal(2, client.flushed)
  end)

  it("goes on in ranges of ids when it is long and there are lanes", function()
    local client = model.new(2342)
    client.n_lanes = 4
    for n = 1, 2342 do
      client.hidden["7x" .. n] = n % 7 == 0 and n > 400 or nil
    end
    for n = 2000, 1000, -1 do
      client:remove("7x" .. n)
    end
    same_numbers(run(1, 2342, function(n)
      return n >= 1000 and n <= 2000 or n % 7 == 0 and n > 400
    end), numbers(query.new(client, "SELECT * FROM Things"):each()))
    assert.truthy(table.concat(client.sent, "\n"):find(
      "SELECT * FROM Things WHERE id > '7x400' AND id <= '7x500' ORDER BY id LIMIT 100;", 1, true))
  end)

  it("ends at a full last page and at no page at all", function()
    same_numbers(run(1, 200), numbers(query.new(model.new(200), "SELECT * FROM Things"):each()))
    assert.same({}, numbers(query.new(model.new(0), "SELECT * FROM Things"):each()))
  end)

  it("asks for the next page before this one is handed out", function()
    local client = model.new(250)
    local next_page = query.new(client, "SELECT * FROM Things"):pages()
    assert.equal(100, #next_page())
    assert.equal(2, #client.sent)
  end)

  it("drops what is under way when the loop is left", function()
    local client = model.new(250)
    for row in query.new(client, "SELECT * FROM Things"):each() do
      if row.id == "7x3" then
        break
      end
    end
    assert.same({ 2 }, client.discarded)
  end)

  it("goes on past short and empty pages of hidden records", function()
    local client = model.new(1000)
    for n = 1, 1000 do
      client.hidden["7x" .. n] = n % 3 == 0 or (n > 250 and n <= 720) or n > 980
    end
    local walk = query.new(client, "SELECT * FROM Things")
    local visible = run(1, 1000, function(n) return client.hidden["7x" .. n] end)
    same_numbers(visible, numbers(walk:each()))
    assert.equal(1000 - #visible, walk:hidden())
  end)

  it("gives nothing when all is hidden, and ends", function()
    local client = model.new(1050)
    setmetatable(client.hidden, { __index = function() return true end })
    local walk = query.new(client, "SELECT * FROM Things")
    assert.same({}, walk:all())
    assert.equal(1050, walk:hidden())
    assert.equal(11, #pages_sent(client))
  end)

  it("takes LIMIT as rows in all, through pages and hidden records", function()
    local client = model.new(1000)
    same_numbers(run(1, 250), numbers(query.new(client, "SELECT * FROM Things LIMIT 250"):each()))
    assert.equal("SELECT * FROM Things WHERE id > '7x200' ORDER BY id LIMIT 50;", client.sent[3])
    assert.equal(3, #client.sent)
    for n = 1, 500 do
      client.hidden["7x" .. n] = true
    end
    client.sent = {}
    same_numbers({ 501, 502, 503 },
      numbers(query.new(client, "SELECT * FROM Things LIMIT 3"):each()))
    assert.is_true(#client.sent < 10)
  end)

  it("leaves rows out first as LIMIT offset, rows asks", function()
    local client = model.new(400)
    same_numbers(run(151, 270),
      numbers(query.new(client, "SELECT * FROM Things LIMIT 150, 120"):each()))
    assert.equal("SELECT * FROM Things ORDER BY id LIMIT 150, 100;", client.sent[1])
    assert.same({}, query.new(client, "SELECT * FROM Things LIMIT 400, 10"):all())
    assert.same({}, query.new(client, "SELECT * FROM Things LIMIT 0"):all())
  end)

  it("reads on when rows are deleted between pages", function()
    local client = model.new(350)
    function client:on_query()
      self:remove(self.rows[1].id)
    end
    same_numbers(run(2, 350), numbers(query.new(client, "SELECT * FROM Things"):each()))
  end)

  it("fails for a server that does not read on, and for records without id", function()
    local client = model.new(100)
    function client:answer()
      return self.rows
    end
    local err = raised(function() query.new(client, "SELECT * FROM Things"):all() end)
    assert.equal("decode", err.kind)
    assert.equal("the server does not read on by id: 7x1 came after number 100", err.message)
    client.rows[1] = { name = "x" }
    err = raised(function() query.new(client, "SELECT * FROM Things"):all() end)
    assert.equal("the server returned a record without an id", err.message)
  end)
end)

describe("a server that keeps to no order", function()
  local function walked(client, text)
    return raised(function() query.new(client, text or "SELECT * FROM Things"):all() end)
  end

  -- The answers to pages changed by a function of the page.
  local function server(rows, change)
    local client, honest = model.new(rows), model.answer
    function client:answer(text)
      local page = honest(self, text)
      return text:find "count" and page or change(page)
    end
    return client
  end

  it("is found out by one page that is reversed", function() -- read whole: unordered_spec
    local err = walked(server(350, function(page)
      local reversed = {}
      for i, row in ipairs(page) do
        reversed[#page + 1 - i] = row
      end
      return reversed
    end), "SELECT * FROM Things LIMIT 300")
    assert.equal("decode", err.kind)
    assert.matches("^the server does not order by id: 7x99 came after number 100", err.message)
  end)

  it("is found out when it orders ids as texts", function()
    local client = model.new(350)
    table.sort(client.rows, function(a, b) return a.id < b.id end)
    function client:answer(text)
      if text:find "count" then
        return { { count = "350" } }
      end
      return table.move(self.rows, 1, 100, 1, {})
    end
    local err = walked(client)
    assert.matches("7x11 came after number 109, as texts are ordered; .* nobody can tell",
      err.message)
  end)

  it("is found out when it gives a record twice", function()
    local err = walked(server(150, function(page)
      table.insert(page, math.min(5, #page + 1), page[5])
      return page
    end))
    assert.matches("^the server gave 7x5 twice in one walk", err.message)
  end)

  it("is found out when it gives the same page for ever", function()
    local first
    local client = server(350, function(page)
      first = first or page
      return first
    end)
    assert.equal("decode", walked(client).kind)
    first, client.sent = nil, {}
    local err = walked(client, "SELECT * FROM Things ORDER BY name")
    assert.matches("^the server gives the same rows again and again", err.message)
    assert.is_true(#client.sent < 40)
  end)

  it("is no reason to repeat a row within a page of another order", function()
    local list = numbers(query.new(server(50, function(page)
      table.insert(page, math.min(7, #page + 1), page[3])
      return page
    end), "SELECT * FROM Things ORDER BY name"):each())
    same_numbers(run(1, 50), list)
  end)
end)

describe("a walk in an order of its own", function()
  local function backwards(n)
    return ("%06d"):format(1000 - n)
  end

  it("reads every row in that order, by name and id", function()
    local client = model.new(342, backwards)
    local list = numbers(query.new(client, "SELECT * FROM Things ORDER BY name"):each())
    local want = {}
    for n = 342, 1, -1 do
      want[#want + 1] = n
    end
    same_numbers(want, list)
    assert.equal("SELECT * FROM Things ORDER BY name, id LIMIT 100;", client.sent[1])
    assert.equal("SELECT * FROM Things ORDER BY name, id LIMIT 90, 100;", client.sent[2])
  end)

  it("does not add id to DESC, which would take the direction from the field", function()
    local client = model.new(250)
    local list = numbers(query.new(client, "SELECT * FROM Things ORDER BY name DESC"):each())
    assert.equal(250, #list)
    assert.same({ 250, 249, 1 }, { list[1], list[2], list[250] })
    assert.equal("SELECT * FROM Things ORDER BY name DESC LIMIT 100;", client.sent[1])
  end)

  it("orders by id downwards", function()
    local client = model.new(250)
    local list = numbers(query.new(client, "SELECT * FROM Things ORDER BY id DESC"):each())
    assert.same({ 250, 1, 250 }, { #list, list[250], list[1] })
  end)

  it("keeps the meaning of LIMIT", function()
    local client = model.new(500, backwards)
    local ordered = query.new(client, "SELECT * FROM Things ORDER BY name LIMIT 10, 205")
    local list = numbers(ordered:each())
    assert.same({ 205, 490, 286 }, { #list, list[1], list[205] })
    client.sent = {}
    assert.equal(5, #query.new(client, "SELECT * FROM Things ORDER BY name LIMIT 5"):all())
    assert.same({ "SELECT * FROM Things ORDER BY name, id LIMIT 5;" }, client.sent)
  end)

  it("misses no row and repeats none when rows are deleted between pages", function()
    for _, at_once in ipairs { 1, 15, 60 } do
      local client, gone = model.new(600), 0
      function client:on_query(text)
        if text:find "ORDER BY name" and #self.sent > 1 and gone + at_once <= 100 then
          for _ = 1, at_once do
            gone = gone + 1
            self:remove("7x" .. gone)
          end
        end
      end
      local list = numbers(query.new(client, "SELECT * FROM Things ORDER BY name"):each())
      same_numbers(run(1, 600), list)
    end
  end)

  it("misses no row and repeats none when rows are created between pages", function()
    local client, made = model.new(300), 0
    function client:on_query(text)
      if text:find "ORDER BY name" and #self.sent > 1 and made < 60 then
        for _ = 1, 30 do
          made = made + 1
          table.insert(self.rows, { id = "7x" .. 300 + made, name = "000000" .. made })
        end
      end
    end
    local list = numbers(query.new(client, "SELECT * FROM Things ORDER BY name"):each())
    table.sort(list)
    same_numbers(run(1, 360), list)
  end)

  it("misses no row and repeats none when equal rows change places", function()
    local client = model.new(500, function() return "same" end)
    client.tie = function(a, b)
      local flip = #client.sent % 2 == 0
      local x, y = tonumber(a.id:match "x(%d+)"), tonumber(b.id:match "x(%d+)")
      if flip then
        return x > y
      end
      return x < y
    end
    local list = numbers(query.new(client, "SELECT * FROM Things ORDER BY name DESC"):each())
    table.sort(list)
    same_numbers(run(1, 500), list)
  end)

  it("passes hidden records", function()
    local client = model.new(700, backwards)
    for n = 1, 700 do
      client.hidden["7x" .. n] = n % 2 == 0 or (n > 200 and n < 500)
    end
    local walk = query.new(client, "SELECT * FROM Things ORDER BY name")
    local want = run(1, 700, function(n) return client.hidden["7x" .. n] end)
    local list = numbers(walk:each())
    assert.equal(699, list[1])
    table.sort(list)
    same_numbers(want, list)
    assert.equal(700 - #want, walk:hidden())
  end)
end)
