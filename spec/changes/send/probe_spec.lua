local json = require "icrm.json"
local probe = require "icrm.changes.send.probe"

-- A run as far as a probe knows it, and its journal.
local function new(meta, accept)
  meta = meta or {}
  local run = { stops = {} }
  run.store = {
    get_meta = function(_, name) return meta[name] end,
    set_meta = function(_, name, value) meta[name] = value end,
  }
  run.engine = {
    mark = function(_, fn, ...) fn(run.store, ...) end,
    stop = function(_, reason) table.insert(run.stops, reason) end,
  }
  return probe.new(run, accept), run, meta
end

local n = 0

local function change(fields, operation)
  n = n + 1
  return { n = n, module = "Accounts", operation = operation or "create",
    fields = json.encode(fields) }
end

local ROUNDED = { field = "amount", type = "currency", kind = "rounded", sent = "1.234",
  stored = "1.23" }

describe("the first write of a kind", function()
  it("goes alone, and the next waits until it has left", function()
    local self = new()
    local first, second = change { a = "1" }, change { a = "2" }
    assert.is_false(self:admits(first, true))
    assert.is_true(self:admits(first, false))
    assert.is_false(self:admits(second, true))
    self:note_done(first)
    assert.is_false(self:admits(second, true))
    self:leave(first)
    assert.is_true(self:admits(second, true))
    assert.is_false(self:is_first(second))
  end)

  it("is of a field, and of what a server may stumble over in its value", function()
    local self = new()
    local first = change { a = "1", b = "x" }
    self:admits(first, false)
    self:note_done(first)
    self:leave(first)
    for _, value in ipairs { "1.5", "é🔥", ("x"):rep(101), "a & b" } do
      assert.is_false(self:admits(change { a = value }, true), value)
      assert.is_false(self:admits(change { b = value }, true), value)
    end
    assert.is_false(self:admits(change { c = "1" }, true))
    assert.is_false(self:admits(change({ a = "1" }, "update"), true))
    assert.is_true(self:admits(change { a = "7", b = "other" }, true))
    assert.is_true(self:admits(change({}, "delete"), true))
  end)

  it("is tried again by another change when it came to nothing", function()
    local self = new()
    local first, second = change { a = "1" }, change { a = "2" }
    self:admits(first, false)
    self:leave(first)
    assert.is_true(self:is_first(second))
    assert.is_false(self:admits(second, true))
    assert.is_true(self:admits(second, false))
  end)
end)

describe("what the server made of a value", function()
  it("stops the set, once for every run, until it is accepted", function()
    local self, run, meta = new()
    local said, serious = self:judge(change {}, { ROUNDED })
    assert.same({ 1, 1, 1 }, { #said, #serious, #run.stops })
    assert.same({ "amount:rounded" }, self.halted.words)
    local again = new(meta)
    local ok, err = pcall(again.check_halted, again)
    assert.same({ false, "NOT_ACCEPTED" }, { ok, err.code })
    assert.truthy(err.message:find('accept = { "amount:rounded" }', 1, true))
    local accepted, other = new(meta, { "Accounts.amount:rounded" })
    accepted:check_halted()
    assert.equal(0, #select(2, accepted:judge(change {}, { ROUNDED })))
    assert.equal(0, #other.stops)
    local later = new(meta) -- what was accepted once holds for the set
    later:check_halted()
  end)

  it("is accepted by field and kind, and no other", function()
    local self = new({}, { "amount:rounded" })
    assert.is_true(self:accepts("Accounts", "amount", "rounded"))
    assert.is_true(self:accepts("Contacts", "amount", "rounded"))
    assert.is_false(self:accepts("Accounts", "amount", "converted"))
    assert.is_false(self:accepts("Accounts", "price", "rounded"))
    for _, word in ipairs { "amount", "amount:round", ":rounded", "" } do
      local meta = {}
      assert.is_false((pcall(new, meta, { word })))
      assert.is_nil(meta.accepted)
    end
  end)

  it("is counted where the CRM fills in what was not sent, and stops for a date", function()
    local self, run = new()
    local status = { field = "status", type = "picklist", kind = "defaulted", sent = "",
      stored = "New" }
    for _ = 1, 3 do
      assert.same({}, (self:judge(change {}, { status })))
    end
    assert.equal(3, self.defaulted["Accounts.status"].n)
    assert.equal(0, #run.stops)
    self:judge(change {}, { { field = "born", type = "date", kind = "defaulted", sent = "",
      stored = "2026-11-28" } })
    assert.equal(1, #run.stops)
  end)
end)
