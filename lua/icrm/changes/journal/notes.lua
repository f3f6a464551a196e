--- What this machine remembers of change sets outside of their files: how often
-- each was committed, and which files were sent. One small database in the user's state folder.
-- @module icrm.changes.journal.notes

local core = require "icrm.core"
local sqlite = require "icrm.changes.journal.sqlite"

local M = {}

local Notes = {}
Notes.__index = Notes
Notes.__name = "icrm.changes.Notes"

local TABLES = {
  [[CREATE TABLE IF NOT EXISTS sets (
    id TEXT PRIMARY KEY, generation INTEGER, path TEXT, noted TEXT)]],
  [[CREATE TABLE IF NOT EXISTS sent (
    input TEXT, site TEXT, path TEXT, at INTEGER, PRIMARY KEY (input, site, path))]],
}

--- Open the notes of all change sets of this user.
---
--- @return icrm.changes.Notes? nil where there is no place for them
function M.open()
  local folder = core.files.state_folder()
  if not folder then
    return nil
  end
  local path = folder .. "/sets.db"
  core.files.create(path)
  local connection, environment = sqlite.connect(path)
  if not connection then
    return nil
  end
  for _, statement in ipairs(TABLES) do
    connection:execute(statement)
  end
  return setmetatable({ connection = connection, environment = environment }, Notes)
end

--- How many commits of a change set are noted.
---
--- @param id string of the change set
--- @return integer? nil when it is not noted
function Notes:generation(id)
  local cursor = self.connection:execute(
    ("SELECT generation FROM sets WHERE id = '%s'"):format(self.connection:escape(id))
  )
  local count = cursor and cursor:fetch()
  if cursor then
    cursor:close()
  end
  return math.tointeger(tonumber(count))
end

--- Note how many commits a change set has.
---
--- @param id string of the change set
--- @param generation integer
--- @param path string its file
function Notes:note(id, generation, path)
  local connection = self.connection
  connection:execute(
    ([[INSERT INTO sets (id, generation, path, noted) VALUES ('%s', %d, '%s', '%s')
      ON CONFLICT (id) DO UPDATE SET generation = excluded.generation, path = excluded.path,
        noted = excluded.noted]]):format(
      connection:escape(id),
      generation,
      connection:escape(core.files.full_path(path)),
      os.date "!%Y-%m-%d %H:%M:%S"
    )
  )
end

--- Note that the sending of one or several files has begun.
---
--- @param input string a line for each: what tells it from others, its SHA-256 and sheet
--- @param site string the CRM
--- @param path string the change set
--- @param at integer Unix time
function Notes:note_sent(input, site, path, at)
  local connection = self.connection
  for one in input:gmatch "[^\n]+" do
    connection:execute(
      ("INSERT INTO sent VALUES ('%s', '%s', '%s', %d) ON CONFLICT DO NOTHING"):format(
        connection:escape(one),
        connection:escape(site),
        connection:escape(core.files.full_path(path)),
        at
      )
    )
  end
end

--- When a file was sent to a CRM, oldest first.
---
--- @param input string one line of `note_sent`
--- @param site string
--- @return table[] list of { path, at }
function Notes:sent(input, site)
  local connection, list = self.connection, {}
  local cursor = connection:execute(
    ("SELECT path, at FROM sent WHERE input = '%s' AND site = '%s' ORDER BY at"):format(
      connection:escape(input),
      connection:escape(site)
    )
  )
  local row = cursor and cursor:fetch({}, "a")
  while row do
    list[#list + 1] = { path = row.path, at = math.tointeger(tonumber(row.at)) }
    row = cursor:fetch({}, "a")
  end
  if cursor then
    cursor:close()
  end
  return list
end

--- Close the notes.
function Notes:close()
  self.connection:close()
  self.environment:close()
end
Notes.__close = Notes.close

return M
