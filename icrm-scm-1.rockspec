rockspec_format = "3.0"
package = "icrm"
version = "scm-1"
source = { url = "git+https://github.com/icrm/icrm.git" }
description = {
  summary = "Automate a vtiger-family CRM from Lua",
  detailed = [[
    Imports, bulk updates and reports for Initiative CRM and other CRMs of the
    vtiger family: a C core for transport, sessions and queries, a Lua module
    on top, a local sandbox CRM and the runner icrm-lua.]],
  license = "MIT",
}
dependencies = {
  "lua >= 5.4, < 5.5",
  "argparse >= 0.7",
  "lua-cjson >= 2.1",
  "luasql-sqlite3 >= 2.6",
}
test_dependencies = { "busted" }
test = {
  type = "command",
  command = "ICRM_LUA=$PWD/build.luarocks/bin/icrm-lua busted --cpath=build.luarocks/lib/?.so",
}
build = {
  type = "cmake",
  variables = {
    CMAKE_BUILD_TYPE = "Release",
    CMAKE_INSTALL_PREFIX = "$(PREFIX)",
    LUA_INCDIR = "$(LUA_INCDIR)",
    ICRM_CMODDIR = "$(LIBDIR)",
    ICRM_LUADIR = "$(LUADIR)",
    ICRM_BINDIR = "$(BINDIR)",
    BUILD_TESTING = "OFF",
  },
}
