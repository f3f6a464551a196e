-- Write the rows whose records are in the CRM, with their ids.
local command = require "icrm.cli.change_set"
local made_rows = require "icrm.cli.made_rows"
local inputs = require "icrm.cli.inputs"
local script = require "icrm.cli.script"

local parser = script.parser("success", "Write the rows of an import whose records are in the "
  .. "CRM, as they are, with the ids of these and what was done in columns behind them.")
parser:argument("file", "The change set, *.icrm.")
parser:option("--of", "Where the rows came from several files: which one."):argname "FILE|N"
script.add_row_output(parser)
local args = parser:parse()
local out <close> = script.open_output(args)

local set <close> = command.look(args.file)
local n = made_rows.write(set, function(piece) out:write(piece) end,
  inputs.choose(set, args.of), out.format == "xlsx" and "xlsx" or "csv")
out:finish()
script.say("%s", script.counted(n, "row"))
