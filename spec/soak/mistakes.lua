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

-- What the user may not see is taken for absent.
function mistakes.sight_ignored()
  local sight = require "icrm.changes.send.sight"
  sight.owner_of = function() end
end

--- No mistake, but one net less: what does not show by its key is not looked for by
-- its other fields and its id.
function mistakes.by_key_alone()
  mistakes.halves_ignored()
end

-- Any value goes into a list, and what the list does not give is not there.
function mistakes.lists_trusted()
  mistakes.by_key_alone()
  require("icrm.query.misread").may_miss = function()
    return false
  end
  local lookup = require "icrm.query.lookup"
  lookup.find = function(client, module, field, values, options)
    local text = ("SELECT * FROM %s WHERE %s IN (?)"):format(module, field)
    local rows = client:query(text, values):all()
    if options and options.control then
      rows[#rows + 1] = { id = "0x0", [field] = options.control } -- taken as seen
    end
    return rows
  end
end

-- Whatever record of the module an answer shows, it is the one that was sent.
function mistakes.echo_unchecked()
  require("icrm.images").is_another = function()
    return false
  end
  local probe = require "icrm.changes.send.probe"
  local new = probe.new
  function probe.new(run, accept)
    run.created = setmetatable({}, { __newindex = function() end })
    return new(run, accept)
  end
  local store = require "icrm.changes.journal.store"
  for _, name in ipairs { "create", "open" } do
    local make = store[name]
    store[name] = function(...)
      local self = make(...)
      local each = self.each
      function self.each(of, filter)
        return filter and filter.record and function() end or each(of, filter)
      end
      return self
    end
  end
end

-- A record is changed by sending all of it back.
function mistakes.whole_record()
  local ways = require "icrm.ways"
  ways.choose = function(_, schema, current, fields)
    local element = {}
    for name, value in pairs(current) do
      local field = schema.by_name[name]
      element[name] = field and field.editable and value or nil
    end
    element.id = current.id
    for name, value in pairs(fields) do
      element[name] = value
    end
    return { operation = "update", name = "whole", is_known = true, element = element }
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
