"""Processes under measurement: pinned, timed, and their servers."""
import json
import os
import socket
import ssl
import statistics
import subprocess
import tempfile
import threading
import time
import urllib.parse
import urllib.request

SERVER_CORE, CLIENT_CORE = 0, 1


def stay_on_client_core():
    """This process and all that it starts, servers apart."""
    os.sched_setaffinity(0, {CLIENT_CORE})


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


class Sandbox:
    """The sandbox CRM on the servers' core, until the `with` block ends."""

    def __init__(self, runner, profile, most_mb):
        self.command = [runner, "sandbox", "--empty", "--profile", profile,
                        "--most", str(most_mb)]

    def __enter__(self):
        self.process = subprocess.Popen(
            self.command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            text=True,
            preexec_fn=lambda: os.sched_setaffinity(0, {SERVER_CORE}))
        told = dict(self.process.stdout.readline().split() for _ in range(3))
        self.login = [told["url"], told["user"], told["key"]]
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        self.process.stdout.close()


class TlsFront:
    """A TLS port in front of a server, by openssl's certificate and Python's
    ssl; only the client behind it is measured."""

    def __init__(self, url, folder):
        self.target = urllib.parse.urlsplit(url)
        self.ca_file = os.path.join(folder, "bench", "tls.pem")

    def __enter__(self):
        key = self.ca_file + ".key"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes",
             "-keyout", key, "-out", self.ca_file, "-days", "2", "-subj",
             "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"],
            check=True, capture_output=True)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.ca_file, key)
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.url = (f"https://127.0.0.1:{self.listener.getsockname()[1]}"
                    f"{self.target.path}")
        threading.Thread(target=self.accept, args=(context,),
                         daemon=True).start()
        return self

    def __exit__(self, *_):
        self.listener.close()

    def accept(self, context):
        while True:
            try:
                raw, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(context, raw),
                             daemon=True).start()

    def serve(self, context, raw):
        """Requests are small and answered whole, one after the other."""
        try:
            client = context.wrap_socket(raw, server_side=True)
            server = socket.create_connection(
                (self.target.hostname, self.target.port))
            while request := client.recv(65536):
                server.sendall(request)
                client.sendall(server.recv(65536))
        except OSError:
            raw.close()


class Run:
    """What one process cost: seconds of wall and CPU, peak RSS in MB.

    GNU time stands between, because a process inherits the peak RSS of the one
    it was forked from, which should not be this one."""

    def __init__(self, command, env=None):
        with tempfile.NamedTemporaryFile("r") as peak:
            begin = time.monotonic()
            process = subprocess.Popen(
                ["/usr/bin/time", "-q", "-f", "%M", "-o", peak.name, *command],
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE, env={**os.environ, **(env or {})})
            self.message = process.stderr.read().decode(errors="replace").strip()
            _, status, usage = os.wait4(process.pid, 0)
            self.wall = time.monotonic() - begin
            process.returncode = os.waitstatus_to_exitcode(status)
            process.stderr.close()
            if process.returncode != 0:
                raise Failed(f"{' '.join(command)}: {self.message[-400:]}")
            self.rss_mb = int(peak.read()) / 1024
        self.cpu = usage.ru_utime + usage.ru_stime


def start_ms(command):
    """Milliseconds of wall from spawning a command to its end."""
    null = os.open(os.devnull, os.O_RDWR)
    begin = time.monotonic()
    process = os.posix_spawnp(
        command[0], command, os.environ,
        file_actions=[(os.POSIX_SPAWN_DUP2, null, fd) for fd in range(3)])
    _, status = os.waitpid(process, 0)
    took = (time.monotonic() - begin) * 1000
    os.close(null)
    if status != 0:
        raise Failed(" ".join(command))
    return took


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
