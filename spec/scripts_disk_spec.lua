-- A full disk, in each stage of an evening: the exit code 74, and words that say so. For
-- change sets the shim of the soak fills it at the n-th write; else no file may grow beyond
-- a limit of the shell.
local helper = require "spec.helper"
local script_crm = require "spec.script_crm"

describe("a full disk", function()
  local crm, dir

  before_each(function()
    crm, dir = script_crm.start { fields = { "Accounts.cf_icrm_token:string" } }, helper.tmpdir()
    local rows = { "accountname;employees" }
    for i = 1, 400 do
      rows[#rows + 1] = ("%s %d;%d"):format(("Société de la Gare "):rep(6), i, i)
    end
    helper.write_file(dir .. "/a.csv", table.concat(rows, "\n") .. "\n")
  end)

  after_each(function()
    crm.stop()
  end)

  -- Run a command that may write so many kilobytes to each file.
  local function limited(kilobytes, arguments, redirection)
    local words = {}
    for i, word in ipairs(arguments) do
      words[i] = helper.quote(word)
    end
    local env = { HOME = dir, XDG_STATE_HOME = dir .. "/state" }
    for name, value in pairs(crm.env) do
      env[name] = value
    end
    return helper.run({ "sh", "-c", ("trap '' XFSZ; ulimit -f %d; exec %s %s %s"):format(
      kilobytes * 2, helper.quote(helper.icrm_lua), table.concat(words, " "), redirection or "") },
      { cwd = dir, env = env })
  end

  -- Run a command for which the disk is full at the n-th write to a change set.
  local function filled(n, arguments)
    if os.getenv "ICRM_SPEC_GC" then
      pending "the shim is not built with the sanitizers"
    end
    local shim = helper.icrm_lua:gsub("/bin/[^/]*$", "/lib/icrm_soak_shim.so")
    return crm.run(arguments, { cwd = dir, env = { ICRM_SHIM_FULL = tostring(n),
      LD_PRELOAD = ("%s %s"):format(os.getenv "LD_PRELOAD" or "", shim) } })
  end

  local function is_full(result, ...)
    assert.equal(74, result.code, result.err)
    for _, text in ipairs { ... } do
      assert.truthy(result.err:find(text, 1, true), result.err)
    end
    assert.falsy(result.err:find("traceback", 1, true))
  end

  local function exists(name)
    return (" " .. helper.run({ "ls", dir }).out:gsub("\n", " ")):find(" " .. name .. " ", 1, true)
  end

  local IMPORT = { "import", "a.csv", "--module", "Accounts", "--tag", "cf_icrm_token" }

  local function import(...)
    return table.move({ ... }, 1, select("#", ...), #IMPORT + 1, table.move(IMPORT, 1, #IMPORT, 1,
      {}))
  end

  it("in the plan leaves no plan, and nothing was sent", function()
    for _, n in ipairs { 1, 10, 40 } do
      is_full(filled(n, import "--plan-only"), "a.csv.icrm: the disk is full; make room")
      assert.falsy(exists "a.csv.icrm")
    end
    assert.equal(0, crm.commits "create")
  end)

  it("while it is applied stops, and nothing is lost when there is room again", function()
    assert.equal(0, crm.run(import "--plan-only", { cwd = dir }).code)
    local n, sent = 60, 0
    while sent == 0 and n < 1000 do -- how many writes come before the first row is sent
      is_full(filled(n, { "apply", "a.csv.icrm", "--yes" }), "the disk is full; make room")
      n, sent = n + 20, crm.commits "create"
    end
    assert.truthy(sent > 0 and sent < 400, sent)
    local result = crm.run({ "resume", "a.csv.icrm" }, { cwd = dir })
    assert.equal(0, result.code, result.err)
    assert.equal(400, crm.commits "create")
  end)

  it("on which a change set cannot even be opened is told by its name", function()
    assert.equal(0, crm.run(import "--plan-only", { cwd = dir }).code)
    for _, arguments in ipairs { { "apply", "a.csv.icrm", "--yes" }, { "status", "a.csv.icrm" },
      { "show", "a.csv.icrm" }, { "errors", "a.csv.icrm" }, { "success", "a.csv.icrm" } } do
      is_full(limited(8, arguments), "a.csv.icrm: the disk is full; make room")
    end
    assert.equal(0, crm.commits "create")
  end)

  it("takes the files beside a run, and says how to have them all the same", function()
    helper.write_file(dir .. "/bad.csv", "accountname;employees\nA;x\n")
    is_full(limited(4096, { "import", "bad.csv", "--module", "Accounts", "--faults",
      "/dev/full" }), "/dev/full could not be written in full: No space left on device")
    for _, option in ipairs { "success", "errors" } do
      helper.write_file(dir .. "/one.csv", "accountname\nUn\n")
      is_full(limited(4096, { "import", "one.csv", "--module", "Accounts", "--yes", "--out",
        option .. ".icrm", "--" .. option, "/dev/full" }), "make room, then: icrm-lua " .. option)
    end
  end)

  it("takes what a command writes, to a file or to standard output", function()
    for form, words in pairs { csv = "x cannot be written", jsonl = "x cannot be written",
      xlsx = "the workbook could not be written" } do
      is_full(limited(1, { "query", "SELECT * FROM Accounts", "-o", form, "--out", "x" }), words)
      assert.falsy(exists "x" or exists "x.part", form)
    end
    assert.equal(0, crm.run(import "--plan-only", { cwd = dir }).code)
    for _, arguments in ipairs { { "query", "SELECT * FROM Accounts", "-o", "csv" },
      { "report", "Accounts", "--by", "bill_city" }, import "--suggest",
      { "show", "a.csv.icrm", "--full" }, { "success", "a.csv.icrm" } } do
      is_full(limited(4096, arguments, ">/dev/full"),
        "standard output could not be written in full")
    end
  end)
end)
