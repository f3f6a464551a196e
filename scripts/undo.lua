-- Take back what a change set has done.
local command = require "icrm.cli.change_set"
local making = require "icrm.cli.making"
local script = require "icrm.cli.script"

local parser = script.parser("undo", "Plan the way back from a change set, show it, and apply it. "
  .. "Records that someone changed since are left alone.")
parser:argument("file", "The change set that was applied, *.icrm.")
parser:option("--out", "The file of the way back; FILE.undo.icrm by default."):argname "FILE"
parser:flag("--plan-only", "Stop before anything is sent.")
command.add_options(parser)
parser:flag("-y --yes", "Do not ask.")
local args = parser:parse()

local crm <close> = script.connect(args)
local done <close> = command.open(crm, args.file)
local out = args.out or (args.file:gsub("%.icrm$", "")) .. ".undo.icrm"
local open = done.store:states().needs_human or 0
if open > 0 then
  script.say("left out, for only a person can tell what became of it: %s; see %s",
    script.counted(open, "change"), script.command("unknown", args.file))
end
local way_back <close> = making.make(out, function() return done:undo(out) end, nil, args.file)
os.exit(command.decide(way_back, args), true)
