-- Pages passed through as text against rows written one by one.
local json = require "icrm.json"
local lines = require "icrm.cli.lines"
local model = require "spec.query_model"
local query = require "icrm.query"
local table_writer = require "icrm.cli.table"

local COLUMNS = { "id", "name" }

local function sink()
  local parts = {}
  return { write = function(_, ...)
    for _, text in ipairs { ... } do
      parts[#parts + 1] = text
    end
  end }, function() return table.concat(parts) end
end

-- The model hands out rows; a server hands out text.
local function with_text(client, encode)
  local receive = client.receive
  function client.receive(self, id, decode)
    local rows = receive(self, id)
    return decode and decode((encode or json.encode)(rows)) or rows
  end
  return client
end

local function directly(client, format)
  local file, text = sink()
  local count = lines.write(query.new(client, "SELECT * FROM Things"), format,
    function() return COLUMNS end, { file = file })
  return text(), count
end

local function row_by_row(client, format)
  local file, text = sink()
  local writer = table_writer.writer(format, COLUMNS, { file = file })
  for row in query.new(client, "SELECT * FROM Things"):each() do
    writer:add(row)
  end
  return text()
end

local function awkward(n)
  return ({ "=1+1", 'a "b"', "é;,", "x\ny", "" })[n % 5 + 1] .. n
end

describe("rows as lines", function()
  for _, format in ipairs { "csv", "jsonl" } do
    it("are the same in " .. format .. ", page after page and in ranges", function()
      for _, lanes in ipairs { 1, 4 } do
        local client = model.new(1234, awkward)
        client.n_lanes = lanes
        for n = 1, 1234 do
          client.hidden["7x" .. n] = n % 9 == 0 or nil
        end
        local text, count = directly(with_text(client), format)
        assert.equal(row_by_row(client, format), text)
        assert.equal(1234 - 1234 // 9, count)
      end
    end)

    it("are the same in " .. format .. " when a page is not plain", function()
      local client = model.new(342, awkward)
      local nulls = 0
      local function with_null(rows)
        local text, n = json.encode(rows):gsub('"name":"é;,102"', '"name":null')
        nulls = nulls + n
        return text
      end
      local text = directly(with_text(client, with_null), format)
      assert.equal(1, nulls)
      client.rows[102].name = ""
      assert.equal(row_by_row(client, format), text)
    end)
  end

  it("write nothing, not even headings, when there are none", function()
    local text, count = directly(with_text(model.new(0)), "csv")
    assert.equal("", text)
    assert.equal(0, count)
  end)

  it("are for walks in free order alone", function()
    local client = model.new(1)
    local function fits(text, format, most)
      return lines.fits(query.new(client, text), format or "csv", most)
    end
    assert.is_true(fits "SELECT * FROM Things")
    assert.is_true(fits("SELECT name FROM Things", "jsonl"))
    assert.is_false(fits "SELECT * FROM Things ORDER BY name")
    assert.is_false(fits "SELECT * FROM Things LIMIT 3")
    assert.is_false(fits "SELECT count(*) FROM Things")
    assert.is_false(fits("SELECT * FROM Things", "csv", 5))
    assert.is_false(fits("SELECT * FROM Things", "json"))
  end)
end)
