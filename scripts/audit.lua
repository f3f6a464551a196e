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
print(("checked %d, lost %d, duplicates %d, ghosts %d, unrecorded %d"):format(result.checked,
  result.lost, result.duplicates, result.ghosts, result.unrecorded))
local NOTES = {
  by_id = "looked for by id alone, with neither tag nor key: no second record would be seen",
  unsought = "sent, and not looked for: they have no tag, no key and no id; see icrm-lua unknown",
  changed = "found by id: their tag or key was changed since",
}
for _, name in ipairs { "by_id", "unsought", "changed" } do
  if result[name] > 0 then
    script.say("%d %s", result[name], NOTES[name])
  end
end
script.say "a record that was created only in part and whose id is unknown is found by no query"
if #result.list > 0 then
  os.exit(script.EXIT_ERROR, true)
end
