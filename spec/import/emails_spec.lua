local emails = require "icrm.import.emails"

describe("import.emails", function()
  it("takes off what stands around an address", function()
    for text, want in pairs {
      ["<c@x.fr>"] = "c@x.fr", ["mailto:e@x.fr"] = "e@x.fr", ["MAILTO:e@x.fr?subject=a"] = "e@x.fr",
      ["Jean Dupont <d@x.fr>"] = "d@x.fr", ['"Dupont, Jean" <d@x.fr>'] = "d@x.fr",
      ["<mailto:d@x.fr>"] = "d@x.fr", ["\u{A0}a@x.fr\u{200B}"] = "a@x.fr", ["a@x.fr"] = "a@x.fr",
      ["< a@x.fr >"] = "a@x.fr",
    } do
      assert.equal(want, emails.read(text), text)
    end
  end)

  it("leaves what is no single address to the check", function()
    for _, text in ipairs { "a@x.fr, b@x.fr", "Jean <a@x.fr>, Marie <b@x.fr>", "f@x", "nobody" } do
      assert.equal(text, emails.read(text))
    end
  end)
end)
