local helper = require "spec.helper"

-- A settings folder with this profile file.
local function settings(text, mode)
  local dir = helper.tmpdir()
  assert(os.execute("mkdir " .. helper.quote(dir .. "/icrm")))
  local path = dir .. "/icrm/profiles.lua"
  if text then
    helper.write_file(path, text)
    assert(os.execute(("chmod %s %s"):format(mode or "600", helper.quote(path))))
  end
  return dir, path
end

-- What profile.load gives, as "name=value" lines, in a process of its own.
local SHOW = [[
  local options = require "icrm.profile".load(...)
  local lines = {}
  for name, value in pairs(options) do
    lines[#lines + 1] = name .. "=" .. tostring(value) .. "\n"
  end
  table.sort(lines)
  io.write(table.concat(lines))]]
local show = helper.tmpfile(SHOW, "show.lua")

local function load_profile(dir, name, env)
  local variables = { XDG_CONFIG_HOME = dir }
  for key, value in pairs(env or {}) do
    variables[key] = value
  end
  return helper.icrm({ show, name }, { env = variables })
end

local function refuses(dir, text, name, env)
  local result = load_profile(dir, name, env)
  assert.equal("", result.out)
  assert.truthy(result.err:find(text, 1, true), result.err)
  assert.equal(77, result.code)
  assert.is_nil(result.err:find "traceback")
  return result.err
end

describe("icrm.profile", function()
  local two = [[return {
    work = { url = "https://work.example/wstiger.php", username = "p/jeanne",
      access_key = "SeCrEt-1", lanes = 4, timeout = 2.5, protected = true },
    default = { url = "https://default.example/", username = "p/paul", access_key = 'SeCrEt-2' },
  }]]

  it("refuses a URL with a password in it, and does not show it", function()
    local url = "https://jean:motdepasse@crm.example.fr"
    local dir = settings(([[return { a = { url = %q, username = "x", access_key = "k" } }]]):format(
      url))
    for _, env in ipairs { {}, { ICRM_URL = url } } do
      local err = refuses(dir, "the CRM's URL holds a user or a password",
        env.ICRM_URL == nil and "a" or nil, env)
      assert.is_nil(err:find "motdepasse")
      local doctor = helper.icrm({ "doctor" }, { env = { XDG_CONFIG_HOME = dir, ICRM_URL = url,
        ICRM_USERNAME = "x", ICRM_ACCESS_KEY = "k" } })
      assert.is_nil((doctor.out .. doctor.err):find "motdepasse")
    end
  end)

  it("finds a profile by name, by ICRM_PROFILE, and the default one", function()
    local dir = settings(two)
    local work = "key=icrm.Credentials\nlanes=4\nname=work\nprotected=true\ntimeout=2.5\n"
      .. "url=https://work.example/wstiger.php\nusername=p/jeanne\n"
    local default = "key=icrm.Credentials\nname=default\nurl=https://default.example/\n"
      .. "username=p/paul\n"
    assert.same({ out = work, err = "", code = 0 }, load_profile(dir, "work"))
    assert.equal(work, load_profile(dir, nil, { ICRM_PROFILE = "work" }).out)
    assert.equal(default, load_profile(dir).out)
    assert.equal(default, load_profile(dir, "default", { ICRM_PROFILE = "work" }).out)
  end)

  it("takes the only profile, whatever its name", function()
    local dir = settings [[return { one = { url = "u", username = "n" } }]]
    assert.equal("name=one\nurl=u\nusername=n\n", load_profile(dir).out)
    dir = settings [[return { a = { url = "u" }, b = { url = "u" } }]]
    refuses(dir, "has several profiles (a, b) and none is named default")
  end)

  it("reads the environment alone when no profile is asked for", function()
    local env = { ICRM_URL = "https://x/", ICRM_USERNAME = "p/n", ICRM_ACCESS_KEY = "SeCrEt" }
    assert.equal("key=icrm.Credentials\nurl=https://x/\nusername=p/n\n",
      load_profile(settings(two), nil, env).out)
    env.ICRM_URL = ""
    assert.truthy(load_profile(settings(two), nil, env).out:find "name=default")
  end)

  it("lets the environment fill what a profile leaves open", function()
    local dir = settings [[return { default = { url = "https://x/" } }]]
    assert.equal("key=icrm.Credentials\nname=default\nurl=https://x/\nusername=p/n\n",
      load_profile(dir, nil, { ICRM_USERNAME = "p/n", ICRM_ACCESS_KEY = "SeCrEt" }).out)
  end)

  it("says what to do when nothing is known", function()
    refuses(settings(), "set ICRM_URL, ICRM_USERNAME and ICRM_ACCESS_KEY, or write")
    refuses(settings "return {}", "has no profile yet", "work")
  end)

  it("names the profiles when one is missing", function()
    local dir = settings(two)
    refuses(dir, "has no profile 'wrok'; did you mean \"work\"? (it has: default, work)", "wrok")
    refuses(dir, "has no profile 'elsewhere' (it has: default, work)", "elsewhere")
  end)

  it("refuses a file that others may read, with the cure", function()
    for _, mode in ipairs { "644", "640", "604", "620", "601" } do
      local dir, path = settings(two, mode)
      refuses(dir, "run: chmod 600 " .. path .. "\n")
    end
    assert.equal(0, load_profile((settings(two, "400"))).code)
  end)

  it("refuses a symbolic link and what is no file", function()
    local dir, path = settings()
    assert(os.execute(("ln -s %s %s"):format(helper.tmpfile(two), path)))
    refuses(dir, path .. " is a symbolic link")
    dir, path = settings()
    assert(os.execute("mkdir -m 700 " .. path))
    refuses(dir, path .. " is no regular file")
    dir, path = settings()
    assert(os.execute("mkfifo -m 600 " .. path))
    refuses(dir, path .. " is no regular file")
  end)

  it("is data: neither programs nor bytecode nor wrong syntax", function()
    local dir, path = settings "return { a = { url = 'x' }\n  b = 1 }"
    refuses(dir, path .. ":2: '}' expected (to close '{' at line 1) near 'b'")
    refuses((settings "return os.getenv 'HOME'"), "the file is data, no program")
    refuses((settings(string.dump(function() end))), "binary")
    refuses((settings "x = 1"), "must return a table")
    refuses((settings "return { a = 'https://x/' }"), "must be a table", "a")
  end)

  it("names an unknown setting, and the one that was meant", function()
    refuses((settings [[return { a = { url = "x", user_name = "y" } }]]),
      "profile 'a': unknown setting 'user_name'; did you mean \"username\"?")
    refuses((settings [[return { a = { url = "x", lanes = "4" } }]]),
      "profile 'a': lanes must be a whole number, not 4")
    refuses((settings [[return { a = { url = "x", access_key = "k", access_key_file = "f" } }]]),
      "has both access_key and access_key_file; keep one")
  end)

  describe("keeps a key out of Lua:", function()
    local CANARY = "CaNaRy-0123456789"

    -- Everything that Lua can see of a profile with this text.
    local function visible(text, env)
      local dir, path = settings(text)
      local probe = helper.tmpfile([[
        local core = require "icrm.core"
        print(core.settings(arg[1]))
        for name, value in pairs(require "icrm.profile".load()) do print(name, value) end
        print(os.getenv "ICRM_ACCESS_KEY")
        local environ = io.open "/proc/self/environ" -- root alone may
        print(environ and environ:read "a")
        os.execute "env"]], "probe.lua")
      local variables = { XDG_CONFIG_HOME = dir }
      for name, value in pairs(env or {}) do
        variables[name] = value
      end
      local result = helper.icrm({ probe, path }, { env = variables })
      assert.equal("", result.err)
      return result.out
    end

    local forms = {
      ["double quotes"] = [[access_key = "%s"]],
      ["single quotes"] = [[access_key='%s']],
      ["a key in brackets"] = [=[["access_key"] = "%s"]=],
      ["another line"] = "access_key =\n  \"%s\"",
    }
    for name, form in pairs(forms) do
      it("a text in " .. name, function()
        local out = visible(("return { a = { url = 'u', username = 'n', %s, lanes = 2 } }")
          :format(form:format(CANARY)))
        assert.is_nil(out:find(CANARY, 1, true))
        assert.truthy(out:find "key\ticrm.Credentials")
        assert.truthy(out:find "lanes\t2")
      end)
    end

    it("the environment", function()
      local out = visible("return { a = { url = 'u' } }", { ICRM_ACCESS_KEY = CANARY })
      assert.truthy(out:find "key\ticrm.Credentials")
      assert.is_nil(out:find(CANARY, 1, true))
    end)

    it("a command", function()
      local out = visible("return { a = { url = 'u', access_key_command = 'cat "
        .. helper.tmpfile(CANARY) .. "' } }")
      assert.truthy(out:find "key\ticrm.Credentials")
      assert.is_nil(out:find(CANARY, 1, true))
      refuses((settings "return { a = { url = 'u', access_key_command = 'exit 3' } }"), "3")
    end)

    it("a file, which must be private", function()
      local path = helper.tmpfile(CANARY .. "\nsecond line\n")
      local text = ("return { a = { url = 'u', access_key_file = %q } }"):format(path)
      refuses((settings(text)), "run: chmod 600 " .. path)
      assert(os.execute("chmod 600 " .. path))
      local out = visible(text)
      assert.truthy(out:find "key\ticrm.Credentials")
      assert.is_nil(out:find(CANARY, 1, true))
    end)

    it("what is no plain text in quotes is refused", function()
      local dir, path = settings "return {\n a = { url = 'u', access_key = 'a\\98c' } }"
      refuses(dir, path .. ":2: access_key must be written without backslashes")
      refuses((settings "return { a = { url = 'u', access_key = [[long]] } }"),
        "write access_key as one text in quotes")
      refuses((settings "return { a = { url = 'u', access_key = '' } }"),
        "the access key is empty")
    end)
  end)
end)
