--- What a soak sends: rows of a CSV file, and the records that the sandbox has
-- before, in the ids of the server that it plays.
-- @module spec.soak.input

local input = {}

local HEAD = { "key", "operation", "module", "record", "accountname", "phone", "ticket_title",
  "ticketstatus", "ticketpriorities", "description", "parent_id", "assigned_user_id" }

-- Values that are hard to carry, and that the server stores as they are.
local HARD = { "L'Oréal \"été\"", "a;b,c & d=e+f%20", "<b>gras</b>", "ligne 1\nligne 2", "00123",
  "C:\\temp\\", "日本語" }

-- How the ids of a module begin.
local PREFIXES = {
  initiative = { HelpDesk = "9x", Accounts = "3x" },
  vtiger8 = { HelpDesk = "17x", Accounts = "11x" },
  ["vtiger8-stock"] = { HelpDesk = "17x", Accounts = "11x" },
  corebos = { HelpDesk = "17x", Accounts = "11x" },
}

local function csv_line(row)
  local cells = {}
  for i, name in ipairs(HEAD) do
    cells[i] = '"' .. tostring(row[name] or ""):gsub('"', '""') .. '"'
  end
  return table.concat(cells, ",")
end

local function account(i)
  return { key = "a" .. i, operation = "create", module = "Accounts",
    accountname = ("Société %05d"):format(i), phone = ("%010d"):format(i) }
end

-- Of a user who is no administrator every fifth ticket goes to one.
local ADMIN = "19x1"

local function ticket(i, parent, owner)
  return { key = "t" .. i, operation = "create", module = "HelpDesk",
    ticket_title = ("Ticket %05d"):format(i), ticketstatus = "Open", ticketpriorities = "Low",
    description = HARD[i % #HARD + 1], parent_id = parent and "@" .. parent,
    assigned_user_id = owner and i % 5 == 0 and ADMIN or nil }
end

local function owned_by(owner)
  return owner and ([["assigned_user_id":"%s",]]):format(owner) or ""
end

-- A record that is there before. What of it is not named by a row must come out as
-- it went in: a description that an encoding would change, hours that rounding would.
local function base_record(i, ids, owner)
  return ([[{"module":"HelpDesk","id":"%s%d","values":{%s"ticket_title":"Ancien %05d",
    "ticketstatus":"Open","ticketpriorities":"Low","hours":"1.256",
    "description":"avant & \"après\""}}]]):format(ids.HelpDesk, 10000 + i, owned_by(owner), i)
end

-- One record of each module that has a tag: without it a search for the first
-- create of a module could not be seen to work.
local function controls(ids, owner)
  return {
    ([[{"module":"HelpDesk","id":"%s9001","values":{%s"ticket_title":"Contrôle",
      "ticketstatus":"Open","cf_icrm":"ICCONTROL0000000001"}}]]):format(ids.HelpDesk,
      owned_by(owner)),
    ([[{"module":"Accounts","id":"%s9002","values":{%s"accountname":"Contrôle",
      "cf_icrm":"ICCONTROL0000000002"}}]]):format(ids.Accounts, owned_by(owner)),
  }
end

local function update(i, ids)
  return { key = "u" .. i, operation = "update", module = "HelpDesk",
    record = ids.HelpDesk .. 10000 + i, ticketstatus = "Closed",
    description = i % 16 == 4 and HARD[i % #HARD + 1] or nil }
end

local function delete(i, ids)
  return { key = "d" .. i, operation = "delete", module = "HelpDesk",
    record = ids.HelpDesk .. 10000 + i }
end

-- One row in eight is an account, five are tickets of one, one is an update,
-- one in twenty a deletion.
local function mixed(n, ids, owner)
  local rows, base, parent = {}, {}, nil
  for i = 1, n do
    if i % 8 == 1 then
      rows[i] = account(i)
      parent = rows[i].key
    elseif i % 8 == 4 then
      base[#base + 1] = base_record(i, ids, owner)
      rows[i] = update(i, ids)
    elseif i % 12 == 11 then
      base[#base + 1] = base_record(i, ids, owner)
      rows[i] = delete(i, ids)
    else
      rows[i] = ticket(i, parent, owner)
    end
  end
  return rows, base
end

local function creates(n)
  local rows = {}
  for i = 1, n do
    rows[i] = ticket(i)
  end
  return rows, {}
end

-- Names that some server reads as the end of a list, and misses then.
local function names(n)
  local rows = {}
  for i = 1, n do
    rows[i] = ticket(i)
    rows[i].ticket_title = ("L'Oréal (%05d). S.A."):format(i)
  end
  return rows, {}
end

local KINDS = { mixed = mixed, creates = creates, names = names }

--- Make the input of a job.
--
-- @param kind string "mixed", "creates", or "names": creates with names that are hard to
--   look for
-- @param n integer rows
-- @param profile string of the sandbox
-- @param owner string|nil id of the user who sends it, when he is no administrator
-- @return string a CSV file
-- @return string a JSON file for the sandbox's `data`
function input.make(kind, n, profile, owner)
  local ids = assert(PREFIXES[profile], "the soak does not know the ids of this profile")
  local rows, base = KINDS[kind](n, ids, owner)
  local lines = { table.concat(HEAD, ",") }
  for i, row in ipairs(rows) do
    lines[i + 1] = csv_line(row)
  end
  local more = controls(ids, owner)
  table.move(more, 1, #more, #base + 1, base)
  return table.concat(lines, "\r\n") .. "\r\n", "[" .. table.concat(base, ",\n") .. "]"
end

return input
