--- Replay recorded exchanges against a server and compare the replies.
--
-- Ids of records that the recording created, sessions and tokens differ from
-- run to run: the replay learns the pairs from each two replies and rewrites
-- the later requests. It opens the sessions whose login was not recorded.
-- @module spec.transcripts_replay
local json = require "cjson"
local raw_http = require "spec.raw_http"

local replay = {}
replay.__index = replay

-- Values that a clock, a random source or the test's own order decide.
local VOLATILE = {
  cbuuid = true, _downloadurl = true, update_log = true,
  token = true, serverTime = true, expireTime = true, sessionName = true,
  createdtime = true, modifiedtime = true, lastModifiedTime = true,
  accesskey = true, fileid = true,
}

local function decode_word(word)
  return (word:gsub("+", " "):gsub("%%(%x%x)", function(hex)
    return string.char(tonumber(hex, 16))
  end))
end

local function encode_word(word)
  return (word:gsub("[^%w%-._~]", function(byte)
    return ("%%%02X"):format(byte:byte())
  end))
end

local function encode_pairs(pairs_list)
  local words = {}
  for _, pair in ipairs(pairs_list) do
    words[#words + 1] = encode_word(pair[1]) .. "=" .. encode_word(pair[2])
  end
  return table.concat(words, "&")
end

local function decode_query(text)
  local list = {}
  for name, value in text:gmatch "([^=&]+)=([^&]*)" do
    list[#list + 1] = { decode_word(name), decode_word(value) }
  end
  return list
end

-- The recording keeps a form as a table, or as a list where a name repeats.
local function form_pairs(form)
  if form[1] then
    return form
  end
  local list = {}
  for name, value in pairs(form) do
    list[#list + 1] = { name, value }
  end
  table.sort(list, function(a, b)
    return a[1] < b[1]
  end)
  return list
end

-- Later recordings keep the URL's parameters as a table and a body that is no
-- form as a text; put them as the first one does.
local function spell_out(exchange)
  local request = exchange.request
  for _, name in ipairs { "query", "form", "body" } do
    request[name] = request[name] ~= json.null and request[name] or nil
  end
  if not request.path_or_query then
    local query = request.query and next(request.query) and encode_pairs(form_pairs(request.query))
    request.path_or_query = query and "?" .. query or ""
  end
  request.form = request.form or {}
  return exchange
end

--- Read the recording: one JSON object a line.
--
-- A byte that is not UTF-8 stands in it as a lone surrogate. A line without a
-- request is a note and left out.
-- @param path
-- @return a list of `{name, request, response}`
function replay.read(path)
  local list = {}
  for line in io.lines(path) do
    line = line:gsub("(\\+)u[dD][cC](%x%x)", function(slashes, byte)
      if #slashes % 2 == 1 then
        return slashes:sub(2) .. string.char(tonumber(byte, 16))
      end
    end)
    local exchange = json.decode(line)
    if exchange.request then
      list[#list + 1] = spell_out(exchange)
    end
  end
  return list
end

--- Make a replay.
--
-- @param send function(method, target, headers, body) that returns status,
--   body; `target` begins with `?` or is empty
-- @param keys the users' access keys by name
-- @param tables `hooks` (what happened between two recorded exchanges, by
--   name), `session_user` (who opened a session, where not admin), `volatile` (more
--   fields whose values are not compared)
-- @return the replay
function replay.new(send, keys, tables)
  return setmetatable({
    send = send,
    keys = keys,
    hooks = tables.hooks,
    session_user = tables.session_user,
    volatile = tables.volatile or {},
    numbers = {}, -- recorded record number -> ours
    uuids = {}, -- recorded cbuuid -> ours
    sessions = {}, -- recorded session name -> ours
    access_keys = {}, -- recorded hash -> ours
  }, replay)
end

--- Send one request of the test's own; return the decoded `result`.
--
-- @param method
-- @param params a list of pairs
function replay:call(method, params)
  local text = encode_pairs(params)
  local status, body
  if method == "GET" then
    status, body = self.send("GET", "?" .. text, {}, nil)
  else
    local headers = { ["Content-Type"] = "application/x-www-form-urlencoded" }
    status, body = self.send("POST", "", headers, text)
  end
  local reply = status == 200 and json.decode(body)
  assert(reply and reply.success, ("%s: %s %s"):format(text, status, body))
  return reply.result
end

--- Ask for a fresh token and return the access key that it needs.
function replay:challenge(user)
  local result = self:call("GET", { { "operation", "getchallenge" }, { "username", user } })
  return raw_http.md5(result.token .. self.keys[user])
end

--- Open a session.
function replay:login(user)
  return self:call("POST", {
    { "operation", "login" }, { "username", user }, { "accessKey", self:challenge(user) },
  }).sessionName
end

-- Sessions as this server names them; others are the recording's junk.
function replay:session(recorded)
  if self.sessions[recorded] then
    return self.sessions[recorded]
  end
  if recorded:find "^%x+$" and #recorded >= 19 and not self.sessions[recorded] then
    self.sessions[recorded] = self:login(self.session_user[recorded] or "admin")
  end
  return self.sessions[recorded] or recorded
end

function replay:access_key(recorded, user)
  if recorded == "***" then
    return self.keys[user]
  elseif recorded == "MD5_OF_TOKEN_AND_KEY" then
    return self:challenge(user)
  end
  local lower = recorded:lower()
  if not self.access_keys[lower] and #recorded == 32 and self.keys[user] then
    self.access_keys[lower] = self:challenge(user)
  end
  local ours = self.access_keys[lower] or recorded
  return recorded == lower and ours or ours:upper()
end

function replay:record_ids(text)
  text = text:gsub("(%d+x)(%d+)", function(prefix, number)
    return prefix .. (self.numbers[number] or number)
  end)
  return (text:gsub("%x+", self.uuids))
end

function replay:value(name, value, user)
  if name == "sessionName" or name == "PHPSESSID" then
    return self:session(value)
  elseif name:lower() == "accesskey" then
    return self:access_key(value, user)
  end
  return self:record_ids(value)
end

function replay:map(list)
  local user
  for _, pair in ipairs(list) do
    user = pair[1] == "username" and pair[2]:lower() or user
  end
  local mapped = {}
  for i, pair in ipairs(list) do
    mapped[i] = { pair[1], self:value(pair[1], pair[2], user) }
  end
  return mapped
end

function replay:headers(recorded)
  local headers = {}
  for name, value in pairs(recorded or {}) do
    headers[name] = value:gsub("^PHPSESSID=(.*)$", function(session)
      return "PHPSESSID=" .. self:session(session)
    end)
  end
  return headers
end

-- A body that is no form, with this server's sessions and ids.
function replay:body(text)
  for recorded, ours in pairs(self.sessions) do
    text = text:gsub("%f[%w]" .. recorded .. "%f[^%w_]", ours)
  end
  return self:record_ids(text)
end

--- Send the request of one recorded exchange.
--
-- @return status, body of our server's reply
function replay:request(exchange)
  local request = exchange.request
  local hook = self.hooks[exchange.name]
  local body = hook and hook(self, exchange)
  body = body or request.body and self:body(request.body)
  local query = request.path_or_query:match "%?(.*)"
  local target = query and "?" .. encode_pairs(self:map(decode_query(query))) or ""
  if not body and (request.method == "POST" or request.method == "PUT") then
    body = encode_pairs(self:map(form_pairs(request.form)))
  end
  local headers = self:headers(request.headers)
  if next(request.form) and not headers["Content-Type"] then
    headers["Content-Type"] = "application/x-www-form-urlencoded"
  end
  return self.send(request.method, target, headers, body)
end

local function decode_reply(body)
  local ok, reply = pcall(json.decode, body)
  if ok and type(reply) == "table" then
    return reply
  end
end

-- Learn the pairs of a recorded reply and ours. Both name the same things.
function replay:learn(recorded, ours)
  if type(recorded) ~= "table" or type(ours) ~= "table" then
    return
  end
  for _, field in ipairs { "id", "imageattachmentids" } do
    local theirs, mine = recorded[field], ours[field]
    local prefix, number = tostring(theirs):match "^(%d+x)(%d+)$"
    local my_prefix, my_number = tostring(mine):match "^(%d+x)(%d+)$"
    if prefix and prefix == my_prefix then
      self.numbers[number] = my_number
    end
  end
  if type(recorded.cbuuid) == "string" and ours.cbuuid then
    self.uuids[recorded.cbuuid] = ours.cbuuid
  end
  if recorded.sessionName and ours.sessionName then
    self.sessions[recorded.sessionName] = ours.sessionName
  end
end

local function show(value)
  if type(value) == "table" then
    return #value > 0 and ("list of %d"):format(#value) or "object"
  end
  local text = tostring(value)
  return #text > 60 and text:sub(1, 60) .. "…" or text
end

-- Compare two results; `differ(path, recorded, ours)` hears each difference.
-- A difference of keys or of row counts is structural.
function replay:compare_values(path, recorded, ours, differ)
  if type(recorded) ~= "table" or type(ours) ~= "table" then
    local same = type(recorded) == type(ours)
      and (recorded == ours or self:record_ids(tostring(recorded)) == tostring(ours))
    if not same then
      differ(path, show(recorded), show(ours), type(recorded) ~= type(ours))
    end
    return
  end
  if #recorded ~= #ours then
    return differ(path, show(recorded), show(ours), true)
  end
  local known = {} -- our names of the recorded keys, some of which are ids
  for key, value in pairs(recorded) do
    local name = type(key) == "string" and self:record_ids(key) or key
    known[name] = true
    if ours[name] == nil then
      differ(path .. "." .. key, show(value), "absent", true)
    elseif not (VOLATILE[key] or self.volatile[key]) then
      self:compare_values(path .. "." .. key, value, ours[name], differ)
    end
  end
  for key, value in pairs(ours) do
    if not known[key] then
      differ(path .. "." .. key, "absent", show(value), true)
    end
  end
end

--- Compare our reply with the recorded one.
--
-- @param exchange the recorded exchange
-- @param status of our reply
-- @param body of our reply
-- @return two lists of texts, empty where they agree: differences of form
--   (status, success, code, message, fields, number of rows), and of values
function replay:compare(exchange, status, body)
  local form, values = {}, {}
  local recorded = exchange.response
  local function differ(path, theirs, mine, structural)
    local list = structural and form or values
    list[#list + 1] = ("%s: recorded %s, ours %s"):format(path, theirs, mine)
  end
  if status ~= recorded.status then
    differ("status", recorded.status, status, true)
  end
  local theirs, mine = decode_reply(recorded.body), decode_reply(body)
  if not (theirs and mine) then
    if theirs or mine or (recorded.body == "") ~= (body == "") then
      differ("body", show(recorded.body), show(body), true)
    end
    return form, values
  end
  self:learn(theirs.result, mine.result)
  if theirs.success ~= mine.success then
    differ("success", show(theirs.success), show(mine.error and mine.error.message), true)
  elseif theirs.success then
    self:compare_values("result", theirs.result, mine.result, differ)
  else
    self:compare_values("error", theirs.error, mine.error, function(path, a, b)
      differ(path, a, b, true)
    end)
  end
  if theirs.moreinfo ~= nil then
    self:compare_values("moreinfo", theirs.moreinfo, mine.moreinfo, differ)
  end
  return form, values
end

--- Replay a recording in order.
--
-- @param exchanges as `replay.read` returns them
-- @param skipped reasons, by name, not to send an exchange
-- @param visit function(exchange, form, values) called after each one sent
function replay:run(exchanges, skipped, visit)
  for _, exchange in ipairs(exchanges) do
    if not skipped[exchange.name] then
      visit(exchange, self:compare(exchange, self:request(exchange)))
    end
  end
end

return replay
