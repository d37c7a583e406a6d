"""Many clients at once: nothing doubled, nothing lost, and everyone reads what was written."""

import collections
import concurrent.futures
import decimal
import json
import sqlite3
import threading

import httpx
import pytest

from raw_http import Connection
from waits import WAIT_SECONDS_MAX

THREADS = 64


def together(count, work):
    """Runs work(n) on count threads that begin at the same moment; returns the results."""
    barrier = threading.Barrier(count)

    def begin(n):
        barrier.wait()
        return work(n)

    with concurrent.futures.ThreadPoolExecutor(count) as pool:
        return list(pool.map(begin, range(count)))


def connected(server, work):
    """work(connection, n) for together(), each on a connection of its own."""
    def run(n):
        with Connection('127.0.0.1', server.port) as connection:
            return work(connection, n)
    return run


USAGE = {'resource_name': 'cpu.hours', 'update_type': 'ADD', 'usage_value': 0.1}


@pytest.mark.parametrize('requests', [
    [('GET', '/summary/{}', None)],
    [('PUT', '/users/{}/usages', USAGE)],
    [('GET', '/summary/{}', None), ('PUT', '/users/{}/usages', USAGE),
     ('POST', '/v2/usages', [{'id': 'x', 'username': '{}', **USAGE}])],
], ids=['summaries', 'changes', 'mixed'])
def test_first_requests_at_a_time_make_one_subscription(shared, user, requests):
    for attempt in range(10):
        name = f'{user}-{attempt}'

        def first(connection, n):
            method, target, body = requests[n % len(requests)]
            octets = json.dumps(body).replace('{}', name).encode() if body else b''
            return connection.ask(method, target.format(name), octets).status

        assert set(together(8, connected(shared, first))) == {200}
        assert len(shared.stored().subscriptions(name)) == 1
    assert shared.stored().value('SELECT count(*) FROM users WHERE username LIKE ?',
                                 f'{user}-%') == 10


def test_additions_to_one_usage_are_never_lost(shared, user):
    body = json.dumps(USAGE).encode()

    def add(connection, n):
        return [connection.ask('PUT', f'/users/{user}/usages', body).status for _ in range(25)]

    assert set(sum(together(THREADS, connected(shared, add)), [])) == {200}
    assert shared.stored().usage(user) == decimal.Decimal('0.1') * 25 * THREADS
    assert len(shared.stored().updates(user)) == 25 * THREADS


def test_additions_to_one_quota_are_never_lost(shared, user):
    def add(connection, n):
        with httpx.Client(base_url=shared.url, timeout=WAIT_SECONDS_MAX, trust_env=False) as client:
            body = {'update': {'value_type': 'quotas', 'value': 0.5, 'user': {},
                               'effective_date': '2026-01-01T00:00:00Z',
                               'resource_type': {'name': 'cpu.hours', 'unit': 'cpu hours'},
                               'operation': {'name': 'ADD'}}}
            return [client.put(f'/user/{user}/updates', json=body).status_code for _ in range(10)]

    assert set(sum(together(16, connected(shared, add)), [])) == {200}
    assert shared.stored().quota(user) == 200 + decimal.Decimal('0.5') * 160


def test_additions_to_many_usages_are_never_lost(shared, user):
    def add(connection, n):
        expected = collections.Counter()
        for k in range(25):
            name, value = f'{user}-{(n * 7 + k) % 40}', decimal.Decimal(n * 25 + k).scaleb(-3)
            body = json.dumps({**USAGE, 'usage_value': float(value)}).encode()
            assert connection.ask('PUT', f'/users/{name}/usages', body).status == 200
            expected[name] += value
        return expected

    expected = sum(together(THREADS, connected(shared, add)), collections.Counter())
    assert len(expected) == 40
    for name, total in expected.items():
        assert shared.stored().usage(name) == total
        assert len(shared.stored().subscriptions(name)) == 1


def test_lists_and_single_changes_at_a_time_add_up(shared, user):
    def add(connection, n):
        if n % 2:
            items = [{'id': f'{n}-{k}', 'username': user, **USAGE} for k in range(600)]
            answer = connection.ask('POST', '/v2/usages', json.dumps(items).encode())
            assert {row['status'] for row in json.loads(answer.body)['results']} == {'applied'}
        else:
            body = json.dumps(USAGE).encode()
            for _ in range(30):
                assert connection.ask('PUT', f'/users/{user}/usages', body).status == 200

    together(8, connected(shared, add))
    assert shared.stored().usage(user) == decimal.Decimal('0.1') * (4 * 600 + 4 * 30)


