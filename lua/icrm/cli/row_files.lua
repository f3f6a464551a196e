--- The files of rows that a command writes when its run is over: what was not applied,
-- and what was.
-- @module icrm.cli.row_files

local commands = require "icrm.cli.commands"
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

--- Refuse what could not be written, before anything is sent.
---
--- @param set icrm.ChangeSet
--- @param args table options errors and success: paths
function M.check(set, args)
  for _, one in ipairs(ROW_FILES) do
    if args[one.name] then
      output.check(args[one.name], "--" .. one.name)
      for _, input in ipairs(inputs.of(set)) do
        inputs.check(input)
      end
    end
  end
end

local function write_row_file(set, one, path)
  local ok, n, notes = pcall(output.write, path, function(write)
    return one.write(set, write)
  end, ("make room, then: %s >%s"):format(script.command(one.name, set.path),
    commands.word(path)))
  if not ok then
    return exits.leave(n)
  end
  script.say("%s in %s", script.counted(n, "row"), path)
  script.say_all(notes)
end

--- Write the files that the options name.
---
--- @param set icrm.ChangeSet
--- @param args table options errors and success: paths
function M.write(set, args)
  for _, one in ipairs(ROW_FILES) do
    if args[one.name] then
      write_row_file(set, one, args[one.name])
    end
  end
end

return M
