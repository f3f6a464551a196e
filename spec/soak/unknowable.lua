--- What each trait and fault makes unknowable, and so is left to a person: the one
-- table of it, which tools/soak prints and docs/reliability.md has.
-- @module spec.soak.unknowable

-- `leaves`: counts of tools/check-changes that may be other than 0, besides what
-- follows from them when the job is taken back. `stops`: icrm may refuse to go on, as it
-- does when a server cannot be read reliably; what was not sent then is no loss.
local UNKNOWABLE = {
  { name = "no-logout", leaves = { unknown = true },
    why = "no session can be ended, so nothing proves that a create without an answer has "
      .. "ended" },
  { name = "ids-as-text", stops = true, leaves = { unplanned = true, unknown = true },
    why = "where pages in this order cannot be shown to be whole, nothing is taken for absent" },
  { name = "reversed-page", stops = true, leaves = { unplanned = true, unknown = true },
    why = "where pages in this order cannot be shown to be whole, nothing is taken for absent" },
  { name = "in-ignored", stops = true, leaves = { unplanned = true, unknown = true },
    why = "an answer with records that were not asked for is none, so no absence is proven" },
  { name = "swapped", stops = true, leaves = { unknown = true },
    why = "an answer that belongs to another request proves nothing of its own" },
  { name = "private-owners", leaves = { unknown = true },
    why = "a create for somebody else is out of sight: that it does not show proves nothing" },
  { name = "rows-hidden-after-limit", leaves = { unknown = true },
    why = "where all that a query finds is hidden, nothing shows that it works" },
  { name = "owner-workflow", leaves = { unknown = true },
    why = "the record may have gone to somebody whose records do not show" },
  { name = "owner-workflow-late", leaves = { unknown = true },
    why = "the record may have gone to somebody whose records do not show" },
  { name = "partial", leaves = { unknown = true },
    why = "half a record is there: whether to complete or to delete it is not icrm's to say" },
  { name = "ghost", leaves = { unknown = true, ghosts = true },
    why = "half a record is there that no query finds; one whose id never came is not found "
      .. "at all" },
}

local by_name = {}
for _, one in ipairs(UNKNOWABLE) do
  by_name[one.name] = one
end

return { LIST = UNKNOWABLE, by_name = by_name }
