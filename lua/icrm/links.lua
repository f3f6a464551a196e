--- Relations between a document and a record: made, and seen to be there.
--
-- The servers of the family relate records by operations of their own. vtiger has
-- add_related, which answers with success whatever it is given, and lists what is
-- related a hundred at most; coreBOS takes the relations in the document, has
-- SetRelation, which answers with success too, and shows them in the document. So
-- what they answer is not trusted: the relation is looked for.
-- @module icrm.links

local errors = require "icrm.error"
local json = require "icrm.json"
local limits = require "icrm.limits"

local M = {}

-- ---- vtiger ----------------------------------------------------------------------------

local vtiger = { needs = { "retrieve_related", "add_related" } }

-- true, false, or nil when the list is full and the document not on it.
function vtiger.is_linked(client, document, record)
  local rows = client:related(record, "Documents", { cap = true })
  for _, row in ipairs(rows) do
    if row.id == document.id then
      return true
    end
  end
  if #rows < limits.PAGE_ROWS then
    return false
  end
end

function vtiger.link(client, document, record)
  client:call("add_related", {
    sourceRecordId = record, relatedRecordId = document.id,
    relationIdLabel = "Documents" })
end

-- ---- coreBOS ---------------------------------------------------------------------------

local corebos = { needs = {}, in_element = true }

function corebos.is_linked(client, document, record)
  local relations = client:retrieve(document.id).relations
  for _, id in ipairs(type(relations) == "table" and relations or {}) do
    if id == record then
      return true
    end
  end
  return false
end

function corebos.link(client, document, record)
  client:call("SetRelation", {
    relate_this_id = document.id, with_these_ids = json.encode { record } })
end

local function of(client)
  return client:server().kind == "corebos" and corebos or vtiger
end

-- ---- Both ------------------------------------------------------------------------------

--- Refuse to attach where the server has no operation to relate a document.
---
--- @param client icrm.Client
function M.check(client)
  for _, operation in ipairs(of(client).needs) do
    if not client:server():offers(operation) then
      errors.refuse("this server has no operation %s, so a document could not be related to a "
        .. "record; nothing was sent", operation)
    end
  end
end

--- The element of a new document with its relation in it, where the server takes it
--- so.
---
--- @param client icrm.Client
--- @param element string JSON
--- @param record string the id of the record
--- @return string element
function M.with_relation(client, element, record)
  if not of(client).in_element then
    return element
  end
  local fields = json.decode(element)
  fields.relations = { record }
  return json.encode(fields)
end

--- Relate a document to a record if it is not, and see that it is.
---
--- @param client icrm.Client
--- @param document icrm.Record
--- @param record string id
--- @return boolean linked false when the server does not list the document there
function M.link(client, document, record)
  local server = of(client)
  if server.is_linked(client, document, record) then
    return true
  end
  server.link(client, document, record)
  return server.is_linked(client, document, record) ~= false
end

--- How many calls `link` takes for a document that was made by a part of a form:
--- where it comes with its relation a look is enough.
---
--- @param client icrm.Client
--- @return integer
function M.calls(client)
  return of(client).in_element and 1 or 3
end

return M
