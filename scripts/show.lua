-- Show a change set before or after it was applied.
local command = require "icrm.cli.change_set"
local script = require "icrm.cli.script"
local show = require "icrm.changes.show"

local parser = script.parser("show", "Show a change set before or after it was applied.")
parser:argument("file", "The change set, *.icrm.")
parser:flag("--full", "Every change, not a sample of each kind.")
parser:option("-o --output", "The form of the output."):choices { "text", "json" }:default "text"
local args = parser:parse()

local function write(text)
  io.stdout:write(text)
end

local set <close> = command.look(args.file)
if args.output == "json" then
  show.json(set, write)
else
  show.write(set, write, { full = args.full, how = "--full" })
end
