-- Import a CSV file or a workbook: plan, show, ask, apply.
local changes = require "icrm.changes"
local command = require "icrm.cli.change_set"
local files = require "icrm.import.files"
local import_plan = require "icrm.import.plan"
local importing = require "icrm.cli.importing"
local inputs = require "icrm.cli.inputs"
local making = require "icrm.cli.making"
local mapping_options = require "icrm.cli.mapping_options"
local mappings = require "icrm.import.mapping"
local script = require "icrm.cli.script"
local suggest = require "icrm.import.suggest"

local parser = script.parser("import", "Import a CSV file or a workbook (.xlsx, .ods). "
  .. "The rows are checked, planned in a change set and shown; after a yes they are sent.")
parser:argument("files", "The file: CSV of any usual encoding and separator, .xlsx or .ods; a "
  .. "sheet as BOOK.xlsx#SHEET. Several, which may refer to one another, with --mapping.")
  :argname "FILE":args "+"
parser:option("--module", "The module, where no mapping file says it."):argname "MODULE"
parser:option("--mapping", "A mapping file, see docs/import-reference.md; for several files one "
  .. "that has files, or one for each, in their order."):argname "FILE":count "*"
parser:option("--map", "A column and its field."):argname '"Column=field"':count "*"
parser:option("--value", "A value of a column that stands for another in the CRM.")
  :argname '"Column:from=to"':count "*"
parser:option("--set", "A field with the same value in every row."):argname "FIELD=VALUE":count "*"
parser:option("--ref", "A reference found by a key."):count "*"
  :argname "field=Module.field:{Column}"
parser:option("--max-length", "The most characters of a text; the CRM does not say, and cuts.")
  :argname "FIELD=N":count "*"
parser:option("--key", "Field by which existing records are found.")
  :argname "FIELD":count "*"
parser:option("--on-match", "Existing records.")
  :choices { "update", "skip", "error" }:default "update"
parser:option("--no-match", "Rows whose key no record has.")
  :choices { "create", "skip", "error" }:default "create"
parser:option("--empty", "A cell is empty where the CRM has a value."):choices { "keep", "clear" }
parser:option("--empty-key", "A row whose key is empty, which may be in the CRM already.")
  :choices { "create", "skip" }
parser:option("--tag", "A text field for a tag by which a created record is found again.")
  :argname "FIELD"
parser:option("--sheet", "The sheet of a workbook; else the first visible one with data.")
  :argname "NAME|N"
parser:option("--skip", "How many rows stand above the headings; else they are found.")
  :argname "N":convert(script.count)
parser:option("--short-rows", "Rows that end before the headings do: their last cells are empty.")
  :choices { "empty" }
parser:option("--totals", "Rows such as Total, which are said and left out: make records of them.")
  :choices { "keep" }
parser:option("--encoding", "Instead of what is detected: utf-8, macintosh, …, see iconv -l.")
parser:option("--delimiter", "Instead of what is detected.")
parser:option("--decimal", "Instead of what is detected."):choices { "comma", "point" }
parser:option("--dates", "What comes first in 03/04/2026."):choices { "day", "month" }
parser:option("--timezone", "The zone of times without an offset; the user's own by default.")
  :argname "ZONE"
parser:option("--null", "A word that means an empty cell."):argname "WORD":count "*"
parser:flag("--suggest", "Write a mapping file as a draft, and stop.")
parser:option("--out", "The change set; FILE.icrm by default."):argname "FILE"
parser:option("--faults", "Where rows have faults: write the file with a column that says what is "
  .. "wrong with each."):argname "FILE"
parser:flag("--plan-only", "Stop before anything is sent.")
command.add_options(parser)
parser:flag("-y --yes", "Do not ask.")
local args = parser:parse()
if (#args.mapping > 0) == (args.module ~= nil) then
  parser:error "say --module MODULE, or --mapping FILE, which names it"
elseif #args.mapping > 0 and args.suggest then
  parser:error "--suggest drafts a mapping file: say --module MODULE instead of --mapping"
elseif #args.mapping > 0 or args.suggest then
  for _, option in ipairs { "map", "set", "ref", "max_length", "key",
    args.suggest and "value" or nil } do
    if #args[option] > 0 then
      parser:error(("--%s has its place in the mapping file, see docs/import-reference.md"):format(
        (option:gsub("_", "-"))))
    end
  end
end

local first = args.files[1]
if #args.files > 1 and args.module then
  parser:error("several files need a --mapping with files, or one for each, "
    .. "see docs/import-reference.md")
elseif #args.mapping > 1 and #args.mapping ~= #args.files then
  parser:error(("%d mapping files for %s"):format(#args.mapping,
    script.counted(#args.files, "file")))
elseif #args.files > 1 and (args.sheet or args.skip) then
  parser:error "--sheet and --skip are of one file: say FILE#SHEET, or skip in the mapping file"
end
for _, option in ipairs { "faults", "errors", "success" } do
  for _, path in ipairs(args[option] and args.files or {}) do
    if inputs.is_same_path(args[option], (files.split(path))) then
      parser:error(("--%s must not write over the file itself"):format(option))
    end
  end
end

-- What the header of a change set says of its files.
local function source_of(words)
  local paths = {}
  for i, word in ipairs(words) do
    paths[i] = files.split(word)
  end
  return table.concat(paths, ", ")
end

local out = args.out or first:gsub("#", "-") .. ".icrm"
if not args.suggest then
  making.check_new(out, source_of(args.files))
end
local crm <close> = script.connect(args)
if args.suggest then
  local path, sheet = files.split(first)
  local source <close> = require("icrm.source").open { path = path, sheet = sheet or args.sheet,
    skip = args.skip, encoding = args.encoding, delimiter = args.delimiter,
    short_rows = args.short_rows, totals = args.totals }
  io.write(suggest.draft(source, crm:describe(args.module), function(module)
    return crm:describe(module)
  end, args))
  return
end

local mapping = args.module and mapping_options.read(args) or mappings.load_all(args.mapping)
local job <close> = files.open(crm, args.files, mapping, { dates = args.dates,
  values = mapping_options.values(args.value),
  encoding = args.encoding, delimiter = args.delimiter, decimal = args.decimal,
  sheet = args.sheet, skip = args.skip, short_rows = args.short_rows, totals = args.totals,
  timezone = args.timezone,
  null = #args.null > 0 and args.null or nil })
importing.check_keys(job, args)
local has_keys, header = importing.say_files(job), importing.header(job)
making.say_sent_before(crm, header.input, header.sources, has_keys, out)
header.script, header.witness = "import", import_plan.witness(job, args.tag)
local plan <close> = making.make(out, function()
  return changes.create(crm, out, header)
end, function(set)
  local progress <close> = making.planning(crm, args, "rows checked", job.steps)
  local without_key = import_plan.fill(job, set, { on_match = args.on_match,
    no_match = args.no_match, empty = args.empty, empty_key = args.empty_key,
    say = function(...)
      progress:close()
      script.say(...)
    end,
    see_all = "--faults FILE writes the file with all of them, each in its row",
    on_faults = args.faults and importing.faults_writer(args.faults, header.sources),
    on_rows = function(count) progress:step(count - progress.done) end })
  progress:close()
  importing.say_planned(job, without_key, args.empty_key)
end, header.source)
os.exit(command.decide(plan, args), true)
