-- Opens a change set made of an input. One that begins like a SQLite file is taken as
-- the file; else each line changes a cell of a good one: TABLE, ROW, COLUMN and VALUE,
-- parted by blanks. Whatever is in it, what is raised must be an icrm.Error.
local changes = require "icrm.changes"
local errors = require "icrm.error"
local by_hand = require "icrm.changes.by_hand"
local sqlite = require("luasql.sqlite3").sqlite3()

local folder = io.popen("mktemp -d -p /dev/shm"):read "l"
local path, good = folder .. "/set.icrm", folder .. "/good.icrm"

local function write_file(to, bytes)
  local file = assert(io.open(to, "wb"))
  file:write(bytes)
  file:close()
end

-- The good one, as a plan leaves it: planned on a sandbox.
local function plan_good()
  local crm <close> = require("icrm").connect "sandbox:"
  local set <close> = changes.create(crm, good, { input = "fuzz" })
  set:create("Accounts", { accountname = "Studio Naïve" }, { key = "a" })
  set:create("HelpDesk", { ticket_title = "Panneau", ticketstatus = "Open",
    parent_id = changes.ref "a" }, { key = "t" })
  for ticket in crm:query("SELECT * FROM HelpDesk LIMIT 3"):each() do
    set:update(ticket, { ticketstatus = "Closed" })
  end
  set:seal()
end

plan_good()
local good_file <close> = assert(io.open(good, "rb"))
local good_bytes = good_file:read "a"
write_file(path, good_bytes)
os.execute("chmod 600 '" .. path .. "'") -- once: a file that is written again keeps its mode

local function alter(text)
  write_file(path, good_bytes)
  local connection = assert(sqlite:connect(path))
  connection:execute "PRAGMA synchronous = OFF"
  for line in text:gmatch "[^\n]+" do
    local name, row, column, value = line:match "^(%l+) (%d+) ([%l_0-9]+) ?(.*)$"
    if name then
      connection:execute(('UPDATE "%s" SET "%s" = \'%s\' WHERE rowid = %s'):format(
        name, column, connection:escape((value:gsub("%z", ""))), row))
    end
  end
  connection:close()
end

local function look(set)
  set:show()
  for change in set.store:each {} do
    by_hand.describe(set, change.key)
  end
end

return function(bytes)
  for _, tail in ipairs { "-wal", "-shm", "-journal" } do
    os.remove(path .. tail)
  end
  if bytes:find("^SQLite format 3") then
    write_file(path, bytes)
  else
    alter(bytes)
  end
  local ok, set = pcall(changes.open, nil, path)
  if ok then
    local err
    ok, err = pcall(look, set)
    pcall(set.close, set)
    set = err
  end
  if not ok and not errors.is(set) then
    error(set, 0)
  end
end
