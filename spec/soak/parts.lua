--- What tools/soak runs. Each part prints a line and returns its counts.
-- @module spec.soak.parts

local harness = require "spec.soak.harness"
local matrix = require "spec.soak.matrix"
local tallies = require "spec.soak.tally"

local at_some_point, judge, kill_and_finish, new_tally, report, say = tallies.at_some_point,
  tallies.judge, tallies.kill_and_finish, tallies.new, tallies.report, tallies.say

local parts = {
  NAMES = { "points", "kills", "resumes", "lost", "never", "lag", "seeds", "power", "disk",
    "traits", "mistakes" },
  ASKED = { "fuzz" }, -- run only when they are named
  traits = matrix.run,
}

-- One request in twenty meets one of these.
local FAULTS = "seed=%d; p=0.005 half_reply; p=0.01 create after_commit reset; p=0.005 reset; "
  .. "p=0.005 before_commit close; p=0.005 after_commit status=502; p=0.005 status=503; "
  .. "p=0.005 html; p=0.005 length=short; p=0.0025 expire; p=0.0025 json=cut; p=0.0025 empty; "
  .. "p=0.0025 chunks"

-- Every point of the engine at which a crash could hurt, in four weathers. A
-- crash shifts what comes after it, so the number of points is asked first.
local function on_writes(fault)
  return ("p=0.3 create %s; p=0.3 update %s; p=0.3 revise %s; p=0.3 delete %s"):format(
    fault, fault, fault, fault)
end

local WEATHERS = { false, on_writes "after_commit close", on_writes "before_commit reset",
  on_writes "half_reply" }

function parts.points(args)
  local tally = new_tally("points", { kills = true })
  local every = args.every or (args.quick and 13 or 1)
  for w, weather in ipairs(WEATHERS) do
    local options = { rows = 12, faults = weather and ("seed=%d; %s"):format(args.seed, weather),
      worker = { "lanes=2", "settle=0.05" } }
    local probe <close> = harness.job(options)
    probe:finish { points = probe.dir .. "/points" }
    local points = tonumber(harness.read_file(probe.dir .. "/points"))
    for point = 1 + (w - 1) % every, points, every do
      local job = harness.job(options)
      if job:run { die_at = point } == 137 then
        tally.kills = tally.kills + 1
      end
      judge(tally, job, job:finish())
    end
  end
  return report(tally)
end

-- How long one job takes by itself: kills fall somewhere within.
local function duration(options)
  local job <close> = harness.job(options)
  local started = harness.now()
  job:finish()
  return harness.now() - started
end

local function within(longest_s)
  return function()
    return { kill_after = 0.02 + math.random() * longest_s }
  end
end

-- Runs with one kill each, somewhere within. With `until_killed`, runs that came
-- through before their kill are not counted as one of them, and more are made.
local function marathon(name, args, runs, rows, options, may_leave, until_killed)
  local tally = new_tally(name, { kills = until_killed, faults = true })
  options.rows = rows
  local template = options.faults
  math.randomseed(args.seed)
  options.faults = template and template:format(args.seed)
  local longest_s = duration(options)
  while (until_killed and tally.kills or tally.runs) < runs and tally.runs < 2 * runs do
    options.faults = template and template:format(args.seed * 100000 + tally.runs + 1)
    local job = harness.job(options)
    judge(tally, job, kill_and_finish(job, tally, 1, within(longest_s)), may_leave)
  end
  return report(tally)
end

function parts.kills(args)
  return marathon("kills", args, args.runs or (args.quick and 4 or 50),
    args.rows or (args.quick and 300 or 2000), { faults = FAULTS }, nil, true)
end

-- The client is killed while requests hang, and so are its resumes, twice or thrice.
function parts.resumes(args)
  local tally = new_tally "resumes"
  math.randomseed(args.seed)
  for run = 1, args.runs or (args.quick and 3 or 50) do
    local job = harness.job { rows = args.rows or 60,
      faults = ("seed=%d; p=0.05 create before_commit stall=1500"):format(args.seed * 1000 + run) }
    judge(tally, job, kill_and_finish(job, tally, 3, within(1.2)))
  end
  return report(tally)
end

