"""The real binary, run for a test: start, stop, kill, restart on the same store.

Nothing here depends on a free well-known port (port 0), on the wall clock (Clock) or on the order
of tests (each server has a directory of its own).
"""

import json
import os
import pathlib
import re
import signal
import socket
import ssl
import subprocess
import sys
import time

import httpx

import stores
from raw_http import Connection
from stored import microseconds
from stores import BINARY, REPOSITORY, environment
from waits import WAIT_SECONDS_MAX

__all__ = ['BINARY', 'REPOSITORY', 'Clock', 'NotStarted', 'Server', 'environment']
READY = re.compile(r'\Aqms listening on (https?://(\[[0-9a-f:]+\]|[0-9.]+):(\d+))\n')


def has_ipv6_loopback():
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(('::1', 0))
        return True
    except OSError:
        return False


class Clock:
    """A process's wall clock, in UTC: it stands still until it is set, also while it runs.

    Monotonic time, and with it every timeout, is real. PostgreSQL's, which decides for servers
    that have their store there, is the same; so there can be only one at a time."""

    def __init__(self, path, reading='2026-08-12 10:00:00'):
        self.file = open(path, 'w+b', buffering=0)
        self.set(reading)

    def set(self, reading):
        self.file.seek(0)
        self.file.write(microseconds(reading).to_bytes(8, sys.byteorder))
        if stores.KIND == 'postgres':
            stores.still_postgres_cluster().set_clock(microseconds(reading))

    def environment(self):
        return {
            'LD_PRELOAD': str(stores.built_library('still_clock.so')),
            'QMS_STILL_CLOCK': self.file.name,
            'ASAN_OPTIONS': os.environ.get('ASAN_OPTIONS', '') + ':verify_asan_link_order=0',
        }


class NotStarted(Exception):
    """The server ended, or said nothing, instead of becoming ready."""

    def __init__(self, status, output, log):
        super().__init__(f'exit status {status}\n{output}{log}')
        self.status, self.output, self.log = status, output, log


class Server:
    def __init__(self, directory, args=(), clock=None, env=None, store=None, trust=None):
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        if isinstance(store, (str, pathlib.Path)):
            store = stores.File(store)
        self.store = store or stores.new_store(self.directory, is_still=clock is not None)
        self.args = list(args)
        self.clock = clock
        self.env = dict(env or {})
        self.trust = trust  # the file of the certificates that its own has to rest on
        self.process = None
        self.starts = 0
        self.host = self.port = self.url = None
        self._client = None

    # -- the process ---------------------------------------------------------------------------

    def command(self):
        listen = [] if '--listen' in self.args else ['--listen', '127.0.0.1:0']
        return [str(BINARY), 'serve', *listen, '--store', self.store.url, *self.args]

    def start(self):
        assert self.process is None, 'it runs already'
        self.starts += 1
        self._out = self.directory / f'stdout.{self.starts}'
        self._err = self.directory / f'stderr.{self.starts}'
        env = environment(**(self.clock.environment() if self.clock else {}), **self.env)
        with open(self._out, 'wb') as out, open(self._err, 'wb') as err:
            self.process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL, stdout=out,
                                            stderr=err, env=env, cwd=self.directory)
        self._await_ready()
        return self

    def _await_ready(self):
        deadline = time.monotonic() + WAIT_SECONDS_MAX
        while time.monotonic() < deadline:
            ended = self.process.poll() is not None
            ready = READY.match(self.output())
            if ready:
                self.url, self.host, self.port = ready[1], ready[2], int(ready[3])
                return
            if ended:
                break
            time.sleep(0.005)
        status = self.process.poll()
        self.kill()
        raise NotStarted(status, self.output(), self.log())

    def stop(self):
        """SIGTERM, and the clean end that has to follow."""
        process = self._forget()
        process.send_signal(signal.SIGTERM)
        try:
            status = process.wait(WAIT_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise AssertionError('it did not stop:\n' + self.log()) from None
        assert status == 0, f'exit status {status}:\n{self.log()}'

    def kill(self):
        process = self._forget()
        process.kill()
        process.wait()

    def restart(self):
        self.stop()
        return self.start()

    def running(self):
        return self.process is not None and self.process.poll() is None

    def _forget(self):
        if self._client:
            self._client.close()
            self._client = None
        process, self.process = self.process, None
        return process

    def output(self):
        """Standard output so far, of the last start."""
        return self._out.read_text()

    def log(self):
        """Standard error so far, of the last start."""
        return self._err.read_text(errors='replace')

    # -- its clients ---------------------------------------------------------------------------

    @property
    def http(self):
        """An httpx client that keeps its connections. Where nothing is encrypted it does not read
        the system's certificates, which takes longer than starting a server."""
        if self._client is None:
            self._client = httpx.Client(base_url=self.url, timeout=WAIT_SECONDS_MAX,
                                        trust_env=False, verify=self.tls_context() or False)
        return self._client

    def connect(self):
        """A raw socket that speaks HTTP."""
        return Connection('127.0.0.1' if self.host == '0.0.0.0' else self.host, self.port,
                          context=self.tls_context())

    def tls_context(self):
        return ssl.create_default_context(cafile=self.trust) if self.trust else None

    def get(self, target, **options):
        return self.http.get(target, **options)

    def put(self, target, body=None, **options):
        return self.http.put(target, json=body, **options)

    def post(self, target, body=None, **options):
        return self.http.post(target, json=body, **options)

    def run(self, *args, input=None, env=None, clock=None):
        """A client command of the same binary; returns the finished process, in bytes."""
        more = {**(clock.environment() if clock else {}), **(env or {})}
        url = ['--url', self.url] if args[0] in ('user', 'overages', 'ingest') else []
        return subprocess.run([str(BINARY), *args, *url], input=input, capture_output=True,
                              env=environment(**more), timeout=WAIT_SECONDS_MAX, cwd=self.directory)

    # -- shorthand for what tests ask most ---------------------------------------------------------

    def update(self, username, value, operation='ADD', resource='cpu.hours', value_type='usages',
               **more):
        """R5. value may be a string of digits, to send exactly those."""
        unit = {'cpu.hours': 'cpu hours', 'data.size': 'bytes'}[resource]
        update = {'value_type': value_type, 'value': '@', 'effective_date': '2026-01-01T00:00:00Z',
                  'resource_type': {'name': resource, 'unit': unit},
                  'operation': {'name': operation}, 'user': {}, **more}
        return self.put_exactly(f'/user/{username}/updates', {'update': update}, value)

    def usage(self, username, value, operation='ADD', resource='cpu.hours'):
        """R9."""
        body = {'resource_name': resource, 'update_type': operation, 'usage_value': '@'}
        return self.put_exactly(f'/users/{username}/usages', body, value)

    def put_exactly(self, target, body, value):
        """Sends body with value, as written, in the place of the string '@'."""
        return self.send_exactly('PUT', target, json.dumps(body).replace('"@"', str(value)))

    def send_exactly(self, method, target, content):
        """A body of JSON as it is given: text, octets or an iterator of pieces."""
        return self.http.request(method, target, content=content,
                                 headers={'Content-Type': 'application/json'})

    def record(self, items):
        """POST /v2/usages: the list of results."""
        response = self.post('/v2/usages', items)
        assert response.status_code == 200, response.text
        return response.json()['results']

    def stored(self):
        return self.store.stored()
