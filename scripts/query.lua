-- Run a query and print every row, past the 100 of a page.
local errors = require "icrm.error"
local cell = require "icrm.cell"
local labels = require "icrm.cli.labels"
local queries = require "icrm.query"
local script = require "icrm.cli.script"

local parser = script.parser("query", "Run a query and print every row.")
parser:argument("text", "SELECT … FROM … WHERE …; values may be :name, see --param."):args "?"
parser:option("--file", "Read the query from a file."):argname "FILE"
parser:option("-p --param", "A value for :name, quoted as the server needs it.")
  :argname "NAME=VALUE":count "*"
parser:option("--max", "At most so many rows."):argname "N":convert(script.count)
script.add_output(parser)
script.add_progress(parser)
local args = parser:parse()

local function query_text()
  if args.text and args.file or not args.text and not args.file then
    parser:error "give the query, or a file with --file"
  elseif args.text then
    return args.text
  end
  local file, problem = io.open(args.file, "rb")
  if not file then
    errors.refuse("the query cannot be read: %s", problem)
  end
  local text = file:read "a"
  file:close()
  return text
end

local out <close> = script.open_output(args)
local text, params = query_text(), script.pairs_of(args.param, "--param")
for name in pairs(params) do
  if not text:find((":%s%%f[^%%w_]"):format(name)) then
    errors.refuse("--param %s: there is no :%s in the query", name, name)
  end
end
local crm <close> = script.connect(args)
local query = queries.parsed(crm, labels.query(crm, text, next(params) and params or nil))
local progress <close> = require("icrm.cli.progress").new {
  label = "rows", mode = args.progress, stats = function() return crm.core:stats() end,
  waits = function() return crm.core:waits() end,
}

-- What is nothing without its headings, or its brackets, even where there is no row.
local NEEDS_HEADINGS = { json = true, xlsx = true, ["excel-csv"] = true }

local function columns_of(row)
  return script.columns_of(crm:describe(query.module), row)
end

-- Rows for programs pass through as text; all others one by one.
local function write_lines()
  return require("icrm.cli.lines").write(query, out.format, columns_of, out:options {
    on_rows = function(n) progress:step(n) end })
end

local function new_writer(columns)
  local all = text:find "^%s*[Ss][Ee][Ll][Ee][Cc][Tt]%s*%*" ~= nil
  return out:writer(columns, { sparse = all, sheet = query.module, numeric = { count = true },
    kinds = cell.kinds(crm:describe(query.module), columns) })
end

local function write_rows()
  local count, writer = 0, nil
  for row in query:each(args.max) do
    writer = writer or new_writer(query.is_count and { "count" } or columns_of(row))
    writer:add(row)
    count = count + 1
    progress:step()
  end
  return count, writer
end

local count, writer
if require("icrm.cli.lines").fits(query, out.format, args.max) then
  count = write_lines()
else
  count, writer = write_rows()
end
progress:close()
if not writer and count == 0 and NEEDS_HEADINGS[out.format] then
  writer = new_writer(query:columns())
end
if writer then
  script.say_left_out(writer:close())
end
out:finish()
script.say("%s", script.counted(count, "row"))
