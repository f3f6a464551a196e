-- Replays the recording of a coreBOS server against the sandbox.
local lists = require "spec.transcripts_corebos_lists"
local replay = require "spec.transcripts_replay"
local transcripts_agree = require "spec.transcripts_agree"

local FIRST_RECORDED = 1795837317 -- serverTime of the first getchallenge

describe("the exchanges recorded from coreBOS", function()
  transcripts_agree {
    name = "transcripts-corebos",
    exchanges = replay.read "spec/data/transcripts-corebos.jsonl",
    count = 515,
    users = { "admin", "jeanne" },
    lists = lists,
    start = function()
      return { profile = "corebos", now = FIRST_RECORDED }
    end,
  }
end)
