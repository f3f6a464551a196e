--- The files that the rows of a change set came from, as its header tells of them.
-- @module icrm.cli.inputs

local core = require "icrm.core"
local errors = require "icrm.error"
local json = require "icrm.json"
local script = require "icrm.cli.script"

local M = {}

--- Describe a file that is read for a change set.
---
--- @param job icrm.import.Job
--- @param sha256 string of the file
--- @return table input for the option `sources` of icrm.changes.create
function M.describe(job, sha256)
  local records = {}
  for i, record in ipairs(job.records) do
    records[i] = record.name
  end
  local source = job.source
  return { path = source.path, full_path = core.files.full_path(source.path), sha256 = sha256,
    sheet = source.format.number, skip = source.format.skip, records = records,
    encoding = source.format.encoding, delimiter = source.format.delimiter,
    rows = job.rows + #job.totals, totals = #job.totals }
end

-- The path from the root, without `.` and `..`.
local function plain(path)
  local parts = {}
  for part in core.files.full_path(path):gmatch "[^/]+" do
    if part == ".." then
      parts[#parts] = nil
    elseif part ~= "." then
      parts[#parts + 1] = part
    end
  end
  return table.concat(parts, "/")
end

--- Whether two paths lead to one file, or would if it were there.
---
--- @param one string
--- @param other string
--- @return boolean
function M.is_same_path(one, other)
  return plain(one) == plain(other) or core.files.are_one(one, other)
end

-- Where the file is now: where it was, seen from any folder, or where the name leads.
local function find(input)
  for _, path in ipairs { input.full_path, input.path } do
    if core.files.exists(path) then
      return path
    end
  end
end

-- Whoever made the file of a change set, only a list of this form is followed.
local function is_input(one)
  return type(one) == "table" and type(one.path) == "string" and type(one.full_path) == "string"
    and type(one.sha256) == "string" and type(one.records) == "table"
end

--- The files of a change set, as its header has them: nobody looks where they are now.
---
--- @param set icrm.ChangeSet
--- @return table[] inputs path, full_path, sha256, sheet, skip, encoding and delimiter of a CSV
---   file, records, rows (how many), totals (how many of them are totals, and left out)
function M.told(set)
  local header = set.store:header()
  local list, inputs = json.decode(header.sources or "[]"), {}
  for i, one in ipairs(type(list) == "table" and list or {}) do
    inputs[i] = is_input(one) and one or nil
  end
  if #inputs == 0 and header.source_sha256 ~= "" then -- a script of its own named one file
    inputs[1] = { path = header.source, full_path = header.source,
      sha256 = header.source_sha256, records = {} }
  end
  return inputs
end

-- Where a file is now, nil when it is gone, and whether its bytes are those that were
-- planned: all of it is read.
local function look(input)
  local found = find(input)
  return found, found ~= nil
    and errors.check(core.digest.sha256_file(found)) == input.sha256
end

--- Refuse a file that is not any more as it was planned: its rows cannot be copied.
---
--- @param input table of `told`
--- @return string path where it is now
function M.check(input)
  local found, is_same = look(input)
  if not is_same then
    errors.refuse("%s is %s when it was planned; its rows cannot be copied from it",
      input.path, found and "not as it was" or "not where it was")
  end
  return found
end

--- Refuse to write over one of the files.
---
--- @param path string
--- @param option string the name of the option that names it
--- @param inputs table[] of `told`
function M.check_apart(path, option, inputs)
  for _, input in ipairs(inputs) do
    if M.is_same_path(path, input.full_path) then
      errors.refuse("--%s must not write over %s, which the rows came from", option, input.path)
    end
  end
end

--- The record of a mapping that a change is one of: its key begins with the name.
---
--- @param names string[]
--- @param key string of the change
--- @return string? name
function M.name_in(names, key)
  for _, name in ipairs(names) do
    if key:sub(1, #name + 1) == name .. ":" then
      return name
    end
  end
end

--- The number of the file that a change came from.
---
--- @param inputs table[]
--- @param key string of the change
--- @return integer
function M.number_of(inputs, key)
  for i, input in ipairs(#inputs > 1 and inputs or {}) do
    if M.name_in(input.records, key) then
      return i
    end
  end
  return 1
end

-- Whether another of the files is a sheet of the same workbook.
local function shares_book(inputs, number)
  for i, other in ipairs(inputs) do
    if i ~= number and other.path == inputs[number].path then
      return true
    end
  end
  return false
end

--- What a person calls one of the files: a sheet of it is named where there are several.
---
--- @param inputs table[]
--- @param number integer
--- @return string
function M.name_of(inputs, number)
  local input = inputs[number]
  return shares_book(inputs, number) and ("%s, sheet %s"):format(input.path, input.sheet)
    or input.path
end

-- What a file is called in the names of others: without its folder and ending.
local function stem_of(inputs, number)
  local stem = inputs[number].path:match "[^/]*$":gsub("(.)%.%w+$", "%1")
  return shares_book(inputs, number) and ("%s-%s"):format(stem, inputs[number].sheet) or stem
end

--- The path of a file that is written for one of several files of a set: `ids.csv` is
--- `ids-contacts.csv` for contacts.xlsx.
---
--- @param path string
--- @param inputs table[]
--- @param number integer
--- @return string path as it is for a single file
function M.path_for(path, inputs, number)
  if #inputs < 2 then
    return path
  end
  local stem = stem_of(inputs, number)
  for i in ipairs(inputs) do
    if i ~= number and stem_of(inputs, i) == stem then
      stem = ("%s-%d"):format(stem, number)
      break
    end
  end
  local before, ending = path:match "^(.+)(%.%w+)$"
  return ("%s-%s%s"):format(before or path, stem, ending or "")
end

--- Choose one of the files of a set for a command that writes the rows of one.
---
--- @param set icrm.ChangeSet
--- @param name? string its name or number
--- @return integer number
function M.choose(set, name)
  local list, names, by_base = M.told(set), {}, {}
  for i, input in ipairs(list) do
    local base = input.path:match "[^/]*$"
    names[i] = ("%d (%s)"):format(i, M.name_of(list, i))
    if name == tostring(i) or name == input.path then
      return i
    elseif name == base then
      by_base[#by_base + 1] = i
    end
  end
  if #by_base == 1 then
    return by_base[1]
  elseif name or #list > 1 then
    errors.refuse("say which file's rows: --of %s", table.concat(names, ", "))
  end
  return 1
end

--- Say which files were changed since the change set was planned: what is sent is
--- what they held then.
---
--- @param set icrm.ChangeSet
function M.say_changed(set)
  for _, input in ipairs(M.told(set)) do
    local found, is_same = look(input)
    if found and not is_same then
      script.say("%s was changed since this was planned; its rows are sent as they were then%s",
        input.path, set:is_begun() and "" or ". To plan it anew, run the same import again")
    end
  end
end

return M
