-- What the soak says of itself: that it did something, and what it cannot demand.
local helper = require "spec.helper"
local sandbox = require "icrm.sandbox"
local tallies = require "spec.soak.tally"
local unknowable = require "spec.soak.unknowable"

-- The rows of the table of a document that begins with this head, as lists of cells.
local function rows_of(document, head)
  local text = helper.read_file(document)
  local _, at = text:find(head .. "\n|%-[|-]*\n")
  local rows = {}
  for line in text:sub(at + 1):gmatch "([^\n]*)\n" do
    if not line:find "^|" then
      break
    end
    local cells = {}
    for cell in line:gmatch "|%s*([^|]-)%s*%f[|]" do
      cells[#cells + 1] = cell
    end
    rows[#rows + 1] = cells
  end
  return rows
end

describe("a part of the soak", function()
  local said
  local say = tallies.say

  before_each(function()
    said = {}
    tallies.say = function(...)
      said[#said + 1] = string.format(...)
    end
  end)

  after_each(function()
    tallies.say = say
  end)

  it("fails when nothing was killed where something was to be", function()
    local tally = tallies.report(tallies.new("kills", { kills = true, faults = true }))
    assert.equal(1, tally.failed)
    assert.equal("  kills: nothing was killed, so this shows nothing", said[1])
  end)

  it("fails when no request met a fault", function()
    local tally = tallies.new("seeds", { faults = true })
    assert.equal(1, tallies.report(tally).failed)
    assert.equal("  seeds: no request met a fault, so this shows nothing", said[1])
  end)

  it("does not fail when it did what it is for", function()
    local tally = tallies.new("kills", { kills = true, faults = true })
    tally.kills, tally.faulted = 1, 1
    assert.equal(0, tallies.report(tally).failed)
  end)
end)

describe("what stays unknown", function()
  it("is said in docs/reliability.md, trait by trait", function()
    local rows = {}
    for i, one in ipairs(unknowable.LIST) do
      rows[i] = { "`" .. one.name .. "`", one.why }
    end
    assert.same(rows, rows_of("docs/reliability.md", "| trait or fault | why |"))
  end)
end)

describe("docs/servers.md", function()
  it("says of every trait what the server does, and what icrm does about it", function()
    local said = {}
    for _, cells in ipairs(rows_of("docs/servers.md",
      "| trait | seen on | what the server does | what icrm does |")) do
      assert.truthy(cells[4] and cells[4] ~= "")
      for name in cells[1]:gmatch "`([^`]+)`" do
        said[name] = cells[3]
      end
    end
    for _, trait in ipairs(sandbox.traits()) do
      assert.truthy(said[trait.name], trait.name)
      assert.truthy(said[trait.name]:find(trait.sentence, 1, true), trait.name)
    end
  end)
end)
