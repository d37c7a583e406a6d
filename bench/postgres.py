"""The engine over PostgreSQL, against bare libpq that writes the same rows (bench_postgres).

The server is a cluster of its own on a Unix socket of this machine, fsync on, as PostgreSQL comes
but for shared_buffers and connections; it shares the processors with what is measured.
"""
import contextlib
import os
import re
import socket
import statistics
import subprocess
import sys
import threading

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(ROOT, "tests", "support"))

RATE = re.compile(r": (\d+) per second")
DONE = re.compile(r"\((\d+) in")
BATCH = re.compile(r"batch: ([\d.]+) operations")
SETTINGS = {"shared_buffers": "512MB", "max_connections": "300", "max_wal_size": "4GB",
            "fsync": "on", "full_page_writes": "on", "autovacuum": "on"}
GROW = (10_000, 100_000, 1_000_000)

FILL_USERS = 99_000  # at a time

# Users beside the 10,000 that are asked for: they make the tables as large as they would be. In the
# role of a replica nothing looks at triggers and foreign keys, row by row, so what the triggers
# would write is written here. Identifiers are in order, as those are that servers make.
FILL = """
SET session_replication_role = replica;
CREATE FUNCTION pg_temp.id(kind text, i int8) RETURNS uuid LANGUAGE sql IMMUTABLE AS
$$SELECT ('f0000000-0000-7000-800' || kind || '-' || lpad(to_hex(i), 12, '0'))::uuid$$;
INSERT INTO public.users (id, username)
SELECT pg_temp.id('0', i), 'more-' || i FROM generate_series({first}, {last}) i;
INSERT INTO public.subscriptions (id, user_id, plan_id, effective_start_date, effective_end_date,
    plan_rate_id, created_by, last_modified_by)
SELECT pg_temp.id('1', i), pg_temp.id('0', i), p.id, now(), now() + interval '1 year', r.id,
    'qms', 'qms'
FROM generate_series({first}, {last}) i, public.plans p, public.plan_rates r
WHERE p.name = 'Basic' AND r.plan_id = p.id;
INSERT INTO public.quotas (id, quota, resource_type_id, subscription_id, created_by,
    last_modified_by)
SELECT pg_temp.id(CASE t.name WHEN 'cpu.hours' THEN '2' ELSE '3' END, i), 1000, t.id,
    pg_temp.id('1', i), 'qms', 'qms'
FROM generate_series({first}, {last}) i, public.resource_types t
WHERE t.name IN ('cpu.hours', 'data.size');
INSERT INTO public.usages (id, usage, resource_type_id, subscription_id, created_by,
    last_modified_by)
SELECT pg_temp.id('4', i), 1, t.id, pg_temp.id('1', i), 'qms', 'qms'
FROM generate_series({first}, {last}) i, public.resource_types t WHERE t.name = 'cpu.hours';
"""


def rate(output):
    return float(RATE.search(output).group(1))


class Databases:
    """Databases of one cluster, each filled with the users of bench_engine."""

    def __init__(self, bench, cluster):
        self.bench, self.cluster = bench, cluster

    def make(self, name):
        self.cluster.create_database(name, "qms", "qms_empty")
        url = self.cluster.url(name, "qms")
        self.engine(url, 1, 0)
        return url

    def engine(self, url, in_flight, seconds, threads=1):
        return self.bench.run([self.bench.program("bench_engine"), url, "uniform", str(in_flight),
                               str(seconds), "none", str(threads)])

    def rows(self, url, how, size):
        return rate(self.bench.run([self.bench.program("bench_postgres"), url, "uniform", how,
                                    str(size), str(self.bench.seconds)]))


def against_libpq(databases, bench):
    for in_flight in (1, 64, 256):
        url, sizes = databases.make(f"libpq{in_flight}"), []

        def engine():
            out = databases.engine(url, in_flight, bench.seconds)
            sizes.append(float(BATCH.search(out).group(1)))
            return rate(out)

        figures = bench.alternate({
            "engine": engine,
            "engine, two threads (the default)":
                lambda: rate(databases.engine(url, in_flight, bench.seconds, threads=2)),
            "one transaction each": lambda: databases.rows(url, "each", in_flight),
            "unnest": lambda: databases.rows(url, "batch", max(1, round(sizes[-1]))),
        }, bench.repetitions)
        bench.table(f"(h) Engine over PostgreSQL, {in_flight} clients "
                    f"(batch {statistics.median(sizes):.0f})", figures, "one transaction each",
                    aim="12 at 256 clients, and 0.60 of unnest")


