--- What the server offers beyond the operations that every server of the family
-- has, found out without harm.
-- @module icrm.operations

local errors = require "icrm.error"
local tasks = require "icrm.tasks"

local M = {}

-- Called like this an operation that is there refuses and does nothing.
local NOTHING = { id = "", element = "{}", sourceRecordId = "", elementType = "" }
local READS = { retrieve_related = true, relatedtypes = true, files_retrieve = true,
  query_related = true, retrievedocattachment = true, getRelatedRecords = true }

-- A server that does not know an operation says so, or breaks: an HTTP 500.
local function is_there(err)
  if err.kind == "refused" then
    return err.code ~= "UNKNOWN_OPERATION"
  elseif err.status == 500 then
    return false
  end
  error(err, 0)
end

--- Whether the server has an operation that wants an id, such as delete, revise,
--- retrieve_related, add_related or files_retrieve; asked once per client.
---
--- @param client icrm.Client
--- @param operation string
--- @return boolean; raises icrm.Error when the server cannot be asked
function M.offers(client, operation)
  client.offered = client.offered or {}
  return tasks.share(client, client.offered, operation, function()
    local how = { method = READS[operation] and "GET" or "POST", write = false }
    local ok, err = pcall(client.call, client, operation, NOTHING, how)
    return ok and true or is_there(err)
  end)
end

-- Operations that do several things and keep those that were done when one fails;
-- the lists of their result that name what failed.
local IN_PARTS = {
  convertlead = {},
  masscreate = { "failed_creates" },
  massupdate = { "failed_updates" },
  massdelete = { "failed_deletes" },
}

--- Whether an operation does several things, of which some may stay when it fails.
---
--- @param operation string
--- @return boolean
function M.is_in_parts(operation)
  return IN_PARTS[operation:lower()] ~= nil
end

local function count_failed(operation, result)
  local n = 0
  for _, name in ipairs(IN_PARTS[operation:lower()]) do
    local list = type(result) == "table" and result[name]
    n = n + (type(list) == "table" and #list or 0)
  end
  return n
end

--- Raise unless an operation in parts has done all of them: these servers refuse
--- after they have stored a part, and say success where some failed or nothing was done.
---
--- @param operation string
--- @param result any nil when it failed, or did nothing
--- @param err? icrm.Error
--- @return any result
function M.check_parts(operation, result, err)
  if err and err.kind ~= "refused" and err.kind ~= "unknown_outcome" then
    error(err, 0)
  elseif err then
    errors.raise { kind = "unknown_outcome", code = err.code, operation = operation, cause = err,
      message = ("%s failed, but what it had done before may have stayed; look at the records "
        .. "(%s)"):format(operation, err.message) }
  elseif result == nil then
    errors.raise { kind = "unknown_outcome", code = "NOTHING_DONE", operation = operation,
      message = ("the server says that %s succeeded, and that it did nothing"):format(operation) }
  end
  local failed = count_failed(operation, result)
  if failed > 0 then
    errors.raise { kind = "unknown_outcome", code = "PARTLY_DONE", operation = operation,
      result = result, message = ("%s failed for %d records and did the others; the error's "
        .. "result names them"):format(operation, failed) }
  end
  return result
end

return M
