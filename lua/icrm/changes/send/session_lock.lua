--- Whether the server runs one request at a time per session, seen from outside.
--
-- A quick read that leaves behind a slow one on the same session never comes back
-- before it then, and on another session it does. Times alone would not show that
-- on a busy server; the order does. Only what was seen makes a read on a session a
-- barrier behind the write that ran there (law 16).
-- @module icrm.changes.send.session_lock

local core = require "icrm.core"
local errors = require "icrm.error"
local limits = require "icrm.limits"

local M = {}

local ROUNDS = 12
local CLEARLY = 0.8 -- of the rounds on another session, in which the quick one overtakes
local SELDOM = 0.1  -- of those on the same one: it came to the server first after all
local PROOF_HOLDS_S = 3600 -- a server's settings change seldom in the hour of a job
-- Parts of the slow read's time that it is ahead: more where that was not enough.
local HEAD_STARTS = { 0.25, 0.5, 0.7 }

-- Modules that most installations have and fill.
local MODULES = { "Contacts", "Accounts", "HelpDesk", "Leads", "Potentials", "Products" }

-- The calls of a round: a page of the module with the most records, and one of them.
local function choose(client)
  local information = client:list_types()
  local most, chosen = 0, nil
  for _, module in ipairs(MODULES) do
    local ok, count = pcall(client.count, client, module)
    if information[module] and ok and count > most then
      most, chosen = count, module
    end
  end
  local row = chosen and client:from(chosen):select("id"):first()
  if row then
    local page = ("SELECT * FROM %s LIMIT %d;"):format(chosen, limits.PAGE_ROWS)
    return { slow = { operation = "query", method = "GET", params = { query = page } },
      quick = { operation = "retrieve", method = "GET", params = { id = row.id } } }
  end
end

local function submit(client, call, session)
  return errors.check(client:submit { operation = call.operation, method = call.method,
    params = call.params, session = session })
end

-- Wait for the replies to some calls; the numbers of the list in the order in which
-- they came.
local function order_of(calls)
  local came = {}
  while #came < #calls do
    errors.check(calls[1].client:step(1))
    for i, call in ipairs(calls) do
      local id, reply, err = call.client:next()
      if id == call.id then
        if not reply then
          error(err, 0)
        end
        call.reply = reply
        came[#came + 1] = i
      end
    end
  end
  return came
end

-- Make a call alone; returns the session that carried it, and how long it took.
local function one(client, call)
  local started = core.clock()
  local asked = { client = client, id = submit(client, call) }
  order_of { asked }
  return asked.reply:status().session, core.clock() - started
end

-- Whether the quick call comes back before the slow one, which left so many seconds
-- before it.
local function overtakes(slow, quick, head_start)
  slow.id = submit(slow.client, slow.call, slow.session)
  local left = core.clock()
  repeat
    errors.check(slow.client:step(head_start / 4))
  until core.clock() - left >= head_start
  quick.id = submit(quick.client, quick.call, quick.session)
  return order_of { slow, quick }[1] == 2
end

-- How often the quick call was first, on the session of the slow one and on another.
local function count_rounds(slow, quick, sessions, rounds, head_start)
  local count = { same = 0, other = 0 }
  for _ = 1, rounds do
    for name, session in pairs(sessions) do
      quick.session = session
      count[name] = count[name] + (overtakes(slow, quick, head_start) and 1 or 0)
    end
  end
  return count
end

--- Judge how often a quick read overtook a slow one. Without a lock both numbers
--- are alike, so a small one beside a large one is never chance.
---
--- @param count table same, other
--- @param rounds integer
--- @return boolean? seen nil when the order says nothing
function M.judge(count, rounds)
  if count.other < CLEARLY * rounds then
    return nil
  end
  return count.same <= SELDOM * rounds
end

local function probe(a, b, calls, rounds)
  local b_session = one(b, calls.quick)
  local a_session, slow_s = one(a, calls.slow)
  local sessions = { same = b:import_session(a:session_secret(a_session)), other = b_session }
  local slow = { client = a, call = calls.slow, session = a_session }
  local quick = { client = b, call = calls.quick }
  local seen, count
  for _, part in ipairs(HEAD_STARTS) do
    count = count_rounds(slow, quick, sessions, rounds, part * slow_s)
    seen = M.judge(count, rounds)
    if seen or count.same == rounds then
      break
    end
  end
  return seen, count
end

--- Watch whether reads on one session wait for each other.
---
--- @param client icrm.Client two more sessions are opened for a moment
--- @param rounds? integer how often it is tried, 12 by default
--- @return boolean? seen nil when the order says nothing
--- @return string detail what was seen, one sentence
function M.observe(client, rounds)
  rounds = rounds or ROUNDS
  local calls = choose(client)
  if not calls then
    return nil, "there are no records by which it could be seen"
  end
  local a <close> = errors.check(core.client(client.core_options))
  local b <close> = errors.check(core.client(client.core_options))
  local seen, count = probe(a, b, calls, rounds)
  a:logout()
  b:logout()
  return seen, ("a quick read overtook a slow one in %d of %d tries on the same session, and in "
    .. "%d of %d on another"):format(count.same, rounds, count.other, rounds)
end

--- Whether sessions are queues here: found out, and kept with its date. That they are
--- is a part of a proof, so it is looked at again when it is not new (law 35).
---
--- @param client icrm.Client
--- @return boolean false also when nobody can tell
function M.is_known(client)
  local server = client:server()
  if server:fact "session_lock" == false then
    return false
  end
  local seen = server:fact("session_lock", PROOF_HOLDS_S)
  if seen == nil then
    seen = M.observe(client)
    if seen ~= nil then
      server:learn("session_lock", seen)
    end
  end
  return seen or false
end

return M
