-- Write the rows whose records are in the CRM, with their ids.
local command = require "icrm.cli.change_set"
local made_rows = require "icrm.cli.made_rows"
local script = require "icrm.cli.script"

local parser = script.parser("success", "Write the rows of an import whose records are in the "
  .. "CRM, as they are, with the ids of these and what was done in columns behind them.")
parser:argument("file", "The change set, *.icrm.")
local args = parser:parse()

local set <close> = command.look(args.file)
local n = made_rows.write(set, function(piece) io.stdout:write(piece) end)
script.say("%s", script.counted(n, "row"))
