-- What specs share. Busted loads it first; specs get it by
-- `require "spec.helper"`.
local busted = require "busted"
local canaries = require "spec.canaries"
local luassert = require "luassert"

if os.getenv "ICRM_SPEC_GC" then
  collectgarbage("setpause", 0)
end

local helper = {}
package.loaded["spec.helper"] = helper

-- Absolute, because specs run it in other folders.
helper.icrm_lua = os.getenv "ICRM_LUA" or os.getenv "PWD" .. "/build/bin/icrm-lua"

local function quote(word)
  return "'" .. tostring(word):gsub("'", [['\'']]) .. "'"
end
helper.quote = quote

-- The icrm.Error that a call must raise.
function helper.raised(fn, ...)
  local ok, err = pcall(fn, ...)
  luassert.is_false(ok)
  luassert.is_true(require("icrm.error").is(err), tostring(err))
  return err
end

function helper.read_file(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read "a"
  file:close()
  return text
end

function helper.write_file(path, text)
  local file = assert(io.open(path, "wb"))
  assert(file:write(text))
  assert(file:close())
  canaries.note_given(path, text)
  return path
end

-- One folder for the whole run, removed at its end.
local root
local made = 0

local function remove_root()
  if root then
    os.execute("rm -rf " .. quote(root))
  end
  root = nil
end
busted.subscribe({ "suite", "end" }, remove_root)

local function fail_file(file, parent, ...)
  busted.publish({ "error", "file" }, file, parent, string.format(...),
    { short_src = file.name, currentline = 0, traceback = "" })
end

-- A spec file that leaves a client open fails.
local left_before = 0
busted.subscribe({ "file", "end" }, function(file, parent)
  local core = package.loaded["icrm.core"]
  local left = core and core.open_count() or 0
  if left > left_before then
    fail_file(file, parent, "%d left open: local crm <close> = icrm.connect ...", left)
  end
  left_before = left
  return nil, true -- others are told as well
end)

-- A spec file that lets a secret out fails: by what it printed or raised, by a file in
-- its folders or among those that its user's state is in.
canaries.watch()
busted.subscribe({ "file", "end" }, function(file, parent)
  local found = canaries.take_leaks()
  for _, folder in pairs { root, os.getenv "XDG_STATE_HOME" } do
    for _, leak in ipairs(canaries.scan(folder)) do
      found[#found + 1] = leak
    end
  end
  for _, leak in ipairs(found) do
    fail_file(file, parent, "a secret is in %s", leak)
  end
  return nil, true
end)

-- Returns the path of a new empty folder.
function helper.tmpdir()
  if not root then
    local pipe = assert(io.popen "mktemp -d")
    root = pipe:read "l"
    pipe:close()
  end
  made = made + 1
  local dir = root .. "/" .. made
  assert(os.execute("mkdir " .. quote(dir)))
  return dir
end

-- Returns the path of a new file that holds `text`.
function helper.tmpfile(text, name)
  return helper.write_file(helper.tmpdir() .. "/" .. (name or "file"), text)
end

-- The developer's own settings must not leak into what is tested.
local UNSET = "-u ICRM_URL -u ICRM_USERNAME -u ICRM_ACCESS_KEY -u ICRM_PROFILE"
  .. " -u ICRM_TRACEBACK -u LUA_INIT -u LUA_INIT_5_4"

local function environment(env)
  local words = { "env", UNSET }
  if not (env and env.XDG_CONFIG_HOME) then
    words[#words + 1] = "XDG_CONFIG_HOME=" .. quote(helper.tmpdir())
  end
  for name, value in pairs(env or {}) do
    words[#words + 1] = quote(name .. "=" .. value)
  end
  return table.concat(words, " ")
end

local function check_canaries(result, env, errors_path)
  canaries.note_key(env and env.ICRM_ACCESS_KEY)
  for _, text in ipairs { result.out, result.err } do
    local found = canaries.find(text)
    if found then
      os.remove(errors_path) -- said once
      error("a secret is in the output: " .. found, 3)
    end
  end
end

-- Run a program to its end; a secret in what it writes is an error. `argv` is a list
-- of words; options: `stdin` (text, default empty), `env` (table), `cwd` (folder).
-- Returns a table: `out`, `err` (texts), `code` (exit code), `signal` (number, when
-- killed by one).
function helper.run(argv, options)
  options = options or {}
  local dir = helper.tmpdir()
  local words = {}
  for i, word in ipairs(argv) do
    words[i] = quote(word)
  end
  local command = ("%sexec %s %s <%s 2>%s"):format(
    options.cwd and ("cd " .. quote(options.cwd) .. " && ") or "",
    environment(options.env), table.concat(words, " "),
    quote(helper.write_file(dir .. "/in", options.stdin or "")),
    quote(dir .. "/err"))
  local pipe = assert(io.popen(command, "r"))
  local out = pipe:read "a"
  local _, how, number = pipe:close()
  local result = {
    out = out,
    err = helper.read_file(dir .. "/err"),
    code = how == "exit" and number or 128 + number,
    signal = how == "signal" and number or nil,
  }
  check_canaries(result, options.env, dir .. "/err")
  return result
end

-- Run icrm-lua with these arguments; see `helper.run`.
function helper.icrm(arguments, options)
  return helper.run({ helper.icrm_lua, table.unpack(arguments) }, options)
end

return helper
