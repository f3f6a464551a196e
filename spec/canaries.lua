-- Secrets that a spec makes, looked for in everything that comes out of it: the access
-- key, the hash that answers a challenge, the token of one, the name of a session.
-- Programs are looked at by spec.helper when they end, this process's own output and
-- errors as they come, and files when a spec file has ended.
local M = {}

-- How they look where their values are not known; a session of the sandbox ends in 21
-- digits, of which one is a letter.
local PATTERNS = { "accessKey=%x%x%x%x", '"token":"%x%x%x%x', '"sessionName":"%w',
  "sessionName=%w" }
local SESSION = "%f[%x]" .. ("%x"):rep(21) .. "%f[%X]"
-- The same for grep, which reads files.
local EXPRESSIONS = { "accessKey=[0-9a-f]{4}", '"token":"[0-9a-f]{4}', '"sessionName":"[0-9a-z]',
  "sessionName=[0-9a-z]", "(^|[^0-9a-fA-F])[0-9a-f]{21}($|[^0-9a-fA-F])" }

local SHORTEST = 8 -- a key of fewer characters is none that anybody would use

local keys = {} -- access key → true
local given = {} -- path → what the spec itself wrote there
local leaks = {}

--- Note an access key, which must not be seen from now on.
function M.note_key(key)
  if type(key) == "string" and #key >= SHORTEST then
    keys[key] = true
  end
end

--- Note what a spec has written into a file by itself: what it gives may be a secret.
function M.note_given(path, text)
  given[path] = text
end

local function find_session(text)
  local from, to = text:find(SESSION)
  while from do
    local letter = text:find("%l", from)
    if letter and letter <= to then
      return from, to
    end
    from, to = text:find(SESSION, to + 1)
  end
end

local function find_any(text)
  local from, to = find_session(text)
  for _, pattern in ipairs(PATTERNS) do
    if not from then
      from, to = text:find(pattern)
    end
  end
  for key in pairs(keys) do
    if not from then
      from, to = text:find(key, 1, true)
    end
  end
  return from, to
end

--- Where a secret is in a text.
-- @param text string
-- @return string|nil the text around it, without the secret
function M.find(text)
  local from, to = find_any(text)
  return from and text:sub(math.max(1, from - 80), from - 1) .. "[…]" .. text:sub(to + 1, to + 40)
end

-- ---- This process -----------------------------------------------------------------

local function watch(where, text)
  local found = type(text) == "string" and M.find(text)
  if found then
    leaks[#leaks + 1] = where .. ": " .. found
  end
end

local function watch_output()
  local write, print_all = io.write, print
  function io.write(...) -- luacheck: ignore
    watch("output", table.concat({ ... }))
    return write(...)
  end
  function print(...) -- luacheck: ignore
    local words = table.pack(...)
    for i = 1, words.n do
      words[i] = tostring(words[i])
    end
    watch("output", table.concat(words, "\t"))
    return print_all(...)
  end
  local methods = getmetatable(io.stdout).__index
  local write_to = methods.write
  function methods.write(file, ...)
    if file == io.stdout or file == io.stderr then
      watch("output", table.concat({ ... }))
    end
    return write_to(file, ...)
  end
end

local function watch_errors(errors)
  local new, check = errors.new, errors.check
  function errors.new(fields)
    watch("error", fields.message)
    return new(fields)
  end
  function errors.check(value, err, ...)
    if value == nil and errors.is(err) then
      watch("error", err.message)
      watch("error", err.body)
    end
    return check(value, err, ...)
  end
end

local PEERS = { "jdupont", "jbrunel", "jeanne", "ndaoud", "inactif", "import" }

local function watch_sandboxes(sandbox)
  local start = sandbox.start
  function sandbox.start(...)
    local server, err = start(...)
    if server then
      M.note_key(server:key())
      for _, name in ipairs(PEERS) do
        local ok, key = pcall(server.key, server, name)
        M.note_key(ok and key or nil)
      end
    end
    return server, err
  end
end

--- Look at what this process prints and raises from now on.
function M.watch()
  watch_output()
  watch_errors(require "icrm.error")
  watch_sandboxes(require("icrm.core").sandbox)
end

--- What came out of this process since the last time.
-- @return table list of texts
function M.take_leaks()
  local list = leaks
  leaks = {}
  return list
end

-- ---- Files ------------------------------------------------------------------------

local function quote(word)
  return "'" .. word:gsub("'", [['\'']]) .. "'"
end

local function read(path)
  local file = io.open(path, "rb")
  local text = file and file:read "a" or ""
  if file then
    file:close()
  end
  return text
end

-- Call a function with an SQLite file, open; what it gives.
local function with_database(path, fn)
  local luasql = require "luasql.sqlite3"
  local environment = luasql.sqlite3()
  local connection = assert(environment:connect(path))
  local function rows(sql)
    local list, cursor = {}, assert(connection:execute(sql))
    local row = cursor:fetch {}
    while row do
      list[#list + 1] = table.concat(row, " ")
      row = cursor:fetch {}
    end
    cursor:close()
    return list
  end
  local tables = {}
  for _, name in ipairs(rows "SELECT name FROM sqlite_master WHERE type = 'table'") do
    tables[name] = true
  end
  local value = fn(tables, rows)
  connection:close()
  environment:close()
  return value
end

-- Databases in which secrets belong, each with the reason.
local ALLOWED = {
  -- A sandbox's own store, which keeps its users' keys.
  function(tables)
    return tables.entity
  end,
  -- A change set in which something is in doubt: its sessions are to be ended first.
  function(tables, rows)
    return tables.changes and tables.sessions and #rows "SELECT id FROM sessions" > 0
  end,
  -- The notes of change sets have ids of 32 digits, and what is left of old ones may be
  -- as long as a session; no row is one.
  function(tables, rows)
    return tables.sets and not M.find(table.concat(rows "SELECT * FROM sets", "\n"))
  end,
}

local function is_allowed(path)
  local main = path:gsub("%-wal$", ""):gsub("%-shm$", "")
  if not read(main):find "^SQLite format 3" then
    return false
  end
  return with_database(main, function(tables, rows)
    for _, allows in ipairs(ALLOWED) do
      if allows(tables, rows) then
        return true
      end
    end
    return false
  end)
end

--- Look for secrets in all files of a folder.
-- @param folder string
-- @return table list of texts, a path and what was found
function M.scan(folder)
  local words = { "grep", "-rlaE" }
  for _, expression in ipairs(EXPRESSIONS) do
    words[#words + 1] = "-e " .. quote(expression)
  end
  for key in pairs(keys) do
    words[#words + 1] = "-e " .. quote((key:gsub("[^%w]", "[%0]")))
  end
  local pipe = assert(io.popen(("LC_ALL=C %s %s 2>/dev/null"):format(table.concat(words, " "),
    quote(folder))))
  local found = {}
  for path in pipe:lines() do
    local text = read(path)
    local secret = text ~= given[path] and M.find(text)
    if secret and not is_allowed(path) then
      found[#found + 1] = path .. ": " .. secret:gsub("%c", ".")
    end
  end
  pipe:close()
  return found
end

return M
