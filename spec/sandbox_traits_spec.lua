-- The sandbox's traits: how they are chosen, and what each one does.
local helper = require "spec.helper"
local icrm = require "icrm"
local sandbox = require "icrm.sandbox"

local DOCS = "docs/sandbox.md"

-- The rows of the table in the documentation that begins with this head.
local function documented(head)
  local rows = {}
  local text = helper.read_file(DOCS)
  local _, at = text:find(head .. "\n|---|---|\n", 1, true)
  for name, words in text:sub(at + 1):match("^(.-)\n\n"):gmatch "| `(.-)` | (.-) |\n?" do
    rows[#rows + 1] = { name, words }
  end
  return rows
end

describe("the sandbox's traits", function()
  it("are the ones of the documentation", function()
    local rows = {}
    for i, trait in ipairs(sandbox.traits()) do
      local name = trait.value and ("%s=%d"):format(trait.name, trait.value) or trait.name
      rows[i] = { name, trait.sentence }
    end
    assert.are.same(rows, documented "| trait | the server |")
  end)

  it("make up the profiles, as the documentation says", function()
    local rows = {}
    for i, profile in ipairs(sandbox.profiles()) do
      rows[i] = { profile.name, (profile.traits:gsub("[^, ]+", "`%0`")) }
    end
    assert.are.same(rows, documented "| profile | traits |")
  end)

  it("are added to a profile and taken from it, by URL and from Lua", function()
    local with <close> = icrm.connect "sandbox:?traits=record-label,-left-to-right&demo=off"
    assert.equal("Rhône", with:create("Accounts", { accountname = "Rhône" }).label:gsub("&ocirc;", "ô"))
    local without <close> = sandbox.start { profile = "vtiger8", traits = { "-record-label" } }
    local crm <close> = icrm.connect {
      url = without:url(), username = without:username(), access_key = without:key(),
    }
    assert.is_nil(crm:create("Accounts", { accountname = "Rhône" }).label)
  end)

  it("that do not exist are refused, with the nearest name", function()
    for text, message in pairs {
      ["left-to-rigth"] = 'no trait "left%-to%-rigth"; did you mean "left%-to%-right"%?',
      ["-user-prefx"] = 'no trait "user%-prefx"; did you mean "user%-prefix"%?',
      ["zzzzzzzz"] = 'no trait "zzzzzzzz"; icrm%-lua sandbox %-%-traits lists them',
      ["user-prefix=3"] = "trait user%-prefix takes no value",
    } do
      assert.error_matches(function()
        sandbox.start { traits = text }
      end, message)
    end
    assert.error_matches(function()
      sandbox.start { profile = "vtiger9" }
    end, 'no profile "vtiger9"; did you mean "vtiger8"%?')
  end)

  it("are chosen and listed by the command", function()
    local result = helper.icrm { "sandbox", "--traits" }
    assert.equal(0, result.code)
    assert.truthy(result.out:find("left-to-right\tAND and OR", 1, true))
    result = helper.icrm { "sandbox", "--trait", "-no-such-trait" }
    assert.truthy(result.err:find('no trait "no-such-trait"', 1, true))
  end)
end)
