--- What the replay of the second recording of a vtiger 8 needs to know beside it.
-- @module spec.transcripts_modules_lists
local lists = { session_user = {}, hooks = {} }

-- Counters stood where the database that was used before had left them, and a
-- star is one user's own.
lists.volatile = {
  account_no = true, contact_no = true, ticket_no = true, product_no = true, lead_no = true,
  potential_no = true, note_no = true, groupid = true,
  starred = true,
}

local USED = "what a database holds that was used before the recording"
local CONVERTS = "the sandbox does not offer convertlead: it belongs to the modules not carried"

--- Exchanges that are not sent, with the reason.
lists.skipped = { ["convertlead/*"] = CONVERTS }
for _, module in ipairs { "Calendar", "Leads", "Accounts", "Contacts", "Potentials", "Products",
  "Documents", "HelpDesk", "Events", "ModComments" } do
  lists.skipped["count/" .. module] = USED
  lists.skipped["query/star limit 2 " .. module] = USED
end


-- The groups of exchanges that were recorded once per setting of a user.
local SETTINGS = {
  "settings [comma, dot, Paris, dd-mm-yyyy]: ",
  "settings [comma, space, Paris, dd-mm-yyyy, 24 h, 3 decimals]: ",
  "settings [dot, comma, New York, mm-dd-yyyy]: ",
}
for _, group in ipairs(SETTINGS) do
  for _, query in ipairs { "Contacts WHERE cf_remise", "Contacts WHERE cf_rdv",
    "Contacts WHERE cf_moment", "Potentials WHERE amount" } do
    lists.skipped[group .. "query " .. query] = USED
  end
end
for _, name in ipairs { "query/star limit 2 Users", "modules/query Products unit_price range",
  "permissions/vendeur: query HelpDesk (private)", "permissions/vendeur: count HelpDesk (private)",
  "permissions/admin: count HelpDesk", "permissions/vendeur: query Contacts WHERE owner another",
  "inventory/stock of the product after all", "calendar/count Calendar" } do
  lists.skipped[name] = USED
end

local SET_UP = "the recorded server was set up with other picklists, custom fields and modules"
local SHOWN = "dates are described in the form of the user who asks; here in one form"
local LANGUAGE = "labels are in the language of the user who asks; here in one"
local RIGHTS = "the recorded user may not see others' tickets, nor Invoice"
local SHIFTED = "a time in a date field moves the date to the user's time zone"
local READS = "a form of date that only this user's setting explains"

--- Exchanges whose reply differs, with the reason.
lists.known = {
  ["listtypes/admin fr"] = SET_UP,
  ["describe/Accounts"] = SET_UP,
  ["describe/Contacts"] = SET_UP,
  ["describe/Products"] = SET_UP,
  ["describe/Users"] = SET_UP,
  ["relatedtypes/HelpDesk"] = SET_UP,
  ["permissions/vendeur: listtypes"] = SET_UP,
  ["permissions/vendeur: describe HelpDesk"] = RIGHTS,
  ["permissions/vendeur: describe Contacts"] = SET_UP,
  ["permissions/vendeur: relatedtypes Accounts"] = RIGHTS,
  ["modules/create Products with inactive currency"] = "there is one currency here",
  ["calendar/query Events: Calendar, activitytype Emails"] =
    "an activity of the type Emails is of the module Emails, which is not carried",
  ["related/add_related Accounts–Products, label 'Produits'"] =
    "the first recording refuses a label that is none, this one takes any",
}

-- Others' tickets.
for _, name in ipairs { "query foreign ticket by id", "retrieve foreign private ticket",
  "revise foreign private ticket", "update foreign private ticket",
  "delete foreign private ticket", "delete own ticket (no delete right)",
  "give own ticket to another", "retrieve ticket given away" } do
  lists.known["permissions/vendeur: " .. name] = RIGHTS
end

--- Exchanges whose reply has the recorded form but other values.
lists.known_values = {
  ["errors/changed language describe HelpDesk (en)"] = LANGUAGE,
  ["errors/changed language describe HelpDesk (fr)"] = SET_UP,
  ["describe/HelpDesk"] = SET_UP,
  ["describe/Leads"] = SET_UP,
  ["describe/Calendar"] = SHOWN,
  ["describe/Events"] = SHOWN,
  ["describe/Potentials"] = SHOWN,
  ["calendar/create Calendar, datetime in date_start"] = SHIFTED,
  ["calendar/retrieve as Calendar: Calendar, datetime in date_start"] = SHIFTED,
  ["calendar/query Calendar: Calendar, datetime in date_start"] = SHIFTED,
  [SETTINGS[3] .. "create Potentials amount 1.234,56"] = READS,
  [SETTINGS[3] .. "create Events"] = READS,
  [SETTINGS[3] .. "retrieve Events"] = READS,
  [SETTINGS[3] .. "retrieve Events by admin"] = READS,
  [SETTINGS[3] .. "update whole record unchanged Events, time 1"] = READS,
  [SETTINGS[3] .. "update whole record unchanged Events, time 2"] = READS,
  [SETTINGS[3] .. "retrieve after update Events, time 1"] = READS,
  [SETTINGS[3] .. "retrieve after update Events, time 2"] = READS,
}

-- The recorded users and their settings, which were changed in the database.
local function settings(user, values)
  return function(replay)
    local session = replay:login "admin"
    values.id = user
    replay:call("POST", {
      { "operation", "revise" }, { "sessionName", session },
      { "element", require "cjson".encode(values) },
    })
  end
end

lists.hooks["login/admin fr: getchallenge"] = settings("19x1", {
  first_name = "", last_name = "Administrator", email1 = "admin@example.invalid",
  hour_format = "12", date_format = "dd-mm-yyyy", userlabel = "Administrator",
})
lists.hooks["login/permissions vendeur: getchallenge"] = settings("19x5", {
  last_name = "Vendeur", email1 = "vendeur@example.invalid", hour_format = "12",
  date_format = "mm-dd-yyyy", time_zone = "America/New_York",
})
lists.hooks["login/settings vendeur [comma, dot, Paris, dd-mm-yyyy]: getchallenge"] =
  settings("19x5", { date_format = "dd-mm-yyyy", time_zone = "Europe/Paris" })
lists.hooks["login/settings vendeur [comma, space, Paris, dd-mm-yyyy, 24 h, 3 decimals]: "
  .. "getchallenge"] = settings("19x5", { hour_format = "24", no_of_currency_decimals = "3" })
lists.hooks["login/settings vendeur [dot, comma, New York, mm-dd-yyyy]: getchallenge"] =
  settings("19x5", { hour_format = "12", date_format = "mm-dd-yyyy",
    time_zone = "America/New_York", no_of_currency_decimals = "2" })
lists.hooks["login/decimals vendeur (5 decimals): getchallenge"] =
  settings("19x5", { hour_format = "12", date_format = "dd-mm-yyyy", time_zone = "Europe/Paris",
    no_of_currency_decimals = "5" })

return lists
