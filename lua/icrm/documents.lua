--- Attachments: the methods attach and download of icrm.Client.
--
-- Two ways to send a file exist. Initiative CRM takes it as base64 in
-- `filename_attachment`; a stock vtiger ignores that without a word and takes a
-- multipart part called `filename`. Neither is trusted: the reply is checked,
-- and so is the relation to the record.
-- @module icrm.documents

local core = require "icrm.core"
local errors = require "icrm.error"
local json = require "icrm.json"
local records = require "icrm.records"

local M = {}

local RELATED_CAP = 100
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

local function input_error(message)
  errors.raise { kind = "input", message = message }
end

-- The last part of a path, without what a file name may not hold.
local function base_name(path)
  local name = path:gsub("[/\\]+$", ""):match "[^/\\]*$"
  name = name:gsub("%c", ""):gsub("^%.+", "")
  if name == "" or #name > 255 then
    input_error(("%q gives no usable file name"):format(path))
  end
  return name
end

local function read_file(path)
  local file, why = io.open(path, "rb")
  if not file then
    input_error(("cannot read %s"):format(why))
  end
  local bytes
  bytes, why = file:read "a"
  file:close()
  if not bytes then
    input_error(("cannot read %s: %s"):format(path, why))
  end
  return bytes
end

--- Read a file that is to be attached.
---
--- @param file string|table see attach
--- @return table loaded name, stem, type, data
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
    data = file.data or read_file(file.path),
  }
end

--- Refuse a file that the server would not keep.
---
--- @param schema icrm.Schema of Documents
--- @param file table from load
function M.check_size(schema, file)
  local field = schema.by_name.filename
  local limit = field and tonumber(field.max_size)
  if #file.data == 0 then
    input_error(("%s is empty; the server would keep no file"):format(file.name))
  elseif limit and #file.data > limit then
    input_error(("%s has %d bytes; this server takes %d at most"):format(
      file.name, #file.data, limit))
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
    input_error("Documents: " .. require("icrm.schema").describe_faults(faults))
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

--- The parameters and parts of the call that creates a document.
---
--- @param way string
--- @param element string JSON
--- @param file table from load
--- @param record string id
--- @return table params
--- @return table? parts
function M.request(way, element, file, record)
  local params = { elementType = "Documents", element = element }
  if way == BY_PARAMETER then
    params.filename_attachment = core.base64.encode(file.data)
    params.filename_attachment_name = file.stem
    params.related_to = record
    return params
  end
  return params, { { name = "filename", filename = file.name, content_type = file.type,
    data = file.data } }
end

local function send(client, way, element, file, record)
  local params, parts = M.request(way, element, file, record)
  return client:call("create", params, { parts = parts })
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
  if not M.has_file(document, #file.data) and not learnt.attach_way then
    remove_empty(client, document, file)
    way = way == BY_PART and BY_PARAMETER or BY_PART
    document = send(client, way, element, file, record)
  end
  if not M.has_file(document, #file.data) then
    fail(document, ("the server did not keep the %d bytes of %s: it says %q, %s bytes")
      :format(#file.data, file.name, document.filename or "", document.filesize or "?"))
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
  if #rows < RELATED_CAP then
    return false
  end
end

local function link(client, document, record)
  if is_linked(client, document, record) then
    return true
  end
  client:call("add_related", {
    sourceRecordId = record, relatedRecordId = document.id,
    relationIdLabel = "Documents" })
  return is_linked(client, document, record) ~= false
end

local function link_or_fail(client, document, record)
  local ok, linked = pcall(link, client, document, record)
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
--- The file is a path, or a table with `name` and `data`. Raises when the
--- server did not keep the file or the relation; the error then has the id of
--- the document in `document`.
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

local function file_of(client, document)
  local ids = document.imageattachmentids
  if not ids or ids == "" then
    document = records.retrieve(client, document.id)
    ids = document.imageattachmentids or ""
  end
  if ids == "" then
    input_error(("document %s has no file"):format(document.id))
  end
  local files = client:call("files_retrieve", { id = ids:match "^[^,]+" })
  return files[1] or files
end

-- A new file of the user alone; one that exists is never overwritten.
local function write_file(path, content)
  errors.check(core.files.create(path, true))
  local file, why = io.open(path, "wb")
  local ok = file
  if file then
    ok, why = file:write(content)
    if ok then
      ok, why = file:close()
    end
  end
  if not ok then
    os.remove(path)
    errors.raise { kind = "store", message = ("cannot write %s: %s"):format(path, why) }
  end
end

--- Return the content of a document's file and its name, or write it to a new
--- file.
---
--- The name is a bare file name: no folder, no control character, no leading
--- dot. A target that ends in a slash is a folder. Not every server has this
--- operation.
---
--- @param client icrm.Client
--- @param document string|table a document or its id
--- @param target? string the new file, or a folder and a slash
--- @return string content or, with a target, the path written
--- @return string name
function M.download(client, document, target)
  local id = records.id_of(document)
  local file = file_of(client, type(document) == "table" and document or { id = id })
  local content = errors.check(core.base64.decode(file.filecontents or ""))
  if tonumber(file.filesize) and tonumber(file.filesize) ~= #content then
    errors.raise { kind = "decode", operation = "files_retrieve",
      message = ("the file of %s has %s bytes on the server, %d came"):format(
        id, file.filesize, #content) }
  end
  local name = base_name(file.filename or id)
  if not target then
    return content, name
  end
  local path = target:sub(-1) == "/" and target .. name or target
  write_file(path, content)
  return path, name
end

return M
