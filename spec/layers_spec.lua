local helper = require "spec.helper"

local tool = os.getenv "PWD" .. "/tools/layers"

-- A tree with these files; runs the check on it.
local function check(tree)
  local root = helper.tmpdir()
  for path, text in pairs(tree) do
    assert(os.execute("mkdir -p " .. helper.quote(root .. "/" .. path:match "^(.*)/")))
    helper.write_file(root .. "/" .. path, text)
  end
  return helper.run { tool, root }
end

describe("tools/layers", function()
  it("accepts what points down", function()
    local result = check {
      ["src/core/a.c"] = '#include "core/a.h"\n#include <curl/curl.h>\n#include <stdio.h>\n',
      ["src/sandbox/b.c"] = '#include "core/a.h"\n',
      ["src/lua/c.c"] = '#include "sandbox/b.h"\n#include <lua.h>\n',
      ["lua/icrm/d.lua"] = 'local core = require "icrm.core"\n',
      ["scripts/e.lua"] = 'local icrm = require "icrm"\nos.exit(0, true)\n',
      ["lua/icrm/cli/f.lua"] = "os.exit(1, true)\n",
      ["lua/icrm/changes/journal/g.lua"] = 'self:run "DELETE FROM links"\n',
      ["lua/icrm/changes/h.lua"] = 'crm:query "SELECT id FROM Leads WHERE id IN (?)"\n',
    }
    assert.same({ out = "", err = "", code = 0 }, result)
  end)

  it("takes a source and the header of its name for one", function()
    local result = check {
      ["src/lanes/a.c"] = '#include "lanes/a.h"\n#include "lanes/b.h"\n',
      ["src/lanes/a.h"] = '#include "lanes/c.h"\n',
      ["src/lanes/b.c"] = '#include "lanes/b.h"\n#include "lanes/c.h"\n',
      ["src/lanes/c.c"] = '#include "lanes/b.h"\n',
    }
    assert.equal("src/lanes/b:1: a circle: src/lanes/b > src/lanes/c > src/lanes/b\n"
      .. "1 offence against the layers\n", result.out)
    assert.equal(1, result.code)
  end)

  local offences = {
    ["src/core/a.c:1: src/core must not include src/lua"] =
      { "src/core/a.c", '#include "lua/core.h"\n' },
    ["src/core/a.c:2: src/core must not include src/sandbox"] =
      { "src/core/a.c", '\n#include "sandbox/sandbox.h"\n' },
    ["src/sandbox/a.c:1: src/sandbox knows no Lua"] =
      { "src/sandbox/a.c", "#  include <lauxlib.h>\n" },
    ["src/core/a.h:1: libcurl must not be seen through a header"] =
      { "src/core/a.h", "#include <curl/curl.h>\n" },
    ["src/lua/a.c:1: include from another tree"] =
      { "src/lua/a.c", '#include "../runner/call.h"\n' },
    ["src/new/a.c:1: a folder that the layers do not know"] = { "src/new/a.c", "\n" },
    ["lua/icrm/a.lua:1: spec.helper is above this file"] =
      { "lua/icrm/a.lua", "local h = require('spec.helper')\n" },
    ["scripts/a.lua:3: scripts use the public modules, not icrm.core"] =
      { "scripts/a.lua", '\n\nlocal core = require "icrm.core"\n' },
    ["lua/icrm/changes/a.lua:1: SQL belongs to lua/icrm/changes/journal"] =
      { "lua/icrm/changes/a.lua", "store:each \"state IN ('done')\"\n" },
    ["lua/icrm/cli/a.lua:2: SQL belongs to lua/icrm/changes/journal"] =
      { "lua/icrm/cli/a.lua", '\nlocal n = set.store:rows "SELECT 1"\n' },
    ["lua/icrm/changes/a.lua:1: the library ends no program: os.exit belongs to lua/icrm/cli"] =
      { "lua/icrm/changes/a.lua", "os.exit(1)\n" },
    ["lua/icrm/import/a.lua:2: a command line belongs to lua/icrm/cli; say it by icrm.cures"] =
      { "lua/icrm/import/a.lua", '-- as "icrm-lua import"\nrefuse("%s; say --empty keep", a)\n' },
    ["lua/icrm/b.lua:1: a command line belongs to lua/icrm/cli; say it by icrm.cures"] =
      { "lua/icrm/b.lua", 'refuse "see `icrm-lua modules`"\n' },
    ["lua/icrm/a.lua:1: lua/icrm/nearest.lua asks what was meant"] =
      { "lua/icrm/a.lua", 'refuse("%s; did you mean %q?", a, b) -- did you mean\n' },
    ["scripts/a.lua:2: what was given is refused by errors.refuse"] =
      { "scripts/a.lua", '\nerrors.raise { kind = "input", message = "no" }\n' },
  }
  for offence, case in pairs(offences) do
    it("finds " .. offence, function()
      local result = check { [case[1]] = case[2] }
      assert.equal(offence .. "\n1 offence against the layers\n", result.out)
      assert.equal(1, result.code)
    end)
  end

  local floors = {
    ["lua/icrm/client.lua:1: lua/icrm/query/init.lua is on a floor above: "
      .. "client must not know query"] =
      { "lua/icrm/client.lua", "query" },
    ["lua/icrm/query/a.lua:1: lua/icrm/changes/init.lua is on a floor above: "
      .. "query must not know changes"] = { "lua/icrm/query/a.lua", "changes" },
    ["lua/icrm/changes/a.lua:1: lua/icrm/import/init.lua is on a floor above: "
      .. "changes must not know import"] = { "lua/icrm/changes/a.lua", "import" },
    ["lua/icrm/import/a.lua:1: lua/icrm/report/init.lua is on a floor above: "
      .. "import must not know report"] = { "lua/icrm/import/a.lua", "report" },
    ["lua/icrm/report/a.lua:1: lua/icrm/cli/init.lua is on a floor above: "
      .. "report must not know cli"] =
      { "lua/icrm/report/a.lua", "cli" },
  }
  for offence, case in pairs(floors) do
    it("finds " .. offence, function()
      local result = check {
        [case[1]] = ('local up = require("icrm.%s")\n'):format(case[2]),
        ["lua/icrm/" .. case[2] .. "/init.lua"] = "return {}\n",
      }
      assert.equal(offence .. "\n1 offence against the layers\n", result.out)
      assert.equal(1, result.code)
    end)
  end

  it("finds files that know one another in a circle", function()
    local result = check {
      ["lua/icrm/query/a.lua"] = 'local b = require "icrm.query.b"\n',
      ["lua/icrm/query/b.lua"] = 'return function() return require("icrm.query.c") end\n',
      ["lua/icrm/query/c.lua"] = 'local a = require "icrm.query.a"\n',
      ["lua/icrm/query/d.lua"] = 'local a = require "icrm.query.a"\n',
    }
    assert.equal("lua/icrm/query/a.lua:1: a circle: lua/icrm/query/a.lua > lua/icrm/query/b.lua > "
      .. "lua/icrm/query/c.lua > lua/icrm/query/a.lua\n1 offence against the layers\n", result.out)
    assert.equal(1, result.code)
  end)

  it("finds folders that know one another in a circle", function()
    local result = check {
      ["lua/icrm/changes/a.lua"] = 'local b = require "icrm.changes.send.b"\n',
      ["lua/icrm/changes/send/b.lua"] = "return {}\n",
      ["lua/icrm/changes/send/c.lua"] = 'local d = require "icrm.changes.d"\n',
      ["lua/icrm/changes/d.lua"] = "return {}\n",
    }
    assert.equal("lua/icrm/changes:1: a circle: lua/icrm/changes > lua/icrm/changes/send > "
      .. "lua/icrm/changes\n1 offence against the layers\n", result.out)
    assert.equal(1, result.code)
  end)

  it("says how many siblings each folder has", function()
    local root = helper.tmpdir()
    assert(os.execute("mkdir -p " .. root .. "/lua/icrm/query " .. root .. "/src/core"))
    for _, path in ipairs { "lua/icrm/query/a.lua", "lua/icrm/query/b.lua", "src/core/a.c" } do
      helper.write_file(root .. "/" .. path, "\n")
    end
    local result = helper.run { tool, "--siblings", root }
    assert.equal("  2 lua/icrm/query\n  1 src/core\n", result.out)
    assert.equal(0, result.code)
  end)

  it("finds a second file that knows a library", function()
    local result = check {
      ["src/core/a.c"] = "#include <curl/curl.h>\n",
      ["src/core/b.c"] = "#include <curl/multi.h>\n",
    }
    assert.equal("src/core/b.c:1: libcurl belongs to src/core/a.c\n"
      .. "1 offence against the layers\n", result.out)
  end)
end)
