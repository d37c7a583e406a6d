"""How qms grows with the number of users: each store is filled by SQL, then asked over HTTP.

One connection, one request at a time: what is measured is how long an answer takes, not how many
there are. Every user has one active subscription to Basic, two quotas, a usage and one audit row.
"""
import contextlib
import http.client
import json
import os
import random
import sqlite3
import statistics
import time
import urllib.parse

NOW_US = int(time.time() * 1e6)
YEAR_US = 365 * 86400 * 10**6

# Ids are 16 letters: 'u' and fifteen digits, and so on; names are user0000000 and so on.
FILL = """
BEGIN;
CREATE TEMP TABLE n (i INTEGER PRIMARY KEY);
WITH RECURSIVE each(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM each WHERE i + 1 < {users})
INSERT INTO n SELECT i FROM each;
INSERT INTO users SELECT CAST(printf('u%015d', i) AS BLOB), printf('user%07d', i) FROM n;
INSERT INTO subscriptions (id, user_id, plan_id, effective_start_date, effective_end_date,
    created_by, created_at, last_modified_by, last_modified_at, paid, plan_rate_id)
SELECT CAST(printf('s%015d', i) AS BLOB), CAST(printf('u%015d', i) AS BLOB), p.id,
    {now} - (i * 7919 % {users}) * 1000 - 1000, {now} + {year} + (i * 104729 % {users}) * 1000,
    'bench', {now}, 'bench', {now}, 0,
    (SELECT id FROM plan_rates r WHERE r.plan_id = p.id ORDER BY effective_date DESC LIMIT 1)
FROM n JOIN plans p ON p.name = 'Basic';
INSERT INTO quotas (id, quota, resource_type_id, subscription_id, created_by, created_at,
    last_modified_by, last_modified_at)
SELECT CAST(printf('%s%015d', substr(t.name, 1, 1), i) AS BLOB), '1000', t.id,
    CAST(printf('s%015d', i) AS BLOB), 'bench', {now}, 'bench', {now}
FROM n JOIN resource_types t ON t.name IN ('cpu.hours', 'data.size');
INSERT INTO usages (id, usage, resource_type_id, subscription_id, created_by, created_at,
    last_modified_by, last_modified_at)
SELECT CAST(printf('g%015d', i) AS BLOB), i, t.id, CAST(printf('s%015d', i) AS BLOB),
    'bench', {now}, 'bench', {now}
FROM n JOIN resource_types t ON t.name = 'cpu.hours';
INSERT INTO updates (id, update_operation_id, value_type, value, resource_type_id, effective_date,
    created_by, created_at, last_modified_by, last_modified_at, user_id, metadata)
SELECT CAST(printf('p%015d', i) AS BLOB), o.id, 'usages', i, t.id, {now}, 'bench', {now}, 'bench',
    {now}, CAST(printf('u%015d', i) AS BLOB), ''
FROM n JOIN resource_types t ON t.name = 'cpu.hours' JOIN update_operations o ON o.name = 'ADD';
COMMIT;
PRAGMA wal_checkpoint(TRUNCATE);
"""


def fill(path, users):
    with contextlib.closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA synchronous = OFF")
        database.executescript(FILL.format(users=users, now=NOW_US, year=YEAR_US))


class Client:
    def __init__(self, url):
        self.connection = http.client.HTTPConnection(urllib.parse.urlsplit(url).netloc,
                                                     timeout=120)

    def ask(self, method, target, body=None):
        """Seconds until the whole answer is there, and its size."""
        headers = {} if body is None else {"Content-Type": "application/json"}
        begin = time.monotonic()
        self.connection.request(method, target, body, headers)
        answer = self.connection.getresponse()
        size = 0
        while part := answer.read(1 << 16):
            size += len(part)
            head = part if size == len(part) else head
        if answer.status != 200:
            raise SystemExit(f"{method} {target}: {answer.status} {head[:300]}")
        return time.monotonic() - begin, size

    def median_ms(self, repetitions, ask):
        return 1000 * statistics.median(ask(i)[0] for i in range(repetitions))


def resident_mib(pid, peak=False):
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        fields = dict(line.split(":", 1) for line in status)
    return int(fields["VmHWM" if peak else "VmRSS"].split()[0]) / 1024


def listings(client, users, repetitions):
    """Pages of 50: with and without search, by three keys, from the front and from far behind."""
    matches = users // 10  # at least
    for name, query, total in (
            ("by name", "sort-field=username", users),
            ("by end, down", "sort-field=end-date&sort-dir=DESC", users),
            ("search, by name", "search=7&sort-field=username", matches),
            ("search, by start", "search=7&sort-field=start-date", matches)):
        for offset in (0, max(0, total - 50)):
            target = f"/v1/subscriptions?limit=50&{query}&offset={offset}"
            where = "front" if offset == 0 else "end"
            yield f"50 subscriptions {name}, {where}", client.median_ms(
                repetitions, lambda _, target=target: client.ask("GET", target))


def singles(client, users, repetitions):
    pick = random.Random(1)
    names = [f"user{pick.randrange(users):07d}" for _ in range(100 * repetitions)]
    yield "summary of a user not seen before", client.median_ms(
        len(names), lambda i: client.ask("GET", f"/summary/{names[i]}"))
    yield "summary of a user, again", client.median_ms(
        len(names), lambda i: client.ask("GET", f"/summary/{names[i // 100]}"))
    yield "history of a user, the first since the start", client.median_ms(
        1, lambda i: client.ask("GET", f"/users/{names[0]}/updates"))
    yield "history of a user", client.median_ms(
        10 * repetitions, lambda i: client.ask("GET", f"/users/{names[i]}/updates"))


def bulk(client, users, repetitions):
    def create(turn):
        return client.ask("POST", "/v1/subscriptions", json.dumps({"subscriptions": [
            {"username": f"user{(turn * 1000 + i) * 7919 % users:07d}", "plan_name": "Pro",
             "paid": True} for i in range(1000)]}))
    yield "1,000 subscriptions at once", client.median_ms(repetitions, create)


def measure(bench, users):
    """{what: milliseconds or MiB} of one size, in the order of the table."""
    figures = {}
    with bench.directory() as path:
        command = [bench.qms, "serve", "--listen", "127.0.0.1:0", "--store",
                   f"sqlite:{path}/qms.db", "--log-level", "error"]
        with bench.listening(command):
            pass
        fill(f"{path}/qms.db", users)
        with bench.listening(command, pids := []) as url:
            client = Client(url)
            for part in (singles, listings, bulk):
                figures.update(part(client, users, bench.repetitions))
            figures["resident after all this, MiB"] = resident_mib(pids[0])
            seconds, size = client.ask("GET", "/v1/users")
            figures["all users, unpaged"] = 1000 * seconds
            figures["its size, MiB"] = size / (1 << 20)
            figures["resident at most, MiB"] = resident_mib(pids[0], peak=True)
        figures["file, MiB"] = os.path.getsize(f"{path}/qms.db") / (1 << 20)
    return figures


def report(bench, sizes):
    columns = [measure(bench, users) for users in sizes]
    print("\n### (e) From 1,000 to 1,000,000 users, milliseconds unless it says otherwise\n")
    print("| | " + " | ".join(f"{users:,}" for users in sizes) + " |")
    print("| --- |" + " ---: |" * len(sizes))
    for name in columns[0]:
        cells = [f"{column[name]:,.2f}" if column[name] < 10 else f"{column[name]:,.0f}"
                 for column in columns]
        print(f"| {name} | " + " | ".join(cells) + " |")
