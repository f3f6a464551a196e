-- Lines straight from a page against the writer that goes row by row.
local core = require "icrm.core"
local json = require "icrm.json"
local table_writer = require "icrm.cli.table"

local function slowly(format, columns, page, opts)
  local lines = {}
  local sink = { write = function(_, ...)
    for _, text in ipairs { ... } do
      lines[#lines + 1] = text
    end
  end }
  local writer = table_writer.writer(format, columns,
    { file = sink, delimiter = opts.delimiter, raw = opts.raw })
  if format == "csv" then
    lines = {} -- the headings are not the page's
  end
  for _, row in ipairs(json.decode(page)) do
    writer:add(row)
  end
  return table.concat(lines)
end

local PIECES = { "", "", "0", "-12,5", "+33 1", "-1e5", "=SUM(A1)", "@x", "'", "''=1", "'x",
  "L\\u00e9on", "a\\/b", '\\"q\\"', "\\\\", "\\r\\n", "\\t", " ", ";", ",", "\\u007f", "\\u0001",
  "\\b\\f", "17x-1", "Soci\\u00e9t\\u00e9 X", "é" }
local KEYS = { "id", "name", "cf_1", "other", 'quo"te' }

local function random_page()
  local rows = {}
  for i = 1, math.random(0, 5) do
    local fields = {}
    for j = 1, math.random(0, 5) do
      fields[j] = ('"%s":"%s%s"'):format(KEYS[math.random(4)],
        PIECES[math.random(#PIECES)], PIECES[math.random(#PIECES)])
    end
    rows[i] = "{" .. table.concat(fields, ",") .. "}"
  end
  return "[" .. table.concat(rows, ",") .. "]"
end

local function random_columns()
  local columns = {}
  for i = 1, math.random(0, #KEYS) do
    columns[i] = KEYS[(i + math.random(0, 1)) % #KEYS + 1]
  end
  local seen, unique = {}, {}
  for _, name in ipairs(columns) do
    if not seen[name] then
      seen[name] = true
      unique[#unique + 1] = name
    end
  end
  return unique
end

describe("core.page_writer", function()
  it("writes what the table writer writes", function()
    math.randomseed(6)
    for _ = 1, 3000 do
      local page, columns = random_page(), random_columns()
      local opts = { delimiter = ({ ",", ";", "\t" })[math.random(3)], raw = math.random(3) == 1 }
      for _, format in ipairs { "csv", "jsonl" } do
        local writer = core.page_writer(format, columns, opts.delimiter, opts.raw)
        assert.equal(slowly(format, columns, page, opts), writer(page), page)
      end
    end
  end)

  it("leaves a page whose ids are not in order to a complete look", function()
    local writer = core.page_writer("csv", { "id" })
    assert.truthy(writer '[{"id":"17x9"},{"id":"17x10"},{"id":"17x200"}]')
    assert.is_nil(writer '[{"id":"17x9"},{"id":"17x200"},{"id":"17x10"}]')
    assert.is_nil(writer '[{"id":"17x9"},{"id":"17x9"}]')
  end)

  it("goes from page to page with other keys", function()
    local writer = core.page_writer("csv", { "b", "a" })
    assert.equal("2,1\r\n", writer '[{"a":"1","b":"2"}]')
    assert.equal(",3\r\n4,\r\n", writer '[{"c":"x","a":"3"},{"b":"4"}]')
    assert.equal("", writer "[]")
  end)

  it("says nothing about a page that is not plain", function()
    local writer = core.page_writer("jsonl", { "a" })
    for _, page in ipairs { '[{"a":"1"},{"a":null}]', '{"a":"1"}', '[{"a":"1"}', "", "[[]]" } do
      assert.is_nil(writer(page))
    end
    assert.equal('{"a":"1"}\n', writer '[{"a":"1"}]')
  end)

  it("refuses options that make no sense", function()
    assert.has_error(function() core.page_writer("xml", {}) end)
    assert.has_error(function() core.page_writer("csv", { 1 }) end)
    assert.has_error(function() core.page_writer("csv", {}, "ab") end)
  end)
end)
