--- The files of documents: the method download of icrm.Client.
--
-- A file goes to its place while it comes and never is in memory, unless its
-- content is asked for.
-- @module icrm.downloads

local core = require "icrm.core"
local documents = require "icrm.documents"
local errors = require "icrm.error"
local records = require "icrm.records"

local M = {}

-- ---- What the servers call it ----------------------------------------------------------

-- `find` gives the document, raised when it has no file; `ask` the parameters;
-- `content` the member of the reply that holds the file in base64.
local vtiger = { operation = "files_retrieve", content = "filecontents" }

-- The document with the ids of its files.
function vtiger.find(client, document)
  local ids = document.imageattachmentids
  if not ids or ids == "" then
    document = records.retrieve(client, document.id)
    ids = document.imageattachmentids or ""
  end
  return ids ~= "" and document or nil
end

function vtiger.ask(document)
  return { id = document.imageattachmentids:match "^[^,]+" }
end

function vtiger.file_of(result)
  return result[1] or result
end

local corebos = { operation = "retrievedocattachment", content = "attachment" }

-- A link to somewhere else has a name as well.
function corebos.find(client, document)
  document = records.retrieve(client, document.id)
  return document.filename ~= "" and document.filelocationtype == "I" and document or nil
end

function corebos.ask(document)
  return { id = document.id, returnfile = "1" }
end

function corebos.file_of(result, document)
  return result[document.id] or {}
end

local function of(client)
  return client:server().kind == "corebos" and corebos or vtiger
end

-- A server without the operation breaks or says that it knows none of the name.
local function ask(client, way, document, draft)
  local ok, result = pcall(client.call, client, way.operation, way.ask(document),
    { method = "GET", write = false, into = draft })
  if ok then
    return result
  elseif errors.is(result) and not client:server():offers(way.operation) then
    errors.refuse("this server has no operation %s, by which files could be fetched; open %s "
      .. "in the CRM", way.operation, document.id)
  end
  error(result, 0)
end

-- ---- One file --------------------------------------------------------------------------

-- What the server says of its file, with the content unless it goes into a draft.
local function retrieve_file(client, way, document, draft)
  local file = way.file_of(ask(client, way, document, draft), document)
  local is_there = file[way.content]
  if draft then -- what stands in the reply has not come to the draft
    is_there = file[way.content] == "" and draft:size()
  end
  if not is_there then
    errors.raise { kind = "decode", operation = way.operation,
      message = ("the CRM's answer has no content for the file of %s"):format(document.id) }
  end
  return file
end

local function check_came(way, document, file, size)
  if tonumber(file.filesize) and tonumber(file.filesize) ~= size then
    errors.raise { kind = "decode", operation = way.operation,
      message = ("the file of %s has %s bytes on the server, %d came"):format(
        document.id, file.filesize, size) }
  end
end

local function into_file(client, way, document, target)
  local most = math.tointeger(tonumber(document.filesize)) or 0
  local draft <close> = errors.check(core.download(target, most > 0 and most or nil, way.content))
  local file = retrieve_file(client, way, document, draft)
  check_came(way, document, file, draft:size())
  local name = documents.base_name(file.filename or document.id)
  local path = target:sub(-1) == "/" and target .. name or target
  errors.check(draft:save(path))
  return path, name
end

--- Return the content of a document's file and its name, or write it to a new
--- file.
---
--- The name is a bare file name: no folder, no control character, no leading
--- dot. A target that ends in a slash is a folder. With a target the content is
--- written while it comes, beside its place, and gets its name when all of it
--- is there; its size costs no memory. Not every server has this operation.
---
--- @param client icrm.Client
--- @param document string|table a document or its id
--- @param target? string the new file, or a folder and a slash
--- @return string content or, with a target, the path written
--- @return string name
function M.download(client, document, target)
  local id = records.id_of(document)
  local way = of(client)
  document = way.find(client, type(document) == "table" and document or { id = id })
  if not document then
    errors.refuse("document %s has no file", id)
  elseif target then
    return into_file(client, way, document, target)
  end
  local file = retrieve_file(client, way, document)
  local content = errors.check(core.base64.decode(file[way.content]))
  check_came(way, document, file, #content)
  return content, documents.base_name(file.filename or id)
end

return M
