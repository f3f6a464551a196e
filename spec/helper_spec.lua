local helper = require "spec.helper"

describe("spec.helper", function()
  it("passes words, input and environment on and reports how it ended", function()
    local result = helper.run(
      { "sh", "-c", 'cat; echo "$1 $NAME"; echo bad >&2; exit 3', "sh", "it's" },
      { stdin = "in ", env = { NAME = "a b" } })
    assert.same({ out = "in it's a b\n", err = "bad\n", code = 3 }, result)
  end)

  it("reports the signal that killed a program", function()
    local result = helper.run { "sh", "-c", "kill -TERM $$" }
    assert.equal(15, result.signal)
    assert.equal(143, result.code)
  end)

  it("fails a spec file that leaves a client open", function()
    local file = helper.tmpfile([[it("leaks", function()
      require "icrm".connect "sandbox:" end)]], "leak_spec.lua")
    local result = helper.run { "sh", "-c",
      'exec lua5.4 "$(command -v busted)" --ignore-lua -o plainTerminal "--cpath=$0" "$1"',
      package.cpath:match "[^;]*", file }
    assert.equal(1, result.code)
    assert.truthy(result.out:find "1 left open")
  end)

  it("fails when a secret is in an output", function()
    local function prints(text, env)
      return pcall(helper.run, { "sh", "-c", 'printf %s "$0" >&2', text }, { env = env })
    end
    local session = "a1-" .. ("0123456789abcdef"):rep(2):sub(1, 21)
    for _, secret in ipairs { "accessKey=70a9bc81", '{"token":"594212b2703c2"}', session,
      "the key is aB3$dE5+fG7h" } do
      local ok, err = prints("1: " .. secret, { ICRM_ACCESS_KEY = "aB3$dE5+fG7h" })
      assert.is_false(ok, secret)
      assert.truthy(tostring(err):find("a secret is in the output", 1, true))
    end
    assert.is_true(prints "token, sessionName, accessKey, 70a9bc81b44975887e77343f1bdd3743")
  end)

  it("keeps the developer's own settings away", function()
    local result = helper.run { "env" }
    assert.is_nil(result.out:find "ICRM_URL")
    assert.truthy(result.out:find "XDG_CONFIG_HOME=")
  end)
end)
