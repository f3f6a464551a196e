-- Run the sandbox CRM alone, for clients of any language.
local argparse = require "argparse"
local sandbox = require "icrm.sandbox"

local parser = argparse("icrm-lua sandbox", [[
Serve a local CRM on 127.0.0.1 until Ctrl-C. It prints its URL, a user and that
user's access key: whoever has them may use it, on this machine only.]])
parser:option("--file", "keep the data in this file (default: in memory)"):argname "FILE"
parser:option("--profile", "whom it behaves like: initiative or vtiger8"):argname "NAME"
  :default "initiative":choices { "initiative", "vtiger8" }
parser:option("--port", "listen on this port (default: a free one)"):argname "N"
  :convert(math.tointeger):default "0"
parser:option("--latency", "milliseconds that every request takes"):argname "MS"
  :convert(math.tointeger):default "0"
parser:option("--field", "add a field, as in HelpDesk.cf_token:string"):argname "SPEC"
  :count "*"
parser:option("--faults", "misbehave by this plan, as in 'seed=42; p=0.02 half_reply'")
  :argname "PLAN"
parser:flag("--empty", "start a new store without the demo data")
local args = parser:parse()

sandbox.serve({
  file = args.file,
  profile = args.profile,
  port = args.port,
  latency_ms = args.latency,
  fields = args.field,
  faults = args.faults,
  demo = not args.empty,
}, function(server)
  print("url", server:url())
  print("user", server:username())
  print("key", server:key())
  io.stdout:flush()
  io.stderr:write "Ctrl-C stops it.\n"
end)
