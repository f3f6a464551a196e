-- Send a change set, each change exactly once.
local command = require "icrm.cli.change_set"
local inputs = require "icrm.cli.inputs"
local making = require "icrm.cli.making"
local script = require "icrm.cli.script"

local parser = script.parser("apply", "Send a change set, each change exactly once. "
  .. "Interrupted or killed, it goes on where it stopped when it is run again.")
parser:argument("file", "The change set, *.icrm.")
command.add_options(parser)
parser:flag("-y --yes", "Do not ask.")
local args = parser:parse()

local crm <close> = command.connect(args)
local set <close> = command.open(crm, args.file)
inputs.say_changed(set)
local states = set.store:states()
if (states.sending or 0) + (states.unknown or 0) > 0 then
  os.exit(command.apply(set, args), true) -- it was begun: go on
end
making.say_sent_meanwhile(set)
os.exit(command.decide(set, args), true)
