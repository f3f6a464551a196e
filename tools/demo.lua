-- The main job on a CRM of its own: import a French company list, survive a kill,
-- update in bulk, report, and take everything back.
local core = require "icrm.core"
local icrm = require "icrm"
local sandbox = require "icrm.sandbox"

local ROOT = arg[0]:match "^(.*)/tools/[^/]*$" or "."
local FROM_FOLDER = "../../examples/" -- seen from build/demo
local LATENCY_MS = 20
local ROWS = 462

local function output_of(command)
  local pipe = assert(io.popen(command))
  local text = pipe:read "a"
  pipe:close()
  return (text:gsub("\n$", ""))
end

-- ---- A folder, a CRM and a profile ----------------------------------------------

local root = output_of(("cd '%s' && pwd"):format(ROOT))
local folder = root .. "/build/demo"
local tag_fields = { "Accounts.cf_icrm_token:string", "HelpDesk.cf_icrm_token:string" }

os.execute(("rm -rf '%s' && umask 077 && mkdir -p '%s/config/icrm'"):format(folder, folder))
local server <close> = sandbox.start {
  file = folder .. "/crm.db", latency_ms = LATENCY_MS, fields = tag_fields,
}
assert(core.files.create(folder .. "/config/icrm/profiles.lua"))
local profile <close> = assert(io.open(folder .. "/config/icrm/profiles.lua", "w"))
profile:write(("return { demo = { url = %q, username = %q, access_key = %q } }\n"):format(
  server:url(), server:username(), server:key()))
profile:close()

local ENVIRONMENT = ("cd '%s' && PATH='%s/build/bin':$PATH XDG_CONFIG_HOME='%s/config' "):format(
  folder, root, folder)
local DATA = FROM_FOLDER .. "data/etablissements-excel.csv"
local WORKBOOK = FROM_FOLDER .. "data/etablissements.xlsx"
local MAPPING = FROM_FOLDER .. "etablissements.lua"

local function say(format, ...)
  io.stderr:flush()
  io.stdout:write(format:format(...), "\n")
  io.stdout:flush()
end

local function step(title)
  say("\n== %s", title)
end

-- Show a command as a user would type it, and run it. Returns its exit code.
local function run(command, expected)
  say("$ %s", command)
  local _, _, code = os.execute(ENVIRONMENT .. command)
  if code ~= (expected or 0) then
    error(("exit code %d, not %d"):format(code, expected or 0), 0)
  end
end

local function check(what, have, want)
  if have ~= want then
    error(("%s: %s, not %s"):format(what, have, want), 0)
  end
end

-- Wait until the CRM has taken `n` creates; its log is the witness.
local function wait_for_creates(n)
  local seen, count = 0, 0
  while count < n do
    for _, entry in ipairs(server:log(seen)) do
      seen = entry.n
      count = count + (entry.operation == "create" and entry.committed and 1 or 0)
    end
    core.interrupt.wait(0.01)
  end
end

local function export(name)
  for _, module in ipairs { "Accounts", "HelpDesk" } do
    local _, _, code = os.execute(ENVIRONMENT .. ("icrm-lua query 'SELECT * FROM %s' -o csv "
      .. "> %s-%s.csv 2>/dev/null"):format(module, module, name))
    check("export", code, 0)
  end
end

-- ---- The job --------------------------------------------------------------------

say("A CRM of our own runs at %s (profile initiative, %d ms a call).",
  server:url():match "^%w+://[^/]+", LATENCY_MS)
export "before"

step(("1. Plan: %d rows as a French Excel saves them; companies, their establishments, and a "
  .. "ticket where the SIRET is missing"):format(ROWS))
run(("icrm-lua import %s --mapping %s --tag cf_icrm_token --out sites.icrm --plan-only")
  :format(DATA, MAPPING))

step "2. Apply, and kill it with SIGKILL half-way, on purpose"
say "$ icrm-lua apply sites.icrm --yes &"
local pid = output_of(ENVIRONMENT
  .. "exec icrm-lua apply sites.icrm --yes >apply.log 2>&1 & echo $!")
wait_for_creates(300)
say "$ kill -9 $!"
os.execute("kill -9 " .. pid)
run("icrm-lua status sites.icrm", 75)

step "3. Resume: what was under way is looked for first, nothing is sent twice"
run "icrm-lua resume sites.icrm --settle 1"
run "icrm-lua audit sites.icrm"

step "4. Update in bulk: these tickets become urgent, a quarter of an hour each"
run("icrm-lua update HelpDesk --where \"ticket_title LIKE 'SIRET à trouver%' "
  .. "AND ticketpriorities = 'Low'\" --set ticketpriorities=High --set hours=0.25 "
  .. "--out tickets.icrm --yes")

step "5. Report: establishments, tickets and hours of work by region"
run("icrm-lua report Accounts --by bill_state --where \"accounttype = 'Establishment' "
  .. "AND cf_icrm_token LIKE 'IC%'\"")
run("icrm-lua report HelpDesk --by parent_id.bill_state --by ticketpriorities --sum hours "
  .. "--where \"ticket_title LIKE 'SIRET à trouver%'\" --order count")

step "6. Account for every row"
local crm <close> = icrm.connect { url = server:url(), username = server:username(),
  access_key = server:key() }

-- How many establishments, companies and tickets the imports have made.
local function count()
  return crm:count("Accounts", "accounttype = ? AND cf_icrm_token LIKE ?", "Establishment", "IC%"),
    crm:count("Accounts", "accounttype = ? AND cf_icrm_token LIKE ?", "Headquarters", "IC%"),
    crm:count("HelpDesk", "cf_icrm_token LIKE ?", "IC%")
end

local establishments, companies, tickets = count()
local records = establishments + companies + tickets
say("%d rows in, %d establishments under %d companies, %d tickets: %d of %d accounted for",
  ROWS, establishments, companies, tickets, establishments, ROWS)
check("establishments", establishments, ROWS)

step "7. Undo both, the last one first"
run "icrm-lua undo tickets.icrm --yes"
run(("icrm-lua undo sites.icrm --yes --allow-delete %d"):format(records))

step "8. The same list as a workbook makes the same records, and is taken back as well"
run(("icrm-lua import %s --mapping %s --tag cf_icrm_token --out workbook.icrm --yes "
  .. ">workbook.log 2>&1"):format(WORKBOOK, MAPPING))
run "icrm-lua status workbook.icrm"
check("records of the workbook", table.concat({ count() }, " "),
  table.concat({ establishments, companies, tickets }, " "))
run(("icrm-lua undo workbook.icrm --yes --allow-delete %d >undo.log 2>&1"):format(records))

step "9. Compare with the beginning"
export "after"
for _, module in ipairs { "Accounts", "HelpDesk" } do
  local _, _, code = os.execute(ENVIRONMENT .. ("cmp %s-before.csv %s-after.csv"):format(
    module, module))
  check(module .. " before and after", code, 0)
end
say "The CRM is as it was before: the exports are the same, byte for byte."
say("%d rows in, %d accounted for: %d establishments, %d companies, %d tickets made and taken "
  .. "back.", ROWS, establishments, establishments, companies, tickets)
