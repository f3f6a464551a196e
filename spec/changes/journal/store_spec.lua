local changes = require "icrm.changes"
local core = require "icrm.core"
local drivers = require "spec.changes.drivers"
local helper = require "spec.helper"
local sqlite = require "icrm.changes.journal.sqlite"
local store = require "icrm.changes.journal.store"

-- The driver with a connection that fails when `fails(sql)` says so.
local function failing_driver(driver, fails)
  local failing = {}
  function failing.connect(...)
    local connection, environment = assert(driver.connect(...))
    return {
      escape = function(_, text) return connection:escape(text) end,
      close = function() return connection:close() end,
      execute = function(_, sql)
        if fails(sql) then
          return nil, "LuaSQL: disk I/O error"
        end
        return connection:execute(sql)
      end,
    }, environment
  end
  return setmetatable(failing, { __index = driver })
end

local function row(key, more)
  local change = { key = key, operation = "create", module = "Accounts", fields = "{}",
    state = "planned" }
  for name, value in pairs(more or {}) do
    change[name] = value
  end
  return change
end

local function path()
  return helper.tmpdir() .. "/set.icrm"
end

for name, driver in pairs(drivers) do
  describe("the store of a change set over " .. name, function()
    local options = { driver = driver }

    it("leaves no file when it cannot be begun", function()
      local file = path()
      local ok, err = pcall(store.create, file, {}, { driver = failing_driver(driver, function(sql)
        return sql:find "CREATE TABLE changes"
      end) })
      assert.falsy(ok)
      assert.equal("store", err.kind)
      assert.falsy(core.files.exists(file))
      assert.falsy(core.files.exists(file .. "-wal"))
    end)

    it("writes nothing to a file that has lost its name", function()
      local file = path()
      local set <close> = store.create(file, {}, options)
      set:add(row "a")
      set:flush()
      assert(os.rename(file, file .. ".other"))
      for _, is_replaced in ipairs { false, true } do
        if is_replaced then
          helper.write_file(file, "something else")
        end
        set:add(row("b" .. tostring(is_replaced)))
        local ok, err = pcall(set.flush, set)
        assert.falsy(ok)
        assert.equal("store", err.kind)
        assert.matches("removed, renamed or replaced while it was in use", err.message)
      end
      os.remove(file)
      assert(os.rename(file .. ".other", file))
      set:add(row "c")
      set:flush()
      assert.same({ { key = "a" }, { key = "c" } }, set:rows "SELECT key FROM changes ORDER BY n")
    end)

    it("keeps any text as it is", function()
      local file = path()
      local texts = { "l'été", "?", "a\nb\\", "日本 🚚", "'; DROP TABLE changes; --", "%q" }
      do
        local set <close> = store.create(file, { note = "l'été ?" }, options)
        for i, text in ipairs(texts) do
          set:add(row("k" .. i, { tag = text, message = text, line = i }))
        end
        set:flush()
      end
      local set <close> = store.open(file, options)
      assert.equal("l'été ?", set:get_meta "note")
      for i, text in ipairs(texts) do
        local change = set:by_key("k" .. i)
        assert.equal(text, change.tag)
        assert.equal(text, change.message)
        assert.equal(i, change.line)
      end
    end)

    it("has no row of a transaction that failed", function()
      local set <close> = store.create(path(), {}, options)
      set:add(row "a")
      set:flush()
      local ok, err = pcall(set.transaction, set, function()
        set:mark(1, { state = "done" })
        error("no", 0)
      end)
      assert.falsy(ok)
      assert.equal("no", err)
      assert.equal("planned", set:get(1).state)
    end)

    it("iterates in order, both ways, while rows are marked", function()
      local set <close> = store.create(path(), {}, options)
      for i = 1, 1203 do
        set:add(row("k" .. i))
      end
      set:flush()
      local last = 0
      for change in set:each { states = { "planned" } } do
        assert.equal(last + 1, change.n)
        last = change.n
        set:mark(change.n, { state = "done" })
      end
      assert.equal(1203, last)
      assert.equal(1203, set:each_backwards { states = { "done" } }().n)
      assert.same({ done = 1203 }, set:states())
    end)

    it("gives what may be sent: parents first, and children of what is done", function()
      local set <close> = store.create(path(), {}, options)
      for _, key in ipairs { "child", "parent", "alone", "grandchild" } do
        set:add(row(key))
      end
      set:link(1, 2)
      set:link(4, 1)
      set:flush()
      local function ready()
        local keys = {}
        for i, change in ipairs(set:ready(10)) do
          keys[i] = change.key
        end
        return table.concat(keys, " ")
      end
      assert.equal("parent alone", ready())
      set:mark(2, { state = "done" })
      assert.equal("child alone", ready())
      set:mark(1, { state = "sending" })
      assert.equal("alone", ready())
      set:mark(1, { state = "failed" })
      assert.equal(1, set:block_children(1, "why"))
      assert.equal("PARENT_NOT_DONE", set:get(4).code)
      set:unblock()
      assert.equal("blocked", set:get(4).state)
      set:mark(1, { state = "done" })
      set:unblock()
      assert.equal("alone grandchild", ready())
    end)

    it("takes no other file for a change set, and is gone when it is removed", function()
      local file = path()
      local set <close> = store.create(file, {}, options)
      helper.write_file(file .. ".other", "")
      assert(os.execute("chmod 600 " .. helper.quote(file .. ".other")))
      local err = helper.raised(store.open, file .. ".other", options)
      assert.truthy(err.message:find("this is no change set", 1, true), err.message)
      set:remove()
      assert.falsy(core.files.exists(file))
    end)

    it("keeps a NUL as the sign for one, and finds it again", function()
      local set <close> = store.create(path(), {}, options)
      set:add(row "a\0b")
      set:add(row("a\0c", { message = "x\0" }))
      set:flush()
      assert.equal(1, set:by_key("a\0b").n)
      assert.equal("a␀c", set:get(2).key)
      assert.equal("x␀", set:get(2).message)
      assert.truthy(set:has_key "a\0c")
    end)

    it("gives numbers as numbers, whatever they look like", function()
      local file = path()
      local set <close> = store.create(file, {}, options)
      set:add(row("007", { line = 12, message = "3" }))
      set:add(row(8))
      set:link(2, 1)
      set:link(2, 1)
      set:flush()
      set:begin_attempts({ { n = 1, attempt = 1, sha256 = "sha" } }, 1764000000)
      set:end_attempt(1, 1, { ended = 1764000000.25, class = "S", status = 200 })
      local change = set:by_key "007"
      assert.same({ 1, "007", 12, 1, "3" },
        { change.n, change.key, change.line, change.attempts, change.message })
      assert.equal("integer", math.type(set:count()))
      assert.truthy(set:has_key(8))
      assert.equal("8", set:by_key(8).key)
      local attempt = set:attempts(1)[1]
      assert.same({ 1764000000, 1764000000.25, 200 },
        { attempt.started, attempt.ended, attempt.status })
      set:begin_attempts({
        { n = 1, attempt = 2, sha256 = "a" },
        { n = 2, attempt = 1, sha256 = "b" },
      }, 1764000001)
      set:acknowledge { { n = 1, attempt = 2, ended = 1764000002 },
        { n = 2, attempt = 1, ended = 1764000002 } }
      assert.same({ 2, 1 }, { set:get(1).attempts, set:get(2).attempts })
      local first, second = table.unpack(set:attempts(1))
      assert.same({ "sha", "a", "S" }, { first.sha256, second.sha256, second.class })
      assert.same({ "b", "S", 1764000002 }, { set:attempts(2)[1].sha256, set:attempts(2)[1].class,
        set:attempts(2)[1].ended })
      assert.same({ { [2] = 1 }, { { 2 } }, { 1 } }, { set:link_graph() })
      assert.same({ sending = 2 }, set:states())
      assert.same({ all = 0, open = 0 }, set:count_deletions())
    end)

    it("keeps sessions until they are forgotten", function()
      local set <close> = store.create(path(), {}, options)
      set:begin_sessions()
      for _, session in ipairs { "s1", "s2" } do
        set:add_session(session, 1764000000.5)
      end
      assert.same({
        { id = 1, session = "s1", opened = 1764000000.5 },
        { id = 2, session = "s2", opened = 1764000000.5 },
      }, set:sessions())
      set:forget_sessions()
      assert.same({}, set:sessions())
    end)

    it("does not take an empty list of sessions for one of sessions that ended", function()
      local set <close> = store.create(path(), {}, options)
      set:begin_sessions()
      set:add(row "a")
      set:flush()
      set:begin_attempts({ { n = 1, attempt = 1, sha256 = "hash" } }, 1764000000)
      assert.same({}, set:sessions()) -- nothing leaves before its session is noted
      set:add_session("s1", 1764000000)
      set:run "DELETE FROM sessions"
      assert.is_nil(set:sessions())
      set:begin_sessions()
      assert.is_nil(set:sessions())
    end)

    it("commits nothing when a statement has failed, even if that was caught", function()
      local set <close> = store.create(path(), {}, options)
      set:add(row "a")
      set:flush()
      local err = helper.raised(set.transaction, set, function()
        set:mark(1, { state = "done" })
        pcall(set.run, set, "INSERT INTO nowhere VALUES (1)")
      end)
      assert.equal("store", err.kind)
      assert.equal("planned", set:get(1).state)
      set:transaction(set.mark, set, 1, { state = "done" })
      assert.equal("done", set:get(1).state)
    end)
  end)
