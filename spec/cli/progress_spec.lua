local cjson = require "cjson"
local helper = require "spec.helper"
local progress = require "icrm.cli.progress"

local function run(opts)
  local path = helper.tmpfile ""
  opts.file = assert(io.open(path, "wb"))
  opts.label, opts.total = "import", 3
  local p = progress.new(opts)
  p:step()
  p:fail()
  p:set_unknown(2)
  p:step(2)
  p:close()
  opts.file:close()
  return helper.read_file(path)
end

describe("progress", function()
  it("is silent where there is no terminal", function()
    assert.equal("", run { mode = "auto" })
    assert.equal("", run { mode = "off" })
  end)

  it("draws one line on a terminal and takes it away", function()
    local text = run { mode = "line", columns = 60, stats = function() return { lanes = 2 } end }
    assert.matches("^\rimport 1/3, %d+/s, .- left, 2 lanes\27%[K", text)
    assert.matches("\r\27%[K$", text)
  end)

  it("writes JSON events on request", function()
    local last
    for line in run({ mode = "json" }):gmatch "[^\n]+" do
      last = cjson.decode(line)
    end
    assert.same({ "end", "import", 3, 3, 1, 2 },
      { last.event, last.label, last.done, last.total, last.failed, last.unknown })
  end)
end)
