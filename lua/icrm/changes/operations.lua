--- What the server offers beyond the seed's operations, found out without harm.
-- @module icrm.changes.operations

local operations = {}

--- Whether the server has an operation that wants an id (delete, revise).
-- Called without one, it answers that the id is wrong; a server that does not
-- know the operation answers with an HTTP error (SERVER.md 1).
-- @param client table icrm.Client
-- @param operation string
-- @return boolean; raises icrm.Error when the server cannot be asked
function operations.offers(client, operation)
  client.offered = client.offered or {}
  if client.offered[operation] == nil then
    local ok, err = pcall(
      client.call,
      client,
      operation,
      { id = "", element = "{}" },
      { method = "POST" }
    )
    if not ok and err.kind ~= "refused" and err.kind ~= "http" then
      error(err, 0)
    end
    client.offered[operation] = ok
      or (err.kind == "refused" and err.code ~= "UNKNOWN_OPERATION")
  end
  return client.offered[operation]
end

return operations
