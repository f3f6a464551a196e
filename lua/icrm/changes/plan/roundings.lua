--- Numbers of a plan that the server will round: told before anything is sent,
-- where its rule is known.
-- @module icrm.changes.plan.roundings

local cures = require "icrm.cures"
local json = require "icrm.json"
local ways = require "icrm.ways"

local M = {}

--- Count what the server will round in the fields of a planned change.
---
--- @param set icrm.ChangeSet
--- @param module string
--- @param fields table field → value
function M.note(set, module, fields)
  for _, one in ipairs(ways.roundings(set.client, set:schema(module), fields)) do
    local name = module .. "." .. one.field
    local entry = set.roundings[name] or { n = 0, sent = one.sent, decimals = one.decimals }
    set.roundings[name] = entry
    entry.n = entry.n + 1
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

--- What is to be said of them, one line for each field.
---
--- @param set icrm.ChangeSet
--- @return string[]
function M.lines(set)
  local counts, lines = json.decode(set.store:get_meta "roundings" or "{}"), {}
  for name, entry in pairs(counts) do
    lines[#lines + 1] = ("%s: %s more decimals than the %d of this user's settings, to which the "
      .. "server rounds (%s, for example): round them in the source, give the user more "
      .. "decimals in the CRM, or accept it: %s."):format(name,
      entry.n == 1 and "1 value has" or ("%d values have"):format(entry.n), entry.decimals,
      entry.sent, cures.say("{accept=WORD}", { WORD = name .. ":rounded" }))
  end
  table.sort(lines)
  return lines
end

return M
