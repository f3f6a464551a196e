--- What is wrong with a file, grouped: a value that is wrong twenty times in a column
--- is told once, with the number of its rows and the first of them.
--
-- A kind is a column with one sort of fault: messages that differ in numbers and in
-- quoted words only. Of each kind so many values are kept that memory does not grow
-- with the file; the rows of all others are counted. What is to be told of every row
-- is kept in a temporary file, of which memory holds one number for each row.
-- @module icrm.import.faults

local M = {}

local Faults = { __name = "icrm.import.Faults" }
Faults.__index = Faults

local VALUES_KEPT = 1000 -- of a kind
local KINDS_KEPT = 200
local VALUES_SHOWN = 20 -- of a kind
local PLACES_SHOWN = 8 -- of a value

--- Make a list of faults.
---
--- @param describe fun(one: icrm.import.Fault, places?: string): string a fault as one
---   line; with `places` instead of its own
--- @param opts? table by_row = true: keep what is wrong with every row, for `of_row`
--- @return icrm.import.Faults faults count: how many there are
function M.new(describe, opts)
  return setmetatable({ describe = describe, count = 0, kinds = {}, by_name = {},
    texts = opts and opts.by_row and assert(io.tmpfile()), last_at = {} }, Faults)
end

-- One more row of a group.
local function count_in(group, one)
  group.count = group.count + 1
  if #group.places < PLACES_SHOWN then
    table.insert(group.places, one.row or one.line)
  end
end

local function new_group(one)
  return { first = one, count = 0, places = {} }
end

-- Beyond so many kinds all that is wrong is of one kind more.
local function kind_of(self, one)
  local form = one.message:gsub('"[^"]*"', '"'):gsub("%d+", "0")
  local name = ("%s\0%s\0%s"):format(one.column or "", one.field or "", form)
  local kind = self.by_name[name]
  if not kind then
    if #self.kinds == KINDS_KEPT then
      return self.kinds[KINDS_KEPT]
    end
    kind = { first = one, groups = {}, by_value = {}, others = new_group(one) }
    self.by_name[name] = kind
    table.insert(self.kinds, kind)
  end
  return kind
end

local function group_of(kind, one)
  local value = ("%s\0%s"):format(tostring(one.value), one.message)
  local group = kind.by_value[value]
  if not group and #kind.groups < VALUES_KEPT then
    group = new_group(one)
    kind.by_value[value] = group
    table.insert(kind.groups, group)
  end
  return group or kind.others
end

-- The text of a row's fault, behind the place of the one before it of this row.
local function keep_text(self, one)
  local at = assert(self.texts:seek "end")
  assert(self.texts:write(string.pack("<I8s4", self.last_at[one.line] or 0,
    self.describe(one, ""))))
  self.last_at[one.line] = at + 1
end

--- Add a fault.
---
--- @param one icrm.import.Fault
function Faults:add(one)
  self.count = self.count + 1
  count_in(group_of(kind_of(self, one), one), one)
  if self.texts then
    keep_text(self, one)
  end
end

-- ---- Telling -------------------------------------------------------------------

local function by_weight(a, b)
  if a.count ~= b.count then
    return a.count > b.count
  end
  return a.first.line < b.first.line
end

local function by_line(a, b)
  return a.first.line < b.first.line
end

local function rows_of(group)
  return ("%d rows (%s%s)"):format(group.count, table.concat(group.places, ", "),
    group.count > #group.places and ", …" or "")
end

-- What helps with the whole kind is said with its first value alone.
local function cure_of(one, first)
  if one == first then
    return one.cure
  elseif one.allowed then
    return one.hint
  end
  return one.cure ~= first.cure and one.cure or nil
end

local function tell_group(self, group, first)
  local one = setmetatable({}, { __index = group.first })
  one.cure = cure_of(group.first, first) or false
  return self.describe(one, group.count > 1 and rows_of(group) or nil)
end

-- What is left of a kind when the values with the most rows were told.
local function tell_rest(self, kind, from)
  local values, rows = #kind.groups - from + 1, kind.others.count
  for i = from, #kind.groups do
    rows = rows + kind.groups[i].count
  end
  return self.describe({ line = kind.first.line, column = kind.first.column,
    field = kind.first.field, label = kind.first.label,
    message = ("%s%d other values, wrong in the same way"):format(
      kind.others.count > 0 and "more than " or "", values) }, ("%d rows more"):format(rows))
end

--- Tell the faults, one line for each column and value; kinds in the order in which
--- they begin, values by the number of their rows.
---
--- @return string[] lines
--- @return boolean is_whole whether every row is named in them
function Faults:lines()
  local lines, is_whole = {}, true
  table.sort(self.kinds, by_line)
  for _, kind in ipairs(self.kinds) do
    table.sort(kind.groups, by_weight)
    for i = 1, math.min(#kind.groups, VALUES_SHOWN) do
      local group = kind.groups[i]
      lines[#lines + 1] = tell_group(self, group, kind.groups[1].first)
      is_whole = is_whole and group.count == #group.places
    end
    if #kind.groups > VALUES_SHOWN then
      lines[#lines + 1], is_whole = tell_rest(self, kind, VALUES_SHOWN + 1), false
    end
  end
  return lines, is_whole
end

--- Tell what is wrong with a row; made with `by_row`.
---
--- @param line integer
--- @return string? text nil when nothing is
function Faults:of_row(line)
  local at, texts = self.last_at[line] or 0, {}
  while at > 0 do
    self.texts:seek("set", at - 1)
    local length = string.unpack("<I4", self.texts:read(12), 9)
    self.texts:seek("set", at - 1)
    local before, text = string.unpack("<I8s4", self.texts:read(12 + length))
    table.insert(texts, 1, text)
    at = before
  end
  return texts[1] and table.concat(texts, " | ") or nil
end

return M
