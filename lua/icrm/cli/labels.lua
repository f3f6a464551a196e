--- What a person calls fields and values, in the words of the CRM: labels in a query, a
-- condition, an option become names, and what was made of them is said.
-- @module icrm.cli.labels

local core = require "icrm.core"
local errors = require "icrm.error"
local literals = require "icrm.query.literals"
local nearest = require "icrm.nearest"
local owners = require "icrm.import.owners"
local picklists = require "icrm.picklist"
local row_filter = require "icrm.cli.row_filter"
local script = require "icrm.cli.script"
local text_tools = require "icrm.text"
local values = require "icrm.import.values"

local M = {}

-- ---- Fields -----------------------------------------------------------------------

--- Find a field by its name or label, or refuse.
---
--- @param schema icrm.Schema
--- @param text string
--- @param option? string its name, for the message
--- @return icrm.Field
function M.field(schema, text, option)
  local field, fault = schema:field(text)
  if not field then
    errors.refuse("%s%s; %s", option and option .. ": " or "", fault.message, fault.cure)
  end
  return field
end

local owners_of = setmetatable({}, { __mode = "k" }) -- client -> its owners, asked for once

-- The id of an owner who is named.
local function owner_of(crm, field, text)
  owners_of[crm] = owners_of[crm] or owners.new(crm)
  local id, problem, cure = owners_of[crm]:find(text_tools.trim(text))
  return id or errors.refuse("%s (%s): %s %s; %s", field.label, field.name,
    text_tools.quote(text), problem, cure)
end

-- ---- Values ------------------------------------------------------------------------

local function say_unknown(field, text)
  local picklist = field.picklist
  local question = nearest.ask(picklists.near(picklist, text))
  script.say("%s (%s) has no value %s; %sallowed: %s", field.label, field.name,
    text_tools.quote(text), question and question .. " " or "", picklists.list(picklist))
end

local function of_picklist(_, field, text)
  local value, several = picklists.find(field.picklist, text)
  if several then
    errors.refuse("%s (%s): %s is the label of several values; write the value itself: %s",
      field.label, field.name, text_tools.quote(text), picklists.list(field.picklist, several))
  elseif not value then
    say_unknown(field, text)
  end
  return value or text
end

local LIST_SEPARATOR = " |##| "

