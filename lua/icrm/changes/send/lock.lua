--- Whether the server runs one request at a time per session, seen from outside.
--
-- A quick read that leaves behind a slow one on the same session never comes back
-- before it then, and on another session it does. Times alone would not show that
-- on a busy server; the order does. Only what was seen makes a read on a session a
-- barrier behind the write that ran there (law 16).
-- @module icrm.changes.send.lock

local core = require "icrm.core"
local errors = require "icrm.error"
local limits = require "icrm.limits"

local M = {}

local ROUNDS = 12
local CLEARLY = 0.8 -- of the rounds on another session, in which the quick one overtakes
local SELDOM = 0.1  -- of those on the same one: it came to the server first after all
local HEAD_START_S = 0.01

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
    return { operation = "query", method = "GET", params = {
      query = ("SELECT * FROM %s LIMIT %d;"):format(chosen, limits.PAGE_ROWS) } },
      { operation = "retrieve", method = "GET", params = { id = row.id } }
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

local function one(client, call)
  local asked = { client = client, id = submit(client, call) }
  order_of { asked }
  return asked.reply:status().session
end

-- Whether the quick call comes back before the slow one, which left before it.
local function overtakes(slow, quick)
  slow.id = submit(slow.client, slow.call, slow.session)
  local left = core.clock()
  repeat
    errors.check(slow.client:step(HEAD_START_S))
  until core.clock() - left >= HEAD_START_S
  quick.id = submit(quick.client, quick.call, quick.session)
  return order_of { slow, quick }[1] == 2
end

local function probe(a, b, slow_call, quick_call)
  local a_session, b_session = one(a, quick_call), one(b, quick_call)
  local shared = b:import_session(a:session_secret(a_session))
  local count = { same = 0, other = 0 }
  for _ = 1, ROUNDS do
    for name, session in pairs { same = shared, other = b_session } do
      local is_first = overtakes({ client = a, call = slow_call, session = a_session },
        { client = b, call = quick_call, session = session })
      count[name] = count[name] + (is_first and 1 or 0)
    end
  end
  return count
end

--- Watch whether reads on one session wait for each other.
---
--- @param client icrm.Client two more sessions are opened for a moment
--- @return boolean seen; false also when the order says nothing
--- @return string detail what was seen, one sentence
function M.observe(client)
  local slow_call, quick_call = choose(client)
  if not slow_call then
    return false, "there are no records by which it could be seen"
  end
  local a <close> = errors.check(core.client(client.core_options))
  local b <close> = errors.check(core.client(client.core_options))
  local count = probe(a, b, slow_call, quick_call)
  a:logout()
  b:logout()
  local seen = count.same <= SELDOM * ROUNDS and count.other >= CLEARLY * ROUNDS
  return seen, ("a quick read overtook a slow one in %d of %d tries on the same session, and in "
    .. "%d of %d on another"):format(count.same, ROUNDS, count.other, ROUNDS)
end

return M
