--- What the recorded server held before the first recorded login.
--
-- The recording shows the 30 accounts in full, the first 110 contacts and 116
-- tickets, and of the others their number, their names and what counts and
-- relations tell. They follow patterns (a name per index, a birthday per
-- index), so the whole store can be written down again. What no exchange
-- shows (the town of contact 150) is chosen so that every count agrees.
-- @module spec.transcripts_state
local json = require "cjson"

local state = {}

local TOWNS = { "Paris", "Lyon", "Besançon", "Sète", "Fécamp", "L'Haÿ-les-Roses" }
local FIRST_NAMES = { "Hélène", "Jérôme", "Zoë", "François", "Anaïs", "Noël", "Chloé", "Rémi" }
local PRIORITIES = { "Low", "Normal", "High", "Urgent" }
local STATUSES = { "Open", "In Progress", "Wait For Response", "Closed" }

-- Contacts of Société Générale (11x3) that only retrieve_related shows, and
-- as many of Crédit "Agricole" (11x4) as the count over both asks for.
local ACCOUNT_OF_CONTACT = {
  [146] = 3, [161] = 3, [179] = 3, [183] = 3, [234] = 3, [254] = 3,
  [293] = 3, [298] = 3, [299] = 3,
  [150] = 4, [201] = 4, [251] = 4,
}

-- Import wrote 100 contacts in 7.6 s and 100 tickets in 5.6 s.
local function clock(start, index, per_second)
  local seconds = start + math.floor(index / per_second)
  return ("2026-11-24 01:%02d:%02d"):format(seconds // 60, seconds % 60)
end

local function cycle(list, index)
  return list[index % #list + 1]
end

local function contact(index)
  local tenth = index % 10 == 0
  return {
    firstname = cycle(FIRST_NAMES, index),
    lastname = tenth and "O'Brien-" .. index or ("Nom%04d"):format(index),
    birthday = index % 3 == 0 and ""
      or ("%d-%02d-%02d"):format(1950 + index % 50, 1 + index % 9, 10 + index % 10),
    email = index % 5 == 0 and "" or ("c%d@example.test"):format(index),
    account_id = index % 4 == 0 and ""
      or "11x" .. (ACCOUNT_OF_CONTACT[index] or 5 + index % 27),
    mailingcity = cycle(TOWNS, index),
    contact_no = "CON" .. index + 1,
    createdtime = clock(44 * 60 + 57, index + 5, 13.2),
  }
end

local function ticket(index)
  return {
    ticket_title = "Panneau livré en retard n°" .. index,
    ticketstatus = cycle(STATUSES, index),
    ticketpriorities = cycle(PRIORITIES, index),
    ticketseverities = "Minor",
    ticketcategories = "Small Problem",
    parent_id = index % 3 == 0 and "" or "11x" .. 5 + index % 27,
    description = [[Plus de 3 heures de retard, chantier "A" d'Évry]],
    ticket_no = "TT" .. index + 1,
    createdtime = clock(45 * 60 + 22, index, 16.7),
  }
end

-- Add to `rows` by id what a recorded reply shows of records that existed
-- before the replay's own creations. `except` is a field moved later.
local function add_shown(rows, exchanges, name, last_id, except)
  for _, exchange in ipairs(exchanges) do
    if exchange.name == name then
      local result = json.decode(exchange.response.body).result
      for _, row in ipairs(result.updated or result.id and { result } or result) do
        if tonumber(row.id:match "x(%d+)") <= last_id then
          row[except or ""] = nil
          rows[row.id] = rows[row.id] or row
        end
      end
    end
  end
  return rows
end

local function entry(module, id, values, shown)
  for field, value in pairs(shown or {}) do
    values[field] = value
  end
  values.id, values.label = nil, nil
  values.modifiedtime = values.modifiedtime or values.createdtime
  values.assigned_user_id = values.assigned_user_id or "19x1"
  values.modifiedby = values.modifiedby or "19x7"
  values.creator = values.modifiedby
  return { module = module, id = id, values = values }
end

--- Write the starting state as a data file of the sandbox.
--
-- @param exchanges the recording, decoded
-- @return JSON text: a list of `{module, id, values}` in creation order, and
--   the next number of each counter
function state.data(exchanges)
  local list = {}
  local accounts = add_shown({}, exchanges, "query/star", 31)
  for number = 2, 31 do
    list[#list + 1] = entry("Accounts", "11x" .. number, {}, accounts["11x" .. number])
  end
  local contacts = add_shown({}, exchanges, "sync/Contacts last hours", 361)
  add_shown(contacts, exchanges, "retrieve_related/contacts with label", 361)
  add_shown(contacts, exchanges, "retrieve_related/account with 120 contacts", 361, "account_id")
  for index = 0, 329 do
    local id = "12x" .. 32 + index
    list[#list + 1] = entry("Contacts", id, contact(index), contacts[id])
  end
  local tickets = add_shown({}, exchanges, "retrieve/ticket", 621)
  add_shown(tickets, exchanges, "sync/HelpDesk", 621)
  for index = 0, 259 do
    local id = "17x" .. 362 + index
    list[#list + 1] = entry("HelpDesk", id, ticket(index), tickets[id])
  end
  list[#list + 1] = { counter = { Accounts = 31, Contacts = 331, HelpDesk = 261 } }
  return json.encode(list)
end

return state
