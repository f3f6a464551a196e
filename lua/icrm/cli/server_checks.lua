--- What this server is, what it lacks, and what that means for the user: the part
-- of `icrm-lua doctor` that asks the CRM, in plain sentences.
--
-- What is found out is kept with its date (icrm.facts); what is not known takes the
-- safe way everywhere.
-- @module icrm.cli.server_checks

local core = require "icrm.core"
local errors = require "icrm.error"
local session_lock = require "icrm.changes.send.session_lock"
local tasks = require "icrm.tasks"

local M = {}

local SERVERS = {
  vtiger8 = "vtiger %s",
  corebos = "coreBOS (it says vtiger %s)",
  initiative = "Initiative CRM, or another vtiger 6 (%s); the first record of each kind shows how "
    .. "it is written to",
  unknown = "of no known kind (it says vtiger %s): nothing is taken for granted, everything goes "
    .. "the safe way, and the first record of each kind shows how it is written to",
}

-- Each line of operations: any one of them will do.
local OFFERS = {
  { name = "changes", any = { "revise" },
    there = "single fields are changed, the rest of a record is left alone",
    absent = "no revise: records are changed by update, which may blank or round what is not "
      .. "meant; the first record of each kind shows it; a reference cannot be emptied" },
  { name = "deletions", any = { "delete" },
    there = "offered: undo can remove what an import created",
    absent = "not offered: undo cannot remove what an import created" },
  { name = "relations", any = { "retrieve_related", "getRelatedRecords" },
    there = "related records can be listed, and files attached to them",
    absent = "not offered: related records cannot be listed, and attach cannot see whether a "
      .. "document is where it belongs" },
  { name = "files", any = { "files_retrieve", "retrievedocattachment" },
    there = "attached files can be downloaded",
    absent = "not offered: files can be attached, and not downloaded" },
}

local SESSION_GONE = { INVALID_SESSIONID = true, SESSION_EXPIRED = true,
  SESSION_LEFT_IDLE = true, AUTHENTICATION_REQUIRED = true }

local function day(date)
  return os.date("!%Y-%m-%d", date)
end

local AS_SHIPPED = ", as it is shipped: on PHP 8 its logout, its sync and its downloads break"

local function check_kind(add, server, logout)
  local is_stock = server.kind == "vtiger8" and logout == false
    and not server:offers "files_retrieve"
  add(true, "server", SERVERS[server.kind]:format(server.version ~= "" and server.version or "?")
    .. (is_stock and AS_SHIPPED or ""))
end

local function check_offers(add, server)
  for _, entry in ipairs(OFFERS) do
    local by
    for _, operation in ipairs(entry.any) do
      by = by or server:offers(operation) and operation
    end
    add(true, entry.name, by and ("%s (%s)"):format(entry.there, by) or entry.absent)
  end
end

local function call_on(crm, session, operation, params)
  return tasks.await(crm.core, errors.check(crm.core:submit { operation = operation,
    method = operation == "logout" and "POST" or "GET", params = params, session = session,
    write = false }))
end

-- Whether a session that was logged out is seen to be refused; nil when the server
-- gave no clear answer. The session is one of its own.
local function logout_ends(crm)
  local other <close> = errors.check(core.client(crm.core_options))
  local reply, err = tasks.await(other, errors.check(other:submit { operation = "listtypes",
    method = "GET" }))
  if not reply then
    error(err, 0)
  end
  local session = crm.core:import_session(other:session_secret(reply:status().session))
  call_on(crm, session, "logout", {})
  local still, refusal = call_on(crm, session, "listtypes", {})
  if still then
    return false
  end
  return SESSION_GONE[refusal.code] or nil
end

local function check_logout(add, server, ends)
  if ends ~= nil then
    server:learn("logout", ends)
  end
  add(true, "logout", ends and "ends a session: what became of a write without an answer can be "
      .. "settled by itself"
    or ends == nil and "the server gives no clear answer: see session lock"
    or "sessions live on after it: after a crash or a lost answer, rows are left to you unless a "
      .. "lock is seen (below); where logout answers all the same, say --resend barrier")
end

-- What the order in which two reads come back says.
local LOCK = {
  ["true"] = "seen: %s. So requests of one session wait for each other, and a read behind a write "
    .. "without an answer shows that it has ended (--resend barrier)",
  ["false"] = "not seen: %s. So nothing but the end of its session shows that a write without an "
    .. "answer has ended",
  ["nil"] = "could not be seen: %s. Until it is, nothing but the end of its session shows that a "
    .. "write without an answer has ended",
}

-- Many calls, so a CRM that counts them is only looked at when that is asked for.
local function check_session_lock(add, crm, server, args)
  local seen, date = server:fact "session_lock"
  if crm.rate and not args.probe then
    return add(true, "session lock", seen == nil
      and "not looked at, for calls are counted here; --probe does"
      or ("%s on %s"):format(seen and "seen" or "not seen", day(date)))
  end
  local detail
  seen, detail = session_lock.observe(crm)
  if seen ~= nil then
    server:learn("session_lock", seen)
  end
  add(true, "session lock", (LOCK[tostring(seen)]):format(detail))
