-- A sandbox in a process of its own: tells its address to FIFO and serves until
-- its standard input ends.
--   icrm-lua spec/soak/server.lua STORE FIFO [OPTION=VALUE ...]
local sandbox = require "icrm.sandbox"

local user
local options = { file = arg[1], demo = false,
  fields = { "HelpDesk.cf_icrm:string", "Accounts.cf_icrm:string" } }
for i = 3, #arg do
  local name, value = arg[i]:match "^([%w_]+)=(.*)$"
  if name == "session_lock" then
    options[name] = value == "on"
  elseif name == "user" then
    user = value
  else
    options[name] = math.tointeger(tonumber(value)) or value
  end
end

local server <close> = sandbox.start(options)
local fifo = assert(io.open(arg[2], "w"))
user = user or server:username()
fifo:write(server:url(), "\n", user, "\n", server:key(user), "\n")
fifo:close()
io.read "a"
