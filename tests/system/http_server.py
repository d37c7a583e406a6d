"""The HTTP server in a program of its own, with routes for tests (tests/support)."""

import os
import pathlib
import signal
import subprocess
import time

import pytest

from raw_http import Closed, Connection
from server import BINARY
from waits import WAIT_SECONDS_MAX

PROGRAM = BINARY.parent / 'tests' / 'support' / 'http_test_server'
ESTABLISHED = '01'  # in /proc/net/tcp


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


def eventually(condition):
    deadline = time.monotonic() + WAIT_SECONDS_MAX
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def sent_at_once(server, octets):
    """When they were sent, and on which connection: one that was not idle for long before."""
    deadline = time.monotonic() + WAIT_SECONDS_MAX
    while True:
        began = time.monotonic()
        try:
            connection = server.connect()
            began_sending = time.monotonic()
            connection.send(octets)
            if time.monotonic() - began < 0.7:
                return began_sending, connection
            connection.close()
        except OSError:  # too late
            assert time.monotonic() - began >= 0.7
        assert time.monotonic() < deadline


def settled(server):
    """A connection that has had an answer. Its handshake has had as long as a head may take, and is
    tried again where that was too short."""
    deadline = time.monotonic() + WAIT_SECONDS_MAX
    while True:
        try:
            connection = server.connect()
            connection.send(b'GET /constant HTTP/1.1\r\nHost: localhost\r\n\r\n')
            if connection.answer().status == 200:
                return connection
        except (Closed, OSError):
            pass
        assert time.monotonic() < deadline


def descriptors(server):
    return len(os.listdir(f'/proc/{server.process.pid}/fd'))


def has_read_everything(server):
    """Whether nothing that was sent to the server still lies in the system's queues."""
    with open('/proc/net/tcp', encoding='ascii') as table:
        rows = [line.split() for line in table][1:]
    port = f'{server.port:04X}'
    for local, remote, state, queues in (row[1:5] for row in rows):
        to_send, to_read = (int(octets, 16) for octets in queues.split(':'))
        if state == ESTABLISHED and (local.endswith(':' + port) and to_read or
                                     remote.endswith(':' + port) and to_send):
            return False
    return True


def cpu_seconds(server):
    fields = pathlib.Path(f'/proc/{server.process.pid}/stat').read_text().rpartition(')')[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')


def rests(server):
    """Whether it uses little for a while. A loop that spins takes all of a processor; the test's
    own worker polls."""
    before = cpu_seconds(server)
    time.sleep(0.7)
    return cpu_seconds(server) - before < 0.4


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