end

describe("the file of a change set", function()
  it("refuses a file of another format, or one that is damaged", function()
    local function opened(change)
      local file = path()
      do
        local set <close> = store.create(file, {})
        for i = 1, 300 do
          set:add(row("k" .. i, { fields = ("x"):rep(200) }))
        end
        set:flush()
        set:set_meta("open", 1)
      end
      change(file)
      local ok, err = pcall(store.open, file)
      assert.falsy(ok)
      assert.equal("store", err.kind)
      return err.message
    end
    local function sql(statement)
      return function(file)
        assert(os.execute(("sqlite3 %s %s"):format(helper.quote(file), helper.quote(statement))))
      end
    end
    assert.truthy(opened(sql "PRAGMA user_version = 99"):find(
      "format 99 of this change set is not the one that this icrm reads (1)", 1, true))
    assert.truthy(opened(sql "PRAGMA application_id = 1"):find("no change set", 1, true))
    opened(function(file)
      local text = helper.read_file(file)
      local page = text:find(("x"):rep(200), 1, true)
      helper.write_file(file, text:sub(1, page - 3000) .. ("\255"):rep(6000)
        .. text:sub(page + 3000))
    end)
  end)

  it("lies in no folder that everyone may write, and is read by nobody else", function()
    local dir = helper.tmpdir()
    assert(os.execute("chmod 777 " .. dir))
    local ok, err = pcall(store.create, dir .. "/set.icrm", {})
    assert.falsy(ok)
    assert.truthy(err.message:find("may be written by everyone; chmod o-w", 1, true))
    assert(os.execute("chmod 755 " .. dir))
    store.create(dir .. "/set.icrm", {}):close()
    assert(os.execute(("chmod 644 %s/set.icrm && ln -s set.icrm %s/link.icrm"):format(dir, dir)))
    ok, err = pcall(store.open, dir .. "/set.icrm")
    assert.truthy(not ok and err.message:find("chmod 600", 1, true))
    ok, err = pcall(store.open, dir .. "/link.icrm")
    assert.truthy(not ok and err.message:find("symbolic link", 1, true))
    ok, err = pcall(store.create, dir .. "/set.icrm", {})
    assert.truthy(not ok and err.code == "EXISTS")
  end)
end)

