-- lua-http on cqueues: IN_FLIGHT coroutines, each with a connection it keeps.
-- Debian carries it for Lua 5.3, and it runs on 5.4.
local cjson = require "cjson"
local client = require "http.client"
local cqueues = require "cqueues"
local headers = require "http.headers"
local util = require "http.util"

local address, operation = arg[1], arg[2]
local left, lanes = tonumber(arg[3]), tonumber(arg[4])
local host, port, path = address:match "^http://([%d.]+):(%d+)(.*)$"

local ELEMENT = {
  ticket_title = "Panneau livré en retard", ticketstatus = "Open",
  ticketpriorities = "High", ticketseverities = "Major",
  ticketcategories = "Big Problem", assigned_user_id = "19x1",
  parent_id = "11x262015", contact_id = "12x4711", hours = "0", days = "0",
  description = "Société des pépinières du Val: la livraison prévue lundi "
    .. "n'est pas arrivée.", solution = "",
}

local function request(session)
  local head, body = headers.new(), nil
  head:append(":authority", host .. ":" .. port)
  head:append(":scheme", "http")
  if operation == "create" then
    body = util.dict_to_query { operation = "create", sessionName = session,
      elementType = "HelpDesk", element = cjson.encode(ELEMENT) }
    head:append(":method", "POST")
    head:append(":path", path)
    head:append("content-type", "application/x-www-form-urlencoded")
    head:append("content-length", tostring(#body))
  else
    local params = { operation = operation, sessionName = session }
    if operation == "query" then
      params.query = "SELECT * FROM HelpDesk LIMIT 100;"
    else
      params.id = "17x1000001"
    end
    head:append(":method", "GET")
    head:append(":path", path .. "?" .. util.dict_to_query(params))
  end
  return head, body
end

local function lane(number)
  local connection = assert(client.connect { host = host, port = tonumber(port) })
  while left > 0 do
    left = left - 1
    local head, body = request("s" .. number)
    local stream = assert(connection:new_stream())
    assert(stream:write_headers(head, not body))
    if body then
      assert(stream:write_body_from_string(body))
    end
    assert(stream:get_headers())
    local text = assert(stream:get_body_as_string())
    assert(cjson.decode(text).success)
    stream:shutdown()
  end
  connection:close()
end

local loop = cqueues.new()
for i = 1, lanes do
  loop:wrap(lane, i)
end
assert(loop:loop())
