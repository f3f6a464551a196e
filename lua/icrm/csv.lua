--- CSV out, and its cells in. What reads files, workbooks as well, is icrm.source.
--
-- A table program obeys a cell that begins with `=`, `+`, `-`, `@`, TAB or CR.
-- So the writer puts an apostrophe before such texts, unless they are plain
-- numbers, and the reader takes it away again.
-- @module icrm.csv

local M = {}

-- What some table program takes for the end of a cell, whatever ends it here.
local ENDS = '[\0-\x1f",;]'

local function is_number(text)
  return text:find "^[+-]?%d+[.,]?%d*$" ~= nil
end

--- Write one cell, in quotes when it needs them.
---
--- @param text string
--- @param opts? table delimiter ("," by default); raw = true: no apostrophe
---   before what a table program would obey
--- @return string
function M.cell(text, opts)
  local delimiter = opts and opts.delimiter or ","
  if text:find "^'*[=+%-@\t\r]" and not (opts and opts.raw) and not is_number(text) then
    text = "'" .. text
  end
  if text:find(ENDS) or text:find(delimiter, 1, true) or text:find "^%s" or text:find "%s$" then
    text = '"' .. text:gsub('"', '""') .. '"'
  end
  return text
end

--- Take the `="0601"` off, which many programs write to have a table program show a text
--- as it is.
---
--- @param text string
--- @return string
function M.unwrap(text)
  local inner = text:byte() == 61 and text:match '^="(.*)"$'
  if not inner or inner:gsub('""', ""):find('"', 1, true) then
    return text
  end
  return (inner:gsub('""', '"'))
end

--- Take off a cell what makes a table program show it as it is: the apostrophe that `cell`
--- puts before it, or `="…"`.
---
--- @param text string
--- @return string
function M.plain(text)
  local first = text:byte()
  if first == 39 and text:find "^'+[=+%-@\t\r]" then
    return text:sub(2)
  end
  return first == 61 and M.unwrap(text) or text
end

--- Write one record with its line end (CR LF, as RFC 4180 has it).
---
--- @param cells string[]
--- @param opts? table as for cell
--- @return string
function M.record(cells, opts)
  local out = {}
  for i, cell in ipairs(cells) do
    out[i] = M.cell(cell, opts)
  end
  if #out == 1 and out[1] == "" then
    out[1] = '""' -- an empty line would be no record
  end
  return table.concat(out, opts and opts.delimiter or ",") .. "\r\n"
end

return M
