--- Clients that are known to be wrong, to see that the checker catches them.
-- @module spec.soak.mistakes

local mistakes = {}

-- Whatever got no answer is sent again, without a look.
function mistakes.resend_at_once()
  local reconcile = require "icrm.changes.send.reconcile"
  local new = reconcile.new
  function reconcile.new(run, options)
    local self = new(run, options)
    function self.is_found()
      return false
    end
    function self.add(of, change)
      of.run.engine:mark(of.store.mark, change.n, { state = "planned" })
    end
    function self.recover(of)
      for change in of.store:each { states = { "sending", "unknown" } } do
        of:add(change)
      end
    end
    return self
  end
end

-- Absence counts at once, however long writes may take.
function mistakes.no_settle(options)
  options.settle = 0
  local engine = require "icrm.changes.send.engine"
  local new = engine.new
  function engine.new(set, engine_options)
    local self = new(set, engine_options)
    function self.slowest_s()
      return 0
    end
    return self
  end
end

-- A session counts as ended because logout was called, not because a call on
-- it was refused.
function mistakes.trusting_fence()
  require("icrm.changes.send.fence").is_gone = function()
    return true
  end
end

-- A list of sessions that is empty counts as one of sessions that have ended, and
-- each run forgets those of the one before.
function mistakes.no_sessions()
  local store = require "icrm.changes.journal.store"
  for _, name in ipairs { "create", "open" } do
    local make = store[name]
    store[name] = function(...)
      local self = make(...)
      self.sessions = function()
        return {}
      end
      return self
    end
  end
end

-- A create that does not show by its witness is sent again without a look for half
-- of it.
function mistakes.halves_ignored()
  require("icrm.changes.send.halves").check = function(_, doubts)
    return doubts
  end
end

--- No mistake, but one net less: a file that may not know its own past is not
--- compared with the server, so that all hangs on the journal.
function mistakes.journal_alone()
  require("icrm.changes.send.history").check = function() end
end

-- The journal's commits are not on the disk when they return.
function mistakes.lazy_journal(_, set_options)
  mistakes.journal_alone()
  set_options.driver = setmetatable({
    settings = { "PRAGMA journal_mode = WAL", "PRAGMA synchronous = NORMAL" },
  }, { __index = require "icrm.changes.journal.sqlite" })
end

-- A write leaves before the journal says so.
function mistakes.send_first()
  mistakes.journal_alone()
  local store = require "icrm.changes.journal.store"
  for _, name in ipairs { "create", "open" } do
    local make = store[name]
    store[name] = function(...)
      local self = make(...)
      self.begin_attempts = function() end
      return self
    end
  end
end

--- Build the mistake named in `options.bad` in, if any.
function mistakes.install(options, set_options)
  if options.bad then
    assert(mistakes[options.bad], "no such mistake")(options, set_options)
  end
end

return mistakes
