--- What the columns of a file mean, decided once by all of their cells before the first
--- row is made: decimals, the order of dates, time zones, and what must be said of them.
-- @module icrm.import.columns

local column = require "icrm.import.column"
local cures = require "icrm.cures"
local damage = require "icrm.import.damage"
local errors = require "icrm.error"
local server = require "icrm.server"
local text_tools = require "icrm.text"
local translations = require "icrm.import.translations"
local values = require "icrm.values"
local zones = require "icrm.import.zones"

local M = {}

local CRM_VALUES = 100 -- that are looked at, where the file's own do not tell
local KINDS = { integer = "number", double = "number", currency = "number", percentage = "number",
  date = "date", datetime = "moment" }

-- ---- Looking ------------------------------------------------------------------

local function kind_of(field)
  return KINDS[field.type] or values.takes_any_text(field.type) and "text" or nil
end

-- The columns whose cells are looked at, in their order.
local function watched_columns(job)
  local by_index, watched = {}, {}
  for _, record in ipairs(job.records) do
    for _, target in ipairs(record.targets) do
      local kind = target.index and kind_of(target.field)
      if kind then
        local watch = by_index[target.index]
          or { index = target.index, heading = target.column, kinds = {} }
        watch.kinds[kind] = true
        watch.kinds.date = watch.kinds.date or kind == "moment" or nil
        watch.record, watch.field = watch.record or record, watch.field or target.field
        by_index[target.index] = watch
      end
    end
  end
  for index = 1, #job.source.headings do
    watched[#watched + 1] = by_index[index]
  end
  for _, watch in ipairs(watched) do
    watch.column = column.new(watch.kinds, job.source.unit)
  end
  return watched
end

local function survey(job, watched)
  local source <close> = job.source:again()
  local translated = translations.all(job.records)
  for line, cells in source:rows() do
    job.rows = job.rows + 1
    for _, one in ipairs(translated) do
      one:see(cells[source.index[one.heading]])
    end
    for _, watch in ipairs(watched) do
      local typed = cells.typed and cells.typed[watch.index]
      if typed then
        watch.column:see_typed(typed[2], line)
      else
        watch.column:see(cells[watch.index], line)
      end
    end
  end
  job.blank_rows, job.hidden_rows = source.blank_rows, source:hidden_rows()
  job.totals, job.swallowed = source.totals, source.swallowed
end

-- ---- Deciding -----------------------------------------------------------------

-- What the cells of a column prove of its numbers, or of its dates; nil and why they do not.
local function proven(watch, kind)
  if kind == "number" then
    return watch.column:decimal()
  end
  return watch.column:date_order()
end

-- What the file's columns have in common, nil when they differ.
local function common(watched, kind)
  local verdict
  for _, watch in ipairs(watched) do
    local one = watch.kinds[kind] and proven(watch, kind)
    if one and verdict and one ~= verdict then
      return nil
    end
    verdict = one or verdict
  end
  return verdict
end

local CHOICES = { number = "say {decimal=comma} or {decimal=point}",
  date = "say {dates=day} or {dates=month}" }

-- A number such as 1,234 is read as it was decided for the whole column, or not
-- at all: said once, not for every row.
local function refuse_doubtful_number(job, watch)
  local cell = watch.column:doubtful_number()
  if cell then
    errors.refuse("%s: column %s: %s (%s %d) may be read in two ways, and no other cell tells "
      .. "which; %s", job.source.path, watch.heading, text_tools.quote(cell.text),
      job.source.unit, cell.line, cures.say(CHOICES.number))
  end
end

local function decide(job, watch, kind, wanted, shared)
  local verdict, problem = proven(watch, kind)
  if wanted then
    return wanted
  elseif problem then
    errors.refuse("%s: column %s: %s; %s", job.source.path, watch.heading, problem,
      cures.say(CHOICES[kind]))
  end
  return verdict or shared
end

-- The zone of times without an offset, and who says so.
local function zone_of(job, wanted)
  if wanted then
    return zones.find(wanted) or errors.refuse("the time zone %q is not known here; write a name "
      .. "such as Europe/Paris, or an offset such as +02:00", wanted), "as you say"
  end
  for _, record in ipairs(job.records) do
    if record.is_by_id then
      return zones.find "UTC", "as icrm exports them; the key is the id"
    end
  end
  local settings = server.own_settings(job.crm)
  local name = settings and settings.time_zone
  local zone = name and zones.find(name)
  return zone or zones.find "UTC", zone and "the zone of this user in the CRM"
    or "the zone of this user is not known"
end

local function style_of(job, watch, opts, shared)
  local style = { nulls = opts.nulls }
  if watch.kinds.number then
    style.decimal = decide(job, watch, "number", opts.decimal, shared.decimal)
    if not style.decimal then
      refuse_doubtful_number(job, watch)
    end
  end
  if watch.kinds.date then
    style.date = decide(job, watch, "date", opts.dates, shared.date)
  end
  if watch.kinds.moment then
    if not shared.zone then
      shared.zone, shared.says = zone_of(job, opts.timezone)
    end
    style.zone = shared.zone
  end
  return style
end

-- ---- Saying -------------------------------------------------------------------

-- Say what was decided, one line for all columns of one reading.
local function say_styles(job, watched)
  local NAMES = { comma = "decimal comma", point = "decimal point", day = "day first",
    month = "month first" }
  for _, verdict in ipairs { "comma", "point", "day", "month" } do
    local headings = {}
    for _, watch in ipairs(watched) do
      local style = job.styles[watch.index]
      if style.decimal == verdict or style.date == verdict then
        headings[#headings + 1] = watch.heading
      end
    end
    if #headings > 0 then
      job:note("%s: %s", NAMES[verdict], table.concat(headings, ", "))
    end
  end
end

local function say_zone(job, watched, shared)
  local headings = {}
  for _, watch in ipairs(watched) do
    headings[#headings + 1] = watch.kinds.moment and watch.heading or nil
  end
  if #headings > 0 then
    job:note("times without an offset are those of %s (%s): %s", shared.zone.name, shared.says,
      table.concat(headings, ", "))
  end
end

local function counted(job, cells)
  return ("%d cell%s such as %s (%s %d)"):format(cells.count, cells.count == 1 and "" or "s",
    text_tools.quote(cells.text), job.source.unit, cells.line)
end

local SIGNS = {
  { "nothing", "%s: no date stands in %s; read as empty" },
  { "misread", "%s: an earlier program has read UTF-8 as Windows-1252 in %s; export it anew" },
}

local function say_currencies(job, watch)
  local list = {}
  for currency, cells in pairs(watch.column.currencies) do
    list[#list + 1] = ("%s in %s"):format(currency, counted(job, cells))
  end
  if #list > 1 then
    table.sort(list)
    job:note("%s: the amounts are taken as they stand, whatever their currency: %s", watch.heading,
      table.concat(list, ", "))
  end
end

local function say_signs(job, watched)
  local blanks = {}
  for _, watch in ipairs(watched) do
    say_currencies(job, watch)
    for _, sign in ipairs(SIGNS) do
      local cells = watch.column:sign(sign[1])
      if cells then
        job:note(sign[2], watch.heading, counted(job, cells))
      end
    end
    local cells = watch.column:sign "blanks"
    blanks[#blanks + 1] = cells and ("%s (%d)"):format(watch.heading, cells.count)
  end
  if #blanks > 0 then
    job:note("blanks around texts are left out: %s", table.concat(blanks, ", "))
  end
end

-- What the CRM has in a field; nothing where the user may not read it.
local function crm_digits(job, watch)
  local digits, name = damage.digits(), watch.field.name
  local query = job.crm:query(("SELECT %s FROM %s WHERE %s != ' ' LIMIT %d;"):format(name,
    watch.record.module, name, CRM_VALUES))
  local next_page, _, _, closing = query:pages()
  local _ <close> = closing
  local ok, page = pcall(next_page)
  if not ok and not errors.is(page, "refused") then
    error(page, 0)
  end
  for _, row in ipairs(ok and page or {}) do
    digits:see(values.text(row[name]), nil)
  end
  return digits
end

local function say_lost_zeros(job, watched)
  for _, watch in ipairs(watched) do
    local digits = watch.column.digits
    local lost, is_open = digits:lost_zeros(watch.field)
    if not lost and is_open then
      lost = digits:lost_zeros(watch.field, crm_digits(job, watch))
    end
    if lost then
      watch.record.lost_zeros = watch.record.lost_zeros or {}
      watch.record.lost_zeros[watch.field.name] = true
      job:note("%s: a digit less than %s in %s; a table program may have dropped leading zeros: "
        .. "export the column as text", watch.heading, text_tools.quote(lost.like),
        counted(job, lost))
    end
  end
end

-- ---- All of it ------------------------------------------------------------------

local function nulls_of(words)
  if not words then
    return nil
  end
  local nulls = {}
  for _, word in ipairs(type(words) == "table" and words or { words }) do
    nulls[word] = true
  end
  return nulls
end

--- Look at all cells of a job's file and decide what its columns mean: sets `styles`
--- (index -> how to read a cell, see icrm.import.values), `rows`, `blank_rows` and
--- `hidden_rows`, and says what was decided.
---
--- @param job icrm.import.Job
--- @param opts table decimal ("comma", "point"), dates ("day", "month"), timezone (a name, or
---   an offset), nulls (a word that means an empty cell, or a list): nil to decide by the cells
function M.decide(job, opts)
  local watched = watched_columns(job)
  survey(job, watched)
  local shared = { decimal = common(watched, "number"), date = common(watched, "date") }
  opts.nulls = nulls_of(opts.nulls)
  job.styles, job.style = {}, { nulls = opts.nulls }
  for _, watch in ipairs(watched) do
    local style = style_of(job, watch, opts, shared)
    job.styles[watch.index] = style
    if watch.kinds.date and not style.date and watch.column:doubtful_date() then
      job:note("%s: %s is taken as day/month; if it is month/day, %s", watch.heading,
        watch.column:doubtful_date().text, cures.say "say {dates=month}")
    end
  end
  say_styles(job, watched)
  say_zone(job, watched, shared)
  say_signs(job, watched)
  say_lost_zeros(job, watched)
end

return M
