--- A file of rows as records to be made: read, mapped, checked, references resolved.
--
-- `local job = import.open(crm, { path = …, mapping = … })`, then `job:items()`. The
-- file is read anew for each pass, so memory does not grow with its rows, but for
-- the keys of records.
-- @module icrm.import

local columns = require "icrm.import.columns"
local compile = require "icrm.import.compile"
local core = require "icrm.core"
local cures = require "icrm.cures"
local errors = require "icrm.error"
local owners = require "icrm.import.owners"
local references = require "icrm.import.references"
local rows = require "icrm.import.rows"
local siblings = require "icrm.import.siblings"
local sources = require "icrm.source"
local text_tools = require "icrm.text"
local translations = require "icrm.import.translations"

local M = {}

local Job = { __name = "icrm.import.Job" }
Job.__index = Job

local ROWS_PER_BATCH = 200 -- so many rows are read ahead to look up their references

--- Say something of how the file is read.
---
--- @param message string a format
--- @param ... any
function Job:note(message, ...)
  self.notes[#self.notes + 1] = message:format(...)
end

local MOST_SHOWN = 5 -- rows of a kind

-- Rows that are no rows, or hold some, are named before anything is sent.
local function note_doubts(job)
  local unit = job.source.unit == "line" and "row" or job.source.unit
  for i, total in ipairs(job.totals) do
    if i <= MOST_SHOWN then
      local shown = {}
      for _, cell in ipairs(total.cells) do
        shown[#shown + 1] = cell ~= "" and text_tools.clean(cell) or nil
      end
      job:note("%s %d is a total and left out: %s", unit, total.number,
        text_tools.cut(table.concat(shown, ", "), 60))
    end
  end
  if #job.totals > 0 then
    job:note("%s", cures.say("totals: {totals=keep} makes records of them, too"))
  end
  for i, one in ipairs(job.swallowed) do
    if i <= MOST_SHOWN then
      job:note("%s %d: %d of the lines in its cell %s look%s like rows of their own; if a quote "
        .. "was left open there, close it", unit, one.number, one.count, one.heading,
        one.count == 1 and "s" or "")
    end
  end
  if #job.swallowed > MOST_SHOWN then
    job:note("and %d more such rows", #job.swallowed - MOST_SHOWN)
  end
end

-- Before its rows are read, and after.
local function digest_of(path)
  return errors.check(core.digest.sha256_file(path))
end

--- Refuse a file whose bytes are not any more what they were when it was opened: it is
--- read several times, and rows of two states would go together.
function Job:check_unchanged()
  if digest_of(self.source.path) ~= self.sha256 then
    errors.refuse("%s changed while it was being read; nothing was sent, run the same again",
      self.source.path)
  end
end

local MOST_NAMED = 40 -- of the columns that are not imported

local function note_unused(job, unused)
  local more = #unused - MOST_NAMED
  if #unused > 0 then
    job:note("not imported: %s%s", table.concat(unused, ", ", 1, math.min(#unused, MOST_NAMED)),
      more > 0 and (" and %d more"):format(more) or "")
  end
end

--- Open the file of an import, as the options say, else its mapping.
---
--- @param path string
--- @param opts table see open
--- @param mapping table
--- @return icrm.Source
function M.open_source(path, opts, mapping)
  local how = { path = path }
  for _, word in ipairs { "encoding", "delimiter", "sheet", "skip", "short_rows", "totals" } do
    how[word] = opts[word] == nil and mapping[word] or opts[word]
  end
  return sources.open(how)
end

--- Open a file for import.
---
--- @param crm icrm.Client
--- @param opts table path, or source, which is open already; mapping (see
---   icrm.import.mapping); encoding, delimiter,
---   decimal ("comma", "point"), dates ("day", "month"): nil to detect; timezone, null (words
---   that mean an empty cell): see icrm.import.columns; values (heading -> what stands for
---   what, see icrm.import.translations); skip, short_rows, totals,
---   of a workbook sheet, see icrm.source
--- @return icrm.import.Job job source, records, rows, notes, reading (in one line,
---   how the file is read), sha256 (of the file)
function M.open(crm, opts)
  local mapping = opts.mapping
  local source = opts.source or M.open_source(opts.path, opts, mapping)
  local job = setmetatable({ crm = crm, source = source, rows = 0, notes = {},
    owners = owners.new(crm) }, Job)
  job.jobs = { job } -- an import of one file, see icrm.import.files
  job.sha256 = source.format.file and digest_of(source.path) or nil
  job.records = compile.compile(mapping, source, function(module)
    return crm:describe(module)
  end, job.owners)
  for _, text in ipairs(source:notes()) do
    job:note("%s", text)
  end
  translations.add(job.records, source, opts.values or {})
  columns.decide(job, {
    decimal = opts.decimal or mapping.decimal, dates = opts.dates or mapping.dates,
    timezone = opts.timezone or mapping.timezone, nulls = opts.null or mapping.null,
  })
  job.reading = table.concat({ source:describe(), table.unpack(job.notes) }, "; ")
  if job.hidden_rows > 0 then
    job:note("%d of the rows %s hidden in the sheet; they are read as well", job.hidden_rows,
      job.hidden_rows == 1 and "is" or "are")
  end
  note_doubts(job)
  for _, one in ipairs(translations.all(job.records)) do
    for _, text in ipairs(one:never_seen()) do
      job:note("%s: no cell is %s, so nothing stands for it", one.heading, text)
    end
  end
  for _, record in ipairs(job.records) do
    record.job = job
  end
  note_unused(job, compile.unused(job.records, source))
  return job
end

-- ---- Rows into items ----------------------------------------------------------

-- Whether this item adds a record; a key seen before either means the same
-- record (distinct) or is a fault.
local function is_new(job, record, item)
  if #record.keys == 0 and not record.is_parent then
    return true -- the key is the line, and nobody asks for it: it need not be kept
  end
  local seen = job.keys[item.key]
  if not seen then
    job.keys[item.key] = record.distinct and item.fields or item.row
    return true
  elseif not record.distinct then
    item.faults[#item.faults + 1] = { line = item.line,
      message = ("the key %s is in row %d already"):format(text_tools.quote(item.key),
        seen), cure = "remove one, or say that the first one counts (distinct)" }
    return true
  end
  job.merged = job.merged + 1
  for name, value in pairs(item.fields) do
    if seen[name] ~= value then
      job.differing = job.differing + 1
      break
    end
  end
  return false
end

local function finish_batch(job, record, batch)
  job.resolver:resolve()
  local ready = {}
  for _, item in ipairs(batch) do
    rows.finish(job, record, item)
    if is_new(job, record, item) then
      ready[#ready + 1] = item
    end
  end
  return ready
end

local function yield_all(items)
  for _, item in ipairs(items) do
    coroutine.yield(item)
  end
end

local function produce(job, record)
  local source <close> = job.source:again()
  local row, view = rows.view(source)
  local batch = {}
  for line, cells, number in source:rows() do
    view.cells = cells
    job.rows_read = job.rows_read + 1
    local wanted, failed = rows.wanted(record, line, row)
    if failed then
      failed.row, failed.job = number, job
      coroutine.yield(failed)
    elseif wanted then
      local item = rows.build(job, record, line, cells, row)
      item.row, item.job = number, job
      batch[#batch + 1] = item
    end
    if #batch == ROWS_PER_BATCH then
      yield_all(finish_batch(job, record, batch))
      batch = {}
    end
  end
  yield_all(finish_batch(job, record, batch))
end

--- Iterate over the records to be made: all of the mapping's first record, then
--- all of its second, so that what others refer to comes first.
---
--- `rows_read` says how far this is: each row is read once for each record of the
--- mapping. After the last one `merged` says how many rows made no record of their own,
--- `differing` how many of these had other values than the first.
---
--- An item has key, record, module, line, row, fields (checked, in the API's form,
--- references to the CRM resolved), refs (field -> key of the item that it refers to, which
--- may come later), empty (names of fields whose cell is empty) and faults (a list, each with
--- line, column, field, value, message, cure).
---
--- @return fun(): table? item
function Job:items()
  self.keys, self.merged, self.differing, self.rows_read = {}, 0, 0, 0
  self.resolver = self.resolver or references.new(self.crm)
  self.siblings = self.siblings or siblings.new { self }
  return coroutine.wrap(function()
    for _, record in ipairs(self.records) do
      produce(self, record)
    end
  end)
end

-- The column as a person sees it: its heading, and the field that it feeds by its
-- label, where that is another word, else by its name.
local function column_of(one)
  local column, label = one.column, one.label
  if not column or column == one.field then
    return one.field or column
  end
  local same = label and text_tools.fold(label) == text_tools.fold(column)
  local field = label and not same and label or one.field
  return field and ("%s (%s)"):format(column, field) or column
end

-- The row as a table program numbers it, and the line, where that differs.
local function place_of(job, one)
  if one.row and one.row ~= one.line then
    return ("row %d (line %d)"):format(one.row, one.line)
  end
  return ("%s %d"):format(job.source.unit, one.line)
end

--- How far the reading is, in rows. @see icrm.import.Files:progress
---
--- @return integer
function Job:progress()
  return self.rows_read
end

--- Write a fault as one line.
---
--- @param one icrm.import.Fault
--- @param places? string instead of its row; "" to leave that and the file out
--- @return string
function Job:describe_fault(one, places)
  local parts = {}
  if places ~= "" then
    parts[1] = ("%s: %s"):format(self.source.path, places or place_of(self, one))
  end
  parts[#parts + 1] = column_of(one)
  local value = type(one.value) == "string" and one.value ~= ""
    and text_tools.quote(one.value) .. " " or ""
  return ("%s%s%s%s%s"):format(table.concat(parts, ", "), #parts > 0 and ": " or "", value,
    one.message, one.cure and "; " .. one.cure or "")
end

--- Close the file.
function Job:close()
  self.source:close()
end
Job.__close = Job.close

return M
