-- Attachments larger than memory should know of: up and down by icrm-lua, which
-- measures itself, against a sandbox in this process.
local downloads = require "icrm.downloads"
local helper = require "spec.helper"
local icrm = require "icrm"
local json = require "icrm.json"
local script_crm = require "spec.script_crm"

local MEGABYTE = 1 << 20
local LARGE = 24 * MEGABYTE + 12345
local MOST_KB = 8192 -- above the idle process
local is_sanitized = os.getenv "ICRM_SPEC_GC" ~= nil -- memory is another then

-- A child that attaches arg[1] to a new ticket, downloads it to arg[2], and
-- prints what it peaked at above what it had once connected.
local CHILD = [[
local icrm = require "icrm"
local function kb(name)
  return tonumber(io.open "/proc/self/status":read "a":match(name .. ":%s*(%d+)"))
end
local crm <close> = icrm.connect()
local idle = kb "VmRSS"
local ticket = crm:create("HelpDesk", { ticket_title = "Plan", ticketstatus = "Open",
  ticketpriorities = "Low" })
local document = crm:attach(ticket, arg[1])
local up = kb "VmHWM" - idle
crm:download(document, arg[2])
print(document.filesize, up, kb "VmHWM" - idle)
]]

local function write_random(path, bytes)
  assert(os.execute(("head -c %d /dev/urandom > '%s'"):format(bytes, path)))
  return path
end

local function is_same(a, b)
  return os.execute(("cmp -s '%s' '%s'"):format(a, b)) == true
end

local function entries(folder)
  local pipe = io.popen(("ls -A '%s'"):format(folder))
  local text = pipe:read "a"
  pipe:close()
  return text
end

