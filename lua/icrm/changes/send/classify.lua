--- What the answer to a write proves (laws 3 and 4).
-- @module icrm.changes.send.classify

local M = {}

-- Errors that say that no byte of the request left this machine.
local NOT_SENT = {
  transport = true,
  tls = true,
  timeout = true,
  rate_limited = true,
  canceled = true,
  config = true,
  input = true,
  query = true,
}

-- Refusals before a record is touched: listed codes, and HTTP statuses such as
-- 404 and 413. What else comes with a status is `unknown_outcome`.
local REFUSED = { refused = true, auth = true, http = true }

--- The class of the answer to a write.
--- The dispatcher has turned every answer that proves nothing into the kind
--- `unknown_outcome`; what it leaves as `transport`, `tls` or `timeout` is proven unsent.
---
--- @param result any the decoded result, nil when the call failed
--- @param err? table icrm.Error
--- @return string N (not sent), R (refused before the write), S (success), A (the
---   server has answered, with words that do not prove that it did nothing), U (unknown)
function M.write(result, err)
  if result ~= nil then
    return "S"
  elseif NOT_SENT[err.kind] then
    return "N"
  elseif REFUSED[err.kind] then
    return "R"
  end
  return err.answered and "A" or "U"
end

--- Like `write`, for a call that returns the record: success needs a record
--- with an id of the module, and where a record was changed, with its id.
---
--- @param result any
--- @param err? table icrm.Error
--- @param prefix string describe's idPrefix
--- @param id? string the record that was to be changed
--- @return string class
function M.record(result, err, prefix, id)
  local class = M.write(result, err)
  if class ~= "S" then
    return class
  end
  local echo = type(result) == "table" and tostring(result.id) or ""
  local is_answer = echo:match("^" .. prefix .. "x%d+$") and (not id or echo == id)
  return is_answer and "S" or "U"
end

return M
