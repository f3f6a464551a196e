--- How to write to each kind of server (icrm.kinds) without changing what was not
-- meant.
--
-- Neither of the two operations is pure. `update` may blank, round, convert or
-- encode what it is given or not given; `revise` keeps what it is not given, but
-- for some fields of some modules. So the way is chosen per server, module and
-- record; where nothing is known, it is learnt on the first record of a kind.
-- @module icrm.ways

local alterations = require "icrm.alterations"
local core = require "icrm.core"
local kinds = require "icrm.kinds"
local values = require "icrm.values"

local M = {}

-- coreBOS's converted columns, by describe's uitype.
local CONVERTED = { ["7"] = true, ["9"] = true, ["71"] = true, ["72"] = true }

local DEFAULT_DECIMALS = 2 -- of a user whose settings nobody may read

--- Find out what choosing a way will ask, ahead of it.
---
--- @param client icrm.Client
--- @param changes boolean whether records will be changed, and not only created
function M.prepare(client, changes)
  local server = client:server()
  if changes then
    server:offers "revise"
  end
end

--- How many calls `prepare` still takes.
---
--- @param client icrm.Client
--- @param changes boolean
--- @return integer
function M.preparation(client, changes)
  local known, offered = client._learnt, client.offered or {}
  local is_kept = known.server and known.server:fact "offers revise" ~= nil
  return ((known.server or known.types) and 0 or 1)
    + (changes and offered.revise == nil and not is_kept and 1 or 0)
end

local function settings_of(client)
  return client:own_settings() or {}
end

-- The decimals that are left of an amount: as the user's record says or as it was
-- seen, whichever is less.
local function decimals_of(known, settings)
  return math.min(settings.decimals or DEFAULT_DECIMALS, known.decimals or math.huge)
end

local NUMBERS = { double = true, currency = true }

-- A number that an update of this user would round.
local function is_rounded(known, settings, field, value)
  local text = values.text(value)
  return known.update_rounds
    and NUMBERS[field.type]
    and alterations.decimals(text) > decimals_of(known, settings)
end

-- Whether this user's amounts are read in another currency than they are kept in.
local function is_converted(client, field, value)
  return field.type == "currency" and (tonumber(values.text(value)) or 0) ~= 0
    and client:foreign_currency() ~= nil
end

--- The amounts that this server will convert, because the user's own currency is not
--- the one in which it keeps amounts.
---
--- @param client icrm.Client
--- @param schema icrm.Schema
--- @param fields table field → value
--- @return table list of { field, sent, currency }, sorted by field
function M.conversions(client, schema, fields)
  local list = {}
  for name, value in pairs(kinds.of(client).as_stored and {} or fields) do
    local field = schema.by_name[name]
    if field and is_converted(client, field, value) then
      list[#list + 1] = { field = name, sent = values.text(value),
        currency = client:foreign_currency() }
    end
  end
  table.sort(list, function(a, b) return a.field < b.field end)
  return list
end

--- The numbers that have more decimals than the user's settings, to which this
--- server rounds, as far as that is known.
---
--- @param client icrm.Client
--- @param schema icrm.Schema
--- @param fields table field → value
--- @return table list of { field, sent, decimals }, sorted by field
function M.roundings(client, schema, fields)
  local known, list = kinds.of(client), {}
  local is_told = known.is_known and known.update_rounds or known.decimals
  for name, value in pairs(is_told and fields or {}) do
    local field = schema.by_name[name]
    local is_long = field and NUMBERS[field.type] and alterations.decimals(values.text(value)) > 0
    local settings = is_long and settings_of(client) or {}
    local is_certain = known.decimals or settings.decimals
    if is_long and is_certain and is_rounded(known, settings, field, value) then
      list[#list + 1] = { field = name, sent = values.text(value),
        decimals = decimals_of(known, settings) }
    end
  end
  table.sort(list, function(a, b) return a.field < b.field end)
  return list
end

local function first_match(pattern, fields)
  for name, value in pairs(fields) do
    if name:find(pattern) and not alterations.is_nothing(values.text(value)) then
      return name
    end
  end
