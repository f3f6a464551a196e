--- What refers to the records that a change set deletes: it stays, and its reference is
-- emptied by the CRM. Looked for before the question, with few calls.
-- @module icrm.cli.referrers

local errors = require "icrm.error"
local limits = require "icrm.limits"
local map = require "icrm.map"
local operations = require "icrm.operations"
local script = require "icrm.cli.script"

local M = {}

local MOST_LOOKED_AT = 500 -- deletions of a module; more would take too many calls
local MOST_COUNTED = 500 -- records of one question
local MOST_RELATED = 50 -- deletions whose documents are looked for: a call each
local SHOWN = 3 -- ids

-- The records that go, by id, and by module the first of them.
local function deletions(plan)
  local gone, by_module = {}, {}
  for change in plan.store:each { operations = { "delete" }, states = { "planned" } } do
    gone[change.record] = true
    local ids = by_module[change.module] or {}
    by_module[change.module] = ids
    ids.n = (ids.n or 0) + 1
    if ids.n <= MOST_LOOKED_AT then
      ids[ids.n] = change.record
    end
  end
  return gone, by_module
end

-- What this user may not read is not looked at.
local function readable(fn, ...)
  local ok, result = pcall(fn, ...)
  if not ok and not (errors.is(result, "refused") or errors.is(result, "input")) then
    error(result, 0)
  end
  return ok and result or nil
end

local function schemas_of(client)
  local _, names = client:list_types()
  return map.map(names, function(name)
    return readable(client.describe, client, name) or false
  end)
end

-- One question for each field that may refer to what goes, and each fifty ids.
local function questions_for(schema, by_module)
  local questions = {}
  for module, ids in pairs(by_module) do
    for _, field in ipairs(schema:references_to(module)) do
      for first = 1, #ids, limits.VALUES_PER_QUERY do
        local last = math.min(first + limits.VALUES_PER_QUERY - 1, #ids)
        questions[#questions + 1] = { module = schema.name, field = field,
          ids = table.move(ids, first, last, 1, {}) }
      end
    end
  end
  return questions
end

local function ask(client, question)
  return readable(function()
    return client:from(question.module):select "id"
      :where(question.field.name, "IN", question.ids):build():all(MOST_COUNTED)
  end) or {}
end

-- Documents refer to nothing by a field: they are related to a record.
local function ask_documents(client, id)
  return readable(client.related, client, id, "Documents", { cap = true }) or {}
end

local function add(tally, module, label, rows)
  local name = label and ("%s (%s)"):format(module, label) or module
  for _, row in ipairs(rows) do
    local key = name .. "\0" .. row.id
    if not tally.gone[row.id] and not tally.seen[key] then
      tally.seen[key] = true
      if not tally[name] then
        tally[name] = { n = 0, ids = {} }
        table.insert(tally.names, name)
      end
      local entry = tally[name]
      entry.n = entry.n + 1
      entry.ids[#entry.ids + 1] = #entry.ids < SHOWN and row.id or nil
    end
  end
  tally.is_cut = tally.is_cut or #rows >= MOST_COUNTED
end

local function count_references(client, tally, by_module)
  local questions = {}
  for _, schema in ipairs(schemas_of(client)) do
    local more = schema and questions_for(schema, by_module) or {}
    table.move(more, 1, #more, #questions + 1, questions)
  end
  for i, rows in ipairs(map.map(questions, function(one) return ask(client, one) end)) do
    add(tally, questions[i].module, questions[i].field.label, rows)
  end
end

local function count_documents(client, tally, by_module)
  if not operations.offers(client, "retrieve_related") and client:server().kind ~= "corebos" then
    return
  end
  for module, ids in pairs(by_module) do
    local first = module ~= "Documents" and table.move(ids, 1, math.min(#ids, MOST_RELATED), 1, {})
    for _, rows in ipairs(first and map.map(first, function(id)
      return ask_documents(client, id)
    end) or {}) do
      add(tally, "Documents", nil, rows)
    end
    tally.is_cut = tally.is_cut or ids.n > MOST_RELATED
  end
end

--- Count what refers to the records that a plan deletes, but for what it deletes as well.
---
--- @param plan icrm.ChangeSet with a client
--- @return table tally names: list of "Module (field's label)"; by name { n, ids: the first };
---   is_cut: whether there may be more than was counted
function M.count(plan)
  local gone, by_module = deletions(plan)
  local tally = { names = {}, seen = {}, gone = gone }
  if next(gone) then
    count_references(plan.client, tally, by_module)
    count_documents(plan.client, tally, by_module)
    for _, ids in pairs(by_module) do
      tally.is_cut = tally.is_cut or ids.n > MOST_LOOKED_AT
    end
  end
  return tally
end

--- Say it, where there is anything.
---
--- @param plan icrm.ChangeSet with a client
function M.say(plan)
  local tally = M.count(plan)
  if #tally.names == 0 then
    return
  end
  script.say "Records that stay refer to those that are deleted, and lose that reference:"
  for _, name in ipairs(tally.names) do
    local entry = tally[name]
    script.say("  %s: %s%d: %s%s", name, tally.is_cut and "at least " or "", entry.n,
      table.concat(entry.ids, ", "), entry.n > #entry.ids and ", …" or "")
  end
  script.say ""
end

return M
