--- The first write of a kind goes alone, and what the server made of it is looked
-- at before the second leaves: a set stops at the first record that is not stored
-- as it was meant, unless that was accepted.
--
-- A kind is a module, an operation, a field, and the shape of the value: a server
-- that rounds shows it on a number with decimals only.
-- @module icrm.changes.send.probe

local alterations = require "icrm.alterations"
local cures = require "icrm.cures"
local errors = require "icrm.error"
local json = require "icrm.json"

local M = {}

local Probe = {}
Probe.__index = Probe

-- Whatever holds more than a column of the usual size may be cut.
local USUAL_SIZE = 100

local EMPTY, OTHER, NUMBER = -1, -2, 8 -- shapes; a number's is this and its decimals

-- What there is in a value that a server may stumble over, as a number: of a text,
-- its length, characters beyond the BMP, and markup are one bit each.
local function shape(value)
  if type(value) ~= "string" then
    return OTHER
  elseif value == "" then
    return EMPTY
  elseif tonumber(value) then
    return NUMBER + alterations.decimals(value)
  end
  local bits = #value > USUAL_SIZE and 1 or 0
  if value:find "[\xf0-\xff&<>\"']" then
    bits = bits + (value:find "[\xf0-\xff]" and 2 or 0) + (value:find "[&<>\"']" and 4 or 0)
  end
  return bits
end

-- What was seen of a module and operation: field → shape → true; nil before the
-- first of them.
local function seen_of(self, change, is_made)
  local of_module = self.seen[change.module]
  if not of_module and is_made then
    of_module = {}
    self.seen[change.module] = of_module
  end
  local seen = of_module and of_module[change.operation]
  if not seen and is_made then
    seen = {}
    of_module[change.operation] = seen
  end
  return seen
end

--- The fields of a change, decoded once.
---
--- @param change table a row of the store
--- @return table field → value
function M.fields(change)
  change.values = change.values or json.decode(change.fields)
  return change.values
end

-- Kinds that were accepted: field:kind, Module.field:kind, field:* …
local function read_accepted(list)
  local accepted = {}
  for _, word in ipairs(list) do
    local field, kind = word:match "^([%w_.&]+):(%a+)$"
    if not field or not alterations.is_kind(kind) then
      local names = {}
      for i, known in ipairs(alterations.KINDS) do
        names[i] = known.name
      end
      errors.refuse("%s: write field:kind, where kind is one of %s",
        cures.say("{accept=WORD}", { WORD = word }), table.concat(names, ", "))
    end
    accepted[word] = true
  end
  return accepted
end

-- What was accepted once holds for the set: whoever resumes is not asked again.
local function remember(store, words)
  read_accepted(words) -- a word that says nothing is not kept
  local list = json.decode(store:get_meta "accepted" or "[]")
  table.move(words, 1, #words, #list + 1, list)
  if #words > 0 then
    store:set_meta("accepted", json.encode(list))
  end
  return list
end

---
--- @param run table of icrm.changes.send.run
--- @param accept? table list of `field:kind` that the user accepts
function M.new(run, accept)
  return setmetatable({
    run = run,
    seen = {}, -- module → operation → field → shape → true
    accepted = read_accepted(remember(run.store, accept or {})),
    tried = nil, -- the number of the change that goes alone
    defaulted = {}, -- Module.field → { field, value, n }, filled in by the CRM
  }, Probe)
end

--- Whether something that the server does to a field was accepted.
---
--- @param module string
--- @param field string
--- @param kind string name of one of icrm.alterations
--- @return boolean
function Probe:accepts(module, field, kind)
  local word = field .. ":" .. kind
  return self.accepted[word] or self.accepted[module .. "." .. word] or false
end

local function is_new(self, change)
  local seen = seen_of(self, change)
  if not seen then
    return true
  end
  for field, value in pairs(M.fields(change)) do
    local shapes = seen[field]
    if not (shapes and shapes[shape(value)]) then
      return true
    end
  end
  return false
end

--- Whether a change may be started now: not while another is looked at, and not
--- beside others when it is the first of a kind.
---
--- @param change table a row of the store
--- @param is_busy boolean whether others are under way
--- @return boolean
function Probe:admits(change, is_busy)
  if self.tried then
    return false
  elseif change.operation == "delete" or not is_new(self, change) then
    change.is_usual = true
    return true
  elseif is_busy then
    return false
  end
  self.tried = change.n
  return true
end

--- Whether this change is the first of its module and operation, so that the
--- record is to be read again.
---
--- @param change table
--- @return boolean
function Probe:is_first(change)
  return seen_of(self, change) == nil
end

--- Note that a change is done: its kinds have been seen.
---
--- @param change table
function Probe:note_done(change)
  if change.is_usual then
    return
  end
  local seen = seen_of(self, change, true)
  for field, value in pairs(M.fields(change)) do
    local shapes = seen[field] or {}
    seen[field] = shapes
    shapes[shape(value)] = true
  end
end

--- Let others go on: this change has been sent, whatever became of it.
---
--- @param change table
function Probe:leave(change)
  if self.tried == change.n then
    self.tried = nil
  end
end

-- The words that let the set go on are kept with it: it does not harm one record
-- more whenever it is resumed.
local function stop(self, change, list)
  local words, sentences = {}, {}
  for i, difference in ipairs(list) do
    words[i] = ("%s:%s"):format(difference.field, difference.kind)
    sentences[i] = alterations.sentence(change.module, difference)
  end
  self.halted = {
    words = words,
    module = change.module,
    message = table.concat(sentences, "; "),
  }
  self.run.engine:mark(self.run.store.set_meta, "halted", json.encode(self.halted))
  self.run.engine:stop(self.halted.message)
end

-- What the CRM filled in by itself is said once, with how often.
local function count_default(self, module, difference)
  local name = module .. "." .. difference.field
  local entry = self.defaulted[name] or { field = name, value = difference.stored, n = 0 }
  self.defaulted[name] = entry
  entry.n = entry.n + 1
end

--- Look at what a write did otherwise than it was meant to; stops the set when
--- that is serious and was not accepted.
---
--- @param change table
--- @param outcome table see icrm.images
--- @return table said what is to be noted with the change
--- @return table refused those that are serious and were not accepted
function Probe:judge(change, outcome)
  local said, refused = {}, {}
  for _, difference in ipairs(outcome) do
    local is_serious = alterations.is_serious(difference)
    if difference.kind == "defaulted" and not is_serious then
      count_default(self, change.module, difference)
    else
      said[#said + 1] = difference
    end
    if is_serious and not self:accepts(change.module, difference.field, difference.kind) then
      refused[#refused + 1] = difference
    end
  end
  if #refused > 0 then
    stop(self, change, refused)
  end
  return said, refused
end

--- Raise when an earlier run was stopped by something that is not accepted yet:
--- the next record would be harmed like the last.
function Probe:check_halted()
  local halted = json.decode(self.run.store:get_meta "halted" or "null")
  for _, word in ipairs(halted and halted.words or {}) do
    local field, kind = word:match "^(.+):(%a+)$"
    if not self:accepts(halted.module, field, kind) then
      errors.refuse {
        code = "NOT_ACCEPTED",
        message = ("%s; to go on all the same: %s"):format(halted.message,
          cures.say("{accept=WORDS}", { WORDS = halted.words })),
      }
    end
  end
end

return M
