--- What an import says of its files: how they are read, what they become, and what is
-- wrong with them.
-- @module icrm.cli.importing

local commands = require "icrm.cli.commands"
local destination = require "icrm.cli.destination"
local errors = require "icrm.error"
local failed_rows = require "icrm.cli.failed_rows"
local inputs = require "icrm.cli.inputs"
local output = require "icrm.cli.output"
local script = require "icrm.cli.script"

local M = {}

--- Say how the files are read, and which records no key will find.
---
--- @param files icrm.import.Files
--- @return boolean has_keys whether all of the records are looked for first
function M.say_files(files)
  local always_new = {}
  for _, job in ipairs(files.jobs) do
    script.say("%s: %s, %s", job.source.path, job.source:describe(),
      script.counted(job.rows, "row"))
    for _, note in ipairs(job.notes) do
      script.say("  %s", note)
    end
    for _, record in ipairs(job.records) do
      always_new[#always_new + 1] = not record.existing and record.name or nil
    end
  end
  if #always_new > 0 then
    script.say("  no key, so made anew whatever the CRM has already: %s",
      table.concat(always_new, ", "))
  end
  return #always_new == 0
end

--- Refuse what is said of records that a key finds where there is no key.
---
--- @param files icrm.import.Files
--- @param args table options on_match and no_match
function M.check_keys(files, args)
  for _, record in ipairs(files.records) do
    if record.existing then
      return
    end
  end
  for name, default in pairs { on_match = "update", no_match = "create" } do
    if args[name] ~= default then
      errors.refuse("--%s %s is for records that a key finds: say --key FIELD, or existing in the "
        .. "mapping file", (name:gsub("_", "-")), args[name])
    end
  end
end

-- A file is told from others by its bytes, and the sheet of a workbook.
local function identity_of(job)
  return job.sha256, job.source.sheet and job.sha256 .. " " .. job.source.sheet or job.sha256
end

--- Describe the files for the header of a change set.
---
--- @param files icrm.import.Files
--- @return table header input, source, source_sha256, sources, reading: see
---   icrm.changes.create
function M.header(files)
  local header = { sources = {} }
  local identities, paths, sums, readings = {}, {}, {}, {}
  for i, job in ipairs(files.jobs) do
    sums[i], identities[i] = identity_of(job)
    paths[i], readings[i] = job.source.path, job.reading
    header.sources[i] = inputs.describe(job, sums[i])
  end
  header.input, header.source = table.concat(identities, "\n"), table.concat(paths, ", ")
  header.source_sha256, header.reading = table.concat(sums, " "), table.concat(readings, " | ")
  return header
end

--- Write the files with a column that says what is wrong with each row.
---
--- @param path string
--- @param list table[] the files, as inputs.describe has them; none is written over
--- @return fun(faults: icrm.import.Faults, job: icrm.import.Job, number: integer)
function M.faults_writer(path, list)
  for i in ipairs(list) do
    inputs.check_apart(inputs.path_for(path, list, i), "faults", list)
  end
  return function(faults, job, number)
    if faults.count == 0 then
      return
    end
    local its = inputs.path_for(path, list, number)
    local count = output.write(its, function(write)
      return failed_rows.write_faults(job, faults, write, destination.form_of_rows(its))
    end)
    script.say("%s with faults, marked in %s", script.counted(count, "row"), commands.word(its))
  end
end

--- Say what became of the rows that make no change of their own.
---
--- @param files icrm.import.Files all of whose items were planned
--- @param without_key integer rows whose key is empty
--- @param empty_key? "create"|"skip"
function M.say_planned(files, without_key, empty_key)
  local merged, differing = files:repetitions()
  if merged > 0 then
    script.say("  records that several rows make: %s, %d with other values (the first counts)",
      script.counted(merged, "repetition"), differing)
  end
  if without_key > 0 then
    script.say("  without a key, %s: %s", empty_key == "skip" and "left out"
      or "so nobody looked whether it exists", script.counted(without_key, "row"))
  end
end

return M
