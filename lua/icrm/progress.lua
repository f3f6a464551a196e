--- How far a long job is, on standard error.
--
-- On a terminal one line that is drawn anew: rate, time left, lanes, failures.
-- As JSON, one event a line, when asked for. Otherwise nothing.
-- @module icrm.progress

local core = require "icrm.core"
local json = require "icrm.json"
local text_tools = require "icrm.text"

local M = {}

local Progress = { __name = "icrm.Progress" }
Progress.__index = Progress

local STDERR = 2
local EVERY = { line = 0.1, json = 1 } -- seconds between two events

local function span(seconds)
  if seconds < 60 then
    return ("%.0f s"):format(seconds)
  elseif seconds < 3600 then
    return ("%d min %02d s"):format(seconds // 60, seconds % 60 // 1)
  end
  return ("%d h %02d min"):format(seconds // 3600, seconds % 3600 // 60)
end

--- Start to report on a job.
---
--- @param opts table label; total (nil when not known); mode: "auto" (a line on a
---   terminal, else nothing), "json" or "off"; stats: function that returns what
---   icrm.core's client:stats does, for the number of lanes; file, columns: for
---   tests, instead of standard error
--- @return icrm.Progress
function M.new(opts)
  local mode, columns = opts.mode or "auto", opts.columns or core.terminal_columns(STDERR)
  if mode == "auto" then
    mode = columns and "line" or "off"
  end
  return setmetatable({
    label = opts.label, total = opts.total, mode = mode, columns = columns or 80,
    stats = opts.stats, file = opts.file or io.stderr, done = 0, failed = 0, unknown = 0,
    started = core.clock(), next_event = 0, drawn = false,
  }, Progress)
end

local function figures(self)
  local seconds = core.clock() - self.started
  local rate = seconds > 0 and self.done / seconds or 0
  local left = self.total and rate > 0 and (self.total - self.done) / rate or nil
  return seconds, rate, left
end

local function line(self)
  local seconds, rate, left = figures(self)
  local parts = { ("%s %d%s"):format(self.label, self.done,
    self.total and ("/%d"):format(self.total) or "") }
  if seconds > 0 then
    parts[#parts + 1] = ("%.0f/s"):format(rate)
  end
  if left and self.done < self.total then
    parts[#parts + 1] = span(left) .. " left"
  end
  local stats = self.stats and self.stats()
  if stats and stats.lanes then
    parts[#parts + 1] = ("%d lane%s"):format(stats.lanes, stats.lanes == 1 and "" or "s")
  end
  for _, name in ipairs { "failed", "unknown" } do
    if self[name] > 0 then
      parts[#parts + 1] = ("%d %s"):format(self[name], name)
    end
  end
  return text_tools.cut(table.concat(parts, ", "), self.columns - 1)
end

local function event(self, name)
  local seconds, rate, left = figures(self)
  local stats = self.stats and self.stats()
  self.file:write(json.encode {
    event = name, label = self.label, done = self.done, total = self.total,
    failed = self.failed, unknown = self.unknown, seconds = ("%.3f"):format(seconds) + 0,
    rate = ("%.1f"):format(rate) + 0, left = left and ("%.0f"):format(left) + 0 or nil,
    lanes = stats and stats.lanes or nil,
  }, "\n")
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
    event(self, "progress")
  else
    draw(self)
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
