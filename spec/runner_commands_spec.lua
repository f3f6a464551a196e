local helper = require "spec.helper"

-- A settings folder that holds these scripts of the user.
local function config_with(scripts)
  local dir = helper.tmpdir()
  assert(os.execute("mkdir -p " .. helper.quote(dir .. "/icrm/scripts")))
  for name, text in pairs(scripts) do
    helper.write_file(("%s/icrm/scripts/%s.lua"):format(dir, name), text)
  end
  return { XDG_CONFIG_HOME = dir }, dir .. "/icrm/scripts"
end

describe("icrm-lua NAME", function()
  it("runs the user's own script with its arguments", function()
    local env, dir = config_with { greet = "#!/usr/bin/env icrm-lua\nprint(arg[0], ...)" }
    local result = helper.icrm({ "-e", "x = 1", "greet", "a", "--b" }, { env = env })
    assert.equal("", result.err)
    assert.equal(dir .. "/greet.lua\ta\t--b\n", result.out)
    env = { HOME = helper.tmpdir(), XDG_CONFIG_HOME = "" }
    assert(os.execute("mkdir -p " .. env.HOME .. "/.config/icrm"))
    assert(os.execute(("cp -r %s %s/.config/icrm/"):format(dir, env.HOME)))
    assert.equal(0, helper.icrm({ "greet" }, { env = env }).code)
  end)

  it("names the nearest script when it knows none of that name", function()
    local env = config_with { salute = "-- salute: say hello to NAME" }
    local result = helper.icrm({ "salut" }, { env = env })
    assert.equal(2, result.code)
    assert.equal("", result.out)
    assert.truthy(result.err:find("no script is named 'salut'; did you mean 'salute'?", 1, true))
    assert.truthy(result.err:find "\n  salute +say hello to NAME\n")
  end)

  it("lists the scripts with their first comment line on request", function()
    local env = config_with {
      greet = "#!/usr/bin/env icrm-lua\n--- Say hello.\nlocal x",
      bare = "print 1",
      ["with-a-very-long-name"] = "-- Last.",
    }
    local help = helper.icrm({ "help" }, { env = env })
    assert.equal(0, help.code)
    assert.equal("", help.err)
    assert.truthy(help.out:find "\n  bare +\n  greet +Say hello%.\n")
    assert.truthy(help.out:find "\n  with%-a%-very%-long%-name  Last%.\n")
    assert.same(help, helper.icrm({ "--help" }, { env = env }))
    assert.same(help, helper.icrm({ "-h" }, { env = env }))
  end)

  it("lists the scripts that the manual page lists, in its words", function()
    local listed, page = {}, helper.read_file "docs/icrm-lua.1":match "%.Sh COMMANDS\n(.-)\n%.El"
    for name, text in (page .. "\n.It"):gmatch "%.It Cm (%l+)\n(.-)%f[\n]\n%f[.]" do
      listed[#listed + 1] = ("  %s %s"):format(name, (text:gsub("\n", " ")))
    end
    local help = helper.icrm({ "help" }, { env = config_with {} }).out
    local shipped = {}
    for name, text in help:gmatch "\n  (%l+) +([^\n]+)" do
      shipped[#shipped + 1] = ("  %s %s"):format(name, text)
    end
    assert.is_true(#shipped > 15)
    assert.same(shipped, listed)
  end)

  it("turns `help NAME` into `NAME --help`", function()
    local env = config_with { greet = "print(...)" }
    assert.equal("--help\tx\n", helper.icrm({ "help", "greet", "x" }, { env = env }).out)
  end)

  describe("when installed", function()
    local prefix = helper.tmpdir()
    local binary, lua = prefix .. "/bin/icrm-lua", prefix .. "/share/lua/5.4"
    assert(os.execute(("cd %s && mkdir -p bin share/lua/5.4/icrm/scripts && cp %s bin"):format(
      helper.quote(prefix), helper.quote(helper.icrm_lua))))
    helper.write_file(lua .. "/icrm/init.lua", "return { installed = true }")
    helper.write_file(lua .. "/icrm/scripts/greet.lua", "-- Shipped.\nprint 'shipped'")

    it("finds module and scripts beside the executable", function()
      local result = helper.run { binary, "-e", "print(require 'icrm'.installed)", "greet" }
      assert.same({ out = "true\nshipped\n", err = "", code = 0 }, result)
      assert.equal("true\n",
        helper.run({ binary, "-E", "-l", "icrm", "-e", "print(icrm.installed)" }).out)
    end)

    it("prefers a shipped script and says that one's own is left aside", function()
      local env, dir = config_with { greet = "print 'mine'", other = "-- Mine.\nprint 'other'" }
      local result = helper.run({ binary, "greet" }, { env = env })
      assert.equal("shipped\n", result.out)
      assert.truthy(result.err:find(dir .. "/greet.lua", 1, true))
      assert.equal("other\n", helper.run({ binary, "other" }, { env = env }).out)
      local help = helper.run({ binary, "help" }, { env = env })
      assert.truthy(help.out:find "greet +Shipped%.\nYour own scripts:\n.*other +Mine%.\n")
    end)
  end)
end)

describe("Ctrl-C", function()
  -- A program that sends it to itself: system() would shield it, popen not.
  local prelude = [[
    local pipe = io.popen "echo $PPID"
    local pid = pipe:read "l"
    pipe:close()
    function interrupt() io.popen("kill -INT " .. pid):close() end
  ]]

  it("stops the running code with a traceback and exit code 130", function()
    local result = helper.icrm { "-e", prelude, "-e", "interrupt() while true do end" }
    assert.equal(130, result.code)
    assert.is_nil(result.signal)
    assert.truthy(result.err:find "interrupted!\nstack traceback:")
  end)

  it("says one word when a script is run by its name", function()
    local env = config_with { spin = prelude .. "interrupt() while true do end" }
    local result = helper.icrm({ "spin" }, { env = env })
    assert.equal(helper.icrm_lua .. ": interrupted\n", result.err)
    assert.equal(130, result.code)
  end)

  it("can be caught, and the script goes on", function()
    local result = helper.icrm { "-e", prelude, "-e", [[
      print(pcall(function() interrupt() while true do end end))
      print "cleaned up"]] }
    assert.equal(0, result.code)
    assert.truthy(result.out:find "false.*interrupted!\ncleaned up\n")
  end)

  it("only leaves a note while the code holds it", function()
    local result = helper.icrm { "-e", prelude, "-e", [[
      local interrupt_state = require "icrm.core".interrupt
      interrupt_state.hold()
      interrupt()
      for i = 1, 1e5 do end
      print(interrupt_state.pending())
      interrupt_state.clear()
      interrupt_state.release()
      print(interrupt_state.pending())]] }
    assert.same({ out = "true\nfalse\n", err = "", code = 0 }, result)
  end)

  it("ends the process at once the second time", function()
    local result = helper.icrm { "-e", prelude, "-e", [[
      require "icrm.core".interrupt.hold()
      interrupt() interrupt() while true do end]] }
    assert.equal(2, result.signal)
  end)

  it("wakes a script that waits for the network", function()
    local server <close> = require "icrm.core".sandbox.start { latency_ms = 20000 }
    local script = helper.tmpfile([[
      require "icrm.client" -- all is loaded before the signal comes
      print(io.popen "echo $PPID":read "l")
      io.stdout:flush()
      require "icrm".connect { url = arg[1], username = "u", access_key = "k" }]], "wait.lua")
    local pipe = assert(io.popen(("exec %s %s %s 2>&1"):format(
      helper.quote(helper.icrm_lua), script, helper.quote(server:url()))))
    local started = os.time()
    assert(os.execute("kill -INT " .. pipe:read "l"))
    local text = pipe:read "a"
    local _, how, code = pipe:close()
    assert.truthy(text:find "interrupted!", text)
    assert.same({ "exit", 130 }, { how, code })
    assert.is_true(os.time() - started < 10)
  end)

  it("returns to the prompt in the interactive mode", function()
    local result = helper.icrm({ "-i", "-e", prelude }, {
      stdin = "interrupt() while true do end\n'still here'\n" })
    assert.truthy(result.out:find "still here")
    assert.equal(0, result.code)
  end)
end)
