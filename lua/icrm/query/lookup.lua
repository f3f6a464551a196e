--- Records by the values of one field, many values to a call: look-ups of keys and ids.
--
-- An empty answer is what a server gives that knows no such record, and also what
-- it gives when its own query failed; and some servers cut a list of values at a
-- parenthesis, or drop every condition over a bracket, without a word. So each
-- call carries a value that is known to be there, values that a list is known to
-- miss do not go into one, and every row must be one of those asked for.
-- @module icrm.query.lookup

local compare = require "icrm.query.compare"
local errors = require "icrm.error"
local limits = require "icrm.limits"
local literals = require "icrm.query.literals"
local tasks = require "icrm.tasks"
local text_tools = require "icrm.text"

local M = {}

local Lookup = { __name = "icrm.query.Lookup" }
Lookup.__index = Lookup

local CANDIDATES = 20 -- rows among which a control is chosen

-- ---- One call --------------------------------------------------------------------------

local function columns_of(self)
  local columns = self.columns
  if columns == "*" then
    return "*"
  end
  local list = { "id" }
  if self.field ~= "id" then
    list[2] = self.field
  end
  for _, column in ipairs(columns or {}) do
    if column ~= "id" and column ~= self.field then
      list[#list + 1] = column
    end
  end
  return table.concat(list, ", ")
end

local function text_of(self, condition)
  return ("SELECT %s FROM %s WHERE %s;"):format(columns_of(self), self.module, condition)
end

-- `field IN (?) OR field = ? …`, and its values.
local function condition_of(self, values)
  local listed, parts, bound = {}, {}, {}
  for _, value in ipairs(values) do
    if self.without_lists or literals.breaks_list(value) then
      parts[#parts + 1] = self.field .. " = ?"
      bound[#bound + 1] = value
    else
      listed[#listed + 1] = value
    end
  end
  if #listed > 0 then
    table.insert(parts, 1, self.field .. " IN (?)")
    table.insert(bound, 1, listed)
  end
  return table.concat(parts, " OR "), bound
end

local function refuse_answer(self, row, values)
  errors.raise { kind = "decode", operation = "query", message =
    ("the CRM was asked for records of %s by %s (%s) and answered with %s, whose %s is %s; "
      .. "what it does not give cannot be taken for absent"):format(self.module, self.field,
      text_tools.cut(text_tools.clean(table.concat(values, ", ")), 60), tostring(row.id),
      self.field, text_tools.quote(tostring(row[self.field]))) }
end

-- The keys of what is asked for, and whether each of them has one.
local function keys_of(values)
  local keys, all = {}, true
  for _, value in ipairs(values) do
    local key = compare.key(value)
    all = all and key ~= nil
    keys[key or ""] = true
  end
  return keys, all
end

local function check_rows(self, rows, values)
  local keys, all = keys_of(values)
  for _, row in ipairs(rows) do
    local value = row[self.field]
    local key = type(value) == "string" and compare.key(value)
    if key == false or key and all and not keys[key] then
      refuse_answer(self, row, values)
    end
  end
end

local function ask(self, values)
  local condition, bound = condition_of(self, values)
  local rows = {}
  for page in self.client:query(text_of(self, condition), table.unpack(bound)):pages() do
    check_rows(self, page, values) -- before the next page of what was not asked for
    table.move(page, 1, #page, #rows + 1, rows)
  end
  return rows
end

local function ask_by_pattern(self, value)
  local rows, key = {}, compare.key(value)
  for page in self.client:query(text_of(self, self.field .. " LIKE ?"),
      literals.pattern(value)):pages() do
    for _, row in ipairs(page) do
      local found = row[self.field]
      if type(found) ~= "string" or utf8.len(text_tools.trim(found)) ~= utf8.len(
          text_tools.trim(value)) then
        refuse_answer(self, row, { value })
      elseif compare.key(found) == key then
        rows[#rows + 1] = row
      end
    end
  end
  return rows
end

-- ---- The control -------------------------------------------------------------------------

local function offer_control(self, rows)
  for _, row in ipairs(rows) do
    local value = row[self.field]
    if literals.worth(value) > literals.worth(self.control) then
      self.control = value
    end
  end
end

local function is_pointer(self)
  local ok, schema = pcall(self.client.describe, self.client, self.module)
  local field = ok and schema.by_name[self.field]
  return self.field == "id" or field and (field.type == "reference" or field.type == "owner")
end

-- Some value of the field that is there; nil when no record shows one.
local function find_control(self)
  local condition = is_pointer(self) and "" or (" WHERE %s != ' '"):format(self.field)
  local text = ("SELECT %s FROM %s%s LIMIT %d;"):format(self.field, self.module, condition,
    CANDIDATES)
  self.control = nil
  local next_page, _, _, closing = self.client:query(text):pages()
  local _ <close> = closing -- whether there are more does not matter
  offer_control(self, next_page() or {})
  return true
end

local function shows(self, rows, value)
  local key = compare.key(value)
  for _, row in ipairs(rows) do
    if row[self.field] == value or key and compare.key(row[self.field]) == key then
      return true
    end
  end
  return false
end

local function ask_with_control(self, values)
  local with = table.move(values, 1, #values, 1, {})
  with[#with + 1] = self.control
  local rows = ask(self, with)
  return rows, self.control == nil or shows(self, rows, self.control)
end

-- The control did not come: it may have been deleted, or the list misses values.
local function ask_again(self, values)
  local gone = self.control
  find_control(self)
  self.without_lists = self.without_lists or self.control == gone
  local rows, works = ask_with_control(self, values)
  if not works then
    errors.raise { kind = "decode", operation = "query", message =
      ("the CRM has a record of %s whose %s is %s, but does not find it by that; so a record "
        .. "that it does not find cannot be taken for absent"):format(self.module, self.field,
        text_tools.quote(self.control)) }
  end
  return rows
end

-- ---- Batches -------------------------------------------------------------------------------

local function encoded_bytes(value)
  local _, others = value:gsub("[^%w]", "")
  return #value + 2 * others + #"%27%27%2C%20"
end

-- Slices of the values that fit one call each; hard ones stand alone.
local function batches_of(self, values)
  local batches, batch, bytes = {}, nil, 0
  local room = limits.QUERY_BYTES - #columns_of(self) - (self.control and
    encoded_bytes(self.control) or 0)
  for _, value in ipairs(values) do
    local more = encoded_bytes(value) + (literals.breaks_list(value) and #self.field + 10 or 0)
    if literals.breaks_text(value) then
      batches[#batches + 1] = { value, by_pattern = true }
    elseif not batch or #batch == limits.VALUES_PER_QUERY or bytes + more > room then
      batch, bytes = { value }, more
      batches[#batches + 1] = batch
    else
      batch[#batch + 1], bytes = value, bytes + more
    end
  end
  return batches
end

local function distinct(values)
  local seen, list = {}, {}
  for _, value in ipairs(values) do
    if not seen[value] then
      seen[value] = true
      list[#list + 1] = value
    end
  end
  return list
end

local function ask_batch(self, batch)
  if batch.by_pattern then
    return ask_by_pattern(self, batch[1])
  end
  local rows, works = ask_with_control(self, batch)
  return works and rows or ask_again(self, batch)
end

--- Find the records whose field has one of some values, each record once.
---
--- The server compares without regard to case and accents, so records come whose
--- value is equal to one asked for in that way only; one more record may come, by
--- which the answer was seen to be one.
---
--- @param values string[] not empty texts
--- @return icrm.Record[]
function Lookup:find(values)
  local found, seen = {}, {}
  if #values > 0 then
    tasks.share(self.client, self, "has_looked", function() return find_control(self) end)
  end
  for _, batch in ipairs(batches_of(self, distinct(values))) do
    local rows = ask_batch(self, batch)
    offer_control(self, rows)
    for _, row in ipairs(rows) do
      if not seen[row.id] then
        seen[row.id] = true
        found[#found + 1] = row
      end
    end
  end
  return found
end

--- Make a look-up, which can be asked again and again.
---
--- @param client icrm.Client
--- @param module string
--- @param field string `id`, or the field that holds the values
--- @param opts? { columns?: string[]|"*", control?: string } columns: what is wanted
---   besides `id` and the field, or `*` for all; control: a value known to be there,
---   otherwise one is looked for; false where what does not come is not taken for absent
--- @return icrm.query.Lookup
function M.new(client, module, field, opts)
  opts = opts or {}
  return setmetatable({ client = client, module = module, field = field,
    columns = opts.columns, control = opts.control or nil,
    has_looked = opts.control ~= nil or nil }, Lookup)
end

--- Look up values once.
---
--- @param client icrm.Client
--- @param module string
--- @param field string
--- @param values string[]
--- @param opts? table as for new
--- @return icrm.Record[] see Lookup:find
function M.find(client, module, field, values, opts)
  return M.new(client, module, field, opts):find(values)
end

--- Find the records of some ids, each once.
---
--- @param client icrm.Client
--- @param module string
--- @param ids string[]
--- @param columns? string[]|"*"
--- @return table<string, icrm.Record> by_id what is not there is not in it
function M.by_id(client, module, ids, columns)
  local by_id = {}
  for _, row in ipairs(M.find(client, module, "id", ids, { columns = columns })) do
    by_id[row.id] = row
  end
  return by_id
end

return M
