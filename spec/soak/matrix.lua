--- Every trait of the sandbox alone, and drawn pairs of traits and faults on drawn
-- profiles: a job is applied, resumed and undone, and killed in each.
-- @module spec.soak.matrix

local harness = require "spec.soak.harness"
local tallies = require "spec.soak.tally"
local unknowable = require "spec.soak.unknowable"

local matrix = {}

-- What loses answers in every job.
local WEATHER = "p=0.08 create after_commit close; p=0.05 create before_commit reset; "
  .. "p=0.08 revise after_commit close; p=0.08 delete after_commit close"

-- Faults that befall in a part of the jobs, as a trait would.
local FAULTS = {
  partial = "p=0.06 create partial",
  ghost = "p=0.06 create ghost",
  swapped = "p=0.04 create swapped; p=0.02 retrieve swapped; p=0.02 query swapped",
  refusing = "p=0.05 create refusing=404; p=0.05 revise refusing=500",
  expire_all = "p=0.02 expire_all",
  notice = "p=0.05 create notice; p=0.2 login notice",
  unlink_race = "unlink_race; p=0.05 create stall=100",
}

-- What a trait needs to show itself: a number, a user, patience.
local SETTINGS = {
  ["lock-gives-up"] = { value = 100, faults = "p=0.08 create stall=400",
    worker = { "timeout=0.3", "settle=0.8" } },
  ["owner-workflow"] = { owners_move = true },
  ["owner-workflow-late"] = { owners_move = true },
}

-- Traits by which rows are hidden or numbers read in a way of their own: of users who
-- are no administrators.
local USERS = { ["private-owners"] = true, ["rows-hidden-after-limit"] = true,
  ["owners-checked"] = true, ["user-form"] = true, ["own-user-only"] = true,
  ["owner-workflow"] = true, ["owner-workflow-late"] = true }
local PEERS = { initiative = "jbrunel", vtiger8 = "jdupont", ["vtiger8-stock"] = "jdupont",
  corebos = "jeanne" }
local PEER_ID = "19x5" -- in all of them

-- The traits and the profiles, as the sandbox itself tells them.
local function known()
  local traits, profiles, has = {}, {}, {}
  for line in harness.lines_of_sandbox() do
    local kind, name, list = line:match "^(%l+)\t([^\t]+)\t?(.*)$"
    if kind == "trait" then
      traits[#traits + 1] = name
    else
      profiles[#profiles + 1] = name
      has[name] = {}
      for trait in list:gmatch "[%w-]+" do
        has[name][trait] = true
      end
    end
  end
  return traits, profiles, has
end

local function merge(to, from)
  for name in pairs(from) do
    to[name] = true
  end
end

-- What a job may leave to a person: what any of its traits and faults makes unknowable.
local function may_leave(names)
  local leaves
  for _, name in ipairs(names) do
    local one = unknowable.by_name[name]
    if one then
      leaves = leaves or { resends = true, open = true, not_undone = true }
      leaves.stops = leaves.stops or one.stops
      merge(leaves, one.leaves)
    end
  end
  return leaves
end

-- Everything that is at work in a job: its own, and its profile's.
local function at_work(cell, has)
  local names = table.move(cell.names, 1, #cell.names, 1, {})
  for trait in pairs(has[cell.profile]) do
    names[#names + 1] = trait
  end
  return names
end

local function job_of(cell, args, rows)
  local options = { rows = rows, profile = cell.profile, worker = { "settle=0.2" },
    name = cell.profile .. " " .. table.concat(cell.names, ",") }
  local traits, faults = {}, { ("seed=%d"):format(args.seed * 1000 + cell.number), WEATHER }
  for _, name in ipairs(cell.names) do
    local settings = SETTINGS[name] or {}
    if FAULTS[name] then
      faults[#faults + 1] = FAULTS[name]
    else
      traits[#traits + 1] = settings.value and name .. "=" .. settings.value or name
    end
    faults[#faults + 1] = settings.faults
    options.owners_move = options.owners_move or settings.owners_move
    if USERS[name] then
      options.user, options.owner = PEERS[cell.profile], PEER_ID
    end
    table.move(settings.worker or {}, 1, #(settings.worker or {}), #options.worker + 1,
      options.worker)
  end
  options.traits = #traits > 0 and table.concat(traits, ",") or nil
  options.faults = table.concat(faults, "; ")
  return harness.job(options)
end

-- Applied and resumed, killed up to three times; then taken back, killed up to twice.
local function run_cell(tally, cell, args, rows, has)
  local job, leaves = job_of(cell, args, rows), may_leave(at_work(cell, has))
  local when = tallies.at_some_point(rows)
  local may_stop = leaves and leaves.stops
  local finished = tallies.kill_and_finish(job, tally, 3, when)
  local is_good = tallies.add(tally, job, finished or may_stop, leaves)
  if is_good and finished then
    finished = tallies.kill_and_finish(job, tally, 2, when, { undo = 1 })
    is_good = tallies.add(tally, job, finished or may_stop, leaves, true)
  end
  tallies.close(job, is_good)
end

local function draw(list)
  return list[math.random(#list)]
end

-- Each profile as it is, each trait and fault alone, then pairs.
local function cells_of(args)
  local traits, profiles, has = known()
  local cells, words = {}, table.move(traits, 1, #traits, 1, {})
  local function add(profile, ...)
    cells[#cells + 1] = { number = #cells + 1, profile = profile, names = { ... } }
  end
  for name in pairs(FAULTS) do
    words[#words + 1] = name
  end
  table.sort(words)
  for _, profile in ipairs(profiles) do
    add(profile)
  end
  for i, word in ipairs(words) do
    if not args.quick or i % 4 == args.seed % 4 then
      add("initiative", word)
    end
  end
  for _ = 1, args.runs or (args.quick and 6 or 40) do
    local one, other = draw(words), draw(words)
    add(draw(profiles), one, other ~= one and other or nil)
  end
  return cells, has
end

local function say_unknowable()
  for _, one in ipairs(unknowable.LIST) do
    tallies.say("  left to a person where %s: %s", one.name, one.why)
  end
end

--- Run one job: a profile, with traits and faults by name.
-- @param tally table of spec.soak.tally
-- @param cell table `profile`, `names`, `number` (of its chances)
-- @param args table `seed`
-- @param rows integer
function matrix.one(tally, cell, args, rows)
  run_cell(tally, cell, args, rows, select(3, known()))
end

function matrix.run(args)
  local tally = tallies.new("traits", { kills = true, faults = true })
  math.randomseed(args.seed)
  local cells, has = cells_of(args)
  for _, cell in ipairs(cells) do
    run_cell(tally, cell, args, args.rows or (args.quick and 24 or 60), has)
  end
  tallies.report(tally)
  say_unknowable()
  return tally
end

return matrix
