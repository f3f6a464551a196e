--- The rows that were not applied, or have faults, as a file that can be corrected and
--- run again.
-- @module icrm.cli.failed_rows

local copy_rows = require "icrm.import.copy"
local inputs = require "icrm.cli.inputs"
local script = require "icrm.cli.script"
local state = require "icrm.changes.journal.state"
local tables = require "icrm.cli.table"
local text_tools = require "icrm.text"

local M = {}

local COLUMNS = { "icrm_code", "icrm_message" }

local function reason(change)
  return change.code or change.state, text_tools.clean(change.message or "")
end

-- Line of a source → its codes and messages; a row may have made several records.
local function failed_lines(set, is_of)
  local lines = {}
  for change in set.store:each { states = state.NOT_DONE, has = { "line" } } do
    if is_of(change.key) then
      local code, message = reason(change)
      local entry = lines[change.line] or { codes = {}, messages = {} }
      table.insert(entry.codes, code)
      table.insert(entry.messages, message)
      lines[change.line] = entry
    end
  end
  return lines
end

local function take_out_unsettled(set, lines, is_of)
  local seen, count = {}, 0
  for _, row in ipairs(set.store:unsettled_rows()) do
    if is_of(row.key) and not seen[row.line] then
      seen[row.line], count = true, count + 1
      lines[row.line] = nil
    end
  end
  return count
end

-- How many of these lines would make a record a second time, because no key finds it.
local function count_remade(set, lines, is_of)
  local seen, count = {}, 0
  for _, row in ipairs(set.store:made_for_rows_not_done()) do
    local line, witness = row.line, set:witness(row.module)
    local is_same = is_of(row.key) and (row.by_what == "link" or is_of(row.made))
    if is_same and lines[line] and not seen[line] and not (witness and witness.key) then
      seen[line], count = true, count + 1
    end
  end
  return count
end

local function write_copy(path, input, lines, write, form)
  return copy_rows.write(path, input, COLUMNS, function(line)
    local failed = lines[line]
    return failed and { table.concat(failed.codes, " "), table.concat(failed.messages, "; ") }
  end, write, form)
end

local function write_list(set, write, form)
  local list = tables.to(write, form or "csv",
    { "key", "operation", "module", "record", "code", "message" })
  local n = 0
  for change in set.store:each { states = state.NOT_APPLIED } do
    local code, message = reason(change)
    n = n + 1
    list:add { key = change.key, operation = change.operation, module = change.module,
      record = change.record or "", code = code, message = message }
  end
  list:close()
  return n
end

--- Write a file as it is, with a column behind the others that says what is wrong with
--- a row, so that it can be corrected there and imported.
---
--- @param job icrm.import.Job
--- @param faults icrm.import.Faults made with `by_row`
--- @param write fun(piece: string)
--- @param form? "csv"|"xlsx" what is written; "csv"
--- @return integer count of the rows with faults
function M.write_faults(job, faults, write, form)
  local source, count = job.source, 0
  copy_rows.write(source.path, { encoding = source.format.encoding,
    delimiter = source.format.delimiter, sheet = source.format.number,
    skip = source.format.skip }, { "icrm_faults" }, function(line)
      local text = faults:of_row(line)
      count = count + (text and 1 or 0)
      return { text and text_tools.clean(text) or "" }
    end, write, form)
  return count
end

--- Write the rows that were not applied.
---
--- For an import they are the rows of the source, of a CSV file the same bytes, with the
--- columns `icrm_code` and `icrm_message` added; rows that nobody knows the outcome of
--- are left out.
--- Else it is a list of the changes.
---
--- @param set icrm.ChangeSet
--- @param write fun(piece: string)
--- @param number? integer which of the files of the set; 1
--- @param form? "csv"|"xlsx" what is written; "csv"
--- @return integer count of the rows written
--- @return string[] notes what to say about them
function M.write(set, write, number, form)
  local list = inputs.told(set)
  local input = list[number or 1]
  if not input then
    return write_list(set, write, form), {}
  end
  local path = inputs.check(input)
  local function is_of(key)
    return inputs.number_of(list, key) == (number or 1)
  end
  local lines, notes = failed_lines(set, is_of), {}
  local unsettled, remade = take_out_unsettled(set, lines, is_of),
    count_remade(set, lines, is_of)
  if unsettled > 0 then
    notes[1] = ("left out, for they may be in the CRM: %d more; see %s"):format(unsettled,
      script.command("unknown", set.path))
  end
  if remade > 0 then
    notes[#notes + 1] = ("%d of them need records that were made already; imported again, those "
      .. "are made twice, unless a key finds them (existing, in the mapping file)"):format(remade)
  end
  return write_copy(path, input, lines, write, form), notes
end

return M
