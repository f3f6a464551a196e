-- icrm's own commands before a coreBOS, as its administrator and as a French user.
local changes = require "icrm.changes"
local core = require "icrm.core"
local helper = require "spec.helper"
local icrm = require "icrm"

-- Names that one of the server's engines reads wrongly, and harmless ones between.
local SHAPES = {
  "Enseignes %d (Lyon)", "L'Atelier %d", "Virgule %d, Fils", "Dupont %d, Fils (Paris) S.A.",
  "L'An %d (2)", "Anti\\slash %d", "Point. Com %d", "It's not in (scope) %d, l'an 2",
  "Please select [OK] %d", "nowhere [x%d] where [y]", "100%% Pur_e %d", 'Cite "double" %d',
  "<b>Gras</b> & co %d", "A;b %d", "where %d", "l'%d'", "is null %d", "Zoë %d é", "Plain %d",
  "Rock 'n' roll %d (live)",
}

local function names(first, last)
  local list = {}
  for i = first, last do
    list[#list + 1] = SHAPES[i % #SHAPES + 1]:format(i)
  end
  return list
end

local function csv(list, phone)
  local lines = { "Name;Phone" }
  for _, name in ipairs(list) do
    lines[#lines + 1] = ('"%s";%s'):format(name:gsub('"', '""'), phone)
  end
  return helper.tmpfile(table.concat(lines, "\n") .. "\n", "names.csv")
end

for _, user in ipairs { "admin", "jeanne" } do
  describe("a coreBOS, for " .. user .. ",", function()
    local server, crm, environment

    local function start(faults, traits)
      server = assert(core.sandbox.start { profile = "corebos", faults = faults, traits = traits,
        fields = { "Accounts.cf_icrm_token:string" } })
      crm = icrm.connect { url = server:url(), username = user, access_key = server:key(user) }
      environment = { ICRM_URL = server:url(), ICRM_USERNAME = user,
        ICRM_ACCESS_KEY = server:key(user) }
    end

    after_each(function()
      crm:close()
      server:stop()
    end)

    local function run(...)
      return helper.icrm({ ... }, { env = environment })
    end

    local function import(file, ...)
      return run("import", file, "--module", "Accounts", "--map", "Name=accountname",
        "--map", "Phone=phone", "--out", helper.tmpdir() .. "/set.icrm", "-y", ...)
    end

    -- How often each name is there, and with which telephone.
    local function stored()
      local found = {}
      for row in crm:query("SELECT accountname, phone FROM Accounts"):each() do
        local entry = found[row.accountname] or { n = 0 }
        entry.n, entry.phone = entry.n + 1, row.phone
        found[row.accountname] = entry
      end
      return found
    end

    local function check(list, phone)
      local found, wrong = stored(), {}
      for _, name in ipairs(list) do
        local entry = found[name] or { n = 0 }
        if entry.n ~= 1 or entry.phone ~= phone then
          wrong[#wrong + 1] = ("%s: %d times, %s"):format(name, entry.n, entry.phone)
        end
        found[name] = nil
      end
      for name in pairs(found) do
        wrong[#wrong + 1] = name .. ": not asked for"
      end
      assert.same({}, wrong)
    end

    it("finds by its key every record that is there, and makes none twice", function()
      start()
      icrm.map(names(1, 200), function(name)
        return crm:create("Accounts", { accountname = name, phone = "old" })
      end)
      local result = import(csv(names(1, 260), "new"), "--key", "accountname")
      assert.equal(0, result.code, result.err)
      check(names(1, 260), "new")
    end)

    it("makes none twice when answers are lost", function()
      start "at create#3 after_commit close; at create#7..9 after_commit reset; at create#15 empty"
      local result = import(csv(names(1, 40), "new"), "--key", "accountname", "--settle", "1")
      assert.equal(0, result.code, result.err .. result.out)
      check(names(1, 40), "new")
    end)

    it("finds what is referred to by any name, and takes contacts back", function()
      start()
      local list = names(1, 40)
      icrm.map(list, function(name)
        return crm:create("Accounts", { accountname = name })
      end)
      local lines = { "Last;Company" }
      for i, name in ipairs(list) do
        lines[#lines + 1] = ('Nom %d;"%s"'):format(i, name:gsub('"', '""'))
      end
      local file = helper.tmpfile(table.concat(lines, "\n") .. "\n", "contacts.csv")
      local set = helper.tmpdir() .. "/set.icrm"
      local result = run("import", file, "--module", "Contacts", "--map", "Last=lastname",
        "--ref", "account_id=Accounts.accountname:{Company}", "--key", "lastname",
        "--out", set, "-y")
      assert.equal(0, result.code, result.err)
      local by_id = {}
      for row in crm:query("SELECT accountname FROM Accounts"):each() do
        by_id[row.id] = row.accountname
      end
      for row in crm:query("SELECT lastname, account_id, birthday FROM Contacts"):each() do
        assert.equal(list[tonumber(row.lastname:match "%d+")], by_id[row.account_id])
        assert.equal("", row.birthday)
      end
      assert.matches("checked 40, lost 0, duplicates 0", run("audit", set).out)
      result = run("undo", set, "--allow-delete", "40", "-y")
      assert.equal(0, result.code, result.err)
      assert.equal(0, crm:count "Contacts")
    end)
  end)
end

describe("a coreBOS whose lock gives up", function()
  -- The create goes on while a logout of its session has answered already.
  it("gets no second record for one that is still being made", function()
    local server = assert(core.sandbox.start { profile = "corebos", traits = "lock-gives-up=1500",
      faults = "at create#2 stall=5000", fields = { "Accounts.cf_icrm_token:string" } })
    local crm = icrm.connect { url = server:url(), username = "admin",
      access_key = server:key "admin", timeout = 2, lanes = 2 }
    local set = changes.create(crm, helper.tmpdir() .. "/set.icrm",
      { input = "spec", witness = { Accounts = { tag = "cf_icrm_token" } } })
    for i = 1, 4 do
      set:create("Accounts", { accountname = "Compte " .. i })
    end
    local summary = set:apply { settle = 0.1 }
    repeat
      local late
      for _, event in ipairs(server:log()) do
        late = late or event.fault ~= "" and event.committed
      end
    until late
    local counts = {}
    for i = 1, 4 do
      counts[i] = crm:count("Accounts", "accountname = ?", "Compte " .. i)
    end
    set:close()
    crm:close()
    server:stop()
    assert.same({ 1, 1, 1, 1 }, counts)
    assert.equal(4, summary.states.done + (summary.states.needs_human or 0))
  end)
end)
