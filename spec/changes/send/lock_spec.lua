-- The order in which reads come back tells whether a session is a queue.
local icrm = require "icrm"
local lock = require "icrm.changes.send.lock"

local SLOW = "faults=p=1 query stall=60"

describe("the session lock", function()
  it("is seen by order where there is one", function()
    local crm <close> = icrm.connect("sandbox:?" .. SLOW)
    local seen, detail = lock.observe(crm)
    assert.is_true(seen, detail)
    assert.matches("in [01] of 12 tries on the same session", detail)
  end)

  it("is not seen where there is none", function()
    local crm <close> = icrm.connect("sandbox:?lock=off&" .. SLOW)
    local seen, detail = lock.observe(crm)
    assert.is_false(seen, detail)
  end)

  it("is not seen where there is nothing to read", function()
    local crm <close> = icrm.connect "sandbox:?demo=off"
    assert.same({ false, "there are no records by which it could be seen" },
      { lock.observe(crm) })
  end)
end)
