--- A file that a command writes beside its work: whole, or the program says that it is not.
-- @module icrm.cli.output

local core = require "icrm.core"
local errors = require "icrm.error"

local M = {}

local function fail(path, problem, cure)
  errors.raise { kind = "store", message = ("%s could not be written in full: %s%s"):format(path,
    problem:gsub("^" .. path:gsub("%p", "%%%0") .. ": ", ""), cure and "; " .. cure or "") }
end

--- Make sure that a file can be written, before there is anything to write: what it held is
--- untouched, and a new one is not there yet, for an empty list would say that all is well.
---
--- @param path string
--- @param option string its name, for the message
function M.check(path, option)
  local is_new = not core.files.exists(path)
  local file, problem = io.open(path, "ab")
  if not file then
    errors.refuse("%s: cannot write %s", option, problem)
  end
  file:close()
  if is_new then
    os.remove(path)
  end
end

--- Write a file anew.
---
--- @param path string
--- @param fill fun(write: fun(piece: string)): ... writes it
--- @param cure? string what to do when it cannot be written in full
--- @return any ... what fill returned; raises icrm.Error (kind store) when not all is on
---   the disk
function M.write(path, fill, cure)
  local file, problem = io.open(path, "wb")
  if not file then
    fail(path, problem, cure)
  end
  local result = table.pack(pcall(fill, function(piece)
    local ok, why = file:write(piece)
    if not ok then
      fail(path, why, cure)
    end
  end))
  local ok, why = file:close()
  if not result[1] then
    error(result[2], 0)
  elseif not ok then
    fail(path, why, cure)
  end
  return table.unpack(result, 2, result.n)
end

return M
