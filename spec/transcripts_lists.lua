--- What the replay of the recording needs to know beside the recording.
-- @module spec.transcripts_lists
local lists = {}

-- Sessions whose login was not recorded belong to admin, but for these.
lists.session_user = {
  ["79423f8f6b04ecaa8fae0"] = "jdupont",
  ["79a5ce446b04ecf9cde26"] = "jdupont",
  ["4895ffcd6b04ee6c4c226"] = "jdupont",
  ["1eb6cb3f6b04eeab00b9f"] = "jdupont",
  ["36847d786b04ecf9d3edb"] = "import",
  ["45b996a26b04eff784096"] = "import",
}

local UNPATCHED = "PHP 8 trips over this operation until the server is patched"
local RACE = "eight clients at once against a check that is not atomic"
local KILLED = "a worker of the server was killed in the middle"
local COLLECTED = "PHP had not collected the session file yet; the sandbox expires on time"
local EDITED = "reached by editing a session file or a database row by hand"
local HOLE = "an injection hole of the recorded server"
local FRONT = "a limit of the web server in front"

--- Exchanges that are not sent, with the reason. A name that ends in `*`
-- stands for all that begin so.
lists.skipped = {
  ["php8unpatched/*"] = UNPATCHED,
  ["race/duplicate accountname"] = RACE,
  ["crash/*"] = KILLED,
  ["session/idle 1500s but file not collected"] = COLLECTED,
  ["session/idle 1900s but file not collected"] = COLLECTED,
  ["session/idle 90000s but file not collected"] = COLLECTED,
  ["session/forced SESSION_EXPIRED path"] = EDITED,
  ["session/forced SESSION_LEFT_IDLE path"] = EDITED,
  ["session/access key changed while open"] = EDITED,
  ["login/access key NULL"] = EDITED,
  ["query/inj/ref OR 1=1"] = HOLE,
  ["query/inj/id OR 1=1"] = HOLE,
  ["query/inj/id close paren"] = HOLE,
  ["query/inj/id union"] = HOLE,
  ["query/inj/owner"] = HOLE,
  ["query/inj/backslash escape"] = HOLE,
  ["query/very long IN (url 20KB)"] = FRONT,
  ["convertlead/garbage"] = "the sandbox does not offer convertlead",
  ["retrieve_inventory/bad"] = "the sandbox does not offer retrieve_inventory",
}

--- Exchanges whose reply differs, with the reason.
lists.known = {}

--- Exchanges whose reply has the recorded form but other values.
lists.known_values = {
  ["query/order asc"] = "rows that tie come in no particular order",
  ["query/order without limit"] = "rows that tie come in no particular order",
  ["retrieve_related/account with 120 contacts"] =
    "the contacts were moved in the server's database, which left no trace in modifiedby",
}

