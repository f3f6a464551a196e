local row_doubts = require "icrm.row_doubts"

describe("row_doubts", function()
  it("knows totals by their first filled cell and the amounts beside it", function()
    for _, cells in ipairs {
      { "Total", "12", "1 234,50 €" }, { "TOTAL GÉNÉRAL :", "", "3" }, { "", "Sous-total", "5" },
      { "Total HT", "12.5" }, { "Totaux", "(1,234.50)", "CHF 12" }, { "Total 2025", "7" },
      { "Total des ventes", "7" }, { "Total", "" }, { "*** TOTAL ***", "12 %" },
      { "Total clients", "12" }, { "TOTAL (EUR)", "7" }, { "Montant total :", "3,5" },
      { "Moyenne", "2.5" },
    } do
      assert.is_true(row_doubts.is_total(cells), table.concat(cells, "|"))
    end
  end)

  it("knows words that are names as well, which are totals at the end alone", function()
    assert.same({ true, true }, { row_doubts.is_total { "Somme", "80" } })
    assert.same({ true }, { row_doubts.is_total { "Total", "80" } })
  end)

  it("takes no company for one", function()
    for _, cells in ipairs {
      { "Total", "Paris", "12" }, { "TotalEnergies", "12" }, { "Total", "0147444546" },
      { "Total", "54205118000066" }, { "Total Access", "" }, { "Summit", "3" },
      { "Total Access", "12", "0320002705" },
      { "Total", "75001 Paris" }, { "12", "Total" }, { "", "12" }, { "Total" }, { "" },
      { "Total", "a@b.fr" },
    } do
      assert.is_false(row_doubts.is_total(cells), table.concat(cells, "|"))
    end
  end)

  it("counts lines in a cell that have the separators of a row", function()
    assert.same({ 2, 2 }, { row_doubts.swallowed({ "A", "5 inch\nB;two\nC;three" }, ";") })
    assert.same({ 1, 2 }, { row_doubts.swallowed({ "A", "x\r\nB\tone\ty\r\nC", "z" }, "\t") })
    assert.same({ 1, 1 }, { row_doubts.swallowed({ "x\nB|y\nz", "z" }, "|") })
    assert.same({ 1, 2 }, { row_doubts.swallowed({ "A", "5 inch;x\nB;two", "y" }, ";") })
    assert.equal(0, (row_doubts.swallowed({ "Raison\nsociale", "x" }, ";")))
    assert.equal(0, (row_doubts.swallowed({ "A", "a; b; c\nd" }, ";")))
    assert.equal(0, (row_doubts.swallowed({ "A;\nB;" }, ";")))
    assert.equal(0, (row_doubts.swallowed({ "A", "12 rue X\n75001 Paris" }, ";")))
  end)
end)
