--- What the replay of coreBOS's recording needs to know beside the recording.
-- @module spec.transcripts_corebos_lists
local lists = {}

lists.session_user = {}

local MODULES = "belongs to the work on inventory modules, which the profile does not carry"
local MASS = "the sandbox does not offer coreBOS's mass operations"
local SECOND = "what the second engine alone can read; VTQL, which icrm writes, has none of it"
local OTHERS = "an operation of coreBOS's own pages, which icrm does not call"
local DURATION = "the sandbox computes no duration of an event that ends before it begins"
local NUMBERS = "numbers of records without their prefix"
local RACE = "two clients at once, told by the order of the replies"

--- Exchanges that are not sent, with the reason. A name that ends in `*`
-- stands for all that begin so.
lists.skipped = {
  ["describe/SalesOrder"] = MODULES,
  ["inventory/*"] = MODULES,
  ["mass/*"] = MASS,
  ["query mass/*"] = MASS,
  ["lock/*"] = RACE,
  ["query inventory: totals"] = MODULES,
  ["query parentheses"] = SECOND,
  ["query is null"] = SECOND,
  ["query NOT IN"] = SECOND,
  ["query join: *"] = SECOND,
  ["query dotted own module"] = SECOND,
  ["query IN in the join engine"] = SECOND,
  ["related/getRelatedModulesOneToMany"] = OTHERS,
  ["related/getRelatedModulesInfomation"] = OTHERS,
  ["related/getReferenceAutocomplete"] = OTHERS,
  ["getMaxLoadSize"] = OTHERS,
  ["users/create jeanne"] = "the profile has her from the start",
  ["session/JSON body instead of form"] = "a form of request that icrm does not use",
  ["session/session name in the header corebos-authorization"] =
    "a form of request that icrm does not use",
}

--- Exchanges whose reply differs, with the reason.
lists.known = {
  ["related/getRelatedRecords Accounts-Documents all columns"] =
    "joined columns of the database beside the module's own",
  ["query literal: order by in a value"] = "a total of 0 that is a number, once",
}

--- Exchanges whose reply has the recorded form but other values.
lists.known_values = {
  ["jeanne/revise cbCalendar dtstart *"] = DURATION,
  ["jeanne/retrieve cbCalendar at the end*"] = DURATION,
  ["query DocumentFolders"] = "the sandbox's folders were made by nobody",
  ["documents/retrievedocattachment *"] = NUMBERS,
  ["query literal: count with the value nowhere [x] where [y]"] =
    "the 19 accounts that mass operations made have other ids",
  ["related/getRelatedRecords Accounts-Documents"] = NUMBERS,
}

local function create(replay, session, element_type, element)
  return replay:call("POST", {
    { "operation", "create" }, { "sessionName", session }, { "elementType", element_type },
    { "element", element },
  }).id
end

--- What happened between two recorded exchanges: a function(replay, exchange)
-- that runs before the exchange is sent.
lists.hooks = {}

-- A token of the administrator was under way.
lists.hooks["session/getchallenge unknown user"] = function(replay)
  replay:challenge "admin"
  replay.advance(1)
end

lists.hooks["session/login wrong key"] = function(replay, exchange)
  local recorded = exchange.request.form.accessKey
  replay.access_keys[recorded] = recorded
end

-- 19 accounts more came from mass operations.
lists.hooks["query literal: IN with the value nowhere [x] where [y]"] = function(replay, exchange)
  local session = replay:session(exchange.request.query.sessionName)
  for index = 1, 19 do
    create(replay, session, "Accounts",
      ('{"accountname":"Masse bis %02d","assigned_user_id":"19x1"}'):format(index))
  end
end

-- 260 accounts were made by a mass operation that was not recorded.
lists.hooks["query data/L'Alpha"] = function(replay, exchange)
  local session = replay:session(exchange.request.form.sessionName)
  for index = 0, 259 do
    local id = create(replay, session, "Accounts",
      ('{"accountname":"Masse %03d","siccode":"MASSE","bill_city":"%s","assigned_user_id":"19x1"}')
        :format(index, index % 2 == 0 and "Lyon" or "Metz"))
    replay.numbers[tostring(8630 + index)] = id:match "x(%d+)"
  end
end

return lists
