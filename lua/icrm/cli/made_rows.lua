--- The rows of a file whose records are in the CRM, with the ids of these: the way from a
-- file to the file of what belongs to it.
-- @module icrm.cli.made_rows

local copies = require "icrm.import.copy"
local inputs = require "icrm.cli.inputs"
local json = require "icrm.json"
local tables = require "icrm.cli.table"

local M = {}

local DONE = { create = "created", update = "updated", attach = "attached" }
local SKIPPED = { UNCHANGED = "unchanged", EXISTS = "exists" }

-- What became of a change whose record is in the CRM; nil of any other.
local function word_of(set, change)
  if change.state == "done" then
    return change.record and DONE[change.operation]
  elseif change.code == "MERGED" then
    local earlier = set.store:each { record = change.record, states = { "done" } }()
    return earlier and DONE[earlier.operation]
  end
  return change.state == "skipped" and change.record and SKIPPED[change.code]
end

-- A record that several rows share is made by the first of them; the others refer to it.
local function add_parents(set, names, change, row)
  for _, key in pairs(json.decode(change.refs)) do
    local name = inputs.name_in(names, key)
    local parent = name and not row[name] and set.store:by_key(key)
    if parent and word_of(set, parent) then
      row[name] = { parent.record, parent.line == change.line and word_of(set, parent) or "shared" }
    end
  end
end

-- Line → name of a record → its id and what became of it.
local function made_lines(set, list, number)
  local lines, names = {}, list[number].records
  for change in set.store:each { has = { "line" } } do
    local word = inputs.number_of(list, change.key) == number and word_of(set, change)
    local name = word and (inputs.name_in(names, change.key) or names[1] or change.module)
    if word then
      local row = lines[change.line] or {}
      row[name] = { change.record, word }
      lines[change.line] = row
    end
    if word and #names > 1 and change.refs then
      add_parents(set, names, change, lines[change.line])
    end
  end
  return lines
end

-- The headings of the columns that are added; one record of a row needs no name.
local function headings_of(names)
  if #names < 2 then
    return { "icrm_id", "icrm_done" }
  end
  local headings = {}
  for _, name in ipairs(names) do
    table.insert(headings, ("icrm_%s_id"):format(name))
    table.insert(headings, ("icrm_%s_done"):format(name))
  end
  return headings
end

local function cells_of(names, row)
  local cells = {}
  for _, name in ipairs(#names < 2 and { (next(row)) } or names) do
    local one = row[name] or { "", "" }
    table.insert(cells, one[1])
    table.insert(cells, one[2])
  end
  return cells
end

local function write_list(set, write, form)
  local list = tables.to(write, form or "csv", { "key", "operation", "module", "record", "done" })
  local n = 0
  for change in set.store:each() do
    local word = word_of(set, change)
    if word then
      n = n + 1
      list:add { key = change.key, operation = change.operation, module = change.module,
        record = change.record, done = word }
    end
  end
  list:close()
  return n
end

--- Write the rows of a file whose records are in the CRM, each with the id of its record
--- and what was done: created, updated, unchanged, exists. Where a row makes several
--- records each has two columns of its own. Of a change set without a file it is a list of the
--- changes.
---
--- @param set icrm.ChangeSet
--- @param write fun(piece: string)
--- @param number? integer which of the files of the set; 1
--- @param form? "csv"|"xlsx" what is written; "csv"
--- @return integer count of the rows written
--- @return string[] notes what to say about them
function M.write(set, write, number, form)
  local list = inputs.told(set)
  number = number or 1
  if #list == 0 then
    return write_list(set, write, form), {}
  end
  local input = list[number]
  local path, lines = inputs.check(input), made_lines(set, list, number)
  return copies.write(path, input, headings_of(input.records), function(line)
    return lines[line] and cells_of(input.records, lines[line])
  end, write, form), {}
end

return M