-- No create is ever acknowledged: half of the replies are cut off, the rest say
-- nothing.
function parts.lost(args)
  return marathon("lost", args, args.runs or (args.quick and 2 or 10),
    args.rows or (args.quick and 200 or 2000),
    { faults = "seed=%d; p=0.02 create after_commit close; p=1 create empty" })
end

-- Nothing is sent twice: what is left to a person is told apart by the checker.
function parts.never(args)
  return marathon("never", args, args.runs or (args.quick and 2 or 10),
    args.rows or (args.quick and 100 or 2000),
    { faults = FAULTS, worker = { "resend=never" } }, { unknown = true, open = true })
end

-- Queries see a record later than the settle time ends: absence proves nothing.
-- What stays unknown is left to a person, and nothing is doubled.
function parts.lag(args)
  local tally = new_tally("lag", { faults = true })
  for run = 1, args.runs or (args.quick and 2 or 10) do
    local job = harness.job { rows = args.rows or (args.quick and 1000 or 2000), kind = "creates",
      faults = ("seed=%d; lag=600; p=0.03 create empty"):format(args.seed * 1000 + run) }
    judge(tally, job, job:finish(), { unknown = true })
  end
  return report(tally)
end

function parts.seeds(args)
  local tally = new_tally("seeds", { faults = true })
  for seed = 1, args.runs or (args.quick and 25 or 200) do
    local job = harness.job { rows = args.rows or (args.quick and 40 or 200),
      faults = FAULTS:format(args.seed * 1000003 + seed) }
    judge(tally, job, job:finish())
  end
  return report(tally)
end

-- The journal alone must do: see spec/soak/mistakes.lua.
local POWER = { rows = 200, shim = "ICRM_SHIM_POWER=%d",
  faults = "seed=%d; p=0.1 create after_commit close" }

-- Each kill loses what the disk had not been told to keep.
function parts.power(args)
  local tally = new_tally("power", { kills = true, faults = true })
  math.randomseed(args.seed)
  local options = { rows = args.rows or (args.quick and 60 or POWER.rows),
    worker = { "bad=journal_alone" } }
  for run = 1, args.runs or (args.quick and 6 or 100) do
    options.faults = POWER.faults:format(run)
    options.shim = POWER.shim:format(args.seed * 1000 + run)
    local job = harness.job(options)
    judge(tally, job, kill_and_finish(job, tally, 3, at_some_point(options.rows)))
  end
  return report(tally)
end

-- The disk is full from some write on, or fails to sync: the run ends, and the
-- next one, with room, goes on.
function parts.disk(args)
  local tally = new_tally("disk", { kills = true })
  local most = args.quick and 9 or 120
  for _, what in ipairs { "FULL", "SYNC" } do
    local step = what == "FULL" and 5 or 2
    for n = 1, most * step, args.quick and 3 * step or step do
      local job = harness.job { rows = 40, faults = ("seed=%d; p=0.1 create html"):format(n) }
      job.options.shim = ("ICRM_SHIM_%s=%d"):format(what, n)
      local code = job:run()
      job.options.shim = nil
      tally.kills = tally.kills + (code ~= 0 and 1 or 0)
      judge(tally, job, job:finish())
    end
  end
  return report(tally)
end

