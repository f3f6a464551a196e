--- What the scripts of icrm-lua share: options, the connection, questions.
--
-- A script raises what goes wrong; icrm-lua prints it and chooses the exit code
-- (icrm-lua(1)). Data goes to standard output, all else to standard error.
-- @module icrm.cli.script

local argparse = require "argparse"
local commands = require "icrm.cli.commands"
local core = require "icrm.core"
local errors = require "icrm.error"
local destination = require "icrm.cli.destination"
local exits = require "icrm.cli.exits"
local tables = require "icrm.cli.table"
local text_tools = require "icrm.text"
local times = require "icrm.cli.times"

local M = {
  EXIT_ERROR = exits.ERROR,
  EXIT_USAGE = exits.USAGE,
  EXIT_FAILED_ROWS = exits.FAILED_ROWS,
  command = commands.write,
}

local STDIN, STDERR = 0, 2
local A_WAIT = 2 -- seconds; shorter ones are not worth a word

--- Print one line to standard error.
---
--- @param format string
--- @param ... any
function M.say(format, ...)
  io.stdout:flush()
  io.stderr:write(text_tools.clean_lines(format:format(...)), "\n")
end

--- Print lines to standard error.
---
--- @param lines string[]
function M.say_all(lines)
  for _, line in ipairs(lines) do
    M.say("%s", line)
  end
end

--- Write a number with its noun: "1 row", "2 rows".
---
--- @param count integer
--- @param noun string
--- @return string
function M.counted(count, noun)
  return ("%d %s%s"):format(count, noun, count == 1 and "" or "s")
end

local function usage_error(parser, message)
  io.stderr:write(parser:get_usage(), "\n\nicrm-lua: ", message, "\n")
  os.exit(M.EXIT_USAGE, true)
end

-- Of an option that is given twice the last would count, and the first be forgotten
-- without a word; those that may be repeated say so by their count.
local function refuse_repetition(parser)
  local option = parser.option
  function parser.option(...)
    return option(...):overwrite(false)
  end
end

--- Make the argument parser of a script that needs no CRM.
---
--- @param name string
--- @param description string
--- @return table parser of argparse
function M.bare_parser(name, description)
  local parser = argparse("icrm-lua " .. name, description)
  parser.error = usage_error
  refuse_repetition(parser)
  return parser
end

--- Make a script's argument parser, with the options that choose the CRM.
---
--- @param name string
--- @param description string
--- @return table parser of argparse
function M.parser(name, description)
  local parser = M.bare_parser(name, description)
  parser:option("--profile", "The profile to use instead of the default one."):argname "NAME"
  parser:option("--url", "A sandbox instead of a profile: sandbox: or sandbox:FILE.")
    :argname "URL"
  parser:option("--max-wait", "The longest wait for a quota, in seconds; what would have to wait "
    .. "longer stops, with the exit code 7 (900)."):argname "SECONDS":convert(M.count)
  local parse = parser.parse
  function parser:parse(...)
    local args = parse(self, ...)
    commands.remember(args) -- whether or not this command asks the CRM
    return args
  end
  return parser
end

--- Add `--progress`.
---
--- @param parser table
function M.add_progress(parser)
  parser:option("--progress", "What to say about progress: a line on a terminal, JSON, nothing.")
    :choices { "auto", "json", "off" }:default "auto"
end

--- Add `--lanes`.
---
--- @param parser table
function M.add_lanes(parser)
  parser:option("--lanes", "How many sessions work at the same time; without it as many as the "
    .. "CRM bears."):argname "N":convert(function(text)
      local number, problem = M.count(text)
      if number == 0 then
        return nil, "at least one lane is needed"
      end
      return number, problem
    end)
end

--- Read an option as a whole number, for argparse's convert.
---
--- @param text string
--- @return integer? number
--- @return string? problem
function M.count(text)
  local number = math.tointeger(tonumber(text))
  if not number or number < 0 then
    return nil, ("%s is no whole number"):format(text_tools.quote(text))
  end
  return number
end

--- Add `-o` and `--out` and what belongs to them; `open_output` reads them.
M.add_output = destination.add_options

--- Add `-o` and `--out` of a command that gives rows of a file back.
M.add_row_output = destination.add_row_options

--- Open the output that these options choose.
M.open_output = destination.open

local announced = 0 -- the end of the wait that was told last

