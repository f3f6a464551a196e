--- The files of rows that a command writes when its run is over: what was not applied,
-- and what was.
-- @module icrm.cli.row_files

local commands = require "icrm.cli.commands"
local destination = require "icrm.cli.destination"
local errors = require "icrm.error"
local exits = require "icrm.cli.exits"
local failed_rows = require "icrm.cli.failed_rows"
local inputs = require "icrm.cli.inputs"
local made_rows = require "icrm.cli.made_rows"
local output = require "icrm.cli.output"
local script = require "icrm.cli.script"

local M = {}

-- By the option and the command of one name.
local ROW_FILES = {
  { name = "errors", write = failed_rows.write },
  { name = "success", write = made_rows.write },
}

-- The files that an option asks for, none where it was not given: one for each file that the
-- rows came from.
local function paths_of(path, list)
  local paths = {}
  for i = 1, path and math.max(#list, 1) or 0 do
    paths[i] = inputs.path_for(path, list, i)
  end
  return paths
end

-- Nothing that is needed is written over: the change set, its files, or the other list.
local function check_other(path, option, list, needed)
  inputs.check_apart(path, option, list)
  for _, one in ipairs(needed) do
    if inputs.is_same_path(path, one.path) then
      errors.refuse("--%s must not write over %s", option, one.words)
    end
  end
  table.insert(needed, { path = path, words = ("%s, which --%s writes"):format(path, option) })
end

--- Refuse what could not be written, before anything is sent.
---
--- @param set icrm.ChangeSet
--- @param args table options errors and success: paths
function M.check(set, args)
  if not (args.errors or args.success) then
    return
  end
  local list = inputs.told(set)
  for _, input in ipairs(list) do
    inputs.check(input)
  end
  local needed = { { path = set.path, words = "the change set " .. set.path } }
  for _, one in ipairs(ROW_FILES) do
    for _, path in ipairs(paths_of(args[one.name], list)) do
      check_other(path, one.name, list, needed)
      output.check(path, "--" .. one.name)
    end
  end
end

-- The command that writes a file once more.
local function again(set, one, path, number, form)
  local words = number and { "--of", number } or {}
  if form ~= "csv" then
    table.move({ "-o", form }, 1, 2, #words + 1, words)
  end
  return ("%s >%s"):format(script.command(one.name, set.path, table.unpack(words)),
    commands.path(path))
end

local function write_row_file(set, one, path, number)
  local form = destination.form_of_rows(path)
  local ok, n, said = pcall(output.write, path, function(write)
    return one.write(set, write, number, form)
  end, "make room, then: " .. again(set, one, path, number, form))
  if not ok then
    return exits.leave(n)
  end
  script.say("%s in %s", script.counted(n, "row"), path)
  script.say_all(said)
end

--- Write the files that the options name; where the rows came from several files, one for
--- each.
---
--- @param set icrm.ChangeSet
--- @param args table options errors and success: paths
function M.write(set, args)
  local list = inputs.told(set)
  for _, one in ipairs(ROW_FILES) do
    local paths = paths_of(args[one.name], list)
    for i, path in ipairs(paths) do
      write_row_file(set, one, path, #paths > 1 and i or nil)
    end
  end
end

return M
