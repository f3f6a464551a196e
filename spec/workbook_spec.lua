-- Each workbook of spec/data/workbooks lies beside a JSON file that says what an
-- importer must see in it, or why it is to be refused.
local core = require "icrm.core"
local json = require "icrm.json"
local lfs = require "lfs"

local FOLDER = "spec/data/workbooks/"

local function read(path)
  local file <close> = assert(io.open(path, "rb"))
  return file:read "a"
end

local function name_of(row, column)
  local letters = ""
  while column > 0 do
    letters = string.char(65 + (column - 1) % 26) .. letters
    column = (column - 1) // 26
  end
  return letters .. row
end

-- All cells that are wanted by name: what is expected at "C9".
local function wanted_cells(sheet)
  local wanted = {}
  for name, value in pairs(sheet.cells or {}) do
    wanted[name] = value
  end
  for number, row in ipairs(sheet.rows or {}) do
    for column, value in ipairs(row) do
      if value ~= "" then
        wanted[name_of(number, column)] = value
      end
    end
  end
  return wanted
end

-- What the reader gives by name: the value, a table for a fault.
local function read_cells(book)
  local got, shown, hidden = {}, {}, {}
  for cells, number, typed, is_hidden in function() return book:next() end do
    if is_hidden then
      hidden[#hidden + 1] = number
    end
    for column, text in ipairs(cells) do
      local name, kind = name_of(number, column), typed[column]
      if kind and kind[1] == "error" then
        got[name] = { error = text }
      elseif kind and kind[1] == "formula" then
        got[name] = { formula = text }
      elseif text ~= "" then
        got[name] = kind and kind[2] or text
        shown[name] = kind and kind[2] ~= text and text or nil
      end
    end
  end
  return got, shown, hidden
end

local function is_same(want, have, fifteen)
  if type(want) == "table" then
    return type(have) == "table" and (want.error ~= nil) == (have.error ~= nil)
  end
  return want == have or fifteen ~= nil and fifteen == have
end

-- LibreOffice wrote these without the formats that its source had: what was
-- shown there cannot be known from the file.
local LOST_FORMATS = {
  ["lo-bureau.xlsx"] = { Comptes = "^B", Tickets = "^A" },
  ["lo-bureau.ods"] = { Comptes = "^B", Tickets = "^A" },
  ["lo-1904.xlsx"] = { Tickets = "^A" },
}

local function check_shown(file, sheet, got, shown)
  local lost = LOST_FORMATS[file] and LOST_FORMATS[file][sheet.name]
  for name, want in pairs(sheet.shown or {}) do
    if not (lost and name:find(lost)) then
      assert.equal(want, shown[name] or got[name], sheet.name .. "!" .. name)
    end
  end
  for name in pairs(shown) do
    assert(sheet.shown and sheet.shown[name], sheet.name .. "!" .. name .. " is shown otherwise")
  end
end

local function check_sheet(file, book, number, sheet, fifteen)
  assert(book:select(number))
  local got, shown, hidden = read_cells(book)
  local wanted = wanted_cells(sheet)
  for name, want in pairs(wanted) do
    assert(is_same(want, got[name], fifteen[name]), ("%s!%s: wanted %s, got %s"):format(
      sheet.name, name, json.encode(want), json.encode(got[name] or "")))
  end
  for name, have in pairs(got) do
    assert(wanted[name] ~= nil, ("%s!%s: %s is not wanted"):format(sheet.name, name,
      json.encode(have)))
  end
  check_shown(file, sheet, got, shown)
  if sheet.hidden_rows then
    assert.same(sheet.hidden_rows, hidden)
  end
end

local function check_workbook(path, expected)
  local book <close> = assert(core.workbook.open(path))
  local sheets = book:sheets()
  assert.equal(#expected.sheets, #sheets)
  for number, sheet in ipairs(expected.sheets) do
    assert.equal(sheet.name, sheets[number].name)
    assert.equal(sheet.state, sheets[number].state)
    check_sheet(expected.file, book, number, sheet, expected.fifteen_digits or {})
  end
end

-- A damaged part may be met only when it is read.
local function read_all(path)
  local book <close>, err = core.workbook.open(path)
  if not book then
    return err
  end
  for number in ipairs(book:sheets()) do
    local ok, failure = book:select(number)
    while ok do
      ok, failure = book:next()
    end
    if failure then
      return failure
    end
  end
end

local SAYS = {
  too_large = { "unpacks to more than", "more than 20,000,000 cells",
    "more columns than the 16,384" },
  not_a_workbook = { "HTML" }, xls = { "old Excel format" }, xlsb = { "%.xlsb" },
  encrypted = { "password" }, broken = { "B2.*shared strings", "%u%d+: .*shared strings" },
  truncated = { "not complete" },
}

local function check_refusal(path, reason)
  local err = read_all(path)
  assert(err, "it is to be refused")
  assert.equal("input", err.kind)
  for _, pattern in ipairs(assert(SAYS[reason], reason)) do
    if err.message:find(pattern) then
      return
    end
  end
  error(("says nothing of %s: %s"):format(reason, err.message))
end

describe("workbook", function()
  for name in lfs.dir(FOLDER) do
    local file = name:match "^(.+)%.json$"
    if file then
      it("reads " .. file, function()
        local expected = json.decode(read(FOLDER .. name))
        if expected.expect == "refuse" then
          check_refusal(FOLDER .. file, expected.reason)
        else
          check_workbook(FOLDER .. file, expected)
        end
      end)
    end
  end

  it("is not written to once it is finished", function()
    local writer <close> = assert(core.workbook.writer "Contacts")
    assert(writer:column("a", "text"))
    assert(writer:end_row())
    assert(lfs.attributes(assert(writer:finish())))
    for _, method in ipairs { "column", "cell", "end_row", "finish" } do
      assert.error_matches(function()
        writer[method](writer, 1, "x")
      end, "closed icrm.WorkbookWriter")
    end
  end)
end)
