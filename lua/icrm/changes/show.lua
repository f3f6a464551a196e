--- A change set for a person to read before it is sent, and after.
-- Deletions come first; updates are grouped by the fields that they change; a
-- sample of each group is shown unless all is asked for. Constant memory.
-- @module icrm.changes.show

local calls = require "icrm.changes.calls"
local json = require "icrm.json"
local moments = require "icrm.moments"
local roundings = require "icrm.changes.plan.roundings"
local state = require "icrm.changes.journal.state"
local text_tools = require "icrm.text"
local wording = require "icrm.changes.wording"

local M = {}

local SAMPLE = 3
local SAMPLE_OF_REASONS = 10
local FORMAT_VERSION = 1

local ORDER = { delete = 1, update = 2, create = 3, attach = 4 }

local function gather(set)
  local groups, order = {}, {}
  for change in set.store:each { states = state.except "skipped" } do
    local name = wording.group(change)
    local group = groups[name]
    if not group then
      group = {
        name = name,
        operation = change.operation,
        module = change.module,
        n = 0,
        sample = {},
      }
      groups[name], order[#order + 1] = group, group
    end
    group.n = group.n + 1
    if #group.sample < SAMPLE then
      table.insert(group.sample, change)
    end
  end
  table.sort(order, function(a, b)
    if ORDER[a.operation] ~= ORDER[b.operation] then
      return ORDER[a.operation] < ORDER[b.operation]
    end
    return a.name < b.name
  end)
  return order
end

--- The host of the CRM that a change set was planned for, or its sandbox file.
---
--- @param header table
--- @return string
function M.host(header)
  return (header.host or "?"):match "^%w+://[^/]+" or header.host or "?"
end

--- The warning that a change set was not planned to its end; nil when it was.
---
--- @param set table icrm.ChangeSet
--- @return string|nil
function M.torn(set)
  return set.is_torn and "  its planning was interrupted: rows may be missing; plan anew" or nil
end

local function header_lines(set)
  local header = set.store:header()
  local lines = {
    set.path,
    ("  planned %s for %s%s, user %s"):format(
      moments.utc_here(header.created),
      M.host(header),
      header.server_version ~= "" and (" (version %s)"):format(header.server_version) or "",
      header.user or "?"
    ),
  }
  lines[#lines + 1] = M.torn(set)
  if header.source_sha256 ~= "" then
    local sum = header.source_sha256:sub(1, 12)
    lines[#lines + 1] = ("  from %s (sha256 %s…)"):format(header.source, sum)
  elseif header.source ~= "" then
    lines[#lines + 1] = ("  from %s"):format(header.source)
  end
  lines[#lines + 1] = header.reading and "  read as " .. text_tools.clean(header.reading)
  return lines
end

--- The totals as lines: module, operation, and how many in each state.
---
--- @param set table icrm.ChangeSet
--- @return table list of strings
function M.totals(set)
  local rows, order, used = {}, {}, {}
  for _, total in ipairs(set.store:totals()) do
    local name = wording.SIGNS[total.operation] .. " " .. total.operation .. " " .. total.module
    if not rows[name] then
      rows[name], order[#order + 1] = {}, name
    end
    rows[name][total.state] = total.n
    used[total.state] = true
  end
  local head = { ("  %-26s"):format "" }
  for _, one in ipairs(state.STATES) do
    head[#head + 1] = used[one.name] and ("%12s"):format(one.name) or nil
  end
  local lines = { table.concat(head) }
  for _, name in ipairs(order) do
    local cells = { ("  %-26s"):format(name) }
    for _, one in ipairs(state.STATES) do
      cells[#cells + 1] = used[one.name] and ("%12s"):format(rows[name][one.name] or "-") or nil
    end
    lines[#lines + 1] = table.concat(cells)
  end
  return lines
end

-- What is better known before it is sent.
-- Without a tag or a key a creation cannot be found again: it is never resent.
local function warnings(set)
  local lines = {}
  local creations = { operations = { "create" }, states = state.except "skipped" }
  for _, module in ipairs(set.store:modules(creations)) do
    if not set:witness(module) then
      lines[#lines + 1] = ("%s: no tag and no key: a creation whose answer is lost is not sent"
        .. " again, but left to you."):format(module)
    end
  end
  local rounded = roundings.lines(set)
  return table.move(rounded, 1, #rounded, #lines + 1, lines)
end

local function side_effects(set)
  local operations = {}
  for _, total in ipairs(set.store:totals()) do
    operations[total.operation] = operations[total.operation] or total.state ~= "skipped"
  end
  local lines = {
    "What undo cannot take back: what the CRM does on every save (mails, tasks, history).",
  }
  if operations.create then
    lines[#lines + 1] =
      "  Created records use up the CRM's counters; undo deletes them only when told how many."
  end
  if operations.delete then
    lines[#lines + 1] =
      "  Deleted records cannot be brought back: a record created again has another id."
  end
  return lines
end

local function write_lines(write, lines)
  for _, line in ipairs(lines) do
    write(line .. "\n")
  end
end

local function write_change(write, change)
  write(wording.title(change) .. "\n")
  write_lines(write, wording.values(change))
end

local function write_group(set, group, write, full, more)
  write(("\n%s  (%d)\n"):format(group.name, group.n))
  if not full then
    for _, change in ipairs(group.sample) do
      write_change(write, change)
    end
    if group.n > #group.sample then
      write(more:format(group.n - #group.sample))
    end
    return
  end
  for change in set.store:each { states = state.except "skipped",
    operations = { group.operation }, module = group.module } do
    if wording.group(change) == group.name then
      write_change(write, change)
    end
  end
end

local LEFT_ALONE = { states = { "skipped" }, codes = state.NO_WAY_BACK }

-- What an undo cannot or must not touch, each with the reason.
local function write_left_alone(set, write, full, more)
  local n = 0
  for change in set.store:each(LEFT_ALONE) do
    n = n + 1
    if n == 1 then
      write "\nLeft alone\n"
    end
    if full or n <= SAMPLE_OF_REASONS then
      write(("    %s %s  %s: %s\n"):format(change.record or "", wording.place(change), change.code,
        text_tools.clean(change.message or "")))
    end
  end
  if not full and n > SAMPLE_OF_REASONS then
    write(more:format(n - SAMPLE_OF_REASONS))
  end
end

--- Write the change set as text, piece by piece.
---
--- @param set table icrm.ChangeSet
--- @param raw_write function called with each piece
--- @param options? table `full`: every change, not a sample; `how`: what a reader does
---   to see all of them ("full = true" by default)
function M.write(set, raw_write, options)
  options = options or {}
  local function write(piece)
    raw_write(text_tools.clean_lines(piece))
  end
  local more = ("    … %%d more (%s shows all)\n"):format(options.how or "full = true")
  set:seal()
  write_lines(write, header_lines(set))
  write "\n"
  write_lines(write, M.totals(set))
  local needed = set.client and 0 or calls.needed(set) -- who is connected knows more
  if needed > 0 then
    write(("\n%d calls to send it\n"):format(needed))
  end
  write "\n- delete   ~ update   + create   old → new\n"
  for _, group in ipairs(gather(set)) do
    write_group(set, group, write, options.full, more)
  end
  write_left_alone(set, write, options.full, more)
  write "\n"
  write_lines(write, warnings(set))
  write_lines(write, side_effects(set))
end

--- The change set as text.
---
--- @param set table icrm.ChangeSet
--- @param options? table see write
--- @return string
function M.text(set, options)
  local pieces = {}
  M.write(set, function(piece)
    pieces[#pieces + 1] = piece
  end, options)
  return table.concat(pieces)
end

local function as_object(change)
  return {
    n = change.n,
    key = change.key,
    operation = change.operation,
    module = change.module,
    record = change.record,
    line = change.line,
    fields = json.decode(change.fields),
    references = change.refs and json.decode(change.refs),
    before = change.before and json.decode(change.before),
    after = change.after and json.decode(change.after),
    state = change.state,
    attempts = change.attempts,
    code = change.code,
    message = change.message,
    server_changed = change.differences,
  }
end

--- The change set as JSON, written piece by piece: an object with
--- `format_version` (a new minor meaning keeps the number), `header`, `calls` (how
--- many are still needed), `changes`.
---
--- @param set table icrm.ChangeSet
--- @param write function called with each piece of text
function M.json(set, write)
  set:seal()
  local header = set.store:header()
  header.witness = json.decode(header.witness)
  write(
    ('{"format_version":%d,"header":%s,"calls":%d,"changes":['):format(FORMAT_VERSION,
      json.encode(header), (calls.needed(set)))
  )
  local separator = "\n"
  for change in set.store:each() do
    write(separator .. json.encode(as_object(change)))
    separator = ",\n"
  end
  write "\n]}\n"
end

return M
