--- Attachments: the methods attach and download of icrm.Client.
--
-- Two ways to send a file exist. Initiative CRM takes it as base64 in
-- `filename_attachment`; a stock vtiger ignores that without a word and takes a
-- multipart part called `filename`. Neither is trusted: the reply is checked,
-- and so is the relation to the record. A file that has a path never is in
-- memory: the core reads it while it leaves, and writes it while it comes.
-- @module icrm.documents

local core = require "icrm.core"
local errors = require "icrm.error"
local json = require "icrm.json"
local limits = require "icrm.limits"
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

-- The last part of a path, without what a file name may not hold.
local function base_name(path)
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
  local name = base_name(file.name or file.path)
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

-- true, false, or nil when the list is full and the document not on it.
local function is_linked(client, document, record)
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

--- Relate a document to a record, unless it is.
---
--- @param client icrm.Client
--- @param document icrm.Record
--- @param record string its id
--- @return boolean whether the record lists it, or lists more than the server shows
function M.link(client, document, record)
  if is_linked(client, document, record) then
    return true
  end
  client:call("add_related", {
    sourceRecordId = record, relatedRecordId = document.id,
    relationIdLabel = "Documents" })
  return is_linked(client, document, record) ~= false
end

local function link_or_fail(client, document, record)
  local ok, linked = pcall(M.link, client, document, record)
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
  local schema = client:describe "Documents"
  M.check_size(schema, loaded)
  local element = json.encode_element(M.fields(client, schema, loaded, opts or {}))
  local document = store(client, schema, element, loaded, id)
  link_or_fail(client, document, id)
  return document
end

-- The document with the ids of its files.
local function with_file(client, document)
  local ids = document.imageattachmentids
  if not ids or ids == "" then
    document = records.retrieve(client, document.id)
    ids = document.imageattachmentids or ""
  end
  if ids == "" then
    errors.refuse("document %s has no file", document.id)
  end
  return document
end

-- What the server says of its file, the content in `filecontents` unless it
-- goes into a draft.
local function retrieve_file(client, document, draft)
  local files = client:call("files_retrieve",
    { id = document.imageattachmentids:match "^[^,]+" }, { into = draft })
  local file = files[1] or files
  local is_there = file.filecontents
  if draft then -- what stands in the reply has not come to the draft
    is_there = file.filecontents == "" and draft:size()
  end
  if not is_there then
    errors.raise { kind = "decode", operation = "files_retrieve",
      message = ("the CRM's answer has no content for the file of %s"):format(document.id) }
  end
  return file
end

local function check_came(document, file, size)
  if tonumber(file.filesize) and tonumber(file.filesize) ~= size then
    errors.raise { kind = "decode", operation = "files_retrieve",
      message = ("the file of %s has %s bytes on the server, %d came"):format(
        document.id, file.filesize, size) }
  end
end

local function into_file(client, document, target)
  local most = math.tointeger(tonumber(document.filesize)) or 0
  local draft <close> = errors.check(core.download(target, most > 0 and most or nil))
  local file = retrieve_file(client, document, draft)
  check_came(document, file, draft:size())
  local name = base_name(file.filename or document.id)
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
  document = with_file(client, type(document) == "table" and document or { id = id })
  if target then
    return into_file(client, document, target)
  end
  local file = retrieve_file(client, document)
  local content = errors.check(core.base64.decode(file.filecontents))
  check_came(document, file, #content)
  return content, base_name(file.filename or id)
end

return M
