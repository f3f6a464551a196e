-- A change set that somebody else has written, or changed by hand.
local changes = require "icrm.changes"
local changes_crm = require "spec.changes.crm"
local helper = require "spec.helper"
local script_crm = require "spec.script_crm"

describe("a crafted change set", function()
  local crm, path

  before_each(function()
    crm = changes_crm.start {}
    local plan <close> = crm.plan "set.icrm"
    local id = crm.client:create("Accounts", { accountname = "Là" }).id
    plan:create("Accounts", { accountname = "A" }, { key = "a", line = 2 })
    plan:update(id, { accountname = "B" }, { key = "b" })
    plan:seal()
    path = plan.path
  end)

  after_each(function()
    crm.close()
  end)

  for name, sql in pairs {
    ["an operation that there is not"] = "UPDATE changes SET operation = 'drop' WHERE n = 1",
    ["a state that there is not"] = "UPDATE changes SET state = 'almost' WHERE n = 1",
    ["fields that are no JSON"] = "UPDATE changes SET fields = 'not json' WHERE n = 1",
    ["fields that are a list"] = "UPDATE changes SET fields = '[1]' WHERE n = 1",
    ["references that are a number"] = "UPDATE changes SET refs = '7' WHERE n = 1",
    ["an update without what was there before"] = "UPDATE changes SET before = NULL WHERE n = 2",
    ["an update of no record"] = "UPDATE changes SET record = NULL WHERE n = 2",
    ["a line that is a word"] = "UPDATE changes SET line = 'two' WHERE n = 1",
    ["an attachment without a file"] = "UPDATE changes SET operation = 'attach', before = '{}' "
      .. "WHERE n = 1",
    ["a header without its witness"] = "DELETE FROM meta WHERE name = 'witness'",
    ["a header whose count is a word"] = "UPDATE meta SET value = 'many' WHERE name = "
      .. "'generation'",
  } do
    it("is refused by its name: " .. name, function()
      script_crm.alter(path, sql)
      local ok, err = pcall(changes.open, nil, path, { read_only = true })
      assert.is_false(ok)
      assert.equal("store", err.kind)
      assert.truthy(err.message:find(path, 1, true))
      for _, command in ipairs { "show", "status", "errors", "unknown" } do
        local result = helper.icrm { command, path }
        assert.truthy(result.code ~= 0)
        assert.falsy(result.err:find("traceback", 1, true), result.err)
      end
    end)
  end

  it("cannot speak to the terminal", function()
    script_crm.alter(path, [[UPDATE changes SET key = 'k' || char(27) || '[2J' || char(155)
      || char(8238) || 'gnp.exe', fields = '{"accountname":"a\\u009b1m\\u202eb"}' WHERE n = 1]])
    script_crm.alter(path, "UPDATE meta SET value = 'http://x/' || char(27) WHERE name = 'host'")
    for _, command in ipairs { "show", "status", "unknown" } do
      local result = helper.icrm { command, path }
      for _, text in ipairs { result.out, result.err } do
        assert.falsy(text:find("\27", 1, true), command)
        assert.falsy(text:find("\u{9B}", 1, true), command)
        assert.falsy(text:find("\u{202E}", 1, true), command)
      end
    end
    assert.truthy(helper.icrm({ "show", path }).out:find("\\u{202E}gnp.exe", 1, true))
  end)

  it("in a folder that all may write to is not applied", function()
    local folder = helper.tmpdir() .. "/open"
    assert(os.execute(("mkdir %s && cp %s %s/ && chmod 777 %s"):format(folder, path, folder,
      folder)))
    local ok, err = pcall(changes.open, crm.client, folder .. "/set.icrm")
    assert.is_false(ok)
    assert.truthy(err.message:find("may be written by everyone; chmod o-w", 1, true), err.message)
  end)
end)
