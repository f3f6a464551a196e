-- Say how far a change set is.
local summaries = require "icrm.cli.summary"
local command = require "icrm.cli.change_set"
local moments = require "icrm.moments"
local script = require "icrm.cli.script"
local show = require "icrm.changes.show"

local parser = script.parser("status", "Say how far a change set is; the exit code says it too.")
parser:argument("file", "The change set, *.icrm.")
local args = parser:parse()

local set <close> = command.look(args.file)
local header = set.store:header()
script.say("%s: planned %s for %s, user %s", args.file, moments.utc_here(header.created),
  show.host(header), header.user)
if set.is_torn then
  script.say("%s", show.torn(set))
end
os.exit(summaries.report(set), true)
