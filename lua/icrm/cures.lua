--- What can be done about it, in the words of whoever is spoken to.
--
-- A cure is a sentence in which options and methods stand in braces, with the words of
-- capitals to be filled in: `{allow_delete=N}`, `{mark_done KEY ID}`, `{resume
-- resend=barrier}`. A program reads Lua, `allow_delete = 3`, `set:mark_done("b", ID)`;
-- the desk, which speaks to a person at a shell, says commands (icrm.cli.commands).
-- @module icrm.cures

local M = {}

-- The method of each act, and what it wants where the cure names nothing; or, further
-- down, a function that says it.
local METHODS = {
  resume = { "set:apply" },
  undo = { "set:undo", "PATH" },
  mark_done = { "set:mark_done" },
  mark_absent = { "set:mark_absent" },
  describe = { "crm:describe" },
  modules = { "crm:list_types" },
  suggest = { "suggest.draft", "source, schema, describe" }, -- of icrm.import.suggest
}
local TAKES_LIST = { accept = true }

-- A word of capitals that nothing was given for.
local Blank = { __tostring = function(self) return self.word end }

-- ---- To a program ---------------------------------------------------------------

local function literal(value)
  if type(value) == "table" and getmetatable(value) ~= Blank then
    local list = {}
    for i, one in ipairs(value) do
      list[i] = literal(one)
    end
    return "{ " .. table.concat(list, ", ") .. " }"
  elseif type(value) == "string" and value ~= "true" then
    return ("%q"):format(value)
  end
  return tostring(value)
end

local function option_as_lua(name, value)
  if TAKES_LIST[name] and type(value) == "string" then
    value = { value }
  end
  return ("%s = %s"):format(name, literal(value))
end

function METHODS.feed(column, field)
  return ("columns = { [%s] = %s }"):format(literal(column), literal(field))
end

function METHODS.refer(field, key, column)
  return ("fields = { [%s] = { ref = %s, from = %s } }"):format(literal(field), literal(key),
    literal(("{%s}"):format(column)))
end

function METHODS.translate(column, from, to)
  return ("columns = { [%s] = { values = { [%s] = %s } } }"):format(literal(column), literal(from),
    literal(to))
end

local lua = { option = option_as_lua }

function lua.act(name, arguments, options)
  local method, list = METHODS[name], {}
  if type(method) == "function" then
    return method(table.unpack(arguments))
  end
  for i, value in ipairs(arguments) do
    list[i] = literal(value)
  end
  list[1] = list[1] or method[2]
  for i, option in ipairs(options) do
    options[i] = option_as_lua(option.name, option.value)
  end
  if #options > 0 then
    list[#list + 1] = "{ " .. table.concat(options, ", ") .. " }"
  end
  return ("%s(%s)"):format(method[1], table.concat(list, ", "))
end

-- ---- To anybody -----------------------------------------------------------------

local voice = lua

--- Choose the words of this process, as one chooses a language.
---
--- @param speaker? table `option(name, value)` and `act(name, arguments, options, words)`,
---   each of which returns a text; a value is a text, a number, a list, or a word of
---   capitals that is still blank, which tostring gives. Without one Lua is spoken.
function M.speak(speaker)
  voice = speaker or lua
end

local function fill(word, words)
  if word:find "^%u+$" then
    return words[word] or setmetatable({ word = word }, Blank)
  end
  return word
end

local function say_one(text, words)
  local name, rest = text:match "^([%w_]+)%s*(.*)$"
  if rest:sub(1, 1) == "=" then
    return voice.option(name, fill(rest:sub(2), words))
  end
  local arguments, options = {}, {}
  for word in rest:gmatch "%S+" do
    local option, value = word:match "^([%l_]+)=(.*)$"
    if option then
      options[#options + 1] = { name = option, value = fill(value, words) }
    else
      arguments[#arguments + 1] = fill(word, words)
    end
  end
  return voice.act(name, arguments, options, words)
end

--- Say a cure.
---
--- @param cure string with braces
--- @param words? table<string, string|number|string[]> what the words of capitals stand
---   for; one that is not there stays as it is
--- @return string
function M.say(cure, words)
  return (cure:gsub("{([^{}]+)}", function(text)
    return say_one(text, words or {})
  end))
end

return M
