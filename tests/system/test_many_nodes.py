"""Several servers over one database: what they acknowledge is there, once, whatever ends.

A request with a key is repeated until it is answered, elsewhere if need be, and counts once. One
without a key is not repeated: it counts when it was acknowledged, and may count when nobody knows.
"""

import collections
import concurrent.futures
import decimal
import http.client
import json
import subprocess
import threading
import time

import pytest

import stores
from nats_server import NatsClient, NatsServer, await_nats
from server import BINARY, environment

pytestmark = [pytest.mark.long, pytest.mark.sqlite_only('it has PostgreSQL of its own')]

CLIENTS = 64
ADDS = 8  # of each client
WAIT_SECONDS = 300
ANSWER_SECONDS = 15  # for one attempt: longer than a server lets a client wait
AMOUNT = decimal.Decimal('0.1')
NOTHING_DONE = (503,)
NOT_KNOWN = (504,)


@pytest.fixture
def own_cluster():
    """A cluster of the test's own, to be restarted."""
    cluster = stores.new_cluster()
    yield cluster
    cluster.close()


@pytest.fixture
def nats(tmp_path):
    with NatsServer(tmp_path / 'nats') as server:
        yield server


class Counted:
    """What clients were told, by user and resource."""

    def __init__(self):
        self.lock = threading.Lock()
        self.acknowledged, self.unknown = collections.Counter(), collections.Counter()

    def note(self, which, user, resource):
        with self.lock:
            which[user, resource] += 1

    def total(self):
        with self.lock:
            return self.acknowledged.total()

    def reaches(self, count):
        deadline = time.monotonic() + WAIT_SECONDS
        while self.total() < count:
            assert time.monotonic() < deadline, f'{self.total()} of {count}'
            time.sleep(0.01)


def body_of(resource):
    return json.dumps({'resource_name': resource, 'update_type': 'ADD',
                       'usage_value': float(AMOUNT)}).encode()


def put_usage(server, user, resource, key):
    """The status over HTTP; None: there was no answer."""
    connection = http.client.HTTPConnection(server.host, server.port, timeout=ANSWER_SECONDS)
    try:
        connection.request('PUT', f'/users/{user}/usages', body_of(resource),
                           {'Content-Type': 'application/json',
                            **({'Idempotency-Key': key} if key else {})})
        return connection.getresponse().status
    except ConnectionRefusedError:
        return 503  # it never got there
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def send_usage(client, user, resource, key):
    """The status over NATS."""
    request = {'username': user, **json.loads(body_of(resource))}
    try:
        answer = json.loads(client.send('user.usages.add', json.dumps(request).encode(),
                                        timeout=ANSWER_SECONDS, Nats_Msg_Id=key))
    except Exception:  # of whatever kind the library's is
        return None
    error = answer.get('error')
    return error['status_code'] if error and error.get('status_code') else 200


def add_until_answered(attempt, servers, n):
    """One change with a key, over and over; each time on another server."""
    deadline = time.monotonic() + WAIT_SECONDS
    while (status := attempt(servers[n % len(servers)])) != 200:
        assert status is None or status in NOTHING_DONE + NOT_KNOWN, status
        assert time.monotonic() < deadline
        n += 1
        time.sleep(0.02)


def run_clients(servers, counted, nats_client=None):
    """Starts the clients; returns what waits for them. Those with a key add cpu.hours, the others
    data.size; half of them to users of their own, half to four shared ones."""

    def client(n):
        user = f'shared-{n % 8 // 2}' if n % 2 else f'own-{n}'
        has_key, over_nats = n % 4 < 2, nats_client is not None and n % 8 < 2
        resource = 'cpu.hours' if has_key else 'data.size'
        for number in range(ADDS):
            key = f'{n}-{number}'
            if over_nats:
                add_until_answered(lambda _: send_usage(nats_client, user, resource, key),
                                   servers, n)
                status = 200
            elif has_key:
                add_until_answered(lambda server: put_usage(server, user, resource, key),
                                   servers, n)
                status = 200
            else:
                status = put_usage(servers[n % len(servers)], user, resource, None)
            if status == 200:
                counted.note(counted.acknowledged, user, resource)
            elif status not in NOTHING_DONE:
                assert status is None or status in NOT_KNOWN, status
                counted.note(counted.unknown, user, resource)

    pool = concurrent.futures.ThreadPoolExecutor(CLIENTS)
    futures = [pool.submit(client, n) for n in range(CLIENTS)]

    def join():
        for future in futures:
            future.result(WAIT_SECONDS)
        pool.shutdown()

    return join


