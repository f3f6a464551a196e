--- Which changes of a set are meant: a table of what they have in common, as the
-- condition of an SQL statement.
-- @module icrm.changes.journal.selection

local M = {}

local LISTS = { states = "state", operations = "operation", codes = "code" }
local EQUAL = { module = "module", record = "record", key = "key" }
local KNOWN = { has = true, after = true, attempts = true }

local function check(selection)
  for name in pairs(selection) do
    if not (LISTS[name] or EQUAL[name] or KNOWN[name]) then
      error(("changes are not selected by %q"):format(name), 3)
    end
  end
end

--- The condition and its values.
---
--- @param selection? table all that is given must hold: `states`, `operations`,
---   `codes` (lists of names); `module`, `record`, `key`; `has` (list of columns that
---   are not empty: line, refs, differences, after); `after` (a number: changes behind it);
---   `attempts` (at least so many)
--- @return string sql with a `?` for each value
--- @return any[] values
function M.condition(selection)
  selection = selection or {}
  check(selection)
  local parts, values = { "1 = 1" }, {}
  local function add(sql, value)
    parts[#parts + 1] = sql
    values[#values + 1] = value
  end
  for name, column in pairs(LISTS) do
    local list = selection[name]
    if list then
      add(("%s IN (%s)"):format(column, ("?,"):rep(#list):sub(1, -2)))
      table.move(list, 1, #list, #values + 1, values)
    end
  end
  for name, column in pairs(EQUAL) do
    if selection[name] then
      add(column .. " = ?", selection[name])
    end
  end
  for _, column in ipairs(selection.has or {}) do
    add(column .. " IS NOT NULL")
  end
  if selection.after then
    add("n > ?", selection.after)
  end
  if selection.attempts then
    add("attempts >= ?", selection.attempts)
  end
  return table.concat(parts, " AND "), values
end

return M
