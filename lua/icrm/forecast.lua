--- How long a number of calls will take, before the first is sent: by the quotas
-- that are known and by the speed that was seen.
-- @module icrm.forecast

local M = {}

--- Forecast a number of calls: `client:forecast(calls)`. Nothing is sent.
---
--- Known are the quota of the profile (`rate`), with what was spent of it, and
--- what the server's headers and Retry-After said. A wait that is longer than
--- `max_wait` (15 minutes) is a stop: calls fail then, and a later program goes on.
---
--- @param client icrm.Client
--- @param calls integer
--- @param calls_per_s? number by default what the present lanes can do if calls
---   take as long as those that were answered
--- @return icrm.Forecast
function M.forecast(client, calls, calls_per_s)
  local stats = client.core:stats()
  if not calls_per_s and stats.mean > 0 then
    calls_per_s = stats.limit / stats.mean
  end
  local forecast = client.core:forecast(calls, calls_per_s)
  forecast.calls, forecast.calls_per_s = calls, calls_per_s
  forecast.lanes, forecast.call_seconds = stats.limit, stats.mean
  forecast.by_quota = forecast.longest_wait > 0
    and client.core:forecast(calls).seconds > 0.9 * forecast.seconds
  return forecast
end

return M
