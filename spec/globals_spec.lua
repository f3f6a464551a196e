local helper = require "spec.helper"

-- Each module of the Lua layer, alone in a fresh state.
local function modules()
  local names = {}
  for path in helper.run({ "find", "lua", "-name", "*.lua" }).out:gmatch "%S+" do
    local name = path:gsub("^lua/", ""):gsub("%.lua$", ""):gsub("/", ".")
    if name ~= "icrm.types" then
      names[#names + 1] = (name:gsub("%.init$", ""))
    end
  end
  table.sort(names)
  return names
end

local PROGRAM = [[
  package.path = "lua/?.lua;lua/?/init.lua;" .. package.path
  package.cpath = "build/lib/?.so;" .. package.cpath
  local before = {}
  for name in pairs(_G) do before[name] = true end
  require(arg[1])
  for name in pairs(_G) do
    if not before[name] then print(name) end
  end]]

describe("icrm", function()
  it("says at once that it needs Lua 5.4", function()
    local file = helper.tmpfile [[
      package.path = "lua/?.lua;lua/?/init.lua;" .. package.path
      _VERSION = arg[1] or _VERSION
      print(pcall(require, "icrm"))]]
    local result = helper.run { "lua5.4", file, "Lua 5.3" }
    assert.equal("false\ticrm needs Lua 5.4, and this is Lua 5.3\n", result.out)
    if os.execute "command -v lua5.1 >/dev/null" then -- it must be able to read the file
      assert.equal("false\ticrm needs Lua 5.4, and this is Lua 5.1\n",
        helper.run({ "lua5.1", file }).out)
    end
  end)
end)

describe("every module", function()
  for _, name in ipairs(modules()) do
    it(name .. " loads alone and leaves _G unchanged", function()
      local file = helper.tmpfile(PROGRAM)
      local result = helper.run { "lua5.4", file, name }
      assert.equal("", result.err)
      assert.equal("", result.out)
    end)
  end
end)
