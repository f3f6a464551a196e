-- Settle changes of which nobody knows whether they were done.
local changes = require "icrm.changes"
local command = require "icrm.cli.change_set"
local exits = require "icrm.cli.exits"
local script = require "icrm.cli.script"
local by_hand = require "icrm.changes.by_hand"
local text_tools = require "icrm.text"
local state = require "icrm.changes.journal.state"

local parser = script.parser("unknown", "List the changes of which nobody knows whether they were "
  .. "done, and settle them by hand.")
parser:argument("file", "The change set, *.icrm.")
parser:argument("action", "What to do; list by default.")
  :choices { "list", "show", "mark-done", "mark-absent" }:args "?"
parser:argument("key", "The change."):args "?"
parser:argument("id", "With mark-done: the record that it made."):args "?"
parser:flag("--all", "Every open change, but for mark-absent those whose record was seen.")
parser:option("--where", "The open changes that have this: code, operation, state, module or "
  .. "record."):argname "NAME=VALUE":count "*"
script.add_output(parser)
local args = parser:parse()
args.action = args.action or "list"
local is_bulk = args.all or #args.where > 0
if args.key and is_bulk then
  parser:error "say the key of a change, or --all or --where, which choose several"
elseif args.action == "show" and not args.key then
  parser:error "show needs the key of a change"
elseif args.action ~= "list" and not (args.key or is_bulk) then
  parser:error(("%s needs the key of a change, or --where code=CODE, or --all"):format(args.action))
end
local words = script.pairs_of(args.where, "--where")

-- What can be done about each code that there is.
local function say_cures(set, codes)
  for _, code in ipairs(codes) do
    local cure = state.cure(set.path, { code = code, key = "KEY" })
    if cure then
      script.say("%s: %s", code, cure)
    end
  end
end

local function list()
  local out <close> = script.open_output(args)
  local set <close> = command.look(args.file)
  local rows, codes, seen = {}, {}, {}
  for change in set.store:each(by_hand.selection(words)) do
    local code = change.code or change.state
    rows[#rows + 1] = { key = change.key, line = change.line or "", operation = change.operation,
      module = change.module, record = change.record or "", code = code,
      message = change.message or "" }
    if not seen[code] then
      seen[code], codes[#codes + 1] = true, code
    end
  end
  script.write(out, { "key", "line", "operation", "module", "record", "code", "message" }, rows,
    { sheet = "unknown" })
  script.say("%d open", #rows)
  say_cures(set, codes)
  if #rows > 1 then
    script.say("several at once: %s --where code=CODE", script.command("unknown", args.file,
      "mark-absent"))
  end
  os.exit(#rows > 0 and exits.UNSETTLED or 0, true)
end

local function say_absent(set)
  local count, left = by_hand.mark_all_absent(set, words)
  script.say("%s settled: %s sends them again", script.counted(count, "change"),
    script.command("resume", args.file))
  if left > 0 then
    script.say("%s left, for their records were seen: settle them one by one, or by --where "
      .. "code=CODE", script.counted(left, "change"))
  end
end

if args.action == "list" then
  list()
elseif args.action == "show" then
  local crm <close> = script.connect(args)
  local set <close> = changes.open(crm, args.file, { read_only = true })
  for _, line in ipairs(by_hand.describe(set, args.key)) do
    print(text_tools.clean(line))
  end
else
  local crm <close> = script.connect(args)
  local set <close> = command.open(crm, args.file)
  if is_bulk and args.action == "mark-done" then
    script.say("%s settled: done", script.counted(by_hand.mark_all_done(set, words), "change"))
  elseif is_bulk then
    say_absent(set)
  elseif args.action == "mark-done" then
    by_hand.mark_done(set, args.key, args.id)
    script.say("%s is settled: it was done", args.key)
  else
    by_hand.mark_absent(set, args.key)
    script.say("%s is settled: %s will send it again", args.key,
      script.command("resume", args.file))
  end
end
