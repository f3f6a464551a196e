local helper = require "spec.helper"
local icrm = require "icrm"
local model = require "spec.query_model"
local query = require "icrm.query"

local raised = helper.raised

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
