-- Files whose shape is not that of a table, imported as a user does it.
local cjson = require "cjson"
local helper = require "spec.helper"
local script_crm = require "spec.script_crm"

describe("icrm-lua import of a file that is no clean table", function()
  local crm, dir

  setup(function()
    crm = script_crm.start {}
  end)

  teardown(function()
    crm.stop()
  end)

  before_each(function()
    dir = helper.tmpdir()
  end)

  local function import(text, ...)
    helper.write_file(dir .. "/in.csv", text)
    local result = crm.run({ "import", "in.csv", "--module", "Accounts", "--plan-only", ... },
      { cwd = dir })
    local planned = {}
    if result.code == 0 then
      local shown = crm.run({ "show", "in.csv.icrm", "-o", "json" }, { cwd = dir }).out
      for i, change in ipairs(cjson.decode(shown).changes) do
        change.fields.assigned_user_id = nil
        planned[i] = change.fields
      end
    end
    return planned, result.err
  end

  local function plans(want, text, ...)
    local planned, err = import(text, ...)
    assert.same(want, planned, err)
    return err
  end

  local function has(text, ...)
    for _, part in ipairs { ... } do
      assert.truthy(text:find(part, 1, true), ("%q is not in %q"):format(part, text))
    end
  end

  it("with a separator at the end of every line, and headings twice that nobody maps", function()
    local err = plans({ { accountname = "A", phone = "01" }, { accountname = "B", phone = "02" } },
      "accountname;phone;Notes;Notes;\nA;01;x;y;\nB;02;;;\n")
    has(err, "not imported: Notes, Notes (column D), column E")
    local _, refused = import("accountname;Notes;Notes\nA;x;y\n", "--map", "Notes=description")
    has(refused, 'the heading "Notes" stands over columns 2 and 3; rename one')
    _, refused = import "accountname;phone;phone\nA;1;2\n"
    has(refused, 'the heading "phone" stands over columns 2 and 3')
  end)

  it("with rows that end early, where that is meant", function()
    local text = "accountname;phone;fax\nA;01;9\nB;02\nC\n"
    local _, err = import(text)
    has(err, "line 3: 2 cells where the headings are 3 (separator ;", "--short-rows empty")
    plans({ { accountname = "A", phone = "01", fax = "9" }, { accountname = "B", phone = "02" },
      { accountname = "C" } }, text, "--short-rows", "empty")
  end)

  it("with one separator more in the rows than in the headings", function()
    plans({ { accountname = "A", phone = "1", fax = "2" },
      { accountname = "B", phone = "3", fax = "4" } },
      "accountname;phone;fax\nA;1;2;\nB;3;4;\n")
  end)

  it("with another separator, or one that the first line names", function()
    plans({ { accountname = "A", phone = "1" } }, "accountname|phone\nA|1\n")
    plans({ { accountname = "A", phone = "1" } }, "sep=|\naccountname|phone\nA|1\n")
    local _, err = import "Nom\nA\nB\n"
    has(err, "it was read as utf-8, separator ;, 1 column")
  end)

  it("with headings that look right and are not", function()
    plans({ { accountname = "A", phone = "01" } },
      "\u{FEFF}\u{FEFF}accountname;phone\u{200B}\nA;01\n")
    plans({ { accountname = "A", phone = "01" } },
      '"Raison\nsociale";"Tél = portable"\nA;01\n', "--map", "Raison sociale=accountname",
      "--map", "Tél = portable=phone")
  end)

  it("with titles above and totals below", function()
    local text = "Clients au 31/03/2026\n\naccountname;employees;annual_revenue\n"
      .. "A;3;1,5\nSous-total;3;1,5\nTotal;2;1\nB;4;2,5\nTOTAL GÉNÉRAL :;7;4,0\n"
    local want = { { accountname = "A", employees = "3", annual_revenue = "1.5" },
      { accountname = "B", employees = "4", annual_revenue = "2.5" } }
    local err = plans(want, text)
    has(err, "headings on line 3", "row 5 is a total and left out: Sous-total, 3, 1,5",
      "row 8 is a total and left out: TOTAL GÉNÉRAL :, 7, 4,0", "--totals keep")
    assert.equal(5, #(plans and import(text, "--totals", "keep")))
    plans(want, text, "--skip", "2")
  end)

  it("with a total that has no name, which is no record either", function()
    local _, err = import("accountname;employees\nA;3\nB;4\n;7\n", "--empty-key", "create")
    has(err, "line 4, accountname: is mandatory")
  end)

  it("with the Somme among the départements, and a sum below them", function()
    has(plans({ { accountname = "Aisne", employees = "2" }, { accountname = "Somme",
      employees = "80" }, { accountname = "Var", employees = "83" } },
      "accountname;employees\nAisne;2\nSomme;80\n;\nVar;83\nSomme;165\n"),
      "row 6 is a total and left out: Somme, 165")
    plans({ { accountname = "Somme", employees = "80" }, { accountname = "Somme", employees = "1" },
      { accountname = "B", employees = "4" } },
      "accountname;employees\nSomme;80\nSomme;1\nB;4\n")
  end)

  it("with a company that is called Total", function()
    plans({ { accountname = "Total", bill_city = "Paris" } },
      "accountname;bill_city\nTotal;Paris\n")
  end)

  it("says which rows two stray quotes may have swallowed", function()
    local err = plans({ { accountname = "A", description = "5 inch\nB;two\nC;three" },
      { accountname = "D", description = "four" } },
      'accountname;description\nA;"5 inch\nB;two\nC;three"\nD;four\n')
    has(err, "row 2: 2 of the lines in its cell description look like rows of their own")
  end)

  it("gives back the rows that failed under their own headings", function()
    helper.write_file(dir .. "/in.csv",
      "Clients\n\naccountname;phone;fax;\nA;01\nB;02;9;;\nTotal;1\n")
    assert.equal(0, crm.run({ "import", "in.csv", "--module", "Accounts", "--plan-only",
      "--short-rows", "empty" }, { cwd = dir }).code)
    script_crm.alter(dir .. "/in.csv.icrm", "UPDATE changes SET state = 'failed', code = 'NO'")
    assert.equal('accountname;phone;fax;;icrm_code;icrm_message\nA;01;;;"NO";""\n'
      .. 'B;02;9;;"NO";""\n', crm.run({ "errors", "in.csv.icrm" }, { cwd = dir }).out)
  end)
end)
