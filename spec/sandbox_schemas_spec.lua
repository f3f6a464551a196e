-- The sandbox's data files agree with each other.
local json = require "cjson"
local lfs = require "lfs"
local helper = require "spec.helper"

local ROOT = "src/sandbox/schemas/"

local function read(profile, name)
  return json.decode(helper.read_file(ROOT .. profile .. "/" .. name .. ".json"))
end

local function load_profile(profile)
  local settings, modules = read(profile, "modules"), {}
  for _, entry in ipairs(settings.modules) do
    if entry.records ~= false then
      local module = read(profile, entry.name)
      module.entry, module.fields = entry, {}
      for _, field in ipairs(module.describe.fields) do
        module.fields[field.name] = field
      end
      modules[entry.name] = module
    end
  end
  return settings, modules
end

local function set(list)
  local out = {}
  for _, value in ipairs(list) do
    out[value] = true
  end
  return out
end

-- Collects sentences about what is wrong, so that one run shows them all.
local function complaints()
  local list = {}
  return list, function(ok, ...)
    if not ok then
      list[#list + 1] = table.concat({ ... }, " ")
    end
  end
end

for _, profile in ipairs { "initiative", "vtiger8", "corebos" } do
  describe("the schemas of profile " .. profile, function()
    local settings, modules = load_profile(profile)

    it("are listed once each, under one id prefix", function()
      local files, prefixes = {}, {}
      for file in lfs.dir(ROOT .. profile) do
        local name = file:match "^(%w+)%.json$"
        if name and name ~= "modules" and name ~= "demo" then
          files[#files + 1] = name
        end
      end
      for _, name in ipairs(files) do
        assert.is_table(modules[name], name .. ".json is not listed in modules.json")
      end
      for _, entry in ipairs(settings.modules) do
        if entry.prefix or entry.records ~= false then
          assert.is_nil(prefixes[entry.prefix], "prefix of " .. entry.name .. " is taken")
          prefixes[entry.prefix] = entry.name
        end
      end
    end)

    it("name fields that the module has", function()
      local list, check = complaints()
      for name, module in pairs(modules) do
        local record = set(module.record)
        check(module.describe.name == name, name, "describes another module")
        check(module.describe.idPrefix == module.entry.prefix, name, "has two prefixes")
        for field in pairs(module.fields) do
          local listed = field:find "^tax%d$" or field:find "^currency%d$" -- of the price list
          check(record[field] or listed, name, field, "is described but in no row")
        end
        for field in pairs(module.lengths or {}) do
          check(record[field], name, field, "has a length but is in no row")
        end
        for field in pairs(module.defaults or {}) do
          check(record[field], name, field, "has a default but is in no row")
        end
        for _, field in ipairs(module.label_fields or {}) do
          check(module.fields[field], name, field, "is a label but no field")
        end
        check(not module.counter or record[module.counter.field], name, "counts nothing")
      end
      assert.are.same({}, list)
    end)

    it("relate modules by references that exist", function()
      local list, check = complaints()
      local listed = {}
      for _, entry in ipairs(settings.modules) do
        listed[entry.name] = true
      end
      for name, module in pairs(modules) do
        for _, relation in ipairs(module.relations or {}) do
          check(listed[relation.module], name, relation.label, "leads nowhere")
          local field = relation.field and modules[relation.module].fields[relation.field]
          check(not relation.field or field and set(field.type.refersTo)[name],
            name, relation.label, relation.field, "does not refer back")
        end
      end
      assert.are.same({}, list)
    end)
  end)
end

describe("the demo data of profile initiative", function()
  local _, modules = load_profile "initiative"
  local entries = read("initiative", "demo")

  it("gives what is mandatory and nothing that would be changed", function()
    local list, check = complaints()
    for _, entry in ipairs(entries) do
      local module = modules[entry.module]
      for name, field in pairs(module.fields) do
        check(not (field.mandatory and field.editable) or entry.values[name],
          entry.module, name, "is missing")
      end
      for name, value in pairs(entry.values) do
        local field = module.fields[name]
        check(field, entry.module, name, "is no field")
        local length = (module.lengths or {})[name]
        check(not length or utf8.len(value) <= length, entry.module, name, "is cut")
        local values = field and field.type.picklistValues
        local known = not values
        for _, choice in ipairs(values or {}) do
          known = known or choice.value == value
        end
        check(known, entry.module, name, value, "is no choice")
      end
    end
    assert.are.same({}, list)
  end)

  it("refers to entries made before", function()
    local made, list, check = {}, complaints()
    for _, entry in ipairs(entries) do
      for name, value in pairs(entry.values) do
        local key = value:match "^@(.*)"
        local refers = key and modules[entry.module].fields[name].type.refersTo or {}
        check(not key or set(refers)[made[key]], entry.module, name, value, "refers to nothing")
      end
      if entry.key then
        made[entry.key] = entry.module
      end
    end
    assert.are.same({}, list)
  end)
end)
