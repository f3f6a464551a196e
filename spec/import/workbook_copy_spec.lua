local copies = require "icrm.import.copy"
local helper = require "spec.helper"
local sources = require "icrm.source"

local BOOKS = os.getenv "PWD" .. "/spec/data/workbooks/"

describe("import.workbook_copy", function()
  local function copy(path, how)
    local pieces = {}
    copies.write(path, how, { "icrm_code", "icrm_message" }, function(line)
      return { "CODE", "row " .. line }
    end, function(piece) pieces[#pieces + 1] = piece end, "xlsx")
    return helper.tmpfile(table.concat(pieces), "copy.xlsx")
  end

  local function read(path, opts)
    opts = opts or {}
    opts.path, opts.totals = path, "keep"
    local source <close> = sources.open(opts)
    local rows = {}
    for _, cells in source:rows() do
      rows[#rows + 1] = cells
    end
    return rows, source.headings, source.sheet
  end

  -- What the cells of a row are read as, but for those of our own.
  local function values(cells, width)
    local list = {}
    for i = 1, width do
      local typed = cells.typed[i] or {}
      local is_kept = typed[1] == "moment" or typed[1] == "boolean"
        or typed[1] == "number" and typed[2] == cells[i] and #cells[i] < 12
      list[i] = (is_kept and typed[1] .. " " or "") .. cells[i]:gsub("\r\n?", "\n")
    end
    return list
  end

  it("has the values that are read from the workbook, and reads them again", function()
    for _, name in ipairs { "lo-bureau.xlsx", "lo-bureau.ods", "gnumeric.xlsx", "formats.xlsx",
      "exceljs-offres.xlsx", "perl-tickets.xlsx", "textes.xlsx" } do
      local rows, headings, sheet = read(BOOKS .. name)
      local again, copied, same_sheet = read(copy(BOOKS .. name), { skip = 0 })
      assert.equal(sheet, same_sheet)
      assert.equal(#rows, #again, name)
      for i, heading in ipairs(headings) do
        assert.equal(heading, copied[i], name)
      end
      for i, cells in ipairs(rows) do
        assert.same(values(cells, #headings), values(again[i], #headings), name)
        assert.equal("CODE", again[i][#headings + 1])
      end
    end
  end)

  it("has the texts of a CSV file, and replaces the columns of the time before", function()
    local first = copy(helper.tmpfile(
      "Titre\n\na;b;icrm_code;icrm_message\n01000;'=1+1;OLD;old\n", "x.csv"))
    local rows, headings = read(copy(first))
    assert.same({ "a", "b", "icrm_code", "icrm_message" }, headings)
    assert.same({ "01000", "=1+1", "CODE", "row 2" }, { table.unpack(rows[1]) })
  end)
end)
