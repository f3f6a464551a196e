"""The clients that are compared, and how each is called."""
import os

HERE = os.path.dirname(os.path.abspath(__file__))

# Debian carries lua-http for 5.3 and older; it runs on 5.4.
LUA_PATH = ("/usr/share/lua/5.3/?.lua;/usr/share/lua/5.3/?/init.lua;"
            "/usr/share/lua/5.1/?.lua;;")


class Client:
    def __init__(self, name, command, lanes, share=1.0, env=None,
                 operations=("create", "retrieve", "query")):
        self.name, self.command, self.lanes = name, command, lanes
        self.share = share  # of the calls: slow clients do fewer
        self.env, self.operations = env, operations

    def calls(self, url, operation, lanes=None):
        """A function from a number of calls to a command line."""
        lanes = lanes or self.lanes
        return lambda n: self.command(url, operation, n, lanes)


def peer(*words):
    program = [*words[:-1], os.path.join(HERE, "peers", words[-1])]
    return lambda url, operation, calls, lanes: [
        *program, url, operation, str(calls), str(lanes)]


def loop(build, sessions):
    program = os.path.join(build, "bench", "bench_loop")
    return lambda url, operation, calls, lanes: [
        program, url, operation, str(calls), str(lanes),
        str(sessions or lanes)]


def icrm(build):
    program = [os.path.join(build, "bin", "icrm-lua"),
               os.path.join(HERE, "icrm.lua")]
    return lambda url, operation, calls, lanes: [
        *program, url, operation, str(calls), str(lanes)]


def all_clients(build):
    node = {"BENCH_NODE_MODULES": os.path.join(build, "node_modules")}
    return [
        Client("C loop 16 (no JSON)", loop(build, None), 16),
        Client("icrm 16", icrm(build), 16,
               operations=("create", "retrieve", "query", "csv", "jsonl")),
        Client("icrm 1", icrm(build), 1),
        Client("curl --parallel 16 (no JSON)", peer("sh", "curl_parallel.sh"), 16),
        Client("PHP curl_multi 16", peer("php", "php_curl_multi.php"), 16),
        Client("PHP curl", peer("php", "php_curl.php"), 1),
        Client("Lua luasocket", peer("lua5.4", "luasocket.lua"), 1),
        Client("Lua lua-http, cqueues 16", peer("lua5.4", "lua_http.lua"), 16,
               env={"LUA_PATH": LUA_PATH}),
        Client("Node undici 16", peer("node", "undici.mjs"), 16, env=node),
        Client("Python requests", peer("/usr/bin/python3", "requests_seq.py"),
               1, share=0.4),
        Client("Python httpx 16", peer("/usr/bin/python3", "httpx_async.py"),
               16, share=0.2),
    ]


def named(clients, beginning):
    return next(c for c in clients if c.name.startswith(beginning))
