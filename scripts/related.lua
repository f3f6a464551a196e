-- List the records that are related to a record.
local script = require "icrm.cli.script"

local parser = script.parser("related", "List the records that are related to a record.")
parser:argument("id", "The record id, for example 3x262015.")
parser:argument("module", "The module of the related records, for example Contacts.")
parser:option("--label", "The name of the relation, untranslated; the module's by default.")
parser:flag("--cap", "Take the first hundred where the server gives no more.")
script.add_output(parser)
local args = parser:parse()

local crm <close> = script.connect(args)
local schema = crm:describe(args.module)
local rows = crm:related(args.id, args.module, { label = args.label, cap = args.cap })
script.write(args, script.columns_of(schema, rows[1] or { id = "" }), rows,
  { sparse = true })
script.say("%s", script.counted(#rows, "row"))