end

-- A field that revise would empty, or could not be trusted to set.
local function dropped_field(module, current, fields)
  for _, pattern in ipairs(module.drops or {}) do
    local name = first_match(pattern, fields) or first_match(pattern, current)
    if name then
      return name
    end
  end
end

-- Numbers and times as this server reads them from this user.
local function in_user_form(client, schema, fields)
  local settings, element = settings_of(client), core.copy(fields)
  for name, value in pairs(fields) do
    local field = schema.by_name[name]
    if field and NUMBERS[field.type] and (CONVERTED[field.uitype] or field.uitype == nil) then
      element[name] = values.text(value):gsub("%.", settings.decimal_separator or ".")
    end
  end
  return element
end

-- Whether a time among the fields would be read in a zone that is not UTC.
local function has_local_time(client, schema, fields)
  for name, value in pairs(fields) do
    local field = schema.by_name[name]
    local is_time = field and (field.type == "time" or field.type == "datetime")
    if is_time and value ~= "" then
      local zone = settings_of(client).time_zone
      return zone ~= "UTC" and zone ~= "GMT"
    end
  end
  return false
end

local function add_along(element, current, names)
  for _, name in ipairs(names or {}) do
    if element[name] == nil and current[name] ~= nil then
      element[name] = current[name]
    end
  end
end

-- The changed fields, and those without which revise does harm.
local function revised(client, known, schema, current, fields)
  local module = known.modules[schema.name] or {}
  local element = core.copy(fields)
  add_along(element, current, module.along)
  for name, names in pairs(module.along_with or {}) do
    add_along(element, current, fields[name] ~= nil and names or nil)
  end
  if known.user_form then
    element = in_user_form(client, schema, element)
  end
  return { operation = "revise", element = element, name = "revise" }
end

local function failure(code, format, ...)
  return nil, { code = code, message = format:format(...) }
end

-- `update` with the changed fields and with what goes along: all there is
-- (`is_whole`), or what the server demands.
local function updated(client, known, schema, current, fields, is_whole, accepts)
  local element, settings = core.copy(fields), settings_of(client)
  local price = (known.modules[schema.name] or {}).price
  local all = is_whole and known.as_stored -- what is left out would be converted
  for _, field in ipairs(schema.fields) do
    local name, value = field.name, current[field.name]
    local goes = is_whole or field.mandatory
    if (field.editable or all) and goes and fields[name] == nil and value ~= nil then
      local rounds = is_rounded(known, settings, field, value)
      local converts = not all and is_converted(client, field, value)
      local needed = field.mandatory or name == price
      if converts and needed and not accepts(name, "converted") then
        return failure("NO_SAFE_WAY", "%s cannot be changed without converting %s, %s, from %s "
          .. "to %s", current.id, name, values.text(value), client:foreign_currency().name,
          client:foreign_currency().base)
      elseif rounds and needed and not accepts(name, "rounded") then
        return failure("NO_SAFE_WAY",
          "%s cannot be changed without rounding %s, %s, to %d decimals", current.id, name,
          values.text(value), decimals_of(known, settings))
      elseif needed or not (rounds or converts) then
        element[name] = value
      end
    end
  end
  add_along(element, current, known.update_along)
  for _, name in ipairs(schema.mandatory) do
    if values.text(element[name]) == "" then
      return failure("MANDATORY", "%s: the stored record has no value for %s, which the server "
        .. "demands; give one as well", current.id, name)
    end
  end
  if is_whole and known.as_stored then
    element[known.as_stored] = "1"
  elseif known.user_form then
    element = in_user_form(client, schema, element)
  end
  return { operation = "update", element = element, name = is_whole and "whole" or "update" }
end

-- `update` keeps a reference that is to become empty.
local function cleared_reference(schema, current, fields)
  for name, value in pairs(fields) do
    local field = schema.by_name[name]
    local is_reference = field and field.type == "reference"
    if is_reference and value == "" and values.text(current[name]) ~= "" then
      return name
    end
  end
end

