--- Where a command's rows go, and in which form: `-o`, `--out`, and what they need.
-- @module icrm.cli.destination

local core = require "icrm.core"
local errors = require "icrm.error"
local exits = require "icrm.cli.exits"
local tables = require "icrm.cli.table"
local text_tools = require "icrm.text"

local M = {}

local STDOUT = 1
local OF_ENDING = { xlsx = "xlsx", csv = "csv", json = "json", jsonl = "jsonl" }
local SEPARATORS = { [";"] = ";", [","] = ",", tab = "\t", ["\t"] = "\t", ["|"] = "|" }

local function separator(text)
  return SEPARATORS[text], ("%s is no separator; say one of ; , | tab"):format(
    text_tools.quote(text))
end

--- Add `-o`, the form of the output, `--out`, its file, and what forms for table
--- programs take.
---
--- @param parser table of argparse
--- @param formats? string[] table, csv, json, jsonl, xlsx, excel-csv by default
function M.add_options(parser, formats)
  parser:option("-o --output", "The form of the output; else what the name behind --out ends "
    .. "in, or table."):choices(formats or tables.FORMATS)
  parser:option("--out", "Write to this new file instead of standard output."):argname "FILE"
  parser:option("--delimiter", "CSV: what stands between cells.")
    :argname "CHARACTER":convert(separator)
  parser:option("--decimal", "excel-csv: what stands before decimals; else as LC_ALL, LC_NUMERIC "
    .. "or LANG have it, the comma without them."):choices { "comma", "point" }
  parser:flag("--raw", "CSV: write texts that a table program would obey as they are.")
end

--- Add `-o` and `--out` of a command that gives rows of a file back.
---
--- @param parser table of argparse
function M.add_row_options(parser)
  parser:option("-o --output", "The form of the output; else what the name behind --out ends "
    .. "in, or csv."):choices { "csv", "xlsx" }
  parser:option("--out", "Write to this new file instead of standard output."):argname "FILE"
end

--- The form in which rows of a file are given back in a file of this name.
---
--- @param path string
--- @return "csv"|"xlsx"
function M.form_of_rows(path)
  return path:lower():find "%.xlsx$" and "xlsx" or "csv"
end

local Destination = { __name = "icrm.cli.Destination" }
Destination.__index = Destination

-- A file that says when it is full.
local File = {}
File.__index = File

-- Ends the program, as a full standard output does.
local function fail(path, why)
  exits.leave(errors.new { kind = "store", message = ("%s cannot be written: %s"):format(path,
    (why:gsub("^.-: ", ""))) })
end

function File:write(...)
  local ok, why = self.handle:write(...)
  if not ok then
    fail(self.path, why)
  end
end

-- The rows stand in a file beside it until they are whole.
local function open_file(path)
  if core.files.exists(path) then
    errors.refuse("%s exists, and may be what somebody corrected; name another file, or remove it",
      path)
  end
  local part = path .. ".part"
  local handle, why = io.open(part, "wb")
  if not handle then
    errors.refuse("%s cannot be written: %s", path, (why:gsub("^.-: ", "")))
  end
  return setmetatable({ path = path, part = part, handle = handle }, File)
end

local function format_of(args)
  local ending = (args.out or ""):match "%.(%w+)$"
  return args.output or ending and OF_ENDING[ending:lower()] or "table"
end

--- Open the output that the options choose, before the CRM is asked for anything.
---
--- @param args table
--- @return icrm.cli.Destination output format; writer, finish and close; raises icrm.Error
function M.open(args)
  local format = format_of(args)
  if args.decimal and format ~= "excel-csv" then
    errors.refuse "--decimal is for -o excel-csv; all other forms write numbers as the CRM does"
  elseif args.delimiter and format ~= "csv" and format ~= "excel-csv" then
    errors.refuse "--delimiter is for -o csv and -o excel-csv"
  elseif format == "xlsx" and not args.out and core.terminal_columns(STDOUT) then
    errors.refuse "a workbook is nothing for a terminal; say --out FILE.xlsx, or > FILE.xlsx"
  end
  return setmetatable({ args = args, format = format, file = args.out and open_file(args.out) },
    Destination)
end

--- The options of a writer (icrm.cli.table) that the command line gives.
---
--- @param more? table further ones
--- @return table
function Destination:options(more)
  local opts = { file = self.file, raw = self.args.raw, delimiter = self.args.delimiter,
    decimal = self.args.decimal }
  for name, value in pairs(more or {}) do
    opts[name] = value
  end
  return opts
end

--- Begin with the rows.
---
--- @param columns string[]
--- @param more? table numeric, sparse, kinds, sheet: see icrm.cli.table
--- @return table writer of icrm.cli.table
function Destination:writer(columns, more)
  return tables.writer(self.format, columns, self:options(more))
end

--- Write rows that are text, or a workbook, already.
---
--- @param piece string
function Destination:write(piece)
  (self.file or io.stdout):write(piece)
end

--- Give the file its name; what a command wrote is there now.
function Destination:finish()
  local file = self.file
  if not file then
    return
  end
  self.file = nil
  local ok, why = file.handle:close()
  if ok then
    ok, why = os.rename(file.part, file.path)
  end
  if not ok then
    os.remove(file.part)
    fail(file.path, why)
  end
end

--- Leave nothing of a file that was not finished.
function Destination:close()
  if self.file then
    self.file.handle:close()
    os.remove(self.file.part)
    self.file = nil
  end
end
Destination.__close = Destination.close

return M
