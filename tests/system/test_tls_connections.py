"""What holds for plain connections holds through TLS: the same tests, through it."""

import pytest

import test_http_connections as plain
from certificates import Authority
from http_server import HttpServer

# Clients that do not speak TLS here, and one that waits for its own handshake too early.
LEFT_OUT = {'test_clients_of_others_are_served', 'test_ipv6',
            'test_running_out_of_descriptors_passes'}

globals().update({name: test for name, test in vars(plain).items()
                  if name.startswith('test_') and name not in LEFT_OUT})


@pytest.fixture(scope='module')
def tls(tmp_path_factory):
    """Options of a server that speaks TLS."""
    authority = Authority(tmp_path_factory.mktemp('authority'))
    pair = authority.issue('server')
    return {'context': authority.context(), 'certificate': pair.certificate, 'key': pair.key}


@pytest.fixture
def start_http(tmp_path, tls):
    started = []

    def start(**options):
        started.append(HttpServer(tmp_path / f'http-{len(started)}.log', **tls, **options))
        return started[-1]

    yield start
    for server in started:
        if not server.process.stdout.closed:
            server.finish()


@pytest.fixture(scope='module')
def http(tmp_path_factory, tls):
    server = HttpServer(tmp_path_factory.mktemp('http') / 'http.log', **tls)
    yield server
    server.finish()
