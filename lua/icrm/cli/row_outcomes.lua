--- What became of every row of the files of a change set: no row is passed over.
-- @module icrm.cli.row_outcomes

local inputs = require "icrm.cli.inputs"
local script = require "icrm.cli.script"

local M = {}

-- The words for a row, the gravest first: a row with several records is what the gravest
-- of them is.
local WORDS = { "unknown", "failed", "held back by one that failed", "not sent", "created",
  "updated", "exists already", "unchanged", "left out" }
local RANK = {}
for i, word in ipairs(WORDS) do
  RANK[word] = i
end

local STATES = { unknown = "unknown", sending = "unknown", needs_human = "unknown",
  failed = "failed", blocked = "held back by one that failed", planned = "not sent" }
local DONE = { create = "created", attach = "created", update = "updated" }
local SKIPPED = { UNCHANGED = "unchanged", EXISTS = "exists already", NO_KEY = "left out",
  NO_MATCH = "left out", MERGED = "updated" }

local function word_of(change)
  return STATES[change.state] or change.state == "done" and DONE[change.operation]
    or SKIPPED[change.code] or "left out"
end

-- For each file: line → rank of what became of it.
local function ranks_of(set, list)
  local ranks = {}
  for i = 1, #list do
    ranks[i] = {}
  end
  for change in set.store:outcomes() do
    local its, rank = ranks[inputs.number_of(list, change.key)], RANK[word_of(change)]
    its[change.line] = math.min(rank, its[change.line] or rank)
  end
  return ranks
end

local function tell(input, name, ranks)
  local counts, known, parts = {}, 0, {}
  for _, rank in pairs(ranks) do
    counts[rank], known = (counts[rank] or 0) + 1, known + 1
  end
  for rank = #WORDS, 1, -1 do
    if counts[rank] then
      table.insert(parts, 1, ("%d %s"):format(counts[rank], WORDS[rank]))
    end
  end
  local totals = math.tointeger(input.totals) or 0
  if totals > 0 then
    parts[#parts + 1] = script.counted(totals, "total") .. " left out"
  end
  local rest = input.rows - known - totals
  if rest > 0 then
    parts[#parts + 1] = ("%d without a record of their own"):format(rest)
  end
  return ("%s of %s: %s"):format(script.counted(input.rows, "row"), name,
    table.concat(parts, ", "))
end

--- Account for the rows of each file of a set.
---
--- @param set icrm.ChangeSet
--- @return string[] lines none where the rows came from no file
function M.lines(set)
  local list, lines = inputs.told(set), {}
  local ranks = ranks_of(set, list)
  for i, input in ipairs(list) do
    if math.tointeger(input.rows) then
      lines[#lines + 1] = tell(input, inputs.name_of(list, i), ranks[i])
    end
  end
  return lines
end

return M
