local text = require "icrm.text"

describe("text", function()
  it("folds case, accents, ligatures, blanks and apostrophes", function()
    assert.equal("etablissement", text.fold "  ÉTABLISSEMENT ")
    assert.equal("oeuvre d'ete a caen", text.fold "Œuvre d’été  à\u{A0}Caen")
    assert.equal("cafe", text.fold "cafe\u{301}")
    assert.equal("strasse", text.fold "Straße")
    assert.equal("\xFFa", text.fold "\xFFA") -- no UTF-8: only ASCII is folded
  end)

  it("leaves out what nobody sees within a text", function()
    assert.equal("Prénom", text.visible "\u{FEFF}Pré\u{200B}no\u{AD}m")
    assert.equal("é\u{A0}–€", text.visible "é\u{A0}–€")
  end)

  it("counts the columns that a terminal uses", function()
    assert.equal(5, text.width "Été 1")
    assert.equal(4, text.width "日本")
    assert.equal(1, text.width "e\u{301}")
    assert.equal(2, text.width "🙂")
  end)

  it("cuts to columns, never inside of a character", function()
    assert.equal("Étab…", text.cut("Établissement", 5))
    assert.equal("日…", text.cut("日本語", 4))
    assert.equal("abc", text.cut("abc", 3))
    assert.equal("…", text.cut("日本", 1))
  end)

  it("shows what a terminal would obey", function()
    assert.equal([[a\x1B[2J\n\t\xC2\x9B\x7F\x00é\xFF]],
      text.clean "a\27[2J\n\t\u{9b}\127\0é\xFF")
  end)

  it("shows what would turn the direction of writing, and leaves other signs", function()
    assert.equal([[invoice\u{202E}fdp.exe\u{2066}]], text.clean "invoice\u{202E}fdp.exe\u{2066}")
    assert.equal("“à – b” € العربية", text.clean "“à – b” € العربية")
    assert.equal("a\\x1B\nb\n", text.clean_lines "a\27\nb\n")
  end)

  it("folds what looks the same, however it is written", function()
    assert.equal("cafe", text.fold "Ｃａｆé\u{200B}\u{AD}")
    assert.equal("office", text.fold "o\u{FB03}ce")
    assert.equal("lodz orsted", text.fold "Łódź\u{3000}Ørsted")
    assert.equal("дим", text.fold "ДИМ")
  end)

  it("trims all that nobody sees", function()
    for _, blank in ipairs { " ", "\t", "\r\n", "\u{A0}", "\u{202F}", "\u{2009}", "\u{3000}",
      "\u{200B}", "\u{FEFF}", "\u{2060}", "\u{200E}", "\u{2028}", "\u{85}", "\0" } do
      assert.equal("a b", text.trim(blank .. blank .. "a b" .. blank))
      assert.equal("", text.trim(blank))
    end
    assert.equal("\xFFa\xE2\x80", text.trim " \xFFa\xE2\x80 ") -- no UTF-8
  end)

  it("trims no-break blanks, too", function()
    assert.equal("a b", text.trim "\u{202F} a b\u{A0}\n")
    assert.equal("à", text.trim "à") -- its last byte is that of a no-break blank
    assert.equal("", text.trim "\u{A0}")
  end)
end)
