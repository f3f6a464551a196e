--- Comparing what was sent with what the server stores.
-- @module icrm.images

local values = require "icrm.values"

local M = {}

-- A text shorter than this is not taken for what was left of a longer one: a
-- workflow may have written it.
local MIN_CUT = 8

local function is_empty(value)
  return value == nil or value == "" or value == "0000-00-00"
end

--- The fields whose stored value is not what was sent, sorted by name. The
--- server's own way of writing a value (`12.50000000`) is no difference.
---
--- @param schema table icrm.Schema
--- @param sent table field → value
--- @param stored table the record as the server returned it
--- @return table list of { field, sent, stored, missing = boolean }
function M.differences(schema, sent, stored)
  local list = {}
  for field, value in pairs(sent) do
    if not schema:same(field, value, stored[field]) then
      list[#list + 1] = {
        field = field,
        sent = tostring(value),
        stored = stored[field] or "",
        missing = value ~= "" and is_empty(stored[field]),
      }
    end
  end
  table.sort(list, function(a, b)
    return a.field < b.field
  end)
  return list
end

--- Whether a record looks half written: something was sent, nothing is there.
-- A worker killed in the middle of a create leaves such a record (law 10).
function M.is_partial(differences)
  for _, difference in ipairs(differences) do
    if difference.missing then
      return true
    end
  end
  return false
end

-- How much of a text the server kept, when it cut it; describe tells no lengths.
local function kept_length(difference)
  local sent, stored = difference.sent, difference.stored
  local is_start = #stored >= MIN_CUT and sent:sub(1, #stored) == stored
  if is_start and sent:find("%S", #stored + 1) then -- blanks at the end are not missed
    return utf8.len(stored)
  end
end

--- The fields whose text the server has cut.
---
--- @param differences table see `differences`
--- @return table field → how many characters it kept
function M.cuts(differences)
  local cuts = {}
  for _, difference in ipairs(differences) do
    cuts[difference.field] = kept_length(difference)
  end
  return cuts
end

--- Say a list of differences in one line.
function M.describe(differences)
  local parts = {}
  for i, difference in ipairs(differences) do
    local kept = kept_length(difference)
    parts[i] = kept
        and ("%s: cut, %d of %d characters stored"):format(
          difference.field,
          kept,
          utf8.len(difference.sent) or #difference.sent
        )
      or ("%s: sent %q, stored %q"):format(
        difference.field,
        values.shorten(difference.sent),
        values.shorten(difference.stored)
      )
  end
  return table.concat(parts, "; ")
end

--- Only the fields of `record` that a client may write.
function M.editable(schema, record)
  local part = {}
  for field, value in pairs(record) do
    local description = schema.by_name[field]
    if description and description.editable then
      part[field] = value
    end
  end
  return part
end

--- What a module's fields look like, as one short text: it changes when the
--- administrator adds a field, a picklist value or an obligation.
---
--- @param schema table icrm.Schema
--- @return string text to be hashed
function M.outline(schema)
  local lines = {}
  for i, field in ipairs(schema.fields) do
    lines[i] = table.concat({
      field.name,
      field.type,
      tostring(field.mandatory),
      tostring(field.editable),
      table.concat(field.picklist and field.picklist.values or {}, "|"),
      table.concat(field.refers_to or {}, "|"),
    }, "\t")
  end
  return table.concat(lines, "\n")
end

return M
