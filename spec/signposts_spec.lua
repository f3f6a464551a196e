local helper = require "spec.helper"

local tool = os.getenv "PWD" .. "/tools/signposts"

local LAW = "### Law %d. A thing is so\nFor a reason.\n"
  .. "Held in `src/a/b.c`; proven by `spec/a/b_test.c`.\n"
local COMMENT = "-" .. "- " -- in pieces, lest it be taken for one

-- A tree in which every signpost leads somewhere, but for what is in `tree`.
local function check(tree)
  local files = {
    ["docs/laws.md"] = LAW:format(1) .. LAW:format(3),
    ["docs/architecture.md"] = "The way goes through `src/a/b.c`.\n\n## Which spec holds what\n\n"
      .. "| spec | files |\n| --- | --- |\n| `spec/c_spec.lua` | `lua/icrm/` `d.lua` |\n"
      .. "## Words\n\n| word | means | where | not |\n| page | a | `src/a/b.c` | `rows_of` |\n",
    ["src/a/b.c"] = "/* Laws 1 and 3; docs/laws.md. */\n",
    ["spec/a/b_test.c"] = "",
    ["lua/icrm/c.lua"] = "-- law 1: so it is.\n",
    ["lua/icrm/d.lua"] = "",
    ["spec/c_spec.lua"] = "",
    ["scripts/e.lua"] = "",
    ["spec/scripts/e_spec.lua"] = "",
    ["README.md"] = "[the laws](docs/laws.md#law-1) and [the web](https://example.org/docs/x.md)\n",
  }
  for path, text in pairs(tree) do
    files[path] = text or nil
  end
  local root = helper.tmpdir()
  for path, text in pairs(files) do
    local folder = path:match "^(.*/)" or ""
    assert(os.execute("mkdir -p " .. helper.quote(root .. "/" .. folder)))
    helper.write_file(root .. "/" .. path, text)
  end
  return helper.run { tool, root }
end

describe("tools/signposts", function()
  it("is silent when every signpost leads somewhere", function()
    assert.same({ out = "", err = "", code = 0 }, check {})
  end)

  local offences = {
    ["docs/laws.md:4: law 2 does not say where it is held and proven"] =
      { "docs/laws.md", LAW:format(1) .. "### Law 2. No more\n" .. LAW:format(3) },
    ["docs/laws.md:6: law 3 names no spec that proves it"] =
      { "docs/laws.md", LAW:format(1) .. (LAW:format(3):gsub("; proven.*", ".\n")) },
    ["docs/laws.md:6: law 3 is to be proven by a spec, not by src/a/b.c"] =
      { "docs/laws.md", LAW:format(1) .. LAW:format(3):gsub("spec/a/b_test", "src/a/b") },
    ["docs/laws.md:6: there is no src/a/gone.c"] =
      { "docs/laws.md", LAW:format(1) .. LAW:format(3):gsub("a/b%.c", "a/gone.c") },
    ["docs/laws.md:4: law 1 does not follow law 1"] =
      { "docs/laws.md", LAW:format(1) .. LAW:format(1) .. LAW:format(3) },
    ["src/a/b.c:2: there is no law 2 in docs/laws.md"] =
      { "src/a/b.c", "/* Laws 1\n * laws 1, 2 and 3. */\n" },
    ["lua/icrm/c.lua:2: there is no law 7 in docs/laws.md"] =
      { "lua/icrm/c.lua", "\nlocal x " .. COMMENT .. "(Law 7.)\n" },
    ["lua/icrm/c.lua:1: there is no document SERVERS.md"] =
      { "lua/icrm/c.lua", COMMENT .. "see SERVERS.md 4\n" },
    ["lua/icrm/c.lua:1: there is no document docs/none.md"] =
      { "lua/icrm/c.lua", COMMENT .. "see docs/none.md\n" },
    ['src/a/b.c:1: "cases/" is not in this repository'] =
      { "src/a/b.c", "int a; /* as in cases/a.md */\n" },
    ['src/a/b.c:1: "finding 8" is not in this repository'] =
      { "src/a/b.c", "/* the probe of finding 8 */\n" },
    ["docs/architecture.md:1: there is no src/a/gone.c"] =
      { "docs/architecture.md", "Through `src/a/gone.c`.\n## Which spec\n"
        .. "| `spec/c_spec.lua` | `lua/icrm/` `d.lua` |\n" },
    ["docs/architecture.md:2: there is no lua/icrm/gone.lua"] =
      { "docs/architecture.md", "## Which spec\n"
        .. "| `spec/c_spec.lua` | `lua/icrm/` `d.lua` `gone.lua` |\n" },
    ["README.md:1: there is no docs/none.md"] = { "README.md", "[none](docs/none.md)\n" },
    ["src/a/new.c:1: no spec/a/new_test.c, and no row in docs/architecture.md says which spec "
      .. "holds it"] = { "src/a/new.c", "" },
    ["lua/icrm/f/init.lua:1: no spec/f_spec.lua, and no row in docs/architecture.md says which "
      .. "spec holds it"] = { "lua/icrm/f/init.lua", "" },
    ["scripts/new.lua:1: no spec/scripts/new_spec.lua, and no row in docs/architecture.md says "
      .. "which spec holds it"] = { "scripts/new.lua", "" },
    ['lua/icrm/d.lua:2: "rows_of" is no word of ours any more: see docs/architecture.md'] =
      { "lua/icrm/d.lua", "\nlocal function Rows_of() end\n" },
  }
  for offence, case in pairs(offences) do
    it("finds: " .. offence, function()
      local result = check { [case[1]] = case[2] }
      assert.equal(offence .. "\n1 signpost to nowhere\n", result.out)
      assert.equal(1, result.code)
    end)
  end
end)
