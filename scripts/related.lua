-- List the records that are related to a record.
local cell = require "icrm.cell"
local script = require "icrm.cli.script"

local parser = script.parser("related", "List the records that are related to a record.")
parser:argument("id", "The record id, for example 3x262015.")
parser:argument("module", "The module of the related records, for example Contacts.")
parser:option("--label", "The name of the relation, untranslated; the module's by default.")
parser:flag("--cap", "Take the first hundred where the server gives no more.")
script.add_output(parser)
local args = parser:parse()
local out <close> = script.open_output(args)

local crm <close> = script.connect(args)
local schema = crm:describe(args.module)
local rows = crm:related(args.id, args.module, { label = args.label, cap = args.cap })
local columns = script.columns_of(schema, rows[1] or { id = "" })
script.write(out, columns, rows,
  { sparse = true, kinds = cell.kinds(schema, columns), sheet = schema.name })
script.say("%s", script.counted(#rows, "row"))
