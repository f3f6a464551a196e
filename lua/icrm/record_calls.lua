--- Calls on one record: why they are refused, and that the answer is the answer.
-- @module icrm.record_calls

local errors = require "icrm.error"
local json = require "icrm.json"
local values = require "icrm.values"

local M = {}

-- The servers have one answer for many causes, and not all the same; say which
-- causes they are.
local NOT_THERE = { ACCESS_DENIED = true, INVALID_ID_ATTRIBUTE = true }

local function explain(err, text)
  if errors.is(err, "refused") and NOT_THERE[err.code] then
    err.message = text .. ": " .. err.message
  end
  error(err, 0)
end

-- What servers answer when there is no such record, and when it may not be read.
local ABSENT_CODES = { RECORD_NOT_FOUND = true, INVALID_ID_ATTRIBUTE = true }
local HIDDEN_WORDS = "read given object"
local ABSENT_WORDS = "perform the operation"

--- Whether a refusal to retrieve is the family's for a record that this user may not
--- read.
---
--- @param refusal icrm.Error
--- @return boolean
function M.says_hidden(refusal)
  return refusal.message:find(HIDDEN_WORDS, 1, true) ~= nil
end

--- Whether a refusal to retrieve is the family's for an id that nobody has. These
--- servers ask whether there is such a record before they ask who may read it.
---
--- @param refusal icrm.Error
--- @return boolean
function M.says_absent(refusal)
  return not M.says_hidden(refusal) and (ABSENT_CODES[refusal.code]
    or refusal.message:find(ABSENT_WORDS, 1, true) ~= nil)
end

--- Call an operation on one record; when it is refused, say why that may be.
---
--- @param client icrm.Client
--- @param id string
--- @param operation string
--- @param params table
--- @return any result
function M.call_on(client, id, operation, params)
  local ok, result = pcall(client.call, client, operation, params)
  if ok then
    return result
  end
  explain(result, ("%s does not exist, was deleted, or %s may not %s it"):format(
    id, client.username, operation == "delete" and "delete" or "read"))
end

-- An answer must be the answer: a record of the module, the one that was asked for
-- (`id`), or the new one.
local function check_echo(schema, result, operation, id)
  local echo = type(result) == "table" and result.id
  if not values.is_id(echo) or echo:match "^%d+" ~= schema.id_prefix or id and echo ~= id then
    errors.raise { kind = "unknown_outcome", operation = operation,
      message = ("the server says that the %s of %s succeeded but gives %s back; "
        .. "look what it did before trying again"):format(operation,
        id or "a record of " .. schema.name,
        values.is_id(echo) and "record " .. echo or "no record") }
  end
  return result
end

local function explain_save(client, schema, operation, id, err)
  local text = ("%s may not create in %s, or the module does not allow it")
    :format(client.username, schema.name)
  if errors.is(err) and err.code == "0" then -- a duplicate; the words are translated
    err.message = ("a record of %s with the same %s exists: %s"):format(
      schema.name, schema:unique_names(), err.reason or err.message)
  elseif operation ~= "create" then
    text = ("%s does not exist, was deleted, or %s may not change it")
      :format(id, client.username)
  end
  explain(err, text)
end

--- Write one record.
---
--- @param client icrm.Client
--- @param schema icrm.Schema
--- @param operation string create, update or revise
--- @param element table<string, any>
--- @return icrm.Record stored what the server gave back: the record of `element`, or the
---   new one
function M.save(client, schema, operation, element)
  local ok, result = pcall(client.call, client, operation, {
    elementType = schema.name, element = json.encode_element(element) })
  if not ok then
    explain_save(client, schema, operation, element.id, result)
  end
  return check_echo(schema, result, operation, element.id)
end

return M
