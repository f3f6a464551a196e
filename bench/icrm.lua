-- icrm under measurement, by its public interface.
--
--   icrm-lua bench/icrm.lua URL create|retrieve|query|csv|jsonl CALLS LANES
--   icrm-lua bench/icrm.lua URL walk|bare|apply|update ROWS LANES
local icrm = require "icrm"
local tasks = require "icrm.tasks"

local url, operation = arg[1], arg[2]
local calls, lanes = tonumber(arg[3]), tonumber(arg[4])

local ELEMENT = {
  ticket_title = "Panneau livré en retard", ticketstatus = "Open",
  ticketpriorities = "High", ticketseverities = "Major",
  ticketcategories = "Big Problem", assigned_user_id = "19x1",
  parent_id = "11x262015", contact_id = "12x4711", hours = "0", days = "0",
  description = "Société des pépinières du Val: la livraison prévue lundi "
    .. "n'est pas arrivée.", solution = "",
}
local PAGE = { query = "SELECT * FROM HelpDesk LIMIT 100;" }

local crm <close> = icrm.connect {
  url = url, username = "bench", access_key = "0123456789abcdef",
  lanes = lanes > 0 and lanes or nil, -- 0: icrm chooses
  ca_file = os.getenv "BENCH_CA_FILE" ~= "" and os.getenv "BENCH_CA_FILE" or nil,
}

-- Seconds since the machine started.
local function now()
  return tonumber(io.open "/proc/uptime":read "a":match "%S+")
end

local work = {}

function work.create()
  assert(crm:create("HelpDesk", ELEMENT).id)
end

function work.retrieve()
  assert(crm:retrieve("17x1000001").id)
end

function work.query()
  assert(#crm:call("query", PAGE) == 100)
end

-- A page to lines, thrown away: what `icrm-lua query -o csv` does.
local COLUMNS = { "ticket_no", "ticket_title", "ticketstatus", "ticketpriorities",
  "ticketseverities", "ticketcategories", "assigned_user_id", "parent_id",
  "contact_id", "product_id", "createdtime", "modifiedtime", "modifiedby", "hours",
  "days", "source", "from_portal", "starred", "tags", "description", "solution", "id" }

local function lines(format)
  local writer
  return function()
    writer = writer or require("icrm.core").page_writer(format, COLUMNS)
    local page = tasks.await(crm.core, crm:send("query", PAGE))
    assert(#writer(page) > 1000)
  end
end
work.csv, work.jsonl = lines "csv", lines "jsonl"

local function repeated(fn)
  local n = 0
  local function numbers()
    n = n + 1
    return n <= calls and n or nil
  end
  for _ in icrm.imap(numbers, fn, { concurrency = 2 * (lanes > 0 and lanes or 16) }) do end
end

-- Every row of the module; memory is sampled, as it must not grow.
function work.walk()
  local n, least, most = 0, math.huge, 0
  for row in crm:query("SELECT * FROM HelpDesk"):each() do
    assert(row.id)
    n = n + 1
    if n % 1000 == 0 and n > calls / 10 then
      local kb = tonumber(io.open "/proc/self/statm":read "a":match "%d+ (%d+)") * 4
      least, most = math.min(least, kb), math.max(most, kb)
    end
  end
  assert(n == calls, n)
  if most > 0 then
    io.stderr:write(("rss_kb %d %d\n"):format(least, most))
  end
end

local function say_how_long(fn, ...)
  local began = now()
  fn(...)
  io.stderr:write(("took_s %.3f\n"):format(now() - began))
end

-- Creates alone, and planned and applied: how long without start and plan.
function work.bare()
  crm:describe "HelpDesk"
  say_how_long(repeated, work.create)
end

local function planned_and_applied(fill)
  local path = os.tmpname()
  os.remove(path)
  local plan <close> = crm:plan(path)
  fill(plan)
  plan:seal()
  say_how_long(function()
    assert(plan:apply().states.done == calls)
  end)
  os.execute("rm -f " .. path .. "*")
end

function work.apply()
  planned_and_applied(function(plan)
    for _ = 1, calls do
      plan:create("HelpDesk", ELEMENT)
    end
  end)
end

-- One field of records that are known, so that the plan asks nothing.
function work.update()
  local record = crm:retrieve "17x1000001"
  planned_and_applied(function(plan)
    for i = 1, calls do
      local before = {}
      for name, value in pairs(record) do
        before[name] = value
      end
      before.id = ("17x%d"):format(1000000 + i)
      plan:update(before, { ticketstatus = "Shut" })
    end
  end)
end

local ONCE = { walk = true, bare = true, apply = true, update = true }

if ONCE[operation] then
  work[operation]()
else
  repeated(work[operation])
end
