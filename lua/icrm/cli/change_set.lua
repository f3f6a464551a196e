--- What the commands on change sets share: options, making, opening, applying.
-- @module icrm.cli.change_set

local row_outcomes = require "icrm.cli.row_outcomes"
local summaries = require "icrm.cli.summary"
local changes = require "icrm.changes"
local core = require "icrm.core"
local cuts = require "icrm.changes.plan.cuts"
local errors = require "icrm.error"
local exits = require "icrm.cli.exits"
local forecast = require "icrm.cli.forecast"
local progress_module = require "icrm.cli.progress"
local referrers = require "icrm.cli.referrers"
local row_files = require "icrm.cli.row_files"
local script = require "icrm.cli.script"
local state = require "icrm.changes.journal.state"

local M = {}

local function deletions_allowed(text)
  if text == "all" then
    return text
  end
  return script.count(text)
end

--- Add the options that say how a change set is applied.
---
--- @param parser table of argparse
function M.add_options(parser)
  parser:option("--resend", "When the answer to a write is lost: send it again once it is "
    .. "proven absent (proven); also where only the session lock was seen (barrier: nothing "
    .. "stays queued at the server longer than --settle); or never.")
    :choices { "proven", "barrier", "never" }:default "proven"
  parser:option("--settle", "Seconds to wait before absence counts (10).")
    :argname "SECONDS":convert(tonumber)
  parser:option("--max-errors", "Stop after so many failed changes.")
    :argname "N":convert(script.count)
  parser:option("--stale", "Records changed since the plan: leave them alone, or overwrite.")
    :choices { "skip", "force" }:default "skip"
  parser:option("--allow-delete", "The exact number of records that may be deleted; on a terminal "
    .. "also all, for it is shown and asked there."):argname "N":convert(deletions_allowed)
  parser:option("--accept", "Go on although the server does this to a field, for example "
    .. "annual_revenue:rounded; see docs/servers.md."):argname "FIELD:KIND":count "*"
  parser:option("--confirm-host", "Needed where the profile is protected: the CRM's host.")
    :argname "HOST"
  parser:option("--errors", "Write the rows that were not applied to this file, as icrm-lua errors "
    .. "does."):argname "FILE"
  parser:option("--success", "Write the rows whose records are in the CRM, with their ids, to this "
    .. "file, as icrm-lua success does."):argname "FILE"
  parser:option("--numbers", "Records whose numbers the CRM counts up: created one at a time "
    .. "(unique; quotes, orders and invoices are without it), or several at once, where some may "
    .. "get one number (any)."):choices { "unique", "any" }
  script.add_lanes(parser)
  script.add_progress(parser)
end

--- Open a change set without applying it: nothing is locked.
---
--- @param path string
--- @param client? icrm.Client
--- @return icrm.ChangeSet
function M.look(path, client)
  local ok, set = pcall(changes.open, client, path, { read_only = true })
  if not ok and errors.is(set, "store") and set.code == "FULL" then
    return exits.leave(set)
  end
  return ok and set or error(set, 0)
end

-- A protected profile guards a real CRM against a command meant for another.
local function check_host(client, args)
  local host = client.url:match "^%w+://([^/:]+)" or client.url
  if client.protected and args.confirm_host ~= host then
    errors.raise { kind = "config", message = ("this profile is protected; to write to it say "
      .. "--confirm-host %s"):format(host) }
  end
end

--- Connect to go on with a change set; a server that is away ends the program
--- with the code that says to try again.
---
--- @param args table
--- @return icrm.Client
function M.connect(args)
  local ok, crm = pcall(script.connect, args)
  return ok and crm or exits.leave(crm)
end

--- Open a change set to apply it; ends the program when the file is in use.
---
--- @param client icrm.Client
--- @param path string
--- @return icrm.ChangeSet
function M.open(client, path)
  local ok, set = pcall(changes.open, client, path)
  if ok then
    return set
  elseif errors.is(set, "store") and not set.code then
    error(set, 0) -- no such file, say; the journal has not failed
  end
  return exits.leave(set)
end

local function count_keys(map)
  local n = 0
  for _ in pairs(map) do
    n = n + 1
  end
  return n
end

-- Warn when the administrator changed a module since the plan.
local function say_changed_modules(set)
  local ok, modules = pcall(set.changed_modules, set)
  if not ok then
    return exits.leave(modules)
  end
  for _, module in ipairs(modules) do
    script.say("%s is described otherwise than when this was planned: fields, picklists or "
      .. "obligations changed", module)
  end
end

-- Says of each field, once, that the server cuts its text, while the rest can
-- still be stopped.
local function watch_cuts(set, progress)
  local seen = {}
  return function(change, values)
    local is_other = values.differences and values.after
    for field, kept in pairs(is_other and cuts.of(set, change, values) or {}) do
      local name = change.module .. "." .. field
      if not seen[name] then
        seen[name] = true
        progress:clear()
        script.say("the server keeps %d characters of %s and cuts the rest; %d more that are still "
          .. "to be sent are longer (--max-length %s=%d refuses such rows before an import)", kept,
          name, cuts.count(set, change.module, field, kept), field, kept)
      end
    end
  end
end

local function say_referrers(plan)
  local ok, err = pcall(referrers.say, plan)
  return ok or exits.leave(err)
