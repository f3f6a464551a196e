local errors = require "icrm.error"
local icrm = require "icrm"
local model = require "spec.query_model"
local query = require "icrm.query"

local function raised(fn, ...)
  local ok, err = pcall(fn, ...)
  assert.is_false(ok)
  assert.is_true(errors.is(err), tostring(err))
  return err
end

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

describe("a query", function()
  it("gives its first rows without asking for more", function()
    local client = model.new(300)
    assert.equal("7x1", query.new(client, "SELECT * FROM Things"):first().id)
    assert.same({ "SELECT * FROM Things ORDER BY id LIMIT 1;" }, client.sent)
    assert.equal(150, #query.new(client, "SELECT * FROM Things"):first(150))
    assert.equal(2, #query.new(client, "SELECT * FROM Things LIMIT 2"):first(5))
    assert.is_nil(query.new(model.new(0), "SELECT * FROM Things"):first())
  end)

  it("counts, whatever its LIMIT", function()
    local client = model.new(300)
    assert.equal(300, query.new(client, "SELECT name FROM Things ORDER BY name LIMIT 5"):count())
    assert.same({ "SELECT count(*) FROM Things;" }, client.sent)
    assert.equal(300, query.new(client, "SELECT count(*) FROM Things"):count())
    assert.equal(290, query.count(client, "Things", "id > ?", "7x10"))
    assert.same({ { count = "300" } }, query.new(client, "SELECT count(*) FROM Things"):all())
  end)

  it("tells hidden rows only after a whole walk", function()
    local walk = query.new(model.new(5), "SELECT * FROM Things")
    assert.error_matches(function() walk:hidden() end, "after a walk to the end")
    walk:first()
    assert.error_matches(function() walk:hidden() end, "after a walk to the end")
    walk:all()
    assert.equal(0, walk:hidden())
  end)

  it("checks ORDER BY before it asks, for the server would answer nothing", function()
    local client = model.new(5)
    local err = raised(function() query.new(client, "SELECT * FROM Things ORDER BY nmae"):all() end)
    assert.equal("query", err.kind)
    assert.matches("^ORDER BY nmae: .*did you mean.*name", err.message)
    assert.same({}, client.sent)
  end)

  it("compares fields that hold ids with ids alone", function()
    local client = model.new(5)
    local function refused(condition, ...)
      local err = raised(function(...)
        query.new(client, "SELECT * FROM Things WHERE " .. condition, ...):all()
      end, ...)
      assert.equal("query", err.kind)
      return err.message
    end
    assert.equal("account_id = '3x1 OR 1=1': account_id holds a record id, such as "
      .. "'3x262015'; '3x0' stands for none", refused("account_id = ?", "3x1 OR 1=1"))
    assert.matches("^assigned_user_id = '1': ", refused("assigned_user_id = ?", 1))
    assert.matches("^account_id IN 'x': ", refused("account_id IN (?)", { "3x1", "x" }))
    assert.matches("^account_id LIKE '3x1 OR%%': ", refused("account_id LIKE ?", "3x1 OR%"))
    assert.same({}, client.sent)
  end)

  it("asks for no description when nothing is in doubt", function()
    local client = model.new(5)
    query.new(client, "SELECT * FROM Things WHERE id > ? AND account_id = ? AND name != ?",
      "7x0", { id = "3x1" }, "Dupont"):all()
    assert.is_nil(client.described)
    query.new(client, "SELECT * FROM Things WHERE name != ?", "Dupuy-Exbrayat x 3"):all()
    assert.is_true(client.described)
  end)

  it("fails for an answer that is no list", function()
    local client = model.new(5)
    for _, answer in ipairs { { name = "x" }, "text", 5 } do
      client.answer = function() return answer end
      local err = raised(function() query.new(client, "SELECT * FROM Things"):all() end)
      assert.equal("decode", err.kind)
    end
  end)

  it("reads as its text", function()
    assert.equal("SELECT * FROM Things WHERE name = 'L''Or';",
      tostring(query.new(model.new(0), "select * from Things where name = ?", "L'Or")))
  end)

  it("writes dates in UTC", function()
    assert.equal("2026-11-24", icrm.date(1795479300))
    assert.equal("2026-11-24 00:15:00", icrm.datetime(1795479300))
  end)

  it("says which field or module was meant", function()
    local crm <close> = icrm.connect "sandbox:"
    local function message(text)
      return raised(function() crm:query(text):all() end).message
    end
    assert.matches("did you mean .-HelpDesk", message "SELECT * FROM HelpDsk")
    assert.matches("did you mean .-ticketstatus",
      message "SELECT * FROM HelpDesk WHERE ticketstatsu = 'Open'")
    assert.matches("did you mean .-ticket_title", message "SELECT ticket_titel FROM HelpDesk")
    assert.matches("^parent_id = 'Dupont': parent_id holds a record id",
      message "SELECT * FROM HelpDesk WHERE parent_id = 'Dupont'")
    local err = raised(function()
      crm:query("SELECT * FROM Documents WHERE folderid = 'Default'"):all()
    end)
    assert.matches("^folderid = 'Default': folderid holds a record id", err.message)
  end)
end)

describe("a query on the sandbox", function()
  local crm, made

  setup(function()
    crm = icrm.connect "sandbox:"
    made = {}
    local names = {}
    for n = 1, 230 do
      names[n] = ("Étape n° %d d'un chantier \\ 100%%_"):format(n)
    end
    for _, record in ipairs(icrm.map(names, function(name)
      return crm:create("HelpDesk", { ticket_title = name, ticketstatus = "Open",
        ticketpriorities = "Low" })
    end)) do
      made[record.id] = record.ticket_title
    end
  end)

  teardown(function()
    crm:close()
  end)

  it("reads all rows once, in both kinds of walk", function()
    for _, order in ipairs { "", " ORDER BY ticket_title", " ORDER BY ticketstatus DESC" } do
      local seen, n = {}, 0
      local walk = crm:query("SELECT ticket_title FROM HelpDesk WHERE ticket_title LIKE ?" .. order,
        "Étape n° %")
      for row in walk:each() do
        assert.is_nil(seen[row.id])
        assert.equal(made[row.id], row.ticket_title)
        seen[row.id], n = true, n + 1
      end
      assert.equal(230, n)
      assert.equal(0, walk:hidden())
    end
    assert.equal(230, crm:count("HelpDesk", "ticket_title LIKE ?", "Étape n° %"))
  end)

  it("finds what was written, whatever is in it", function()
    local title = "Étape n° 17 d'un chantier \\ 100%_"
    local row = crm:from("HelpDesk"):where("ticket_title", "=", title):first()
    assert.equal(title, row.ticket_title)
    local like = icrm.like("\\ 100%_")
    assert.equal(230, crm:count("HelpDesk", "ticket_title LIKE :t", { t = "%" .. like }))
    assert.equal(0, crm:count("HelpDesk", "ticket_title LIKE ?", "%" .. icrm.like "100%x"))
  end)

  it("runs inside a map", function()
    local counts = icrm.map({ "Open", "Closed" }, function(status)
      return #crm:query("SELECT id FROM HelpDesk WHERE ticketstatus = ?", status):all()
    end)
    assert.is_true(counts[1] >= 230)
  end)
end)
