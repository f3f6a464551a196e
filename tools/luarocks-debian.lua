-- LuaRocks settings for a machine whose Lua libraries come from Debian
-- packages. Used through LUAROCKS_CONFIG; see docs/building.md.
-- luacheck: globals rocks_provided rocks_servers
rocks_provided = {
  ["argparse"] = "0.7.1-1",
  ["busted"] = "2.1.1-1",
  ["lua-cjson"] = "2.1.0-1",
  ["luafilesystem"] = "1.8.0-1",
  ["luasql-sqlite3"] = "2.6.0-1",
}
rocks_servers = {}