-- An answer has come, and what it says is not on the disk yet: the journal must
-- know that its write was under way.
local function before_answer_is_kept(rows)
  return function()
    return { die_on = "reply", die_at = math.random(1, rows // 2) }
  end
end

-- Clients with a mistake built in, in the weather that shows it. `good` is what
-- the good client, which must come through the same, has built in instead; `when`
-- says where it is killed, `unsure` that it may leave something to a person.
local MISTAKES = {
  { name = "resend_at_once", rows = 60, faults = "seed=%d; p=0.1 create after_commit reset" },
  { name = "no_settle", rows = 20, server = { "session_lock=off" },
    faults = "seed=%d; p=0.15 create stall=900", worker = { "timeout=0.3", "settle=1.5" } },
  { name = "trusting_fence", rows = 20, server = { "session_lock=off" }, unsure = true,
    faults = "seed=%d; logout=lies; p=0.15 create stall=2500",
    worker = { "timeout=0.3", "settle=0.2" } },
  { name = "no_sessions", rows = 20, kills = 2,
    faults = "seed=%d; p=0.3 create before_commit stall=1500" },
  { name = "halves_ignored", rows = 20, unsure = true, faults = "seed=%d; p=0.1 create partial" },
  { name = "sight_ignored", rows = 40, kind = "mixed", user = "jbrunel", owner = "19x5",
    traits = "private-owners", unsure = true, faults = "seed=%d; p=0.3 create after_commit close" },
  { name = "lists_trusted", good = "by_key_alone", rows = 20, kind = "names", profile = "corebos",
    worker = { "witness=key" }, faults = "seed=%d; p=0.2 create after_commit close" },
  { name = "echo_unchecked", rows = 20, unsure = true, worker = { "witness=key" },
    faults = "seed=%d; p=0.2 create swapped" },
  { name = "whole_record", rows = 20, kind = "mixed", profile = "corebos", user = "jeanne",
    owner = "19x5", faults = "seed=%d" },
  { name = "lazy_journal", good = "journal_alone", rows = 60, faults = POWER.faults,
    shim = POWER.shim, kills = 3 },
  { name = "send_first", good = "journal_alone", rows = 60, faults = POWER.faults, kills = 1,
    when = before_answer_is_kept },
  { name = "libcurl_resends", rows = 60, shim = "ICRM_SHIM_RESEND=1", good_shim = false,
    faults = "seed=%d; p=0.1 create after_commit close" },
}

local MOST_RUNS = 50

-- What the checker may find that is no harm: rows that nobody has settled yet.
local UNSETTLED = { unknown = true, open = true }

local function job_of(mistake, seed, is_bad)
  local worker = table.move(mistake.worker or {}, 1, #(mistake.worker or {}), 1, {})
  local shim = mistake.shim
  if is_bad and mistake.name ~= "libcurl_resends" then
    table.insert(worker, "bad=" .. mistake.name)
  elseif not is_bad and mistake.good then
    table.insert(worker, "bad=" .. mistake.good)
  elseif not is_bad and mistake.good_shim == false then
    shim = nil
  end
  local by_key = table.concat(worker, " "):find("witness=key", 1, true) ~= nil
  return harness.job { rows = mistake.rows, kind = mistake.kind or "creates",
    profile = mistake.profile, traits = mistake.traits, user = mistake.user, owner = mistake.owner,
    by_key = by_key, server = mistake.server, faults = mistake.faults:format(seed),
    worker = worker, shim = shim and shim:format(seed) }
end

-- Run a client: whether it did harm, and whether it did all that it should.
local function one_run(mistake, seed, is_bad)
  local job <close> = job_of(mistake, seed, is_bad)
  local finished = kill_and_finish(job, { kills = 0 }, mistake.kills or 0,
    (mistake.when or at_some_point)(mistake.rows))
  local result, harm = job:check(), 0
  for name, n in pairs(result) do
    if type(n) == "number" and not tallies.NEUTRAL[name] and not UNSETTLED[name] then
      harm = harm + n
    end
  end
  local is_good = finished and (result.clean or mistake.unsure and harm == 0)
  return harm > 0, is_good
end

--- Each mistake must be caught within 50 runs, and the good client must come
--- through the run that caught it.
function parts.mistakes(args)
  local tally = new_tally "mistakes"
  math.randomseed(args.seed)
  for _, mistake in ipairs(MISTAKES) do
    local caught
    for run = 1, MOST_RUNS do
      if one_run(mistake, run, true) then
        caught = run
        break
      end
    end
    local _, good = one_run(mistake, caught or 1, false)
    tally.failed = tally.failed + ((caught and good) and 0 or 1)
    say("  %-16s %s%s", mistake.name, caught and ("caught in run %d"):format(caught)
      or "NOT caught", good and "" or ", and the good client fails too")
  end
  say("%-8s %d of %d caught within %d runs, %d s", "mistakes", #MISTAKES - tally.failed, #MISTAKES,
    MOST_RUNS, os.time() - tally.started)
  return tally
end

--- The fuzz targets, each for so many seconds: an hour, or --runs.
function parts.fuzz(args)
  local tally = new_tally "fuzz"
  local seconds = args.runs or (args.quick and 10 or 3600)
  local how = select(3, os.execute(("%s --seconds %d"):format(harness.tool "fuzz", seconds)))
  tally.failed = how == 0 and 0 or 1
  say("%-8s %d s each, %d s: %s", "fuzz", seconds, os.time() - tally.started,
    how == 0 and "no findings" or "FAILED")
  return tally
end

return parts
