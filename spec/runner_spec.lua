local helper = require "spec.helper"

local LUA = os.getenv "ICRM_REFERENCE_LUA" or "lua5.4"

-- Both programs print their own name in front of a message.
local function neutral(text, name)
  return (text:gsub(name:gsub("%p", "%%%0"), "LUA"))
end

local function same_as_lua(arguments, options)
  local ours = helper.icrm(arguments, options)
  local theirs = helper.run({ LUA, table.unpack(arguments) }, options)
  ours.err = neutral(ours.err, helper.icrm_lua)
  theirs.err = neutral(theirs.err, LUA)
  assert.same(theirs, ours)
  return ours
end

describe("icrm-lua is lua:", function()
  local dir = helper.tmpdir()
  local show = helper.write_file(dir .. "/show.lua", [[
    print(...)
    for i = -5, 5 do
      print(i, arg[i] and arg[i - 1] and arg[i]) -- all but the program
    end]])
  local shebang = helper.write_file(dir .. "/shebang.lua",
    "#!/usr/bin/env x\nprint 'ran'\nerror 'line 3'\n")
  helper.write_file(dir .. "/lib.lua", "print('lib', ...) return { x = 1 }")
  helper.write_file(dir .. "/dashed", "print('dashed', ...)")
  local object = "error(setmetatable({}, { __tostring = function() return 'object' end }))"

  local cases = {
    ["a script with arguments"] = { show, "a", "-b", "", "c d" },
    ["options before a script"] = { "-W", "-e", "x = 1", show, "1" },
    ["-- before a script"] = { "--", show, "1" },
    ["a shebang line, and its line numbers"] = { shebang },
    ["-e with the text attached"] = { "-eprint(1)", "-e", "print(2)" },
    ["-e and a failing text"] = { "-e", "error('no')", "-e", "print 'never'" },
    ["-e and a syntax error"] = { "-e", "x = = 1" },
    ["-e without text"] = { "-e" },
    ["-e followed by an option"] = { "-e", "-i" },
    ["-l"] = { "-l", "string", "-e", "print(string == require 'string')" },
    ["-l with a global's name"] = { "-l", "s=string", "-e", "print(s.rep('x', 3), s == string)" },
    ["-l and a module that is none"] = { "-l" },
    ["-W"] = { "-e", "warn 'off'", "-W", "-e", "warn('a', 'b')" },
    ["an option that does not exist"] = { "-x" },
    ["an option with letters behind"] = { "-vv" },
    ["-Ex"] = { "-Ex" },
    ["a missing file"] = { dir .. "/none.lua" },
    ["a folder as file"] = { dir .. "/" },
    ["an error object with __tostring"] = { "-e", object },
    ["an error object without"] = { "-e", "error {}" },
    ["a nil error"] = { "-e", "error()" },
    ["an error in a function"] = { "-e", "local function f() error 'deep' end f()" },
    ["os.exit"] = { "-e", "os.exit(7)" },
    ["os.exit(false)"] = { "-e", "os.exit(false, true)" },
    ["arg without a script"] = { "-e", "print(#arg, arg[1], arg[0] ~= nil)" },
    ["the collector's mode"] = { "-e", "print(collectgarbage 'incremental')" },
    ["globals"] = { "-e", "local t = {} for k in pairs(_G) do t[#t + 1] = k end table.sort(t)"
      .. " print(table.concat(t, ' '))" },
    ["finalizers at the end"] = { "-e", "setmetatable({}, { __gc = function() print 'gc' end })" },
    ["C modules of Debian"] = { "-e", "print(require 'cjson'.encode { 1 }, require 'lfs'._VERSION,"
      .. " require 'luasql.sqlite3'._VERSION, require 'argparse'.version)" },
    ["a file without suffix in a folder"] = { "./dashed", "1" },
    ["a file without suffix, where one stands"] = { "dashed", "1" },
    ["a dash after --"] = { "--", "-" },
  }
  for name, arguments in pairs(cases) do
    it(name, function()
      same_as_lua(arguments, { cwd = name:find "suffix" and dir or nil })
    end)
  end

  it("standard input without arguments, with -, and with arguments", function()
    local stdin = { stdin = "print('in', ...)\nerror 'x'" }
    assert.equal(1, same_as_lua({ "-" }, stdin).code)
    same_as_lua({ "-", "a", "b" }, stdin)
    same_as_lua({ "-e", "print 1" }, stdin)
    same_as_lua({}, { stdin = "print('in', ...)" })
    same_as_lua({ "--" }, { stdin = "print('in', ...)" })
  end)

  it("LUA_INIT, LUA_INIT_5_4, @file and -E", function()
    local file = helper.write_file(dir .. "/init.lua", "print 'init file'")
    local one, both = { LUA_INIT = "print 'one'" }, { LUA_INIT = "x(", LUA_INIT_5_4 = "print(54)" }
    for _, arguments in ipairs { { "-e", "print 2" }, { "-E", "-e", "print 2" } } do
      same_as_lua(arguments, { env = one })
      same_as_lua(arguments, { env = both })
      same_as_lua(arguments, { env = { LUA_INIT = "@" .. file } })
      same_as_lua(arguments, { env = { LUA_INIT = "error 'early'" } })
      same_as_lua(arguments, { env = { LUA_INIT = "os.exit(5)" } })
    end
  end)

  it("-l with LUA_PATH, which -E ignores", function()
    local env = { LUA_PATH = dir .. "/?.lua;;" }
    same_as_lua({ "-l", "lib", "-e", "print(lib.x)" }, { env = env })
    assert.equal(1, helper.icrm({ "-E", "-l", "lib" }, { env = env }).code)
  end)

  it("the interactive mode", function()
    local input = "1 + 1\n=2, nil\nx = 5\nfunction f(a)\n  return a * 2\nend\nf(x)\n"
      .. "error 'oops'\nerror(setmetatable({}, {__tostring = function() return 'T' end}))\n"
      .. "y = = 1\n_PROMPT = 'p> '\nnil\nprint = nil\n1\n"
    local ours = helper.icrm({ "-i" }, { stdin = input })
    local theirs = helper.run({ LUA, "-i" }, { stdin = input })
    assert.equal(theirs.err, ours.err)
    assert.equal(0, ours.code)
    for _, line in ipairs { "> 2\n", "> 2\tnil\n", ">> >> > 10\n", "p> nil\n" } do
      assert.truthy(ours.out:find(line, 1, true), line)
    end
  end)

  it("-i after a script, which shares its globals", function()
    local result = helper.icrm({ "-i", "-e", "z = 3" }, { stdin = "z\n" })
    assert.truthy(result.out:find("> 3\n", 1, true))
    assert.equal(0, result.code)
  end)
end)

