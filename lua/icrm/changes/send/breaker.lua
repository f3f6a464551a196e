--- Half of the last twenty writes without an answer: nothing more is sent until
-- a read passes.
-- @module icrm.changes.send.breaker

local errors = require "icrm.error"

local M = {}

local Breaker = { __name = "icrm.changes.Breaker", size = 20 }
Breaker.__index = Breaker

--- @param run icrm.changes.Run
--- @return icrm.changes.Breaker
function M.new(run)
  return setmetatable({ last = {}, run = run }, Breaker)
end

--- Note whether a write was answered.
---
--- @param answered boolean
function Breaker:note(answered)
  table.insert(self.last, answered)
  if #self.last > self.size then
    table.remove(self.last, 1)
  end
  local bad = 0
  for _, ok in ipairs(self.last) do
    bad = bad + (ok and 0 or 1)
  end
  if not self.open and #self.last == self.size and bad * 2 >= self.size then
    self.open = true
    self.run.engine:start(self.probe, self)
  end
end

--- Ask until the server answers. A job.
---
--- @param job table
--- @param self icrm.changes.Breaker
function Breaker.probe(job, self)
  local client, pause, err = self.run.client, 1, nil
  for _ = 1, 6 do
    local result
    result, err = errors.try(client.call, client, "listtypes")
    if result then
      self.last, self.open = {}, false
      return
    end
    job:sleep(pause)
    pause = pause * 2
  end
  self.run:stop(err, "the server gives no answers: " .. err.message)
end

return M
