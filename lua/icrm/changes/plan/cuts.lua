--- Texts that the server cuts. Its description of a module gives no lengths: the
-- first record that comes back shorter than it was sent shows one.
-- @module icrm.changes.plan.cuts

local images = require "icrm.images"
local json = require "icrm.json"

local M = {}

--- The fields of a change that is done whose text was cut.
---
--- @param set table icrm.ChangeSet
--- @param change table
--- @param values table what it was marked with: `after` is the record as it came back
--- @return table field → how many characters were kept
function M.of(set, change, values)
  local differences = images.differences(set:schema(change.module), json.decode(change.fields),
    json.decode(values.after))
  return images.cuts(differences)
end

--- Count the planned changes whose text for a field is longer.
---
--- @param set table icrm.ChangeSet
--- @param module string
--- @param field string
--- @param kept integer characters
--- @return integer
function M.count(set, module, field, kept)
  local n = 0
  for change in set.store:each { states = { "planned" }, module = module } do
    local text = json.decode(change.fields)[field]
    if type(text) == "string" and #text > kept and (utf8.len(text) or 0) > kept then
      n = n + 1
    end
  end
  return n
end

return M