local function of_multipicklist(_, field, text)
  local words = {}
  for word in (text .. LIST_SEPARATOR):gmatch "(.-) |##| " do
    words[#words + 1] = of_picklist(nil, field, word)
  end
  return table.concat(words, LIST_SEPARATOR)
end

local function of_boolean(_, _, text)
  return values.boolean(text) or text
end

-- What the CRM compares with a date that is none, or with a number, is anybody's guess.
local function refuse_value(field, text, what, cure)
  errors.refuse("%s (%s): %s is no %s; %s", field.label, field.name, text_tools.quote(text), what,
    cure)
end

local function of_date(_, field, text)
  local word = text_tools.trim(text)
  if word == "" or word:find "^%d%d%d%d%-%d%d%-%d%d" then
    return text
  end
  return (values.date(word, "day"))
    or refuse_value(field, text, "date", "write it like 2026-02-28, or 28/02/2026")
end

local function of_number(_, field, text)
  if text_tools.trim(text) == "" or tonumber(text) then
    return text
  end
  return (values.number(text, "comma"))
    or refuse_value(field, text, "number", "write it like 1234.5, or 1234,5")
end

local BY_TYPE = { picklist = of_picklist, multipicklist = of_multipicklist,
  boolean = of_boolean, owner = owner_of, date = of_date, datetime = of_date,
  integer = of_number, double = of_number, currency = of_number }

--- Read `FIELD=VALUE` words, fields by name or label, and check the values.
---
--- @param crm icrm.Client
--- @param schema icrm.Schema
--- @param words string[]
--- @param option string its name, for messages
--- @return table<string, string> fields by name, in the CRM's form
function M.assignments(crm, schema, words, option)
  local given = {}
  for text, value in pairs(script.pairs_of(words, option)) do
    local name = M.field(schema, text, option).name
    if given[name] then
      errors.refuse("%s names %s twice", option, name)
    end
    local field = schema.by_name[name]
    local reader = not field.picklist and BY_TYPE[field.type] -- the schema knows picklists
    given[name] = reader and value ~= "" and reader(crm, field, value) or value
  end
  return given
end

-- The literal of a condition in the CRM's words; as it is where it is none of a list.
local function literal_of(crm, field, operator, token)
  local reader = BY_TYPE[field.type]
  if not reader or not token:find "^'" or operator:upper() == "LIKE"
    or field.type:find "picklist" and not field.picklist then
    return token
  end
  local text = literals.unquote(token)
  local value = text ~= "" and reader(crm, field, text) or text
  return value == text and token or errors.check(core.vtql.bind("?", { value }))
end

-- ---- Queries ----------------------------------------------------------------------

-- Words that show that a name is a piece of a query that is wrong, for the parser to
-- explain.
local NOT_IN_NAMES = { ["and"] = true, ["or"] = true, is = true, ["not"] = true, between = true,
  ["in"] = true, like = true, ["null"] = true }

local function is_piece_of_query(name)
  for word in name:lower():gmatch "%a+" do
    if NOT_IN_NAMES[word] then
      return true
    end
  end
  return name == "" or name:find "[()*']" ~= nil
end

-- The field that is mentioned, nil where it is none and the parser or the CRM says so.
local function mentioned(schema, name)
  local field, fault = schema:field(name)
  if not field and not core.vtql.is_name(name) and not is_piece_of_query(name)
    or fault and fault.cure:find "^name one" then
    errors.refuse("%s; %s", fault.message, fault.cure)
  elseif field and not core.vtql.is_name(field.name) then
    errors.refuse("the CRM's queries cannot name %s (%s); for update, delete and report say it in "
      .. "a --where of its own", field.name, field.label)
  end
  return field
end

-- What every mention of a query becomes, in their order.
local function edits_of(crm, schema, mentions)
  local edits, field, operator = {}, nil, nil
  for i, mention in ipairs(mentions) do
    local name = mention.name
    if mention.kind == "value" then
      edits[i] = field and literal_of(crm, field, operator, name) or name
    elseif mention.kind ~= "module" then
      local found = mentioned(schema, name)
      edits[i] = found and found.name
      field, operator = found, mention.operator
    end
  end
  return edits
end

local function edited(text, mentions, edits)
  local parts, at = {}, 1
  for i, mention in ipairs(mentions) do
    if edits[i] then
      parts[#parts + 1] = text:sub(at, mention.from - 1)
      parts[#parts + 1] = edits[i]
      at = mention.to + 1
    end
  end
  return table.concat(parts) .. text:sub(at)
end

local function rewrite(crm, text)
  local mentions, module = core.vtql.outline(text), nil
  local names = 0
  for _, mention in ipairs(mentions) do
    module = mention.kind == "module" and mention.name or module
    if mention.kind ~= "module" and not mention.name:find "[*(]" and mention.name ~= "id" then
      names = names + 1
    end
  end
  if not module or names == 0 or not core.vtql.is_name(module) then
    return text
  end
  return edited(text, mentions, edits_of(crm, crm:describe(module), mentions))
end

--- Put the names of fields and values in place of labels in a query. What is said: the
--- query, where it became another one, and values that a picklist has not.
---
--- @param crm icrm.Client
--- @param text string
--- @param params? table<string, any> values for `:name`
--- @return string text without places for values
function M.query(crm, text, params)
  local named = rewrite(crm, text)
  local bound = errors.check(core.vtql.bind(named, params or {}))
  local query = params and rewrite(crm, bound) or bound
  if query ~= bound or named ~= text then
    script.say("  that is: %s", query)
  end
  return query
end

-- The test of a condition on a field that no query can name, where that is all it is about.
local function test_of(crm, module, text)
  local condition, tokens = nil, {}
  for _, mention in ipairs(core.vtql.outline(text)) do
    if mention.kind == "condition" and condition or mention.kind == "order" then
      return nil
    elseif mention.kind == "condition" then
      condition = mention
    elseif mention.kind == "value" then
      tokens[#tokens + 1] = mention.name
    end
  end
  if not condition or #tokens == 0 or core.vtql.is_name(condition.name) then
    return nil
  end
  local field = crm:describe(module):field(condition.name)
  return field and not core.vtql.is_name(field.name)
    and row_filter.of(field, condition.operator, tokens) or nil
end

--- The same for conditions as they stand behind WHERE.
---
--- @param crm icrm.Client
--- @param module string what they are about
--- @param conditions string[]
--- @return string[] conditions for the CRM
--- @return (fun(record: icrm.Record): boolean)? test that its rows must pass besides: of
---   conditions on fields that its queries cannot name
function M.conditions(crm, module, conditions)
  local list, tests, head = {}, {}, ("SELECT * FROM %s WHERE "):format(module)
  for _, condition in ipairs(conditions) do
    local test = test_of(crm, module, head .. condition)
    local named = not test and rewrite(crm, head .. condition):sub(#head + 1)
    if named and named ~= condition then
      script.say("  that is: %s", named)
    end
    list[#list + 1], tests[#tests + 1] = named or nil, test
  end
  return list, row_filter.all(tests)
end

return M
