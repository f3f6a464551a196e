--- What is ahead of a change set before it is sent: how many calls it needs, how
-- long they take by quota and speed, and where a quota will stop it.
-- @module icrm.changes.outlook

local calls = require "icrm.changes.calls"
local forecasts = require "icrm.forecast"

local M = {}

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
    foresee = function(n)
      return set.client.core:forecast(n * needed // math.max(changes, 1)).seconds
    end,
  }
end

return M
