--- How the person's table program writes numbers, as far as the environment tells.
-- @module icrm.cli.locale

local M = {}

-- Languages, and countries of others, that write 1.5; the rest writes 1,5.
local POINT = { en = true, zh = true, ja = true, ko = true, th = true, he = true, hi = true,
  CH = true, LI = true, MX = true, ZA = false }

--- The decimal mark.
---
--- LC_ALL, LC_NUMERIC and LANG are asked in this order. Where they say nothing, as on a
--- server or in a crontab, it is the comma: a file of commas and semicolons opens rightly
--- in most of Europe.
---
--- @param env? fun(name: string): string? os.getenv by default
--- @return "comma"|"point"
function M.decimal(env)
  env = env or os.getenv
  for _, name in ipairs { "LC_ALL", "LC_NUMERIC", "LANG" } do
    local locale = env(name) or ""
    if locale ~= "" then
      local language, country = locale:match "^(%l%l%l?)_?(%u*)"
      local is_point = POINT[country or ""]
      if is_point == nil then
        is_point = POINT[language or ""]
      end
      return is_point and "point" or "comma"
    end
  end
  return "comma"
end

return M
