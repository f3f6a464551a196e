-- Write the rows that were not applied, to be corrected and run again.
local command = require "icrm.cli.change_set"
local failed_rows = require "icrm.cli.failed_rows"
local inputs = require "icrm.cli.inputs"
local script = require "icrm.cli.script"

local parser = script.parser("errors", "Write the rows that were not applied: for an import, the "
  .. "rows of its file as they are, and two columns that say why.")
parser:argument("file", "The change set, *.icrm.")
parser:option("--of", "Where the rows came from several files: which one."):argname "FILE|N"
script.add_row_output(parser)
local args = parser:parse()
local out <close> = script.open_output(args)

local set <close> = command.look(args.file)
local n, notes = failed_rows.write(set, function(piece) out:write(piece) end,
  inputs.choose(set, args.of), out.format == "xlsx" and "xlsx" or "csv")
out:finish()
script.say("%s", script.counted(n, "row"))
script.say_all(notes)
