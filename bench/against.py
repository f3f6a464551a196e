"""What an operation costs in instructions: at another commit, and now.

Instructions are counted (callgrind), not timed, so that a busy machine says the
same as a quiet one. Each operation runs with few calls and with many, and the
start-up, with its logins, is taken off by the difference. What happens by
chance, such as one more look at a socket, only adds: of several rounds the
least counts.
"""
import io
import os
import re
import subprocess
import tarfile
import tempfile

from clients import HERE
from measure import Failed, Server

LANES = 8
CALLGRIND = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"]
ALL_ROWS = "SELECT * FROM HelpDesk"


class Tree:
    """One state of the sources, built."""

    def __init__(self, name, sources, build):
        self.name, self.build = name, build
        self.runner = os.path.join(build, "bin", "icrm-lua")
        lua = os.path.join(sources, "lua")
        self.env = {"LUA_CPATH": os.path.join(build, "lib", "?.so") + ";;",
                    "LUA_PATH": f"{lua}/?.lua;{lua}/?/init.lua;;",
                    "ICRM_SCRIPTS": os.path.join(sources, "scripts"),
                    "ICRM_USERNAME": "bench",
                    "ICRM_ACCESS_KEY": "0123456789abcdef"}


def subject_of(root, commit):
    """The short hash of a commit and its subject."""
    found = subprocess.run(["git", "-C", root, "log", "-1", "--format=%h %s",
                            "--abbrev=9", commit, "--"],
                           capture_output=True, text=True, check=False)
    if found.returncode != 0:
        raise SystemExit(f"{commit} is no commit: {found.stderr.strip()}")
    return found.stdout.strip().split(" ", 1)


def export(root, commit, folder):
    """The sources of a commit, put into a folder once."""
    if os.path.isdir(folder):
        return
    archive = subprocess.run(["git", "-C", root, "archive", commit],
                             capture_output=True, check=True).stdout
    with tempfile.TemporaryDirectory(dir=os.path.dirname(folder)) as place:
        half = os.path.join(place, "sources")
        with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
            tar.extractall(half)
        os.rename(half, folder)


def count(tree, words, url=""):
    """The instructions of one run of the runner."""
    with tempfile.TemporaryDirectory() as home:
        env = {**os.environ, **tree.env, "ICRM_URL": url, "HOME": home,
               "XDG_STATE_HOME": home}
        run = subprocess.run([*CALLGRIND, tree.runner, *words], env=env,
                             stdin=subprocess.DEVNULL, capture_output=True,
                             text=True, check=False)
    found = re.search(r"Collected : (\d+)", run.stderr)
    if run.returncode != 0 or not found:
        said = re.sub(r"^==\d+==.*\n", "", run.stderr, flags=re.MULTILINE)
        raise Failed(f"{' '.join(words)}: {said.strip()[-400:]}")
    return int(found.group(1))


class Calls:
    """An operation of bench/icrm.lua, or a command when `words` are given."""

    def __init__(self, name, what, few, many, words=None, reads_all=False):
        self.name, self.what, self.few, self.many = name, what, few, many
        self.words, self.reads_all = words, reads_all

    def instructions(self, tree, program, n):
        rows = n if self.reads_all else 1000
        with Server(program, rows=rows) as server:
            words = self.words or [os.path.join(HERE, "icrm.lua"), server.url,
                                   self.name, str(n), str(LANES)]
            return count(tree, words, server.url)

    def cost(self, tree, program, rounds, quick):
        share = 10 if quick else 1
        few, many = self.few // share, self.many // share
        least = [min(self.instructions(tree, program, n) for _ in range(rounds))
                 for n in (few, many)]
        return (least[1] - least[0]) / (many - few)


class Csv(Calls):
    """Reading a file of so many rows."""

    def instructions(self, tree, program, n):
        with tempfile.NamedTemporaryFile("w", suffix=".csv",
                                         encoding="utf-8") as file:
            file.write(";".join(f"column{i}" for i in range(10)) + "\n")
            for i in range(n - 1):
                file.write(f"Société {i};75011;;12,50;2026-11-24;Boulangerie;"
                           "0612345678;x;rue de l'Église;\"a; b\"\n")
            file.flush()
            return count(tree, [os.path.join(HERE, "csv.lua"), file.name])


class Start(Calls):
    """A whole run that does nothing else."""

    def cost(self, tree, program, rounds, quick):
        return min(count(tree, self.words) for _ in range(rounds))


OPERATIONS = [
    Calls("create", "call", 300, 1500),
    Calls("retrieve", "call", 300, 1500),
    Calls("query", "page of 100 into tables", 20, 120),
    Calls("csv", "row, query -o csv", 2000, 20000,
          ["query", ALL_ROWS, "-o", "csv"], reads_all=True),
    Calls("jsonl", "row, query -o jsonl", 2000, 20000,
          ["query", ALL_ROWS, "-o", "jsonl"], reads_all=True),
    Calls("walk", "row of each()", 5000, 25000, reads_all=True),
    Calls("apply", "row planned and created", 60, 360),
    Calls("update", "row planned and updated", 60, 360),
    Csv("read", "row of a CSV file", 5000, 25000),
    Start("start", "run, icrm-lua -e ''", 0, 0, ["-e", ""]),
    Start("connect", "run that loads the client", 0, 0,
          ["-e", "require 'icrm.client'"]),
]
NAMES = [operation.name for operation in OPERATIONS]


def row_of(operation, before, now, program, rounds, quick, say):
    """A line of the table; an operation that a tree does not have is a dash."""
    costs = []
    for tree in (before, now):
        say(f"   {operation.name}: {tree.name}")
        try:
            costs.append(operation.cost(tree, program, rounds, quick))
        except Failed as failure:
            say(f"   failed: {failure}")
            costs.append(None)
    ratio = f"{costs[1] / costs[0]:.2f}" if all(costs) else "-"
    return (operation.name, operation.what,
            *(f"{cost:,.0f}" if cost else "-" for cost in costs), ratio)


def compare(before, now, program, report, say, only=(), quick=False):
    """Add the table to a report; returns its rows. `program` is the reference
    server, the same for both."""
    rows = [row_of(operation, before, now, program, 1 if quick else 2, quick, say)
            for operation in OPERATIONS
            if not only or operation.name in only]
    report.table(f"Instructions of {before.name} and of {now.name}",
                 ("operation", "per", "before", "now", "×"), rows,
                 f"{LANES} lanes, no latency, JSON both ways; counted by "
                 "callgrind, start-up taken off but for start and connect.")
    return rows
