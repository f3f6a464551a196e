--- Profiles: which CRMs there are and how to log in to them.
--
-- They live in `~/.config/icrm/profiles.lua`, a file of data that belongs to
-- the user alone; the environment can take its place. docs/configuration.md
-- explains both.
-- @module icrm.profile

local core = require "icrm.core"
local errors = require "icrm.error"
local nearest = require "icrm.nearest"

local M = {}

-- What a profile may say, and the type of each. Access keys have become
-- numbers when this module sees them: see src/core/settings.h.
local TYPES = {
  url = "string",
  username = "string",
  access_key = "integer",
  access_key_command = "string",
  access_key_file = "string",
  lanes = "integer",
  rate = "string",
  ca_file = "string",
  proxy = "string",
  timeout = "number",
  max_wait = "number",
  protected = "boolean",
}
local NAMES = {
  string = "a text",
  integer = "a whole number",
  number = "a number",
  boolean = "true or false",
}
local KEYS = { "access_key", "access_key_command", "access_key_file" }

local function fail(text, ...)
  errors.raise { kind = "config", message = text:format(...) }
end

local function sorted_names(set)
  local names = {}
  for name in pairs(set) do
    names[#names + 1] = tostring(name)
  end
  table.sort(names)
  return names
end

-- An unset and an empty variable are the same.
local function variable(name)
  local value = os.getenv(name)
  return value ~= "" and value or nil
end

--- The folder of the user's settings.
---
--- @return string? nil without XDG_CONFIG_HOME and HOME
function M.folder()
  local config = variable "XDG_CONFIG_HOME"
  if config and config:sub(1, 1) == "/" then
    return config .. "/icrm"
  end
  local home = variable "HOME"
  return home and home .. "/.config/icrm"
end

--- The path of the profile file, whether it exists or not.
---
--- @return string?
function M.path()
  local folder = M.folder()
  return folder and folder .. "/profiles.lua"
end

-- Returns the table in the file and the credentials that its keys became, or
-- nil when there is no file.
local function read_file(path)
  if not path then
    return nil
  end
  local text, keys = core.settings(path)
  if not text then
    local err = keys
    if err.code == "ENOENT" then
      return nil
    end
    error(err, 0)
  end
  local chunk, problem = load(text, "@" .. path, "t", {})
  if not chunk then
    fail("%s", problem)
  end
  local ok, profiles = pcall(chunk)
  if not ok then
    fail("%s (the file is data, no program: only texts, numbers, true and false)", profiles)
  elseif type(profiles) ~= "table" then
    fail("%s must return a table: return { NAME = { url = \"…\", username = \"…\" } }", path)
  end
  return profiles, keys
end

local function check_value(place, name, value)
  local wanted = TYPES[name]
  if not wanted then
    fail("%s: unknown setting '%s'%s", place, tostring(name),
      nearest.suffix(tostring(name), sorted_names(TYPES)))
  elseif name == "access_key" and math.type(value) ~= "integer" then
    fail("%s: write access_key as one text in quotes, right behind the '='", place)
  elseif type(value) ~= wanted and math.type(value) ~= wanted then
    fail("%s: %s must be %s, not %s", place, name, NAMES[wanted], tostring(value))
  end
end

local function check_profile(place, profile)
  if type(profile) ~= "table" then
    fail("%s must be a table: { url = \"…\", username = \"…\" }", place)
  end
  for _, name in ipairs(sorted_names(profile)) do
    check_value(place, name, profile[name])
  end
  local given = {}
  for _, name in ipairs(KEYS) do
    if profile[name] ~= nil then
      given[#given + 1] = name
    end
  end
  if #given > 1 then
    fail("%s has both %s and %s; keep one", place, given[1], given[2])
  end
end

-- "~/" at the start is the user's home, as in a shell.
local function expand(path)
  local home = variable "HOME"
  if home and path:sub(1, 2) == "~/" then
    return home .. path:sub(2)
  end
  return path
end

-- The credentials userdata of a profile, nil when it names no key.
local function find_key(profile, keys)
  if profile.access_key then
    return keys[profile.access_key]
  elseif profile.access_key_command then
    return errors.check(core.credentials_from_command(profile.access_key_command))
  elseif profile.access_key_file then
    return errors.check(core.credentials_from_file(expand(profile.access_key_file)))
  end
end

local function key_from_environment()
  local key, err = core.credentials_from_env "ICRM_ACCESS_KEY"
  if err then
    error(err, 0)
  end
  return key
end

-- A URL with a password in it is refused before anything shows it.
local function check_url(url)
  if url and url:find "^%a+://[^/?#\\]*@" then
    errors.check(core.check_url(url))
  end
  return url
end

-- The environment alone, when no profile is asked for and it names a CRM.
local function from_environment(url)
  return {
    url = check_url(url),
    username = variable "ICRM_USERNAME",
    key = key_from_environment(),
  }
end

-- Turn a profile into options for connect. The environment speaks where the
-- profile is silent, and is never asked where it is not.
local function to_options(name, profile, keys)
  local options = { name = name }
  for field, value in pairs(profile) do
    options[field] = value
  end
  for _, field in ipairs(KEYS) do
    options[field] = nil
  end
  check_url(options.url)
  options.ca_file = options.ca_file and expand(options.ca_file)
  options.username = options.username or variable "ICRM_USERNAME"
  options.key = find_key(profile, keys) or key_from_environment()
  return options
end

local function fail_unknown(path, name, profiles)
  local names = sorted_names(profiles)
  if #names == 0 then
    fail("%s has no profile yet; '%s' was asked for", path, name)
  end
  fail("%s has no profile '%s'%s (it has: %s)", path, name, nearest.suffix(name, names),
    table.concat(names, ", "))
end

--- Find how to connect.
---
--- A name asks for that profile. Without one, ICRM_PROFILE does; then ICRM_URL,
--- ICRM_USERNAME and ICRM_ACCESS_KEY; then the profile `default`; then the only
--- profile there is.
---
--- @param name? string
--- @return icrm.ConnectOptions
function M.load(name)
  name = name or variable "ICRM_PROFILE"
  local url = variable "ICRM_URL"
  if not name and url then
    return from_environment(url)
  end
  local path = M.path()
  local profiles, keys = read_file(path)
  if not profiles and name and path then
    fail("%s is not there; profile '%s' was asked for", path, name)
  elseif not profiles then
    fail("no CRM is known: set ICRM_URL, ICRM_USERNAME and ICRM_ACCESS_KEY, or write %s "
      .. "(man icrm-lua); \"sandbox:\" is one to try things on", path or "a profile file")
  end
  if not name then
    local only = next(profiles)
    name = profiles.default and "default" or next(profiles, only) == nil and only or nil
  end
  if not name then
    fail("%s has several profiles (%s) and none is named default; name one or set ICRM_PROFILE",
      path, table.concat(sorted_names(profiles), ", "))
  elseif profiles[name] == nil then
    fail_unknown(path, name, profiles)
  end
  check_profile(("%s: profile '%s'"):format(path, name), profiles[name])
  return to_options(name, profiles[name], keys)
end

--- List the names of the profiles, sorted.
---
--- @return string[]
function M.names()
  return sorted_names(read_file(M.path()) or {})
end

return M
