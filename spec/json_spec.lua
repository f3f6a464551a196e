local json = require "icrm.json"
local helper = require "spec.helper"

local function refused(text)
  local value, err = json.decode(text)
  assert.is_nil(value)
  assert.equal("decode", err.kind)
end

describe("icrm.json", function()
  it("decodes whole numbers as integers, whatever lua-cjson makes of them", function()
    local value = json.decode '{"a":1497502386,"b":[2.0,0.5],"c":"0012"}'
    assert.equal("integer", math.type(value.a))
    assert.equal("integer", math.type(value.b[1]))
    assert.same({ a = 1497502386, b = { 2, 0.5 }, c = "0012" }, value)
  end)

  it("keeps the digits of numbers that a float does not hold", function()
    local texts = { "12345678901234567890123", "9007199254740993", "12345678901234567", "1.10",
      "-0", "0.12345678901234567" }
    for _, text in ipairs(texts) do
      assert.equal(text, json.decode(('{"a\\"1":["12345678901234567",%s]}'):format(text))['a"1'][2])
    end
    assert.equal(123456789012345, json.decode "123456789012345")
    assert.equal(-1.25, json.decode "-1.25")
    for _, text in ipairs { "01234567890123456", "-", "1e", "[12345678901234567" } do
      assert.is_nil(json.decode(text))
    end
  end)

  it("never gives a null to a script", function()
    assert.same({ a = "", b = { "", 1 } }, json.decode '{"a":null,"b":[null,1]}')
    local value, err = json.decode "null"
    assert.is_nil(value)
    assert.is_nil(err)
  end)

  it("refuses what is no JSON", function()
    for _, text in ipairs { "", "{", "[1,]", "{} x", "NaN", "[0x1F]", "[1e400]",
                            "[-1e400]", "\xEF\xBB\xBF{}", ("["):rep(65) .. ("]"):rep(65) } do
      refused(text)
    end
    assert.is_table((json.decode(("["):rep(64) .. ("]"):rep(64))))
  end)

  it("encodes every value of an element as the server writes it", function()
    assert.equal(
      '{"a":"12345678901234567","b":"1","c":"0","d":"","e":"0.1","f":"100000000000000000000",'
        .. '"g":"0.0000001","h":"2"}',
      json.encode_element { a = 12345678901234567, b = true, c = false, d = "",
        e = 0.1, f = 1e20, g = 1e-7, h = 2.0 })
    assert.equal("{}", json.encode_element {})
  end)

  it("brings any text through", function()
    local text = 'L\'été "dit" \\ / \n\t\127 € 🚚'
    assert.equal(text, json.decode(json.encode_element { t = text }).t)
  end)

  it("names the field whose value cannot be sent", function()
    for value, why in pairs {
      ["\xE9t\xE9"] = "name: the text is not UTF%-8",
      ["a\0b"] = "name: the text holds a NUL byte",
      [{}] = "name: a table is no field value",
      [0 / 1 - math.huge] = "name: a number must be finite",
    } do
      local ok, err = pcall(json.encode_element, { name = value, other = "x" })
      assert.is_false(ok)
      assert.equal("input", err.kind)
      assert.matches(why, err.message)
    end
  end)

  it("encodes nested values with sorted keys, and large integers only as text", function()
    assert.equal('{"a":[1,{"x":true}],"b":{},"c":2.5}',
      json.encode { c = 2.5, b = {}, a = { 1, { x = true } } })
    assert.error_matches(function() json.encode { 2 ^ 53 | 0 + 1 } end, "give it as a string")
    local loop = {}
    loop[1] = loop
    assert.error_matches(function() json.encode(loop) end, "nested too deep")
  end)

  it("leaves other users of lua-cjson alone", function()
    local result = helper.run({ "lua5.4", "-e", [[
      package.path = "lua/?.lua;" .. package.path
      package.cpath = "build/lib/?.so;" .. package.cpath
      require "icrm.json"
      print(require "cjson".decode "[NaN]"[1] ~= nil)]] })
    assert.equal("true\n", result.out, result.err)
  end)

  it("does not load over a lua-cjson that would corrupt data", function()
    local result = helper.run({ "lua5.4", "-e", [[
      package.path = "lua/?.lua;" .. package.path
      package.cpath = "build/lib/?.so;" .. package.cpath
      local cjson = require "cjson"
      local new = cjson.new
      cjson.new = function()
        local codec = new()
        codec.decode_invalid_numbers = function() end
        return codec
      end
      print(pcall(require, "icrm.json"))]] })
    assert.matches("false%s.*does not handle hex as icrm needs it", result.out)
  end)
end)
