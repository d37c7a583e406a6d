"""Fixtures of the system tests: servers that start fresh and must stop cleanly."""

import itertools
import json
import os
import pathlib
import time

import hypothesis
import pytest

import stores
from ports import held_port, number_of
from server import BINARY, Clock, Server

names = itertools.count(1)

# Nobody's proxies, databases, language and time zone take part, in the tests or what they start.
for name in list(os.environ):
    if name.startswith('PG') or name.lower().endswith('_proxy'):
        del os.environ[name]
os.environ.update(LC_ALL='C.UTF-8', TZ='UTC')
time.tzset()

# Without a store, or with one of their own choice: the same whichever the others have.
STORELESS = {'test_asyncapi', 'test_configuration', 'test_http_connections',
             'test_http_parser_differential', 'test_http_smuggling', 'test_postgres_in_place',
             'test_postgres_sessions', 'test_proto_descriptors', 'test_proto_interop',
             'test_proto_json', 'test_readme', 'test_tls_connections'}


# Files are handed out whole to whoever is free. What takes longest begins first, so that nobody
# waits for it at the end.
FIRST = ['test_schemathesis', 'test_crash', 'test_root_routes', 'test_v1_routes', 'test_v1_cases',
         'test_idempotency', 'test_streaming', 'test_ingest', 'test_nats_behaviour',
         'test_qms_routes', 'test_nats_connection', 'test_proto_json', 'test_postgres_shared',
         'test_postgres_in_place', 'test_tls_connections', 'test_http_connections', 'test_auth',
         'test_tls', 'test_openapi', 'test_many_nodes', 'test_v1_bad_input']

# What one run of a commit says, the next says, too. New input: QMS_TEST_INPUT=new.
hypothesis.settings.register_profile('same', derandomize=True)
if os.environ.get('QMS_TEST_INPUT') != 'new':
    hypothesis.settings.load_profile('same')


def pytest_configure(config):
    config.addinivalue_line('markers', 'long: takes many seconds; left out under sanitizers')
    config.addinivalue_line('markers', 'sqlite_only(why): not asked of servers on PostgreSQL')


def pytest_collection_modifyitems(config, items):
    assert all((pathlib.Path(__file__).parent / f'{name}.py').exists() for name in FIRST)
    items.sort(key=lambda item: FIRST.index(item.path.stem) if item.path.stem in FIRST
               else len(FIRST))
    if stores.KIND == 'sqlite':
        return
    left_out = [item for item in items if item.get_closest_marker('sqlite_only')
                or item.path.stem in STORELESS]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


def pytest_sessionstart(session):
    if not session.config.option.collectonly and not BINARY.exists():
        raise pytest.UsageError(f'{BINARY} is not there: build it, or set QMS_BINARY')


@pytest.fixture(autouse=True)
def log_of_failures(request):
    """Lets servers show the end of their logs with a test that failed."""
    yield
    for server in getattr(request.node, 'servers', []):
        print(f'--- {server.store}:', *server.log().splitlines()[-30:], sep='\n')


def finish(server):
    """What every server owes at the end of its test: it still runs, and stops cleanly."""
    if server.process is None:
        return
    assert server.running(), f'it ended by itself:\n{server.log()}'
    server.stop()
    assert 'runtime error:' not in server.log()
    assert 'Sanitizer' not in server.log()


@pytest.fixture
def start_server(request, tmp_path):
    """start_server(*args, clock=None, name='qms') makes and starts a server of the test's own."""
    request.node.servers = []

    def start(*args, name='qms', **options):
        server = Server(tmp_path / name, args, **options)
        server.start()
        request.node.servers.append(server)
        return server

    yield start
    for server in request.node.servers:
        finish(server)
        server.store.drop()


@pytest.fixture
def server(start_server):
    """A server with an empty store."""
    return start_server()


@pytest.fixture
def clock(tmp_path):
    """A clock standing still at 2026-08-12 10:00:00 UTC, for start_server(clock=clock)."""
    clock = Clock(tmp_path / 'clock')
    yield clock
    clock.file.close()


class Untouched:
    """A server with an empty store whose clock stands still, for as long as its tests change
    nothing in the store; then another takes its place. To start one takes longer than to use it."""

    def __init__(self, new_directory):
        self.new_directory = new_directory
        self.server = None

    def begin(self):
        if self.server is None:
            directory = self.new_directory()
            self.server = Server(directory, clock=Clock(directory / 'clock')).start()
            self.stored = self.server.stored()
            self.before = self.stored.snapshot()
        return self.server

    def end(self):
        """Of a test; it ends the server, too, if the test did not leave it as it was."""
        if not self.server.running() or self.stored.snapshot() != self.before:
            self.close()

    def close(self):
        server, self.server = self.server, None
        if server is not None:
            finish(server)
            server.store.drop()
            server.clock.file.close()


@pytest.fixture(scope='module')
def untouched(tmp_path_factory):
    untouched = Untouched(lambda: tmp_path_factory.mktemp('untouched'))
    yield untouched
    untouched.close()


@pytest.fixture
def still_server(request, untouched):
    """A server with an empty store whose clock stands still at 2026-08-12 10:00:00 UTC. Tests of
    the same file that have changed nothing may have asked it before."""
    server = untouched.begin()
    request.node.servers = [server]
    yield server
    untouched.end()


@pytest.fixture
def ask(still_server):
    """ask(method, target, body=None) of the still server, each on a connection of its own; the
    server is ask.server."""
    server = still_server

    def ask(method, target, body=None):
        octets = body if isinstance(body, bytes) else b''
        if body is not None and not octets:
            octets = json.dumps(body).encode()
        with server.connect() as connection:
            return connection.ask(method, target, octets)

    ask.server = server
    return ask


@pytest.fixture(scope='module')
def shared(tmp_path_factory):
    """One server for all tests of a file that keep to users of their own (fixture user)."""
    server = Server(tmp_path_factory.mktemp('shared')).start()
    yield server
    finish(server)
    server.store.drop()


@pytest.fixture(scope='session')
def postgres():
    """A PostgreSQL cluster; make databases of your own in it."""
    return stores.postgres_cluster()


@pytest.fixture
def port():
    """A port of 127.0.0.1 that is the test's own, also while no server listens on it."""
    with held_port() as held:
        yield number_of(held)


@pytest.fixture
def user():
    """A name nobody else uses."""
    return f'user-{next(names)}'
