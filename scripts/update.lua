-- Change the same fields of many records.
local command = require "icrm.cli.change_set"
local conditions = require "icrm.query.conditions"
local errors = require "icrm.error"
local labels = require "icrm.cli.labels"
local schemas = require "icrm.schema"
local making = require "icrm.cli.making"
local script = require "icrm.cli.script"

local parser = script.parser("update", "Change the same fields of many records: they are looked "
  .. "up, planned in a change set and shown; after a yes they are sent.")
parser:argument("module", "Its name, for example HelpDesk.")
parser:option("--where", "Which records, as in a query; said again: that must hold as well. "
  .. "--all for every one."):argname "CONDITION":count "*"
parser:flag("--all", "Every record of the module.")
parser:option("--set", "The new value of a field."):argname "FIELD=VALUE":count "+"
parser:option("--out", "The change set; MODULE-TIME.icrm by default."):argname "FILE"
parser:flag("--plan-only", "Stop before anything is sent.")
command.add_options(parser)
parser:flag("-y --yes", "Do not ask.")
local args = parser:parse()
if (#args.where > 0) == (args.all ~= nil) then
  parser:error "say which records: --where CONDITION, or --all"
end

local crm <close> = script.connect(args)
local schema = crm:describe(args.module)
local values, faults = schema:check(labels.assignments(crm, schema, args.set, "--set"),
  { partial = true })
if #faults > 0 then
  errors.refuse("%s: %s", args.module, schemas.describe_faults(faults))
end
local where, test = labels.conditions(crm, args.module, args.where)
local query = crm:query(("SELECT * FROM %s%s"):format(args.module,
  conditions.where(args.module, where)))

local plan <close>, found = making.plan_each(crm, args, "update", query,
  function(set, record)
    set:update(record, values)
  end, test)
os.exit(command.decide(plan, args, found), true)
