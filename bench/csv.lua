-- Every row of a CSV file as a Lua table.
local core = require "icrm.core"

local reader = assert(core.csv.reader { path = arg[1] })
local rows, cells = 0, 0
for row in function() return (reader:next()) end do
  rows, cells = rows + 1, cells + #row
end
assert(cells == rows * 10)
reader:close()
