-- What doctor says of each kind of server, and what it keeps of it.
local doctor = require "icrm.cli.doctor"
local helper = require "spec.helper"
local icrm = require "icrm"
local sandbox = require "icrm.sandbox"

-- The lines of doctor by name; `args` as the command has them.
local function checked(args)
  local lines = {}
  for check in doctor.checks(args) do
    lines[check.name] = check
    assert.is_true(check.ok, check.name .. ": " .. check.text)
  end
  return lines
end

local function says(lines, name, pattern)
  assert.truthy(lines[name], name)
  assert.matches(pattern, lines[name].text)
end

describe("doctor", function()
  it("names the server, what it offers and what that means", function()
    local lines = checked { url = "sandbox:?profile=vtiger8" }
    says(lines, "server", "^vtiger 8%.0%.0$")
    says(lines, "deletions", "^offered: undo can remove")
    says(lines, "relations", "%(retrieve_related%)$")
    says(lines, "rights", "^admin is an administrator: all records show$")
    says(lines, "record numbers", "may get one number .*%-%-numbers unique$")
    says(lines, "logout", "^ends a session")
    says(lines, "numbers", "^numbers with a point, times in UTC, whatever your settings say")
    assert.is_nil(lines.trial)
  end)

  it("knows a vtiger as it is shipped", function()
    local lines = checked { url = "sandbox:?profile=vtiger8-stock" }
    says(lines, "server", "^vtiger 8%.0%.0, as it is shipped")
    says(lines, "files", "^not offered")
    says(lines, "logout", "^sessions live on after it: .* %-%-resend barrier$")
  end)

  it("knows coreBOS, and in which form it reads numbers", function()
    local lines = checked { url = "sandbox:?profile=corebos" }
    says(lines, "server", "^coreBOS")
    says(lines, "relations", "%(getRelatedRecords%)$")
    says(lines, "files", "%(retrievedocattachment%)$")
    says(lines, "empty dates", "becomes today's on this server: icrm sends it empty$")
    says(lines, "numbers", "numbers are read in your form, 1,234%.56, and times in your zone")
  end)

  it("says that amounts are converted from the user's currency", function()
    says(checked { url = "sandbox:?profile=vtiger8&traits=foreign-currency=2" }, "currency",
      "^yours is US Dollar, amounts are kept in Euro: .* by 2 %(1000 becomes 500%.00%)")
    assert.is_nil(checked({ url = "sandbox:?profile=vtiger8" }).currency)
  end)

  it("takes nothing for granted where it does not know", function()
    says(checked { url = "sandbox:" }, "numbers",
      "is not known, %-%-probe finds out; a set stops at the first value")
  end)

  it("says what was probed before, with the day", function()
    local url = "sandbox:" .. helper.tmpdir() .. "/crm.db"
    local crm <close> = icrm.connect(url)
    crm:server():learn("amounts", "rounded:3")
    crm:close()
    says(checked { url = url }, "numbers",
      "amounts are rounded to 3 decimals %(seen on %d+%-%d+%-%d+%)")
  end)

  it("says what a user who is no administrator should know", function()
    local server <close> = sandbox.start { profile = "vtiger8" }
    local crm <close> = icrm.connect { url = server:url(), username = "jdupont",
      access_key = server:key "jdupont", insecure = true }
    local lines = {}
    require("icrm.cli.server_checks").run(function(_, name, text)
      lines[name] = { text = text }
    end, crm, {})
    says(lines, "rights", "^jdupont is no administrator.* What does not show is not taken")
    says(lines, "numbers", "^you may not read your own record: amounts count as rounded to 2")
  end)

  it("does not say that there is no lock where nobody can tell", function()
    says(checked { url = "sandbox:?demo=off" }, "session lock",
      "^could not be seen: there are no records by which it could be seen%.")
  end)

  it("says how many decimals an amount keeps", function()
    says(checked { url = "sandbox:?profile=vtiger8", probe = true }, "amounts",
      "^are rounded to 2 decimals: 1234%.56789 became 1234%.57")
  end)

  it("says where sessions are no queue", function() -- where they are: lock_spec
    says(checked { url = "sandbox:?lock=off&faults=p=1 query stall=60" }, "session lock",
      "^not seen: a quick read overtook .*%. So nothing but the end of its session")
  end)

  it("writes on trial when it is told to, and removes what it wrote", function()
    local file = helper.tmpdir() .. "/crm.db"
    local url = "sandbox:" .. file
      .. "?profile=vtiger8&traits=update-encodes-description,update-rounds"
    local lines = checked { url = url, probe = true }
    says(lines, "trial", "^1 record of Accounts created and removed$")
    says(lines, "revise", "keeps all others$")
    says(lines, "update", "changes others: description was .* is .*&Eacute;")
    local crm <close> = icrm.connect(url)
    assert.equal(0, crm:count("Accounts", "accountname LIKE ?", "icrm doctor%"))
    local value, date = crm:server():fact "update"
    assert.equal("changes", value)
    assert.is_true(math.abs(os.time() - date) < 300)
    assert.is_true(crm:server():fact "logout")
  end)

  it("says that amounts are read in the form of the user's settings", function()
    local server <close> = sandbox.start { profile = "corebos" }
    local crm <close> = icrm.connect { url = server:url(), username = "jeanne",
      access_key = server:key "jeanne", insecure = true }
    local lines = {}
    require("icrm.cli.trial").run(function(_, name, text)
      lines[name] = { text = text }
    end, crm, {})
    says(lines, "amounts", "^are read as your settings write them: 1234%.56789 became")
  end)

  it("writes nothing where it could not clean up, or to a protected profile", function()
    local crm <close> = icrm.connect "sandbox:"
    crm.protected = true
    local found
    require("icrm.cli.trial").run(function(ok, _, text, cure)
      found = { ok, text, cure }
    end, crm, {})
    assert.same({ false, "nothing was written: this profile is protected",
      "say --confirm-host 127.0.0.1" }, found)
  end)
end)
