-- Write the file of a document to a new file.
local script = require "icrm.cli.script"

local parser = script.parser("download", "Write the file of a document to a new file.")
parser:argument("document", "The document's id; `icrm-lua related ID Documents` lists those of "
  .. "a record.")
parser:argument("target", "The new file, or a folder and a slash. By default the file's own "
  .. "name, in this folder."):default "./"
local args = parser:parse()

local crm <close> = script.connect(args)
local path, name = crm:download(args.document, args.target)
print(path)
script.say("%s of %s is there", name, args.document)
