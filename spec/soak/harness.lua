--- A sandbox in one process, a client in another, and a checker in a third.
-- @module spec.soak.harness

local input = require "spec.soak.input"

local harness = {}

local function command_output(command)
  local pipe = assert(io.popen(command))
  local text = pipe:read "l"
  pipe:close()
  return text
end

-- Absolute, for the clients are told paths.
local here = debug.getinfo(1, "S").source:match "^@(.*)/[^/]*$"
local root = command_output(("cd '%s/../..' && pwd"):format(here))
local icrm_lua = os.getenv "ICRM_LUA" or root .. "/build/bin/icrm-lua"
local shim = icrm_lua:gsub("/bin/[^/]*$", "/lib/icrm_soak_shim.so")

--- The exit code of a worker that stopped because of what the server did.
harness.HALTED = 3

local function quote(word)
  return "'" .. tostring(word):gsub("'", [['\'']]) .. "'"
end

local function words(list)
  local quoted = {}
  for i, word in ipairs(list) do
    quoted[i] = quote(word)
  end
  return table.concat(quoted, " ")
end

--- The path of one of tools/, quoted for the shell.
function harness.tool(name)
  return quote(root .. "/tools/" .. name)
end

local function read_file(path)
  local file = io.open(path, "rb")
  local text = file and file:read "a"
  if file then
    file:close()
  end
  return text
end

harness.read_file = read_file

local function write_file(path, text)
  local file = assert(io.open(path, "wb"))
  assert(file:write(text))
  assert(file:close())
end

--- Seconds since the machine started.
function harness.now()
  return tonumber(read_file("/proc/uptime"):match "%S+")
end

-- The loader takes blanks and colons for ends of a path to preload, so the shim is
-- preloaded from a folder that has none, whatever the path of this tree.
local shim_link

local function shim_path()
  if not shim_link then
    local dir = command_output "mktemp -d /tmp/icrm-soak-XXXXXX"
    shim_link = dir .. "/shim.so"
    assert(os.execute(("ln -s %s %s"):format(quote(shim), shim_link)))
  end
  return shim_link
end

--- Remove what all jobs share.
function harness.finish()
  if shim_link then
    harness.remove(shim_link:match "^(.*)/")
    shim_link = nil
  end
end

function harness.tmpdir()
  return command_output "mktemp -d"
end

function harness.remove(dir)
  os.execute("rm -rf " .. quote(dir))
end

--- What the sandbox can be, a line each: `trait NAME` or `profile NAME TRAITS`, parted
-- by tabs.
function harness.lines_of_sandbox()
  local program = [[local s = require "icrm.sandbox"
    for _, t in ipairs(s.traits()) do print("trait\t" .. t.name) end
    for _, p in ipairs(s.profiles()) do print("profile\t" .. p.name .. "\t" .. p.traits) end]]
  local pipe = assert(io.popen(words { icrm_lua, "-e", program }))
  local text = pipe:read "a"
  assert(pipe:close(), "the sandbox does not tell its traits")
  return text:gmatch "[^\n]+"
end

local Job = {}
Job.__index = Job

--- A job in a folder of its own: its input, its sandbox, its journal.
--
-- @param options table name (for what is said of it), rows (number), kind ("mixed",
--   "creates" or "names"), profile, traits (text), user and owner (his name and his id, instead of
--   the administrator), by_key (records have no tag),
--   owners_move (the server gives records to others), faults,
--   server (list of NAME=VALUE), worker (list of NAME=VALUE), shim (NAME=VALUE of
--   spec/soak/shim.c, which is preloaded then)
function harness.job(options)
  local self = setmetatable({ options = options, name = options.name, dir = harness.tmpdir(),
    runs = 0 }, Job)
  self.input, self.journal, self.store =
    self.dir .. "/input.csv", self.dir .. "/job.icrm", self.dir .. "/crm.db"
  self.base, self.shim_sign = self.dir .. "/base.json", self.dir .. "/shim"
  local csv, json = input.make(options.kind or "mixed", options.rows,
    options.profile or "initiative", options.owner)
  write_file(self.input, csv)
  write_file(self.base, json)
  self:start_server()
  return self
end

