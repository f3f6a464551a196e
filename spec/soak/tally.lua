--- What a part of the soak counts, and how its jobs are killed and judged.
-- @module spec.soak.tally

local tally = {}

function tally.say(...)
  io.stdout:write(string.format(...), "\n")
  io.stdout:flush()
end

--- Begin to count.
-- @param name string of the part
-- @param needs table kills, faults: true where a part without any has shown nothing
function tally.new(name, needs)
  return { name = name, needs = needs or {}, started = os.time(), runs = 0, rows = 0, kills = 0,
    faulted = 0, failed = 0 }
end

-- Counts of the checker that are no complaints.
tally.NEUTRAL = { rows = true, creates = true, taken = true, faulted = true }

--- Add what the checker finds of a job that goes on.
-- @param finished boolean whether its client came to its end
-- @param may_leave table|nil counts that are no complaints in this job; `resends`:
--   requests to create may be more than rows, for some were proven not done
-- @param undone boolean|nil whether the job was taken back
-- @return boolean whether all is as it should be
function tally.add(self, job, finished, may_leave, undone)
  local result = job:check(undone)
  self.runs = self.runs + 1
  self.rows = self.rows + result.rows
  self.faulted = self.faulted + result.faulted
  local bad = finished and 0 or 1
  for name, n in pairs(result) do
    if may_leave and may_leave[name] then
      self.left = (self.left or 0) + n
    elseif type(n) == "number" and not tally.NEUTRAL[name] then
      self[name] = (self[name] or 0) + n
      bad = bad + n
    end
  end
  if may_leave and not may_leave.resends and result.taken > result.creates then
    bad = bad + 1 -- something was sent twice
  end
  if bad > 0 then
    self.failed = self.failed + 1
    tally.say("  %s: %s; see %s\n  %s", job.name or self.name,
      finished and "not clean" or "not finished", job.dir, result.text)
  end
  return bad == 0
end

--- End a job; its folder is kept when something was not as it should be.
function tally.close(job, is_good)
  if is_good then
    job:close()
  else
    job:stop_server()
  end
end

--- Add what the checker finds, and end the job.
function tally.judge(self, job, finished, may_leave)
  local is_good = tally.add(self, job, finished, may_leave)
  tally.close(job, is_good)
  return is_good
end

-- What a part needed to have had, and had not.
local function missing(self)
  if self.needs.kills and self.kills == 0 then
    return "nothing was killed"
  elseif self.needs.faults and self.faulted == 0 then
    return "no request met a fault"
  end
end

--- Print the line of a part. One that did nothing has failed.
function tally.report(self)
  local lack = missing(self)
  if lack then
    self.failed = self.failed + 1
    tally.say("  %s: %s, so this shows nothing", self.name, lack)
  end
  tally.say("%-8s %d runs, %d rows, %d kills, %d s: lost %d duplicates %d unknown %d, ghosts %d, "
    .. "wrong %d, %d runs failed", self.name, self.runs, self.rows, self.kills,
    os.time() - self.started, (self.lost or 0) + (self.unplanned or 0),
    self.duplicates or 0, self.unknown or 0,
    self.ghosts or 0, (self.wrong_fields or 0) + (self.wrong_parents or 0)
      + (self.done_without_record or 0) + (self.failed_with_record or 0)
      + (self.half_done or 0) + (self.spilled or 0) + (self.not_undone or 0)
      + (self.sent_unproven or 0) + (self.open or 0), self.failed)
  if self.left then
    tally.say("  %d of them were left to a person, as was asked", self.left)
  end
  return self
end

local function with(options, more)
  for name, value in pairs(options or {}) do
    more[name] = value
  end
  return more
end

--- Kill the client, as `when` says each time, until it has come through or was
-- killed `kills` times; then let it finish.
-- @param options table|nil more of the worker, each time
function tally.kill_and_finish(job, self, kills, when, options)
  for _ = 1, kills do
    local code = job:run(with(options, when()))
    if code == 0 then
      return true
    elseif code == 137 then
      self.kills = self.kills + 1
    end
  end
  return job:finish(options)
end

--- Where to kill: about three points of the engine go by for a row.
function tally.at_some_point(rows)
  return function()
    return { die_at = math.random(10, 3 * rows) }
  end
end

return tally
