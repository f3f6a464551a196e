local changes_crm = require "spec.changes.crm"
local records = require "icrm.records"
local whereabouts = require "icrm.changes.whereabouts"

describe("the whereabouts of a record", function()
  local crm

  after_each(function()
    crm.close()
  end)

  it("are known: shown, gone, or hidden from who is no administrator", function()
    crm = changes_crm.start { profile = "vtiger8", user = "jdupont", traits = "private-owners",
      fields = { "Leads.cf_icrm_token:string" } }
    local mine = crm.client:create("Leads", { lastname = "Vu" }).id
    assert.equal("shown", (whereabouts.find(crm.client, "Leads", mine)))
    crm.client:delete(mine)
    assert.equal("gone", (whereabouts.find(crm.client, "Leads", mine)))
    local theirs = crm.client:create("Leads", { lastname = "Cédé", assigned_user_id = "19x1" },
      { check = false }).id
    assert.equal("hidden", (whereabouts.find(crm.client, "Leads", theirs)))
  end)

  it("may be the other kind of activity", function()
    crm = changes_crm.start { profile = "vtiger8",
      fields = { "Leads.cf_icrm_token:string" } }
    local event = crm.client:create("Events", { subject = "Visite", date_start = "2026-12-01",
      time_start = "09:00:00", due_date = "2026-12-01", time_end = "10:00:00",
      eventstatus = "Planned", activitytype = "Meeting", duration_hours = "1" }).id
    local task = records.prefix_of(crm.client, "Calendar") .. event:match "x%d+$"
    local where, twin = whereabouts.find(crm.client, "Calendar", task)
    assert.same({ "moved", event }, { where, twin })
  end)
end)
