-- Delete many records, where the CRM offers it.
local command = require "icrm.cli.change_set"
local conditions = require "icrm.query.conditions"
local errors = require "icrm.error"
local labels = require "icrm.cli.labels"
local operations = require "icrm.operations"
local making = require "icrm.cli.making"
local script = require "icrm.cli.script"

local parser = script.parser("delete", "Delete many records: they are looked up, planned in a "
  .. "change set and shown. Deleting cannot be undone, so the number must be said.")
parser:argument("module", "Its name, for example HelpDesk.")
parser:option("--where", "Which records, as in a query; said again: that must hold as well.")
  :argname "CONDITION":count "+"
parser:option("--out", "The change set; MODULE-TIME.icrm by default."):argname "FILE"
parser:flag("--plan-only", "Stop before anything is sent.")
command.add_options(parser)
parser:flag("-y --yes", "Do not ask.")
local args = parser:parse()

local crm <close> = script.connect(args)
if not operations.offers(crm, "delete") then
  errors.refuse "this CRM has no operation to delete records"
end
local where, test = labels.conditions(crm, args.module, args.where)
local query = crm:query(("SELECT * FROM %s%s"):format(args.module,
  conditions.where(args.module, where)))
local plan <close>, found = making.plan_each(crm, args, "delete", query,
  function(set, record)
    set:delete(record)
  end, test)
os.exit(command.decide(plan, args, found), true)
