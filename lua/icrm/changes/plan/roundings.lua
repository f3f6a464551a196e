--- Numbers of a plan that the server will round or convert: told before anything is
-- sent, where its rule is known.
-- @module icrm.changes.plan.roundings

local cures = require "icrm.cures"
local json = require "icrm.json"
local ways = require "icrm.ways"

local M = {}

local function count(set, name, entry)
  set.roundings[name] = set.roundings[name] or entry
  set.roundings[name].n = set.roundings[name].n + 1
end

--- Count what the server will round or convert in the fields of a planned change.
---
--- @param set icrm.ChangeSet
--- @param module string
--- @param fields table field → value
function M.note(set, module, fields)
  local schema = set:schema(module)
  for _, one in ipairs(ways.roundings(set.client, schema, fields)) do
    count(set, module .. "." .. one.field, { n = 0, sent = one.sent, decimals = one.decimals })
  end
  for _, one in ipairs(ways.conversions(set.client, schema, fields)) do
    count(set, ("%s.%s:%s"):format(module, one.field, "converted"),
      { n = 0, sent = one.sent, currency = one.currency })
  end
end

--- Keep the counts with the set.
---
--- @param set icrm.ChangeSet
function M.save(set)
  if next(set.roundings) then
    set.store:set_meta("roundings", json.encode(set.roundings))
  end
end

local function rounded_line(name, entry)
  return ("%s: %s more decimals than the %d of this user's settings, to which the "
    .. "server rounds (%s, for example): round them in the source, give the user more "
    .. "decimals in the CRM, or accept it: %s."):format(name,
    entry.n == 1 and "1 value has" or ("%d values have"):format(entry.n), entry.decimals,
    entry.sent, cures.say("{accept=WORD}", { WORD = name .. ":rounded" }))
end

local function converted_line(word, entry)
  local currency = entry.currency
  return ("%s: %s in %s, the currency of this user, and kept in %s, of which one is %s: %s "
    .. "becomes about %.2f. Give the user the currency %s in the CRM; or, if the amounts are "
    .. "meant in %s, accept it: %s."):format(word:match "^[^:]+",
    entry.n == 1 and "1 amount is read" or ("%d amounts are read"):format(entry.n),
    currency.name, currency.base, ("%.5g %s"):format(currency.rate, currency.name), entry.sent,
    (tonumber(entry.sent) or 0) / currency.rate, currency.base, currency.name,
    cures.say("{accept=WORD}", { WORD = word }))
end

--- What is to be said of them, one line for each field.
---
--- @param set icrm.ChangeSet
--- @return string[]
function M.lines(set)
  local counts, lines = json.decode(set.store:get_meta "roundings" or "{}"), {}
  for name, entry in pairs(counts) do
    lines[#lines + 1] = (entry.currency and converted_line or rounded_line)(name, entry)
  end
  table.sort(lines)
  return lines
end

return M
