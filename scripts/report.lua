-- Count and sum records by one or two fields.
local conditions = require "icrm.query.conditions"
local errors = require "icrm.error"
local labels = require "icrm.cli.labels"
local cell = require "icrm.cell"
local join = require "icrm.query.join"
local report = require "icrm.report"
local row_filter = require "icrm.cli.row_filter"
local script = require "icrm.cli.script"

local parser = script.parser("report", "Count and sum records by one or two fields.")
parser:argument("module", "Its name, for example HelpDesk.")
parser:option("--by", "Group by this field; parent_id.bill_state goes through a reference.")
  :argname "FIELD":count "1-2"
parser:option("--sum", "Sum this field."):argname "FIELD":count "*"
parser:option("--where", "Only these records, as in a query; said again: that must hold as "
  .. "well."):argname "CONDITION":count "*"
parser:option("--order", "Order the groups."):choices { "name", "count" }:default "name"
script.add_output(parser)
script.add_progress(parser)
local args = parser:parse()
local out <close> = script.open_output(args)

local crm <close> = script.connect(args)
local schema = crm:describe(args.module)
local paths, columns, seen, nameable = {}, {}, { id = true }, true
local wanted = table.move(args.sum, 1, #args.sum, #args.by + 1, { table.unpack(args.by) })
for i, name in ipairs(wanted) do
  local path = join.path(crm, schema, name)
  paths[i] = path
  local words = i <= #args.by and args.by or args.sum
  words[i <= #args.by and i or i - #args.by] = path.name -- labels become names
  nameable = nameable and path.is_nameable
  if not seen[path.column] then
    columns[#columns + 1], seen[path.column] = path.column, true
  end
end

local where, test = labels.conditions(crm, args.module, args.where)
nameable = nameable and not test
local text = ("SELECT %s FROM %s%s;"):format(nameable
  and table.concat({ "id", table.unpack(columns) }, ", ") or "*",
  args.module, conditions.where(args.module, where))
local result = report.new { by = args.by, sum = args.sum }
local progress <close> = require("icrm.cli.progress").new {
  label = "rows", mode = args.progress, stats = function() return crm.core:stats() end,
  waits = function() return crm.core:waits() end,
}
for row in join.rows(crm, row_filter.rows(crm:query(text):each(), test), paths) do
  for _, path in ipairs(nameable and {} or paths) do
    if row[path.column] == nil then
      errors.refuse("the CRM gives no %s to a query; only single records show it", path.column)
    end
  end
  result:add(row)
  progress:step()
end
progress:close()

local shown = result:columns()
local numeric, kinds = { count = true }, cell.kinds(schema, shown)
local summed = cell.kinds(schema, args.sum)
for _, name in ipairs(args.sum) do
  numeric["sum " .. name] = true
  kinds["sum " .. name] = summed[name]
end
script.write(out, shown, result:result(args.order),
  { numeric = numeric, kinds = kinds, sheet = schema.name })
script.say("%s of %s in %s", script.counted(result.rows, "record"), args.module,
  script.counted(#result.list, "group"))
if result.not_numbers > 0 then
  script.say("%d values are no numbers and were not summed", result.not_numbers)
  os.exit(script.EXIT_FAILED_ROWS, true)
end