SUMS = ('SELECT u.username, r.name, g.usage FROM users u JOIN subscriptions s ON s.user_id = u.id'
        ' JOIN usages g ON g.subscription_id = s.id'
        ' JOIN resource_types r ON r.id = g.resource_type_id')
TRAIL = ('SELECT u.username, r.name, count(*) AS rows, sum(t.value) AS total FROM updates t'
         ' JOIN users u ON u.id = t.user_id JOIN resource_types r ON r.id = t.resource_type_id'
         ' GROUP BY 1, 2')


def check(database, counted):
    stored = database.stored()
    sums = {(row['username'], row['name']): row['usage'] for row in stored.rows(SUMS)}
    trail = {(row['username'], row['name']): row for row in stored.rows(TRAIL)}
    for place in counted.acknowledged | counted.unknown:
        at_least = counted.acknowledged[place]
        at_most = at_least + counted.unknown[place]
        rows = trail[place]['rows'] if place in trail else 0
        assert at_least <= rows <= at_most, place
        assert decimal.Decimal(sums.get(place, 0)) == rows * AMOUNT, place
        assert place[1] == 'data.size' or at_least == at_most == rows
    assert set(sums) <= set(counted.acknowledged | counted.unknown)
    assert stored.rows('SELECT user_id FROM subscriptions GROUP BY 1 HAVING count(*) > 1') == []
    done = subprocess.run([BINARY, 'verify', '--store', database.url_of('qms')],
                          capture_output=True, text=True, env=environment())
    assert done.returncode == 0, done.stdout + done.stderr


def test_sums_stay_exact_when_a_server_is_killed_and_the_database_restarts(own_cluster, nats,
                                                                           start_server):
    database = stores.Database(own_cluster, stores.prepared(own_cluster))
    servers = [await_nats(start_server('--nats', nats.url, store=database, name=f'node-{n}'))
               for n in range(3)]
    counted = Counted()
    with NatsClient(nats.url) as client:
        join = run_clients(servers, counted, client)
        counted.reaches(100)
        servers[2].kill()
        counted.reaches(250)
        own_cluster.restart('immediate')
        join()
    assert counted.total() > 250
    check(database, counted)
    for server in servers[:2]:
        server.stop()


def test_a_standby_takes_over_with_everything_that_was_acknowledged(start_server):
    primary = stores.new_cluster(tcp=True)
    standby = None
    try:
        database = stores.Database(primary, stores.prepared(primary))
        standby = stores.Cluster(tcp=True, source=primary.tcp_url()).start()
        primary.execute("ALTER SYSTEM SET synchronous_standby_names = '*'",
                        'SELECT pg_reload_conf()')
        until_synchronous(primary)
        url = (f'postgresql://qms@127.0.0.1:{primary.port},127.0.0.1:{standby.port}/'
               f'{database.name}?target_session_attrs=read-write')
        place = Place(url, database)
        servers = [start_server(store=place, name=f'node-{n}') for n in range(2)]
        counted = Counted()
        join = run_clients(servers, counted)
        counted.reaches(150)
        primary.kill()
        standby.promote()
        join()
        assert counted.total() > 150
        database.is_in(standby)
        check(database, counted)
        for server in servers:
            server.stop()
    finally:
        if standby:
            standby.close()
        primary.close()


class Place:
    """A database that is reached through an address of its own, and goes with its cluster."""

    def __init__(self, url, database):
        self.url, self.stored = url, database.stored

    def drop(self):
        """Its cluster is gone by then."""

    def __str__(self):
        return self.url


def until_synchronous(primary):
    deadline = time.monotonic() + WAIT_SECONDS
    while primary.execute('SELECT sync_state FROM pg_stat_replication') != 'sync\n':
        assert time.monotonic() < deadline, primary.log()
        time.sleep(0.05)
