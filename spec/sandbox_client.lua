--- A sandbox and a client that sends what a spec says, byte for byte.
-- @module spec.sandbox_client
local core = require "icrm.core"
local json = require "cjson"
local raw_http = require "spec.raw_http"

local client = {}
client.__index = client

local FORM = { ["Content-Type"] = "application/x-www-form-urlencoded" }

local function encode(params)
  local words = {}
  for name, value in pairs(params) do
    words[#words + 1] = name .. "=" .. tostring(value):gsub("[^%w_]", function(byte)
      return ("%%%02X"):format(byte:byte())
    end)
  end
  table.sort(words)
  return table.concat(words, "&")
end
client.encode = encode

--- Start a sandbox; the spec closes it.
function client.start(options)
  return setmetatable({ sandbox = assert(core.sandbox.start(options or {})) }, client)
end

--- Send a request; return the status, the body and its decoded form.
function client:send(method, url_params, body_params)
  local query = url_params and "?" .. encode(url_params) or ""
  local body = body_params and encode(body_params)
  local status, text, headers =
    raw_http.request(self.sandbox:url() .. query, method, body and FORM, body)
  local decoded = headers["content-type"] == "application/json" and text ~= ""
    and json.decode(text)
  return status, text, decoded
end

function client:challenge(user)
  local _, _, reply = self:send("GET", { operation = "getchallenge", username = user })
  return reply.result.token
end

--- Log in; return the decoded reply.
function client:login(user, token)
  user = user or "admin"
  local key = self.sandbox:key(user:gsub("^.*/", "")) or ""
  local _, _, reply = self:send("POST", nil, {
    operation = "login", username = user,
    accessKey = raw_http.md5((token or self:challenge(user)) .. key),
  })
  self.session = reply.success and reply.result.sessionName or self.session
  return reply
end

local function with(self, operation, params)
  local all = { operation = operation, sessionName = self.session }
  for name, value in pairs(params or {}) do
    all[name] = type(value) == "table" and json.encode(value) or value
  end
  return all
end

local function answer(_, text, reply)
  if not reply then
    return nil, text
  end
  return reply.result, reply.error
end

--- Call an operation whose parameters stand in the URL, or in the body.
-- @return the result, or nil and the error object
function client:get(operation, params)
  return answer(self:send("GET", with(self, operation, params)))
end

function client:post(operation, params)
  return answer(self:send("POST", nil, with(self, operation, params)))
end

function client:query(text)
  return self:get("query", { query = text })
end

function client:create(module, element)
  return self:post("create", { elementType = module, element = element })
end

function client:close()
  self.sandbox:stop()
end
client.__close = client.close

return client
