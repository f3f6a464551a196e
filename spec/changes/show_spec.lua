local changes = require "icrm.changes"
local changes_crm = require "spec.changes.crm"
local json = require "icrm.json"
local show = require "icrm.changes.show"

describe("showing a change set", function()
  local crm, plan

  before_each(function()
    crm = changes_crm.start { faults = "at create#3 error=ACCESS_DENIED", lanes = 1 }
    local ticket = crm.client:create("HelpDesk", { ticket_title = "T", ticketstatus = "Open" })
    plan = crm.plan("set.icrm", { source = "clients.csv", source_sha256 = ("ab"):rep(32) })
    for i = 1, 20 do
      plan:create("Accounts", { accountname = "Société " .. i },
        { key = "row " .. i, line = i + 1 })
    end
    plan:update(ticket, { ticketstatus = "Closed", parent_id = changes.ref "row 1" })
    plan:seal()
  end)

  after_each(function()
    plan:close()
    crm.close()
  end)

  it("says where it came from and for whom it is", function()
    local text = plan:show()
    assert.truthy(text:find("from clients.csv (sha256 abababababab…)", 1, true))
    assert.truthy(text:find("for http://127.0.0.1:%d+ %(version 6%.0%.0%), user admin"))
    assert.truthy(text:find("parent_id: (empty) → record of row 1", 1, true))
  end)

  it("shows a sample, or all", function()
    local sample, all = plan:show(), plan:show { full = true }
    assert.truthy(sample:find("… 17 more (full = true shows all)", 1, true))
    assert.falsy(sample:find("Société 20", 1, true))
    assert.truthy(all:find("new row 20 (line 21)", 1, true))
    assert.falsy(all:find("more (full", 1, true))
  end)

  it("writes JSON, a change a line", function()
    local pieces = {}
    show.json(plan, function(piece) pieces[#pieces + 1] = piece end)
    local text = table.concat(pieces)
    local object = json.decode(text)
    assert.equal(1, object.format_version)
    assert.equal("cf_icrm_token", object.header.witness.Accounts.tag)
    assert.equal(21, #object.changes)
    assert.equal("row 1", object.changes[21].references.parent_id)
    assert.equal("Open", object.changes[21].before.ticketstatus)
    assert.equal(23, select(2, text:gsub("\n", "")))
  end)

  it("says afterwards what became of it", function()
    plan:apply()
    local text = plan:show { full = true }
    assert.truthy(text:find "planned" and text:find("done%s+failed"))
    assert.matches("new row 2 %(line 3%)  %[failed: .-%]", text)
    assert.truthy(text:find("    3x%d+ row 1 %(line 2%)\n"))
  end)

  it("says when it was not planned to its end", function()
    local path = crm.dir .. "/torn.icrm"
    do
      local torn <close> = crm.plan "torn.icrm"
      torn:create("Accounts", { accountname = "A" })
      torn.store:flush()
    end
    local look <close> = changes.open(nil, path, { read_only = true })
    assert.truthy(look:show():find("its planning was interrupted", 1, true))
  end)
end)
