local helper = require "spec.helper"
local icrm = require "icrm"
local compile = require "icrm.import.compile"
local sources = require "icrm.source"
local mapping = require "icrm.import.mapping"
local targets = require "icrm.import.target"

describe("import.mapping", function()
  local crm

  setup(function()
    crm = icrm.connect "sandbox:"
  end)

  teardown(function()
    crm:close()
  end)

  local function describe_module(module)
    return crm:describe(module)
  end

  local function compiled(spec, headings)
    local path = helper.tmpfile((headings or "Nom;SIREN;Ville") .. "\na;b;c\n", "rows.csv")
    local source <close> = sources.open { path = path }
    return compile.compile(spec, source, describe_module), source
  end

  local function refuses(pattern, spec, headings)
    assert.error_matches(function() compiled(spec, headings) end, pattern)
  end

  it("a file is data: it reaches nothing outside", function()
    local ok = helper.tmpfile("return { module = 'Accounts', x = values.trim ' a ' }", "m.lua")
    assert.same({ module = "Accounts", x = "a" }, mapping.load(ok))
    for text, pattern in pairs {
      ["os.remove 'x'; return {}"] = "os",
      ["return io"] = "must return a table",
      ["return {"] = "cannot be read.*m%.lua:1:",
      ["error 'no'"] = "must return a table.*no",
    } do
      local path = helper.tmpfile(text, "m.lua")
      assert.error_matches(function() mapping.load(path) end, pattern)
    end
    assert.error_matches(function() mapping.load "/nowhere/m.lua" end, "/nowhere/m%.lua")
  end)

  it("matches headings with names and labels, whatever the case and accents", function()
    assert.same({ ["NOM DU COMPTE"] = "accountname", Telephone = "phone", bill_city = "bill_city" },
      mapping.match({ "NOM DU COMPTE", "Telephone", "bill_city", "Truc" },
        crm:describe "Accounts"))
    -- Fields that only the server writes are no match, and a field has one column.
    assert.same({ SIREN = "siren" }, mapping.match({ "createdtime", "SIREN", "siren " },
      crm:describe "Accounts"))
  end)

  it("passes over no word and no value that is none", function()
    local function accounts(more)
      local spec = { module = "Accounts", columns = { Nom = "accountname" } }
      for word, value in pairs(more) do
        spec[word] = value
      end
      return spec
    end
    refuses('it has no exsiting; did you mean "existing"%?', accounts { exsiting = "siren" })
    refuses("it has no zzz; it takes columns, dates,", accounts { zzz = 1 })
    refuses("it has no 1; ", accounts { "siren" })
    refuses("it: columns is a table, not a string", accounts { columns = "Nom" })
    refuses("it: existing is a text, or a list of texts", accounts { existing = {} })
    refuses("it: key is a text, or a list of texts", accounts { key = { 1 } })
    refuses("it: when is a function, not a string", accounts { when = "x" })
    refuses("it: decimal is comma or point", accounts { decimal = "," })
    refuses('the field "rating" has no cosnt; did you mean "const"%?',
      accounts { fields = { rating = { cosnt = "Active" } } })
    refuses('the field "rating": const is a text, a number or a boolean',
      accounts { fields = { rating = { const = {} } } })
    refuses("the field: write name = …, not a list", accounts { fields = { "rating" } })
    refuses("the field rating has column and const; which of them counts",
      accounts { fields = { rating = { column = "Ville", const = "Active" } } })
    refuses("records is empty", { records = {} })
    refuses("beside records, it has no module", { module = "Accounts", records = { {} } })
    refuses("record 1 is a table, not a string", { records = { "Accounts" } })
    refuses("record 1 has no encoding; ", { records = { accounts { encoding = "utf-8" } } })
    assert.equal(1, #compiled(accounts { encoding = "utf-8", dates = "day", match = false }))
  end)

  describe("compiling", function()
    it("takes columns to fields and fields to columns", function()
      local records, source = compiled {
        module = "Accounts", columns = { Nom = "accountname", SIREN = { field = "siren" },
          Ville = false },
        fields = { rating = { const = "Active" } },
      }
      assert.equal(1, #records)
      assert.equal(3, #records[1].targets)
      assert.equal(1, records[1].by_field.accountname.index)
      assert.equal(2, records[1].by_field.siren.index)
      assert.same({ "Ville" }, compile.unused(records, source))
    end)

    it("names what is wrong and the nearest right word", function()
      refuses('has no column "Nmo"; did you mean "Nom"?',
        { module = "Accounts", columns = { Nmo = "accountname" } })
      refuses('has no column "Ete"; did you mean "ÉTÉS"?', -- an accent is no letter more
        { module = "Accounts", columns = { Ete = "accountname" } }, "ÉTÉS;Nom")
      refuses('has no field "acountname"; did you mean "accountname"?',
        { module = "Accounts", columns = { Nom = "acountname" } })
      refuses('no module "Acounts"', { module = "Acounts", columns = { Nom = "x" } })
      refuses("written by the server alone", { module = "Accounts",
        columns = { Nom = "createdtime" } })
      refuses("the field accountname is fed twice", { module = "Accounts",
        columns = { Nom = "accountname" }, fields = { accountname = "Ville" } })
      refuses("names no module", { columns = {} })
      refuses("no column of .* matches a field of HelpDesk", { module = "HelpDesk", match = true })
      refuses("needs one of column, const, fn, record, ref", { module = "Accounts",
        fields = { accountname = {} } })
      refuses("must come before it", { records = {
        { name = "b", module = "Accounts", fields = { account_id = { record = "a" } } } } })
      refuses('two records of the mapping are named "Accounts"', { records = {
        { module = "Accounts", columns = { Nom = "accountname" } },
        { module = "Accounts", columns = { Nom = "accountname" } } } })
      refuses("distinct needs a key", { module = "Accounts", distinct = true,
        columns = { Nom = "accountname" } })
      refuses("write Module.field", { module = "Accounts",
        fields = { account_id = { ref = "siren", column = "SIREN" } } })
    end)

    it("a template is empty when one of its columns is", function()
      local _, source = compiled({ module = "Accounts", columns = { Nom = "accountname" } })
      local text, headings = targets.template(source, "{SIREN}/{Ville}!")
      assert.equal("1/2!", text { "", " 1 ", "2" })
      assert.is_nil(text { "", "1", " " })
      assert.same({ "SIREN", "Ville" }, headings)
      assert.error_matches(function() targets.template(source, "SIREN") end, "names no column")
    end)
  end)

  it("reaches no table that others use", function()
    local path = helper.tmpfile([[
      string.format = function() return "EVIL" end
      string.upper, table.concat, math.floor, values.empty = nil, nil, nil, nil
      function values.evil() end
      return { module = "Accounts" }]], "mapping.lua")
    local import_values = require "icrm.import.values"
    mapping.load(path)
    assert.equal("nice", ("%s"):format "nice")
    assert.equal("nice", string.format("nice"))
    assert.truthy(string.upper and table.concat and math.floor)
    assert.is_nil(import_values.evil)
    local ok, err = pcall(mapping.load, helper.tmpfile(
      '("").format = 1; return { module = "Accounts" }', "mapping.lua"))
    assert.is_false(ok)
    assert.matches("index a string value", err.message)
  end)
end)
