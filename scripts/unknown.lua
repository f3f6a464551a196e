-- Settle changes of which nobody knows whether they were done.
local changes = require "icrm.changes"
local command = require "icrm.cli.change_set"
local exits = require "icrm.cli.exits"
local script = require "icrm.cli.script"
local settle = require "icrm.changes.settle"
local tables = require "icrm.cli.table"

local parser = script.parser("unknown", "List the changes of which nobody knows whether they were "
  .. "done, and settle them by hand.")
parser:argument("file", "The change set, *.icrm.")
parser:argument("action", "What to do; list by default.")
  :choices { "list", "show", "mark-done", "mark-absent" }:args "?"
parser:argument("key", "The change."):args "?"
parser:argument("id", "With mark-done: the record that it made."):args "?"
script.add_output(parser)
local args = parser:parse()
args.action = args.action or "list"
if args.action ~= "list" and not args.key then
  parser:error(("%s needs the key of a change"):format(args.action))
end

if args.action == "list" then
  local set <close> = command.look(args.file)
  local rows = {}
  for change in set.store:each(settle.OPEN) do
    rows[#rows + 1] = { key = change.key, line = change.line or "", operation = change.operation,
      module = change.module, record = change.record or "", code = change.code or change.state,
      message = change.message or "" }
  end
  tables.write(args.output, { "key", "line", "operation", "module", "record", "code", "message" },
    rows, {})
  script.say("%d open", #rows)
  os.exit(#rows > 0 and exits.UNSETTLED or 0, true)
elseif args.action == "show" then
  local crm <close> = script.connect(args)
  local set <close> = changes.open(crm, args.file, { read_only = true })
  for _, line in ipairs(settle.describe(set, args.key)) do
    print(line)
  end
else
  local crm <close> = script.connect(args)
  local set <close> = command.open(crm, args.file)
  if args.action == "mark-done" then
    settle.done(set, args.key, args.id)
    script.say("%s is settled: it was done", args.key)
  else
    settle.absent(set, args.key)
    script.say("%s is settled: %s will send it again", args.key,
      script.command("resume", args.file))
  end
end
