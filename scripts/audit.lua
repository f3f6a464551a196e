-- Compare a change set with the CRM, record by record.
local audit = require "icrm.changes.audit"
local changes = require "icrm.changes"
local script = require "icrm.cli.script"

local parser = script.parser("audit", "Look for every record that a change set created: none may "
  .. "be missing, and none twice. The exit code is 0 only when that is so.")
parser:argument("file", "The change set, *.icrm.")
local args = parser:parse()

local crm <close> = script.connect(args)
local set <close> = changes.open(crm, args.file, { read_only = true })
local result = audit.run(set)
for _, one in ipairs(result.list) do
  script.say("%s  %s  %s", one.kind, one.key, one.detail)
end
print(("checked %d, lost %d, duplicates %d, ghosts %d, unrecorded %d%s"):format(result.checked,
  result.lost, result.duplicates, result.ghosts, result.unrecorded,
  result.undeleted > 0 and (", undeleted %d"):format(result.undeleted) or ""))
local NOTES = {
  { "unsent", "not sent yet" },
  { "undone", "taken back by an undo" },
  { "hidden", "not visible to this user: they may have been handed to somebody else; an "
    .. "administrator's audit sees them" },
  { "altered", "updated, and changed since" },
  { "changed", "found by id: their tag or key was changed since" },
  { "by_id", "looked for by id alone, with neither tag nor key: no second record would be seen" },
  { "unsought", "sent, and not looked for: they have no tag, no key and no id; see "
    .. script.command("unknown", args.file) },
}
for _, one in ipairs(NOTES) do
  local name, words = table.unpack(one)
  if result[name] > 0 then
    script.say("%d %s", result[name], words)
  end
end
for _, one in ipairs(result.moved_to) do
  script.say("%s  is an activity of the other kind now: %s", one.key, one.record)
end
if result.checked == 0 then
  script.say "nothing of this change set was sent"
else
  script.say("a record that was created only in part, and whose id is unknown, may be found by "
    .. "no query")
end
if #result.list > 0 then
  os.exit(script.EXIT_ERROR, true)
end
