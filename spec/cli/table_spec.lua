local helper = require "spec.helper"
local tables = require "icrm.cli.table"

local function written(format, columns, rows, opts)
  local path = helper.tmpfile ""
  opts = opts or {}
  opts.file = assert(io.open(path, "wb"))
  tables.write(format, columns, rows, opts)
  opts.file:close()
  return helper.read_file(path)
end

describe("table", function()
  it("fits the width by cutting the widest columns, counting what a terminal shows", function()
    assert.equal(table.concat({
      "id  nom               n",
      "──  ─────────────  ────",
      "1   Établissemen…     5",
      "20  日本\\x1B[2J    1000",
    }, "\n") .. "\n", written("table", { "id", "nom", "n" }, {
      { id = "1", nom = "Établissement très long", n = 5 },
      { id = "20", nom = "日本\27[2J", n = "1000" },
    }, { width = 23, numeric = { n = true } }))
  end)

  it("leaves out columns without room, and says which", function()
    local path = helper.tmpfile ""
    local file = assert(io.open(path, "wb"))
    local row = { a = "first", b = "", c = "a long one", d = "1" }
    local opts = { file = file, width = 19, sparse = true }
    assert.same({ "d" }, tables.write("table", { "a", "b", "c", "d" }, { row }, opts))
    opts.width, opts.sparse = nil, nil
    assert.same({}, tables.write("table", { "a", "b", "c", "d" }, { row }, opts))
    file:close()
    assert.equal("a      c\n─────  ──────────\nfirst  a long one\n"
      .. "a      b  c           d\n─────  ─  ──────────  ─\nfirst     a long one  1\n",
      helper.read_file(path))
  end)

  it("shows control characters and broken bytes instead of sending them", function()
    local text = written("table", { "a" }, { { a = "x\27]0;t\7\n\u{9b}31m\xff" } })
    assert.is_nil(text:find "[\0-\9\11-\31\127]")
    assert.matches("x\\x1B]0;t\\x07\\n\\xC2\\x9B31m\\xFF", text, 1, true)
  end)

  it("writes CSV that a table program does not obey and import reads back", function()
    local rows = { { a = "=1+1", b = '"x";y,z' }, { a = "-4.5", b = "@SUM\nline 2" },
      { a = "'=x", b = " 06" }, { a = "+33 6", b = "" } }
    local text = written("csv", { "a", "b" }, rows)
    assert.equal('a,b\r\n\'=1+1,"""x"";y,z"\r\n-4.5,"\'@SUM\nline 2"\r\n'
      .. "''=x,\" 06\"\r\n'+33 6,\r\n", text)
    local sources = require "icrm.source"
    local source <close> = sources.open { path = helper.tmpfile(text) }
    local i = 0
    for _, cells in source:rows() do
      i = i + 1
      assert.same({ rows[i].a, rows[i].b }, cells)
    end
    assert.equal(4, i)
    assert.matches("^a,b\r\n=1%+1", written("csv", { "a", "b" }, rows, { raw = true }))
  end)

  it("quotes what another table program would take for the end of a cell", function()
    assert.equal('a,b\r\n"x;=1+1","y\t=1+1"\r\n',
      written("csv", { "a", "b" }, { { a = "x;=1+1", b = "y\t=1+1" } }))
  end)

  it("writes JSON with its keys in the order of the columns", function()
    local rows = { { b = "é", a = "1", c = "not shown" }, { a = "2" } }
    assert.equal('[{"b":"é","a":"1"},\n {"a":"2"}]\n', written("json", { "b", "a" }, rows))
    assert.equal('{"b":"é","a":"1"}\n{"a":"2"}\n', written("jsonl", { "b", "a" }, rows))
    assert.equal("[]\n", written("json", { "a" }, {}))
  end)

  it("refuses an unknown format", function()
    assert.error_matches(function() tables.writer("xml", {}) end,
      "use table, csv, json, jsonl, xlsx, excel%-csv")
  end)
end)
