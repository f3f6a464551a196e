--- The draft of a mapping file: which column feeds which field, by headings, by what
--- people usually write over a column, and by what its cells hold.
-- @module icrm.import.suggest

local cell_kinds = require "icrm.import.cell_kinds"
local mappings = require "icrm.import.mapping"
local nearest = require "icrm.nearest"
local picklists = require "icrm.picklist"
local text_tools = require "icrm.text"
local value_tools = require "icrm.values"
local vocabulary = require "icrm.import.vocabulary"

local M = {}

local MOST_VALUES = 10 -- of a column that are none of a picklist's; more, and it is free text

-- ---- Which field ------------------------------------------------------------------

-- The field whose name or label shares most with a heading, for a comment.
local function likely(heading, schema)
  local folded, name_of = text_tools.fold(heading), {}
  for _, field in ipairs(schema.fields) do
    for _, text in ipairs { field.name, field.label } do
      local other = text_tools.fold(text)
      if field.editable then
        if #other > 3 and (folded:find(other, 1, true) or other:find(folded, 1, true)) then
          return field.name
        end
        name_of[other] = name_of[other] or field.name
      end
    end
  end
  return nearest.name(folded, name_of)
end

-- The values of a column that mean none of its picklist's, each once.
local function unknown_values(field, cells)
  local unknown, seen = {}, {}
  for _, text in ipairs(field.picklist and field.type == "picklist" and cells or {}) do
    if not seen[text] and not picklists.find(field.picklist, text) then
      unknown[#unknown + 1] = text
    end
    seen[text] = true
  end
  return unknown
end

-- Free texts feed no picklist.
local function is_possible(field, cells)
  return #unknown_values(field, cells) <= MOST_VALUES
end

-- Heading → field, and a remark where it is not the heading itself that says it.
local function choose(source, schema, columns)
  local chosen, remarks = mappings.match(source.headings, schema), {}
  local taken = {}
  for _, name in pairs(chosen) do
    taken[name] = true
  end
  local function take(heading, name, remark)
    if name then
      chosen[heading], remarks[heading], taken[name] = name, remark, true
    end
  end
  for _, is_weak in ipairs { false, true } do
    for i, heading in ipairs(source.headings) do
      local name = not chosen[heading] and vocabulary.field(heading, schema, taken, is_weak)
      take(heading, name and is_possible(schema.by_name[name], columns[i]) and name)
    end
  end
  for i, heading in ipairs(source.headings) do
    if not chosen[heading] and not heading:find "^icrm_" then
      take(heading, cell_kinds.field(columns[i], schema, taken))
    end
  end
  return chosen, remarks, taken
end

-- A mandatory field without a column: the first unused one that every row fills with a text.
local function feed_mandatory(source, schema, columns, rows, chosen, remarks, taken)
  for _, name in ipairs(schema.mandatory) do
    local field = schema.by_name[name]
    for i, heading in ipairs(field.type == "string" and source.headings or {}) do
      if not taken[name] and not chosen[heading] and #columns[i] == rows
        and not columns[i][1]:find "^[%d%p%s]*$" then
        chosen[heading], taken[name] = name, true
        remarks[heading] = ("a guess: %s is mandatory, and every row fills this column")
          :format(name)
      end
    end
  end
end

-- ---- How it is written ------------------------------------------------------------------

local NAMES = { Accounts = "accountname", Contacts = "lastname", Leads = "company",
  Users = "user_name", Groups = "groupname" }

-- A field of a module by which people name its records.
local function name_field(describe, module)
  local ok, schema = pcall(describe, module)
  if not ok then
    return nil
  end
  local label = (schema.description.labelFields or ""):match "^[^,]+"
  local name = NAMES[module] or label
  return schema.by_name[name] and name or schema.by_name[label] and label
end

local function are_ids(cells)
  for _, text in ipairs(cells) do
    if not value_tools.is_id(text) then
      return false
    end
  end
  return true
end

-- A reference whose cells are no ids is looked up by the name of what it points to.
local function reference(field, cells, describe)
  local target = field.type == "reference" and (field.refers_to or {})[1]
  for _, module in ipairs(target and field.refers_to or {}) do
    target = module == "Accounts" and module or target
  end
  local name = target and not are_ids(cells) and name_field(describe, target)
  return name and ("{ field = %q, ref = %q, optional = true }"):format(field.name,
    target .. "." .. name)
end

local function default_of(field)
  local picklist = field.picklist
  return picklist.by_value[field.default] and field.default or picklist.values[1]
end

-- What stands for a value that is none: what means the same, else the nearest. Else nothing,
-- until somebody chooses; where something must stand somebody has to.
local function value_line(field, text)
  local picklist = field.picklist
  local word = picklists.near(picklist, text)
  local value = vocabulary.value(picklist, text) or word and picklists.find(picklist, word)
  local label = value and picklist.by_value[value]
  local remark = not value and "? no value is near"
    or label == value and "?" or ("that is %s?"):format(label)
  return ("      %s[%q] = %q, -- %s"):format(not value and field.mandatory and "-- " or "", text,
    value or "", text_tools.clean(remark))
end

-- A picklist of which the column has values that are none.
local function translated(field, unknown)
  local lines = { ("{ field = %q, values = {"):format(field.name) }
  for _, text in ipairs(unknown) do
    lines[#lines + 1] = value_line(field, text)
  end
  lines[#lines + 1] = "    } }"
  return table.concat(lines, "\n")
end

local function target_of(field, cells, describe)
  local unknown = unknown_values(field, cells)
  return #unknown > 0 and translated(field, unknown) or reference(field, cells, describe)
    or ("%q"):format(field.name)
end

local function column_line(heading, name, schema, cells, remark, describe)
  local target = "false"
  if name then
    target = target_of(schema.by_name[name], cells, describe)
  else
    local guess = likely(heading, schema)
    remark = guess and ("perhaps %q"):format(guess) or "no field of this name"
  end
  local line = ("    [%s] = %s,"):format(("%q"):format(heading):gsub("\\\n", "\\n"), target)
  return remark and ("%s -- %s"):format(line, text_tools.clean(remark)) or line
end

local function grouped_line(heading, name)
  return ("    %s = { fn = function(row) return (row[%q]:gsub(\"%%D\", \"\")) end }, -- its digits "
    .. "alone"):format(name, heading)
end

-- A mandatory field that no heading feeds: a picklist's first value will do until
-- somebody chooses, any other is left to be named.
local function mandatory_line(field)
  local picklist = field.picklist
  if not picklist then
    return ("    -- %s = \"…\", -- mandatory: %s; which column feeds it?"):format(field.name,
      field.label)
  end
  return ("    %s = { const = %q }, -- mandatory: %s; one of %s"):format(field.name,
    default_of(field), field.label, table.concat(picklist.values, ", "))
end

local READING = { "sheet", "skip", "short_rows", "totals", "encoding", "delimiter", "decimal",
  "dates", "timezone" }

-- How the file was opened, for what the options said has to be said again.
local function reading_lines(opts)
  local lines = {}
  for _, name in ipairs(READING) do
    if opts[name] then
      lines[#lines + 1] = ("  %s = %s,"):format(name, type(opts[name]) == "number"
        and tostring(opts[name]) or ("%q"):format(opts[name]))
    end
  end
  return lines
end

-- The words that mean an empty cell: those that were said, and those of the cells. They are
-- taken out of the cells.
local function null_words(source, schema, columns, chosen, said)
  local words, seen = {}, {}
  local function add(list)
    for _, word in ipairs(list) do
      words[#words + 1] = not seen[word] and word or nil
      seen[word] = true
    end
  end
  add(said or {})
  for i, heading in ipairs(source.headings) do
    local name = chosen[heading]
    add(name and cell_kinds.null_words(columns[i], schema.by_name[name]) or {})
  end
  for _, cells in ipairs(columns) do
    for at = #cells, 1, -1 do
      if seen[cells[at]] then
        table.remove(cells, at)
      end
    end
  end
  for i, word in ipairs(words) do
    words[i] = ("%q"):format(word)
  end
  return #words > 0 and ("  null = { %s }, -- mean an empty cell"):format(table.concat(words, ", "))
    or nil
end

local KEYS = { "siret", "email1", "email", "productcode" }

-- By which of the fields the records that are there already might be found.
local function key_line(taken)
  for _, name in ipairs(KEYS) do
    if taken[name] then
      return ("  -- existing = %q, -- finds the records that are there already"):format(name)
    end
  end
end

--- Write a mapping file as a draft for a person to finish. It can be used as it is; a
--- mandatory field that nothing feeds is asked for then.
---
--- @param source icrm.Source its first rows are read
--- @param schema icrm.Schema
--- @param describe fun(module: string): icrm.Schema
--- @param opts? table what else was said of the file, as in a mapping: sheet, skip, null, …
--- @return string text Lua
function M.draft(source, schema, describe, opts)
  local columns, rows = cell_kinds.sample(source)
  local chosen, remarks, taken = choose(source, schema, columns)
  feed_mandatory(source, schema, columns, rows, chosen, remarks, taken)
  local out = {
    "-- Which column feeds which field of " .. schema.name .. "; see docs/import-reference.md.",
    "return {", ("  module = %q,"):format(schema.name),
  }
  opts = opts or {}
  table.move(reading_lines(opts), 1, #READING, #out + 1, out)
  out[#out + 1] = null_words(source, schema, columns, chosen, opts.null)
  out[#out + 1] = key_line(taken)
  out[#out + 1] = "  columns = {"
  local fields = {}
  for i, heading in ipairs(source.headings) do
    local name = chosen[heading]
    if cell_kinds.is_grouped(name, columns[i]) then
      fields[#fields + 1] = grouped_line(heading, name)
    else
      out[#out + 1] = column_line(heading, name, schema, columns[i], remarks[heading], describe)
    end
  end
  out[#out + 1] = "  },\n  fields = {"
  table.move(fields, 1, #fields, #out + 1, out)
  for _, name in ipairs(schema.mandatory) do
    if not taken[name] and schema.by_name[name].type ~= "owner" then
      out[#out + 1] = mandatory_line(schema.by_name[name])
    end
  end
  out[#out + 1] = "  },\n}\n"
  return table.concat(out, "\n")
end

return M
