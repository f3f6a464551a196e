--- A sandbox in one process, a client in another, and a checker in a third.
-- @module spec.soak.harness

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

function harness.tmpdir()
  return command_output "mktemp -d"
end

function harness.remove(dir)
  os.execute("rm -rf " .. quote(dir))
end

local HEAD = { "key", "operation", "module", "record", "accountname", "phone", "ticket_title",
  "ticketstatus", "ticketpriorities", "description", "parent_id" }

-- Values that are hard to carry, and that the server stores as they are.
local HARD = { "L'Oréal \"été\"", "a;b,c & d=e+f%20", "<b>gras</b>", "ligne 1\nligne 2", "00123",
  "C:\\temp\\", "日本語" }

local function csv_line(row)
  local cells = {}
  for i, name in ipairs(HEAD) do
    cells[i] = '"' .. tostring(row[name] or ""):gsub('"', '""') .. '"'
  end
  return table.concat(cells, ",")
end

local function account(i)
  return { key = "a" .. i, operation = "create", module = "Accounts",
    accountname = ("Société %05d"):format(i), phone = ("%010d"):format(i) }
end

local function ticket(i, parent)
  return { key = "t" .. i, operation = "create", module = "HelpDesk",
    ticket_title = ("Ticket %05d"):format(i), ticketstatus = "Open", ticketpriorities = "Low",
    description = HARD[i % #HARD + 1], parent_id = parent and "@" .. parent }
end

-- One record of each module that has a tag: without it a search for the first
-- create of a module could not be seen to work.
local CONTROLS = {
  [[{"module":"HelpDesk","id":"9x9001","values":{"ticket_title":"Contrôle","ticketstatus":"Open",
    "cf_icrm":"ICCONTROL0000000001"}}]],
  [[{"module":"Accounts","id":"3x9002","values":{"accountname":"Contrôle",
    "cf_icrm":"ICCONTROL0000000002"}}]],
}

-- What the sandbox starts with besides: records to be updated and deleted.
local function base_record(i)
  return ([[{"module":"HelpDesk","id":"9x%d","values":{"ticket_title":"Ancien %05d",
    "ticketstatus":"Open","ticketpriorities":"Low","description":"avant"}}]]):format(10000 + i, i)
end

local function update(i)
  return { key = "u" .. i, operation = "update", module = "HelpDesk", record = "9x" .. 10000 + i,
    ticketstatus = "Closed", description = HARD[i % #HARD + 1] }
end

local function delete(i)
  return { key = "d" .. i, operation = "delete", module = "HelpDesk", record = "9x" .. 10000 + i }
end

-- One row in eight is an account, five are tickets of one, one is an update,
-- one in twenty a deletion.
local function mixed(n)
  local rows, base, parent = {}, {}, nil
  for i = 1, n do
    if i % 8 == 1 then
      rows[i] = account(i)
      parent = rows[i].key
    elseif i % 8 == 4 then
      base[#base + 1] = base_record(i)
      rows[i] = update(i)
    elseif i % 12 == 11 then
      base[#base + 1] = base_record(i)
      rows[i] = delete(i)
    else
      rows[i] = ticket(i, parent)
    end
  end
  return rows, base
end

local function creates(n)
  local rows = {}
  for i = 1, n do
    rows[i] = ticket(i)
  end
  return rows, {}
end

local KINDS = { mixed = mixed, creates = creates }

local Job = {}
Job.__index = Job

--- A job in a folder of its own: its input, its sandbox, its journal.
--
-- @param options table rows (number), kind ("mixed" or "creates"), faults,
--   server (list of NAME=VALUE), worker (list of NAME=VALUE), shim (NAME=VALUE
--   of spec/soak/shim.c, which is preloaded then)
function harness.job(options)
  local self = setmetatable({ options = options, dir = harness.tmpdir(), runs = 0 }, Job)
  local rows, base = KINDS[options.kind or "mixed"](options.rows)
  local lines = { table.concat(HEAD, ",") }
  for i, row in ipairs(rows) do
    lines[i + 1] = csv_line(row)
  end
  self.input, self.journal, self.store =
    self.dir .. "/input.csv", self.dir .. "/job.icrm", self.dir .. "/crm.db"
  write_file(self.input, table.concat(lines, "\r\n") .. "\r\n")
  table.move(CONTROLS, 1, #CONTROLS, #base + 1, base)
  write_file(self.dir .. "/base.json", "[" .. table.concat(base, ",\n") .. "]")
  self:start_server()
  return self
end

function Job:start_server()
  local fifo = self.dir .. "/address"
  assert(os.execute("mkfifo " .. quote(fifo)))
  local command = { icrm_lua, root .. "/spec/soak/server.lua", self.store, fifo,
    "data=" .. self.dir .. "/base.json" }
  if self.options.faults then
    table.insert(command, "faults=" .. self.options.faults)
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
  local text = ("ICRM_SOAK_KEY=%s XDG_STATE_HOME=%s %s %s %s >>%s 2>&1"):format(
    quote(self.key), quote(notes),
    self.options.shim and ("LD_PRELOAD=%s %s"):format(quote(shim), self.options.shim) or "",
    limit and ("timeout -s KILL %.3f"):format(limit) or "", words(command),
    quote(self.dir .. "/log"))
  local _, how, number = os.execute("{ " .. text .. "; } 2>/dev/null")
  return how == "signal" and 128 + number or number
end

--- Run the client until every change has its last word.
-- @return boolean false when it did not come to an end in `most` runs
function Job:finish(options, most)
  for _ = 1, most or 30 do
    if self:run(options) == 0 then
      return true
    end
  end
  return false
end

--- Stop the server and let the checker look.
-- @return table count by name; `clean`: all are 0; `text`: what it printed
function Job:check()
  self:stop_server()
  local pipe = assert(io.popen(("exec %s 2>>%s"):format(words { "lua5.4",
    root .. "/tools/check-changes", self.input, self.store, self.journal,
    "HelpDesk=ticket_title", "Accounts=accountname" }, quote(self.dir .. "/log"))))
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
