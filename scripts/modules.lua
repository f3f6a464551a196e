-- List the modules of the CRM.
local script = require "icrm.cli.script"

local parser = script.parser("modules", "List the modules that the user may see.")
script.add_output(parser)
local args = parser:parse()
local out <close> = script.open_output(args)

local crm <close> = script.connect(args)
local information, names = crm:list_types()
local rows = {}
for i, name in ipairs(names) do
  local module = information[name] or {}
  rows[i] = { module = name, label = module.label, singular = module.singular,
    records = module.isEntity and "yes" or "no" }
end
script.write(out, { "module", "label", "singular", "records" }, rows, { sheet = "modules" })