end

local function sample(settings)
  return ("1%s234%s56"):format(settings.grouping_separator or "", settings.decimal_separator or ".")
end

local FORMS = {
  vtiger8 = function(settings)
    return ("numbers with a point, times in UTC, whatever your settings say; amounts are rounded "
      .. "to your %d decimals when they are written"):format(settings.decimals)
  end,
  corebos = function(settings)
    return ("numbers are read in your form, %s, and times in your zone, %s; icrm writes them so, "
      .. "and both come back with a point and in UTC"):format(sample(settings),
        settings.time_zone or "UTC")
  end,
}

-- What doctor --probe has found out about amounts, where the kind of server does not say it.
local AMOUNTS = {
  kept = "amounts are stored as they are sent",
  converted = "amounts are converted: a set stops at the first",
  ["user form"] = "amounts are read as your settings write them, and icrm writes them so",
}

local function probed_amounts(server)
  local fact, date = server:fact "amounts"
  local decimals = tostring(fact):match "^rounded:(%d+)$"
  local said = decimals and ("amounts are rounded to %s decimals"):format(decimals) or AMOUNTS[fact]
  return said and ("%s (seen on %s)"):format(said, day(date))
end

local function check_numbers(add, crm, server)
  local settings = crm:own_settings()
  if not settings then
    return add(true, "numbers", (probed_amounts(server) or "you may not read your own record: "
      .. "amounts count as rounded to 2 decimals") .. "; a set stops at the first value that is "
      .. "stored otherwise than it was sent")
  end
  local form = FORMS[server.kind]
  add(true, "numbers", form and form(settings)
    or ("your settings write %s, days as %s, in the zone %s; %s; a set stops at the first value "
      .. "that is stored otherwise than it was sent"):format(sample(settings),
        settings.date_format or "?", settings.time_zone or "?", probed_amounts(server)
        or "whether this server reads them so is not known, --probe finds out"))
end

-- Whose records show: what does not show is no proof of anything.
local function check_rights(add, crm)
  local settings = crm:own_settings()
  if settings and settings.is_admin then
    return add(true, "rights", ("%s is an administrator: all records show"):format(crm.username))
  end
  add(true, "rights", ("%s is no administrator, as far as can be seen: records of others may be "
    .. "hidden. What does not show is not taken for absent, so after a lost answer rows that go to "
    .. "others may be left to you"):format(crm.username))
end

-- What else a user should hear of before a large import, by kind of server.
local HABITS = {
  vtiger8 = {
    { "record numbers", "records that are created at the same moment may get one number "
      .. "(ticket_no, contact_no); quotes, orders and invoices are created one at a time, others "
      .. "with --numbers unique" },
    { "unique values", "a value that the CRM takes once, such as the name of an account, is looked "
      .. "for before anything is sent, in the file and in the CRM" },
  },
  corebos = {
    { "record numbers", "records that are created at the same moment may get one number; quotes, "
      .. "orders and invoices are created one at a time, others with --numbers unique" },
    { "unique values", "the server takes a name twice: --key tells which records exist already" },
    { "empty dates",
      "a date that is left out becomes today's on this server: icrm sends it empty" },
  },
}

local function check_habits(add, server)
  for _, habit in ipairs(HABITS[server.kind] or {}) do
    add(true, habit[1], habit[2])
  end
end

-- Amounts of a user whose currency is another than the one that they are kept in.
local function check_currency(add, crm, server)
  local currency = crm:foreign_currency()
  if not currency then
    return
  elseif server.kind == "corebos" then
    return add(true, "currency", ("yours is %s, amounts are kept in %s; icrm sends new records so "
      .. "that they are taken as they are"):format(currency.name, currency.base))
  end
  add(true, "currency", ("yours is %s, amounts are kept in %s: the server divides each amount that "
    .. "you write by %.5g (1000 becomes %.2f). icrm leaves untouched amounts out of what it sends, "
    .. "a plan says which it would convert, and a set stops at the first; give the user the "
    .. "currency %s in the CRM"):format(currency.name, currency.base, currency.rate,
    1000 / currency.rate, currency.base))
end

--- Say what the server is and does.
---
--- @param add fun(ok: any, name: string, text: string, cure?: string)
--- @param crm icrm.Client
--- @param args table `probe`: look at everything, whatever it costs
function M.run(add, crm, args)
  local server, logout = crm:server(), logout_ends(crm)
  check_kind(add, server, logout)
  check_offers(add, server)
  check_logout(add, server, logout)
  check_session_lock(add, crm, server, args)
  check_rights(add, crm)
  check_numbers(add, crm, server)
  check_currency(add, crm, server)
  check_habits(add, server)
  local place = crm.core:stats().session_in
  add(true, "session", ("its name travels in the %s of requests, %s"):format(place, place == "body"
    and "where no access log keeps it" or "where access logs may keep it"))
end

return M
