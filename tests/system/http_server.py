"""The HTTP server in a program of its own, with routes for tests (tests/support)."""

import signal
import subprocess

import pytest

from raw_http import Connection
from server import BINARY, WAIT_SECONDS_MAX

PROGRAM = BINARY.parent / 'tests' / 'support' / 'http_test_server'


class HttpServer:
    host = '127.0.0.1'

    def __init__(self, log, context=None, **options):
        self.log = log
        self.context = context  # of TLS, for its clients
        with open(log, 'wb') as errors:
            self.process = subprocess.Popen(
                [PROGRAM, *(f'{name}={value}' for name, value in options.items())],
                stdout=subprocess.PIPE, stderr=errors, text=True)
        word, port = self.process.stdout.readline().split()
        assert word == 'port'
        self.port = int(port)
        self.url = f'http://{self.host}:{self.port}'

    def connect(self, seconds_max=WAIT_SECONDS_MAX):
        return Connection(self.host, self.port, seconds_max, self.context)

    def release(self):
        """Answers at once what was asked slowly."""
        self.process.send_signal(signal.SIGUSR1)

    def terminate(self):
        self.process.terminate()

    def finish(self):
        """Stops it, unless it has been told to; it must end cleanly."""
        self.process.terminate()
        output, _ = self.process.communicate(timeout=WAIT_SECONDS_MAX)
        log = self.log.read_text()
        assert self.process.returncode == 0, log
        assert 'runtime error:' not in log and 'Sanitizer' not in log, log
        return output


@pytest.fixture
def start_http(tmp_path):
    """start_http(head_ms=100, ...) starts a server of the test's own."""
    started = []

    def start(**options):
        started.append(HttpServer(tmp_path / f'http-{len(started)}.log', **options))
        return started[-1]

    yield start
    for server in started:
        if server.process.stdout.closed:
            continue
        server.finish()


@pytest.fixture(scope='module')
def http(tmp_path_factory):
    """One server with default limits for all tests of a file."""
    server = HttpServer(tmp_path_factory.mktemp('http') / 'http.log')
    yield server
    server.finish()
