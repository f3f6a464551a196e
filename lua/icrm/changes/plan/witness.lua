--- Witnesses: how a record is found again whose creation got no answer.
-- @module icrm.changes.plan.witness

local json = require "icrm.json"
local refuse = require("icrm.error").refuse

local M = {}

--- How a record of a module is found again. A document that is attached has its tag in
--- the text of the document, unless another field is named.
---
--- @param set icrm.ChangeSet
--- @param module string
--- @return table? { tag = field } or { key = { field, … } }
function M.of(set, module)
  set.witnesses = set.witnesses or json.decode(set.store:get_meta "witness")
  return set.witnesses[module] or (module == "Documents" and { tag = "notecontent" } or nil)
end

--- Refuse a witness that the module cannot keep: told now, before the first record is
--- made with it.
---
--- @param set icrm.ChangeSet
--- @param module string
function M.check(set, module)
  local schema, witness = set:schema(module), M.of(set, module)
  for _, name in ipairs(witness and (witness.key or { witness.tag }) or {}) do
    local field = schema.by_name[name]
    if not field then
      local fault = schema:unknown_field(name)
      refuse("witness of %s: %s; %s", module, fault.message, fault.cure)
    elseif
      witness.tag and not (field.editable and (field.type == "string" or field.type == "text"))
    then
      refuse(
        "a tag cannot be kept in %s.%s, which is %s; name a text field of 20 characters or more",
        module,
        name,
        field.editable and "of type " .. field.type or "read-only"
      )
    end
  end
end

return M