local function accept_nothing()
  return false
end

--- Choose how to change some fields of a record.
---
--- @param client icrm.Client
--- @param schema icrm.Schema
--- @param current icrm.Record the record as retrieve returned it
--- @param fields table field → value, what is to change
--- @param options? table `learnt`: "whole" when this server was seen to blank what
---   is absent; `accepts(field, kind)`: whether a harm was accepted
--- @return table? way `operation`, `element` (with its id), `name` (revise, update or
---   whole); nil when there is none
--- @return table? failure `code`, `message`
function M.choose(client, schema, current, fields, options)
  options = options or {}
  local known = kinds.of(client)
  local accepts = options.accepts or accept_nothing
  local revises = not known.shuns_revise and client:server():offers "revise"
  local dropped = dropped_field(known.modules[schema.name] or {}, current, fields)
  local needs_whole = options.learnt == "whole"
    or not options.learnt and not revises and known.update_blanks
    or revises and dropped ~= nil
    or known.as_stored and has_local_time(client, schema, fields)
  local way, err
  if revises and not needs_whole then
    way = revised(client, known, schema, current, fields)
  else
    local reference = cleared_reference(schema, current, fields)
    if reference then
      return failure("CANNOT_CLEAR", "%s cannot be emptied: %s", reference, revises
        and ("the operation that can, revise, would empty %s as well"):format(dropped or "others")
        or "this server's update keeps references")
    end
    way, err = updated(client, known, schema, current, fields, needs_whole, accepts)
  end
  if way then
    way.element.id = current.id
    way.is_known = known.is_known or options.learnt ~= nil
  end
  return way, err
end

--- The element by which some fields of a record are revised, because the caller
--- wants revise and nothing else.
---
--- @param client icrm.Client
--- @param schema icrm.Schema
--- @param fields table field → value
--- @param read fun(): icrm.Record reads the record; called where the element needs it
--- @return table? element nil where revise would take something away
--- @return table? failure `code`, `message`
function M.revision(client, schema, fields, read)
  local known = kinds.of(client)
  local module = known.modules[schema.name] or {}
  local current = (module.drops or module.along or module.along_with) and read() or {}
  local dropped = dropped_field(module, current, fields)
  if dropped then
    return failure("NO_SAFE_WAY", "revise would empty %s of %s; crm:update keeps it", dropped,
      current.id)
  end
  return revised(client, known, schema, current, fields).element
end

local function add_empty_dates(schema, element)
  for _, field in ipairs(schema.fields) do
    if field.type == "date" and field.editable and element[field.name] == nil then
      element[field.name] = ""
    end
  end
end

--- The element by which a record is created: the fields, and what this server
--- must be given so that it stores them as they are and nothing of its own.
---
--- @param client icrm.Client
--- @param schema icrm.Schema
--- @param fields table field → value
--- @return table element `fields` itself where nothing is to be added
function M.creation(client, schema, fields)
  local known, element = kinds.of(client), fields
  if known.as_stored then
    element = core.copy(fields)
    element[known.as_stored] = "1"
  end
  if known.empty_dates then
    add_empty_dates(schema, element)
  end
  if known.user_form and not known.as_stored then
    element = in_user_form(client, schema, element)
  end
  if schema.name == "Calendar" and fields.activitytype == nil and schema.by_name.activitytype then
    element = core.copy(element)
    element.activitytype = "Task" -- without it, the record becomes an event
  end
  return element
end

--- Correct the id of an activity that was created: its type decides of which
--- module the stored record is, not the module that it was created in.
---
--- @param client icrm.Client
--- @param module string
--- @param record icrm.Record as create returned it; its id is changed
function M.follow(client, module, record)
  if module ~= "Calendar" and module ~= "Events" then
    return
  end
  local is_task = record.activitytype == "Task"
  local other = module == "Calendar" and not is_task and "Events"
    or module == "Events" and is_task and "Calendar"
  if other and kinds.of(client).activities then
    record.id = client:describe(other).id_prefix .. record.id:match "x%d+$"
  end
end

return M
