--- How far a long job is, on standard error.
--
-- On a terminal one line that is drawn anew: rate, time left, lanes, failures.
-- As JSON, one event a line, when asked for. Otherwise nothing.
-- @module icrm.cli.progress

local core = require "icrm.core"
local json = require "icrm.json"
local text_tools = require "icrm.text"
local times = require "icrm.cli.times"

local M = {}

local Progress = { __name = "icrm.Progress" }
Progress.__index = Progress

local STDERR = 2
local EVERY = { line = 0.1, json = 1 } -- seconds between two events
local A_PAUSE = 1 -- seconds

--- Start to report on a job.
---
--- @param opts table label; total (nil when not known); mode: "auto" (a line on a
---   terminal, else nothing), "json" or "off"; stats: function that returns what
---   icrm.core's client:stats does, for the number of lanes; waits: one that returns
---   what its client:waits does; by_quotas: one that returns the seconds that the rest
---   takes by the quotas; file, columns: for tests, instead of standard error
--- @return icrm.Progress
function M.new(opts)
  local mode, columns = opts.mode or "auto", opts.columns or core.terminal_columns(STDERR)
  if mode == "auto" then
    mode = columns and "line" or "off"
  end
  return setmetatable({
    label = opts.label, total = opts.total, mode = mode, columns = columns or 80,
    stats = opts.stats, waits = opts.waits, by_quotas = opts.by_quotas,
    file = opts.file or io.stderr, done = 0, failed = 0, unknown = 0,
    started = core.clock(), next_event = 0, drawn = false,
  }, Progress)
end

local function figures(self)
  local seconds = core.clock() - self.started
  local rate = seconds > 0 and self.done / seconds or 0
  local open = self.total and self.total - self.done
  local left = open and rate > 0 and open / rate or nil
  if left and self.by_quotas then
    left = math.max(left, self.by_quotas(open))
  end
  return seconds, rate, left
end

-- How long the next call waits for a quota, and why; nil when it is no wait to
-- speak of.
local function pause(self)
  local seconds, cause = 0, nil
  if self.waits then
    seconds, cause = self.waits()
  end
  if seconds >= A_PAUSE then
    return seconds, cause
  end
end

local function line(self)
  local seconds, rate, left = figures(self)
  local parts = { ("%s %d%s"):format(self.label, self.done,
    self.total and ("/%d"):format(self.total) or "") }
  local waiting, cause = pause(self)
  if waiting then
    parts[#parts + 1] = ("%s: waits until %s"):format(cause, times.moment(waiting))
  elseif seconds > 0 then
    parts[#parts + 1] = ("%.0f/s"):format(rate)
  end
  if left and self.done < self.total then
    parts[#parts + 1] = times.span(left) .. " left"
  end
  local stats = self.stats and self.stats()
  if stats and stats.lanes and not waiting then
    parts[#parts + 1] = ("%d lane%s"):format(stats.lanes, stats.lanes == 1 and "" or "s")
  end
  for _, name in ipairs { "failed", "unknown" } do
    if self[name] > 0 then
      parts[#parts + 1] = ("%d %s"):format(self[name], name)
    end
  end
  return text_tools.cut(table.concat(parts, ", "), self.columns - 1)
end

local function event(self, name, more)
  local seconds, rate, left = figures(self)
  local stats = self.stats and self.stats()
  local fields = {
    event = name, label = self.label, done = self.done, total = self.total,
    failed = self.failed, unknown = self.unknown, seconds = ("%.3f"):format(seconds) + 0,
    rate = ("%.1f"):format(rate) + 0, left = left and ("%.0f"):format(left) + 0 or nil,
    lanes = stats and stats.lanes or nil,
  }
  for key, value in pairs(more or {}) do
    fields[key] = value
  end
  self.file:write(json.encode(fields), "\n")
end

-- A pause has an event of its own when it begins, and is in all that follow.
local function progress_event(self)
  local seconds, cause = pause(self)
  local waiting = seconds and { waiting = ("%.1f"):format(seconds) + 0, cause = cause,
    ["until"] = times.stamp(seconds) } or nil
  event(self, waiting and not self.is_waiting and "wait" or "progress", waiting)
  self.is_waiting = waiting ~= nil
end

local function draw(self)
  self.file:write("\r", line(self), "\27[K")
  self.file:flush()
  self.drawn = true
end

--- Count work as done and say so when it is time.
---
--- @param count? integer 1 by default
function Progress:step(count)
  self.done = self.done + (count or 1)
  self:tick()
end

--- Say how far it is, when it is time: for a job that waits.
function Progress:tick()
  if self.mode == "off" or core.clock() < self.next_event then
    return
  end
  self.next_event = core.clock() + EVERY[self.mode]
  if self.mode == "json" then
    progress_event(self)
  else
    draw(self)
  end
end

--- Say what is to come: as JSON the event "start" with these facts.
---
--- @param facts table
function Progress:start(facts)
  if self.mode == "json" then
    event(self, "start", facts)
  end
end

--- Count a failure; the row counts as done by step as well.
function Progress:fail()
  self.failed = self.failed + 1
end

--- Say how many rows nobody knows the fate of at the moment.
---
--- @param count integer
function Progress:set_unknown(count)
  self.unknown = count
end

--- Clear the line, so that something else can be printed.
function Progress:clear()
  if self.drawn then
    self.file:write "\r\27[K"
    self.drawn = false
  end
end

--- End the report; the line goes away, the last event is "end".
function Progress:close()
  self:clear()
  if self.mode == "json" then
    event(self, "end")
  end
  self.mode = "off"
end
Progress.__close = Progress.close

return M
