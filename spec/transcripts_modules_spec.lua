-- Replays the second recording of a vtiger 8 server against the sandbox: the modules that it
-- carries, a user who is no administrator, and users' settings. Of 1676 recorded exchanges 709 are
-- about modules that it does not carry (inventory, Vendors, Project and others): they are not here.
local lists = require "spec.transcripts_modules_lists"
local replay = require "spec.transcripts_replay"
local transcripts_agree = require "spec.transcripts_agree"

local FIRST_RECORDED = 1795836691 -- serverTime of the first getchallenge

-- The sandbox's user without rights has another name.
local function rename(exchange)
  local query, form = exchange.request.path_or_query, exchange.request.form
  exchange.request.path_or_query = query:gsub("vendeur", "jdupont")
  form.username = form.username and form.username:gsub("vendeur", "jdupont")
  exchange.response.body = exchange.response.body:gsub('"vendeur"', '"jdupont"')
  return exchange
end

local function recorded()
  local list = replay.read "spec/data/transcripts-modules.jsonl"
  for _, exchange in ipairs(replay.read "spec/data/transcripts-settings.jsonl") do
    list[#list + 1] = exchange
  end
  for _, exchange in ipairs(list) do
    rename(exchange)
  end
  return list
end

describe("the exchanges recorded from the modules of a vtiger 8", function()
  transcripts_agree {
    name = "transcripts-modules",
    exchanges = recorded(),
    count = 967,
    users = { "admin", "jdupont" },
    lists = lists,
    start = function()
      return {
        profile = "vtiger8", now = FIRST_RECORDED, empty = true,
        traits = "hidden-fields, everyone-creates",
        fields = {
          "Accounts.cf_icrm_token:string", "Accounts.siren:string", "Accounts.siret:string",
          "Accounts.latitude:double.6", "Accounts.longitude:double.6",
          "Contacts.cf_icrm_token:string", "Contacts.cf_niveau:picklist",
          "Contacts.cf_langues:multipicklist", "Contacts.cf_remise:double.2",
          "Contacts.cf_rdv:date", "Contacts.cf_heure:time", "Contacts.cf_moment:datetime",
          "Contacts.cf_montant:currency", "HelpDesk.cf_icrm_token:string",
          "Leads.cf_icrm_token:string", "Products.cf_icrm_token:string",
        },
      }
    end,
  }
end)