local function multipart(boundary, parts)
  local lines = {}
  for _, part in ipairs(parts) do
    lines[#lines + 1] = "--" .. boundary
    local disposition = ('Content-Disposition: form-data; name="%s"'):format(part[1])
    if part.filename then
      disposition = ('%s; filename="%s"'):format(disposition, part.filename)
    end
    lines[#lines + 1] = disposition
    if part.type then
      lines[#lines + 1] = "Content-Type: " .. part.type
    end
    lines[#lines + 1] = ""
    lines[#lines + 1] = part[2]
  end
  return table.concat(lines, "\r\n") .. "\r\n--" .. boundary .. "--\r\n"
end

local function document(title, file, extra)
  return function(replay)
    return multipart("BB", {
      { "operation", "create" },
      { "sessionName", replay:session "6858b2956b04eeaaed533" },
      { "elementType", "Documents" },
      { "element", ('{"notes_title":"%s","assigned_user_id":"19x1","filelocationtype":"I",'
        .. '"filestatus":"1","folderid":"22x1"}'):format(title) },
      file,
      extra,
    })
  end
end

local function revise_user(replay, as, id, status)
  replay:call("POST", {
    { "operation", "revise" }, { "sessionName", replay:login(as) },
    { "element", ('{"id":"%s","status":"%s"}'):format(id, status) },
  })
end

local function create_account(replay, session, name)
  return replay:call("POST", {
    { "operation", "create" }, { "sessionName", session }, { "elementType", "Accounts" },
    { "element", ('{"accountname":"%s","assigned_user_id":"19x1"}'):format(name) },
  }).id
end

--- What happened between two recorded exchanges: a function(replay, exchange)
-- that runs before the exchange is sent. It may return the body to send, which
-- the recording lacks where it is no form.
lists.hooks = {}

lists.hooks["login/older challenge after newer"] = function(replay, exchange)
  replay.access_keys[exchange.request.form.accessKey] = replay:challenge "import"
  replay.access_keys["9ae15a4c62944a354b6785a3b34fca6f"] = replay:challenge "import"
end

lists.hooks["login/wrong accessKey"] = function(replay, exchange)
  local recorded = exchange.request.form.accessKey
  replay.access_keys[recorded] = recorded
end

lists.hooks["login/expired token"] = function(replay)
  replay.advance(301)
end

lists.hooks["body/multipart create"] = function(replay)
  return multipart("B", {
    { "operation", "create" },
    { "sessionName", replay:session "64b0c2da6b04ec82dd572" },
    { "elementType", "Contacts" },
    { "element", '{"lastname":"Multipart é","assigned_user_id":"19x1"}' },
  })
end

lists.hooks["body/json body"] = function(replay)
  return ('{"operation":"query","sessionName":"%s","query":"SELECT count(*) FROM Accounts;"}')
    :format(replay:session "64b0c2da6b04ec82dd572")
end

-- The recorded administrator was reactivated after deleting himself.
lists.hooks["create/ticket ok"] = function(replay)
  revise_user(replay, "import", "19x1", "Active")
end

-- A second passed before the recorded update, a moment in a replay.
lists.hooks["update/full set omitting description"] = function(replay)
  replay.advance(1)
end

-- The ids 667 and 668 are missing in the recording, and counts tell of two
-- more tickets, open and of low priority, of which one was changed later.
lists.hooks["query/or/and precedence"] = function(replay, exchange)
  local session = replay:session(exchange.request.path_or_query:match "sessionName=(%x+)")
  local last
  for _ = 1, 2 do
    last = replay:call("POST", {
      { "operation", "create" }, { "sessionName", session }, { "elementType", "HelpDesk" },
      { "element", '{"ticket_title":"Titre","assigned_user_id":"19x1","ticketstatus":"Open",'
        .. '"ticketpriorities":"Low"}' },
    }).id
  end
  replay.advance(1)
  replay:call("POST", {
    { "operation", "revise" }, { "sessionName", session }, { "element", '{"id":"' .. last .. '"}' },
  })
end

lists.hooks["documents/multipart filename"] = document("Note interne",
  { "filename", "contenu du fichier é\n", filename = "pièce jointe.txt", type = "text/plain" })
lists.hooks["documents/multipart with related_to"] = document("Lié",
  { "filename", "%PDF-1.4 \n", filename = "b.pdf", type = "application/pdf" },
  { "related_to", "17x362" })
lists.hooks["documents/multipart wrong part name"] = document("Mauvais part",
  { "fichier", "contenu", filename = "c.txt", type = "text/plain" })
lists.hooks["documents/multipart php file"] = document("php",
  { "filename", "<?php echo 1;", filename = "evil.php", type = "application/x-php" })

-- The race left two accounts, and the session idled until PHP collected it.
lists.hooks["session/expired (file collected by PHP gc)"] = function(replay, exchange)
  local session = replay:session(exchange.request.form.sessionName)
  create_account(replay, session, "Course 179548543")
  create_account(replay, session, "Course 179548543 bis")
  replay.advance(1801)
end

lists.hooks["session/after real session_gc idle 1500s"] = function(replay, exchange)
  replay:session(exchange.request.form.sessionName)
  replay.advance(1801)
end

lists.hooks["session/b alive after logout of a"] = function(replay, exchange)
  local other = replay:login "admin"
  replay:session(exchange.request.form.sessionName)
  replay:call("POST", { { "operation", "logout" }, { "sessionName", other } })
end

lists.hooks["session/user deactivated while open"] = function(replay, exchange)
  replay:session(exchange.request.form.sessionName)
  revise_user(replay, "admin", "19x7", "Inactive")
end

-- An account was made for the last 120 contacts; a reply shows 100 of them.
lists.hooks["retrieve_related/account with 120 contacts"] = function(replay, exchange)
  local session = replay:session(exchange.request.form.sessionName)
  local account = create_account(replay, session, "Compte aux 120 contacts")
  replay.numbers["1111"] = account:match "x(%d+)"
  for number = 252, 361 do
    replay:call("POST", {
      { "operation", "revise" }, { "sessionName", session },
      { "element", ('{"id":"12x%d","account_id":"%s"}'):format(number, account) },
    })
  end
end

return lists
