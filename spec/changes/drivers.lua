-- The drivers that a change set is tried with, by name. ICRM_SPEC_POSTGRES, the
-- source of a database ("host=… dbname=icrm"), adds PostgreSQL.
local drivers = {
  SQLite = require "icrm.changes.journal.sqlite",
  strict = require "spec.changes.strict_driver",
}

local source = os.getenv "ICRM_SPEC_POSTGRES"
if source then
  drivers.PostgreSQL = dofile "examples/postgres_driver.lua" (source)
end

return drivers
