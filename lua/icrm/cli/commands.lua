--- Commands that can be pasted into a shell: in these words the desk speaks of what
-- can be done.
-- @module icrm.cli.commands

local cures = require "icrm.cures"
local option_words = require "icrm.cli.words"

local M = {}

-- The command of each act, or a function that says its options. FILE is the change
-- set's, or the file that is imported.
local COMMANDS = {
  resume = { "resume", "FILE" },
  undo = { "undo", "FILE" },
  mark_done = { "unknown", "FILE", "mark-done" },
  mark_absent = { "unknown", "FILE", "mark-absent" },
  describe = { "describe" },
  modules = { "modules" },
  suggest = { "import", "FILE", "--module", "MODULE", "--suggest" },
}

function COMMANDS.feed(column, field)
  return "--map " .. M.word(("%s=%s"):format(column, field))
end

function COMMANDS.refer(field, key, column)
  return "--ref " .. M.word(("%s=%s:{%s}"):format(field, key, column))
end

function COMMANDS.translate(column, from, to)
  return "--value " .. M.word(option_words.join(":=", column, from, to))
end

--- Write a word as a shell takes it: in apostrophes where it needs them.
---
--- @param word string
--- @return string
function M.word(word)
  if word:find "^[%w_./:@%%+=,-]+$" then
    return word
  end
  return "'" .. word:gsub("'", "'\\''") .. "'"
end

local chosen = {} -- the words that chose the CRM

--- Keep what chose the CRM: the commands that are suggested go to the same one.
---
--- @param args table `profile`, `url`
function M.remember(args)
  for _, option in ipairs { "profile", "url" } do
    if args[option] then
      chosen = { "--" .. option, M.word(args[option]) }
    end
  end
end

--- Write a command that can be pasted into a shell; it goes to the same CRM.
---
--- @param ... string|number the words behind icrm-lua
--- @return string
function M.write(...)
  local words = { "icrm-lua" }
  for _, word in ipairs { ... } do
    words[#words + 1] = M.word(tostring(word))
  end
  return table.concat(table.move(chosen, 1, #chosen, #words + 1, words), " ")
end

local function flag_of(name)
  return "--" .. name:gsub("_", "-")
end

--- How an option is said.
---
--- @param name string
--- @param value any
--- @return string
function M.option(name, value)
  local words = {}
  for _, one in ipairs(type(value) == "table" and value[1] and value or { value }) do
    words[#words + 1] = flag_of(name)
    words[#words + 1] = one ~= "true" and M.word(tostring(one)) or nil
  end
  return table.concat(words, " ")
end

--- The command of an act, see icrm.cures.
---
--- @param name string
--- @param arguments any[]
--- @param options table[] name, value
--- @param filled table<string, any> what words of capitals stand for
--- @return string
function M.act(name, arguments, options, filled)
  local command, words = COMMANDS[name], {}
  for i, argument in ipairs(arguments) do
    arguments[i] = tostring(argument)
  end
  if type(command) == "function" then
    return command(table.unpack(arguments))
  end
  for _, word in ipairs(command) do
    words[#words + 1] = filled[word] or word
  end
  table.move(arguments, 1, #arguments, #words + 1, words)
  for _, one in ipairs(options) do
    words[#words + 1] = flag_of(one.name)
    words[#words + 1] = one.value
  end
  return M.write(table.unpack(words))
end

cures.speak(M)

return M
