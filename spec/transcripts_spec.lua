-- Replays the recording of a vtiger 8 server against the sandbox.
local helper = require "spec.helper"
local lists = require "spec.transcripts_lists"
local replay = require "spec.transcripts_replay"
local state = require "spec.transcripts_state"
local transcripts_agree = require "spec.transcripts_agree"

local FIRST_RECORDED = 1795484802 -- serverTime of the first getchallenge

describe("the exchanges recorded from vtiger 8", function()
  local exchanges = replay.read "spec/data/transcripts.jsonl"

  transcripts_agree {
    name = "transcripts",
    exchanges = exchanges,
    count = 577,
    users = { "admin", "jdupont", "inactif", "import" },
    lists = lists,
    start = function()
      return {
        profile = "vtiger8",
        traits = "-duplicate-words", -- this one's language had no words for it
        data = helper.tmpfile(state.data(exchanges), "state.json"),
        now = FIRST_RECORDED,
      }
    end,
  }
end)
