-- Servers that give records in another order of ids: each comes once, or an error.
local errors = require "icrm.error"
local icrm = require "icrm"
local query = require "icrm.query"
local order = require "icrm.query.order"

-- A client of a server with these numbers of records; `give` orders a page.
local function client_of(numbers, give, options)
  local client = { sent = {} }
  options = options or {}
  local function within(text, number)
    local after, up_to = text:match "id > '7x(%d+)'", text:match "id <= '7x(%d+)'"
    return (not after or number > tonumber(after)) and (not up_to or number <= tonumber(up_to))
  end
  function client:send(_, params)
    self.sent[#self.sent + 1] = params.query
    return #self.sent
  end
  function client:receive(id)
    local text, list = self.sent[id], {}
    for _, number in ipairs(numbers) do
      list[#list + 1] = within(text, number) and number or nil
    end
    if text:find "count%(%*%)" then
      return { { count = tostring(#list) } }
    end
    local rows = give(list, math.min(100, tonumber(text:match "LIMIT (%d+)") or 100))
    for i, number in ipairs(rows) do
      rows[i] = { id = "7x" .. number }
    end
    if options.hides then
      table.remove(rows, 1)
    end
    return rows
  end
  function client.describe() return { id_prefix = "7", by_name = { id = {} }, fields = {} } end
  function client.known_schema() end
  function client.flush() end
  function client.discard() end
  function client.may_spend_calls() return options.has_lanes or false end
  function client.lanes() return 4 end
  return client
end

local function first(list, n)
  return table.move(list, 1, math.min(n, #list), 1, {})
end

local function as_texts(list, n)
  table.sort(list, function(a, b) return tostring(a) < tostring(b) end)
  return first(list, n)
end

local function by_numbers(list, n)
  table.sort(list)
  return first(list, n)
end

local function reversed(list, n)
  local page, back = by_numbers(list, n), {}
  for i, number in ipairs(page) do
    back[#page + 1 - i] = number
  end
  return back
end

local function numbers(from, to)
  local list = {}
  for number = from, to do
    list[#list + 1] = number
  end
  return list
end

-- The rows of a walk, each of them once.
local function walked(client, text)
  local rows, seen = {}, {}
  for row in query.new(client, text or "SELECT id FROM Things"):each() do
    assert.is_nil(seen[row.id], row.id)
    seen[row.id] = true
    rows[#rows + 1] = row.id
  end
  return rows
end

local RANGES = { { 1, 350 }, { 9950, 10350 }, { 95, 120 }, { 99990, 100010 }, { 1, 1234 } }

describe("a walk over records that come", function()
  for name, give in pairs { ["ordered as texts"] = as_texts, ["in reversed pages"] = reversed } do
    for _, range in ipairs(RANGES) do
      for _, has_lanes in ipairs { false, true } do
        it(("%s gives each of %d to %d once%s"):format(name, range[1], range[2],
          has_lanes and ", by ranges too" or ""), function()
          local all = numbers(range[1], range[2])
          local rows = walked(client_of(all, give, { has_lanes = has_lanes }))
          assert.equal(#all, #rows)
        end)
      end
    end
  end

  it("as texts is in order where the query asks for one, or is refused", function()
    local rows = walked(client_of(numbers(1, 350), as_texts), "SELECT id FROM Things ORDER BY id")
    for i, id in ipairs(rows) do
      assert.equal("7x" .. i, id)
    end
    local ok, err = pcall(walked, client_of(numbers(9950, 10350), as_texts),
      "SELECT id FROM Things ORDER BY id")
    assert.is_false(ok)
    assert.is_true(errors.is(err, "decode"), tostring(err))
    assert.equal(order.NO_ORDER, err.code)
  end)

  it("as texts is refused where some are hidden, for nobody could tell", function()
    local ok, err = pcall(walked, client_of(numbers(1, 350), as_texts, { hides = true }))
    assert.is_false(ok)
    assert.equal(order.NO_ORDER, err.code)
  end)

  it("by number takes no call more than its pages and a count", function()
    for _, n in ipairs { 150, 350, 399 } do
      local client = client_of(numbers(100000, 100000 + n - 1), by_numbers)
      assert.equal(n, #walked(client))
      assert.equal(math.ceil(n / 100) + 1, #client.sent, table.concat(client.sent, "\n"))
    end
  end)

  it("by number is not taken for whole where as many were deleted as are still to come", function()
    -- 150 records, 10 of the first page hidden; 60 of the 90 that came are deleted.
    local list = numbers(100000, 100149)
    local client = client_of(list, by_numbers)
    client.writes = 0
    local receive = client.receive
    function client:receive(id)
      local rows = receive(self, id)
      for i = #rows, 1, -1 do
        local number = rows[i].id and tonumber(rows[i].id:match "x(%d+)")
        if number and number < 100010 then
          table.remove(rows, i)
        end
      end
      return rows
    end
    local n = 0
    for page in query.new(client, "SELECT id FROM Things"):pages() do
      n = n + #page
      if client.writes == 0 then
        client.writes = 60
        for _ = 1, 60 do
          table.remove(list, 11)
        end
      end
    end
    assert.equal(140, n)
  end)

  it("by number, some hidden, is looked at once more, and whole", function()
    local client = client_of(numbers(100000, 100349), by_numbers)
    local receive = client.receive
    function client:receive(id)
      local rows = receive(self, id)
      for i = #rows, 1, -1 do
        if rows[i].id == "7x100050" then
          table.remove(rows, i)
        end
      end
      return rows
    end
    assert.equal(349, #walked(client))
  end)
end)

describe("a server with the trait", function()
  for _, trait in ipairs { "ids-as-text", "reversed-page" } do
    it(trait .. " is walked whole", function()
      local crm <close> = icrm.connect("sandbox:?traits=" .. trait)
      icrm.map(numbers(1, 230), function(n)
        crm:create("HelpDesk", { ticket_title = ("Ordre %03d"):format(n), ticketstatus = "Open" },
          { check = false })
      end)
      local rows = crm:query("SELECT id FROM HelpDesk WHERE ticket_title LIKE 'Ordre %'"):all()
      assert.equal(230, #rows)
    end)
  end
end)
