-- List the fields of a module, or the values of its picklists.
local script = require "icrm.cli.script"

local parser = script.parser("describe", "List the fields of a module.")
parser:argument("module", "Its name, for example HelpDesk.")
parser:flag("-p --picklists", "List the values of its picklists instead.")
script.add_output(parser)
local args = parser:parse()
local out <close> = script.open_output(args)

local function yes(value)
  return value and "yes" or ""
end

local function fields(schema)
  local rows = {}
  for i, field in ipairs(schema.fields) do
    rows[i] = { field = field.name, label = field.label, type = field.type,
      mandatory = yes(field.mandatory), writable = yes(field.editable),
      ["refers to"] = table.concat(field.refers_to or {}, ", ") }
  end
  return { "field", "label", "type", "mandatory", "writable", "refers to" }, rows
end

local function picklists(schema)
  local rows = {}
  for _, field in ipairs(schema.fields) do
    for _, value in ipairs(field.picklist and field.picklist.values or {}) do
      rows[#rows + 1] = { field = field.name, value = value,
        label = field.picklist.by_value[value] }
    end
  end
  return { "field", "value", "label" }, rows
end

local crm <close> = script.connect(args)
local schema = crm:describe(args.module)
local columns, rows = (args.picklists and picklists or fields)(schema)
script.write(out, columns, rows, { sheet = schema.name })
script.say("%s of %s, whose ids begin with %sx", script.counted(#rows,
  args.picklists and "picklist value" or "field"), schema.name, schema.id_prefix)
