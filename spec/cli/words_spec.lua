local words = require "icrm.cli.words"

describe("cli.words", function()
  local function split(word)
    return { words.split(word, "--value", '"Column:from=to"', ":=") }
  end

  it("takes a word apart at the first of each separator", function()
    assert.same({ "Civilité", "Madame", "Mrs." }, split "Civilité:Madame=Mrs.")
    assert.same({ "a", "b:c", "d=e:f" }, split " a : b:c = d=e:f ")
    assert.same({ "a", "b", "" }, split "a:b=")
  end)

  it("takes what stands in double quotes as it is", function()
    assert.same({ "Taux: TVA", "20,0 %=plein", '2"0' },
      split '"Taux: TVA":"20,0 %=plein"="2""0"')
    assert.same({ 'Nom "court"', "x", "y" }, split 'Nom "court":x=y')
  end)

  it("refuses what has not all of its parts", function()
    for _, word in ipairs { "", "a", "a:b", "a=b", '"a:b=c', '"a"x:b=c', 'a:b="c" d' } do
      assert.error_matches(function() split(word) end,
        'write "Column:from=to"; a part with : = in it stands in double quotes')
    end
  end)

  it("joins what splits into the same", function()
    for _, parts in ipairs { { "a", "b", "c" }, { "a:b", "c=d", 'e"f' }, { '"', " x ", "" },
        { 'a"b"', "Type: x", "20,0 %=" } } do
      assert.same(parts, split(words.join(":=", table.unpack(parts))))
    end
  end)
end)
