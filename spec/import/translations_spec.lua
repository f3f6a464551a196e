local helper = require "spec.helper"
local icrm = require "icrm"
local advice = require "icrm.import.advice"
local import = require "icrm.import"
local translations = require "icrm.import.translations"

describe("import.translations", function()
  local crm

  setup(function()
    crm = icrm.connect "sandbox:"
  end)

  teardown(function()
    crm:close()
  end)

  local function opened(text, mapping, values)
    return import.open(crm, { path = helper.tmpfile(text, "rows.csv"), mapping = mapping,
      values = values })
  end

  local function items_of(job)
    local items = {}
    for item in job:items() do
      items[#items + 1] = item
    end
    job:close()
    return items
  end

  local function titles(map)
    return { module = "Contacts", match = true, columns = {
      ["Civilité"] = { field = "salutationtype", values = map } } }
  end

  it("puts the value for which a cell stands, whatever its case and accents", function()
    local text = "Nom;Civilité\nA; Madame \nB;MADAME\nC;mlle\nD;néant\n"
    local items = items_of(opened(text, titles { Madame = "Mrs.", ["Neant"] = "" }))
    assert.same({ "Mrs.", "Mrs.", "Ms." }, { items[1].fields.salutationtype,
      items[2].fields.salutationtype, items[3].fields.salutationtype })
    assert.is_nil(items[4].fields.salutationtype)
    assert.same({ "salutationtype" }, items[4].empty)
    for _, item in ipairs(items) do
      assert.same({}, item.faults)
    end
  end)

  it("takes labels, numbers and yes or no, and keys of references", function()
    local id = crm:create("Accounts", { accountname = "Menuiserie Dupont" }).id
    local job = opened("Nom;Civilité;RGPD;Société\nA;1;en attente;Dupond\n", {
      module = "Contacts", match = true, columns = {
        ["Civilité"] = { field = "Civilité", values = { [1] = "Mme" } },
        RGPD = { field = "Accès RGPD", values = { ["en attente"] = "Non" } } },
      fields = { Compte = { ref = "Accounts.Nom du compte", from = "{Société}",
        values = { Dupond = "Menuiserie Dupont" } } } })
    local item = items_of(job)[1]
    assert.same({}, item.faults)
    assert.same({ "Mrs.", "0", id }, { item.fields.salutationtype, item.fields.gdpr_access,
      item.fields.account_id })
  end)

  it("takes a word for itself that programs write for nothing", function()
    local items = items_of(opened("Nom;Prénom\nNone;A\nNULL;B\n", { module = "Contacts",
      match = true, columns = { Nom = { field = "lastname", values = { None = "None" } } } }))
    assert.equal("None", items[1].fields.lastname)
    assert.same({}, items[1].faults)
    assert.matches("is what programs write for nothing", items[2].faults[1].message)
  end)

  it("takes two values that differ in case alone each for itself", function()
    local items = items_of(opened("Nom;Civilité\nA;M\nB;m\nC;M \n",
      titles { M = "Mr.", m = "Mrs." }))
    assert.same({ "Mr.", "Mrs.", "Mr." }, { items[1].fields.salutationtype,
      items[2].fields.salutationtype, items[3].fields.salutationtype })
  end)

  it("refuses a value that the field does not take, before a row is read", function()
    assert.error_matches(function()
      opened("Nom;Civilité\nA;Madame\n", titles { Madame = "Mrs" })
    end, 'Civilité: "Madame" stands for "Mrs": .* is no value of this picklist: did you mean '
      .. '"Mrs%."%?')
    assert.error_matches(function()
      opened("Nom;Civilité\nA;Madame\n", { module = "Contacts", match = true, fields = {
        description = { const = "x", values = { x = "y" } } } })
    end, "description: values stand for others in one column, and none feeds it")
  end)

  it("says a value that no cell has", function()
    local job <close> = opened("Nom;Civilité\nA;Madame\n", titles { MADAME = "Mme", Madam = "Mme" })
    assert.same({ 'Civilité: no cell is "Madam", so nothing stands for it' }, job.notes)
  end)

  it("puts each of several values, and suggests the one that is wrong", function()
    local field = { name = "colours", label = "Couleurs", type = "multipicklist", picklist = {
      values = { "Red", "Blue" }, by_value = { Red = "Rouge", Blue = "Bleu" } } }
    local schema = { check = function(_, fields) return fields, {} end }
    local target = { field = field, column = "Couleurs", index = 1,
      headings = { "Couleurs" } }
    translations.attach(schema, target, { Vermillon = "Rouge", ["sans"] = "" })
    local one = target.translations
    assert.equal("Red |##| Bleu", one:of_words "vermillon, Bleu")
    assert.equal("Blue", one:of_words "Blue;sans")
    assert.is_nil(one:of_words "Rouge, Bleu")
    one:see "Bleu, Vermillon"
    assert.same({ '"sans"' }, one:never_seen())
    local told = advice.of({ by_field = { colours = target }, schema = { by_name = {
      colours = field } } }, { field = "colours", value = "Rouge, Bleue",
      message = "is no value of this picklist" }, 2)
    assert.matches('^did you mean "Bleu"%? .*%["Bleue"%] = "Bleu"', told.hint)
  end)

  it("may be added to any mapping, by headings", function()
    local mapping = { module = "Contacts", match = true }
    local text = "Nom;Civilité;Rien\nA;Madame;x\n"
    assert.equal("Mrs.", items_of(opened(text, mapping, { ["Civilité"] = { Madame = "Mme" } }))[1]
      .fields.salutationtype)
    assert.error_matches(function() opened(text, mapping, { ["Civilités"] = { x = "Mme" } }) end,
      'values of the column "Civilités": there is none; did you mean "Civilité"%?')
    assert.error_matches(function() opened(text, mapping, { Rien = { x = "y" } }) end,
      'values of the column "Rien": it feeds no field')
  end)
end)
