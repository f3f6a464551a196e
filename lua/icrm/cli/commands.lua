--- Commands that can be pasted into a shell: in these words the desk speaks of what
-- can be done.
-- @module icrm.cli.commands

local core = require "icrm.core"
local cures = require "icrm.cures"
local option_words = require "icrm.cli.words"

local M = {}

local STDERR = 2

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

-- On a terminal as it was given, for the person stands in this folder; a log or a mail of
-- cron is read in any other, so there it is in full.
local function path_for_reader(path)
  return core.terminal_columns(STDERR) and path or core.files.full_path(path)
end

--- Write the path of a file as a shell takes it, so that it leads there for who reads it.
---
--- @param path string
--- @return string
function M.path(path)
  return M.word(path_for_reader(path))
end

local function url_word(url)
  return M.word((url:gsub("^(sandbox:)([^?]+)", function(scheme, path)
    return scheme .. path_for_reader(path)
  end)))
end

local chosen = {} -- the words that chose the CRM, as a shell takes them

--- Keep what chose the CRM: the commands that are suggested go to the same one.
---
--- @param args table `profile`, `url`
function M.remember(args)
  if args.url then
    chosen = { "--url", url_word(args.url) }
  elseif args.profile then
    chosen = { "--profile", M.word(args.profile) }
  end
end

-- A command of words that a shell takes, to the CRM that was chosen.
local function command_of(words)
  return table.concat(table.move(chosen, 1, #chosen, #words + 1, words), " ")
end

local function add(words, ...)
  for _, word in ipairs { ... } do
    words[#words + 1] = M.word(tostring(word))
  end
  return words
end

--- Write a command on a file that can be pasted into a shell; it goes to the same CRM.
---
--- @param verb string
--- @param path string of the file, see `path`
--- @param ... string|number the words behind it
--- @return string
function M.write(verb, path, ...)
  return command_of(add({ "icrm-lua", verb, M.path(path) }, ...))
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
  local command, words = COMMANDS[name], { "icrm-lua" }
  for i, argument in ipairs(arguments) do
    arguments[i] = tostring(argument)
  end
  if type(command) == "function" then
    return command(table.unpack(arguments))
  end
  for _, word in ipairs(command) do
    words[#words + 1] = word == "FILE" and filled.FILE and M.path(filled.FILE)
      or M.word(tostring(filled[word] or word))
  end
  add(words, table.unpack(arguments))
  for _, one in ipairs(options) do
    add(words, flag_of(one.name), one.value)
  end
  return command_of(words)
end

cures.speak(M)

return M
