--- Writes on trial, for the option probe of `icrm-lua doctor`: a record is created, changed in
-- each way that there is, looked at after each, and removed again.
-- @module icrm.cli.trial

local errors = require "icrm.error"
local values = require "icrm.values"

local M = {}

local MODULE, NAME = "Accounts", "accountname"
local TEXT = 'Été & <1 kg> "un"'
local AMOUNT = "1234.56789"

local Trial = {}
Trial.__index = Trial

-- The first field of some type that a client may write, besides those in use.
local function field_of(schema, kinds, taken)
  for _, field in ipairs(schema.fields) do
    if kinds[field.type] and field.editable and not taken[field.name] and not field.mandatory then
      taken[field.name] = true
      return field.name
    end
  end
end

local function fields_of(schema)
  local taken = { [NAME] = true, description = true }
  return {
    amount = field_of(schema, { currency = true, double = true }, taken),
    text = field_of(schema, { string = true, phone = true }, taken),
    other = field_of(schema, { string = true, phone = true }, taken),
    description = schema.by_name.description and "description" or nil,
  }
end

-- A record of its own, with a value in each field that is looked at.
local function new_element(self)
  local element = { [NAME] = ("icrm doctor %s"):format(self.mark),
    assigned_user_id = self.crm.user }
  local fields = self.fields
  element[fields.amount or ""] = AMOUNT
  element[fields.text or ""] = "avant"
  element[fields.other or ""] = "reste"
  element[fields.description or ""] = TEXT
  element[""] = nil
  return element
end

local function note(self, name, value, text)
  self.server:learn(name, value)
  self.add(true, name, text)
end

-- To how many decimals an amount was rounded; nil when it is not the amount.
local function decimals_left(found)
  for decimals = 4, 0, -1 do
    if math.abs(found - tonumber(("%." .. decimals .. "f"):format(AMOUNT))) < 1e-7 then
      return decimals
    end
  end
end

-- Whether the server reads an amount that is written as the user's settings have it.
local function reads_user_form(self, field)
  local settings = self.crm:own_settings()
  local separator = settings and settings.decimal_separator
  if not separator or separator == "." or not self.server:offers "revise" then
    return false
  end
  self.crm:call("revise", { element = { id = self.id,
    [field] = (AMOUNT:gsub("%.", separator)) } })
  local found = tonumber(self.crm:retrieve(self.id)[field])
  return found ~= nil and decimals_left(tonumber(("%.4f"):format(found))) ~= nil
end

local function check_amount(self, stored)
  local field = self.fields.amount
  local found = field and tonumber(stored[field])
  if not found then
    return
  end
  if found == tonumber(AMOUNT) then
    return note(self, "amounts", "kept", "are stored as they are sent")
  end
  local decimals = decimals_left(found)
  if decimals then
    return note(self, "amounts", "rounded:" .. decimals,
      ("are rounded to %d decimals: %s became %s"):format(decimals, AMOUNT, stored[field]))
  elseif reads_user_form(self, field) then
    return note(self, "amounts", "user form", ("are read as your settings write them: %s became "
      .. "%s; icrm writes them so where nothing better is known"):format(AMOUNT, stored[field]))
  end
  note(self, "amounts", "converted", ("are converted: %s became %s, in another currency or form "
    .. "than was sent; a set stops at the first"):format(AMOUNT, stored[field]))
end

-- What a change of one field did to the others, and whether it emptied one.
local function spilled(self, before, after, changed)
  local list, is_blanked = {}, false
  for _, field in ipairs(self.schema.fields) do
    local name = field.name
    local is_own = name == changed or name == "modifiedtime" or name == "modifiedby"
    if not is_own and not values.same(field, before[name] or "", after[name]) then
      list[#list + 1] = ("%s was %q, is %q"):format(name, values.shorten(before[name] or ""),
        values.shorten(tostring(after[name] or "")))
      is_blanked = is_blanked or (after[name] or "") == ""
    end
  end
  return list, is_blanked
end

local function check_change(self, operation)
  local before = self.crm:retrieve(self.id)
  local element = { id = self.id, [self.fields.text] = "après " .. operation }
  if operation == "update" then
    for _, name in ipairs(self.schema.mandatory) do
      element[name] = before[name]
    end
  end
  self.crm:call(operation, { element = element })
  local after = self.crm:retrieve(self.id)
  local list, is_blanked = spilled(self, before, after, self.fields.text)
  note(self, operation, is_blanked and "blanks" or #list == 0 and "keeps" or "changes", #list == 0
    and "of one field keeps all others" or "of one field changes others: "
      .. table.concat(list, "; ")
      .. (operation == "update" and self.server:fact "revise" == "keeps"
        and ". icrm changes records by revise here, where that keeps them" or ""))
end

local function try(self)
  local stored = self.crm:call("create", { elementType = MODULE, element = new_element(self) })
  self.id = values.is_id(stored.id) and stored.id
    or errors.raise { kind = "decode", operation = "create",
      message = "the server gave no record back" }
  check_amount(self, self.crm:retrieve(self.id))
  for _, operation in ipairs { "revise", "update" } do
    if self.fields.text and (operation == "update" or self.server:offers(operation)) then
      check_change(self, operation)
    end
  end
end

-- Remove what the trial created, however it ended.
local function clean(self)
  local rows = self.crm:from(MODULE):select("id"):where(NAME, "LIKE", "%" .. self.mark):all()
  for _, row in ipairs(rows) do
    self.crm:delete(row.id)
  end
  local left = self.crm:from(MODULE):select("id"):where(NAME, "LIKE", "%" .. self.mark):all()
  self.add(#left == 0, "trial", ("%d record%s of %s created and removed"):format(#rows,
    #rows == 1 and "" or "s", MODULE), left[1] and "remove " .. left[1].id .. " in the CRM")
end

local function refusal(crm, args)
  local host = crm.url:match "^%w+://([^/:]+)" or crm.url
  if crm.protected and args.confirm_host ~= host then
    return "this profile is protected", ("say --confirm-host %s"):format(host)
  elseif not crm:server():offers "delete" then
    return "this server cannot delete what the trial would create"
  end
  local information = crm:list_types()
  if not information[MODULE] then
    return ("%s may not see the module %s"):format(crm.username, MODULE)
  end
end

--- Write on trial and say what the server made of it.
---
--- @param add fun(ok: any, name: string, text: string, cure?: string)
--- @param crm icrm.Client
--- @param args table `confirm_host` for a protected profile
function M.run(add, crm, args)
  local why, cure = refusal(crm, args)
  if why then
    return add(cure == nil, "trial", "nothing was written: " .. why, cure)
  end
  local schema = crm:describe(MODULE)
  local self = setmetatable({ add = add, crm = crm, server = crm:server(), schema = schema,
    fields = fields_of(schema), mark = ("%08x%06x"):format(os.time(), math.random(0, 0xffffff)) },
    Trial)
  local ok, err = pcall(try, self)
  if not ok then
    add(false, "trial", errors.is(err) and err.message or tostring(err))
  end
  clean(self)
end

return M