describe("a journal that fails", function()
  local changes_crm = require "spec.changes.crm"
  local crm

  before_each(function()
    crm = changes_crm.start { latency_ms = 10 }
  end)

  after_each(function()
    crm.close()
  end)

  -- Apply 30 creations with a disk that fails at the n-th commit of the run.
  local function apply_failing(n)
    local commits, is_armed = 0, false
    local driver = failing_driver(sqlite, function(sql)
      if is_armed and sql == "COMMIT" then
        commits = commits + 1
        return commits >= n
      end
    end)
    local file = crm.dir .. "/set.icrm"
    do
      local plan <close> = crm.plan()
      for i = 1, 30 do
        plan:create("Accounts", { accountname = "Société " .. i }, { key = "row " .. i })
      end
      plan:seal()
    end
    local set <close> = changes.open(crm.client, file, { driver = driver })
    is_armed = true
    local started = core.clock()
    local ok, err = pcall(set.apply, set, { settle = 0.05 })
    assert.falsy(ok)
    assert.equal("store", err.kind)
    assert.truthy(err.message:find("disk I/O error", 1, true))
    assert.truthy(core.clock() - started < 10)
    return file
  end

  for _, n in ipairs { 1, 2, 3, 4, 7 } do
    it(("at commit %d sends nothing more, and is resumed without loss"):format(n), function()
      local file = apply_failing(n)
      local sent = crm.commits "create"
      -- What may have been sent is written down.
      local set <close> = changes.open(crm.client, file)
      local states = set.store:states()
      assert.truthy(sent <= (states.done or 0) + (states.sending or 0))
      assert.same({ done = 30 }, set:apply({ settle = 0.05 }).states)
      assert.equal(30, crm.commits "create")
      assert.equal(30, crm.count("Accounts", "cf_icrm_token LIKE ?", "IC%"))
    end)
  end
end)
