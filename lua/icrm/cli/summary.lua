--- What a command says of a change set: what became of every change, and how to
-- go on.
-- @module icrm.cli.summary

local row_outcomes = require "icrm.cli.row_outcomes"
local exits = require "icrm.cli.exits"
local numbers = require "icrm.changes.plan.numbers"
local script = require "icrm.cli.script"
local show = require "icrm.changes.show"
local state = require "icrm.changes.journal.state"
local text_tools = require "icrm.text"
local wording = require "icrm.changes.wording"
local times = require "icrm.cli.times"

local M = {}

local SHOWN = 10

local function say_failures(set)
  local n = 0
  for change in set.store:each { states = state.TOLD } do
    n = n + 1
    if n <= SHOWN then
      script.say("  %s %s: %s", wording.place(change), (change.state:gsub("_", " ")),
        text_tools.clean(change.message or ""))
    end
  end
  if n > SHOWN then
    script.say("  … and %d more: %s", n - SHOWN, script.command("errors", set.path))
  end
end

local function say_changed_values(set)
  local otherwise = { states = { "done" }, has = { "differences" } }
  local n = set.store:how_many(otherwise)
  if n == 0 then
    return
  end
  script.say("the server stored %s otherwise than sent:", script.counted(n, "record"))
  local shown = 0
  for change in set.store:each(otherwise) do
    shown = shown + 1
    if shown > SHOWN then
      script.say("  … and %d more: %s", n - SHOWN, script.command("show", set.path, "--full"))
      break
    end
    script.say("  %s %s: %s", change.record, wording.place(change),
      text_tools.clean(change.differences))
  end
end

-- What the CRM filled in by itself, where nothing was sent.
local function say_defaulted(summary)
  local names = {}
  for name in pairs(summary.defaulted) do
    names[#names + 1] = name
  end
  table.sort(names)
  for _, name in ipairs(names) do
    local entry = summary.defaulted[name]
    script.say("the CRM filled in %s, which was not sent, in %s: %q", name,
      script.counted(entry.n, "record"), text_tools.clean(entry.value))
  end
end

-- The server gives one number to several records that are created at once.
local function say_repeated_numbers(set)
  local repeated = set.client and numbers.repeated(set) or {}
  if #repeated == 0 then
    return
  end
  script.say("the CRM gave %s to more than one record; mend them there, and say --numbers unique "
    .. "the next time:", script.counted(#repeated, "number"))
  for i, one in ipairs(repeated) do
    if i > SHOWN then
      script.say("  … and %d more", #repeated - SHOWN)
      break
    end
    script.say("  %s %s %s: %s", one.module, one.field, one.number,
      table.concat(one.records, ", "))
  end
end

-- What the CRM does on a save, mails for one, may have happened all the same.
local function say_resent(set)
  local n = set.store:how_many { states = { "done" }, attempts = 2 }
  if n > 0 then
    script.say("%s more than one attempt, each after it was proven not to be done",
      n == 1 and "1 change took" or ("%d changes took"):format(n))
  end
end

--- How to send what is planned, with all that must be said.
---
--- @param set icrm.ChangeSet
--- @param verb string apply or resume
--- @return string a command
function M.command(set, verb)
  local deletions = set:deletions_to_allow()
  if deletions > 0 then
    return script.command(verb, set.path, "--allow-delete", deletions)
  end
  return script.command(verb, set.path)
end

-- The set was stopped at a record that is not stored as it was meant.
local function say_halted(set, halted)
  local words = { "resume", set.path }
  for _, word in ipairs(halted.words) do
    words[#words + 1] = "--accept"
    words[#words + 1] = word
  end
  script.say("to take back what was sent: %s", script.command("undo", set.path))
  script.say("to send the rest all the same, each record stored like that: %s",
    script.command(table.unpack(words)))
end

local CAN_BE_TAKEN_BACK = { states = { "done" }, operations = { "create", "update", "attach" } }

local function say_next(set, code, summary)
  local states = set.store:states()
  local is_open = (states.planned or 0) > 0
  if (states.needs_human or 0) > 0 then
    script.say("settle the open ones: %s", script.command("unknown", set.path))
  end
  if summary and summary.halted and is_open then
    say_halted(set, summary.halted)
  elseif code == exits.DONE and is_open then
    script.say("to send it: %s", M.command(set, "apply"))
  elseif code == exits.QUOTA then
    script.say("to go on, from %s: %s", times.moment(summary.error.retry_after or 0),
      M.command(set, "resume"))
  elseif code == exits.TRY_AGAIN or is_open then
    script.say("to go on: %s", M.command(set, "resume"))
  end
  if (states.failed or 0) > 0 then
    script.say("the rows that failed, to be corrected and run again: %s",
      script.command("errors", set.path))
  end
  local is_settled = not (is_open or states.sending or states.unknown)
  if is_settled and set.store:how_many(CAN_BE_TAKEN_BACK) > 0 then
    script.say("to take it back: %s", script.command("undo", set.path))
  end
end

--- Say what became of every change.
---
--- @param set icrm.ChangeSet
--- @param summary? table
--- @return integer exit code
function M.report(set, summary)
  script.say_all(show.totals(set))
  if summary or set:is_begun() then
    script.say_all(row_outcomes.lines(set))
  end
  say_failures(set)
  say_changed_values(set)
  say_resent(set)
  say_repeated_numbers(set)
  if summary then
    say_defaulted(summary)
  end
  if summary and summary.stopped then
    script.say("stopped: %s", text_tools.clean(summary.stopped))
  end
  local code = exits.of_set(set, summary)
  if summary then
    local applied = 0
    for _, n in pairs(summary.applied) do
      applied = applied + n
    end
    script.say("%s settled in %.1f s, %d left", script.counted(applied, "change"),
      summary.seconds, summary.remaining)
    if summary.found_before > 0 then
      script.say("%d of them were in the CRM already: made by another copy of this file, "
        .. "or another plan of the same input", summary.found_before)
    end
  end
  say_next(set, code, summary)
  return code
end

return M
