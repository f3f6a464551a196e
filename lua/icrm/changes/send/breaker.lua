--- Half of the last twenty writes without an answer: nothing more is sent until
-- a read passes.
-- @module icrm.changes.send.breaker

local M = {}

local Breaker = { size = 20 }
Breaker.__index = Breaker

--- @param run table of icrm.changes.send.run
function M.new(run)
  return setmetatable({ last = {}, run = run }, Breaker)
end

--- Note whether a write was answered.
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

function Breaker.probe(job, self)
  local pause, err = 1, nil
  for _ = 1, 6 do
    local result
    result, err = job:read("listtypes", {})
    if result then
      self.last, self.open = {}, false
      return
    end
    job:sleep(pause)
    pause = pause * 2
  end
  self.run.stop_error = self.run.stop_error or err
  self.run.engine:stop("the server gives no answers: " .. err.message)
end

return M
