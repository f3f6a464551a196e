-- The replay itself: it agrees with the recording, and hears a difference.
local replay = require "spec.transcripts_replay"

local RECORDING = "spec/data/transcripts.jsonl"

-- A server that answers what was recorded, after `change` had a look at it.
local function echo(change)
  local current
  local run = replay.new(function()
    return current.response.status, change(current)
  end, { admin = "key", import = "key", jdupont = "key", inactif = "key" },
    { hooks = {}, session_user = {} })
  run.login = function()
    return ("0"):rep(21)
  end
  run.challenge = function()
    return ("0"):rep(32)
  end
  local request = run.request
  run.request = function(self, exchange)
    current = exchange
    return request(self, exchange)
  end
  return run
end

local function differences(exchanges, change)
  local form, values = {}, {}
  echo(change):run(exchanges, {}, function(exchange, of_form, of_values)
    if #of_form > 0 then
      form[#form + 1] = exchange.name
    elseif #of_values > 0 then
      values[#values + 1] = exchange.name
    end
  end)
  return form, values
end

describe("transcripts_replay", function()
  local exchanges = replay.read(RECORDING)

  local function replace(name, pattern, with)
    return differences(exchanges, function(exchange)
      local body = exchange.response.body
      return exchange.name == name and body:gsub(pattern, with, 1) or body
    end)
  end

  it("finds no difference between the recording and itself", function()
    local form, values = differences(exchanges, function(exchange)
      return exchange.response.body
    end)
    assert.are.same({ {}, {} }, { form, values })
  end)

  it("keeps a byte that is not UTF-8", function()
    for _, exchange in ipairs(exchanges) do
      if exchange.name == "create/latin1 bytes" then
        assert.truthy(exchange.request.form.element:find("X\xE9", 1, true))
        return
      end
    end
    error "no such exchange"
  end)

  it("hears another code, message, field, row or kind of body", function()
    assert.are.same({ "getchallenge/no username" },
      replace("getchallenge/no username", "ACCESS_DENIED", "DENIED"))
    assert.are.same({ "create/duplicate accountname" },
      replace("create/duplicate accountname", '"code":0', '"code":"0"'))
    assert.are.same({ "create/missing mandatory title" },
      replace("create/missing mandatory title", "ticket_title", "title"))
    assert.are.same({ "retrieve/ticket" }, replace("retrieve/ticket", '"update_log"', '"log"'))
    assert.are.same({ "query/limit 5" }, replace("query/limit 5", "{[^{}]*},", ""))
    assert.are.same({ "query/star" }, replace("query/star", "^.*$", "<html>"))
  end)

  it("hears another value of the same form", function()
    local form, values = replace("query/count", '"34"', '"35"')
    assert.are.same({}, form)
    assert.are.same({ "query/count" }, values)
  end)
end)
