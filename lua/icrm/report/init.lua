--- Rows counted and summed by one or two fields.
--
-- Sums are exact: amounts are added as whole numbers, so no cent is lost, and
-- memory depends on the number of groups alone.
-- @module icrm.report

local errors = require "icrm.error"
local text_tools = require "icrm.text"

local M = {}

-- ---- Exact sums -------------------------------------------------------------------

local DIGITS = 12                 -- digits after the point that a sum keeps
local UNIT = math.tointeger(10 ^ DIGITS)
local LARGEST_DIGITS = 18         -- before the point, so that 64 bits suffice

local Sum = {}
Sum.__index = Sum

--- Make a sum of zero.
---
--- @return icrm.report.Sum
function M.sum()
  return setmetatable({ whole = 0, part = 0 }, Sum)
end

--- Add a number given as text, such as `12345.67000000`; an empty one is zero.
---
--- @param text string
--- @return boolean? ok nil when the text is no number, which is not added then
function Sum:add(text)
  if text == "" then
    return true
  end
  local sign, whole, part = text:match "^([+-]?)(%d+)%.?(%d*)$"
  if not whole or #whole > LARGEST_DIGITS or #part > DIGITS then
    return nil
  end
  local factor = sign == "-" and -1 or 1
  self.whole = self.whole + factor * math.tointeger(whole)
  self.part = self.part + factor * (math.tointeger(part .. ("0"):rep(DIGITS - #part)) or 0)
  self.whole = self.whole + self.part // UNIT
  self.part = self.part % UNIT
  return true
end

--- Write the sum; zeros at its end are left out.
---
--- @return string
function Sum:__tostring()
  local whole, part, sign = self.whole, self.part, ""
  if whole < 0 then
    whole, part, sign = -whole, -part, "-"
    if part < 0 then
      whole, part = whole - 1, part + UNIT
    end
  end
  local digits = ("%012d"):format(part):gsub("0+$", "")
  return ("%s%d%s"):format(sign, whole, digits == "" and "" or "." .. digits)
end

-- ---- Groups -----------------------------------------------------------------------

local Report = { __name = "icrm.Report" }
Report.__index = Report

--- Start a report.
---
--- @param opts table by: list of one or two names; sum: list of names, or nil
--- @return icrm.Report
function M.new(opts)
  if #opts.by < 1 or #opts.by > 2 then
    errors.refuse("a report groups by one or two fields, not by %d", #opts.by)
  end
  return setmetatable({ by = opts.by, sums = opts.sum or {}, groups = {}, list = {},
    rows = 0, not_numbers = 0 }, Report)
end

local function new_group(self, row, key)
  local group = { count = 0, sums = {}, names = {} }
  for i, name in ipairs(self.by) do
    group.names[i] = row[name] or ""
  end
  for _, name in ipairs(self.sums) do
    group.sums[name] = M.sum()
  end
  self.groups[key] = group
  self.list[#self.list + 1] = group
  return group
end

--- Count a row into its group. A value that is no number is counted in
--- `not_numbers` and not summed.
---
--- @param row table<string, string>
function Report:add(row)
  local first, second = row[self.by[1]] or "", row[self.by[2]] or ""
  local key = ("%d:%s%s"):format(#first, first, second)
  local group = self.groups[key] or new_group(self, row, key)
  group.count = group.count + 1
  self.rows = self.rows + 1
  for _, name in ipairs(self.sums) do
    if not group.sums[name]:add(row[name] or "") then
      self.not_numbers = self.not_numbers + 1
    end
  end
end

local function before(a, b)
  for i, name in ipairs(a.names) do
    local left, right = text_tools.fold(name), text_tools.fold(b.names[i])
    if left ~= right then
      return left < right
    end
  end
  return table.concat(a.names, "\0") < table.concat(b.names, "\0")
end

--- The names of the columns of the result.
---
--- @return string[]
function Report:columns()
  local columns = table.move(self.by, 1, #self.by, 1, {})
  columns[#columns + 1] = "count"
  for _, name in ipairs(self.sums) do
    columns[#columns + 1] = "sum " .. name
  end
  return columns
end

-- All sums of a column with as many digits after the point as the longest.
local function align(rows, name)
  local digits = 0
  for _, row in ipairs(rows) do
    digits = math.max(digits, #(row[name]:match "%.(%d+)$" or ""))
  end
  for _, row in ipairs(rows) do
    local has = row[name]:match "%.(%d+)$" or ""
    if #has < digits then
      row[name] = row[name] .. (has == "" and "." or "") .. ("0"):rep(digits - #has)
    end
  end
end

--- The result, a row a group.
---
--- @param order? string "name" (the default, without case and accents) or "count"
---   (the largest first)
--- @return table[] rows with the values of columns()
function Report:result(order)
  table.sort(self.list, function(a, b)
    if order == "count" and a.count ~= b.count then
      return a.count > b.count
    end
    return before(a, b)
  end)
  local result = {}
  for i, group in ipairs(self.list) do
    local row = { count = group.count }
    for at, name in ipairs(self.by) do
      row[name] = group.names[at]
    end
    for _, name in ipairs(self.sums) do
      row["sum " .. name] = tostring(group.sums[name])
    end
    result[i] = row
  end
  for _, name in ipairs(self.sums) do
    align(result, "sum " .. name)
  end
  return result
end

return M
