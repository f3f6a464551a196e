-- Run the sandbox CRM alone, for clients of any language.
local commands = require "icrm.cli.commands"
local sandbox = require "icrm.sandbox"
local script = require "icrm.cli.script"

local parser = script.bare_parser("sandbox", "Serve a local CRM on 127.0.0.1 until Ctrl-C. It "
  .. "prints its URL, a user and that user's access key: whoever has them may use it, on this "
  .. "machine only.")
parser:option("--file", "Keep the data in this file; in memory by default."):argname "FILE"
parser:option("--profile", "Whom it behaves like; --traits lists the profiles.")
  :default "initiative"
parser:option("--trait", "Behave so besides; with - before the name, do not. May be repeated.")
  :argname "NAME":count "*"
parser:flag("--traits", "List the traits and the profiles, and do nothing else.")
parser:option("--port", "Listen on this port; on a free one by default."):argname "N"
  :convert(script.count):default "0"
parser:option("--latency", "Milliseconds that every request takes."):argname "MS"
  :convert(script.count):default "0"
parser:option("--most", "Megabytes that a request may have; 64 by default."):argname "MB"
  :convert(script.count):default "0"
parser:option("--field", "Add a field, such as HelpDesk.cf_token:string."):argname "SPEC"
  :count "*"
parser:option("--faults", "Misbehave by this plan, such as 'seed=42; p=0.02 half_reply'.")
  :argname "PLAN"
parser:option("--quota", "Allow so many calls, such as '60/min, 7200/day'."):argname "QUOTA"
parser:flag("--empty", "Start a new store without the demo data.")

-- The parser would take the -NAME of `--trait -NAME` for an option.
local function join_traits(words)
  local joined, i = {}, 1
  while words[i] do
    local word = words[i]
    if word == "--trait" and words[i + 1] then
      i = i + 1
      word = word .. "=" .. words[i]
    end
    joined[#joined + 1] = word
    i = i + 1
  end
  return joined
end

local function list_traits()
  for _, trait in ipairs(sandbox.traits()) do
    print(trait.value and ("%s=%d"):format(trait.name, trait.value) or trait.name, trait.sentence)
  end
  for _, profile in ipairs(sandbox.profiles()) do
    print("profile " .. profile.name, profile.traits)
  end
end

local args = parser:parse(join_traits(arg))
if args.traits then
  return list_traits()
end

sandbox.serve({
  file = args.file,
  profile = args.profile,
  traits = args.trait,
  port = args.port,
  latency_ms = args.latency,
  most_mb = args.most,
  fields = args.field,
  faults = args.faults,
  quota = args.quota,
  demo = not args.empty,
}, function(server)
  print("url", server:url())
  print("user", server:username())
  print("key", server:key())
  script.say("to use it from another shell:\n  export ICRM_URL=%s ICRM_USERNAME=%s "
    .. "ICRM_ACCESS_KEY=%s\nCtrl-C stops it.", commands.word(server:url()),
    commands.word(server:username()), commands.word(server:key()))
end)
