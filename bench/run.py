#!/usr/bin/python3
"""Measures qms and prints ratios of candidates that ran side by side (see bench/README.md).

Every figure is the median of several repetitions; the candidates of one table are alternated, so
that a machine that drifts drifts for all of them. Nothing is asserted: reading is for people.
"""
import argparse
import contextlib
import datetime
import json
import os
import re
import secrets
import shutil
import statistics
import subprocess
import sys
import tempfile

import postgres
import scale

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
RATE = re.compile(r": (\d+) per second")
UPDATE = ('{"update":{"value_type":"usages","value":1,"effective_date":"2026-01-01T00:00:00Z",'
          '"resource_type":{"name":"cpu.hours","unit":"cpu hours"},"operation":{"name":"ADD"},'
          '"user":{"username":"user00000"}}}')
NATS_KINDS = [
    ("check", "user.overages.check", '{"username":"user00000","resource_name":"cpu.hours"}',
     "0.80"),
    ("add", "user.updates.add", UPDATE, "0.60"),
    ("summary", "user.summary.get", '{"username":"user00000"}', None),
]


def run(command, **options):
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, **options)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


def rate(output):
    return float(RATE.search(output).group(1))


def alternate(candidates, repetitions):
    """{name: function} -> {name: [figures]}, one of each in turn."""
    figures = {name: [] for name in candidates}
    for _ in range(repetitions):
        for name, measure in candidates.items():
            figures[name].append(measure())
    return figures


def table(title, figures, base, unit="per second", aim=None):
    """One row a candidate: median, lowest and highest, and the median ratio to the base."""
    print(f"\n### {title}\n\n| candidate | {unit} (median) | lowest | highest | ratio to {base} |")
    print("| --- | ---: | ---: | ---: | ---: |")
    for name, values in figures.items():
        ratios = [value / other for value, other in zip(values, figures[base])]
        print(f"| {name} | {statistics.median(values):,.0f} | {min(values):,.0f} | "
              f"{max(values):,.0f} | {statistics.median(ratios):.2f} |")
    if aim:
        print(f"\nAim: {aim}")
    sys.stdout.flush()


