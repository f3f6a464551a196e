"""Processes under measurement: pinned, timed, and their servers."""
import os
import statistics
import subprocess
import time
import urllib.request
import json

SERVER_CORE, CLIENT_CORE = 0, 1


class Failed(Exception):
    """A client ended with an error: its output says why."""


class Server:
    """The reference server on its own core, until the `with` block ends."""

    def __init__(self, program, latency_ms=0, lock=False, rows=100000):
        command = [program, "--latency-ms", str(latency_ms), "--rows", str(rows)]
        self.command = command + (["--lock"] if lock else [])
        self.latency_ms, self.lock = latency_ms, lock

    def __enter__(self):
        self.process = subprocess.Popen(
            self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            preexec_fn=lambda: os.sched_setaffinity(0, {SERVER_CORE}))
        self.url = self.process.stdout.readline().decode().strip()
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()

    def stats(self):
        """Calls served and CPU microseconds spent, since the start."""
        with urllib.request.urlopen(self.url + "?operation=bench.stats") as reply:
            return json.load(reply)["result"]


class Run:
    """What one process cost: seconds of wall and CPU, peak RSS in MB."""

    def __init__(self, command, env=None):
        output = subprocess.DEVNULL
        begin = time.monotonic()
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output,
            stderr=subprocess.PIPE, env={**os.environ, **(env or {})},
            preexec_fn=lambda: os.sched_setaffinity(0, {CLIENT_CORE}))
        message = process.stderr.read().decode(errors="replace").strip()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        process.stderr.close()
        self.wall = time.monotonic() - begin
        self.cpu = usage.ru_utime + usage.ru_stime
        self.rss_mb = usage.ru_maxrss / 1024
        self.message = message
        if process.returncode != 0:
            raise Failed(f"{' '.join(command)}: {message[-400:]}")


class Series:
    """Numbers of the same thing from several rounds."""

    def __init__(self, numbers=()):
        self.numbers = list(numbers)

    def add(self, number):
        self.numbers.append(number)

    @property
    def median(self):
        return statistics.median(self.numbers)

    def text(self, digits=0):
        """Median with the least and the most."""
        low, high = min(self.numbers), max(self.numbers)
        return f"{self.median:.{digits}f} ({low:.{digits}f}–{high:.{digits}f})"


def ratios(numerator, denominator):
    """Round by round, so that a slow round weighs on both."""
    return Series(a / b for a, b in zip(numerator.numbers, denominator.numbers))


def per_call(make_command, few, many, env=None):
    """Seconds of wall and CPU per call with the start-up taken off, the rate of
    the long run as a whole, and its peak RSS."""
    short, long = Run(make_command(few), env), Run(make_command(many), env)
    calls = many - few
    return {"cpu": (long.cpu - short.cpu) / calls * 1e6,
            "wall": (long.wall - short.wall) / calls * 1e6,
            "total": long.wall, "rss": long.rss_mb}
