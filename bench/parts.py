"""The parts of the benchmark; each adds a table and its goals to the report."""
import filecmp
import os
import re

from clients import HERE, named
from measure import (Failed, Run, Sandbox, Series, Server, TlsFront, per_call,
                     ratios, start_ms)


class Setting:
    """What every part needs."""

    def __init__(self, build, clients, report, quick, say):
        self.build, self.clients, self.report = build, clients, report
        self.rounds, self.say, self.quick = (2 if quick else 5), say, quick

    def server(self, **options):
        program = os.path.join(self.build, "bench", "bench_server")
        return Server(program, **options)

    def calls(self, full):
        return max(full // 20, 40) if self.quick else full

    def run(self, command, env=None):
        """A run that must not stop the others; None when it failed."""
        try:
            return Run(command, env)
        except Failed as failure:
            self.say(f"failed: {failure}")
            return None


def collect(setting, jobs):
    """Run every job once a round, in turn. A job is a name and a function that
    returns numbers by name; returns series by name of job and number."""
    series, broken = {}, set()
    for number in range(setting.rounds):
        for name, job in jobs:
            if name in broken:
                continue
            setting.say(f"   round {number + 1}: {name}")
            try:
                found = job()
            except Failed as failure:
                setting.say(f"   failed: {failure}")
                broken.add(name)
                series.pop(name, None)
                continue
            for key, value in found.items():
                series.setdefault(name, {}).setdefault(key, Series()).add(value)
    return series


# ---- Cost per call, no latency ----

CALLS = {"create": 4000, "retrieve": 4000, "query": 1000, "csv": 1000,
         "jsonl": 1000}


def cost_jobs(setting, server, operation):
    for client in setting.clients:
        if operation not in client.operations:
            continue
        many = int(setting.calls(CALLS[operation]) * client.share)
        make = client.calls(server.url, operation)
        few = max(client.lanes, many // 20)
        yield client.name, lambda m=make, f=few, n=many, e=client.env: per_call(
            m, f, f + n, e)


def server_cost(server, job):
    before = server.stats()
    job()
    after = server.stats()
    return (after["cpu_us"] - before["cpu_us"]) / (after["calls"] - before["calls"])


def part_calls(setting):
    found = {}
    with setting.server() as server:
        for operation in ("create", "retrieve", "query", "csv", "jsonl"):
            setting.say(f"  {operation}")
            found[operation] = collect(setting, list(
                cost_jobs(setting, server, operation)))
        jobs = dict(cost_jobs(setting, server, "create"))
        rows = [(op, f"{server_cost(server, dict(cost_jobs(setting, server, op))['C loop 16 (no JSON)']):.0f}",
                 found[op]["C loop 16 (no JSON)"]["cpu"].text())
                for op in ("create", "retrieve", "query")]
        del jobs
    for operation in ("create", "retrieve", "query"):
        cost_table(setting, operation, found[operation])
    setting.report.table(
        "The server is not the bottleneck",
        ("call", "CPU of the server, µs", "CPU of the C loop, µs"), rows)
    cost_goals(setting, found)


def cost_table(setting, operation, found):
    limit = found["C loop 16 (no JSON)"]["cpu"]
    rows = [(name, s["cpu"].text(), ratios(s["cpu"], limit).text(2),
             s["wall"].text(), s["rss"].text())
            for name, s in found.items()]
    setting.report.table(
        f"Cost of a {'query page' if operation == 'query' else operation}, no latency",
        ("client", "CPU, µs", "× C loop", "wall, µs", "peak RSS, MB"), rows)


def cost_goals(setting, found):
    report, loop, php = setting.report, "C loop 16 (no JSON)", "PHP curl_multi 16"

    def cpu(operation, name):
        return found[operation][name]["cpu"]

    if "icrm 16" in found["create"]:
        report.at_most("CPU of a create, 16 in flight, × C loop", 1.3,
                       ratios(cpu("create", "icrm 16"), cpu("create", loop)))
        report.at_most("CPU of a create, × PHP curl_multi", 1.0,
                       ratios(cpu("create", "icrm 16"), cpu("create", php)))
        report.at_most("CPU of a query page into tables, × PHP curl_multi", 0.85,
                       ratios(cpu("query", "icrm 16"), cpu("query", php)))
    for operation in ("csv", "jsonl"):
        if "icrm 16" in found[operation]:
            report.at_most(f"CPU of a page to {operation.upper()}, × C loop", 2.5,
                           ratios(cpu(operation, "icrm 16"), cpu("query", loop)))


# ---- At 20 ms ----

def part_latency(setting):
    rows = []
    with setting.server(latency_ms=20) as server:
        for operation, full, goal in (("create", 5000, 95), ("query", 5000, 93)):
            calls = setting.calls(full)

            def job(client, op=operation, n=calls):
                run = Run(client.command(server.url, op, n, client.lanes),
                          client.env)
                possible = n * server.latency_ms / 1000 / client.lanes
                return {"wall": run.wall, "share": possible / run.wall * 100}
            jobs = [(c.name, lambda c=c: job(c)) for c in setting.clients
                    if c.lanes == 16 and operation in c.operations]
            found = collect(setting, jobs)
            rows += [(operation, name, s["wall"].text(2), s["share"].text(1))
                     for name, s in found.items()]
            if "icrm 16" in found:
                setting.report.at_least(
                    f"share of the possible rate at 20 ms, {operation}, logins "
                    "included", goal, found["icrm 16"]["share"], " %", 1)
    setting.report.table(
        "At 20 ms and 16 in flight (5,000 calls; start-up and "
        "logins included)",
        ("call", "client", "wall, s", "share of calls × latency ÷ 16, %"), rows)


# ---- With the session lock ----

def part_lock(setting):
    calls = setting.calls(2000)
    one_session = setting.calls(200)
    icrm = named(setting.clients, "icrm 16")
    loop = named(setting.clients, "C loop")
    program = os.path.join(setting.build, "bench", "bench_loop")

    def rate(command, n):
        return {"rate": n / Run(command).wall}
    with setting.server(latency_ms=20, lock=True) as server:
        found = collect(setting, [
            ("icrm, 16 lanes", lambda: rate(
                icrm.command(server.url, "create", calls, 16), calls)),
            ("icrm, lanes chosen by itself", lambda: rate(
                icrm.command(server.url, "create", calls, 0), calls)),
            ("C loop, 16 in flight on 16 sessions", lambda: rate(
                loop.command(server.url, "create", calls, 16), calls)),
            ("C loop, 16 in flight on one session", lambda: rate(
                [program, server.url, "create", str(one_session), "16", "1"],
                one_session)),
            ("PHP curl, one at a time", lambda: rate(
                named(setting.clients, "PHP curl").command(
                    server.url, "create", one_session, 1), one_session))])
    setting.report.table(
        "With the session lock, 20 ms", ("client", "creates a second"),
        [(name, s["rate"].text(1)) for name, s in found.items()])
    if "icrm, 16 lanes" in found:
        setting.report.at_least(
            "rate with the session lock, × one session", 10,
            ratios(found["icrm, 16 lanes"]["rate"],
                   found["C loop, 16 in flight on one session"]["rate"]), "", 1)


# ---- A walk over 100,000 rows ----

def part_walk(setting):
    total = setting.calls(100000)
    icrm = named(setting.clients, "icrm 16")

    def walk(server, lanes):
        run = Run(icrm.command(server.url, "walk", total, lanes))
        low, high = map(int, re.search(r"rss_kb (\d+) (\d+)", run.message).groups())
        return {"cpu": run.cpu / total * 1e6, "rows": total / run.wall,
                "rss": run.rss_mb, "growth": (high - low) / 1024}
    rows = []
    for latency_ms in (0, 20):
        with setting.server(latency_ms=latency_ms, rows=total) as server:
            found = collect(setting, [
                (f"{lanes} lanes", lambda n=lanes: walk(server, n))
                for lanes in (1, 4, 16)])
        rows += [(f"{latency_ms} ms", name, s["rows"].text(), s["cpu"].text(1),
                  s["rss"].text(1), s["growth"].text(1))
                 for name, s in found.items()]
        if latency_ms == 20 and "16 lanes" in found:
            setting.report.at_most("peak RSS of a walk over 100,000 rows", 15,
                                   found["16 lanes"]["rss"], " MB", 1)
            setting.report.at_most("growth of its RSS after the first tenth", 1,
                                   found["16 lanes"]["growth"], " MB", 1)
    setting.report.table(
        f"`each()` over {total:,} rows",
        ("latency", "lanes", "rows a second", "CPU a row, µs", "peak RSS, MB",
         "growth after a tenth, MB"), rows)


# ---- Start, TLS, CSV, apply ----

def wall_ms(command, times):
    return Series(start_ms(command) for _ in range(times)).median


def part_start(setting):
    times = 5 if setting.quick else 21
    runner = os.path.join(setting.build, "bin", "icrm-lua")
    jobs = [
        ("lua5.4 -e ''", ["lua5.4", "-e", ""]),
        ("icrm-lua -e ''", [runner, "-e", ""]),
        ("lua5.4, require \"icrm\"", ["lua5.4", "-e", "require 'icrm'"]),
        ("lua5.4, require \"icrm.client\"",
         ["lua5.4", "-e", "require 'icrm.client'"]),
        ("curl --version", ["curl", "--version"]),
        ("php -r ''", ["php", "-r", ""]),
        ("node -e 0", ["node", "-e", "0"]),
        ("python3 -c 'import requests'",
         ["/usr/bin/python3", "-c", "import requests"]),
    ]
    found = collect(setting, [(name, lambda c=command: {
        "ms": wall_ms(c, times)}) for name, command in jobs])
    setting.report.table("Start-up", ("command", "wall, ms"),
                         [(name, s["ms"].text(1)) for name, s in found.items()])
    required = found["lua5.4, require \"icrm.client\""]["ms"]
    setting.report.at_most("start with require \"icrm\" and its client", 9,
                           required, " ms", 1)
    setting.report.at_most(
        "icrm-lua -e '', more than that", 1,
        Series(a - b for a, b in zip(found["icrm-lua -e ''"]["ms"].numbers,
                                     required.numbers)), " ms", 1)


def part_tls(setting):
    """Lanes open one after the other while calls wait: 300 calls of 10 ms keep
    them waiting until the sixteenth is there."""
    icrm = named(setting.clients, "icrm 16")
    with setting.server(latency_ms=10) as server, \
            TlsFront(server.url, setting.build) as front:
        def cpu_ms(url, lanes, ca_file):
            return Run(icrm.command(url, "retrieve", 300, lanes),
                       {"BENCH_CA_FILE": ca_file}).cpu * 1000

        found = collect(setting, [
            ("TLS", lambda: {"ms": cpu_ms(front.url, 16, front.ca_file)}),
            ("plain", lambda: {"ms": cpu_ms(server.url, 16, "")})])
    setting.report.table(
        "A process that opens 16 lanes, logs them in and makes 300 calls",
        ("", "CPU, ms"), [(name, s["ms"].text(1)) for name, s in found.items()])
    more = Series(a - b for a, b in zip(found["TLS"]["ms"].numbers,
                                        found["plain"]["ms"].numbers))
    setting.report.at_most("CPU of 16 TLS lanes, more than of 16 plain ones",
                           80, more, " ms", 1)


def part_csv(setting):
    runner = os.path.join(setting.build, "bin", "icrm-lua")
    script = os.path.join(HERE, "csv.lua")
    megabytes = 5 if setting.quick else 50
    path = os.path.join(setting.build, "bench", "rows.csv")
    with open(path, "w", encoding="utf-8") as file:
        file.write(";".join(f"column{i}" for i in range(10)) + "\n")
        line = ";".join(["Société du Val", "75011", "", "12,50", "2026-11-24",
                         "Boulangerie", "0612345678", "x", "rue de l'Église",
                         "\"a; b\""]) + "\n"
        for _ in range(megabytes * 1000000 // len(line.encode())):
            file.write(line)

    def job():
        run, empty = Run([runner, script, path]), Run([runner, "-e", ""])
        size = os.path.getsize(path) / 1e6
        return {"mb": size / (run.cpu - empty.cpu), "rss": run.rss_mb}
    found = collect(setting, [("rows", job)])["rows"]
    setting.report.table("CSV into rows", ("MB/s", "peak RSS, MB"),
                         [(found["mb"].text(), found["rss"].text(1))])
    setting.report.at_least("CSV into rows", 60, found["mb"], " MB/s", 0)


def timed_rate(setting, server, work, rows, lanes):
    """Rows a second of creates, without start-up, login and planning."""
    icrm = named(setting.clients, "icrm 16")
    run = Run(icrm.command(server.url, work, rows, lanes))
    took = float(re.search(r"took_s ([0-9.]+)", run.message).group(1))
    return {"rate": rows / took, "cpu": run.cpu / rows * 1e6}


def apply_rates(setting, rows, latency_ms, lanes):
    """Bare creates and the same as a change set, in turn; nothing when one of
    them failed."""
    with setting.server(latency_ms=latency_ms) as server:
        found = collect(setting, [
            (work, lambda work=work: timed_rate(setting, server, work, rows, lanes))
            for work in ("bare", "apply")])
    return found if len(found) == 2 else None


def part_apply(setting):
    """What the journal costs; start-up, login and planning are not in it."""
    rows, cpu = [], []
    for latency_ms, lanes, many in ((20, 16, 5000), (50, 8, 2000)):
        many = setting.calls(many)
        found = apply_rates(setting, many, latency_ms, lanes)
        if not found:
            continue
        bare, apply = found["bare"]["rate"], found["apply"]["rate"]
        rows.append((f"{latency_ms} ms, {lanes} lanes", f"{many:,}",
                     bare.text(), apply.text()))
        cpu = found["apply"]["cpu"]
        if latency_ms == 20:
            setting.report.at_least("apply, × the bare create rate", 0.95,
                                    ratios(apply, bare))
        else:
            setting.report.at_most(
                "time that apply adds to creates of 50 ms, 8 lanes", 5,
                Series((b / a - 1) * 100
                       for b, a in zip(bare.numbers, apply.numbers)), " %", 1)
    if rows:
        setting.report.table(
            "A change set of creates",
            ("", "rows", "bare creates a second", "applied a second"), rows,
            f"CPU of planning and applying a row: {cpu.text()} µs.")


# ---- All that icrm does, at every setting of the server ----

# What, and how many of it by the milliseconds that a call takes.
WORK = (("create", "creates", {0: 20000, 20: 2000}),
        ("retrieve", "retrieves", {0: 20000, 20: 2000}),
        ("query", "pages of 100", {0: 10000, 20: 2000}),
        ("walk", "rows of `each()`", {0: 100000, 20: 100000}),
        ("apply", "rows applied", {0: 5000, 20: 5000}))


def work_rate(setting, server, work, many):
    if work == "apply":
        return {"rate": timed_rate(setting, server, work, many, 16)["rate"]}
    icrm = named(setting.clients, "icrm 16")
    return {"rate": many / Run(icrm.command(server.url, work, many, 16)).wall}


def part_work(setting):
    rows = []
    for latency_ms in (0, 20):
        for lock in (False, True):
            with setting.server(latency_ms=latency_ms, lock=lock,
                                rows=setting.calls(100000)) as server:
                found = collect(setting, [
                    (work, lambda w=work, n=setting.calls(many[latency_ms]):
                     work_rate(setting, server, w, n))
                    for work, _, many in WORK])
            rows.append((f"{latency_ms} ms", "on" if lock else "off",
                         *(found[work]["rate"].text() if work in found else "-"
                           for work, _, _ in WORK)))
    setting.report.table(
        "icrm with 16 lanes, a second (start-up and logins included)",
        ("latency", "session lock", *(what for _, what, _ in WORK)), rows)


# ---- A large file up and down ----

def carry_file(setting, profile, path):
    """Each round has a sandbox of its own, which keeps the file in memory."""
    runner = os.path.join(setting.build, "bin", "icrm-lua")
    back = path + ".back"
    megabytes = os.path.getsize(path) / 1e6
    with Sandbox(runner, profile, 400) as sandbox:
        run = Run([runner, os.path.join(HERE, "files.lua"), *sandbox.login,
                   path, back])
    same = filecmp.cmp(path, back, shallow=False)
    os.remove(back)
    if not same:
        raise Failed(f"{path} came back different")
    found = re.search(r"up ([0-9.]+) (-?\d+)\ndown ([0-9.]+) (-?\d+)",
                      run.message)
    up_s, up_kb, down_s, down_kb = map(float, found.groups())
    return {"up": megabytes / up_s, "down": megabytes / down_s,
            "up_mb": up_kb / 1024, "down_mb": down_kb / 1024, "cpu": run.cpu}


def part_files(setting):
    megabytes = 20 if setting.quick else 200
    path = os.path.join(setting.build, "bench", "file.bin")
    with open(path, "wb") as file:
        for _ in range(megabytes):
            file.write(os.urandom(1000000))
    ways = (("filename_attachment, base64", "initiative"),
            ("multipart part", "vtiger8"))
    found = collect(setting, [
        (way, lambda p=profile: carry_file(setting, p, path))
        for way, profile in ways])
    os.remove(path)
    setting.report.table(
        f"A file of {megabytes} MB up and down, with the sandbox",
        ("sent as", "up, MB/s", "down, MB/s", "CPU of both, s",
         "peak above idle, up, MB", "down, MB"),
        [(way, s["up"].text(), s["down"].text(), s["cpu"].text(2),
          s["up_mb"].text(1), s["down_mb"].text(1))
         for way, s in found.items()])
    for way, s in found.items():
        setting.report.at_most(
            f"memory above the idle process of a {megabytes} MB file, {way}",
            8, Series(map(max, s["up_mb"].numbers, s["down_mb"].numbers)),
            " MB", 1)


PARTS = {"calls": part_calls, "latency": part_latency, "lock": part_lock,
         "walk": part_walk, "start": part_start, "tls": part_tls,
         "csv": part_csv, "apply": part_apply,
         "work": part_work, "files": part_files}
