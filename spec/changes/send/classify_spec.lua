local changes_crm = require "spec.changes.crm"
local classify = require "icrm.changes.send.classify"
local errors = require "icrm.error"

describe("the answer to a write", function()
  it("is judged by its kind alone", function()
    local classes = {
      transport = "N", tls = "N", timeout = "N", rate_limited = "N", canceled = "N", config = "N",
      input = "N", query = "N",
      refused = "R", auth = "R", http = "R",
      unknown_outcome = "U", decode = "U", store = "U",
    }
    for _, kind in ipairs(require("icrm.core").error_kinds) do
      assert.equal(classes[kind], classify.write(nil, errors.new { kind = kind, message = "m" }),
        kind)
    end
    assert.equal("S", classify.write { status = "successful" })
  end)

  it("is a success only with an id of the module", function()
    assert.equal("S", classify.record({ id = "3x12" }, nil, "3"))
    for _, result in ipairs { "", {}, { id = "9x12" }, { id = "3x" }, { id = "33x12" },
      { id = "3x12 " }, { id = 12 }, { { id = "3x12" } } } do
      assert.equal("U", classify.record(result, nil, "3"))
    end
  end)

  -- What a server answers → the state of the change, and the creates that it made.
  local CASES = {
    { "error=ACCESS_DENIED", "failed", "ACCESS_DENIED" },
    { "error=MANDATORY_FIELDS_MISSING", "failed", "MANDATORY_FIELDS_MISSING" },
    { "error=REFERENCE_INVALID", "failed", "REFERENCE_INVALID" },
    { "error=INVALID_ID_ATTRIBUTE", "failed", "INVALID_ID_ATTRIBUTE" },
    { "error=RECORD_NOT_FOUND", "failed", "RECORD_NOT_FOUND" },
    { "status=400", "failed", "http" },
    { "status=404", "failed", "http" },
    { "status=413", "failed", "http" },
    { "status=415", "failed", "http" },
    -- The request has ended, so a look is enough: the row is there, or it never will be.
    { "error=DATABASE_QUERY_ERROR", "failed", "DATABASE_QUERY_ERROR" },
    { "error=INTERNAL_SERVER_ERROR", "failed", "INTERNAL_SERVER_ERROR" },
    { "error=SOMETHING_NEW", "failed", "SOMETHING_NEW" },
    { "after_commit error=DATABASE_QUERY_ERROR", "done", nil, 1 },
    { "refusing=404", "done", nil, 1 },
    { "status=403", "done", nil, 2 },
    { "status=408", "done", nil, 2 },
    { "status=429 retry_after=0", "done", nil, 2 },
    { "status=500", "done", nil, 2 },
    { "status=502", "done", nil, 2 },
    { "status=503", "done", nil, 2 },
    { "redirect=other", "done", nil, 2 },
    { "expire", "done", nil, 1 }, -- sent again with a new session, by the dispatcher
    { "after_commit status=502", "done", nil, 1 },
    { "html", "done", nil, 1 },
    { "empty", "done", nil, 1 },
    { "notice", "done", nil, 1 },
    { "json=cut", "done", nil, 1 },
    { "json=deep", "done", nil, 1 },
    { "length=short", "done", nil, 1 },
    { "chunks", "done", nil, 1 },
    { "half_headers", "done", nil, 1 },
  }

  for _, case in ipairs(CASES) do
    local fault, state, code, attempts = table.unpack(case, 1, 4)
    it(("%s leads to %s"):format(fault, state), function()
      local crm = changes_crm.start { faults = "at create#2 " .. fault, lanes = 1 }
      local plan <close> = crm.plan()
      for i = 1, 2 do
        plan:create("Accounts", { accountname = "Société " .. i }, { key = "row " .. i })
      end
      local summary = plan:apply { settle = 0.02 }
      local change = plan.store:get(2)
      local commits, found = crm.commits "create", crm.count("Accounts", "cf_icrm_token LIKE 'IC%'")
      crm.close()
      assert.equal(state, change.state, change.message)
      assert.equal(code, change.code)
      assert.equal(attempts or 1, change.attempts)
      assert.equal(state == "done" and 2 or 1, found)
      assert.equal(found, commits)
      assert.is_nil(summary.stopped)
    end)
  end
end)
