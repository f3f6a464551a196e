-- Check the installation, and say what the CRM is and what it lacks.
local doctor = require "icrm.cli.doctor"
local script = require "icrm.cli.script"

local parser = script.parser("doctor", "Check versions, TLS and the configuration, and say what "
  .. "the CRM is, what it lacks, and what that means. The exit code is 1 when something needs a "
  .. "hand.")
parser:flag("--probe", "Write as well: create a record, change it in each way, look what "
  .. "became of it, and remove it.")
parser:option("--confirm-host", "Needed with --probe where the profile is protected: the "
  .. "CRM's host."):argname "HOST"
local args = parser:parse()

local failed = 0
for check in doctor.checks(args) do
  print(("%-5s %-16s %s"):format(check.ok and "ok" or "FAIL", check.name, check.text))
  if not check.ok then
    failed = failed + 1
    if check.cure then
      print(("%-5s %-16s → %s"):format("", "", check.cure))
    end
  end
end
if failed > 0 then
  os.exit(script.EXIT_ERROR, true)
end
