-- Attach a file to a record, as a document.
local script = require "icrm.cli.script"

local parser = script.parser("attach", "Attach a file to a record.")
parser:argument("id", "The record id, for example 9x6617554.")
parser:argument("file", "The file.")
parser:option("--title", "The document's title; the file's name without its ending by default.")
local args = parser:parse()

local crm <close> = script.connect(args)
local document = crm:attach(args.id, args.file, { title = args.title })
print(document.id)
script.say("%s is attached to %s", args.file, args.id)
