-- Queries on records with lines, before a server whose LIMIT counts the lines.
local icrm = require "icrm"

describe("a query on records with lines", function()
  local crm, subjects

  setup(function()
    crm = icrm.connect { url = "sandbox:?traits=limit-counts-lines", lanes = 4 }
    subjects = {}
    local account = crm:create("Accounts", { accountname = "Client" }).id
    local names = {}
    for i = 1, 530 do
      names[i] = ("Devis %03d"):format((i * 37) % 530)
    end
    icrm.map(names, function(name)
      local made = crm:create("Quotes", { subject = name, quotestage = "Created",
        account_id = account }, { check = false })
      subjects[made.id] = name
    end)
  end)

  teardown(function()
    crm:close()
  end)

  local function each_once(text)
    local seen, list = {}, {}
    for row in crm:query(text):each() do
      if subjects[row.id] then
        assert.is_nil(seen[row.id], row.id)
        seen[row.id] = true
        assert.equal(subjects[row.id], row.subject)
        list[#list + 1] = row.subject
      end
    end
    return list
  end

  it("gives each record once, by id and in another order", function()
    assert.equal(530, #each_once "SELECT * FROM Quotes WHERE subject LIKE 'Devis %'")
    local list = each_once "SELECT * FROM Quotes WHERE subject LIKE 'Devis %' ORDER BY subject"
    assert.equal(530, #list)
    for i = 1, 529 do
      assert.is_true(list[i] < list[i + 1])
    end
  end)

  it("takes LIMIT as a number of records", function()
    local text = "SELECT * FROM Quotes WHERE subject LIKE 'Devis %'"
    assert.equal(10, #each_once(text .. " LIMIT 10"))
    local list = each_once(text .. " ORDER BY subject LIMIT 120, 150")
    assert.same({ 150, "Devis 120", "Devis 269" }, { #list, list[1], list[150] })
    assert.equal(25, #each_once(text .. " LIMIT 30, 25"))
  end)
end)
