--- What only the user can say about the rows of a file, asked once for all rows.
-- @module icrm.import.questions

local cures = require "icrm.cures"

local M = {}

local LINES_SHOWN = 8

local WORDS = {
  empty = {
    noun = "cell", message = "is empty where the CRM has a value",
    cure = "say {empty=keep} or {empty=clear}",
  },
  empty_key = {
    noun = "row", message = "is empty, so nobody can look whether the record is there already",
    cure = "fill it, or say {empty_key=create} (made anew, whatever is there) or {empty_key=skip}",
  },
}

local Questions = {}
Questions.__index = Questions

--- @return table questions
function M.new()
  return setmetatable({ open = {} }, Questions)
end

--- Note that a row needs an answer.
---
--- @param about string "empty" or "empty_key"
--- @param record table compiled
--- @param item table the row
--- @param field string
function Questions:ask(about, record, item, field)
  local one = self.open[about]
  if not one then
    local target = record.by_field[field]
    one = { line = item.line, column = target and target.column, field = field, lines = {}, n = 0 }
    self.open[about] = one
  end
  one.n = one.n + 1
  if one.lines[#one.lines] == item.line then
    return
  elseif #one.lines < LINES_SHOWN then
    table.insert(one.lines, item.line)
  else
    one.has_more = true
  end
end

--- The questions as faults, each with its possible answers.
---
--- @return table[] faults
function Questions:faults()
  local faults = {}
  for about, one in pairs(self.open) do
    local words = WORDS[about]
    one.message, one.cure = words.message, cures.say(words.cure)
    if one.n > 1 then
      one.message = ("%s, in %d %ss (line%s %s%s)"):format(words.message, one.n, words.noun,
        #one.lines == 1 and "" or "s", table.concat(one.lines, ", "),
        one.has_more and ", …" or "")
    end
    faults[#faults + 1] = one
  end
  return faults
end

return M
