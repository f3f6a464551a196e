local commands = require "icrm.cli.commands"
local core = require "icrm.core"
local cures = require "icrm.cures"
local helper = require "spec.helper"

local WORDS = { FILE = "/l'été.icrm", KEY = "line 3", N = 3, LIST = { "amount:rounded", "a b" } }

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
    "icrm-lua unknown '/l'\\''été.icrm' mark-done 'line 3' ID; or icrm-lua undo "
      .. "'/l'\\''été.icrm'" },
  ["{resume resend=barrier}"] = { 'set:apply({ resend = "barrier" })',
    "icrm-lua resume '/l'\\''été.icrm' --resend barrier" },
  ["{modules} lists them"] = { "crm:list_types() lists them", "icrm-lua modules lists them" },
  ["{describe MODULE}"] = { "crm:describe(MODULE)", "icrm-lua describe MODULE" },
  ["nothing to fill in: {}"] = { "nothing to fill in: {}", "nothing to fill in: {}" },
}

-- The braces in the sources, each once: of acts and of options.
local function said_in_sources()
  local acts, options = {}, {}
  for file in io.popen "find lua/icrm -name '*.lua'":lines() do
    for line in io.lines(file) do
      for text in line:gmatch "{(%l[%l_]*=%w[%w_:]*)}" do
        options[text] = file
      end
      for text in line:gmatch "{(%l[%l_]*)}" do
        acts[text] = file
      end
      for text in line:gmatch "{(%l[%l_]* %u[%u ]*)}" do
        acts[text] = file
      end
      for text in line:gmatch "{(%l[%l_]* %l[%l_]*=%w+)}" do
        acts[text] = file
      end
    end
  end
  return acts, options
end

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

  it("says every act of the sources in both voices", function()
    local acts = said_in_sources()
    assert.truthy(acts["mark_done KEY ID"] and acts.modules and acts["resume resend=barrier"])
    for act, file in pairs(acts) do
      for _, speaker in ipairs { false, commands } do
        cures.speak(speaker or nil)
        local ok, text = pcall(cures.say, "{" .. act .. "}")
        assert.truthy(ok and not text:find "[{]%l[%l_]*[} ]", file .. ": {" .. act .. "}")
      end
    end
  end)

  it("names no option that the commands do not have", function()
    local parsers = {}
    for file in io.popen "ls scripts/*.lua lua/icrm/cli/*.lua":lines() do
      parsers[#parsers + 1] = helper.read_file(file)
    end
    local known = table.concat(parsers)
    local _, options = said_in_sources()
    assert.truthy(options["on_match=update"])
    for text, file in pairs(options) do
      local flag = "--" .. text:match "^[%l_]+":gsub("_", "-")
      assert.truthy(known:find('"' .. flag .. '"', 1, true), file .. ": " .. flag)
    end
  end)

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
    assert.equal("icrm-lua resume /a.icrm --profile 'près d'\\''ici'",
      cures.say("{resume}", { FILE = "/a.icrm" }))
    commands.remember { profile = "x", url = "sandbox:" }
    assert.equal("icrm-lua modules --url sandbox:", cures.say "{modules}")
  end)

  it("leads to the files from any folder, but for who stands in this one", function()
    local columns, here = core.terminal_columns, os.getenv "PWD" .. "/"
    cures.speak(commands)
    for _, case in ipairs { { nil, here }, { 80, "" } } do
      core.terminal_columns = function() return case[1] end
      local folder = case[2]
      commands.remember { url = "sandbox:crm.db?profile=vtiger8" }
      local chosen = (" --url 'sandbox:%scrm.db?profile=vtiger8'"):format(folder)
      local ok, wrong = pcall(function()
        assert.equal(("icrm-lua unknown %sa.icrm mark-absent a%s"):format(folder, chosen),
          cures.say("{mark_absent KEY}", { FILE = "a.icrm", KEY = "a" }))
        assert.equal(("icrm-lua errors %sa.icrm --of 2%s"):format(folder, chosen),
          commands.write("errors", "a.icrm", "--of", 2))
        assert.equal("/b.icrm", commands.path "/b.icrm")
      end)
      core.terminal_columns = columns
      commands.remember { url = "sandbox:" }
      assert(ok, wrong)
    end
  end)
end)
