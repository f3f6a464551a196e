--- The states of a change and the codes of its row: what each means, what a row
-- says of itself, and what can be done. SQL conditions, `show` and `unknown`, and the
-- tables of docs/changes-reference.md come from here.
-- @module icrm.changes.journal.state

local cures = require "icrm.cures"

local M = {}

--- The states, in the order in which totals name them: name, meaning.
M.STATES = {
  { name = "planned", meaning = "waits to be sent" },
  { name = "done", meaning = "the CRM has it" },
  { name = "failed", meaning = "refused, or left alone; the CRM is as it was" },
  { name = "unknown", meaning = "sent without proof of what became of it; a run finds out" },
  { name = "needs_human", meaning = "what became of it only a person can tell" },
  { name = "blocked", meaning = "refers to a change that is not done" },
  { name = "skipped", meaning = "nothing is sent for it" },
  { name = "sending", meaning = "on its way, or was when the program ended" },
}

--- Sets of states that questions are asked about.
M.REMAINING = { "planned", "sending", "unknown" } -- may still be sent
M.IN_DOUBT = { "sending", "unknown" } -- may have been done
M.FOR_A_PERSON = { "needs_human", "unknown" } -- can be settled by hand
M.UNSETTLED = { "needs_human", "unknown", "sending" } -- sent again, it might be there twice
M.NOT_DONE = { "failed", "blocked" } -- proven not to be in the CRM
M.NOT_APPLIED = { "failed", "blocked", "needs_human", "unknown", "sending" }
M.TOLD = { "failed", "needs_human", "unknown" } -- have a reason of their own
M.LETS_PASS = { "done", "skipped" } -- what refers to these may be sent
M.HOLDS_BACK = { "failed", "needs_human", "blocked" } -- what refers to these is blocked

--- The codes of what an undo leaves alone.
M.NO_WAY_BACK = { "KEPT", "IMPOSSIBLE" }

--- The operations that make a record.
M.CREATIONS = { "create", "attach" }

