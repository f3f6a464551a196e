--- JSON with settings that do not depend on who packaged lua-cjson.
--
-- Decoding: whole numbers are integers, a number that a float does not hold as it is
-- written (of more than 15 digits, `1.10`) is that text, null is the empty string, NaN, hex and
-- infinities are refused. Encoding: one text for one value, keys sorted.
-- @module icrm.json

local cjson = require "cjson"
local core = require "icrm.core"
local errors = require "icrm.error"

local M = {}

local MAX_DEPTH = 64
local EXACT = 2 ^ 53

local codec = cjson.new()
codec.decode_max_depth(MAX_DEPTH)
codec.decode_invalid_numbers(false)
codec.encode_max_depth(MAX_DEPTH)
codec.encode_invalid_numbers(false)
codec.encode_keep_buffer(false)

local function normalise_number(x)
  if x ~= x or x == math.huge or x == -math.huge then
    error("a number is out of range", 0)
  end
  if math.type(x) == "float" and x > -EXACT and x < EXACT then
    return math.tointeger(x) or x
  end
  return x
end

local normalise

local function normalise_table(t)
  for key, value in pairs(t) do
    if type(value) ~= "string" then
      t[key] = normalise(value)
    end
  end
  return t
end

function normalise(value)
  local kind = type(value)
  if kind == "table" then
    return normalise_table(value)
  elseif kind == "number" then
    return normalise_number(value)
  elseif value == cjson.null then
    return ""
  end
  return value
end

--- Decode a JSON text, or a reply, which is used up.
---
--- A null inside is the empty string, as everywhere in this API; a text that
--- is null alone gives nil.
---
--- @param text string|userdata
--- @return any value
--- @return icrm.Error? err of kind decode
function M.decode(text)
  local records = core.decode_records(text)
  if records then
    return records -- nearly every reply; all others take the long way
  end
  text = tostring(text)
  local ok, value = pcall(codec.decode, core.quote_numbers(text) or text)
  if ok then
    if value == cjson.null then
      return nil
    end
    ok, value = pcall(normalise, value)
  end
  if ok then
    return value
  end
  return nil, errors.new {
    kind = "decode",
    message = "the text is no JSON that can be read: " .. tostring(value),
  }
end

local function bad(field, why)
  errors.refuse { field = field, message = ("%s: %s"):format(field, why) }
end

--- Write a number as the server reads it: a point, no exponent.
---
--- @param x number
--- @return string? text nil for NaN and infinities
function M.number_text(x)
  if math.type(x) == "integer" then
    return ("%d"):format(x)
  elseif x ~= x or x == math.huge or x == -math.huge then
    return nil
  end
  local text
  for precision = 15, 17 do
    text = ("%." .. precision .. "g"):format(x)
    if tonumber(text) == x then
      break
    end
  end
  if text:find("e", 1, true) then
    text = ("%.20f"):format(x):gsub("0+$", ""):gsub("%.$", "")
  end
  return text
end

local function element_text(field, value)
  local kind = math.type(value) or type(value)
  if kind == "boolean" then
    return value and "1" or "0"
  elseif kind == "integer" or kind == "float" then
    return M.number_text(value) or bad(field, "a number must be finite")
  elseif kind ~= "string" then
    bad(field, ("a %s is no field value; give a string, a number or a boolean")
      :format(kind))
  elseif not utf8.len(value) then
    bad(field, "the text is not UTF-8; convert it before sending")
  elseif value:find("\0", 1, true) then
    bad(field, "the text holds a NUL byte, which the server would cut at")
  end
  return value
end

local function sorted_keys(t)
  local keys = {}
  for key in pairs(t) do
    if type(key) ~= "string" then
      bad(tostring(key), "field names are strings")
    end
    keys[#keys + 1] = key
  end
  table.sort(keys)
  return keys
end

--- Encode the fields of a record for create, update and revise.
---
--- Every value becomes a string, the way the server itself writes them: `1` and
--- `0` for booleans, numbers without exponent; the empty string stays. Raises
--- an error of kind input that names the field when a value cannot be sent.
---
--- @param fields table<string, string|number|boolean>
--- @return string json
function M.encode_element(fields)
  local plain = core.encode_element(fields)
  if plain then
    return plain -- strings alone, as nearly always; the rest is converted here
  end
  local parts = {}
  for i, field in ipairs(sorted_keys(fields)) do
    local text = element_text(field, fields[field])
    parts[i] = codec.encode(field) .. ":" .. codec.encode(text)
  end
  return "{" .. table.concat(parts, ",") .. "}"
end

local function encode_number(x)
  local text = M.number_text(x)
  if not text or math.type(x) == "integer" and (x > EXACT or x < -EXACT) then
    errors.refuse("%s cannot be written exactly as a JSON number; give it as a string", x)
  end
  return text
end

local function encode(value, depth)
  local kind = type(value)
  if kind == "number" then
    return encode_number(value)
  elseif kind ~= "table" then
    return codec.encode(value)
  elseif depth > MAX_DEPTH then
    errors.refuse "the table is nested too deep"
  end
  local parts = {}
  if #value > 0 then
    for i = 1, #value do
      parts[i] = encode(value[i], depth + 1)
    end
    return "[" .. table.concat(parts, ",") .. "]"
  end
  local plain = core.encode_element(value)
  if plain then
    return plain -- texts alone, as of a record; the rest is written here
  end
  for i, key in ipairs(sorted_keys(value)) do
    parts[i] = codec.encode(key) .. ":" .. encode(value[key], depth + 1)
  end
  return "{" .. table.concat(parts, ",") .. "}"
end

--- Encode a value; a table with a first element is an array, any other an object.
---
--- @param value any
--- @return string json
function M.encode(value)
  return encode(value, 1)
end

-- The twelve things that packages of lua-cjson are known to differ in. A
-- module that would corrupt data must not load.
local function refuses(text)
  local value, err = M.decode(text)
  return value == nil and err ~= nil
end

local function decodes(text, want)
  local value = M.decode(text)
  return value == want and math.type(value) == math.type(want)
end

local vectors = {
  { "whole numbers", function() return decodes("1497502386", 1497502386) end },
  { "fractions", function() return decodes("0.5", 0.5) end },
  { "numbers as text", function() return decodes('"0012.50"', "0012.50") end },
  { "null", function() return M.decode('{"a":null}').a == "" end },
  { "unicode escapes", function() return decodes('"\\u00e9\\/"', "é/") end },
  { "NaN", function() return refuses "[NaN]" end },
  { "Infinity", function() return refuses "[-Infinity]" end },
  { "hex", function() return refuses "[0x1F]" end },
  { "1e400", function() return refuses "[1e400]" end },
  { "depth", function()
    return refuses(("["):rep(MAX_DEPTH + 1) .. ("]"):rep(MAX_DEPTH + 1))
  end },
  { "trailing text", function() return refuses '{"a":1} x' end },
  { "encoding", function()
    return M.encode_element { b = "", a = 1e15, c = 'é"\n' }
      == '{"a":"1000000000000000","b":"","c":"é\\"\\n"}'
  end },
}

for _, vector in ipairs(vectors) do
  if not vector[2]() then
    error(("lua-cjson %s does not handle %s as icrm needs it")
      :format(tostring(cjson._VERSION), vector[1]))
  end
end

return M
