-- Replays the recording of a vtiger 8 server against the sandbox.
local core = require "icrm.core"
local helper = require "spec.helper"
local lists = require "spec.transcripts_lists"
local raw_http = require "spec.raw_http"
local replay = require "spec.transcripts_replay"
local state = require "spec.transcripts_state"

local RECORDING = "spec/data/transcripts.jsonl"
local FIRST_RECORDED = 1795484802 -- serverTime of the first getchallenge
local USERS = { "admin", "jdupont", "inactif", "import" }

-- The reason listed for a name, by itself or by a pattern `prefix*`.
local function reason(list, name)
  return list[name] or list[(name:match "^[^/]*/" or "") .. "*"]
end

local function start(exchanges)
  local sandbox = assert(core.sandbox.start {
    profile = "vtiger8",
    data = helper.tmpfile(state.data(exchanges), "state.json"),
    now = FIRST_RECORDED,
  })
  local keys = {}
  for _, user in ipairs(USERS) do
    keys[user] = sandbox:key(user)
  end
  local function send(method, target, headers, body)
    return raw_http.request(sandbox:url() .. target, method, headers, body)
  end
  local run = replay.new(send, keys, lists)
  run.advance = function(seconds)
    sandbox:advance(seconds)
  end
  return sandbox, run
end

-- Every name in a list must name an exchange that it applies to.
local function unused(list, seen)
  local names = {}
  for name in pairs(list) do
    if not seen[name] then
      names[#names + 1] = name
    end
  end
  table.sort(names)
  return names
end

describe("the recorded exchanges", function()
  local exchanges = replay.read(RECORDING)
  local sent, differing, differing_values = 0, {}, {}
  local unlisted, skipped, applied = {}, 0, {}

  local function note(name, list, differences, into)
    if #differences == 0 then
      return
    end
    into[name] = true
    if not list[name] then
      unlisted[#unlisted + 1] = name .. ": " .. table.concat(differences, "; ")
    end
  end

  lazy_setup(function()
    local skip = setmetatable({}, {
      __index = function(_, name)
        local why = reason(lists.skipped, name)
        if why then
          skipped = skipped + 1
          applied[lists.skipped[name] and name or name:match "^[^/]*/" .. "*"] = true
        end
        return why
      end,
    })
    local sandbox, run = start(exchanges)
    run:run(exchanges, skip, function(exchange, form, values)
      sent = sent + 1
      note(exchange.name, lists.known, form, differing)
      note(exchange.name, lists.known_values, #form == 0 and values or {}, differing_values)
    end)
    sandbox:stop()
  end)

  it("agree, or are listed with the reason", function()
    assert.are.equal("", table.concat(unlisted, "\n"))
  end)

  it("are all there, and agree in 95 of 100", function()
    local count = 0
    for _ in pairs(differing) do
      count = count + 1
    end
    print(("\ntranscripts: %d recorded, %d not for a local CRM, %d replayed, %d agree (%.1f %%)")
      :format(#exchanges, skipped, sent, sent - count, 100 * (sent - count) / sent))
    assert.are.equal(577, #exchanges)
    assert.are.equal(#exchanges, sent + skipped)
    assert.is_true((sent - count) / sent >= 0.95)
  end)

  it("leave no listed name without its exchange", function()
    assert.are.same({}, unused(lists.skipped, applied))
    assert.are.same({}, unused(lists.known, differing))
    assert.are.same({}, unused(lists.known_values, differing_values))
  end)
end)
