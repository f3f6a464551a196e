local damage = require "icrm.import.damage"

describe("import.damage", function()
  it("knows the errors of table programs in several languages", function()
    for _, word in ipairs { "#N/A", "#REF!", "#VALEUR!", "#VALUE!", "#NOM?", "#NAME?", "#DIV/0!",
      "#NOMBRE!", "#NUL!", "#WERT!", "Err:502", "#######" } do
      assert.matches("is an error of a table program", damage.problem(word))
    end
    for _, text in ipairs { "#1", "#hashtag", "N° 12", "# N/A", "Erreur:502" } do
      assert.is_nil(damage.problem(text), text)
    end
  end)

  it("knows numbers that were shortened", function()
    for _, text in ipairs { "2,601E+13", "9.9997E+13", "1E+14", "-2,5e-7" } do
      assert.matches("was shortened by a table program", damage.problem(text))
    end
    for _, text in ipairs { "12E5", "2E13", "E+13", "3,5", "1,2E+3 kg" } do
      assert.is_nil(damage.problem(text), text)
    end
  end)

  it("knows what programs write for nothing", function()
    for _, word in ipairs { "NULL", "null", "\\N", "None", "nan", "NaN", "<NA>", "(null)" } do
      assert.matches("is what programs write for nothing; .*null", damage.problem(word))
    end
    for _, word in ipairs { "Null", "Nan", "none", "NONE" } do -- people are called so
      assert.is_nil(damage.problem(word), word)
    end
  end)

  it("knows lost letters, and texts that were read wrongly", function()
    assert.matches("lost a letter", damage.problem "Caf\u{FFFD}")
    assert.is_true(damage.is_misread "CafÃ© NoÃ«l")
    assert.is_true(damage.is_misread "lâ€™eau")
    assert.is_false(damage.is_misread "São Tomé à Ãgueda")
  end)

  local function lost(kind, cells, crm)
    local digits, other = damage.digits(), crm and damage.digits()
    for i, text in ipairs(cells) do
      digits:see(text, i + 1)
    end
    for _, text in ipairs(crm or {}) do
      other:see(text)
    end
    local field = { name = kind, type = kind == "phone" and kind or "string" }
    local found, is_open = digits:lost_zeros(field, other)
    return found, is_open
  end

  it("finds numbers that lost their zero, by the others of the column", function()
    local siret = lost("siret", { "01234567800012", "12345678900011", "9876543200014" })
    assert.same({ count = 1, text = "9876543200014", line = 4, like = "01234567800012" }, siret)
    assert.equal(2, lost("phone", { "474454647", "479425959", "04 74 45 46 47", "0479425958",
      "0100000000" }).count)
    assert.equal("1000", lost("bill_code", { "59000", "75001", "1000" }).text)
    assert.is_nil(lost("siret", { "12345678900011", "01234567800012" }))
    assert.is_nil(lost("customer_no", { "9998", "9999", "10000", "10001", "10002" }))
    assert.is_nil(lost("bill_code", { "59000", "75001", "L-1000", "SW1A 1AA" }))
  end)

  it("finds them by what the CRM has", function()
    local found, is_open = lost("phone", { "474454647", "479425959" })
    assert.is_nil(found)
    assert.is_true(is_open)
    found = lost("phone", { "474454647", "479425959" }, { "03 20 00 27 05", "04.00.00.00.00" })
    assert.equal(2, found.count)
    assert.equal("03 20 00 27 05", found.like)
    assert.is_nil((lost("phone", { "474454647", "479425959" }, { "912 345 678" })))
    assert.equal("0474454647", lost("phone", { "474454647", "479425959" }, {}).like)
    assert.is_nil((lost("fax_code", { "474454647", "479425959" }, {})))
  end)
end)
