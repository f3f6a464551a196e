local errors = require "icrm.error"
local helper = require "spec.helper"
local icrm = require "icrm"
local import = require "icrm.import"
local owners = require "icrm.import.owners"

describe("import.owners", function()
  local crm

  setup(function()
    crm = icrm.connect "sandbox:"
  end)

  teardown(function()
    crm:close()
  end)

  it("finds users by name, login and address, groups by name, with one look", function()
    local list = owners.new(crm)
    for text, id in pairs { jbrunel = "19x5", ["Jérôme Brunel"] = "19x5",
        ["BRUNEL Jerome"] = "19x5", brunel = "19x5",
        ["jerome.brunel@signaletique-du-rhone.example"] = "19x5",
        ["équipe commerciale"] = "20x3", ["19x6"] = "19x6", ["19x999"] = "19x999", [""] = "" } do
      assert.equal(id, (list:find(text)), text)
    end
    local before = crm.core:stats().calls
    list:find "Naïma Daoud"
    assert.equal(before, crm.core:stats().calls)
  end)

  it("names who was probably meant, and does not choose between two", function()
    local list = owners.new(crm)
    local id, problem, cure, near = list:find "Jérome Brunnel"
    assert.is_nil(id)
    assert.equal("is no user or group that this user may see", problem)
    assert.equal("Jérôme Brunel", near)
    assert.matches('did you mean "Jérôme Brunel"%? give a name, a login or an id', cure)
    list.by_form["brunel"] = { { id = "19x5", name = "Jérôme Brunel", is_active = true },
      { id = "19x8", name = "Anne Brunel", is_active = true } }
    assert.equal("say which: Jérôme Brunel (19x5), Anne Brunel (19x8)", select(3,
      list:find "Brunel"))
    list.by_form["brunel"][2].is_active = false
    assert.equal("19x5", (list:find "Brunel"))
  end)

  it("are none where they may not be seen, and unknown where no answer comes", function()
    local kind = "refused"
    local list = owners.new { describe = function()
      errors.raise { kind = kind, message = "no" }
    end }
    assert.is_nil((list:find "Jérôme Brunel"))
    kind = "timeout"
    list = owners.new(list.crm)
    for _ = 1, 2 do
      assert.equal("timeout", select(2, pcall(list.find, list, "Jérôme Brunel")).kind)
    end
  end)

  it("is what cells, constants and values of an owner say", function()
    local function items(text, mapping)
      local job <close> = import.open(crm, { path = helper.tmpfile(text, "rows.csv"),
        mapping = mapping })
      local list = {}
      for item in job:items() do
        list[#list + 1] = item
      end
      return list
    end
    local list = items("Nom;Assigné à\nA;Jérôme Brunel\nB;\nC;Inconnu\nD;jb\n", {
      module = "Contacts", match = true, columns = { ["Assigné à"] = { field = "assigned_user_id",
        values = { jb = "jbrunel" } } } })
    assert.equal("19x5", list[1].fields.assigned_user_id)
    assert.same({}, list[1].faults)
    assert.equal(crm.user, list[2].fields.assigned_user_id)
    assert.equal("is no user or group that this user may see", list[3].faults[1].message)
    assert.equal("Inconnu", list[3].faults[1].value)
    assert.equal(1, #list[3].faults)
    assert.equal("19x5", list[4].fields.assigned_user_id)
    local const = { module = "Contacts", match = true,
      fields = { ["Assigné à"] = { const = "Équipe commerciale" } } }
    assert.equal("20x3", items("Nom\nA\n", const)[1].fields.assigned_user_id)
    const.fields["Assigné à"].const = "Personne"
    assert.error_matches(function() items("Nom\nA\n", const) end,
      'assigned_user_id: "Personne" is no user or group')
  end)
end)
