-- Go on with a change set that was interrupted.
local command = require "icrm.cli.change_set"
local errors = require "icrm.error"
local inputs = require "icrm.cli.inputs"
local script = require "icrm.cli.script"

local parser = script.parser("resume", "Go on with a change set that was interrupted: what may "
  .. "have been sent is looked for first, then the rest is sent.")
parser:argument("file", "The change set, *.icrm.")
command.add_options(parser)
local args = parser:parse()

local crm <close> = command.connect(args)
local set <close> = command.open(crm, args.file)
if not set:is_begun() then
  errors.refuse("%s was not begun; look at it and send it with %s", args.file,
    script.command("apply", args.file))
end
inputs.say_changed(set)
os.exit(command.apply(set, args), true)
