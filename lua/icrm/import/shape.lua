--- The shape of a mapping: its words, and what each of them takes. A misspelt
--- `existing` would make records twice, so no word is passed over.
-- @module icrm.import.shape

local core = require "icrm.core"
local errors = require "icrm.error"
local nearest = require "icrm.nearest"

local M = {}

local RECORD = { module = "string", name = "string", columns = "table", fields = "table",
  match = "boolean", key = "texts", existing = "texts", distinct = "boolean", when = "function",
  max_length = "counts" }
local FIELD = { field = "string", column = "string", const = "value", fn = "function",
  record = "string", ref = "references", from = "string", optional = "boolean", values = "table" }

-- The whole mapping says how to read the file, too.
local function with_file(words)
  words.encoding, words.delimiter, words.sheet, words.skip = "string", "string", "value", "number"
  words.timezone, words.null = "string", "texts"
  words.short_rows, words.totals = { "empty" }, { "keep" }
  words.decimal, words.dates = { "comma", "point" }, { "day", "month" }
  return words
end
local ONE_RECORD, SEVERAL = with_file(core.copy(RECORD)), with_file { records = "table" }
local FILES = with_file { files = "table" }

local function refuse(message, ...)
  errors.refuse("the mapping: " .. message, ...)
end

local function is_texts(value)
  if type(value) == "string" then
    return true
  elseif type(value) ~= "table" or #value == 0 then
    return false
  end
  for _, text in ipairs(value) do
    if type(text) ~= "string" then
      return false
    end
  end
  return true
end

local function is_counts(value)
  for name, count in pairs(type(value) == "table" and value or { 0 }) do
    if type(name) ~= "string" or math.type(count) ~= "integer" or count < 1 then
      return false
    end
  end
  return true
end

-- One key of another module, or a list of { ref = …, from = … }.
local function is_references(value)
  for _, one in ipairs(type(value) == "table" and value or {}) do
    if type(one) ~= "table" or type(one.ref) ~= "string"
      or one.from ~= nil and type(one.from) ~= "string" then
      return false
    end
  end
  return type(value) == "string" or type(value) == "table" and #value > 0
end

local function is_one_of(value, words)
  for _, word in ipairs(words) do
    if value == word then
      return true
    end
  end
  return false
end

local function check_value(where, word, value, wanted)
  if type(wanted) == "table" then
    if not is_one_of(value, wanted) then
      refuse("%s: %s is %s", where, word, table.concat(wanted, " or "))
    end
  elseif wanted == "texts" then
    if not is_texts(value) then
      refuse("%s: %s is a text, or a list of texts", where, word)
    end
  elseif wanted == "counts" then
    if not is_counts(value) then
      refuse("%s: %s is a table such as { accountname = 100 }", where, word)
    end
  elseif wanted == "references" then
    if not is_references(value) then
      refuse("%s: ref is a text such as \"Accounts.siren\", or a list of { ref = …, from = … }",
        where)
    end
  elseif wanted == "value" then
    if type(value) == "table" or type(value) == "function" then
      refuse("%s: %s is a text, a number or a boolean", where, word)
    end
  elseif type(value) ~= wanted then
    refuse("%s: %s is a %s, not a %s", where, word, wanted, type(value))
  end
end

local function names_of(known)
  local words = {}
  for word in pairs(known) do
    words[#words + 1] = word
  end
  table.sort(words)
  return words
end

local function check_words(where, given, known)
  for word, value in pairs(given) do
    if known[word] == nil then
      local words = names_of(known)
      refuse("%s has no %s; %s", where, tostring(word),
        nearest.question(word, words) or "it takes " .. table.concat(words, ", "))
    end
    check_value(where, word, value, known[word])
  end
end

local function check_fields(where, fields)
  for name, spec in pairs(fields or {}) do
    if type(name) ~= "string" then
      refuse("%s: write name = …, not a list", where)
    elseif type(spec) == "table" then
      check_words(("%s %q"):format(where, name), spec, FIELD)
    end
  end
end

local function check_record(where, record)
  check_fields(where .. ": the column", record.columns)
  check_fields(where .. ": the field", record.fields)
end

local function check_records(where, mapping, known)
  check_words(where, mapping, known)
  if #mapping.records == 0 then
    refuse "records is empty; it is a list of what one row makes"
  end
  for i, record in ipairs(mapping.records) do
    local its = ("record %d"):format(i)
    if type(record) ~= "table" then
      refuse("%s is a table, not a %s", its, type(record))
    end
    check_words(its, record, RECORD)
    check_record(its, record)
  end
end

-- `file` is the type of the word that says which file is meant, where there are several.
local function check_file(where, mapping, file)
  local known = core.copy(mapping.records and SEVERAL or ONE_RECORD)
  known.file = file
  if mapping.records then
    return check_records(where, mapping, known)
  end
  check_words(where, mapping, known)
  check_record(where, mapping)
end

--- Refuse a mapping with a word or a value that is none.
---
--- @param mapping table of one file, or with `files`, a list of one for each
function M.check(mapping)
  if mapping.files == nil then
    return check_file(mapping.records and "beside records, it" or "it", mapping)
  end
  check_words("beside files, it", mapping, FILES)
  for i, part in ipairs(mapping.files) do
    local where = ("file %d"):format(i)
    if type(part) ~= "table" then
      refuse("%s is a table, not a %s", where, type(part))
    end
    check_file(where, part, "string")
  end
end

return M