-- Each code: the state that it comes with; `text`, what the row says, with its
-- arguments; what it means; the cure as icrm.cures says it, where FILE, KEY and ID stand
-- for the change set, the change and its record; `again`: a run looks for it once more;
-- `there`: its record was seen, so that nobody says of many at once that they are absent.
local CODES = {
  {
    code = "STALE",
    state = "failed",
    text = "%s changed since the plan: %s",
    meaning = "the record changed since the plan",
    cure = "look at the record, then plan the change anew",
  },
  {
    code = "CANNOT_CLEAR",
    state = "failed",
    text = "%s",
    meaning = "a reference was to be emptied, and this server's update keeps it",
    cure = "empty it in the CRM",
  },
  {
    code = "NO_SAFE_WAY",
    state = "failed",
    text = "%s",
    meaning = "this server has no operation that changes the record and keeps the rest of it",
    cure = "change it in the CRM; where the message speaks of rounding, run the row again with "
      .. "{accept=field:rounded}",
  },
  {
    code = "MANDATORY",
    state = "failed",
    text = "%s",
    meaning = "the record lacks a value that the server demands of every update",
    cure = "give that field a value in the same change",
  },
  {
    code = "NO_ANSWER",
    state = "failed",
    text = "sent %d times without an answer, and each time proven not done",
    meaning = "sent ten times without an answer, and each time proven not done",
    cure = "look into the CRM's log for why it does not answer, then run the row again",
  },
  {
    code = "FILE_CHANGED",
    state = "failed",
    text = "%s",
    meaning = "a file to be attached is not as it was when it was planned",
    cure = "plan the attachment anew",
  },
  {
    code = "PARENT_NOT_DONE",
    state = "blocked",
    text = "change %q, which it refers to, is not done",
    meaning = "the row it refers to is not done",
    cure = "settle or correct that row first",
  },
  {
    code = "UNCHANGED",
    state = "skipped",
    text = "the record has these values already",
    meaning = "the record has these values already",
  },
  {
    code = "EXISTS",
    state = "skipped",
    text = "exists already as %s",
    meaning = "existed already (`{on_match=skip}`)",
  },
  {
    code = "NO_KEY",
    state = "skipped",
    text = "left out, for %s",
    meaning = "its key is empty (`{empty_key=skip}`), or what it refers to is left out",
  },
  {
    code = "NO_MATCH",
    state = "skipped",
    text = "left out, for no record has its key",
    meaning = "no record had its key (`{no_match=skip}`)",
  },
  {
    code = "MERGED",
    state = "skipped",
    text = "part of change %q, of the same record",
    meaning = "part of an earlier change of the same record",
  },
  {
    code = "KEPT",
    state = "skipped",
    text = "changed since: %s",
    meaning = "in an undo: changed since, so it is left alone",
    cure = "look at the record, and change it by hand",
  },
  {
    code = "IMPOSSIBLE",
    state = "skipped",
    text = "%s",
    meaning = "in an undo: there is no way back",
  },
  {
    code = "CONFLICT",
    state = "needs_human",
    there = true,
    text = "fields that were not to be changed are not as before: %s",
    meaning = "fields that were not to be changed are not as before",
    cure = "{undo} puts them back; or mend them in the CRM, then {mark_done KEY}",
  },
  {
    code = "DUPLICATE",
    state = "needs_human",
    there = true,
    text = "created more than once: %s",
    meaning = "more than one record has the row's tag or key",
    cure = "remove all but one in the CRM, then {mark_done KEY ID}",
  },
  {
    code = "PARTIAL",
    state = "needs_human",
    there = true,
    text = "%s is there, but %s",
    meaning = "the record is there, half written; or a document without its file or relation",
    cure = "complete it in the CRM, then {mark_done KEY ID}; or remove it there, then "
      .. "{mark_absent KEY}",
  },
  {
    code = "CANDIDATE",
    state = "needs_human",
    text = "%s has the same key but other values: %s",
    meaning = "a record has the row's key, and other values",
    cure = "if it is this row's: {mark_done KEY ID}; if not: {mark_absent KEY}",
  },
  {
    code = "NO_WITNESS",
    state = "needs_human",
    text = "nobody knows whether it was created, and it has neither tag nor key to look for",
    meaning = "neither tag nor key to look for",
    cure = "look for it in the CRM, then {mark_done KEY ID}, or {mark_absent KEY}",
  },
  {
    code = "NO_FENCE",
    state = "needs_human",
    text = "it does not show but may yet appear, for its session could not be seen to end; look "
      .. "later",
    meaning = "absence could not be proven: the write may still be under way",
    cure = "{resume} looks again; {resume resend=barrier} settles it where the server's "
      .. "sessions are queues; seen to be absent later: {mark_absent KEY}",
    again = true,
  },
  {
    code = "SLOW",
    state = "needs_human",
    text = "it does not show, but the server was seen to hang, so it may yet appear; look later",
    meaning = "absence could not be proven: the server was waited for so long that the write "
      .. "may still be under way",
    cure = "{resume} looks again; seen to be absent when nothing can be at work any more: "
      .. "{mark_absent KEY}",
    again = true,
  },
  {
    code = "NO_SIGHT",
    state = "needs_human",
    text = "it does not show, but no record of its owner %s that was created by this set shows "
      .. "either, so it may be out of sight",
    meaning = "absence could not be proven: records of this owner may be out of the user's sight",
    cure = "ask its owner or an administrator whether it is there, then {mark_done KEY ID}, or "
      .. "{mark_absent KEY}",
    again = true,
  },
  {
    code = "GAPS",
    state = "needs_human",
    text = "it does not show, but others made more than %d records at its time, too many to "
      .. "look through for a half of it",
    meaning = "absence could not be proven: too many records were made at the time to look for "
      .. "one that is half written",
    cure = "look for it in the CRM by its values, then {mark_done KEY ID}, or {mark_absent KEY}",
  },
  {
    code = "NO_CONTROL",
    state = "needs_human",
    text = "%s does not show, but neither does any other record, so that proves nothing",
    meaning = "absence could not be proven: the query showed nothing at all",
    cure = "{resume} looks again; or look in the CRM, then {mark_done KEY ID}, or {mark_absent "
      .. "KEY}",
    again = true,
  },
  {
    code = "NOT_SHOWN",
    state = "needs_human",
    there = true,
    text = "%s, and what was sent does not show; look at that record",
    meaning = "the answer showed another record, and what was sent does not show: the server may "
      .. "have stored the key as something else",
    cure = "if that record is this row's: {mark_done KEY ID}; if not: {mark_absent KEY}",
  },
  {
    code = "ABSENT",
    state = "needs_human",
    text = "it does not show on the server, and nothing was to be sent twice",
    meaning = "with `{resend=never}`: it does not show",
    cure = "{mark_absent KEY} sends it again with the next resume",
  },
  {
    code = "MOVED",
    state = "needs_human",
    there = true,
    text = "%s was changed at %s, and not only by this change; look at it",
    meaning = "an update in doubt, and the record was changed by others as well",
    cure = "look at the record, then {mark_done KEY}, or {mark_absent KEY}",
  },
  {
    code = "GONE",
    state = "needs_human",
    text = "%s cannot be read any more: %s",
    meaning = "an update in doubt, and the record is not readable",
    cure = "ask who may see it, then {mark_done KEY}, or {mark_absent KEY}",
  },
  {
    code = "OTHER_RECORD",
    state = "unknown",
    text = "the answer shows %s, which is not what was sent",
    meaning = "the answer belonged to another request; a run looks for the record",
    cure = "{resume} looks for it",
  },
  {
    code = "TAG_MISSING",
    state = "unknown",
    text = "the server did not keep the tag; look at the field that was named for it",
    meaning = "the server did not keep the tag: everything stops",
    cure = "plan anew, with another field for the tag",
  },
}