for _, profile in ipairs { "initiative", "vtiger8" } do
  describe("a large file on " .. profile, function()
    local crm, large

    setup(function()
      crm = script_crm.start { profile = profile }
      large = write_random(helper.tmpdir() .. "/plan.bin", LARGE)
    end)
    teardown(function() crm.stop() end)

    it("goes up and down byte for byte in little memory", function()
      local script = helper.tmpfile(CHILD, "child.lua")
      local back = helper.tmpdir() .. "/back.bin"
      local got = crm.run { script, large, back }
      assert.equal("", got.err)
      local size, up, down = got.out:match "(%d+)%s+(%-?%d+)%s+(%-?%d+)"
      assert.equal(LARGE, tonumber(size))
      assert.is_true(is_same(large, back))
      if not is_sanitized then
        assert.is_true(tonumber(up) < MOST_KB, "up: " .. up .. " kB")
        assert.is_true(tonumber(down) < MOST_KB, "down: " .. down .. " kB")
      end
    end)

    it("is refused by what describe says, before anything is sent", function()
      if profile == "initiative" then
        return -- its describe says nothing
      end
      local huge = helper.tmpdir() .. "/huge.bin"
      assert(os.execute(("truncate -s 64000001 '%s'"):format(huge)))
      local got = crm.run { "-e", [[
        local crm <close> = require "icrm".connect()
        crm:attach(crm:create("HelpDesk", { ticket_title = "x", ticketstatus = "Open",
          ticketpriorities = "Low" }), ]] .. ("%q)"):format(huge) }
      assert.matches("has 64000001 bytes; this server takes 64000000 at most", got.err)
    end)

    it("that does not fit on the disk leaves nothing behind", function()
      local client <close> = icrm.connect { url = crm.server:url(),
        username = crm.server:username(), access_key = crm.server:key() }
      local ticket = client:create("HelpDesk", { ticket_title = "x", ticketstatus = "Open",
        ticketpriorities = "Low" })
      local document = client:attach(ticket, write_random(helper.tmpdir() .. "/a.bin", MEGABYTE))
      local folder = helper.tmpdir()
      local script = helper.tmpfile([[
        local crm <close> = require "icrm".connect()
        crm:download(arg[1], arg[2])
      ]], "down.lua")
      local got = helper.run({ "sh", "-c", "ulimit -f 512; exec \"$0\" \"$@\"", helper.icrm_lua,
        script, document.id, folder .. "/a.bin" }, { env = crm.env })
      assert.equal(1, got.code)
      assert.matches("store: cannot write " .. folder .. "/a.bin, after %d+ bytes: File too large",
        got.err)
      assert.equal("", entries(folder))
    end)
  end)
end

describe("a file underway", function()
  local raised = helper.raised

  -- A client of a sandbox with a plan of faults, a document with a file, a
  -- folder.
  local function start(faults)
    local crm = icrm.connect("sandbox:?faults=" .. faults:gsub("[ #]", { [" "] = "%20",
      ["#"] = "%23" }))
    local ticket = crm:create("HelpDesk", { ticket_title = "x", ticketstatus = "Open" })
    local content = ("Bordeaux, Metz"):rep(50000)
    local document = crm:attach(ticket, helper.tmpfile(content, "liste.txt"))
    return crm, document, helper.tmpdir(), content
  end

  it("is asked for again when the reply is cut off", function()
    local crm <close>, document, folder, content = start "at files_retrieve#1 half_reply"
    local path = crm:download(document, folder .. "/")
    assert.equal(content, helper.read_file(path))
    assert.equal(path:match "[^/]+$" .. "\n", entries(folder))
  end)

  for fault, expected in pairs {
    ["error=ACCESS_DENIED"] = { "refused", "told to fail" },
    html = { "decode", "a web page" },
    empty = { "decode", "an empty body" },
    ["json=cut"] = { "decode", "inside a string" },
    ["status=404"] = { "http", "HTTP 404" },
  } do
    it("is not kept when the answer is " .. fault, function()
      local crm <close>, document, folder = start("p=1 files_retrieve " .. fault)
      local err = raised(crm.download, crm, document, folder .. "/a.txt")
      assert.equal(expected[1], err.kind)
      assert.matches(expected[2], err.message)
      assert.equal("", entries(folder))
    end)
  end

  -- Content that did not come through the draft: a second one, a null, a key with
  -- escapes.
  it("is not taken for an empty one when it is not where it should be", function()
    local folder = helper.tmpdir()
    for _, answer in ipairs { '[{"filecontents":"QUJD"}]', '[{"filecontents":null}]' } do
      local fake = {
        call = function() return json.decode(answer) end,
        server = function() return { kind = "vtiger8" } end,
      }
      local err = raised(downloads.download, fake, { id = "15x1", imageattachmentids = "7" },
        folder .. "/")
      assert.equal("decode", err.kind)
      assert.equal("", entries(folder))
    end
  end)

  it("has a place to go to before it is asked for", function()
    local crm <close>, document, folder = start "at files_retrieve#9 empty"
    local sent = #crm._owner:log()
    local there = helper.write_file(folder .. "/a.txt", "alt")
    assert.equal("EXISTS", raised(crm.download, crm, document, there).code)
    assert.matches("/proc", raised(crm.download, crm, document, "/proc/a.txt").message)
    for _, event in ipairs(crm._owner:log(sent)) do
      assert.is_not.equal("files_retrieve", event.operation)
    end
    assert.equal("alt", helper.read_file(there))
    assert.equal("a.txt\n", entries(folder))
  end)

  it("is not another one when its path has a NUL byte", function()
    local crm <close> = icrm.connect "sandbox:"
    local path = helper.tmpfile("abc", "a.txt") .. "\0.pdf"
    for _, list in ipairs { "files", "parts" } do
      local options = { [list] = { { name = "x", path = path } } }
      local ok, err = pcall(crm.call, crm, "create", {}, options)
      assert.is_false(ok)
      assert.matches("path of a part has a NUL byte", tostring(err))
    end
  end)

  it("is not sent when it is not what its sender said", function()
    local crm <close> = icrm.connect "sandbox:"
    local path = helper.tmpfile("abc", "a.txt")
    for _, wrong in ipairs { { size = 4 }, { sha256 = ("0"):rep(64) } } do
      wrong.name, wrong.path = "filename_attachment", path
      local err = raised(crm.call, crm, "create", {}, { files = { wrong } })
      assert.equal("FILE_CHANGED", err.code)
      assert.equal("input", err.kind)
      wrong.name = "filename"
      err = raised(crm.call, crm, "create", {}, { parts = { wrong } })
      assert.equal("FILE_CHANGED", err.code)
    end
    assert.equal(0, #crm._owner:log(2)) -- the login alone
  end)
end)
