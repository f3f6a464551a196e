std = "lua54"
max_line_length = 100
files["spec"] = { std = "+busted" }
files["docs/config.ld"] = { std = "ldoc" }
exclude_files = { "build*", "lua_modules", ".luarocks" }
