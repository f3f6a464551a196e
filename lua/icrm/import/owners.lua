--- Owners by what a person calls them: a user's name, login or address, a group's name.
--
-- The users and groups are asked for once, whoever is named first.
-- @module icrm.import.owners

local errors = require "icrm.error"
local nearest = require "icrm.nearest"
local text_tools = require "icrm.text"
local values = require "icrm.values"

local M = {}

local Owners = { __name = "icrm.import.Owners" }
Owners.__index = Owners

-- What names a user or a group, and what of that is wanted at least.
local MODULES = {
  { name = "Users", fields = { "user_name", "first_name", "last_name", "email1", "status" } },
  { name = "Groups", fields = { "groupname" } },
}

--- @param crm icrm.Client
--- @return icrm.import.Owners owners with nothing asked for yet
function M.new(crm)
  return setmetatable({ crm = crm }, Owners)
end

local function add(found, text, owner)
  local form = text_tools.fold(text)
  if form == "" then
    return
  end
  found.words[#found.words + 1] = text
  local list = found.by_form[form] or {}
  found.by_form[form] = list
  for _, one in ipairs(list) do
    if one.id == owner.id then
      return
    end
  end
  list[#list + 1] = owner
end

local function add_row(found, row)
  local first, last = row.first_name or "", row.last_name or ""
  local owner = { id = row.id, is_active = (row.status or "Active") == "Active",
    name = text_tools.trim(row.groupname or first .. " " .. last) }
  for _, text in ipairs { row.groupname or "", row.user_name or "", row.email1 or "", last,
    first .. " " .. last, last .. " " .. first } do
    add(found, text, owner)
  end
end

local function rows_of(self, module, wanted)
  local schema, columns = self.crm:describe(module), {}
  for _, name in ipairs(wanted) do
    columns[#columns + 1] = schema.by_name[name] and name
  end
  return self.crm:from(module):select(table.unpack(columns)):all()
end

-- Who may not see users or groups finds none of them by name; of a server that does not
-- answer nobody can tell.
local function load(self)
  local found = { by_form = {}, words = {} }
  for _, module in ipairs(MODULES) do
    local rows, err = errors.try(rows_of, self, module.name, module.fields)
    if err and not (errors.is(err, "refused") or errors.is(err, "input")) then
      error(err, 0)
    end
    for _, row in ipairs(rows or {}) do
      add_row(found, row)
    end
  end
  table.sort(found.words)
  self.by_form, self.words = found.by_form, found.words
end

-- Of several those who work there still, if that is one.
local function only_active(list)
  local active = {}
  for _, owner in ipairs(list) do
    active[#active + 1] = owner.is_active and owner or nil
  end
  return #active == 1 and active or list
end

local function described(list)
  local words = {}
  for i, owner in ipairs(list) do
    words[i] = ("%s (%s)"):format(owner.name, owner.id)
  end
  return table.concat(words, ", ")
end

--- Find the owner that a text names, whatever its case and accents; an id is taken as it is.
---
--- @param text string
--- @return string? id
--- @return string? problem when there is none, or several, in words that fit behind the text
--- @return string? cure
--- @return string? near who was probably meant
function Owners:find(text)
  if values.is_id(text) or text == "" then
    return text
  elseif not self.by_form then
    load(self)
  end
  local list = only_active(self.by_form[text_tools.fold(text)] or {})
  if #list == 1 then
    return list[1].id
  elseif #list > 1 then
    return nil, ("names %d users or groups"):format(#list), "say which: " .. described(list)
  end
  local near = nearest.name(text, self.words)
  return nil, "is no user or group that this user may see", (near and nearest.ask(near) .. " "
    or "") .. "give a name, a login or an id such as 19x1", near
end

return M
