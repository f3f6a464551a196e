--- What a store answers when it is asked about the changes as a whole. The
-- functions here are methods of icrm.changes.Store.
-- @module icrm.changes.journal.answers

local selections = require "icrm.changes.journal.selection"
local state = require "icrm.changes.journal.state"

local M = {}

--- How many changes are selected. @see icrm.changes.journal.selection
---
--- @param selection? table
--- @return integer
function M:how_many(selection)
  local sql, values = selections.condition(selection)
  local row =
    self:rows("SELECT count(*) AS n FROM changes WHERE " .. sql, table.unpack(values))[1]
  return math.tointeger(row.n)
end

--- The modules of the selected changes, by name.
---
--- @param selection? table
--- @return string[]
function M:modules(selection)
  local sql, values = selections.condition(selection)
  local names = {}
  local text = "SELECT DISTINCT module FROM changes WHERE %s ORDER BY module"
  for i, row in ipairs(self:rows(text:format(sql), table.unpack(values))) do
    names[i] = row.module
  end
  return names
end

--- Totals: a list of { module, operation, state, n }.
function M:totals()
  return self:rows [[SELECT module, operation, state, count(*) AS n FROM changes
    GROUP BY 1, 2, 3 ORDER BY 1, 2, 3]]
end

--- How many records are to be deleted: `all`, and those still `open`.
function M:count_deletions()
  local deletions = { operations = { "delete" }, states = state.except "skipped" }
  local open = { operations = { "delete" }, states = state.REMAINING }
  return { all = self:how_many(deletions), open = self:how_many(open) }
end

--- How many changes are in each state: state → number; nil where there are none.
function M:states()
  local states = {}
  for _, row in ipairs(self:rows "SELECT state, count(*) AS n FROM changes GROUP BY 1") do
    states[row.state] = row.n
  end
  return states
end

--- Another change that has this record; nil when there is none.
---
--- @param record string
--- @param n integer the change that is not meant
--- @return table?
function M:other_of_record(record, n)
  return self:rows("SELECT * FROM changes WHERE record = ? AND n <> ?", record, n)[1]
end

--- Whether a record is known that a change of this set has created.
---
--- @return boolean
function M:has_created()
  local sql = "SELECT 1 FROM changes WHERE record IS NOT NULL AND operation IN %s LIMIT 1"
  return #self:rows(sql:format(state.sql(state.CREATIONS))) > 0
end

-- Whatever an earlier run has left to be looked at, or looked at again.
local IN_DOUBT = ("(state IN %s OR state = 'needs_human' AND code IN %s)"):format(
  state.sql(state.IN_DOUBT),
  state.sql(state.looked_for_again())
)

--- Iterate over the changes that a run has to find out about.
function M:each_in_doubt()
  return self:each_where(IN_DOUBT)
end

--- Whether there is any such change.
---
--- @return boolean
function M:has_doubts()
  return #self:rows("SELECT 1 FROM changes WHERE " .. IN_DOUBT .. " LIMIT 1") > 0
end

--- The last creation of a module that was acknowledged before a moment; else the
--- first that is done.
---
--- @param module string
--- @param before integer Unix time
--- @return table? change
function M:acknowledged_creation(module, before)
  local find = [[SELECT c.* FROM changes c %s WHERE c.module = ? AND c.state = 'done'
    AND c.operation IN ]] .. state.sql(state.CREATIONS) .. " %s LIMIT 1"
  local acknowledged = [[JOIN attempts a ON a.change = c.n AND a.attempt = c.attempts
    AND a.class = 'S' AND a.ended <= ?]]
  return self:rows(find:format(acknowledged, "ORDER BY c.n DESC"), before, module)[1]
    or self:rows(find:format("", "ORDER BY c.n"), module)[1]
end

--- Iterate over the creations of a module that are done, the last one first.
---
--- @param module string
--- @return function
function M:each_acknowledged(module)
  return self:each_backwards { states = { "done" }, operations = state.CREATIONS, module = module }
