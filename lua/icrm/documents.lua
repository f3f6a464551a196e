--- Attachments: the method attach of icrm.Client.
--
-- Two ways to send a file exist. Initiative CRM takes it as base64 in
-- `filename_attachment`; a stock vtiger ignores that without a word and takes a
-- multipart part called `filename`. Neither is trusted: the reply is checked,
-- and so is the relation to the record. A file that has a path never is in
-- memory: the core reads it while it leaves.
-- @module icrm.documents

local core = require "icrm.core"
local errors = require "icrm.error"
local json = require "icrm.json"
local links = require "icrm.links"
local records = require "icrm.records"

local M = {}

local BY_PARAMETER, BY_PART = "parameter", "part"

local TYPES = {
  pdf = "application/pdf", txt = "text/plain", md = "text/markdown", csv = "text/csv",
  htm = "text/html", html = "text/html", xml = "application/xml",
  json = "application/json", zip = "application/zip", png = "image/png",
  jpg = "image/jpeg", jpeg = "image/jpeg", gif = "image/gif",
  doc = "application/msword", xls = "application/vnd.ms-excel",
  docx = "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
  xlsx = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}

--- The last part of a path, without what a file name may not hold.
---
--- @param path string
--- @return string
function M.base_name(path)
  local name = path:gsub("[/\\]+$", ""):match "[^/\\]*$"
  name = name:gsub("%c", ""):gsub("^%.+", "")
  if name == "" or #name > 255 then
    errors.refuse("%q gives no usable file name", path)
  end
  return name
end

--- Look at a file that is to be attached.
---
--- @param file string|table see attach
--- @return table loaded name, stem, type, size, and data or path
function M.load(file)
  if type(file) == "string" then
    file = { path = file }
  elseif type(file) ~= "table" or not file.path and not (file.name and file.data) then
    error("a file is a path, or a table with name and data", 3)
  end
  local name = M.base_name(file.name or file.path)
  return {
    name = name, stem = name:match "^(.+)%.[^.]*$" or name,
    type = file.type or TYPES[(name:match "%.([^.]*)$" or ""):lower()]
      or "application/octet-stream",
    data = file.data, path = not file.data and file.path or nil,
    size = file.data and #file.data or errors.check(core.files.size(file.path)),
  }
end

--- Refuse a file that the server would not keep.
---
--- @param schema icrm.Schema of Documents
--- @param file table from load
function M.check_size(schema, file)
  local field = schema.by_name.filename
  local limit = field and tonumber(field.max_size)
  if file.size == 0 then
    errors.refuse("%s is empty; the server would keep no file", file.name)
  elseif limit and file.size > limit then
    errors.refuse("%s has %d bytes; this server takes %d at most", file.name, file.size, limit)
  end
end

-- The seed's servers call the title note_title, stock ones notes_title.
local function title_field(schema)
  for _, name in ipairs { "note_title", "notes_title", "title" } do
    if schema.by_name[name] then
      return name
    end
  end
  errors.raise { kind = "refused", operation = "describe",
    message = "the module Documents of this server has no title field" }
end

--- The fields of a document, checked.
---
--- @param client icrm.Client
--- @param schema icrm.Schema of Documents
--- @param file table from load
--- @param opts table title, fields
--- @return table<string, string>
function M.fields(client, schema, file, opts)
  local element = {
    [title_field(schema)] = opts.title or file.stem,
    assigned_user_id = client.user, filelocationtype = "I", filestatus = "1",
  }
  for name, value in pairs(opts.fields or {}) do
    element[name] = value
  end
  local normalised, faults = schema:check(element)
  if #faults > 0 then
    errors.refuse("Documents: " .. require("icrm.schema").describe_faults(faults))
  end
  return normalised
end

--- The way in which this server takes files, as far as it is known.
---
--- @param client icrm.Client
--- @param schema icrm.Schema of Documents
--- @return string way
function M.way(client, schema)
  return client._learnt.attach_way or (schema.by_name.note_title and BY_PARAMETER or BY_PART)
