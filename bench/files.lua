-- A large file up and down, by one process that measures itself:
--   icrm-lua bench/files.lua URL USER KEY FILE BACK
-- says on standard error how many seconds each way took, and how far the
-- process peaked above what it had once connected, in kB.
local icrm = require "icrm"

local url, user, key, path, back = table.unpack(arg)

local function kb(name)
  return tonumber(io.open "/proc/self/status":read "a":match(name .. ":%s*(%d+)"))
end

-- Seconds since the machine started.
local function now()
  return tonumber(io.open "/proc/uptime":read "a":match "%S+")
end

local crm <close> = icrm.connect { url = url, username = user, access_key = key }
local idle = kb "VmRSS"
local ticket = crm:create("HelpDesk", { ticket_title = "Plan", ticketstatus = "Open",
  ticketpriorities = "Low" })

local began = now()
local document = crm:attach(ticket, path)
local sent, sent_kb = now(), kb "VmHWM" - idle
crm:download(document, back)
io.stderr:write(("up %.2f %d\ndown %.2f %d\n"):format(
  sent - began, sent_kb, now() - sent, kb "VmHWM" - idle))
