--- What the server offers beyond the seed's operations, found out without harm.
-- @module icrm.operations

local M = {}

--- Whether the server has an operation that wants an id (delete, revise).
--- Called without one, it answers that the id is wrong; a server that does not
--- know the operation answers with an HTTP error (SERVER.md 1).
---
--- @param client table icrm.Client
--- @param operation string
--- @param job? table the job of a change set's engine that wants to know
--- @return boolean; raises icrm.Error when the server cannot be asked
function M.offers(client, operation, job)
  client.offered = client.offered or {}
  if client.offered[operation] == nil then
    local params, how = { id = "", element = "{}" }, { method = "POST" }
    local ok, err
    if job then
      ok, err = job:read(operation, params, how)
    else
      ok, err = pcall(client.call, client, operation, params, how)
    end
    if not ok and err.kind ~= "refused" and err.kind ~= "http" then
      error(err, 0)
    end
    client.offered[operation] = ok and true
      or (err.kind == "refused" and err.code ~= "UNKNOWN_OPERATION")
  end
  return client.offered[operation]
end

return M
