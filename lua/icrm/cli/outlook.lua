--- What is ahead of a change set before it is sent: how many calls it needs, how
-- long they take by quota and speed, and where a quota will stop it.
-- @module icrm.cli.outlook

local calls = require "icrm.changes.calls"
local core = require "icrm.core"
local forecasts = require "icrm.forecast"

local M = {}

local REFRESH = 5 -- seconds that a forecast for the progress line is good for

-- How many seconds so many changes still take by the quotas alone.
local function foresee(core_client, calls_per_change)
  local at, refresh_at = 0, 0
  return function(changes)
    local now = core.clock()
    if now >= refresh_at then
      refresh_at = now + REFRESH
      at = now + core_client:forecast(math.ceil(changes * calls_per_change)).seconds
    end
    return at - now
  end
end

--- Look ahead; nothing is sent but what describes the modules.
---
--- @param set icrm.ChangeSet with a client
--- @return table lines for a person; facts for a program; foresee, a function that
---   says how many seconds so many changes take by the quotas alone
function M.of(set)
  local needed, changes = calls.needed(set)
  local forecast = set.client:forecast(needed)
  return {
    lines = changes > 0 and forecasts.describe(set.client, forecast, changes, set.path) or {},
    facts = forecasts.facts(forecast),
    foresee = foresee(set.client.core, needed / math.max(changes, 1)),
  }
end

return M
