"""Nothing acknowledged is lost and nothing happens twice, whenever the server is killed.

Many clients keep requests in flight while SIGKILL strikes at random moments; the clients write
down what they sent and what was acknowledged. Afterwards the file must hold every acknowledged
change exactly once, every other change once or not at all, and totals equal to the audit trail.
"""

import collections
import concurrent.futures
import dataclasses
import decimal
import json
import os
import random
import resource
import subprocess
import threading
import time

import pytest

from raw_http import Closed, Connection
from server import Server, environment
from waits import WAIT_SECONDS_MAX

KILLS = int(os.environ.get('QMS_CRASH_KILLS', 100))
CLIENTS = 12
USERS = [f'crash{n}' for n in range(6)]


@dataclasses.dataclass
class Sent:
    """One change as its client knows it."""
    user: str
    mark: str              # unique metadata or id
    value: decimal.Decimal
    acknowledged: bool = False


def send_update(connection, change, has_key):
    body = {'update': {'value_type': 'usages', 'value': float(change.value),
                       'effective_date': '2026-01-01T00:00:00Z', 'metadata': change.mark,
                       'resource_type': {'name': 'cpu.hours', 'unit': 'cpu hours'},
                       'operation': {'name': 'ADD'}, 'user': {}}}
    connection.request('PUT', f'/user/{change.user}/updates', json.dumps(body).encode(),
                       [('Idempotency-Key', change.mark)] if has_key else [])


class Client(threading.Thread):
    """Sends changes of one kind, one or several in flight, until the connection breaks."""

    def __init__(self, server, number, seed):
        super().__init__(daemon=True)
        self.address = ('127.0.0.1', server.port)
        self.random = random.Random(seed)
        self.number = number
        self.kind = ('update', 'list', 'pipeline', 'usage')[number % 4]
        self.sent = []
        self.refused = []
        self.usages_acknowledged = 0
        self.usages_sent = 0

    def run(self):
        try:
            with Connection(*self.address, seconds_max=WAIT_SECONDS_MAX) as connection:
                while True:
                    getattr(self, self.kind)(connection)
        except (Closed, OSError):
            pass

    def change(self):
        mark = f'{self.number}-{self.random.getrandbits(64):016x}'
        value = decimal.Decimal(self.random.randint(1, 10**6)).scaleb(-5)
        change = Sent(self.random.choice(USERS), mark, value)
        self.sent.append(change)
        return change

    def send_update(self, connection):
        change = self.change()
        send_update(connection, change, has_key=self.kind == 'pipeline')
        return change

    def settle(self, connection, change):
        answer = connection.answer()
        change.acknowledged = answer.status == 200
        if not change.acknowledged:
            self.refused.append(answer)

    def update(self, connection):
        self.settle(connection, self.send_update(connection))

    def pipeline(self, connection):
        changes = [self.send_update(connection) for _ in range(self.random.randint(2, 8))]
        for change in changes:
            self.settle(connection, change)

    def list(self, connection):
        changes = [self.change() for _ in range(self.random.choice([1, 5, 40]))]
        items = [{'id': change.mark, 'username': change.user, 'resource_name': 'cpu.hours',
                  'update_type': 'ADD', 'usage_value': float(change.value),
                  'metadata': change.mark} for change in changes]
        answer = connection.ask('POST', '/v2/usages', json.dumps(items).encode())
        if answer.status != 200:
            self.refused.append(answer)
            return
        for change, result in zip(changes, json.loads(answer.body)['results'], strict=True):
            assert result['id'] == change.mark
            change.acknowledged = result['status'] in ('applied', 'duplicate')
            if not change.acknowledged:
                self.refused.append(result)

    def usage(self, connection):
        """R9 carries no mark: one user of its own, counted."""
        body = b'{"resource_name":"data.size","update_type":"ADD","usage_value":1}'
        self.usages_sent += 1
        answer = connection.ask('PUT', f'/users/counter{self.number}/usages', body)
        if answer.status == 200:
            self.usages_acknowledged += 1
        else:
            self.refused.append(answer)


class Records:
    """What all clients of all rounds know."""

    def __init__(self):
        self.sent, self.refused, self.lists, self.keyed = [], [], [], []
        self.counters = collections.defaultdict(lambda: [0, 0])  # acknowledged, sent

    def acknowledged(self):
        return sum(change.acknowledged for change in self.sent)

    def take(self, client):
        self.sent += client.sent
        self.refused += client.refused
        if client.kind == 'usage':
            self.counters[f'counter{client.number}'][0] += client.usages_acknowledged
            self.counters[f'counter{client.number}'][1] += client.usages_sent
        if client.kind == 'list':
            self.lists += client.sent
        if client.kind == 'pipeline':
            self.keyed += client.sent


def await_acknowledged(count, clients):
    deadline = time.monotonic() + WAIT_SECONDS_MAX
    while sum(change.acknowledged for client in clients for change in tuple(client.sent)) <= count:
        assert time.monotonic() < deadline
        time.sleep(0.01)


