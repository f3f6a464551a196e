--- How long a number of calls will take, before the first is sent: by the quotas
-- that are known and by the speed that was seen.
-- @module icrm.forecast

local times = require "icrm.cli.times"

local M = {}

local A_WHILE = 60 -- seconds; what takes less needs no time of day

--- Foresee a number of calls: `client:forecast(calls)`. Nothing is sent.
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

local function until_when(seconds)
  return seconds >= A_WHILE and (", until " .. times.moment(seconds)) or ""
end

local function speed(client, forecast)
  if not forecast.calls_per_s then
    return ""
  elseif forecast.seconds < 1 then
    return ": less than a second"
  end
  local text = (": about %s at %.0f ms a call on %d lane%s"):format(times.span(forecast.seconds),
    forecast.call_seconds * 1000, forecast.lanes, forecast.lanes == 1 and "" or "s")
  if not client.core_options.lanes then
    text = text .. ", less where the CRM bears more lanes"
  end
  return text .. until_when(forecast.seconds)
end

local function quota_of(client)
  return client.rate and "the quota of " .. client.rate or "the CRM's quota"
end

local function describe_stops(client, forecast, changes, path)
  local lines = { ("%d calls, and %s is used up."):format(forecast.calls, quota_of(client)) }
  if forecast.first_calls > 0 then
    lines[1] = ("%d calls. %s%s lets %d of them through%s (%d of %d changes); then this stops.")
      :format(forecast.calls, quota_of(client):sub(1, 1):upper(), quota_of(client):sub(2),
        forecast.first_calls, until_when(forecast.first_seconds),
        forecast.first_calls * changes // forecast.calls, changes)
  end
  lines[2] = ("To go on, from %s: icrm-lua resume %s; %s, done by %s at the earliest."):format(
    times.moment(forecast.first_seconds + forecast.first_wait), path,
    forecast.stops == 1 and "once" or ("%d times"):format(forecast.stops),
    times.moment(forecast.seconds))
  return lines
end

--- Say a forecast of a change set as lines for a person.
---
--- @param client icrm.Client
--- @param forecast icrm.Forecast
--- @param changes integer how many changes the calls make
--- @param path string the change set's file
--- @return string[]
function M.describe(client, forecast, changes, path)
  if forecast.stops > 0 then
    return describe_stops(client, forecast, changes, path)
  end
  local count = ("%d call%s"):format(forecast.calls, forecast.calls == 1 and "" or "s")
  if forecast.by_quota then
    return { ("%s: about %s by %s%s"):format(count, times.span(forecast.seconds),
      quota_of(client), until_when(forecast.seconds)) }
  end
  return { count .. speed(client, forecast) }
end

--- The same facts for a program.
---
--- @param forecast icrm.Forecast
--- @return table
function M.facts(forecast)
  local facts = {
    calls = forecast.calls, stops = forecast.stops,
    seconds = (forecast.calls_per_s or forecast.longest_wait > 0)
      and ("%.0f"):format(forecast.seconds) + 0 or nil,
  }
  facts["until"] = facts.seconds and times.stamp(forecast.seconds)
  if forecast.stops > 0 then
    facts.stop = { calls = forecast.first_calls, at = times.stamp(forecast.first_seconds),
      ["until"] = times.stamp(forecast.first_seconds + forecast.first_wait) }
  end
  return facts
end

return M