function Job:start_server()
  local fifo = self.dir .. "/address"
  assert(os.execute("mkfifo " .. quote(fifo)))
  local command = { icrm_lua, root .. "/spec/soak/server.lua", self.store, fifo,
    "data=" .. self.base }
  for _, name in ipairs { "faults", "profile", "traits", "user" } do
    if self.options[name] then
      table.insert(command, name .. "=" .. self.options[name])
    end
  end
  for _, option in ipairs(self.options.server or {}) do
    table.insert(command, option)
  end
  -- A server that cannot start must not leave its reader waiting.
  local text = ("%s || timeout 2 sh -c ': >%s'"):format(words(command), fifo)
  self.server = assert(io.popen(text, "w"))
  local file = assert(io.open(fifo, "r"))
  self.url, self.user, self.key = file:read("l", "l", "l")
  file:close()
  assert(self.key, "the sandbox did not start")
end

--- Run the client once.
-- @param options table|nil kill_after (seconds), more worker options by name
-- @return integer its exit code; 137 when it was killed
function Job:run(options)
  options = options or {}
  self.runs = self.runs + 1
  local command = { icrm_lua, root .. "/spec/soak/worker.lua", self.url, self.user, self.input,
    self.journal }
  for _, option in ipairs(self.options.worker or {}) do
    table.insert(command, option)
  end
  for name, value in pairs(options) do
    if name ~= "kill_after" then
      table.insert(command, name .. "=" .. tostring(value))
    end
  end
  local limit = options.kill_after
  -- What this user's change sets have done is noted in a folder of its own; a
  -- loss of power takes the notes, too.
  local notes = self.options.shim and "/dev/null" or self.dir
  local preload = self.options.shim and ("LD_PRELOAD=%s ICRM_SHIM_SIGN=%s %s"):format(shim_path(),
    quote(self.shim_sign), self.options.shim) or ""
  self.was_shimmed = self.was_shimmed or self.options.shim ~= nil
  local text = ("ICRM_SOAK_KEY=%s XDG_STATE_HOME=%s %s %s %s >>%s 2>&1"):format(
    quote(self.key), quote(notes), preload,
    limit and ("timeout -s KILL %.3f"):format(limit) or "", words(command),
    quote(self.dir .. "/log"))
  local _, how, number = os.execute("{ " .. text .. "; } 2>/dev/null")
  return how == "signal" and 128 + number or number
end

--- Run the client until every change has its last word.
-- @return boolean false when it did not come to an end in `most` runs, or stopped
--   because of what the server did to a record
function Job:finish(options, most)
  for _ = 1, most or 30 do
    local code = self:run(options)
    if code == 0 then
      return true
    elseif code == harness.HALTED then
      return false
    end
  end
  return false
end

--- Let the checker look.
-- @param undone boolean|nil whether the job was taken back
-- @return table count by name; `clean`: all are 0; `text`: what it printed
function Job:check(undone)
  assert(not self.was_shimmed or read_file(self.shim_sign),
    "the shim was not at work in any run of " .. self.dir)
  local command = { "lua5.4", root .. "/tools/check-changes", self.input, self.store,
    self.journal, "HelpDesk=ticket_title", "Accounts=accountname",
    "--base=" .. self.base }
  table.insert(command, not self.options.by_key and "--tag=cf_icrm" or nil)
  table.insert(command, undone and "--undone" or nil)
  table.insert(command, self.options.owners_move and "--owners" or nil)
  local pipe = assert(io.popen(("exec %s 2>>%s"):format(words(command), quote(self.dir .. "/log"))))
  local result = { text = pipe:read "a" }
  result.clean = pipe:close() == true
  for name, n in result.text:gmatch "([%w_]+) (%d+)" do
    result[name] = tonumber(n)
  end
  assert(result.lost, "the checker failed; see " .. self.dir .. "/log")
  return result
end

function Job:stop_server()
  if self.server then
    self.server:close()
    self.server = nil
  end
end

function Job:output()
  return read_file(self.dir .. "/log") or ""
end

--- Stop the server and remove the folder.
function Job:close()
  self:stop_server()
  harness.remove(self.dir)
end

Job.__close = Job.close

return harness
