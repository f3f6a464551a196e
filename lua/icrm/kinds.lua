--- The kinds of servers, and what each does to what is written: it stands here and
-- nowhere else. docs/servers.md is its mirror.
-- @module icrm.kinds

local M = {}

-- Fields that revise empties although they are not named in it, as patterns.
-- Where a record has such a value, it is sent back by a whole update.
local VTIGER_MODULES = {
  Products = { drops = { "^currency%d+$", "^tax%d+$" }, price = "unit_price" },
  Services = { drops = { "^currency%d+$", "^tax%d+$" }, price = "unit_price" },
  Events = { drops = { "^reminder_time$" } },
}
for _, module in ipairs { "Quotes", "SalesOrder", "Invoice", "PurchaseOrder" } do
  -- Lines without the type of tax are stored without tax.
  VTIGER_MODULES[module] = { along_with = { LineItems = { "hdnTaxType" } } }
end

local KNOWN = {
  vtiger8 = {
    is_known = true,
    modules = VTIGER_MODULES,
    update_along = { "description" }, -- left out, it is stored again with HTML entities
    update_rounds = true, -- amounts and doubles, to the user's decimals
    activities = true, -- the stored activitytype decides between Calendar and Events
  },
  corebos = {
    is_known = true,
    modules = {
      Documents = { -- revise without them loses the file
        along = {
          "notes_title",
          "filelocationtype",
          "filestatus",
          "filename",
          "filesize",
          "filetype",
          "filedownloadcount",
        },
      },
    },
    user_form = true, -- reads numbers and times in the user's form
    -- Values are taken as they are. Right for creates and whole updates; with a
    -- part of a record it destroys the rest.
    as_stored = "__cbws_skipcurdbconvall",
    empty_dates = true, -- an absent date becomes today's; needs `as_stored`
  },
  -- The safe branch: what is known of the family, facts that make it safer (law 35),
  -- and a look at the first record.
  unknown = { modules = VTIGER_MODULES, update_along = { "description" }, update_rounds = true },
}

-- What a server computes from other fields; `true`: from any write.
local FOLLOWS = {
  modifiedtime = true,
  modifiedby = true,
  update_log = true,
  filedownloadcount = true,
  label = true,
  forecast_amount = { "amount", "probability", "sales_stage" },
  probability = { "sales_stage" },
  progress = { "used_units", "total_units" },
  duration_hours = { "date_start", "time_start", "due_date", "time_end", "dtstart", "dtend" },
  duration_minutes = { "date_start", "time_start", "due_date", "time_end" },
  date_start = { "dtstart" },
  time_start = { "dtstart" },
  due_date = { "dtend" },
  time_end = { "dtend" },
  filename = { "filelocationtype" },
  fullname = { "firstname", "lastname" },
}

local function has_any(names, sent)
  for _, name in ipairs(names) do
    if sent[name] ~= nil then
      return true
    end
  end
  return false
end

--- Whether the server computes a field from those that were sent.
---
--- @param name string
--- @param sent table field → value
--- @return boolean
function M.follows(name, sent)
  local causes = FOLLOWS[name]
  if causes then
    return causes == true or has_any(causes, sent)
  elseif name:find "^currency%d+$" then
    return sent.unit_price ~= nil
  elseif name:find "^hdn" or name:find "_total$" then
    return sent.LineItems ~= nil or sent.pdoInformation ~= nil
  end
  local reference = name:match "^(.+)ename$" -- coreBOS shows what it points to
  return reference ~= nil and (sent[reference] ~= nil or M.follows(reference, sent))
end

-- What is known of a kind, and what was seen of this server. A fact narrows the
-- choice or names a harm; none makes up for the look at the first record (law 35).
local function with_facts(server)
  local known = KNOWN[server.kind] or KNOWN.unknown
  local amounts = tostring(server:fact "amounts" or "")
  local weighed = setmetatable({ kind = server.kind,
    decimals = tonumber(amounts:match "^rounded:(%d+)$") }, { __index = known })
  if not known.is_known then
    local updates, revises = server:fact "update", server:fact "revise"
    weighed.update_blanks = updates == "blanks"
    weighed.shuns_revise = updates == "keeps" and revises ~= nil and revises ~= "keeps"
    weighed.user_form = amounts == "user form"
  end
  return weighed
end

--- What is known of the server that a client is connected to.
---
--- @param client icrm.Client
--- @return table knowledge; `is_known` false where the first record must show it
function M.of(client)
  local learnt = client._learnt -- asked with every write
  local server = learnt and learnt.server or client:server()
  local known = server.ways
  if not known or known.kind ~= server.kind then
    known = with_facts(server)
    server.ways = known
  end
  return known
end

return M
