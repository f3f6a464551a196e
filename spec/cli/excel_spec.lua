local core = require "icrm.core"
local helper = require "spec.helper"
local tables = require "icrm.cli.table"

local COLUMNS = { "id", "phone", "amount", "day", "moment", "done", "note" }
local KINDS = { amount = "amount", day = "date", moment = "datetime", done = "boolean" }
local ROWS = {
  { id = "3x1", phone = "0320002705", amount = "1234.50000000", day = "2026-03-31",
    moment = "2026-03-31 14:30:07", done = "1", note = "=1+1\r\né;\"x\"" },
  { id = "3x2", phone = "", amount = "n.c.", day = "0000-00-00", moment = "", done = "0" },
}

local function written(format, opts)
  local path = helper.tmpfile ""
  local file <close> = assert(io.open(path, "wb"))
  opts.file, opts.kinds = file, KINDS
  tables.write(format, opts.columns or COLUMNS, opts.rows or ROWS, opts)
  file:close()
  return path
end

describe("a workbook", function()
  local function read(path)
    local book <close> = assert(core.workbook.open(path))
    assert(book:select(1))
    local rows = {}
    for cells, _, typed in function() return book:next() end do
      for i, one in pairs(typed) do
        cells[i] = one[1] .. " " .. one[2]
      end
      rows[#rows + 1] = cells
    end
    return rows, book:sheets()[1].name
  end

  it("has texts as texts and the rest as what it is", function()
    local rows, sheet = read(written("xlsx", { sheet = "Accounts" }))
    assert.equal("Accounts", sheet)
    assert.same({ COLUMNS,
      { "3x1", "0320002705", "number 1234.5", "moment 2026-03-31", "moment 2026-03-31 14:30:07",
        "boolean 1", "=1+1\né;\"x\"" },
      { "3x2", "", "n.c.", "0000-00-00", "", "boolean 0" } }, rows)
  end)

  it("has its headings where there are no rows", function()
    assert.same({ COLUMNS }, read(written("xlsx", { rows = {} })))
  end)

  it("is the same bytes for the same rows", function()
    assert.equal(helper.read_file(written("xlsx", {})), helper.read_file(written("xlsx", {})))
  end)

  it("refuses a text that no cell holds, and names the record", function()
    local err = helper.raised(written, "xlsx",
      { rows = { { id = "3x7", note = ("x"):rep(32768) } } })
    assert.equal("input", err.kind)
    assert.matches("row 2, column 7: a text of 32768 characters.*%(note of 3x7%)", err.message)
  end)
end)

describe("CSV for a table program", function()
  local function text(opts)
    return helper.read_file(written("excel-csv", opts))
  end

  it("begins with a mark, and has semicolons and commas as a French one wants them", function()
    assert.equal("\u{FEFF}id;phone;amount;day;moment;done;note\r\n"
      .. '3x1;"=""0320002705""";"1234,5";2026-03-31;2026-03-31 14:30:07;1;"\'=1+1\né;""x"""\r\n'
      .. '3x2;;n.c.;"=""0000-00-00""";;0;\r\n', text { decimal = "comma" })
  end)

  it("has commas and points elsewhere, or the separator that is asked for", function()
    local rows = { { id = "3x1", amount = "1.5", note = "a,b" } }
    local columns = { "id", "amount", "note" }
    assert.matches('\n3x1,1.5,"a,b"\r\n', text { decimal = "point", rows = rows,
      columns = columns })
    assert.matches('\n3x1\t1.5\t"a,b"\r\n', text { decimal = "point", delimiter = "\t",
      rows = rows, columns = columns })
  end)

  it("guards a text that no formula holds by an apostrophe", function()
    assert.equal("\u{FEFF}note\r\n\"'=a\nb\"\r\n", text { columns = { "note" },
      rows = { { note = "=a\r\nb" } } })
    local long = "=" .. ("x"):rep(300)
    assert.equal("\u{FEFF}note\r\n'" .. long .. "\r\n", text { columns = { "note" },
      rows = { { note = long } } })
    local guard = '="' .. long .. '"&HYPERLINK("x")'
    assert.equal("\u{FEFF}note\r\n\"'" .. guard:gsub('"', '""') .. '"\r\n',
      text { columns = { "note" }, rows = { { note = guard } } })
    assert.equal("\u{FEFF}note\r\n" .. '"=""=HYPERLINK(""""x"""")"""' .. "\r\n",
      text { columns = { "note" }, rows = { { note = '=HYPERLINK("x")' } } })
  end)

  it("keeps what a table program would compute", function()
    for _, one in ipairs { "01000", "84212345600017", "+33 6 12 34 56 78", "3/4", "1-2", "1E5",
      "12.5", "-5", "12 mars 2024", "10 AM", "TRUE", "Vrai", "=1+1", "@x", "'=1" } do
      assert.equal('\u{FEFF}note\r\n"=""' .. one .. '"""\r\n',
        text { columns = { "note" }, rows = { { note = one } } })
      assert.equal("\u{FEFF}note\r\n" .. one .. "\r\n",
        text { columns = { "note" }, rows = { { note = one } }, raw = true })
    end
    for _, one in ipairs { "3x12", "abc", "12 rue", "mars", "1er mars au soir", "" } do
      assert.equal("\u{FEFF}note\r\n" .. (one == "" and '""' or one) .. "\r\n",
        text { columns = { "note" }, rows = { { note = one } } })
    end
  end)
end)
