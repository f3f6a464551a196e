--- The version of icrm.
-- @module icrm.version

return { VERSION = "0.1.0" }
