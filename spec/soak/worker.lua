-- The client of a soak: plans the input unless it is planned, and applies. Run
-- again after a crash, it goes on.
--   ICRM_SOAK_KEY=… icrm-lua spec/soak/worker.lua URL USER INPUT JOURNAL [NAME=VALUE ...]
-- Options: settle, resend, timeout, lanes; die_at=N kills this process at the
-- N-th point of the engine, or the N-th of the name die_on=NAME; points=FILE notes
-- how many were passed; bad=NAME builds in a mistake of spec/soak/mistakes.lua;
-- witness=key looks for records by their names and not by a tag;
-- driver=NAME is one of spec/changes/drivers.lua; accept=FIELD:KIND as of apply;
-- undo=1 takes back what JOURNAL did, through JOURNAL.undo.icrm.
local changes = require "icrm.changes"
local client = require "icrm.client"
local core = require "icrm.core"
local errors = require "icrm.error"
local mistakes = require "spec.soak.mistakes"

local url, user, input, journal = arg[1], arg[2], arg[3], arg[4]
local options = { settle = 0.2, timeout = 5, lanes = 4 }
for i = 5, #arg do
  local name, value = arg[i]:match "^([%w_]+)=(.*)$"
  options[name] = tonumber(value) or value
end

local passed = 0
local function on_point(name)
  if options.die_on and options.die_on ~= name then
    return
  end
  passed = passed + 1
  if passed == options.die_at then
    os.execute "kill -KILL $PPID"
  end
end

-- The columns are key, operation, module, record, and one per field.
local function row_of(head, cells)
  local row, fields = {}, {}
  for i, value in ipairs(cells) do
    local key = value:match "^@(.*)$"
    if i <= 4 then
      row[head[i]] = value
    elseif value ~= "" then
      fields[head[i]] = key and changes.ref(key) or value
    end
  end
  return row, fields
end

local function plan(crm, set_options)
  local set = changes.create(crm, journal, set_options)
  local reader = errors.check(core.csv.reader { path = input, delimiter = "," })
  local head = reader:next()
  for cells in reader.next, reader do
    local row, fields = row_of(head, cells)
    if row.operation == "create" then
      set:create(row.module, fields, { key = row.key })
    elseif row.operation == "update" then
      set:update(row.record, fields, { key = row.key })
    else
      set:delete(row.record, { key = row.key })
    end
  end
  set:seal()
  return set
end

-- Open a change set, or make it: a plan that was cut short is made again, for
-- nothing was sent of it.
local function open(crm, path, set_options, make)
  local file = io.open(path, "rb")
  if file then
    file:close()
    local ok, set = pcall(changes.open, crm, path, set_options)
    if not ok and not tostring(set):find "is no change set" then
      error(set, 0)
    elseif ok and not set.is_torn then
      return set
    elseif ok then
      set:close()
    end
    local driver = set_options.driver or require "icrm.changes.journal.sqlite"
    driver.remove(path)
  end
  return make()
end

local function open_undo(crm, set_options)
  local way_back = journal .. ".undo.icrm"
  return open(crm, way_back, set_options, function()
    local set <close> = changes.open(crm, journal, set_options)
    return set:undo(way_back)
  end)
end

local crm <close> = client.connect { url = url, username = user, insecure = true,
  access_key = os.getenv "ICRM_SOAK_KEY", lanes = options.lanes, timeout = options.timeout }
local WITNESSES = {
  tag = { HelpDesk = { tag = "cf_icrm" }, Accounts = { tag = "cf_icrm" } },
  key = { HelpDesk = { key = { "ticket_title" } }, Accounts = { key = { "accountname" } } },
}
local set_options = { input = input, witness = WITNESSES[options.witness or "tag"] }
if options.driver then
  set_options.driver = require("spec.changes.drivers")[options.driver]
end
mistakes.install(options, set_options)
local set <close> = options.undo and open_undo(crm, set_options)
  or open(crm, journal, set_options, function()
    return plan(crm, set_options)
  end)
local summary = set:apply { settle = options.settle, resend = options.resend, on_point = on_point,
  allow_delete = set.store:count_deletions().open,
  accept = options.accept and { options.accept } }
if summary.remaining > 0 then
  io.stderr:write("stopped: ", tostring(summary.error or summary.stopped), "\n")
end
if options.points then
  local file = assert(io.open(options.points, "w"))
  file:write(passed)
  file:close()
end
-- 75: run me again; 0: every change has its last word; 3: stopped because of what the
-- server did to a record.
os.exit(summary.halted and 3 or summary.remaining > 0 and 75 or 0, true)
