--- The sandbox CRM: a local server to rehearse against.
--
-- `icrm.connect "sandbox:"` starts one in this process, in memory;
-- `sandbox:FILE` keeps its data; options follow a question mark, as in
-- `sandbox:?profile=vtiger8&latency=50`. See docs/sandbox.md.
-- @module icrm.sandbox

local core = require "icrm.core"
local errors = require "icrm.error"
local nearest = require "icrm.nearest"

local M = {}

local function fail(...)
  errors.raise { kind = "config", message = string.format(...) }
end

local function to_integer(name, text)
  return math.tointeger(tonumber(text))
    or fail("sandbox option %s=%s: write a whole number", name, text)
end

local function to_flag(name, text)
  if text ~= "on" and text ~= "off" then
    fail("sandbox option %s=%s: write on or off", name, text)
  end
  return text == "on"
end

-- What may stand behind the question mark: name -> option, how it is read.
local OPTIONS = {
  profile = { "profile" },
  traits = { "traits" },
  port = { "port", to_integer },
  latency = { "latency_ms", to_integer },
  most = { "most_mb", to_integer },
  lock = { "session_lock", to_flag },
  demo = { "demo", to_flag },
  data = { "data" },
  field = { "fields" },
  faults = { "faults" },
  quota = { "quota" },
}

local RANGES = { port = { 0, 65535 }, latency_ms = { 0, 600000 }, most_mb = { 0, 2000 } }

local function check_ranges(options)
  for name, range in pairs(RANGES) do
    local value = options[name] or 0
    if math.type(value) ~= "integer" or value < range[1] or value > range[2] then
      fail("sandbox option %s is %s; write a whole number from %d to %d", name, value,
        range[1], range[2])
    end
  end
end

local function unescape(text)
  return (text:gsub("%%(%x%x)", function(hex)
    return string.char(tonumber(hex, 16))
  end))
end

local function add_option(options, name, text)
  local option = OPTIONS[name]
  if not option then
    local names = {}
    for known in pairs(OPTIONS) do
      names[#names + 1] = known
    end
    table.sort(names)
    fail("sandbox option %q is unknown; %s", name,
      nearest.question(name, names) or "there are " .. table.concat(names, ", "))
  end
  local key, read = option[1], option[2]
  if key == "fields" then
    options.fields = options.fields or {}
    table.insert(options.fields, text)
  else
    options[key] = read and read(name, text) or not read and text
  end
end

--- Take a `sandbox:` URL apart.
---
--- @param url string `sandbox:[FILE][?name=value&…]`
--- @return table options as `start` takes them
function M.parse(url)
  local file, query = url:match "^sandbox:([^?]*)%??(.*)$"
  if not file then
    fail("%q is no sandbox URL; write sandbox: or sandbox:FILE", url)
  end
  local options = { file = file ~= "" and unescape(file) or nil }
  for name, text in query:gmatch "([^&=]+)=([^&]*)" do
    add_option(options, name, unescape(text))
  end
  return options
end

--- Start a sandbox.
---
--- `traits` is a text, or a list, of names over the profile's own: "no-logout",
--- "lock-gives-up=200", and "-user-prefix" to take one away.
---
--- @param options? table file, profile, traits, port, latency_ms, most_mb, session_lock, demo
---   (false for a store without demo data), data, fields, now, faults, quota
--- @return userdata server with url, username, key, log, advance and stop
function M.start(options)
  if not core.sandbox then
    fail "this icrm was built without the sandbox (ICRM_SANDBOX=OFF)"
  end
  local given = {}
  for name, value in pairs(options or {}) do
    given[name] = value
  end
  check_ranges(given)
  given.empty = given.demo == false
  if type(given.traits) == "table" then
    given.traits = table.concat(given.traits, ",")
  end
  local server, err = core.sandbox.start(given)
  if not server then
    error(err, 0)
  end
  return server
end

--- The traits that a sandbox may have.
---
--- @return { name: string, sentence: string, value: integer? }[] `value`: of one that takes a
---   number, when none is given
function M.traits()
  return core.sandbox.traits()
end

--- The profiles, and the traits that each has.
---
--- @return { name: string, traits: string }[]
function M.profiles()
  return core.sandbox.profiles()
end

--- Start a sandbox and serve until Ctrl-C.
---
--- @param options? table as for `start`
--- @param started fun(server: userdata) called once it listens
function M.serve(options, started)
  local server <close> = M.start(options)
  core.interrupt.hold() -- Ctrl-C ends the wait, and nothing else
  started(server)
  server:wait()
  core.interrupt.release()
end

--- Start the sandbox of a URL and say how to connect to it.
---
--- The server stops when its `owner` is closed or collected.
---
--- @param url? string `sandbox:` without it
--- @return icrm.ConnectOptions
function M.open(url)
  local options = M.parse(url or "sandbox:")
  local server = M.start(options)
  return {
    url = server:url(),
    site = options.file and "sandbox:" .. options.file or nil,
    username = server:username(),
    access_key = server:key(),
    insecure = true,
    owner = server,
  }
end

return M