def threads_and_nodes(databases, bench):
    url = databases.make("nodes")

    def nodes(count, threads):
        command = [bench.program("bench_engine"), url, "uniform", str(256 // count),
                   str(bench.seconds), "none", str(threads)]
        running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
                   for _ in range(count)]
        return sum(rate(process.communicate()[0]) for process in running)

    figures = bench.alternate({
        "one node, one engine thread": lambda: nodes(1, 1),
        "one node, two engine threads": lambda: nodes(1, 2),
        "two nodes, one engine thread each": lambda: nodes(2, 1),
    }, bench.repetitions)
    bench.table("(h) Engine threads and nodes, 256 clients in all", figures,
                "one node, one engine thread")


class Turns:
    """A proxy before the cluster's socket that counts how often the client speaks anew after the
    server has spoken: round trips, as the wire sees them."""

    def __init__(self, bench, cluster, directory):
        self.count, self.lock = 0, threading.Lock()
        self.target = f"{cluster.directory}/.s.PGSQL.{cluster.port}"
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(f"{directory}/.s.PGSQL.{cluster.port}")
        self.listener.listen(64)
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                server = socket.socket(socket.AF_UNIX)
                server.connect(self.target)
                state = {"last": "server"}
                for source, sink, name in ((client, server, "client"), (server, client, "server")):
                    threading.Thread(target=self._forward, args=(source, sink, name, state),
                                     daemon=True).start()

    def _forward(self, source, sink, name, state):
        with contextlib.suppress(OSError):
            while octets := source.recv(1 << 20):
                with self.lock:
                    if name == "client" and state["last"] == "server":
                        self.count += 1
                    state["last"] = name
                sink.sendall(octets)
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_WR)


def round_trips(databases, bench):
    databases.make("turns")
    print("\n### (h) Round trips of a batch, on the wire\n")
    print("| operations in a batch | round trips |")
    print("| ---: | ---: |")
    with bench.directory() as directory:
        turns = Turns(bench, databases.cluster, directory)
        host = directory.replace("/", "%2F")
        url = f"postgresql://qms@{host}:{databases.cluster.port}/turns"
        for in_flight in (1, 1000):
            before = turns.count
            databases.engine(url, in_flight, 0)  # what starting takes
            starting, before = turns.count - before, turns.count
            out = databases.engine(url, in_flight, bench.seconds)
            done, batch = float(DONE.search(out).group(1)), float(BATCH.search(out).group(1))
            print(f"| {batch:.0f} | {(turns.count - before - starting) / (done / batch):.2f} |")
    sys.stdout.flush()


def growth(databases, bench):
    print("\n### (h) 256 clients among more and more users\n\n| users | per second | "
          "memory of the engine's process, MiB |\n| ---: | ---: | ---: |")
    for users in GROW:
        url = databases.make(f"users{users}")
        for first in range(1, users - 10_000, FILL_USERS):
            last = min(first + FILL_USERS - 1, users - 10_000)
            databases.cluster.execute(FILL.format(first=first, last=last),
                                      database=f"users{users}")
        databases.cluster.execute("VACUUM ANALYZE", database=f"users{users}")
        figures, memory = [], 0
        for _ in range(bench.repetitions):
            process = subprocess.Popen(
                [bench.program("bench_engine"), url, "uniform", "256", str(bench.seconds)],
                stdout=subprocess.PIPE, text=True)
            figures.append(rate(process.stdout.read()))
            memory = max(memory, os.wait4(process.pid, 0)[2].ru_maxrss)
            process.returncode = 0
        print(f"| {users:,} | {statistics.median(figures):,.0f} | {memory / 1024:.0f} |")
        sys.stdout.flush()


def report(bench):
    import postgres_cluster
    with postgres_cluster.Cluster(settings=SETTINGS) as cluster:
        cluster.create_qms_template()
        databases = Databases(bench, cluster)
        against_libpq(databases, bench)
        threads_and_nodes(databases, bench)
        round_trips(databases, bench)
        growth(databases, bench)
