--- An import as a change set: rows that exist already become updates, all
--- others creations.
-- @module icrm.import.plan

local advice = require "icrm.import.advice"
local change = require "icrm.import.change"
local cures = require "icrm.cures"
local errors = require "icrm.error"
local existence = require "icrm.import.existence"
local fault_lists = require "icrm.import.faults"
local limits = require "icrm.limits"
local map = require "icrm.map"
local matching = require "icrm.import.matching"
local uniqueness = require "icrm.changes.plan.uniqueness"
local waiting = require "icrm.import.waiting"

local M = {}

local blame = change.blame

local LOOK_UPS = 16 -- under way at once

-- What to do about a value that the CRM takes once.
local ADVICE = {
  twice = "remove one of the rows",
  taken = function(field)
    return cures.say("take the row out, or let the key find the record: {key=FIELD}",
      { FIELD = field })
  end,
}

local function check_references(filler, record, items)
  filler.existence:check(record.schema, items, function(item, field, id)
    blame(filler, record, item, field.name, "is no record or owner that this user may see",
      "mend the id", id)
  end)
end

local function add_batch(filler, batch)
  local record = batch.record
  check_references(filler, record, batch.items)
  for _, item in ipairs(batch.items) do
    filler.waiting:add(item, record.is_parent or record.is_referred, function()
      return #item.faults == 0 and change.add(filler, record, item, batch) or change.FAILED
    end)
  end
end

local function place_of(filler, item)
  return ("row %d%s"):format(item.row, #filler.jobs > 1 and " of " .. item.job.source.path or "")
end

-- Rows that refer to one another in a circle: none of them can be made first.
local function blame_circles(filler, records)
  for _, circle in ipairs(filler.waiting:circles()) do
    local first, path = circle[1], {}
    for i, item in ipairs(circle) do
      path[i] = place_of(filler, item)
    end
    local field
    for name, key in pairs(first.refs) do
      field = (key == (circle[2] or first).key or not field) and name or field
    end
    blame(filler, records[first.record], first, field, ("refers to itself, through others: %s → %s")
      :format(table.concat(path, " → "), place_of(filler, first)),
      "empty the cell in one of these rows, and fill it once the records are there")
  end
end

-- How many faults there are in all files, and the lines that tell them.
local function all_faults(filler)
  local count, lines, is_whole = 0, advice.of_references(filler.jobs), true
  for _, job in ipairs(filler.jobs) do
    local more, all_told = filler.faults[job]:lines()
    count = count + filler.faults[job].count
    is_whole = is_whole and all_told
    table.move(more, 1, #more, #lines + 1, lines)
  end
  return count, lines, is_whole
end

local function paths_of(jobs)
  local paths = {}
  for i, job in ipairs(jobs) do
    paths[i] = job.source.path
  end
  return table.concat(paths, ", ")
end

-- Raise the faults as one error.
local function refuse_faults(filler, opts)
  local count, lines, is_whole = all_faults(filler)
  if count == 0 then
    return
  end
  local summary = ("%s: %d fault%s; nothing was sent"):format(paths_of(filler.jobs), count,
    count == 1 and "" or "s")
  if not is_whole and not opts.on_faults and opts.see_all then
    summary = summary .. "; " .. opts.see_all
  end
  for i = 1, opts.say and #lines or 0 do
    opts.say("%s", lines[i])
  end
  for i, job in ipairs(opts.on_faults and filler.jobs or {}) do
    opts.on_faults(filler.faults[job], job, i)
  end
  lines[#lines + 1] = summary
  errors.refuse { message = opts.say and summary or table.concat(lines, "\n") }
end

--- How the records of an import are found again when an answer is lost: by a
--- tag field, else by the key that tells which exist.
---
--- @param job icrm.import.Job
--- @param tag? string a text field of every module of the import
--- @return table witness for icrm.changes.create
function M.witness(job, tag)
  local witness = {}
  for _, record in ipairs(job.records) do
    local field, one = nil, nil
    if tag then
      field, one = record.schema:field(tag)
    end
    if one then
      errors.refuse("the tag: %s; %s", one.message, one.cure)
    elseif field then
      witness[record.module] = { tag = field.name }
    elseif record.existing and not record.is_by_id then
      witness[record.module] = { key = record.existing }
    end
  end
  return witness
end

-- The rows of the job in batches of one record each; their own faults are noted.
local function batches(filler, job, records)
  local next_item, kept = job:items(), nil
  return function()
    local items, record = { kept }, kept and records[kept.record]
    kept = nil
    while next_item and #items < limits.VALUES_PER_QUERY do
      local item = next_item()
      for _, one in ipairs(item and item.faults or {}) do
        change.add_fault(filler, item, one)
      end
      local its_record = item and records[item.record] -- none: it is not known which the row makes
      if not item then
        next_item = nil
      elseif its_record and record and its_record ~= record then
        kept = item
        break
      elseif its_record then
        record = its_record
        items[#items + 1] = item
      end
    end
    if record then
      matching.note_keys(filler, record, items)
      return { record = record, items = items, rows_read = job:progress() }
    end
  end
end

local function new_filler(job, set, opts)
  local filler = { crm = job.crm, set = set, jobs = job.jobs, number_of = {}, faults = {},
    on_match = opts.on_match or "update", no_match = opts.no_match or "create",
    empty = opts.empty, empty_key = opts.empty_key, seen = { rows = {}, keys = {} },
    without_key = 0,
    waiting = waiting.new(), existence = existence.new(job.crm),
    uniqueness = uniqueness.new(job.crm, ADVICE) }
  for i, one in ipairs(job.jobs) do
    filler.number_of[one] = i
    filler.faults[one] = fault_lists.new(function(...) return one:describe_fault(...) end,
      { by_row = opts.on_faults ~= nil })
  end
  return filler
end

--- Plan an import. When anything is wrong with its rows, all of that is raised as
--- one error.
---
--- @param job icrm.import.Job|icrm.import.Files
--- @param set icrm.ChangeSet
--- @param opts? table on_match: "update" (the default), "skip" or "error"; no_match:
---   "create" (the default), "skip" or "error" a row whose key no record has; empty:
---   "keep" or "clear" an existing value whose cell is empty; empty_key: "create"
---   or "skip" a row whose key is empty; say: function(format, ...) that gets the
---   faults line by line, else they are part of the error's message; on_faults: function
---   that gets, of each file, the icrm.import.Faults, which know what is wrong with each
---   row, its job and number; see_all: a
---   sentence for where it is not given and not every row was named; on_rows:
---   function that is called with job:progress() now and then. Where an answer is needed
---   and not given, the rows are faults.
--- @return integer without_key rows whose key is empty
function M.fill(job, set, opts)
  opts = opts or {}
  local filler = new_filler(job, set, opts)
  local records = {}
  for _, record in ipairs(job.records) do
    matching.check(record)
    records[record.name] = record
  end
  for batch in map.imap(batches(filler, job, records), function(batch)
    batch.ok, batch.found, batch.near, batch.taken = pcall(matching.look_up, filler, batch.record,
      batch.items)
  end, { concurrency = LOOK_UPS }) do
    if not batch.ok then -- raised here, for the number of a batch says nothing to anybody
      error(batch.found, 0)
    end
    add_batch(filler, batch)
    if opts.on_rows then
      opts.on_rows(batch.rows_read)
    end
  end
  blame_circles(filler, records)
  refuse_faults(filler, opts)
  for _, one in ipairs(job.jobs) do
    one:check_unchanged()
  end
  set:seal()
  return filler.without_key
end

return M
