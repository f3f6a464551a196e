local commands = require "icrm.cli.commands"
local cures = require "icrm.cures"

local WORDS = { FILE = "l'été.icrm", KEY = "line 3", N = 3, LIST = { "amount:rounded", "a b" } }

-- A cure, as a program reads it and as a person at a shell.
local SAID = {
  ["say {on_match=update} or {on_match=skip}"] =
    { 'say on_match = "update" or on_match = "skip"',
      "say --on-match update or --on-match skip" },
  ["{allow_delete=N}"] = { "allow_delete = 3", "--allow-delete 3" },
  ["{suggest=true}"] = { "suggest = true", "--suggest" },
  ["{accept=LIST}"] = { 'accept = { "amount:rounded", "a b" }',
    "--accept amount:rounded --accept 'a b'" },
  ["{accept=field:rounded}"] = { 'accept = { "field:rounded" }', "--accept field:rounded" },
  ["{mark_done KEY ID}; or {undo}"] = { 'set:mark_done("line 3", ID); or set:undo(PATH)',
    "icrm-lua unknown 'l'\\''été.icrm' mark-done 'line 3' ID; or icrm-lua undo 'l'\\''été.icrm'" },
  ["{resume resend=barrier}"] = { 'set:apply({ resend = "barrier" })',
    "icrm-lua resume 'l'\\''été.icrm' --resend barrier" },
  ["{modules} lists them"] = { "crm:list_types() lists them", "icrm-lua modules lists them" },
  ["{describe MODULE}"] = { "crm:describe(MODULE)", "icrm-lua describe MODULE" },
  ["nothing to fill in: {}"] = { "nothing to fill in: {}", "nothing to fill in: {}" },
}

describe("icrm.cures", function()
  after_each(function() cures.speak() end)

  for cure, texts in pairs(SAID) do
    it("says: " .. cure, function()
      cures.speak()
      assert.equal(texts[1], cures.say(cure, WORDS))
      cures.speak(commands)
      assert.equal(texts[2], cures.say(cure, WORDS))
    end)
  end

  it("takes a value for what it is, whatever stands in it", function()
    cures.speak()
    assert.equal('set:mark_absent("KEY")', cures.say("{mark_absent KEY}", { KEY = "KEY" }))
    cures.speak(commands)
    assert.equal("icrm-lua unknown FILE mark-absent '{undo}'",
      cures.say("{mark_absent KEY}", { KEY = "{undo}" }))
  end)

  it("names the CRM that was chosen in the commands that change sets need", function()
    cures.speak(commands)
    commands.remember { profile = "près d'ici" }
    assert.equal("icrm-lua resume a.icrm --profile 'près d'\\''ici'",
      cures.say("{resume}", { FILE = "a.icrm" }))
    commands.remember { profile = "x", url = "sandbox:" }
    assert.equal("icrm-lua modules --url sandbox:", cures.say "{modules}")
  end)
end)