describe("icrm-lua", function()
  it("-v names both versions and does nothing else", function()
    local result = helper.icrm({ "-v" }, { stdin = "print 'not read'" })
    assert.truthy(result.out:find "^icrm %d+%.%d+%.%d+, Lua 5%.4%.%d")
    assert.is_nil(result.out:find "not read")
    assert.equal(0, result.code)
  end)

  it("has the core in itself and no global of its own", function()
    local result = helper.icrm {
      "-e", "print(package.searchpath('icrm.core', package.cpath), icrm)",
      "-e", "print(package.loaded.icrm, package.loaded['icrm.core'])",
      "-e", "print(type(require 'icrm.core'))" }
    assert.equal("", result.err)
    assert.truthy(result.out:find "nil\nnil\tnil\ntable\n$")
  end)

  -- lua.c forgets the outcome of what it read there.
  it("exits with 1 when standard input fails", function()
    local result = helper.icrm({}, { stdin = "error 'x'" })
    assert.equal(1, result.code)
    assert.truthy(result.err:find "stdin:1: x\nstack traceback:")
  end)

  it("leaves no core file and no debugger a way to the key", function()
    local result = helper.icrm { "-e", [[
      for line in io.lines "/proc/self/limits" do
        if line:find "core file" then print(line:match "size%s+(%d+)%s+(%d+)") end
      end
      os.execute "cat /proc/self/limits | grep -c 'core file size *0 *0'"]] }
    assert.equal("0\t0\n1\n", result.out)
  end)

  it("fails when standard output cannot take everything", function()
    local script = helper.tmpfile("print(('x'):rep(100))", "full.lua")
    local result = helper.run { "sh", "-c", '"$0" "$1" >/dev/full', helper.icrm_lua, script }
    assert.equal(74, result.code)
    assert.truthy(result.err:find "standard output could not be written")
  end)

  it("ends quietly when the reader goes away", function()
    local script = helper.tmpfile("for i = 1, 1e5 do print(i) end", "many.lua")
    local result = helper.run { "sh", "-c", '"$0" "$1" | head -n 1', helper.icrm_lua, script }
    assert.same({ out = "1\n", err = "", code = 0 }, result)
  end)

  it("prints an icrm.Error as one line and chooses the exit code by its kind", function()
    local script = helper.tmpfile([[
      local core = require "icrm.core"
      local meta = debug.getregistry()["icrm.Error"]
      meta.__tostring = function(err) return err.kind .. ": " .. err.message end
      error(setmetatable({ kind = arg[1], message = "no good" }, meta), 0)]], "raise.lua")
    for kind, code in pairs { config = 77, auth = 6, rate_limited = 7, refused = 1 } do
      local result = helper.icrm { script, kind }
      assert.equal(helper.icrm_lua .. ": " .. kind .. ": no good\n", result.err)
      assert.equal(code, result.code)
    end
    local result = helper.icrm({ script, "auth" }, { env = { ICRM_TRACEBACK = "1" } })
    assert.truthy(result.err:find "auth: no good\nstack traceback:\n")
    assert.equal(6, result.code)
  end)

  it("hides the key from LUA_INIT, scripts and child processes", function()
    local env = { ICRM_ACCESS_KEY = "CaNaRy-1", LUA_INIT = "os.execute 'env'; print 'init'" }
    local result = helper.icrm({ "-e", "os.execute 'env'; print(os.getenv 'ICRM_ACCESS_KEY')" },
      { env = env })
    assert.truthy(result.out:find "init.*nil\n$")
    assert.is_nil(result.out:find("CaNaRy", 1, true))
    assert.is_nil(result.out:find("ICRM_ACCESS_KEY", 1, true))
    env.ICRM_ACCESS_KEY = "not one key"
    assert.equal(0, helper.icrm({ "-e", "" }, { env = env }).code)
  end)

  it("refuses a key on the command line", function()
    for _, arguments in ipairs {
      { "--key=SECRET", "query" }, { "--access-key=SECRET" }, { "--password=SECRET", "x.lua" },
      { "query", "--access-key=SECRET" },
    } do
      local result = helper.icrm(arguments)
      assert.equal(2, result.code)
      assert.truthy(result.err:find "visible to every user")
      assert.is_nil(result.err:find "SECRET")
    end
    local own = helper.tmpfile("print(...)", "own.lua")
    assert.equal("--password=x\n", helper.icrm({ own, "--password=x" }).out)
  end)
end)