end

local function forecast_of(set)
  local ok, ahead = pcall(forecast.of, set)
  return ok and ahead or exits.leave(ahead)
end

--- Apply a change set with progress and report.
---
--- @param set icrm.ChangeSet
--- @param args table options of add_options
--- @param is_forecast? boolean whether was said how long it takes
--- @return integer exit code
function M.apply(set, args, is_forecast)
  check_host(set.client, args)
  row_files.check(set, args)
  say_changed_modules(set)
  local ahead = forecast_of(set)
  if not is_forecast then
    script.say_all(ahead.lines)
  end
  local states = set.store:states()
  local progress = progress_module.new {
    label = "changes",
    total = (states.planned or 0) + (states.sending or 0) + (states.unknown or 0),
    mode = args.progress,
    stats = function() return set.client.core:stats() end,
    waits = function() return set.client.core:waits() end,
    by_quotas = ahead.by_quotas,
  }
  progress:start(ahead.facts)
  local note_cuts = watch_cuts(set, progress)
  local ok, summary = pcall(set.apply, set, {
    resend = args.resend, settle = args.settle, max_errors = args.max_errors,
    stale = args.stale, numbers = args.numbers, allow_delete = math.tointeger(args.allow_delete),
    accept = args.accept,
    on_change = function(change, values)
      note_cuts(change, values)
      if values.state == "failed" or values.state == "needs_human" then
        progress:fail()
      end
      progress:step()
    end,
    on_turn = function(run)
      progress:set_unknown(count_keys(run.reconciler.open))
      progress:tick()
    end,
  })
  progress:close()
  core.interrupt.clear()
  if not ok then
    return exits.leave(summary)
  end
  local code = summaries.report(set, summary)
  row_files.write(set, args)
  return code
end

local function write_stderr(piece)
  io.stderr:write(piece)
end

-- Nothing is left to be sent: all of it was, or need not be, or cannot be.
local function decide_nothing(plan, args, found)
  if plan.store:count() > (plan.store:states().skipped or 0) then
    local code = summaries.report(plan)
    row_files.write(plan, args)
    return code
  elseif plan.store:how_many { codes = state.NO_WAY_BACK } > 0 then
    plan:write(write_stderr, { how = "--full" })
    script.say "\nnothing can be taken back"
    return exits.DONE
  end
  row_files.write(plan, args)
  script.say_all(row_outcomes.lines(plan))
  script.say("%snothing to do: the CRM has all of this already", found and found .. "; " or "")
  return exits.DONE
end

-- What is to be sent was not: say why, and how to.
local function say_not_sent(plan, answer, interrupted)
  local why = interrupted and "\n" or answer == nil and "\nthere is no terminal to ask on: " or ""
  script.say("%snothing was sent; to send what is planned in %s: %s%s", why, plan.path,
    summaries.command(plan, "apply"), answer == nil and " --yes" or "")
  return interrupted and exits.INTERRUPTED or exits.ERROR
end

-- Whether a person at the terminal, who has seen how many records go, lets them go; nil
-- where nobody can be asked.
local function may_delete(args, deletions)
  local records = script.counted(deletions, "record")
  if args.yes then
    return nil
  elseif args.allow_delete == "all" then
    return script.confirm(("\nDelete %s?"):format(records), args)
  end
  local answer, interrupted = script.ask(("\nThis deletes %s. To delete them, write %d or all:")
    :format(records, deletions))
  return answer and (answer == "all" or answer == tostring(deletions)), interrupted
end

local function ask_to_delete(plan, args, deletions)
  local answer, interrupted = may_delete(args, deletions)
  if answer == nil then
    script.say("\nnothing was sent: this deletes %s; to send it: %s",
      script.counted(deletions, "record"), summaries.command(plan, "apply"))
    return false, exits.ERROR
  end
  args.allow_delete = deletions
  return answer, not answer and say_not_sent(plan, answer, interrupted)
end

local function ask_to_apply(plan, args, planned)
  local answer, interrupted = script.confirm(
    ("\nApply %s?"):format(script.counted(planned, "change")), args)
  return answer, not answer and say_not_sent(plan, answer, interrupted)
end

--- Show a plan, ask, and apply it.
---
--- @param plan icrm.ChangeSet
--- @param args table options of add_options, `yes` and `plan_only`
--- @param found? string what to say when there is nothing to do
--- @return integer exit code
function M.decide(plan, args, found)
  row_files.check(plan, args)
  local planned = plan.store:states().planned or 0
  if planned == 0 then
    return decide_nothing(plan, args, found)
  end
  if args.numbers then
    plan:number(args.numbers)
  end
  plan:write(write_stderr, { how = "--full" })
  script.say ""
  say_referrers(plan)
  script.say_all(forecast_of(plan).lines)
  if args.plan_only then
    script.say("\nplanned in %s; to send it: %s", plan.path, summaries.command(plan, "apply"))
    return exits.DONE
  end
  local deletions = plan:deletions_to_allow(args.allow_delete)
  local ask, number = ask_to_apply, planned
  if deletions > 0 then
    ask, number = ask_to_delete, deletions
  end
  local allowed, code = ask(plan, args, number)
  return allowed and M.apply(plan, args, true) or code
end

return M
