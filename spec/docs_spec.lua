-- What the documentation shows is what happens: its commands, in its order.
local console = require "spec.console"
local helper = require "spec.helper"

local ROOT = os.getenv "PWD"

-- The pages whose `console` blocks are run; the reader's folder holds the files of
-- `examples/bureau`.
local PAGES = { "docs/import.md" }

for _, page in ipairs(PAGES) do
  describe(page, function()
    local dir, env

    setup(function()
      dir = helper.tmpdir()
      assert(os.execute(("cp %s/examples/bureau/* %s"):format(helper.quote(ROOT),
        helper.quote(dir))))
      env = { ICRM_URL = "sandbox:crm.db", XDG_STATE_HOME = dir .. "/.state", TZ = "Europe/Paris",
        LC_ALL = "C.UTF-8",
        PATH = helper.icrm_lua:match "^(.*)/" .. ":" .. os.getenv "PATH" }
    end)

    local steps = console.steps(page)

    it("has commands", function()
      assert.is_true(#steps > 0)
    end)

    for _, step in ipairs(steps) do
      it(("line %d: %s"):format(step.line, (step.file or step.text):match "^[^\n]*"), function()
        local complaint = console.type(step, dir, env)
        assert(not complaint, complaint)
      end)
    end
  end)
end
