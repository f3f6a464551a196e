-- Run a query and print every row, past the 100 of a page.
local script = require "icrm.script"
local tables = require "icrm.table"

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
    script.refuse("the query cannot be read: %s", problem)
  end
  local text = file:read "a"
  file:close()
  return text
end

local text, params = query_text(), script.pairs_of(args.param, "--param")
local crm <close> = script.connect(args)
local query = crm:query(text, next(params) and params or nil)
local progress <close> = require("icrm.progress").new {
  label = "rows", mode = args.progress, stats = function() return crm.core:stats() end,
}

local all = text:find "^%s*[Ss][Ee][Ll][Ee][Cc][Tt]%s*%*" ~= nil
local writer
local count = 0
for row in query:each(args.max) do
  if not writer then
    local facts = query.facts
    local columns = facts.select == "count" and { "count" }
      or script.columns_of(crm:describe(facts.module), row)
    writer = tables.writer(args.output, columns, { raw = args.raw, sparse = all })
  end
  writer:add(row)
  count = count + 1
  progress:step()
end
progress:close()
if writer then
  script.say_left_out(writer:close())
elseif args.output == "json" then
  print "[]"
end
script.say("%s", script.counted(count, "row"))
