-- Show one record.
local cell = require "icrm.cell"
local records = require "icrm.records"
local labels = require "icrm.cli.labels"
local script = require "icrm.cli.script"
local text_tools = require "icrm.text"

local parser = script.parser("get", "Show one record.")
parser:argument("id", "The record id, for example 9x6617554.")
parser:option("-f --fields", "Only these fields, separated by commas."):argname "LIST"
parser:flag("-a --all", "Table: empty fields, too.")
script.add_output(parser)
local args = parser:parse()
local out <close> = script.open_output(args)

local crm <close> = script.connect(args)
local record = crm:retrieve(args.id)
local schema = crm:describe(records.module_of(crm, args.id))
local columns = script.columns_of(schema, record)
if args.fields then
  columns = {}
  for word in args.fields:gmatch "[^,]+" do
    local name = text_tools.trim(word)
    if record[name] == nil then
      name = labels.field(schema, name).name
    end
    columns[#columns + 1] = name
  end
end

if out.format ~= "table" then
  return script.write(out, columns, { record },
    { kinds = cell.kinds(schema, columns), sheet = schema.name })
end
local rows = {}
for _, name in ipairs(columns) do
  local is_shown = record[name] ~= "" and type(record[name]) ~= "table"
  if is_shown or args.all or args.fields then
    local field = schema.by_name[name]
    rows[#rows + 1] = { field = name, label = field and field.label, value = record[name] }
  end
end
script.write(out, { "field", "label", "value" }, rows)