local by_code = {}
for _, one in ipairs(CODES) do
  by_code[one.code] = one
end

--- The codes, in the order of the reference: code, state, text, meaning, cure, again,
--- there.
M.CODES = CODES

--- What is known of a code; nil for a code of the server's own.
---
--- @param code? string
--- @return table? code of M.CODES
function M.code(code)
  return by_code[code or ""]
end

--- The values that a row of this code is marked with.
---
--- @param code string
--- @param ... any the arguments of the code's text
--- @return table state, code, message
function M.outcome(code, ...)
  local one = by_code[code] or error("no such code: " .. tostring(code), 2)
  return { state = one.state, code = code, message = one.text:format(...) }
end

--- What can be done about a change, with the names filled in.
---
--- @param path string the file of the change set
--- @param change table a row of the store; without a `key` the cure of its code
--- @return string? cure nil where nothing is to be done, or only the server's text helps
function M.cure(path, change)
  local one = by_code[change.code or ""]
  return one and one.cure
    and cures.say(one.cure, { FILE = path, KEY = change.key, ID = change.record })
end

--- All states but some.
---
--- @param ... string
--- @return string[]
function M.except(...)
  local left_out, names = {}, {}
  for _, name in ipairs { ... } do
    left_out[name] = true
  end
  for _, one in ipairs(M.STATES) do
    names[#names + 1] = not left_out[one.name] and one.name or nil
  end
  return names
end

--- Names of states, codes or operations as an SQL list; they hold no apostrophe.
---
--- @param names string[]
--- @return string
function M.sql(names)
  return "('" .. table.concat(names, "', '") .. "')"
end

--- The codes whose changes a run looks for once more.
---
--- @return string[]
function M.looked_for_again()
  local codes = {}
  for _, one in ipairs(CODES) do
    codes[#codes + 1] = one.again and one.code or nil
  end
  return codes
end

return M
