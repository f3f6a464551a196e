local commands = require "icrm.cli.commands"
local cures = require "icrm.cures"
local helper = require "spec.helper"
local state = require "icrm.changes.journal.state"

-- The tables as the reference must have them.
local function states_table()
  local lines = { "| state | meaning |", "| --- | --- |" }
  for _, one in ipairs(state.STATES) do
    lines[#lines + 1] = ("| `%s` | %s |"):format(one.name, one.meaning)
  end
  return table.concat(lines, "\n") .. "\n"
end

local function codes_table()
  local lines = { "| code | state | meaning | what to do |", "| --- | --- | --- | --- |" }
  for _, one in ipairs(state.CODES) do
    lines[#lines + 1] = ("| `%s` | %s | %s | %s |"):format(one.code, one.state,
      cures.say(one.meaning), one.cure and cures.say(one.cure) or "")
  end
  return table.concat(lines, "\n") .. "\n"
end

describe("states and codes", function()
  local reference = helper.read_file "docs/changes-reference.md"

  setup(function() cures.speak(commands) end)
  teardown(function() cures.speak() end)

  it("are in the reference, each state with its meaning", function()
    assert.truthy(reference:find(states_table(), 1, true), states_table())
  end)

  it("are in the reference, each code with its state, meaning and cure", function()
    assert.truthy(reference:find(codes_table(), 1, true), codes_table())
  end)

  it("belong together: every code has a state that there is, and each is there once", function()
    local names, codes = {}, {}
    for _, one in ipairs(state.STATES) do
      names[one.name] = true
    end
    for _, one in ipairs(state.CODES) do
      assert.truthy(names[one.state], one.code)
      assert.falsy(codes[one.code], one.code)
      codes[one.code] = true
    end
  end)

  it("leave no change for a person without a word on what to do", function()
    for _, one in ipairs(state.CODES) do
      assert.truthy(one.cure or one.state == "skipped", one.code)
    end
  end)

  it("say what to do with the names of the file, the change and the record", function()
    local change = { key = "line 3", code = "CONFLICT" }
    assert.equal("icrm-lua undo /a.icrm puts them back; or mend them in the CRM, then icrm-lua "
      .. "unknown /a.icrm mark-done 'line 3'", state.cure("/a.icrm", change))
    assert.is_nil(state.cure("a.icrm", { key = "a", code = "ACCESS_DENIED" }))
  end)

  it("make rows: the state, the code and the text with its arguments", function()
    assert.same({ state = "needs_human", code = "DUPLICATE",
      message = "created more than once: 3x1, 3x2" }, state.outcome("DUPLICATE", "3x1, 3x2"))
    assert.has_error(function() state.outcome "NOTHING" end, "no such code: NOTHING")
  end)

  it("can be asked for all states but some", function()
    assert.same({ "planned", "done", "failed", "unknown", "needs_human", "blocked", "sending" },
      state.except "skipped")
  end)
end)
