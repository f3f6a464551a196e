local alterations = require "icrm.alterations"

describe("what a server made of a value", function()
  for _, case in ipairs {
    { "double", "48.856614", "48.86000000", "rounded" },
    { "currency", "1234.56789", "1234.57", "rounded" },
    { "currency", "1234.56", "123456.000000", "converted" },
    { "double", "1.5", "1500000.000000", "converted" },
    { "currency", "100.00", "50.00000000", "converted" },
    { "integer", "12", "13", "changed" },
    { "integer", "12", "", "emptied" },
    { "date", "1980-12-31", "0000-00-00", "emptied" },
    { "datetime", "2026-12-01 10:30:00", "2026-12-01 09:30:00", "converted" },
    { "time", "10:30:00", "09:30:00", "converted" },
    { "time", "10:30:00", "10:31:00", "changed" },
    { "string", "12345678901234567890", "1234567890", "cut" },
    { "string", "abcdefgh", "abc", "changed" },
    { "text", "Été & <1 kg>", "&Eacute;t&eacute; &amp; &lt;1 kg&gt;", "encoded" },
    { "string", "Urgent 🔥", "Urgent ????", "replaced" },
    { "string", " blank ", "blank", "trimmed" },
    { "text", "a\r\nb", "a\nb", "trimmed" },
    { "string", "abc", "ABC", "changed" },
    { "reference", "3x99", "", "emptied" },
  } do
    it(("is named: %s %s → %s is %s"):format(table.unpack(case)), function()
      assert.equal(case[4], alterations.name(case[1], case[2], case[3]))
      assert.is_true(alterations.is_kind(case[4]))
    end)
  end

  it("stops a set but for blanks, and for defaults that are no dates", function()
    local function is_serious(kind, field_type)
      return alterations.is_serious { kind = kind, type = field_type }
    end
    assert.is_true(is_serious("rounded", "double"))
    assert.is_false(is_serious("trimmed", "string"))
    assert.is_true(is_serious("defaulted", "date"))
    assert.is_false(is_serious("defaulted", "picklist"))
    assert.is_false(is_serious("changed", "owner"))
    assert.is_true(alterations.is_serious { kind = "changed", type = "owner", spilled = true })
  end)

  it("is in the reference, each kind", function()
    local file <close> = assert(io.open "docs/servers.md")
    local text = file:read "a"
    for _, kind in ipairs(alterations.KINDS) do
      assert.truthy(text:find(("| `%s` |"):format(kind.name), 1, true), kind.name)
    end
  end)
end)
