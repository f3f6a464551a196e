local core = require "icrm.core"
local errors = require "icrm.error"
local helper = require "spec.helper"

describe("icrm.error", function()
  it("makes errors of the class that the core fills", function()
    local _, from_core = core.base64.decode "!"
    assert.equal(getmetatable(from_core), errors.Error)
    assert.equal("icrm.Error", errors.Error.__name)
    assert.is_true(errors.is(from_core, "decode"))
    assert.is_false(errors.is(from_core, "refused"))
    assert.is_false(errors.is { kind = "decode" })
  end)

  it("writes kind, message, status and code", function()
    local err = errors.new { kind = "rate_limited", message = "slow down",
      status = 429, code = "TOO_MANY" }
    assert.equal("rate_limited: slow down (HTTP 429, code TOO_MANY)", tostring(err))
    assert.equal("input: bad", tostring(errors.new { kind = "input", message = "bad" }))
    err = errors.new { kind = "refused", message = "no", status = 200, row = 7,
      request_id = "abc" }
    assert.equal("row 7: refused: no (request abc)", tostring(err))
  end)

  it("knows what may be tried again as it is", function()
    local function retryable(kind, status)
      return errors.new { kind = kind, message = "m", status = status }:is_retryable()
    end
    assert.is_true(retryable "timeout")
    assert.is_true(retryable "transport")
    assert.is_true(retryable "rate_limited")
    assert.is_true(retryable("http", 503))
    assert.is_false(retryable("http", 404))
    assert.is_false(retryable "unknown_outcome")
    assert.is_false(retryable "refused")
  end)

  it("refuses a kind that is not of the set, and an error without a message", function()
    assert.error_matches(function() errors.new { kind = "odd", message = "m" } end,
      'unknown error kind "odd"')
    assert.error_matches(function() errors.new { kind = "input" } end, "needs a message")
  end)

  it("turns nil, err into an exception and passes the rest on", function()
    assert.same({ 1, nil, 3 }, { errors.check(1, nil, 3) })
    assert.is_nil((errors.check(nil)))
    local ok, err = pcall(errors.check, core.base64.decode "!")
    assert.is_false(ok)
    assert.equal("decode", err.kind)
  end)

  it("has every kind of the core, and no other, in docs/errors.md", function()
    local documented = {}
    for kind in helper.read_file("docs/errors.md"):gmatch "\n| `([%l_]+)` |" do
      documented[#documented + 1] = kind
    end
    assert.same(core.error_kinds, documented)
  end)
end)
