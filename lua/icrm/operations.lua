--- What the server offers beyond the operations that every server of the family
-- has, found out without harm.
-- @module icrm.operations

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

return M