def test_one_id_sent_by_many_at_a_time_is_applied_once(shared, user):
    octets = json.dumps([{'id': 'same', 'username': user, **USAGE}]).encode()

    def post(connection, n):
        answer = connection.ask('POST', '/v2/usages', octets)
        return json.loads(answer.body)['results'][0]['status']

    assert sorted(together(32, connected(shared, post))) == ['applied'] + ['duplicate'] * 31
    assert shared.stored().usage(user) == decimal.Decimal('0.1')


def test_a_client_reads_its_own_writes(shared, user):
    def write_and_read(connection, n):
        name, total = f'{user}-{n}', 0
        for k in range(1, 21):
            body = json.dumps({**USAGE, 'usage_value': k}).encode()
            assert connection.ask('PUT', f'/users/{name}/usages', body).status == 200
            total += k
            # On another connection, and another loop perhaps: still after the write.
            with Connection('127.0.0.1', shared.port) as second:
                answer = second.ask('GET', f'/users/{name}/usages')
            (usage,) = json.loads(answer.body)['usages']
            assert usage['usage'] == total

    together(8, connected(shared, write_and_read))


def test_a_pipelined_read_sees_the_write_before_it(shared, user):
    with shared.connect() as connection:
        for k in range(1, 50):
            connection.request('PUT', f'/users/{user}/usages',
                               json.dumps({**USAGE, 'usage_value': 1}).encode())
            connection.request('GET', f'/users/{user}/usages')
            assert connection.answer().status == 200
            assert json.loads(connection.answer().body)['usages'][0]['usage'] == k


def test_reads_while_writes_run_never_go_back(shared, user):
    shared.usage(user, 0)
    stop, readers = threading.Event(), threading.Semaphore(0)

    def write(connection):
        """At least 300 times, and until everybody has read something meanwhile."""
        body = json.dumps({**USAGE, 'usage_value': 1}).encode()
        writes = waited_for = 0
        try:
            while writes < 300 or waited_for < 5:
                assert connection.ask('PUT', f'/users/{user}/usages', body).status == 200
                writes += 1
                assert writes < 100_000, 'somebody reads nothing'
                waited_for += readers.acquire(blocking=False)
        finally:
            stop.set()
        return writes

    def work(connection, n):
        if n == 0:
            return write(connection)
        last = reads = 0
        while not stop.is_set():
            target = ('/users/{}/usages', '/summary/{}')[reads % 2].format(user)
            answer = json.loads(connection.ask('GET', target).body)
            usages = answer.get('usages') or answer['subscription']['usages']
            assert usages[0]['usage'] >= last
            last = usages[0]['usage']
            reads += 1
            if reads == 1:
                readers.release()
        return reads

    writes, *reads = together(6, connected(shared, work))
    assert min(reads) > 0
    assert shared.get(f'/users/{user}/usages').json()['usages'][0]['usage'] == writes


def test_a_foreign_write_between_our_own_is_not_lost(shared, user):
    shared.usage(user, 1)
    (subscription,) = shared.stored().subscriptions(user)
    for _ in range(20):
        current = shared.stored().usage(user)
        shared.stored().execute('UPDATE usages SET usage = ? WHERE subscription_id = ?',
                                str(current + 100), subscription['id'])
        assert shared.usage(user, 1).status_code == 200
    assert shared.stored().usage(user) == 21 + 20 * 100


@pytest.mark.sqlite_only('PostgreSQL locks rows, not the database')
def test_while_a_stranger_holds_the_database_reads_are_answered_and_changes_refused(shared, user):
    shared.usage(user, 1)
    stranger = sqlite3.connect(shared.store.path, isolation_level=None)
    stranger.execute('BEGIN IMMEDIATE')
    try:
        refused = shared.usage(user, 1)
        assert refused.status_code == 503
        assert 'nothing was changed' in refused.json()['error']['message']
        assert shared.get(f'/users/{user}/usages').json()['usages'][0]['usage'] == 1
    finally:
        stranger.close()
    assert shared.usage(user, 1).json()['usage']['usage'] == 2
    assert len(shared.stored().updates(user)) == 2