AUDIT = ('SELECT u.username, r.name AS resource, p.metadata, p.value FROM updates p '
         'JOIN users u ON u.id = p.user_id JOIN resource_types r ON r.id = p.resource_type_id')
EXACT = decimal.Context(prec=60)


def check(server, records):
    stored = server.stored()
    stored.assert_sound()
    trail = [(row['username'], row['resource'], row['metadata'], decimal.Decimal(row['value']))
             for row in stored.rows(AUDIT)]

    # The usages are the sums of the audit trail.
    totals, counts = collections.defaultdict(decimal.Decimal), collections.Counter()
    for user, resource, _, value in trail:
        totals[user, resource] = EXACT.add(totals[user, resource], value)
        counts[user, resource] += 1
    for resource in ('cpu.hours', 'data.size'):
        assert stored.all_usages(resource) == {
            user: total for (user, name), total in totals.items() if name == resource}

    # What was acknowledged is there once; what was not, once or not at all.
    found = collections.Counter(
        (user, mark, value) for user, resource, mark, value in trail if resource == 'cpu.hours')
    known = {(change.user, change.mark, change.value): change for change in records.sent}
    lost = [key for key, change in known.items() if change.acknowledged and not found[key]]
    twice = [key for key, count in found.items() if count > 1]
    unknown = [key for key in found if key not in known]
    assert (lost, twice, unknown) == ([], [], [])
    for user, (acknowledged, sent) in records.counters.items():
        assert acknowledged <= counts[user, 'data.size'] <= sent


def send_lists_again(server, changes):
    for start in range(0, len(changes), 5000):
        again = changes[start:start + 5000]
        results = server.record([
            {'id': change.mark, 'username': change.user, 'resource_name': 'cpu.hours',
             'update_type': 'ADD', 'usage_value': float(change.value), 'metadata': change.mark}
            for change in again])
        for change, result in zip(again, results, strict=True):
            assert result['status'] in ('applied', 'duplicate')
            assert result['status'] == 'duplicate' or not change.acknowledged
            change.acknowledged = True


def send_keyed_again(server, changes):
    with server.connect() as connection:
        for change in (change for change in changes if not change.acknowledged):
            send_update(connection, change, has_key=True)
            assert connection.answer().status == 200
            change.acknowledged = True


@pytest.mark.long
@pytest.mark.parametrize('seed', [os.environ.get('QMS_CRASH_SEED')])
def test_every_acknowledged_change_survives_a_kill_at_any_moment(start_server, seed):
    seed = int(seed) if seed else random.SystemRandom().getrandbits(32)
    print(f'QMS_CRASH_SEED={seed} QMS_CRASH_KILLS={KILLS}')
    chance = random.Random(seed)
    server, records = start_server(), Records()
    for kill in range(KILLS):
        clients = [Client(server, number, chance.getrandbits(64)) for number in range(CLIENTS)]
        for client in clients:
            client.start()
        time.sleep(chance.uniform(0.01, 0.3))
        if kill == KILLS - 1:  # not before there is enough to look at
            await_acknowledged(20 * KILLS - records.acknowledged(), clients)
        server.kill()
        for client in clients:
            client.join(WAIT_SECONDS_MAX)
            assert not client.is_alive()
            records.take(client)
        server.start()
        if kill == KILLS // 2:
            check(server, records)
    check(server, records)
    assert records.refused == []
    acknowledged = records.acknowledged()
    print(f'{len(records.sent)} changes sent, {acknowledged} acknowledged, {KILLS} kills')
    assert acknowledged > 20 * KILLS
    assert acknowledged < len(records.sent), 'no request was ever in flight at a kill'

    # What carried an id can be sent again, and is then there once.
    send_lists_again(server, records.lists)
    send_keyed_again(server, records.keyed)
    check(server, records)


def test_a_kill_during_the_first_start_leaves_a_store_that_opens(start_server, tmp_path):
    chance = random.Random(4)
    for attempt in range(20):
        server = Server(tmp_path / f'first{attempt}')
        process = subprocess.Popen(server.command(), stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL, env=environment(),
                                   cwd=server.directory)
        time.sleep(chance.uniform(0, 0.06))
        process.kill()
        process.wait()
        server.start()
        assert server.get('/summary/ada').status_code == 200
        assert server.stored().count('plans') == 4
        server.stop()


@pytest.mark.sqlite_only('it is about the file')
def test_a_file_that_may_not_grow_fails_changes_and_not_the_server(server):
    server.usage('ada', 1)
    bytes_max = (server.directory / 'qms.db-wal').stat().st_size
    limits = resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (bytes_max, limits[1]))
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        answer = pool.submit(server.usage, 'ada', 1)
        deadline = time.monotonic() + WAIT_SECONDS_MAX
        while server.running() and 'cannot commit' not in server.log():
            assert time.monotonic() < deadline
            time.sleep(0.01)
        assert server.running()
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, limits)
        changed = {200: True, 503: False}[answer.result().status_code]
    assert server.stored().usage('ada') == (2 if changed else 1)
    assert server.usage('ada', 1).status_code == 200