-- On a terminal nobody is left to wonder why nothing happens.
local function say_wait(clients)
  for _, client in ipairs(clients) do
    local seconds, cause = client:waits()
    local at = os.time() + seconds
    if seconds >= A_WAIT and at > announced + A_WAIT then
      announced = at
      io.stderr:write("\r\27[K", ("%s: waits until %s\n"):format(cause, times.moment(seconds)))
    end
  end
end

--- Connect to the CRM that the options choose.
---
--- @param args table
--- @return icrm.Client
function M.connect(args)
  local icrm = require "icrm"
  if args.url then
    if not args.url:find "^sandbox:" then
      errors.raise { kind = "config", message = "--url takes sandbox: or sandbox:FILE; the "
        .. "address of a real CRM belongs in a profile, or in ICRM_URL" }
    end
  end
  if core.terminal_columns(STDERR) then
    require("icrm.tasks").on_idle = say_wait
  end
  return icrm.connect(args.url or args.profile, { max_wait = args.max_wait,
    lanes = args.lanes })
end

--- Split words such as "field=value".
---
--- @param words string[]?
--- @param option string its name, for messages
--- @return table<string, string>
function M.pairs_of(words, option)
  local map = {}
  for _, word in ipairs(words or {}) do
    local name, value = word:match "^%s*([^=]-)%s*=(.*)$"
    if not name or name == "" then
      errors.refuse("%s %q: write name=value", option, word)
    elseif map[name] then
      errors.refuse("%s names %s twice", option, name)
    end
    map[name] = value
  end
  return map
end

--- Ask a question on the terminal.
---
--- @param question string
--- @return string? answer nil when there is no terminal to ask on
--- @return boolean? interrupted by Ctrl-C instead of an answer
function M.ask(question)
  if not core.terminal_columns(STDIN) then
    return nil
  end
  io.stderr:write(question, " ")
  core.interrupt.hold()
  local answer = text_tools.fold(io.read "l" or "")
  core.interrupt.release()
  if core.interrupt.pending() then
    core.interrupt.clear()
    return "", true
  end
  return answer
end

local YES = { y = true, yes = true, o = true, oui = true }

--- Ask a question whose answer is yes or no.
---
--- @param question string
--- @param args table with `yes`, which answers it
--- @return boolean? answer nil when there is no terminal to ask on
--- @return boolean? interrupted by Ctrl-C instead of an answer
function M.confirm(question, args)
  if args.yes then
    return true
  end
  local answer, interrupted = M.ask(question .. " [y/N]")
  return answer and YES[answer] == true, interrupted
end

--- Say which columns a table had no room for.
---
--- @param left_out string[]? what closing its writer returned
function M.say_left_out(left_out)
  if left_out and #left_out > 0 then
    M.say("no room for %d columns (%s); -o csv, json or jsonl has them all", #left_out,
      text_tools.cut(table.concat(left_out, ", "), 200))
  end
end

--- Write rows in the form that the options choose.
---
--- @param out icrm.cli.Destination
--- @param columns string[]
--- @param rows table[]
--- @param opts? table numeric, sparse, kinds, sheet: see icrm.cli.table
function M.write(out, columns, rows, opts)
  M.say_left_out(tables.write(out.format, columns, rows, out:options(opts)))
  out:finish()
end

--- The columns of records in the order of describe, `id` first.
---
--- @param schema icrm.Schema
--- @param record table one record; its keys choose the columns
--- @return string[]
function M.columns_of(schema, record)
  local columns, seen = {}, {}
  local function add(name)
    if record[name] ~= nil and not seen[name] then
      columns[#columns + 1], seen[name] = name, true
    end
  end
  add "id"
  for _, field in ipairs(schema.fields) do
    add(field.name)
  end
  local rest = {}
  for name in pairs(record) do
    if not seen[name] then
      rest[#rest + 1] = name
    end
  end
  table.sort(rest)
  return table.move(rest, 1, #rest, #columns + 1, columns)
end

--- A name for a change set that is made without a file as its source.
---
--- @param word string
--- @return string path in the current folder where nothing is yet, such as
---   HelpDesk-20261124-091500.icrm
function M.dated_name(word)
  local name = ("%s-%s"):format(word, os.date "%Y%m%d-%H%M%S")
  local path, n = name .. ".icrm", 1
  while core.files.exists(path) do
    n = n + 1
    path = ("%s-%d.icrm"):format(name, n)
  end
  return path
end

return M
