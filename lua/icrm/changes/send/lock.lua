--- Whether the server runs one request at a time per session, seen from outside.
-- Two reads on one session then take about twice as long as two reads on two
-- sessions. Only that makes a read on a session a barrier behind the write that
-- ran there (law 16).
-- @module icrm.changes.send.lock

local core = require "icrm.core"
local errors = require "icrm.error"

local M = {}

local ROUNDS = 7
local CLEARLY = 1.5 -- times as long; noise stays below, a lock gives about 2

local function finish(client, id)
  while true do
    local done, reply, err = client:next()
    if not done then
      errors.check(client:step(60))
    elseif done == id then
      if not reply then
        error(err, 0)
      end
      return reply:status()
    end
  end
end

local function read(client, session)
  return errors.check(client:submit {
    operation = "listtypes",
    method = "GET",
    session = session,
  })
end

-- How long two reads at the same time take.
local function time_two(a, a_session, b, b_session)
  local started = core.clock()
  local first, second = read(a, a_session), read(b, b_session)
  finish(a, first)
  finish(b, second)
  return core.clock() - started
end

local function median(list)
  table.sort(list)
  return list[#list // 2 + 1]
end

local function probe(a, b)
  local a_session = finish(a, read(a)).session
  local b_session = finish(b, read(b)).session
  local shared = b:import_session(a:session_secret(a_session))
  local one, two = {}, {}
  for i = 1, ROUNDS do
    one[i] = time_two(a, a_session, b, shared)
    two[i] = time_two(a, a_session, b, b_session)
  end
  return median(one) / median(two)
end

--- Watch whether two reads on one session wait for each other.
---
--- @param client table icrm.Client; two more sessions are opened for a moment
--- @return boolean seen; false also when the times say nothing
--- @return number ratio of one session to two
function M.observe(client)
  local a <close> = errors.check(core.client(client.core_options))
  local b <close> = errors.check(core.client(client.core_options))
  local ratio = probe(a, b)
  a:logout()
  b:logout()
  return ratio >= CLEARLY, ratio
end

return M
