-- That a secret which gets out of a spec is found, wherever it goes.
local canaries = require "spec.canaries"
local changes_crm = require "spec.changes.crm"
local helper = require "spec.helper"

local SESSION = "a1-" .. ("0123456789abcdef"):rep(2):sub(1, 21)

-- Run a spec file of its own with the helper of these; its exit code and what it says.
local function run_spec(body, env)
  local file = helper.tmpfile('local helper = require "spec.helper"\n'
    .. 'local sandbox = require("icrm.core").sandbox\n'
    .. ('it("plants", function() %s end)'):format(body), "planted_spec.lua")
  local result = helper.run({ "sh", "-c",
    'exec lua5.4 "$(command -v busted)" --ignore-lua -o plainTerminal "--cpath=$0" "$1"',
    package.cpath:match "[^;]*", file }, { env = env })
  return result.code, result.out
end

-- The name of a session as pieces, so that this file and its children do not hold it.
local PIECES = ('("a1-" .. ("0123456789abcdef"):rep(2):sub(1, 21))')

-- How a secret gets out, and what it is in.
local WAYS = {
  ["a file in a folder of the spec"] = { [[
    local file = assert(io.open(helper.tmpdir() .. "/x.log", "wb"))
    file:write("\0 at ", %s, " \0")
    file:close()]], "/x.log: " },
  ["a core that a program has left"] = { [[
    local file = assert(io.open(helper.tmpdir() .. "/core.4711", "wb"))
    file:write(("\0"):rep(5000), %s, ("\0"):rep(5000))
    file:close()]], "/core.4711: " },
  ["an error that was caught"] = { [[
    local errors = require "icrm.error"
    pcall(errors.raise, { kind = "input", message = "no " .. %s })]], "error: " },
  ["a file of the user's state"] = { [[
    local file = assert(io.open(os.getenv "XDG_STATE_HOME" .. "/planted", "wb"))
    file:write(%s)
    file:close()
]], "/planted: " },
}

describe("a secret", function()
  for name, way in pairs(WAYS) do
    it("is found in " .. name, function()
      local state = helper.tmpdir()
      local code, out = run_spec(way[1]:format(PIECES), { XDG_STATE_HOME = state })
      os.remove(state .. "/planted")
      assert.equal(1, code, out)
      assert.truthy(out:find("a secret is in ", 1, true) and out:find(way[2], 1, true), out)
    end)
  end

  it("is found when it is an access key of a sandbox", function()
    local code, out = run_spec [[
      local server = assert(sandbox.start {})
      local file = assert(io.open(helper.tmpdir() .. "/x.csv", "wb"))
      file:write("a;", server:key(), ";b")
      file:close()
      server:stop()]]
    assert.equal(1, code, out)
    assert.truthy(out:find("/x.csv: a;[…];b", 1, true), out)
  end)

  it("is found in what this process prints", function()
    canaries.take_leaks()
    local stdout = io.output()
    io.output(io.tmpfile())
    io.write("session ", SESSION)
    io.output():close()
    io.output(stdout)
    local leaks = canaries.take_leaks()
    assert.equal(1, #leaks)
    assert.matches("^output: session a1%-", leaks[1])
  end)

  it("is any of four, and nothing that only looks so", function()
    canaries.note_key "aB3$dE5+fG7h"
    for _, text in ipairs { "accessKey=70a9bc81", '{"token":"594212b2703c2"}', SESSION,
      "sessionName=x1", "the key is aB3$dE5+fG7h" } do
      assert.truthy(canaries.find(text), text)
    end
    for _, text in ipairs { "token, sessionName, accessKey", "100000000000000000000",
      "70a9bc81b44975887e77343f1bdd3743", ("0123456789abcdef"):rep(4) } do
      assert.falsy(canaries.find(text), text)
    end
  end)

  it("may be in a change set while something is in doubt, and not any more then", function()
    local crm = changes_crm.start { faults = "logout=lies; at create#2 before_commit reset" }
    local plan = crm.plan()
    for i = 1, 3 do
      plan:create("Accounts", { accountname = "Société " .. i })
    end
    plan:apply { settle = 0.02 }
    local secret = plan.store:sessions()[1].session
    assert.truthy(canaries.find(secret), "a session of the sandbox is not known as one")
    assert.same({}, canaries.scan(crm.dir))
    plan.store:mark(2, { state = "failed", code = false })
    plan:apply { settle = 0.02 }
    plan:close()
    crm.close()
    assert.falsy(helper.read_file(crm.dir .. "/set.icrm"):find(secret, 1, true))
  end)
end)
