--- One change of a set in words: where it comes from, what it changes, what became
-- of it.
-- @module icrm.changes.wording

local json = require "icrm.json"
local text_tools = require "icrm.text"

local M = {}

local WIDTH = 60

--- What stands for an operation.
M.SIGNS = { create = "+", attach = "+", update = "~", delete = "-" }

-- Control characters and long texts would spoil a terminal.
local function printable(value)
  local text = text_tools.clean((tostring(value):gsub("\r?\n", "⏎")))
  if utf8.len(text) and utf8.len(text) > WIDTH then
    text = text:sub(1, utf8.offset(text, WIDTH) - 1) .. "…"
  end
  return text == "" and "(empty)" or text
end

local function sorted_fields(change)
  local names = {}
  for field in pairs(json.decode(change.fields)) do
    names[#names + 1] = field
  end
  for field in pairs(change.refs and json.decode(change.refs) or {}) do
    names[#names + 1] = field
  end
  table.sort(names)
  return names
end

--- What changes are shown together by: updates of the same fields, and all creations
--- of a module.
---
--- @param change table
--- @return string
function M.group(change)
  local name = ("%s %s"):format(M.SIGNS[change.operation], change.module)
  if change.operation == "update" then
    name = name .. ": " .. table.concat(sorted_fields(change), ", ")
  end
  return name
end

local function new_value(fields, references, field)
  if references[field] then
    return "record of " .. references[field]
  end
  return printable(fields[field])
end

local function describe_attachment(change)
  local file = json.decode(change.before)
  local target = file.related_to or "record of " .. json.decode(change.refs).related_to
  return { ("      %s (%d bytes) → %s"):format(printable(file.path), file.size, target) }
end

--- The values of a change as lines: `old → new` for an update.
---
--- @param change table
--- @return string[]
function M.values(change)
  if change.operation == "attach" then
    return describe_attachment(change)
  end
  local fields = json.decode(change.fields)
  local references = change.refs and json.decode(change.refs) or {}
  local before = change.before and json.decode(change.before) or {}
  local lines = {}
  for _, field in ipairs(sorted_fields(change)) do
    local value = new_value(fields, references, field)
    if change.operation == "update" then
      lines[#lines + 1] = ("      %s: %s → %s"):format(
        field,
        printable(before[field] or ""),
        value
      )
    elseif value ~= "(empty)" then
      lines[#lines + 1] = ("      %s: %s"):format(field, value)
    end
  end
  return lines
end

--- Where a change comes from: its key, and its line unless the key says it.
---
--- @param change table
--- @return string
function M.place(change)
  local line = change.line and ("line %d"):format(change.line)
  if not line or change.key:find(line, 1, true) then
    return change.key
  end
  return ("%s (%s)"):format(change.key, line)
end

--- A change in one line: its record, its place, its name, and what became of it.
---
--- @param change table
--- @return string
function M.title(change)
  local before = change.before and json.decode(change.before) or {}
  local name = before.accountname
    or before.ticket_title
    or before.lastname
    or before.label
    or ""
  local outcome = change.message
      and ("  [%s: %s]"):format(change.state:gsub("_", " "), printable(change.message))
    or change.differences and ("  [done, but %s]"):format(text_tools.clean(change.differences))
    or ""
  return ("    %s %s%s%s"):format(
    change.record or "new",
    M.place(change),
    name ~= "" and "  " .. printable(name) or "",
    outcome
  )
end

return M
