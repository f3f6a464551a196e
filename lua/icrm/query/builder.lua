--- Queries built step by step: the class icrm.Builder, made by `crm:from(module)`.
--
-- Conditions are AND-ed; `or_where` begins an alternative. The server has no
-- parentheses, so what comes out is (a AND b) OR c.
-- @module icrm.query.builder

local core = require "icrm.core"
local errors = require "icrm.error"
local query = require "icrm.query"

local M = {}

local Builder = { __name = "icrm.Builder" }
Builder.__index = Builder
M.Builder = Builder

local OPERATORS = {}
for operator in ("= != < <= > >= LIKE IN"):gmatch "%S+" do
  OPERATORS[operator] = true
end

local function check_name(name)
  if type(name) ~= "string" or not core.vtql.is_name(name) then
    errors.raise { kind = "query", message = ("%q is no name of a field or module")
      :format(tostring(name)) }
  end
  return name
end

--- @param client icrm.Client
--- @param module string
--- @return icrm.Builder
function M.new(client, module)
  return setmetatable({
    client = client, module = check_name(module),
    columns = {}, branches = { {} }, order = {},
  }, Builder)
end

--- Name the fields wanted; without it, all. `id` always comes along.
---
--- @param ... string
--- @return icrm.Builder self
function Builder:select(...)
  for _, name in ipairs { ... } do
    table.insert(self.columns, check_name(name))
  end
  return self
end

--- Add a condition that must hold as well.
---
--- @param field string
--- @param operator string = != < <= > >= LIKE IN
--- @param value any as for crm:query; a list for IN
--- @return icrm.Builder self
function Builder:where(field, operator, value)
  local known = OPERATORS[tostring(operator):upper()] and tostring(operator):upper()
  if not known then
    errors.raise { kind = "query", message = ("%q is no operator; there are = != < <= > >= LIKE IN")
      :format(tostring(operator)) }
  end
  local hole = known == "IN" and "(?)" or "?"
  local text = ("%s %s %s"):format(check_name(field), known, hole)
  local bound = errors.check(core.vtql.bind(text, { value }))
  table.insert(self.branches[#self.branches], bound)
  return self
end

--- Begin an alternative with a condition; `where` after it belongs to it.
---
--- @param field string
--- @param operator string
--- @param value any
--- @return icrm.Builder self
function Builder:or_where(field, operator, value)
  table.insert(self.branches, {})
  return self:where(field, operator, value)
end

--- Order by a field; called again, by further ones. A server applies a
--- direction to the last field alone, so `desc` ends the list.
---
--- @param field string
--- @param direction? string "asc" or "desc"
--- @return icrm.Builder self
function Builder:order_by(field, direction)
  direction = (direction or "asc"):lower()
  if direction ~= "asc" and direction ~= "desc" then
    errors.raise { kind = "query", message = "a direction is asc or desc" }
  elseif self.descending then
    errors.raise { kind = "query",
      message = "a server orders only the last field downwards; put desc last" }
  end
  table.insert(self.order, check_name(field))
  self.descending = direction == "desc"
  return self
end

--- Give at most so many rows in all, after leaving out the first ones.
---
--- @param rows integer
--- @param offset? integer
--- @return icrm.Builder self
function Builder:limit(rows, offset)
  for _, n in ipairs { rows, offset } do
    if math.type(n) ~= "integer" or n < 0 then
      errors.raise { kind = "query", message = ("limit: %s is no number of rows")
        :format(tostring(n)) }
    end
  end
  self.rows, self.offset = rows, offset
  return self
end

-- An alternative of several conditions stands first: read from left to right
-- or AND first, the rows are the same then.
local function where_text(branches)
  local long, short = {}, {}
  for _, branch in ipairs(branches) do
    if #branch > 0 then
      table.insert(#branch > 1 and long or short, table.concat(branch, " AND "))
    end
  end
  table.move(short, 1, #short, #long + 1, long)
  return #long > 0 and " WHERE " .. table.concat(long, " OR ") or ""
end

--- Make the query.
---
--- @return icrm.Query
function Builder:build()
  local text = ("SELECT %s FROM %s%s"):format(
    #self.columns > 0 and table.concat(self.columns, ", ") or "*", self.module,
    where_text(self.branches))
  if #self.order > 0 then
    text = text .. " ORDER BY " .. table.concat(self.order, ", ")
      .. (self.descending and " DESC" or "")
  end
  if self.rows then
    text = text .. (self.offset and (" LIMIT %d, %d"):format(self.offset, self.rows)
      or (" LIMIT %d"):format(self.rows))
  end
  return query.parsed(self.client, text)
end

for _, method in ipairs { "each", "pages", "all", "first", "count", "text" } do
  Builder[method] = function(self, ...)
    local built = self:build()
    return built[method](built, ...)
  end
end

Builder.__tostring = Builder.text

return M