class Bench:
    def __init__(self, build, repetitions, seconds):
        self.build, self.repetitions, self.seconds = build, repetitions, seconds
        self.qms = os.path.join(build, "qms")

    run, alternate, table = staticmethod(run), staticmethod(alternate), staticmethod(table)

    def program(self, name):
        return os.path.join(self.build, "bench", name)

    @contextlib.contextmanager
    def directory(self):
        path = tempfile.mkdtemp(prefix="qms-bench-", dir=self.build)
        try:
            yield path
        finally:
            shutil.rmtree(path)

    # (a) the rules alone
    def decide(self):
        candidates = {
            pick: lambda pick=pick: rate(run([self.program("bench_decide"), pick]))
            for pick in ("uniform", "zipf")}
        table("(a) Decide only, operations in memory", alternate(candidates, self.repetitions),
              "uniform")

    # (b) the engine against a bare loop that writes the same rows
    def engine(self):
        for pick in ("uniform", "zipf"):
            for in_flight in (1, 64, 2000):
                sizes = []

                def engine():
                    with self.directory() as path:
                        out = run([self.program("bench_engine"), f"{path}/qms.db", pick,
                                   str(in_flight), str(self.seconds)])
                    sizes.append(float(re.search(r"batch: ([\d.]+)", out).group(1)))
                    return rate(out)

                def rows():
                    with self.directory() as path:
                        run([self.program("bench_engine"), f"{path}/qms.db", pick, "1", "0"])
                        return rate(run([self.program("bench_rows"), f"{path}/qms.db", pick,
                                         str(max(1, round(sizes[-1]))), str(self.seconds)]))

                figures = alternate({"engine": engine, "bare loop": rows}, self.repetitions)
                table(f"(b) Engine over SQLite, {pick}, {in_flight} in flight "
                      f"(batch {statistics.median(sizes):.0f})", figures, "bare loop",
                      aim="0.70" if in_flight > 1 else None)

    # (c) HTTP at 64 connections
    def wrk(self, url, kind, pick, header=None):
        now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        out = run(["wrk", "-t1", "-c64", f"-d{self.seconds}s", "--latency", "-s",
                   os.path.join(ROOT, "bench", "requests.lua"), url],
                  env=dict(os.environ, BENCH_KIND=kind, BENCH_PICK=pick, BENCH_NOW=now,
                           **({"BENCH_HEADER": header, "BENCH_SEED": str(secrets.randbits(31))}
                              if header else {})))
        bad = re.search(r"Non-2xx or 3xx responses: (\d+)|Socket errors: (.*)", out)
        if bad:
            sys.exit(f"wrk at {url} ({kind}): {bad.group(0)}")
        return float(re.search(r"Requests/sec:\s+([\d.]+)", out).group(1))

    @contextlib.contextmanager
    def listening(self, command, pids=None, **options):
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, **options)
        if pids is not None:
            pids.append(process.pid)
        try:
            yield process.stdout.readline().split()[-1]
        finally:
            process.terminate()
            process.wait(timeout=30)

    @contextlib.contextmanager
    def nginx(self, path, put_bytes, get_bytes):
        port = 20000 + os.getpid() % 20000
        with open(f"{path}/nginx.conf", "w", encoding="ascii") as out:
            out.write(f"""
worker_processes 1; daemon off; pid {path}/nginx.pid; error_log {path}/error.log;
events {{ worker_connections 1024; }}
http {{
  access_log off; keepalive_requests 1000000000; default_type application/json;
  client_body_temp_path {path}/b; proxy_temp_path {path}/p; fastcgi_temp_path {path}/f;
  uwsgi_temp_path {path}/u; scgi_temp_path {path}/s;
  server {{
    listen 127.0.0.1:{port};
    location /user/ {{ return 200 "{'x' * put_bytes}"; }}
    location /users/ {{ return 200 "{'x' * get_bytes}"; }}
  }}
}}""")
        process = subprocess.Popen(["nginx", "-c", f"{path}/nginx.conf", "-p", path])
        try:
            for _ in range(100):
                try:
                    run(["curl", "-s", "-o", "/dev/null", f"http://127.0.0.1:{port}/user/x"])
                    break
                except SystemExit:
                    subprocess.run(["sleep", "0.05"], check=True)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(timeout=30)

    def answer_bytes(self, url):
        body = ('{"update":{"value_type":"usages","value":1,'
                '"effective_date":"2026-01-01T00:00:00Z","resource_type":'
                '{"name":"cpu.hours","unit":"cpu hours"},'
                '"operation":{"name":"ADD"},"user":{}}}')
        put = run(["curl", "-s", "-X", "PUT", "-H", "Content-Type: application/json", "-d", body,
                   f"{url}/user/user00000/updates"])
        return len(put), len(run(["curl", "-s", f"{url}/users/user00000/overages"]))

    def http(self):
        with contextlib.ExitStack() as stack:
            path = stack.enter_context(self.directory())
            ours = stack.enter_context(self.listening(
                [self.qms, "serve", "--listen", "127.0.0.1:0", "--store", f"sqlite:{path}/qms.db",
                 "--log-level", "error"]))
            put_bytes, get_bytes = self.answer_bytes(ours)
            constant = stack.enter_context(self.listening(
                [self.program("bench_front"), str(put_bytes), str(get_bytes), "1"]))
            nginx = stack.enter_context(self.nginx(path, put_bytes, get_bytes))
            urls = {"qms": ours, "our front, constant": constant, "nginx, constant": nginx}
            for kind, route, aim in (("put", "PUT /user/{u}/updates", "0.60"),
                                     ("get", "GET /users/{u}/overages", "0.80")):
                for pick in ("uniform", "zipf"):
                    self.wrk(ours, kind, pick)  # every user exists and the cache is warm
                    candidates = {name: lambda url=url: self.wrk(url, kind, pick)
                                  for name, url in urls.items()}
                    table(f"(c) {route}, {pick}, 64 connections",
                          alternate(candidates, self.repetitions), "our front, constant", aim=aim)

    # (d) a whole job log
    def ingest(self, log):
        rates = []
        for _ in range(self.repetitions):
            with self.directory() as path, self.listening(
                    [self.qms, "serve", "--listen", "127.0.0.1:0", "--store",
                     f"sqlite:{path}/qms.db"]) as url:
                out = run([self.qms, "ingest", "--url", url, log])
                rates.append(float(re.search(r"jobs a second\s+([\d,]+)",
                                             out).group(1).replace(",", "")))
        table("(d) Ingest of the NASA iPSC log", {"qms ingest": rates}, "qms ingest",
              "jobs a second", aim="100,000 jobs a second")

    # (e) growing
    def scale(self, sizes=(1000, 10000, 100000, 1000000)):
        scale.report(self, sizes)

    # (f) what an idempotency key costs
    def keys(self):
        for in_flight in (64, 2000):
            worked = {}

            def measure(kind):
                with self.directory() as path:
                    out = run([self.program("bench_engine"), f"{path}/qms.db", "uniform",
                               str(in_flight), str(self.seconds), kind])
                worked.setdefault(kind, []).append(
                    float(re.search(r"processor: ([\d.]+)", out).group(1)))
                return rate(out)

            candidates = {kind: lambda kind=kind: measure(kind)
                          for kind in ("none", "ordered", "random")}
            title = f"(f) Idempotency keys, uniform, {in_flight} in flight"
            table(title, alternate(candidates, self.repetitions), "none", aim="0.80")
            table(title, worked, "none", unit="us of the processors an operation")
        with self.directory() as path, self.listening(
                [self.qms, "serve", "--listen", "127.0.0.1:0", "--store", f"sqlite:{path}/qms.db",
                 "--log-level", "error"]) as url:
            self.wrk(url, "put", "uniform")  # every user exists and the cache is warm
            # As long, and as dear for the client, whether it is a key or not.
            candidates = {header: lambda header=header: self.wrk(url, "put", "uniform", header)
                          for header in ("Some-Other-Name", "Idempotency-Key")}
            table("(f) PUT /user/{u}/updates, uniform, 64 connections, each with a random value",
                  alternate(candidates, self.repetitions), "Some-Other-Name", aim="0.80")

    # (g) NATS
    @contextlib.contextmanager
    def nats_server(self, path):
        process = subprocess.Popen(["nats-server", "-a", "127.0.0.1", "-p", "-1",
                                    "--ports_file_dir", path], stderr=subprocess.DEVNULL)
        place = f"{path}/nats-server_{process.pid}.ports"
        try:
            for _ in range(100):
                if process.poll() is not None:
                    sys.exit("nats-server does not start")
                if os.path.exists(place) and os.path.getsize(place) > 0:
                    break
                subprocess.run(["sleep", "0.05"], check=True)
            with open(place, encoding="ascii") as ports:
                yield json.load(ports)["nats"][0]
        finally:
            process.terminate()
            process.wait(timeout=30)

    def load(self, url, prefix, *what):
        """(requests a second, p50 and p99 in microseconds)"""
        out = run([self.program("bench_nats_load"), url, prefix, *map(str, what)])
        p50, p99 = map(float, re.findall(r"p\d\d: (\d+) us", out))
        return rate(out), p50, p99

    def nats(self):
        with contextlib.ExitStack() as stack:
            path = stack.enter_context(self.directory())
            url = stack.enter_context(self.nats_server(path))
            stack.enter_context(self.listening(
                [self.qms, "serve", "--listen", "127.0.0.1:0", "--store", f"sqlite:{path}/qms.db",
                 "--log-level", "error", "--nats", url, "--no-creds", "--no-tls"]))
            self.wait_for_nats(url)
            self.load(url, "cyverse.qms", "users")  # every user exists and the cache is warm
            for kind, subject, body, aim in NATS_KINDS:
                answer = run([self.qms, "nats", "request", "--nats", url, subject, body])
                with self.listening([self.program("bench_nats_echo"), url,
                                     str(max(100, len(answer) - 1)), f"echo.{subject}"]):
                    for in_flight in (1, 64, 256):
                        self.compare_nats(url, kind, subject, in_flight, aim)

    def wait_for_nats(self, url):
        """The server connects after it has said that it listens."""
        for _ in range(100):
            done = subprocess.run([self.qms, "nats", "request", "--nats", url, "plan.list"],
                                  capture_output=True, check=False)
            if done.returncode == 0:
                return
            subprocess.run(["sleep", "0.05"], check=True)
        sys.exit(f"qms does not serve over NATS:\n{done.stderr.decode()}")

    def compare_nats(self, url, kind, subject, in_flight, aim):
        waits = {}

        def measure(name, prefix):
            answered, *percentiles = self.load(url, prefix, kind, "uniform", in_flight,
                                               self.seconds)
            waits.setdefault(name, []).append(percentiles)
            return answered

        figures = alternate({"qms": lambda: measure("qms", "cyverse.qms"),
                             "echo": lambda: measure("echo", "echo")}, self.repetitions)
        table(f"(g) {subject}, {in_flight} in flight", figures, "echo",
              aim=aim if in_flight > 1 else None)
        for name, found in waits.items():
            p50, p99 = (statistics.median(each) for each in zip(*found))
            print(f"\n{name}: p50 {p50:,.0f} us, p99 {p99:,.0f} us")


    # (h) PostgreSQL
    def postgres(self):
        postgres.report(self)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", default=os.path.join(ROOT, "build-bench"))
    parser.add_argument("--log", default=os.path.join(
        ROOT, "..", "shared", "data", "NASA-iPSC-1993-3.1-cln.swf.gz"))
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("parts", nargs="*", default=["decide", "engine", "http", "ingest", "scale",
                                                        "keys", "nats", "postgres"])
    options = parser.parse_args()
    bench = Bench(os.path.abspath(options.build), options.repetitions, options.seconds)
    load = os.getloadavg()[0]
    commit = run(["git", "-C", ROOT, "describe", "--always", "--dirty"]).strip()
    print(f"qms {commit}, {os.cpu_count()} processors, {options.repetitions} repetitions of "
          f"{options.seconds} s, load {load:.1f} before")
    for part in options.parts:
        if part == "ingest":
            bench.ingest(options.log)
        else:
            getattr(bench, part)()


if __name__ == "__main__":
    main()
