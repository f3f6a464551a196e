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
  return setmetatable({ run = run, last = {}, noted = 0, bad = 0 }, Breaker)
end

--- Note whether a write was answered.
---
--- @param answered boolean
function Breaker:note(answered)
  local at = self.noted % self.size + 1
  self.bad = self.bad + (answered and 0 or 1) - (self.last[at] == false and 1 or 0)
  self.last[at] = answered
  self.noted = self.noted + 1
  if not self.open and self.noted >= self.size and self.bad * 2 >= self.size then
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
      self.last, self.noted, self.bad, self.open = {}, 0, 0, false
      return
    end
    job:sleep(pause)
    pause = pause * 2
  end
  self.run:stop(err, "the server gives no answers: " .. err.message)
end

return M