end

--- The parameters and files of the call that creates a document.
---
--- @param way string
--- @param element string JSON
--- @param file table from load; with `sha256` it must have that when it leaves
--- @param record string id
--- @return table params
--- @return icrm.CallOptions options files or parts
function M.request(way, element, file, record)
  local params = { elementType = "Documents", element = element }
  local content = { path = file.path, data = file.data, size = file.size, sha256 = file.sha256 }
  if way == BY_PART then
    content.name, content.filename, content.content_type = "filename", file.name, file.type
    return params, { parts = { content } }
  end
  params.filename_attachment_name = file.stem
  params.related_to = record
  if file.data then
    params.filename_attachment = core.base64.encode(file.data)
    return params, {}
  end
  content.name = "filename_attachment"
  return params, { files = { content } }
end

local function send(client, way, element, file, record)
  element = links.with_relation(client, element, record)
  return client:call("create", M.request(way, element, file, record))
end

--- Whether a document that the server returned has its file.
---
--- @param document icrm.Record
--- @param bytes integer the size of the file that was sent
--- @return boolean
function M.has_file(document, bytes)
  local size = tonumber(document.filesize)
  return (document.filename or "") ~= ""
    and (size == nil or size == 0 or size == bytes)
end

local function fail(document, message)
  errors.raise { kind = "refused", operation = "create", document = document.id,
    message = ("%s (document %s was created)"):format(message, document.id) }
end

-- A document without its file came out of the way that this server ignores.
local function remove_empty(client, document, file)
  local ok, err = pcall(records.delete, client, document.id)
  if not ok then
    fail(document, ("the server kept no file for %s, and the empty document "
      .. "could not be removed: %s"):format(file.name,
        errors.is(err) and err.message or tostring(err)))
  end
end

local function store(client, schema, element, file, record)
  local learnt = client._learnt
  local way = M.way(client, schema)
  local document = send(client, way, element, file, record)
  if not M.has_file(document, file.size) and not learnt.attach_way then
    remove_empty(client, document, file)
    way = way == BY_PART and BY_PARAMETER or BY_PART
    document = send(client, way, element, file, record)
  end
  if not M.has_file(document, file.size) then
    fail(document, ("the server did not keep the %d bytes of %s: it says %q, %s bytes")
      :format(file.size, file.name, document.filename or "", document.filesize or "?"))
  end
  learnt.attach_way = way
  return document
end

local function link_or_fail(client, document, record)
  local ok, linked = pcall(links.link, client, document, record)
  if not ok then
    fail(document, ("it is not certain that the document is related to %s: %s"):format(
      record, errors.is(linked) and linked.message or tostring(linked)))
  elseif not linked then
    fail(document, ("the server says that the document was related to %s, but "
      .. "does not list it there"):format(record))
  end
end

--- Attach a file to a record, as a document of its own.
---
--- The file is a path, or a table with `name` and `data`. A path is read while
--- it is sent, so its size costs no memory; when the file changes meanwhile,
--- the call ends without having sent all of it. Raises when the server did not
--- keep the file or the relation; the error then has the id of the document in
--- `document`.
---
--- @param client icrm.Client
--- @param record string|table the record to attach to
--- @param file string|{ path?: string, name?: string, data?: string, type?: string }
--- @param opts? { title?: string, fields?: table } further fields of the document
--- @return icrm.Record document
function M.attach(client, record, file, opts)
  local id = records.id_of(record)
  local loaded = M.load(file)
  records.retrieve(client, id) -- no document without a record to hang it on
  links.check(client)
  local schema = client:describe "Documents"
  M.check_size(schema, loaded)
  local element = json.encode_element(M.fields(client, schema, loaded, opts or {}))
  local document = store(client, schema, element, loaded, id)
  link_or_fail(client, document, id)
  return document
end

return M
