-- Servers that keep to no order: every row comes once, or an error says why not.
local errors = require "icrm.error"
local icrm = require "icrm"
local lookup = require "icrm.query.lookup"

local ROWS = 350

local function fill(crm)
  local names = {}
  for i = 1, ROWS do
    names[i] = ("Ordre %03d"):format(i)
  end
  icrm.map(names, function(name)
    crm:create("HelpDesk", { ticket_title = name, ticketstatus = "Open" }, { check = false })
  end)
end

local QUERIES = {
  "SELECT * FROM HelpDesk WHERE ticket_title LIKE 'Ordre %'",
  "SELECT ticket_title FROM HelpDesk WHERE ticket_title LIKE 'Ordre %' ORDER BY ticket_title",
  "SELECT id FROM HelpDesk WHERE ticket_title LIKE 'Ordre %' ORDER BY ticket_title DESC",
}

for _, trait in ipairs { "ids-as-text", "reversed-page", "same-page" } do
  describe("a server with the trait " .. trait, function()
    local crm

    setup(function()
      crm = icrm.connect("sandbox:?traits=" .. trait)
      fill(crm)
    end)

    teardown(function()
      crm:close()
    end)

    for _, text in ipairs(QUERIES) do
      it("is read whole or found out: " .. text, function()
        local seen, n = {}, 0
        local ok, err = pcall(function()
          for row in crm:query(text):each() do
            assert.is_nil(seen[row.id])
            seen[row.id], n = true, n + 1
          end
        end)
        if ok then
          assert.equal(ROWS, n)
        else
          assert.is_true(errors.is(err, "decode"), tostring(err))
        end
      end)
    end
  end)
end

describe("a server that ignores IN", function()
  it("is not believed by a look-up", function()
    local crm <close> = icrm.connect "sandbox:?traits=in-ignored"
    local ok, err = pcall(lookup.find, crm, "HelpDesk", "ticket_title", { "Nope", "Neither" })
    assert.is_false(ok)
    assert.is_true(errors.is(err, "decode"))
  end)
end)
