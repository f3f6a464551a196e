--- Describe that a sandbox agrees with a recording.
-- @module spec.transcripts_agree
local assert = require "luassert"
local busted = require "busted"
local core = require "icrm.core"
local raw_http = require "spec.raw_http"
local replay = require "spec.transcripts_replay"

-- The reason listed for a name, by itself or by a pattern `prefix*`, the
-- longest first.
local function reason(list, name)
  if list[name] then
    return list[name], name
  end
  local found
  for pattern in pairs(list) do
    local prefix = pattern:match "^(.*)%*$"
    if prefix and name:sub(1, #prefix) == prefix and #pattern > #(found or "") then
      found = pattern
    end
  end
  return found and list[found], found
end

local function start(recording)
  local options = recording.start()
  local sandbox = assert(core.sandbox.start(options))
  local keys = {}
  for _, user in ipairs(recording.users) do
    keys[user] = sandbox:key(user)
  end
  local function send(method, target, headers, body)
    return raw_http.request(sandbox:url() .. target, method, headers, body)
  end
  local run = replay.new(send, keys, recording.lists)
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

--- Replay a recording and say what must hold.
--
-- @param recording `name`; `exchanges`, as `replay.read` returns them; `count`,
--   how many there are; `users` whose access keys it needs; `lists`, with
--   `skipped`, `known`, `known_values`, `hooks`, `session_user`; `start`, a
--   function that returns the sandbox's options
return function(recording)
  local lists, exchanges = recording.lists, recording.exchanges
  local sent, differing, differing_values = 0, {}, {}
  local unlisted, skipped, applied = {}, 0, {}

  local function note(name, list, differences, into)
    if #differences == 0 then
      return
    end
    local why, pattern = reason(list, name)
    into[pattern or name] = (into[pattern or name] or 0) + 1
    if not why then
      unlisted[#unlisted + 1] = name .. ": " .. table.concat(differences, "; ")
    end
  end

  busted.lazy_setup(function()
    local skip = setmetatable({}, {
      __index = function(_, name)
        local why, pattern = reason(lists.skipped, name)
        if why then
          skipped = skipped + 1
          applied[pattern] = true
        end
        return why
      end,
    })
    local sandbox, run = start(recording)
    run:run(exchanges, skip, function(exchange, form, values)
      sent = sent + 1
      note(exchange.name, lists.known, form, differing)
      note(exchange.name, lists.known_values, #form == 0 and values or {}, differing_values)
    end)
    sandbox:stop()
  end)

  busted.it("agree, or are listed with the reason", function()
    assert.are.equal("", table.concat(unlisted, "\n"))
  end)

  busted.it("are all there, and agree in 95 of 100", function()
    local count = 0
    for _, n in pairs(differing) do
      count = count + n
    end
    print(("\n%s: %d recorded, %d not for a local CRM, %d replayed, %d agree (%.1f %%)")
      :format(recording.name, #exchanges, skipped, sent, sent - count, 100 * (sent - count) / sent))
    assert.are.equal(recording.count, #exchanges)
    assert.are.equal(#exchanges, sent + skipped)
    assert.is_true((sent - count) / sent >= 0.95)
  end)

  busted.it("leave no listed name without its exchange", function()
    assert.are.same({}, unused(lists.skipped, applied))
    assert.are.same({}, unused(lists.known, differing))
    assert.are.same({}, unused(lists.known_values, differing_values))
  end)
end
