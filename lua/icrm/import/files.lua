--- Several files in one import, each with its part of the mapping, and references between
--- them: what a row of one file makes is found by the rows of all.
-- @module icrm.import.files

local core = require "icrm.core"
local errors = require "icrm.error"
local import = require "icrm.import"
local references = require "icrm.import.references"
local shape = require "icrm.import.shape"
local siblings = require "icrm.import.siblings"

local M = {}

local Files = { __name = "icrm.import.Files" }
Files.__index = Files

local refuse = errors.refuse

-- ---- Which part of the mapping is whose ---------------------------------------------

--- The file and the sheet that a word of the command line names: `book.xlsx#Contacts`.
---
--- @param word string
--- @return string path
--- @return string? sheet
function M.split(word)
  local path, sheet = word:match "^(.+)#([^#/]+)$"
  if path and not core.files.exists(word) and core.files.exists(path) then
    return path, sheet
  end
  return word
end

local function base_of(word)
  return word:match "[^/]*$"
end

-- Whether a name of the mapping, in which a `*` is any text, means a file.
local function names_file(name, word)
  local pattern = "^" .. name:gsub("%p", "%%%0"):gsub("%%%*", ".*") .. "$"
  return word:find(pattern) ~= nil or base_of(word):find(pattern) ~= nil
    or base_of((M.split(word))):find(pattern) ~= nil
end

local function file_named(name, words, parts)
  local found
  for i, word in ipairs(words) do
    if names_file(name, word) and not parts[i] then
      if found then
        refuse("the mapping's file %q means %s and %s; give each a part of its own, with its "
          .. "folder or its sheet", name, words[found], word)
      end
      found = i
    end
  end
  return found or refuse("the mapping has a part for %q, which is none of the files %s", name,
    table.concat(words, ", "))
end

-- How to read a file may be said once for all.
local function with_common(part, mapping)
  local whole = core.copy(mapping)
  for name, value in pairs(part) do
    whole[name] = value
  end
  whole.files, whole.file = nil, nil
  return whole
end

-- The part of the mapping for each file: by its name, the others in their order.
local function parts_of(mapping, words)
  local parts, at = {}, 1
  if #mapping.files ~= #words then
    refuse("the mapping is for %d files, and %d are given: %s", #mapping.files, #words,
      table.concat(words, ", "))
  end
  for _, part in ipairs(mapping.files) do
    if part.file then
      parts[file_named(part.file, words, parts)] = part
    end
  end
  for _, part in ipairs(mapping.files) do
    if not part.file then
      while parts[at] do
        at = at + 1
      end
      parts[at] = part
    end
  end
  for i, part in ipairs(parts) do
    parts[i] = with_common(part, mapping)
  end
  return parts
end

local function check_words(words)
  local seen = {}
  for _, word in ipairs(words) do
    if seen[word] then
      refuse("%s is given twice", word)
    end
    seen[word] = true
  end
end

-- ---- Opening ------------------------------------------------------------------------

local function open_source(word, part, opts)
  local path, sheet = M.split(word)
  if sheet and part.sheet and part.sheet ~= sheet then
    refuse("%s names the sheet %s, and the mapping %s", word, sheet, part.sheet)
  end
  local how = core.copy(opts)
  how.sheet = sheet or opts.sheet
  return import.open_source(path, how, part)
end

-- The names of records tell the files apart, in the keys of their changes.
local function name_apart(jobs)
  local taken = {}
  for _, job in ipairs(jobs) do
    for _, record in ipairs(job.records) do
      if record.name:find(":", 1, true) then
        refuse("%s: no colon may be in the name of a record", record.name)
      elseif taken[record.name] then
        record.name = ("%s (%s)"):format(record.name, job.name)
      end
      if taken[record.name] then
        refuse("two records of the mapping are named %q; give each a name", record.name)
      end
      taken[record.name] = true
    end
  end
end

-- What stands for others in the columns of one of the files; a column that none of them has
-- is the first one's, which says so.
local function values_for(opened, number, by_heading)
  local its = {}
  for heading, map in pairs(by_heading or {}) do
    local is_there = false
    for _, source in ipairs(opened) do
      is_there = is_there or source:name_of(heading) ~= nil
    end
    if opened[number]:name_of(heading) or not is_there and number == 1 then
      its[heading] = map
    end
  end
  return its
end

local function open_jobs(self, words, parts, opts)
  for i, word in ipairs(words) do
    self.sources[i] = open_source(word, parts[i], opts)
    self.sources[i].others = self.sources
  end
  for i, word in ipairs(words) do
    local job = import.open(self.crm, { source = self.sources[i], mapping = parts[i],
      decimal = opts.decimal, dates = opts.dates, timezone = opts.timezone, null = opts.null,
      values = values_for(self.sources, i, opts.values) })
    job.name = base_of(word)
    job.resolver = self.resolver
    self.jobs[i] = job
    self.rows = self.rows + job.rows
    self.steps = self.steps + job.rows * #job.records
    table.move(job.records, 1, #job.records, #self.records + 1, self.records)
  end
  name_apart(self.jobs)
end

--- Open files for one import.
---
--- @param crm icrm.Client
--- @param words string[] paths; of a workbook's sheet `PATH#SHEET`
--- @param mapping table of one file, or with `files`, a list of one for each
--- @param opts? table as for icrm.import.open, for all of the files
--- @return icrm.import.Files files jobs, records (of all), rows (how many), steps (rows to be
---   read, each as often as it makes records); to be closed
function M.open(crm, words, mapping, opts)
  check_words(words)
  shape.check(mapping)
  if #words > 1 and not mapping.files then
    refuse "several files need a mapping with `files`, a list of what each of them is"
  end
  local self = setmetatable({ crm = crm, sources = {}, jobs = {}, records = {}, rows = 0,
    steps = 0, resolver = references.new(crm) }, Files)
  local ok, err = pcall(open_jobs, self, words,
    mapping.files and parts_of(mapping, words) or { mapping }, opts or {})
  if not ok then
    self:close()
    error(err, 0)
  end
  return self
end

--- Iterate over the records to be made, file by file. @see icrm.import.Job:items
---
--- @return fun(): table? item
function Files:items()
  local noted = siblings.new(self.jobs)
  local next_item, at = nil, 0
  return function()
    while true do
      local item = next_item and next_item()
      if item then
        return item
      end
      at = at + 1
      if not self.jobs[at] then
        return nil
      end
      self.jobs[at].siblings = noted
      next_item = self.jobs[at]:items()
    end
  end
end

-- A count of all files that have been read so far.
local function sum(self, name)
  local n = 0
  for _, job in ipairs(self.jobs) do
    n = n + (job[name] or 0)
  end
  return n
end

--- How far the reading is, in rows; each is read once for each record that it makes.
---
--- @return integer
function Files:progress()
  return sum(self, "rows_read")
end

--- After the last item: how many rows made no record of their own, and how many of these
--- had other values than the first.
---
--- @return integer merged
--- @return integer differing
function Files:repetitions()
  return sum(self, "merged"), sum(self, "differing")
end

--- Close the files.
function Files:close()
  for _, source in ipairs(self.sources) do
    source:close()
  end
end
Files.__close = Files.close

return M
