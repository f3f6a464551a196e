local picklists = require "icrm.picklist"

describe("icrm.picklist", function()
  local function picklist(...)
    local list = { values = {}, by_value = {} }
    for i, entry in ipairs { ... } do
      local value, label = entry:match "^(.-)=(.*)$"
      list.values[i] = value
      list.by_value[value] = label
    end
    return list
  end

  local titles = picklist("Mr.=M.", "Ms.=Mlle", "Mrs.=Mme", "Dr.=Dr", "Prof.=Pr")
  local states = picklist("Open=Ouvert", "In Progress=En cours", "Closed=Fermé", "Shut=Ouverte")

  it("finds a value by itself, its label, whatever the case and accents", function()
    for text, value in pairs { Closed = "Closed", closed = "Closed", ["FERME"] = "Closed",
        ["en  cours"] = "In Progress", Ouvert = "Open" } do
      assert.equal(value, (picklists.find(states, text)))
    end
    assert.is_nil(picklists.find(states, "Ouverts"))
  end)

  it("does not choose between two values with one label", function()
    local twins = picklist("a=Client", "b=Client", "Client actif=c", "d=CLIENT")
    local value, several = picklists.find(twins, "Client")
    assert.is_nil(value)
    assert.same({ "a", "b" }, several)
    assert.equal("Client (a), Client (b)", picklists.list(twins, several))
    assert.equal("d", (picklists.find(twins, "CLIENT")))
    assert.same({ "a", "b", "d" }, select(2, picklists.find(twins, "client")))
  end)

  it("guesses what was meant: few edits, a beginning, an abbreviation", function()
    for text, word in pairs { Madame = "Mme", Mademoiselle = "Mlle", Docteur = "Dr",
        Professeur = "Pr", Monsieur = "M.", ["MME."] = "Mme" } do
      assert.equal(word, picklists.near(titles, text))
    end
    assert.equal("En cours", picklists.near(states, "en cours de traitement"))
    assert.equal("Open", picklists.near(states, "Opne"))
    assert.is_nil(picklists.near(states, "Zzz"))
  end)

  it("names values by their labels, and not a hundred of them", function()
    assert.equal("M. (Mr.), Mlle (Ms.), Mme (Mrs.), Dr (Dr.), Pr (Prof.)", picklists.list(titles))
    local entries = {}
    for i = 1, 100 do
      entries[i] = ("v%d=v%d"):format(i, i)
    end
    assert.matches("^v1, .*v16 and 84 more$", picklists.list(picklist(table.unpack(entries))))
  end)
end)
