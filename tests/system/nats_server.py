"""A real nats-server on a port of its own, and a client of it that others wrote."""

import asyncio
import contextlib
import json
import pathlib
import subprocess
import sys
import threading
import time

import pytest
from google.protobuf import json_format

from messages import message_class
from ports import held_port, number_of
from server import REPOSITORY, environment
from waits import WAIT_SECONDS_MAX

CLIENT_LIBRARY = REPOSITORY / '.venv' / 'nats-py'


class NatsServer:
    """One server with the lines of configuration given. It keeps its port when it starts again."""

    def __init__(self, directory, config=''):
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.config = config
        self.held = held_port()
        self.port = number_of(self.held)
        self.url = f'nats://127.0.0.1:{self.port}'
        self.process = None

    def start(self):
        assert self.process is None, 'it runs already'
        settings = self.directory / 'nats.conf'
        settings.write_text(f'listen: "127.0.0.1:{self.port}"\n'
                            f'ports_file_dir: "{self.directory}"\n' + self.config)
        with open(self.directory / 'nats.log', 'ab') as log:
            self.process = subprocess.Popen(['nats-server', '-c', settings], env=environment(),
                                            stdout=log, stderr=log)
        self.await_listening()
        return self

    def kill(self):
        process, self.process = self.process, None
        if process:
            process.kill()
            process.wait()

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.kill()

    def await_listening(self):
        """The server writes a file of its ports when it does."""
        until = time.monotonic() + WAIT_SECONDS_MAX
        place = self.directory / f'nats-server_{self.process.pid}.ports'
        while time.monotonic() < until and self.process.poll() is None:
            with contextlib.suppress(FileNotFoundError, json.JSONDecodeError):
                if json.loads(place.read_text())['nats']:
                    return
            time.sleep(0.01)
        raise AssertionError(self.log())

    def log(self):
        return (self.directory / 'nats.log').read_text()


def make_certificate(directory, name, host, signer=None):
    """A certificate and its key in PEM; signed by itself, or by another made here."""
    directory = pathlib.Path(directory)
    cert, key = directory / f'{name}.crt', directory / f'{name}.key'
    signed = ['-CA', signer[0], '-CAkey', signer[1]] if signer else []
    subprocess.run(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt',
                    'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2', '-keyout', key,
                    '-out', cert, '-subj', f'/CN={name}', '-addext', f'subjectAltName={host}',
                    *signed], check=True, capture_output=True)
    return cert, key



def client_library():
    """nats-py; no Debian release has it."""
    if not CLIENT_LIBRARY.exists():
        pytest.skip('nats-py is not installed; script/test installs it')
    if str(CLIENT_LIBRARY) not in sys.path:
        sys.path.append(str(CLIENT_LIBRARY))
    import nats
    return nats


class NatsClient:
    """nats-py, with calls that wait. Its loop runs on a thread of its own."""

    def __init__(self, *urls, prefix='cyverse.qms', **options):
        library = client_library()  # before the thread: without it the test is skipped
        self.prefix = prefix
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever)
        self.thread.start()
        self.connection = self.wait(library.connect(
            list(urls), allow_reconnect=True, max_reconnect_attempts=-1,
            reconnect_time_wait=0.05, error_cb=self.ignore, **options))

    async def ignore(self, error):
        """What the library logs of lost connections."""

    def wait(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(WAIT_SECONDS_MAX * 2)

    def close(self):
        self.wait(self.connection.close())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def send(self, subject, payload=b'', timeout=WAIT_SECONDS_MAX, **headers):
        """The bytes of the answer."""
        headers = {name.replace('_', '-'): value for name, value in headers.items()} or None
        return self.wait(self.connection.request(f'{self.prefix}.{subject}', payload, timeout,
                                                 headers=headers)).data

    def publish(self, subject, payload=b'', **headers):
        """A message that expects no answer."""
        headers = {name.replace('_', '-'): value for name, value in headers.items()} or None
        self.wait(self.connection.publish(f'{self.prefix}.{subject}', payload, headers=headers))

    def json(self, subject, request=None, **options):
        """The answer to a request in JSON, or to an empty one."""
        payload = b'' if request is None else json.dumps(request).encode()
        return json.loads(self.send(subject, payload, **options))

    def binary(self, subject, request, response, **options):
        """The answer of this type to a message of Google's protobuf, in binary."""
        return message_class(response).FromString(
            self.send(subject, request.SerializeToString(), **options))


def message(name, fields):
    """A message of Google's protobuf, of its fields as JSON."""
    return json_format.ParseDict(fields, message_class(name)())


def await_nats(server):
    """Until the qms server says that it is connected."""
    until = time.monotonic() + WAIT_SECONDS_MAX
    while server.get('/readyz').status_code != 200:
        assert time.monotonic() < until, server.get('/readyz').text + server.log()
        time.sleep(0.01)
    return server


def metric(server, name):
    """The value of a metric without labels."""
    for line in server.get('/metrics').text.splitlines():
        if line.startswith(name + ' '):
            return float(line.split()[1])
    raise AssertionError(f'no metric {name}')


def await_metric(server, name, value):
    """Until the metric has the value: what is said over NATS is counted after it was said."""
    until = time.monotonic() + WAIT_SECONDS_MAX
    while (found := metric(server, name)) != value:
        assert time.monotonic() < until, f'{name} is {found} instead of {value}'
        time.sleep(0.01)
