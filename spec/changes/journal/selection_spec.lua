local selection = require "icrm.changes.journal.selection"

describe("a selection of changes", function()
  it("is all of them when nothing is said", function()
    assert.same({ "1 = 1", {} }, { selection.condition() })
  end)

  it("takes names as values, never as SQL", function()
    local sql, values = selection.condition { states = { "done", "x' OR 1 = 1 --" } }
    assert.equal("1 = 1 AND state IN (?,?)", sql)
    assert.same({ "done", "x' OR 1 = 1 --" }, values)
  end)

  it("wants all that is given", function()
    local sql, values = selection.condition { module = "Leads", has = { "line" }, after = 7,
      attempts = 1 }
    assert.equal("1 = 1 AND module = ? AND line IS NOT NULL AND n > ? AND attempts >= ?", sql)
    assert.same({ "Leads", 7, 1 }, values)
  end)

  it("refuses what it does not know, which would select too much", function()
    assert.has_error(function() selection.condition { state = "done" } end,
      'changes are not selected by "state"')
  end)
end)
