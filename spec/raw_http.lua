--- One HTTP request over a plain socket, byte for byte as a spec wants it.
-- @module spec.raw_http
local socket = require "socket"

local raw_http = {}

local function read_chunks(connection)
  local parts = {}
  while true do
    local size = tonumber(assert(connection:receive "*l"):match "^%x+", 16)
    if size == 0 then
      return table.concat(parts)
    end
    parts[#parts + 1] = assert(connection:receive(size))
    assert(connection:receive "*l")
  end
end

local function read_reply(connection, method)
  local status = assert(connection:receive "*l"):match "^HTTP/1.%d (%d+)"
  local headers = {}
  for line in function() return assert(connection:receive "*l") end do
    if line == "" then
      break
    end
    local name, value = line:match "^([^:]+):%s*(.*)$"
    headers[name:lower()] = value
  end
  local body = ""
  if method == "HEAD" then
    return tonumber(status), body, headers
  elseif headers["transfer-encoding"] == "chunked" then
    body = read_chunks(connection)
  elseif headers["content-length"] == "0" then
    return tonumber(status), body, headers -- luasocket calls reading nothing "closed"
  elseif headers["content-length"] then
    body = assert(connection:receive(tonumber(headers["content-length"])))
  else
    body = assert(connection:receive "*a")
  end
  return tonumber(status), body, headers
end

--- Send one request on a connection of its own and read the reply.
--
-- @param url `http://host:port/path`, the query included
-- @param method
-- @param headers by name, or nil
-- @param body or nil
-- @return status, body, headers by lower-case name
function raw_http.request(url, method, headers, body)
  local host, port, target = url:match "^http://([^:/]+):(%d+)(/.*)$"
  local connection = assert(socket.connect(host, tonumber(port)))
  connection:settimeout(20)
  local lines = {
    ("%s %s HTTP/1.1"):format(method, target),
    ("Host: %s:%s"):format(host, port),
    "Connection: close",
  }
  for name, value in pairs(headers or {}) do
    lines[#lines + 1] = name .. ": " .. value
  end
  if body then
    lines[#lines + 1] = "Content-Length: " .. #body
  end
  assert(connection:send(table.concat(lines, "\r\n") .. "\r\n\r\n" .. (body or "")))
  local status, text, reply_headers = read_reply(connection, method)
  connection:close()
  return status, text, reply_headers
end

--- The MD5 of a text as lower-case hex, by coreutils.
function raw_http.md5(text)
  local pipe = assert(io.popen("printf %s '" .. text:gsub("'", "") .. "' | md5sum"))
  local sum = pipe:read(32)
  pipe:close()
  return sum
end

return raw_http
