--- What this machine remembers of change sets outside of their files: how often
-- each was committed. One small database in the user's state folder.
-- @module icrm.changes.journal.notes

local core = require "icrm.core"
local sqlite = require "icrm.changes.journal.sqlite"

local M = {}

local Notes = {}
Notes.__index = Notes
Notes.__name = "icrm.changes.Notes"

local TABLE = [[CREATE TABLE IF NOT EXISTS sets (
  id TEXT PRIMARY KEY, generation INTEGER, path TEXT, noted TEXT)]]

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
  connection:execute(TABLE)
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
      connection:escape(path),
      os.date "!%Y-%m-%d %H:%M:%S"
    )
  )
end

--- Close the notes.
function Notes:close()
  self.connection:close()
  self.environment:close()
end
Notes.__close = Notes.close

return M
