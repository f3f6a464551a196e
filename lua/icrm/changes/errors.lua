--- The rows that were not applied, as a file that can be corrected and run again.
-- @module icrm.changes.errors

local core = require "icrm.core"
local csv = require "icrm.import.csv"
local error_class = require "icrm.error"
local text_tools = require "icrm.text"

local M = {}

local OPEN_STATES = "state IN ('failed', 'needs_human', 'unknown', 'sending', 'blocked')"

local function reason(change)
  return change.code or change.state, text_tools.clean(change.message or "")
end

-- Line of the source → its codes and messages; a row may have made several records.
local function by_line(set)
  local lines = {}
  for change in set.store:each(OPEN_STATES .. " AND line IS NOT NULL") do
    local code, message = reason(change)
    local entry = lines[change.line] or { codes = {}, messages = {} }
    table.insert(entry.codes, code)
    table.insert(entry.messages, message)
    lines[change.line] = entry
  end
  return lines
end

-- The same bytes again: the file must be the one that was planned.
local function check_source(set)
  local header = set.store:header()
  local path, sha256 = header.source, header.source_sha256
  if path == "" or sha256 == "" then
    return nil
  end
  local now, err = core.digest.sha256_file(path)
  if not now then
    error(err, 0)
  elseif now ~= sha256 then
    error_class.raise {
      kind = "input",
      message = (
        "%s is not as it was when it was planned; " .. "its rows cannot be copied from it"
      ):format(path),
    }
  end
  return path
end

local function read_all(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read "a"
  file:close()
  return text
end

-- Where each record of the file begins and ends, without its line ending. In
-- UTF-16 a line feed is no single byte: such a file is copied cell by cell.
local function slices(text)
  local starts, at = { 1 }, 0
  while true do
    at = text:find("\n", at + 1, true)
    if not at then
      return starts
    end
    starts[#starts + 1] = at + 1
  end
end

local function quoted(value)
  return '"' .. value:gsub('"', '""') .. '"'
end

local function plain(value, encoding)
  if encoding:upper() == "UTF-8" then
    return value
  end
  return (value:gsub(utf8.charpattern, function(c)
    return #c > 1 and "?" or c
  end))
end

local function write_copy(path, lines, write)
  local source <close> = csv.open { path = path, raw = true }
  local format, text = source.format, read_all(path)
  local starts, order = slices(text), {}
  for line in source:rows() do
    order[#order + 1] = line
  end
  local function record(from_line, to_line)
    local slice = text:sub(starts[from_line], (starts[to_line] or #text + 1) - 1)
    return (slice:gsub("[\r\n]+$", ""))
  end
  local ending, delimiter = format.newline == "CRLF" and "\r\n" or "\n", format.delimiter
  write(
    record(1, order[1] or #starts + 1)
      .. delimiter
      .. "icrm_code"
      .. delimiter
      .. "icrm_message"
      .. ending
  )
  local n = 0
  for i, line in ipairs(order) do
    local entry = lines[line]
    if entry then
      n = n + 1
      write(
        record(line, order[i + 1] or #starts + 1)
          .. delimiter
          .. quoted(table.concat(entry.codes, " "))
          .. delimiter
          .. quoted(plain(table.concat(entry.messages, "; "), format.encoding))
          .. ending
      )
    end
  end
  return n
end

local function write_list(set, write)
  write "key,operation,module,record,code,message\n"
  local n = 0
  for change in set.store:each(OPEN_STATES) do
    local code, message = reason(change)
    n = n + 1
    write(
      table.concat(
        {
          quoted(change.key),
          change.operation,
          change.module,
          change.record or "",
          quoted(code),
          quoted(message),
        },
        ","
      ) .. "\n"
    )
  end
  return n
end

--- Write the rows that were not applied.
--
-- For an import they are the bytes of the source, with the columns `icrm_code`
-- and `icrm_message` added; else a list of the changes.
-- @param set table icrm.ChangeSet
-- @param write function called with each piece
-- @return integer how many
function M.write(set, write)
  local path = check_source(set)
  if path then
    return write_copy(path, by_line(set), write)
  end
  return write_list(set, write)
end

return M
