-- Pages of the documentation, typed as a reader would type them. A block of `console`
-- has commands behind "$ " and what they print; "…" stands for what is left out, alone
-- on a line for any lines. A block of `lua` below a line that ends in "`NAME.lua`:" is
-- that file. A command must succeed, unless it prints "icrm-lua: …". Pages show what a
-- terminal does, where paths are as they were typed.
local helper = require "spec.helper"

local M = {}

local function add_line(block, line)
  local command = block[#block]
  if line:sub(1, 2) == "$ " then
    block[#block + 1] = { text = line:sub(3), output = {} }
  elseif command and command.text:sub(-1) == "\\" then
    command.text = command.text .. "\n" .. line
  elseif command then
    command.output[#command.output + 1] = line
  end
end

--- Read the steps of a page, in order.
---
--- @param path string
--- @return table[] steps `{ line, file, text }` for a file, `{ line, text, output }` for
---   a command, `output` a list of lines
function M.steps(path)
  local steps, block, language, named, number = {}, nil, nil, nil, 0
  for line in io.lines(path) do
    number = number + 1
    local fence = line:match "^```(%l*)$"
    if fence and not block then
      block, language = { line = number }, fence
    elseif fence then
      if language == "console" then
        for _, command in ipairs(block) do
          command.line = block.line
          steps[#steps + 1] = command
        end
      elseif language == "lua" and named then
        steps[#steps + 1] = { line = block.line, file = named,
          text = table.concat(block, "\n") .. "\n" }
      end
      block, named = nil, nil
    elseif block and language == "console" then
      add_line(block, line)
    elseif block then
      block[#block + 1] = line
    elseif line ~= "" then
      named = line:match "`([%w_-]+%.lua)`:$"
    end
  end
  return steps
end

local function fits(wanted, line)
  local pattern = wanted:gsub("%p", "%%%0"):gsub("…", ".-")
  return line:find("^" .. pattern .. "%s*$") ~= nil
end

-- Whether lines from `i` on are what is wanted from `w` on.
local function agree(wanted, w, lines, i)
  if w > #wanted then
    return i > #lines
  elseif wanted[w] == "…" then
    for from = i, #lines + 1 do
      if agree(wanted, w + 1, lines, from) then
        return true
      end
    end
    return false
  end
  return lines[i] ~= nil and fits(wanted[w], lines[i]) and agree(wanted, w + 1, lines, i + 1)
end

local function without_blank_ends(lines)
  while lines[#lines] and not lines[#lines]:find "%S" do
    lines[#lines] = nil
  end
  return lines
end

--- Type one step in a folder.
---
--- @param step table see `steps`
--- @param dir string
--- @param env table<string, string> the reader's settings
--- @return string? complaint nil when it went as the page says
function M.type(step, dir, env)
  if step.file then
    helper.write_file(dir .. "/" .. step.file, step.text)
    return nil
  end
  local result = helper.run({ "bash", "-c", "exec 2>&1\n" .. step.text }, { cwd = dir, env = env })
  local lines = {}
  local folder = dir:gsub("%p", "%%%0") .. "/"
  for line in result.out:gsub(folder, ""):gmatch "([^\n]*)\n?" do
    lines[#lines + 1] = line
  end
  local is_refused = result.out:find "^icrm%-lua: " or result.out:find "\nicrm%-lua: "
  if not agree(without_blank_ends(step.output), 1, without_blank_ends(lines), 1) then
    return ("$ %s\nprinted\n%s\nand the page says\n%s"):format(step.text, result.out,
      table.concat(step.output, "\n"))
  elseif (result.code ~= 0) ~= (is_refused ~= nil) then
    return ("$ %s\nended with %d, and printed\n%s"):format(step.text, result.code, result.out)
  end
end

return M
