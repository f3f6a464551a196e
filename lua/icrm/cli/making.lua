--- Making a change set for a command: a file of its own, filled, or none at all.
-- @module icrm.cli.making

local changes = require "icrm.changes"
local commands = require "icrm.cli.commands"
local core = require "icrm.core"
local errors = require "icrm.error"
local exits = require "icrm.cli.exits"
local inputs = require "icrm.cli.inputs"
local moments = require "icrm.moments"
local notes_module = require "icrm.changes.journal.notes"
local progress_module = require "icrm.cli.progress"
local row_filter = require "icrm.cli.row_filter"
local script = require "icrm.cli.script"
local state = require "icrm.changes.journal.state"

local M = {}

-- What the user may do with a change set that is there already.
local function cure_for(set)
  if set.is_torn then
    return "its planning was interrupted, and nothing of it was sent; remove it, or name another"
  elseif set.store:how_many { states = state.REMAINING } == 0 then
    return "it is a change set that was applied, and undo needs it; to make all that has no key "
      .. "a second time, name another"
  elseif set:is_begun() then
    return ("it is a change set that is not finished; go on with %s, or name another"):format(
      script.command("resume", set.path))
  end
  return ("it is a plan of which nothing was sent; send it with %s, or name another"):format(
    script.command("apply", set.path))
end

-- A plan of the same source of which nothing was sent may be made anew.
local function is_replaceable(set, source)
  return source ~= nil and not set:is_begun() and set.store:get_meta "source" == source
end

-- The change set in the way of a new one, opened, when the new one may replace it;
-- nil when nothing is in the way. All else ends the program.
local function in_the_way(path, source)
  if not core.files.exists(path) then
    return nil
  end
  local ok, set = pcall(changes.open, nil, path)
  if not ok and errors.is(set, "store") and set.code == "LOCKED" then
    exits.leave(set)
  end
  local cure = "it is no change set that can be read; name another"
  if ok and is_replaceable(set, source) then
    return set
  elseif ok then
    cure = cure_for(set)
    set:close()
  end
  errors.refuse("%s exists: %s with --out, such as %s", path, cure,
    commands.path(path:gsub("%.icrm$", "") .. os.date "-%Y%m%d.icrm"))
end

--- Refuse to write over a file, before time is spent on its contents.
---
--- @param path string of the change set to be made
--- @param source? string what it is made from: a plan of the same of which nothing was
---   sent may be replaced
function M.check_new(path, source)
  local set = in_the_way(path, source)
  if set then
    set:close()
  end
end

local function replace(path, source)
  local set = in_the_way(path, source)
  if set then
    set.store:remove()
    script.say("  %s was planned before, and nothing of it was sent: it is planned anew", path)
  end
end

-- A plan that could not be written ends with a code of its own; nothing else does,
-- for there is nothing to be resumed.
local function fail(err)
  if errors.is(err, "store") then
    exits.leave(err)
  end
  error(err, 0)
end

--- Make a change set and fill it; when that fails no file is left behind. A set
--- without a single change ends the program.
---
--- @param path string its file
--- @param make function returns the icrm.ChangeSet
--- @param fill? function called with it, returns what to say when there is nothing
---   to do; its errors are raised again
--- @param source? string see check_new
--- @return icrm.ChangeSet
function M.make(path, make, fill, source)
  replace(path, source)
  local ok, set = pcall(make)
  if not ok then
    fail(set)
  end
  local is_filled, found = pcall(fill or function() end, set)
  if not is_filled then
    set.store:remove()
    fail(found)
  elseif set.store:count() == 0 then
    set.store:remove()
    script.say("%snothing to do", found and found .. "; " or "")
    os.exit(exits.DONE, true)
  end
  return set
end

--- A line on the terminal while a change set is filled; for programs, what is sent
--- counts.
---
--- @param client icrm.Client
--- @param args table options of add_options
--- @param label string what is counted
--- @param total? integer
--- @return icrm.Progress to be closed before anything else is said
function M.planning(client, args, label, total)
  return progress_module.new { label = label, total = total,
    mode = args.progress == "auto" and "auto" or "off",
    waits = function() return client.core:waits() end }
end

--- Plan one change for each record that a query finds.
---
--- @param client icrm.Client
--- @param args table options of add_options, module and out
--- @param name string of the script
--- @param query icrm.Query
--- @param add fun(set: icrm.ChangeSet, record: icrm.Record)
--- @param test? fun(record: icrm.Record): boolean that its records must pass
--- @return icrm.ChangeSet
--- @return string found how many records match
function M.plan_each(client, args, name, query, add, test)
  local out, found = args.out or script.dated_name(args.module), nil
  local plan = M.make(out, function()
    return changes.create(client, out, { script = name })
  end, function(set)
    local progress <close> = M.planning(client, args, "records planned")
    for record in row_filter.rows(query:each(), test) do
      add(set, record)
      progress:step()
    end
    set:seal()
    found = ("%s of %s match"):format(script.counted(progress.done, "record"), args.module)
    return found
  end)
  return plan, found
end

--- Say which files were sent to this CRM before, with another change set.
---
--- @param client icrm.Client
--- @param input string of the change set, a line for each file
--- @param sources table[] the files, each with its `path`
--- @param has_keys boolean whether all of its records are looked for first
--- @param path string the change set
function M.say_sent_before(client, input, sources, has_keys, path)
  local notes <close> = notes_module.open()
  local number = 0
  for one in (notes and input or ""):gmatch "[^\n]+" do
    number = number + 1
    for _, sent in ipairs(notes:sent(one, client.site)) do
      if sent.path ~= core.files.full_path(path) then
        script.say("  %s was sent to this CRM on %s, with %s%s",
          #sources > 1 and sources[number].path or "this very file",
          moments.here(sent.at), sent.path,
          has_keys and "" or "; what has no key would be there twice")
      end
    end
  end
end

--- Say the same of a change set that was planned, and is about to be sent for the
--- first time: another one may have been sent since.
---
--- @param set icrm.ChangeSet with a client
function M.say_sent_meanwhile(set)
  if set:is_begun() or set.store:get_meta "source_sha256" == "" then
    return
  end
  local has_keys = true
  for _, module in ipairs(set.store:modules { operations = state.CREATIONS,
    states = { "planned" } }) do
    has_keys = has_keys and set:witness(module) ~= nil
  end
  M.say_sent_before(set.client, set.store:get_meta "input", inputs.told(set), has_keys,
    set.path)
end

return M