end

local AROUND = [[SELECT c.record FROM attempts a JOIN changes c ON c.n = a.change
  WHERE a.class = 'S' AND c.record IS NOT NULL AND c.operation IN ]]
  .. state.sql(state.CREATIONS) .. " AND a.%s ORDER BY a.%s LIMIT 100"

local function records_of(rows)
  local ids = {}
  for i, row in ipairs(rows) do
    ids[i] = row.record
  end
  return ids
end

--- Records of which the creation had been acknowledged before a moment, the latest
--- ones; or begun after it, the earliest ones.
---
--- @param moment integer Unix time
--- @return string[] before ids
--- @return string[] after ids
function M:created_around(moment)
  local before = self:rows(AROUND:format("ended < ?", "ended DESC, a.change DESC"), moment)
  local after = self:rows(AROUND:format("started > ?", "started, a.change"), moment)
  return records_of(before), records_of(after)
end

--- The numbers of all records that changes of the set have; all modules share one
--- sequence.
---
--- @return table<integer, boolean>
function M:record_numbers()
  local numbers = {}
  for _, row in ipairs(self:rows "SELECT record FROM changes WHERE record IS NOT NULL") do
    local number = math.tointeger(tonumber(row.record:match "x(%d+)$"))
    numbers[number or -1] = true
  end
  return numbers
end

local function with_lines(rows)
  for _, row in ipairs(rows) do
    row.line = math.tointeger(row.line)
  end
  return rows
end

local UNSETTLED_ROWS = ([[
  WITH RECURSIVE waits(n) AS (
    SELECT n FROM changes WHERE state IN %s
    UNION
    SELECT l.child FROM waits JOIN links l ON l.parent = waits.n
      JOIN changes c ON c.n = l.child WHERE c.state = 'blocked')
  SELECT line, key FROM changes JOIN waits USING (n) WHERE line IS NOT NULL]]):format(
  state.sql(state.UNSETTLED)
)

--- The changes of which nobody knows whether they were done, or that wait for one, and
--- that have a line of a source: imported again, they might be there twice.
---
--- @return table[] list of { line, key }
function M:unsettled_rows()
  return with_lines(self:rows(UNSETTLED_ROWS))
end

local MADE = ([[
  SELECT c.line AS line, c.key AS key, p.module AS module, p.key AS made, 'line' AS by_what
    FROM changes c JOIN changes p ON p.line = c.line
    WHERE c.state IN %s AND p.state = 'done' AND p.operation = 'create'
  UNION
  SELECT c.line, c.key, p.module, p.key, 'link' FROM changes c JOIN links l ON l.child = c.n
    JOIN changes p ON p.n = l.parent
    WHERE c.state IN %s AND p.state = 'done' AND p.operation = 'create']]):format(
  state.sql(state.NOT_DONE),
  state.sql(state.NOT_DONE)
)

--- The records that are there, made of the line of a change that is not done, or needed by
--- it. Of several sources a line is one of each.
---
--- @return table[] list of { line, key, module, made (the key of what was made), by_what
---   ("line" or "link") }
function M:made_for_rows_not_done()
  return with_lines(self:rows(MADE))
end

local A_PAGE = 500
local OUTCOMES = ([[SELECT n, line, key, operation, state, code FROM changes
  WHERE line IS NOT NULL AND n > ? ORDER BY n LIMIT %d]]):format(A_PAGE)

--- What became of each change that has a line of a source, without its values.
---
--- @return fun(): table? iterator of { n, line, key, operation, state, code }
function M:outcomes()
  local page, at = with_lines(self:rows(OUTCOMES, 0)), 0
  return function()
    if at == A_PAGE then
      page, at = with_lines(self:rows(OUTCOMES, page[at].n)), 0
    end
    at = at + 1
    return page[at]
  end
end

return M
