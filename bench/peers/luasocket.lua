-- LuaSocket: its http module closes the connection after each request, so this
-- is what people write who want to keep it: HTTP by hand on one socket.
local cjson = require "cjson"
local socket = require "socket"
local url = require "socket.url"

local address, operation, calls = arg[1], arg[2], tonumber(arg[3])
local at = url.parse(address)

local ELEMENT = {
  ticket_title = "Panneau livré en retard", ticketstatus = "Open",
  ticketpriorities = "High", ticketseverities = "Major",
  ticketcategories = "Big Problem", assigned_user_id = "19x1",
  parent_id = "11x262015", contact_id = "12x4711", hours = "0", days = "0",
  description = "Société des pépinières du Val: la livraison prévue lundi "
    .. "n'est pas arrivée.", solution = "",
}

local function request()
  if operation == "create" then
    local body = "operation=create&sessionName=s1&elementType=HelpDesk&element="
      .. url.escape(cjson.encode(ELEMENT))
    return ("POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: "
      .. "application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n%s")
      :format(at.path, at.authority, #body, body)
  end
  local last = operation == "query"
    and "query=" .. url.escape "SELECT * FROM HelpDesk LIMIT 100;"
    or "id=17x1000001"
  return ("GET %s?operation=%s&sessionName=s1&%s HTTP/1.1\r\nHost: %s\r\n\r\n")
    :format(at.path, operation, last, at.authority)
end

local connection = assert(socket.connect(at.host, tonumber(at.port)))
connection:setoption("tcp-nodelay", true)
for _ = 1, calls do
  assert(connection:send(request()))
  local length
  repeat
    local line = assert(connection:receive "*l")
    length = tonumber(line:match "^[Cc]ontent%-[Ll]ength: (%d+)") or length
  until line == ""
  local body = assert(connection:receive(length))
  assert(cjson.decode(body).success)
end
