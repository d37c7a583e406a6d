"""Listings longer than memory is for: sent while they are read, held back by slow clients."""

import concurrent.futures
import json
import re
import socket
import time

import httpx
import pytest

from waits import WAIT_SECONDS_MAX

USERS = 200_000
LISTERS = 4
BOUND_KIB = 16 * 1024  # above what the server needs before; the listing itself has 45 MB


@pytest.fixture(scope='module')
def crowd(tmp_path_factory):
    """A store with many users, and what their listing is."""
    from server import Server
    server = Server(tmp_path_factory.mktemp('crowd')).start()
    server.stop()
    users = [((index + 1).to_bytes(16, 'big'), f'user-{index:06}' + 'x' * 150)
             for index in range(USERS - 1)] + [(USERS.to_bytes(16, 'big'), 'ada')]
    server.stored().add_users(users)
    yield server
    if server.process is not None:
        server.kill()


@pytest.fixture
def crowded(crowd):
    crowd.start()
    yield crowd
    assert crowd.running()
    crowd.stop()


def memory_kib(server, line='VmHWM'):
    status = open(f'/proc/{server.process.pid}/status').read()
    return int(re.search(rf'{line}:\s+(\d+) kB', status)[1])


def ask(server, version='1.1', method='GET', receive=None):
    """A connection that has asked for all users and read nothing yet."""
    client = socket.socket()
    if receive:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive)
    client.settimeout(WAIT_SECONDS_MAX)
    client.connect((server.host, server.port))
    client.sendall(f'{method} /v1/users HTTP/{version}\r\nHost: 127.0.0.1\r\n\r\n'.encode())
    return client


def read_all(client):
    parts = []
    while part := client.recv(1 << 16):
        parts.append(part)
    return b''.join(parts)


def users_read(client):
    """How many users a chunked answer tells of; it must end as it should. From here on the client
    takes all it can: a listing has no longer than a minute of its own."""
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
    parts = []
    while not parts or not parts[-1].endswith(b'0\r\n\r\n'):
        parts.append(client.recv(1 << 20))
        assert parts[-1]
    return b''.join(parts).count(b'"username":')  # each chunk holds whole users


@pytest.mark.long
def test_a_long_listing_is_whole_and_needs_little_memory(crowded):
    before = memory_kib(crowded)
    with crowded.http.stream('GET', '/v1/users') as response:
        assert response.status_code == 200
        assert response.headers['Transfer-Encoding'] == 'chunked'
        assert 'Content-Length' not in response.headers
        body = response.read()
    users = json.loads(body)['result']
    assert len(users) == len({user['id'] for user in users}) == USERS
    assert memory_kib(crowded) - before < BOUND_KIB
    assert crowded.get('/users/ada/usages').status_code == 200  # on the same connection


@pytest.mark.long
def test_an_old_client_reads_until_the_close_and_head_tells_the_length(crowded):
    answer = read_all(ask(crowded, version='1.0'))
    head, body = answer.split(b'\r\n\r\n', 1)
    assert b'Connection: close' in head and b'Transfer-Encoding' not in head
    assert len(json.loads(body)['result']) == USERS
    told = crowded.http.head('/v1/users')
    assert int(told.headers['Content-Length']) == len(body)


@pytest.mark.long
def test_slow_clients_hold_their_listings_back_and_nobody_else(crowded):
    before = memory_kib(crowded, 'VmRSS')
    slow = [ask(crowded, receive=4096) for _ in range(LISTERS - 1)]
    time.sleep(1.5)
    assert memory_kib(crowded, 'VmRSS') - before < BOUND_KIB
    assert len(crowded.get('/v1/users').json()['result']) == USERS
    assert crowded.put('/users/ada/usages', {'resource_name': 'cpu.hours', 'update_type': 'ADD',
                                             'usage_value': 1}).status_code == 200
    with concurrent.futures.ThreadPoolExecutor(LISTERS) as pool:
        for count in pool.map(users_read, slow):
            assert count == USERS
    for client in slow:
        client.close()


@pytest.mark.long
def test_clients_that_vanish_end_their_listings(crowded):
    for _ in range(3 * LISTERS):
        client = ask(crowded, receive=4096)
        client.recv(100)
        client.close()
    began = time.monotonic()
    assert len(crowded.get('/v1/users').json()['result']) == USERS
    assert time.monotonic() - began < 60  # each is waited for 30 s, four at a time


@pytest.mark.long
def test_a_stop_does_not_wait_for_ever_for_a_client_that_does_not_read(crowd):
    crowd.args = ['--drain-seconds', '1']
    crowd.start()
    client = ask(crowd, receive=4096)
    assert client.recv(100)
    began = time.monotonic()
    crowd.stop()
    assert time.monotonic() - began < 20  # by default it waits 30 s
    with pytest.raises(OSError):  # not an end that looks like one
        rest = read_all(client)
        assert not rest.endswith(b'0\r\n\r\n')
        raise ConnectionError
    crowd.args = []


def test_a_short_listing_tells_its_length(server):
    server.get('/summary/ada')
    response = server.get('/v1/users')
    assert int(response.headers['Content-Length']) == len(response.content)
    assert [user['username'] for user in response.json()['result']] == ['ada']
    missing = server.get('/v1/usages/nobody/updates')
    assert missing.status_code == 404
