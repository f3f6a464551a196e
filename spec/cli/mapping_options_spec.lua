local mapping_options = require "icrm.cli.mapping_options"

describe("cli.mapping_options", function()
  it("become a mapping", function()
    assert.same({
      module = "Accounts", match = true,
      columns = { ["Raison sociale"] = "accountname" },
      fields = { rating = { const = "Active" },
        account_id = { ref = "Accounts.siren", from = "{SIREN}", optional = false },
        creator = { ref = "Users.user_name", from = "{Qui}", optional = true } },
      existing = { "siren" }, max_length = { accountname = 100 },
    }, mapping_options.read {
      module = "Accounts", map = { "Raison sociale=accountname" }, set = { "rating=Active" },
      ref = { "account_id=Accounts.siren:{SIREN}", "creator=Users.user_name:{Qui}?" },
      key = { "siren" }, max_length = { "accountname=100" },
    })
  end)

  it("say how to write them", function()
    for _, case in ipairs {
      { map = { "Nom" }, '%-%-map "Nom": write "Column=field"' },
      { set = { "=x" }, 'write "field=value"' },
      { ref = { "account_id=siren:{S}" }, 'write "field=Module.field:{Column}"' },
    } do
      assert.error_matches(function() mapping_options.read(case) end, case[1])
    end
  end)
end)
