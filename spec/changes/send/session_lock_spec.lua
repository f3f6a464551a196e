-- The order in which reads come back tells whether a session is a queue.
local icrm = require "icrm"
local session_lock = require "icrm.changes.send.session_lock"

-- Long enough for a quick read to come in between on any machine.
local SLOW = "faults=p=1 query stall=250"
local ROUNDS = 3

describe("the session lock", function()
  it("is judged by how often a quick read overtakes", function()
    assert.is_true(session_lock.judge({ same = 0, other = 12 }, 12))
    assert.is_true(session_lock.judge({ same = 1, other = 10 }, 12))
    assert.is_false(session_lock.judge({ same = 12, other = 12 }, 12))
    assert.is_false(session_lock.judge({ same = 2, other = 12 }, 12))
    assert.is_nil(session_lock.judge({ same = 0, other = 9 }, 12))
    assert.is_nil(session_lock.judge({ same = 0, other = 0 }, 12))
  end)

  it("is seen by order where there is one", function()
    local crm <close> = icrm.connect("sandbox:?" .. SLOW)
    local seen, detail = session_lock.observe(crm, ROUNDS)
    assert.is_true(seen, detail)
    assert.matches("in 0 of 3 tries on the same session, and in 3 of 3 on another", detail)
  end)

  it("is not seen where there is none", function()
    local crm <close> = icrm.connect("sandbox:?lock=off&" .. SLOW)
    local seen, detail = session_lock.observe(crm, ROUNDS)
    assert.is_false(seen, detail)
  end)

  it("is found out once for a CRM and user", function()
    local crm <close> = icrm.connect("sandbox:?demo=off")
    assert.is_false(session_lock.is_known(crm))
    crm:server():learn("session_lock", true)
    local calls = crm.core:stats().calls
    assert.is_true(session_lock.is_known(crm))
    assert.equal(calls, crm.core:stats().calls)
  end)

  it("is looked at again before it is a proof, once it is not new", function()
    local crm <close> = icrm.connect("sandbox:?lock=off&" .. SLOW)
    crm:server():learn("session_lock", true)
    crm:server().facts.facts.session_lock.date = os.time() - 2 * 3600
    assert.is_false(session_lock.is_known(crm))
    assert.is_false(crm:server():fact "session_lock")
    local calls = crm.core:stats().calls
    assert.is_false(session_lock.is_known(crm)) -- what takes the safe way is believed for longer
    assert.equal(calls, crm.core:stats().calls)
  end)

  it("is not kept where nobody can tell", function()
    local crm <close> = icrm.connect "sandbox:?demo=off"
    assert.is_false(session_lock.is_known(crm))
    assert.is_nil(crm:server():fact "session_lock")
  end)

  it("is not seen where there is nothing to read", function()
    local crm <close> = icrm.connect "sandbox:?demo=off"
    assert.same({ nil, "there are no records by which it could be seen" },
      { session_lock.observe(crm) })
  end)
end)
