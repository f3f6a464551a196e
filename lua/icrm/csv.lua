--- CSV files in and out: the reader of the core with headings, and a writer.
--
-- A table program obeys a cell that begins with `=`, `+`, `-`, `@`, TAB or CR.
-- So the writer puts an apostrophe before such texts, unless they are plain
-- numbers, and the reader takes it away again.
-- @module icrm.csv

local core = require "icrm.core"
local errors = require "icrm.error"
local text_tools = require "icrm.text"

local M = {}

local Source = { __name = "icrm.import.Source" }
Source.__index = Source

local refuse = errors.refuse

-- ---- Reading ----------------------------------------------------------------

local function check_headings(path, headings)
  local seen = {}
  for i, name in ipairs(headings) do
    local first = seen[name]
    if name == "" then
      refuse("%s: heading %d is empty; name the column, or remove it", path, i)
    elseif first then
      refuse("%s: the heading %q stands over columns %d and %d; rename one", path,
        text_tools.clean(name), first, i)
    end
    seen[name] = i
  end
  return seen
end

--- Open a CSV file and read its headings.
---
--- @param opts table path; encoding, delimiter: `nil` to detect; raw = true to
---   keep the apostrophe of neutralised cells
--- @return icrm.import.Source source path, headings, index (heading -> column),
---   format (encoding, delimiter, newline, bom, file)
function M.open(opts)
  local reader = errors.check(core.csv.reader {
    path = opts.path, encoding = opts.encoding, delimiter = opts.delimiter,
  })
  local source = setmetatable({ path = opts.path, reader = reader, opts = opts,
    format = reader:format(), blank_rows = 0 }, Source)
  source.headings = errors.check(reader:next())
  if not source.headings then
    refuse("%s is empty; a CSV file begins with a line of headings", opts.path)
  end
  source.index = check_headings(opts.path, source.headings)
  return source
end

local function is_blank(cells)
  for _, cell in ipairs(cells) do
    if cell ~= "" then
      return false
    end
  end
  return true
end

local function unneutralise(cells)
  for i, cell in ipairs(cells) do
    if cell:byte() == 39 and cell:find "^'+[=+%-@\t\r]" then
      cells[i] = cell:sub(2)
    end
  end
end

--- Iterate over the rows below the headings; rows of empty cells are counted
--- in `blank_rows` and left out.
---
--- @return fun(): integer?, string[] line on which the row begins, and its cells
function Source:rows()
  local any = false
  return function()
    while true do
      local cells, line = self.reader:next()
      if not cells then
        errors.check(cells, line)
        if not any then
          refuse("%s has headings but no rows", self.path)
        end
        return nil
      end
      any = true
      if not is_blank(cells) then
        if not self.opts.raw then
          unneutralise(cells)
        end
        return line, cells
      end
      self.blank_rows = self.blank_rows + 1
    end
  end
end

--- Read the file once more from the start.
---
--- @return icrm.import.Source
function Source:again()
  if not self.format.file then
    refuse("%s is a pipe, and an import reads its file several times; save it first", self.path)
  end
  local source = M.open {
    path = self.path, raw = self.opts.raw,
    encoding = self.format.encoding, delimiter = self.format.delimiter,
  }
  if table.concat(source.headings, "\0") ~= table.concat(self.headings, "\0") then
    source:close()
    refuse("%s changed while it was being read; its headings are others now", self.path)
  end
  return source
end

local SHOWN = { [","] = '","', ["\t"] = "tab" }

--- Say in one line what the file is.
---
--- @return string
function Source:describe()
  local format = self.format
  return ("%s%s, separator %s, %d column%s"):format(format.encoding,
    format.bom and " with a byte order mark" or "", SHOWN[format.delimiter] or format.delimiter,
    #self.headings, #self.headings == 1 and "" or "s")
end

--- Close the file.
function Source:close()
  self.reader:close()
end
Source.__close = Source.close

-- ---- Writing ----------------------------------------------------------------

local function is_number(text)
  return text:find "^[+-]?%d+[.,]?%d*$" ~= nil
end

--- Write one cell, in quotes when it needs them.
---
--- @param text string
--- @param opts? table delimiter ("," by default); raw = true: no apostrophe
---   before what a table program would obey
--- @return string
function M.cell(text, opts)
  local delimiter = opts and opts.delimiter or ","
  if text:find "^'*[=+%-@\t\r]" and not (opts and opts.raw) and not is_number(text) then
    text = "'" .. text
  end
  if text:find '[\r\n"]' or text:find(delimiter, 1, true) or text:find "^%s" or text:find "%s$" then
    text = '"' .. text:gsub('"', '""') .. '"'
  end
  return text
end

--- Write one record with its line end (CR LF, as RFC 4180 has it).
---
--- @param cells string[]
--- @param opts? table as for cell
--- @return string
function M.record(cells, opts)
  local out = {}
  for i, cell in ipairs(cells) do
    out[i] = M.cell(cell, opts)
  end
  if #out == 1 and out[1] == "" then
    out[1] = '""' -- an empty line would be no record
  end
  return table.concat(out, opts and opts.delimiter or ",") .. "\r\n"
end

return M
