--- Failures as values: the class icrm.Error, the same from C and from Lua.
--
-- Branch on `kind`, never on the text. docs/errors.md lists the kinds.
-- @module icrm.error

local core = require "icrm.core"

local Error = core.Error
Error.__index = Error

local M = { Error = Error }

local known = {}
for _, kind in ipairs(core.error_kinds) do
  known[kind] = true
end

-- What may be tried again as it is: no answer came, or a "later" did. A write
-- whose fate is not known is of kind unknown_outcome and never among these.
local retryable = { timeout = true, transport = true, rate_limited = true }

--- Make an error; it is not raised.
---
--- @param fields table kind, message and what else is known; see icrm.Error
--- @return icrm.Error
function M.new(fields)
  if not known[fields.kind] then
    error(("unknown error kind %q"):format(tostring(fields.kind)), 2)
  end
  if type(fields.message) ~= "string" then
    error("an error needs a message", 2)
  end
  return setmetatable(fields, Error)
end

--- Make an error and raise it.
---
--- @param fields table as for new
function M.raise(fields)
  error(M.new(fields), 0)
end

--- Raise an error of kind `input`: what was given cannot be done.
---
--- @param message string|table a format when values follow; the fields, as for new, when
---   there is more than a message
--- @param ... any
function M.refuse(message, ...)
  local fields = message
  if type(message) ~= "table" then
    fields = { message = select("#", ...) > 0 and message:format(...) or message }
  end
  fields.kind = "input"
  M.raise(fields)
end

--- Tell whether a value is an icrm.Error, of a kind if one is given.
---
--- @param value any
--- @param kind? string
--- @return boolean
function M.is(value, kind)
  return type(value) == "table" and getmetatable(value) == Error
    and (kind == nil or value.kind == kind)
end

--- Return the values as they are, or raise the second one when the first is nil.
---
--- It turns the `nil, err` of icrm.core into an exception.
---
--- @param value any
--- @param err any
--- @return any ...
function M.check(value, err, ...)
  if value == nil and err ~= nil then
    error(err, 0)
  end
  return value, err, ...
end

--- Call a function; what it raises as an icrm.Error is returned instead.
---
--- @param fn function
--- @param ... any its arguments
--- @return any value what it returns first; nil when it raised
--- @return icrm.Error? err
function M.try(fn, ...)
  local ok, value = pcall(fn, ...)
  if ok then
    return value
  elseif M.is(value) then
    return nil, value
  end
  error(value, 0)
end

--- Tell whether the same call may succeed later without any change.
---
--- @return boolean
function Error:is_retryable()
  if self.kind == "http" then
    return self.status == 502 or self.status == 503 or self.status == 504
  end
  return retryable[self.kind] or false
end

function Error:__tostring()
  local notes = {}
  if self.status and self.status ~= 200 then
    notes[#notes + 1] = "HTTP " .. self.status
  end
  if self.code then
    notes[#notes + 1] = "code " .. self.code
  end
  if self.request_id then
    notes[#notes + 1] = "request " .. self.request_id
  end
  local text = self.kind .. ": " .. self.message
  if self.row then
    text = ("row %d: %s"):format(self.row, text)
  end
  if #notes == 0 then
    return text
  end
  return ("%s (%s)"):format(text, table.concat(notes, ", "))
end

return M
