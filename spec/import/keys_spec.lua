local keys = require "icrm.import.keys"

describe("import.keys", function()
  it("takes for the same what differs in nothing that is seen", function()
    for _, value in ipairs { "10001", " 10001", "10001\u{A0}", "\u{202F}10001\t", "10\u{200B}001",
      "\u{FEFF}10001\r\n", "10001\u{3000}" } do
      assert.equal("10001", keys.form(value))
    end
    assert.equal(keys.form "Café", keys.form "Cafe\u{301}")
    assert.not_equal(keys.form "Café", keys.form "Cafe")
    assert.not_equal(keys.form "a b", keys.form "ab")
    assert.not_equal(keys.form "Jean@X.fr", keys.form "jean@x.fr")
    local email = { type = "email" }
    assert.equal(keys.form("Jean@X.fr", email), keys.form("jean@x.FR", email))
  end)

  it("takes for near what a person takes for the same", function()
    for _, pair in ipairs { { "Société Générale", "SOCIETE GENERALE" }, { "L’Été", "l'ete" },
      { "10001", "010001" }, { "123 456 789 00012", "12345678900012" }, { "Straße", "STRASSE" },
      { "03.20.00.27.05", "0320002705" }, { "a  b", "a\u{A0}b" } } do
      assert.equal(keys.near(pair[1]), keys.near(pair[2]))
    end
    for _, pair in ipairs { { "1.5", "15" }, { "-5", "5" }, { "a b", "ab" }, { "10", "100" } } do
      assert.not_equal(keys.near(pair[1]), keys.near(pair[2]))
    end
  end)

  it("knows how else a server may have a number", function()
    assert.same({ "12345678900012" }, keys.spellings "123 456 789 00012")
    assert.same({}, keys.spellings "12345678900012")
    assert.same({ "0474454647" }, keys.spellings("474454647", true))
    assert.same({}, keys.spellings("0474454647", true))
    assert.same({}, keys.spellings("A 12", true))
  end)
end)
