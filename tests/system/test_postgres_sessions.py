"""What lies between a server and PostgreSQL: poolers, connections that break, a database that is
away for a while."""

import socket
import subprocess
import threading
import time

import pytest

import stores
from ports import held_port, number_of
from server import NotStarted
from waits import WAIT_SECONDS_MAX

COMMIT = b'qms2\0'  # the prepared statement's name in the message that runs it
COMMITTED = b'COMMIT\0'  # in the answer to it
SYNC = b'S\0\0\0\4'


class Through:
    """A database as it is reached in another way."""

    def __init__(self, database, url):
        self.database = database
        self.url = url
        self.stored = database.stored
        self.drop = database.drop

    def __str__(self):
        return str(self.database)


@pytest.fixture
def database(postgres):
    return stores.Database(postgres, stores.prepared(postgres))


def until(condition):
    deadline = time.monotonic() + WAIT_SECONDS_MAX
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


# -- poolers -----------------------------------------------------------------------------------


@pytest.fixture
def pooler(database):
    """pooler(mode) is the database through a pgbouncer."""
    started, held = [], []

    def start(mode):
        cluster = database.cluster
        held.append(held_port())
        port = number_of(held[-1])
        settings = cluster.directory / f'pgbouncer-{port}.ini'  # where its user may read it
        settings.write_text(
            f'[databases]\n* = host={cluster.directory} port={cluster.port} user=qms\n'
            f'[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n'
            f'auth_type = any\npool_mode = {mode}\ndefault_pool_size = 20\n')
        settings.chmod(0o644)
        process = subprocess.Popen(['pgbouncer', str(settings)], stderr=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, cwd='/', **cluster.identity())
        started.append(process)

        def listens():
            with socket.socket() as probe:
                return probe.connect_ex(('127.0.0.1', port)) == 0
        until(listens)
        return Through(database, f'postgresql://qms@127.0.0.1:{port}/{database.name}')

    yield start
    for process in started:
        process.kill()
        process.wait()
    for port in held:
        port.close()


@pytest.mark.parametrize('mode', ['transaction', 'statement'])
def test_a_pooler_that_shares_sessions_is_refused(start_server, pooler, mode):
    with pytest.raises(NotStarted) as refused:
        start_server(store=pooler(mode))
    assert 'pool_mode=session' in str(refused.value)


def test_a_pooler_that_keeps_sessions_apart_is_fine(start_server, pooler):
    server = start_server(store=pooler('session'))
    server.usage('ada', 1.5)
    assert server.get('/users/ada/usages').json()['usages'][0]['usage'] == 1.5


# -- connections that break --------------------------------------------------------------------


class Proxy:
    """Stands between the server and the database; what follows the next COMMIT is cut off, with
    the COMMIT forwarded or not; or only a part of what it came with is forwarded, and the database
    goes on waiting for the rest, as when a network falls apart."""

    def __init__(self, path, port):
        self.target = f'{path}/.s.PGSQL.{port}'
        self.listener = socket.create_server(('127.0.0.1', 0))
        self.port = self.listener.getsockname()[1]
        self.cut = None  # 'before' or 'after' the COMMIT has reached the database, 'within' it,
        self.left = []   # or 'behind' it, where the end of the pipeline is missing
        self.cuts = 0
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            server = socket.socket(socket.AF_UNIX)
            server.connect(self.target)
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            state = {'dead': False, 'committed': threading.Event()}
            threading.Thread(target=self.ask, args=(client, server, state), daemon=True).start()
            threading.Thread(target=self.answer, args=(client, server, state), daemon=True).start()

    def ask(self, client, server, state):
        while data := self.read(client):
            if self.cut and COMMIT in data:
                when, self.cut = self.cut, None
                state['dead'] = True
                if when == 'after':
                    server.sendall(data)
                    state['committed'].wait(WAIT_SECONDS_MAX)  # nobody else hears of it
                self.cuts += 1
                if when in ('within', 'behind'):
                    server.sendall(data[:data.index(COMMIT) if when == 'within' else -len(SYNC)])
                    self.left.append(server)
                    self.close(client)
                    return
                break
            server.sendall(data)
        self.close(client, server)

    def answer(self, client, server, state):
        while data := self.read(server):
            if not state['dead']:
                client.sendall(data)
            elif COMMITTED in data:
                state['committed'].set()
        if not state['dead']:
            self.close(client, server)

    @staticmethod
    def read(end):
        try:
            return end.recv(1 << 16)
        except OSError:
            return b''

    @staticmethod
    def close(*ends):
        for end in ends:
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def stop(self):
        self.listener.close()
        self.close(*self.left)


@pytest.fixture
def proxy(database):
    proxy = Proxy(database.cluster.directory, database.cluster.port)
    yield proxy
    proxy.stop()


@pytest.mark.parametrize('cut, status, total', [
    ('after', 200, 3), ('before', 503, 1), ('within', 503, 1), ('behind', 200, 3)])
def test_the_answer_to_a_lost_commit_is_found_out(start_server, database, proxy, cut, status,
                                                  total):
    url = f'postgresql://qms@127.0.0.1:{proxy.port}/{database.name}'
    server = start_server(store=Through(database, url))
    server.usage('ada', 1)
    proxy.cut = cut
    answer = server.usage('ada', 2)
    assert proxy.cuts == 1
    assert answer.status_code == status, answer.text
    stored = database.stored()
    assert [float(row['usage']) for row in stored.rows('SELECT usage FROM usages')] == [total]
    assert len(stored.rows('SELECT id FROM updates')) == (2 if total == 3 else 1)
    server.usage('ada', 1)
    assert [float(row['usage']) for row in stored.rows('SELECT usage FROM usages')] == [total + 1]


def test_a_server_goes_on_when_its_database_has_been_away(start_server):
    cluster = stores.new_cluster()
    try:
        server = start_server(store=stores.Database(cluster, stores.prepared(cluster)))
        server.usage('ada', 1)
        cluster.stop('immediate')
        until(lambda: server.get('/readyz').status_code == 503)
        assert server.get('/users/ada/usages').status_code == 503
        cluster.start()
        until(lambda: server.get('/readyz').status_code == 200)
        server.usage('ada', 1)
        assert server.get('/users/ada/usages').json()['usages'][0]['usage'] == 2
        server.stop()
    finally:
        cluster.close()


def test_a_database_that_is_away_is_not_told_of_with_every_request(start_server):
    cluster = stores.new_cluster()
    try:
        server = start_server(store=stores.Database(cluster, stores.prepared(cluster)))
        cluster.stop('immediate')
        until(lambda: server.get('/readyz').status_code == 503)
        for _ in range(300):
            assert server.get('/users/ada/usages').status_code == 503
        cluster.start()
        until(lambda: server.get('/readyz').status_code == 200)
        lines = server.log().splitlines()
        assert 1 <= sum('the store cannot be used' in line for line in lines) <= 20
        assert len(lines) < 100
        server.stop()
    finally:
        cluster.close()
