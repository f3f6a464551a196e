--- What is ahead of a change set before it is sent, for people and programs: how
-- many calls it needs, how long they take by quota and speed, and where a quota
-- will stop it.
-- @module icrm.cli.forecast

local calls = require "icrm.changes.calls"
local core = require "icrm.core"
local numbers = require "icrm.changes.plan.numbers"
local script = require "icrm.cli.script"
local times = require "icrm.cli.times"

local M = {}

local A_WHILE = 60 -- seconds; what takes less needs no time of day
local REFRESH = 5 -- seconds that a forecast for the progress line is good for

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
  lines[2] = ("To go on, from %s: %s; %s, done by %s at the earliest."):format(
    times.moment(forecast.first_seconds + forecast.first_wait), script.command("resume", path),
    forecast.stops == 1 and "once" or ("%d times"):format(forecast.stops),
    times.moment(forecast.seconds))
  return lines
end

-- A forecast of a change set as lines for a person; `changes`: how many the calls make.
local function describe(client, forecast, changes, path)
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

-- The same for a program.
local function facts_of(forecast)
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

-- How many seconds so many changes still take by the quotas alone.
local function by_quotas(core_client, calls_per_change)
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

-- The creations of modules with a counter: how many, and whether one at a time.
local function counted_creations(set)
  local list, creations = {}, { states = { "planned" }, operations = { "create" } }
  for _, module in ipairs(set.store:modules(creations)) do
    local field = numbers.field(set:schema(module))
    if field then
      creations.module = module
      list[#list + 1] = { module = module, field = field, n = set.store:how_many(creations),
        is_serial = numbers.is_serial(set, module) }
    end
  end
  return list
end

-- Several at once are faster, one at a time are numbered safely: what either way takes.
local function describe_numbers(set, stats, counted)
  local lines = {}
  for _, one in ipairs(set.client.core_options.lanes ~= 1 and counted or {}) do
    local alone, together = one.n * stats.mean, one.n * stats.mean / stats.limit
    if one.n > 1 and one.is_serial then
      lines[#lines + 1] = ("%s: one at a time, so that no two get one %s: about %s (--numbers any: "
        .. "several at once, about %s, and some may get one number)"):format(one.module, one.field,
        times.span(alone), times.span(together))
    elseif one.n > 1 then
      lines[#lines + 1] = ("%s: several at once, about %s, and some may get one %s (--numbers "
        .. "unique: one at a time, about %s)"):format(one.module, times.span(together), one.field,
        times.span(alone))
    end
  end
  return lines
end

-- The speed of so many calls, of which some wait for each other.
local function calls_per_s(stats, needed, counted)
  local alone = 0
  for _, one in ipairs(counted) do
    alone = alone + (one.is_serial and one.n or 0)
  end
  if alone == 0 or stats.mean == 0 then
    return nil
  end
  return needed / (stats.mean * (alone + (needed - alone) / stats.limit))
end

--- Forecast the sending of a change set; nothing is sent but what describes the modules.
---
--- @param set icrm.ChangeSet with a client
--- @return table lines for a person; facts for a program; by_quotas, a function that
---   says how many seconds so many changes take by the quotas alone
function M.of(set)
  local needed, changes = calls.needed(set)
  local stats, counted = set.client.core:stats(), counted_creations(set)
  local forecast = set.client:forecast(needed, calls_per_s(stats, needed, counted))
  local lines = changes > 0 and describe(set.client, forecast, changes, set.path) or {}
  for _, line in ipairs(describe_numbers(set, stats, counted)) do
    lines[#lines + 1] = line
  end
  return {
    lines = lines,
    facts = facts_of(forecast),
    by_quotas = by_quotas(set.client.core, needed / math.max(changes, 1)),
  }
end

return M
