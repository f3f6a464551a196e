--- What the cells of a column are: SIRETs, e-mail addresses, numbers, where its heading says
--- nothing.
-- @module icrm.import.cell_kinds

local damage = require "icrm.import.damage"
local text_tools = require "icrm.text"

local M = {}

local SAMPLE = 500 -- rows whose cells are looked at

local function digits_of(text)
  return text:gsub("[%s\u{A0}\u{202F}.%-]", "")
end

-- In this order: a SIRET is also a long number, a SIREN might be a phone number.
local KINDS = {
  { what = "SIRETs", fields = { "siret" },
    fits = function(text) return digits_of(text):find "^%d+$" and #digits_of(text) == 14 end },
  { what = "SIRENs", fields = { "siren" },
    fits = function(text) return digits_of(text):find "^%d+$" and #digits_of(text) == 9 end },
  { what = "e-mail addresses", fields = { "email1", "email", "email2", "secondaryemail" },
    fits = function(text) return text:find "^[^%s@]+@[^%s@]+%.[^%s@]+$" end },
  { what = "web addresses", fields = { "website" },
    fits = function(text) return text:find "^https?://" or text:find "^www%." end },
  { what = "mobile numbers", fields = { "mobile", "otherphone", "phone" },
    fits = function(text) return digits_of(text):find "^0[67]%d%d%d%d%d%d%d%d$"
      or digits_of(text):find "^%+33%(?0?%)?[67]%d%d%d%d%d%d%d%d$" end },
  { what = "phone numbers", fields = { "phone", "otherphone", "homephone", "fax" },
    fits = function(text) return digits_of(text):find "^0%d%d%d%d%d%d%d%d%d$"
      or digits_of(text):find "^%+%d%d%d%d%d%d%d%d%d+$" end },
  { what = "postal codes", fields = { "bill_code", "mailingzip", "code" },
    fits = function(text) return text:find "^%d%d%d%d%d$" end },
}

--- The cells of each column, from the first rows of the file; empty ones are left out.
---
--- @param source icrm.Source
--- @return string[][] columns
--- @return integer rows that were read
function M.sample(source)
  local columns, rows = {}, 0
  for i = 1, #source.headings do
    columns[i] = {}
  end
  for _, cells in source:rows() do
    for i, column in ipairs(columns) do
      local text = text_tools.trim(cells[i] or "")
      if text ~= "" then
        column[#column + 1] = text
      end
    end
    rows = rows + 1
    if rows == SAMPLE then
      break
    end
  end
  return columns, rows
end

-- What nine of ten cells are; nil when they are of no kind, or too few to tell.
local function kind_of(cells)
  for _, kind in ipairs(#cells > 1 and KINDS or {}) do
    local n = 0
    for _, text in ipairs(cells) do
      n = n + (kind.fits(text) and 1 or 0)
    end
    if n >= #cells * 0.9 then
      return kind
    end
  end
end

--- The field that the cells of a column speak for.
---
--- @param cells string[]
--- @param schema icrm.Schema
--- @param taken table<string, true> fields that other columns feed
--- @return string? name
--- @return string? remark what the cells are
function M.field(cells, schema, taken)
  local kind = kind_of(cells)
  for _, name in ipairs(kind and kind.fields or {}) do
    local field = schema.by_name[name]
    if field and field.editable and not taken[name] then
      return name, "by its cells: " .. kind.what
    end
  end
end

local NUMBERS = { siret = 14, siren = 9 }

--- Whether a column of numbers of companies is written in groups, which the CRM would cut.
---
--- @param name? string the field that it feeds
--- @param cells string[]
--- @return boolean
function M.is_grouped(name, cells)
  local is_any = false
  for _, text in ipairs(NUMBERS[name] and cells or {}) do
    local digits = digits_of(text)
    is_any = is_any or digits ~= text and #digits == NUMBERS[name]
  end
  return is_any
end

-- What people write where there is no number and no date.
local NO_VALUE = {}
for word in ([[n.c. nc n.c n/c n/a na n.a. nd n.d. nr n.r. - -- – — ? / neant aucun aucune inconnu
  inconnue none unknown]]):gmatch "%S+" do
  NO_VALUE[word] = true
end
local VALUED = { integer = true, double = true, currency = true, percentage = true, date = true,
  datetime = true, time = true, picklist = true }

--- The words of a column that mean an empty cell: errors of formulas and what programs write
--- for nothing; where a number, a date or a picklist is meant, what people write, too.
---
--- @param cells string[]
--- @param field icrm.Field that the column feeds
--- @return string[] words each once
function M.null_words(cells, field)
  local words, seen = {}, {}
  for _, text in ipairs(cells) do
    local is_word = damage.is_nothing(text)
      or VALUED[field.type] and NO_VALUE[text_tools.fold(text)]
    if is_word and not seen[text] then
      seen[text] = true
      words[#words + 1] = text
    end
  end
  return words
end

return M
