-- The decoder of records against lua-cjson, which decodes everything else.
local cjson = require "cjson"
local core = require "icrm.core"
local json = require "icrm.json"
local replay = require "spec.transcripts_replay"

local oracle = cjson.new()
oracle.decode_max_depth(64)
oracle.decode_invalid_numbers(false)

-- What the decoder may say about a text: nothing (nil), or the same as the
-- oracle. Returns whether it said something.
local function agrees(text)
  local records = core.decode_records(text)
  if records == nil then
    return false
  end
  local ok, want = pcall(oracle.decode, text)
  assert(ok, "decoded what the oracle refuses: " .. text)
  assert.same(want, records)
  return true
end

local PIECES = { "", "0", "17x2617", "Open", "2026-11-24 10:00:00", "L\\u0027Or\\u00e9al",
  "\\ud83d\\ude00", "é€😀", "a\\/b", '\\"', "\\\\", "\\n\\t\\b\\f\\r",
  ("x"):rep(41), "0.00000000" }
local KEYS = { "id", "accountname", "cf_650", "ticket_title", "a" }

local function random_record(random)
  local fields = {}
  for i = 1, random(0, 5) do
    fields[i] = ('"%s":"%s%s"'):format(KEYS[random(#KEYS)],
      PIECES[random(#PIECES)], PIECES[random(#PIECES)])
  end
  return "{" .. table.concat(fields, ",") .. "}"
end

local function random_page(random)
  if random(5) == 1 then
    return random_record(random)
  end
  local records = {}
  for i = 1, random(0, 6) do
    records[i] = random_record(random)
  end
  return "[" .. table.concat(records, ",") .. "]"
end

local BYTES = { '"', "\\", "{", "}", "[", "]", ",", ":", "u", "0", "\0", "\n", " ",
  "\xC3", "\xFF", "null", "1", "é", "\\u00e9", "\\ud83d" }

local function damaged(random, text)
  local at = random(0, #text)
  local piece = BYTES[random(#BYTES)]
  local kind = random(3)
  if kind == 1 then
    return text:sub(1, at) .. piece .. text:sub(at + 1)
  elseif kind == 2 then
    return text:sub(1, at) .. text:sub(at + random(1, 3))
  end
  return text:sub(1, at) .. piece .. text:sub(at + 1 + #piece)
end

describe("core.decode_records", function()
  it("reads every plain page as lua-cjson does", function()
    math.randomseed(4)
    for _ = 1, 3000 do
      local text = random_page(math.random)
      assert.is_true(agrees(text), text)
    end
  end)

  it("says nothing about damaged pages, or the same as lua-cjson", function()
    math.randomseed(5)
    local said = 0
    for _ = 1, 20000 do
      said = said + (agrees(damaged(math.random, random_page(math.random))) and 1 or 0)
    end
    assert.is_true(said > 1000 and said < 19000)
  end)

  it("agrees on the recorded replies, and reads the lists among them", function()
    local lists, read = 0, 0
    for _, exchange in ipairs(replay.read("spec/data/transcripts.jsonl")) do
      local body = exchange.response.body
      local result = type(body) == "string" and body:match '^{"success":true,"result":(.*)}$'
      if result then
        local said = agrees(result)
        if result:find "^%[{" then
          lists, read = lists + 1, read + (said and 1 or 0)
        end
      end
    end
    assert.is_true(lists > 50)
    assert.is_true(read >= 0.9 * lists, ("%d of %d"):format(read, lists))
  end)

  it("survives finalizers that decode while it decodes", function()
    local text = "[" .. ('{"id":"17x1","name":"\\u00e9t\\u00e9"},'):rep(200) .. "{}]"
    local depth, inner = 0, 0
    local function litter()
      setmetatable({}, { __gc = function()
        if depth < 3 then
          depth = depth + 1
          litter()
          inner = inner + #core.decode_records(text)
          depth = depth - 1
        end
      end })
    end
    for _ = 1, 300 do
      litter()
      local rows = core.decode_records(text)
      assert.equal(201, #rows)
      assert.equal("été", rows[200].name)
    end
    assert.is_true(inner > 0)
  end)

  it("refuses what is no text", function()
    assert.has_error(function() core.decode_records({}) end)
  end)
end)

describe("json.decode", function()
  it("gives the same for records with and without a null", function()
    assert.same({ { a = "1", b = "" } }, json.decode '[{"a":"1","b":""}]')
    assert.same({ { a = "1", b = "" } }, json.decode '[{"a":"1","b":null}]')
    assert.same({ id = "9x1" }, json.decode '{"id":"9x1"}')
    local value, err = json.decode '[{"a":"1"'
    assert.is_nil(value)
    assert.equal("decode", err.kind)
  end)
end)

describe("json.encode_element", function()
  -- One value that is no string sends the whole record the slow way.
  local function slowly(fields)
    local with_number = { zzz = 1 }
    for name, value in pairs(fields) do
      with_number[name] = value
    end
    return (json.encode_element(with_number):gsub(',?"zzz":"1"}$', "}"))
  end

  it("writes strings as it writes everything else", function()
    math.randomseed(7)
    local pieces = { "", "é", "😀", "/", '"', "\\", "\n", "\1", "\127", "x", "<b>", "'",
      ("y"):rep(70) }
    for _ = 1, 2000 do
      local fields = {}
      for _ = 1, math.random(0, 6) do
        fields[KEYS[math.random(#KEYS)]] = pieces[math.random(#pieces)]
          .. pieces[math.random(#pieces)] .. pieces[math.random(#pieces)]
      end
      assert.equal(slowly(fields), json.encode_element(fields))
    end
  end)

  it("refuses what cannot be sent, strings among strings", function()
    for _, value in ipairs { "\xff", "a\0b", "\xed\xa0\x80" } do
      local ok, err = pcall(json.encode_element, { a = "1", b = value })
      assert.is_false(ok)
      assert.equal("input", err.kind)
      assert.equal("b", err.field)
    end
  end)
end)

describe("a run of ids", function()
  local function till(ids, from)
    local rows = {}
    for i, id in ipairs(ids) do
      rows[i] = id and { id = id }
    end
    return core.end_of_run(rows, from or 1)
  end

  it("ends before an id that does not follow", function()
    assert.equal(3, till { "9x1", "9x2", "9x5" })
    assert.equal(2, till { "9x8", "9x9", "9x10", "9x11" })
    assert.equal(4, till({ "9x8", "9x9", "9x10", "9x11" }, 3))
    assert.equal(1, till { "9x8", "9x8" })
    assert.equal(1, till { "9x8", "9x7" })
    assert.equal(2, till { "9x1", "9x2", 3 })
    assert.equal(1, till { 1, 2 })
  end)

  it("ends before what is no row", function()
    assert.equal(1, till { "9x1", false, "9x4" })
    assert.equal(1, core.end_of_run({ { id = "9x1" }, "9x2" }, 1))
    assert.equal(1, core.end_of_run({}, 1))
  end)
end)
