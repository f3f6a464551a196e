--- Queries on quotes, orders and invoices that show their lines.
--
-- vtiger 8 joins the lines as soon as one of their columns is wanted, `*` included,
-- and LIMIT counts lines, which are merged into records afterwards. A walk by id
-- goes on behind the last record and misses none; where rows are counted off, the
-- ids are walked, and the rest is fetched by id.
-- @module icrm.query.inventory

local errors = require "icrm.error"
local lookup = require "icrm.query.lookup"

local M = {}

local LINE = { productid = true, quantity = true, listprice = true, comment = true,
  discount_amount = true, discount_percent = true }

local function is_of_lines(name)
  return LINE[name] or name:find "^tax%d+$" ~= nil
end

local function names_lines(facts)
  for _, name in ipairs(facts.columns) do
    if is_of_lines(name) then
      return true
    end
  end
  for _, name in ipairs(facts.order) do
    if is_of_lines(name) then
      return true
    end
  end
  return false
end

local function has_lines(client, module)
  local ok, schema = pcall(client.describe, client, module)
  if not ok and not (errors.is(schema, "refused") or errors.is(schema, "input")) then
    error(schema, 0)
  end
  local fields = ok and schema.by_name or {}
  return fields.hdnGrandTotal ~= nil or fields.productid ~= nil and fields.quantity ~= nil
end

--- Whether the rows of a query may be lines to the server when it counts them.
---
--- @param source icrm.query.Source
--- @return boolean
function M.joins_lines(source)
  local facts = source.facts
  return facts.select ~= "count" and (facts.select == "star" or names_lines(facts))
    and has_lines(source.client, facts.module)
end

-- The whole rows of a page of ids, in its order; what is gone meanwhile is left out.
local function rows_of(source, page)
  local facts, ids, rows = source.facts, {}, {}
  for i, row in ipairs(page) do
    ids[i] = row.id
  end
  local by_id = lookup.by_id(source.client, facts.module, ids,
    facts.select == "star" and "*" or facts.columns)
  for _, id in ipairs(ids) do
    rows[#rows + 1] = by_id[id]
  end
  return rows
end

--- Walk over the ids of a query's rows and give the rows whole.
---
--- @param source icrm.query.Source
--- @param walk_ids fun(ids: icrm.query.Source): function, function walks a source
--- @return fun(): icrm.Record[]? next_page
--- @return fun() stop
function M.walk(source, walk_ids)
  local next_page, stop = walk_ids(source:of_ids())
  return function()
    local page = next_page()
    return page and rows_of(source, page)
  end, stop
end

return M
