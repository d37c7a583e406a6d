"""HTTPS: who is served and who is not, certificates that are changed while it runs, and what
clients and keys that are wrong are told."""

import contextlib
import json
import signal
import socket
import ssl
import subprocess
import threading
import time

import pytest

from certificates import Authority, Pair, openssl
from http_server import HttpServer
from raw_http import Closed, Connection
from server import BINARY, NotStarted, Server, environment
from tls_socket import TlsSocket
from waits import WAIT_SECONDS_MAX

GET = b'GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n'
LAST = b'GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n'


@pytest.fixture(scope='module')
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp('authority'))


@pytest.fixture(scope='module')
def pairs(authority):
    return authority.issue('one'), authority.issue('two')


@pytest.fixture(scope='module')
def shared(tmp_path_factory, authority, pairs):
    server = Server(tmp_path_factory.mktemp('tls'), pairs[0].options, trust=authority.trust)
    server.start()
    yield server
    assert server.running()
    server.stop()
    assert 'runtime error:' not in server.log() and 'Sanitizer' not in server.log()


def plain_socket(server):
    return socket.create_connection(('127.0.0.1', server.port), WAIT_SECONDS_MAX)


def shaken(server, context):
    return TlsSocket(plain_socket(server), context, 'localhost')


# ---- clients ----

def test_the_ready_line_says_https(shared):
    assert shared.output() == f'qms listening on https://127.0.0.1:{shared.port}\n'


@pytest.mark.parametrize('version', ['--tlsv1.2', '--tlsv1.3'])
def test_curl_is_served(shared, version):
    done = subprocess.run(['curl', '-sS', version, '--tls-max', version[-3:], '--cacert',
                           shared.trust, '-w', '%{http_version} %{ssl_verify_result}',
                           f'{shared.url}/healthz'], capture_output=True, text=True)
    assert done.stdout == '{"status":"ok"}\n1.1 0', done.stderr


def test_old_versions_are_refused(shared, authority):
    for version in ('-tls1', '-tls1_1'):
        done = subprocess.run(['openssl', 's_client', version, '-cipher', 'DEFAULT@SECLEVEL=0',
                               '-connect', f'127.0.0.1:{shared.port}'], capture_output=True,
                              text=True, stdin=subprocess.DEVNULL, timeout=WAIT_SECONDS_MAX)
        assert done.returncode != 0
        assert 'alert protocol version' in done.stderr


def test_ciphers_of_old_versions_without_forward_secrecy_are_refused(shared):
    done = subprocess.run(['openssl', 's_client', '-tls1_2', '-cipher',
                           'AES256-SHA:ECDHE-ECDSA-AES256-SHA@SECLEVEL=0', '-connect',
                           f'127.0.0.1:{shared.port}'], capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, timeout=WAIT_SECONDS_MAX)
    assert done.returncode != 0 and 'handshake failure' in done.stderr


@pytest.mark.parametrize('offered, chosen', [
    (None, None), (['http/1.1'], 'http/1.1'), (['h2', 'http/1.1'], 'http/1.1')])
def test_http_1_1_is_agreed_on(shared, authority, offered, chosen):
    client = shaken(shared, authority.context(protocols=offered))
    assert client.tls.selected_alpn_protocol() == chosen


def test_a_client_of_another_protocol_is_refused(shared, authority):
    with pytest.raises(ssl.SSLError, match='(?i)no.application.protocol'):
        shaken(shared, authority.context(protocols=['h2']))


def test_plain_http_is_told_what_is_wrong(shared):
    with Connection('127.0.0.1', shared.port) as connection:
        answer = connection.ask('GET', '/healthz')
        assert (answer.status, answer.header('Connection')) == (400, 'close')
        assert 'https://' in json.loads(answer.body)['message']
        assert connection.at_end()


@pytest.mark.parametrize('octets', [b'\x00' * 100, b'SSH-2.0-x\r\n', b'\x16\x03\x01\xff\xff' * 9],
                         ids=['zeros', 'ssh', 'too long a record'])
def test_what_is_neither_is_closed_in_good_time(shared, octets):
    with plain_socket(shared) as client:
        client.sendall(octets)
        began = time.monotonic()
        while client.recv(100):  # an alert
            pass
        assert time.monotonic() - began < 9  # a handshake may take 10 s
    assert shared.get('/healthz').status_code == 200


def test_renegotiation_is_refused_and_the_connection_goes_on(shared):
    client = subprocess.Popen(['openssl', 's_client', '-tls1_2', '-connect',
                               f'127.0.0.1:{shared.port}'], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    output = []
    seen = threading.Event()

    def read():
        for line in client.stdout:
            output.append(line)
            seen.set() if b'no renegotiation' in b''.join(output) else None
        seen.set()

    reader = threading.Thread(target=read)
    reader.start()
    client.stdin.write(b'R\n')
    client.stdin.flush()
    assert seen.wait(WAIT_SECONDS_MAX)
    client.stdin.close()
    client.kill()
    client.wait()
    reader.join()
    assert b'no renegotiation' in b''.join(output), b''.join(output)
    assert b'Secure Renegotiation IS supported' in b''.join(output)  # the defence of RFC 5746


# ---- the end of a connection ----

@pytest.mark.parametrize('version', [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_the_server_announces_its_end(shared, authority, version):
    client = Connection('127.0.0.1', shared.port, context=authority.context(version))
    client.send(LAST)
    assert client.answer().status == 200
    assert client.at_end()
    client.close()


@pytest.mark.parametrize('end', ['announced', 'not announced'])
def test_a_client_that_ends_its_half_still_gets_its_answers(shared, authority, end):
    client = Connection('127.0.0.1', shared.port, context=authority.context())
    client.send(GET * 3 + b'GET /cut')
    if end == 'announced':
        client.socket.finish()
    else:
        client.socket.shutdown(socket.SHUT_WR)
    assert [client.answer().status for _ in range(3)] == [200] * 3
    assert client.at_end()
    client.close()


def test_records_that_were_tampered_with_end_the_connection(shared, authority):
    client = Connection('127.0.0.1', shared.port, context=authority.context())
    client.send(GET)
    assert client.answer().status == 200
    client.socket.tls.write(GET)
    flight = bytearray(client.socket.flight())
    flight[-1] ^= 1
    client.socket.plain.sendall(flight)
    with pytest.raises((ssl.SSLError, Closed)):
        client.answer()
    client.close()
    assert shared.get('/healthz').status_code == 200


# ---- handshakes ----

@pytest.fixture
def hasty(tmp_path, pairs):
    """A server that has little patience."""
    server = HttpServer(tmp_path / 'hasty.log', head_ms=400, idle_ms=20000,
                        certificate=pairs[0].certificate, key=pairs[0].key)
    yield server
    server.finish()


def first_flight(context):
    client = TlsSocket(None, context, 'localhost', shake=False)
    with pytest.raises(ssl.SSLWantReadError):
        client.tls.do_handshake()
    return client.flight()


@pytest.mark.parametrize('part', [0, 1, 5, 100, -1])
def test_a_handshake_has_no_longer_than_a_head(hasty, authority, part):
    began = time.monotonic()
    with plain_socket(hasty) as client, contextlib.suppress(ConnectionError):
        client.sendall(first_flight(authority.context())[:part])
        while client.recv(1000):
            pass
    assert 0.3 < time.monotonic() - began < 10


def test_a_slow_drip_does_not_prolong_a_handshake(hasty, authority):
    flight = first_flight(authority.context())
    with plain_socket(hasty) as client:
        with pytest.raises(OSError):
            for octet in flight * 100:  # more than enough
                client.sendall(bytes([octet]))
                time.sleep(0.01)


def test_many_half_open_handshakes_hold_nobody_up(shared, authority):
    flight = first_flight(authority.context())
    waiting = [plain_socket(shared) for _ in range(200)]
    for client in waiting:
        client.sendall(flight[:50])
    began = time.monotonic()
    for _ in range(10):
        client = Connection('127.0.0.1', shared.port, context=authority.context())
        client.send(LAST)
        assert client.answer().status == 200
        client.close()
    assert time.monotonic() - began < 8
    for client in waiting:
        client.close()


def test_a_handshake_may_come_octet_by_octet(shared, authority):
    class Dripping:
        def __init__(self, plain):
            self.plain, self.recv = plain, plain.recv

        def sendall(self, octets):
            for octet in octets:
                self.plain.sendall(bytes([octet]))

    plain = plain_socket(shared)
    client = TlsSocket(Dripping(plain), authority.context(), 'localhost')
    client.sendall(LAST)
    assert client.recv(12) == b'HTTP/1.1 200'
    plain.close()


# ---- much ----

def test_a_long_list_and_its_answer_go_through(shared, user):
    items = [{'id': f'{user}-{n}'.ljust(255, '-'), 'username': user, 'update_type': 'ADD',
              'resource_name': 'cpu.hours', 'usage_value': 1} for n in range(10000)]
    assert len(shared.record(items)) == 10000
    assert shared.stored().usage(user) == 10000


def test_requests_in_a_row_are_answered_in_order_however_records_are_cut(shared, authority):
    names = [f'nobody-{n}' for n in range(400)]
    octets = b''.join(f'GET /summary/{name} HTTP/1.1\r\nHost: localhost\r\n\r\n'.encode()
                      for name in names)
    client = Connection('127.0.0.1', shared.port, context=authority.context())

    def send():
        at, size = 0, 1
        while at < len(octets):
            client.send(octets[at:at + size])
            at, size = at + size, size * 3 % 7001
    sender = threading.Thread(target=send)
    sender.start()
    for name in names:
        answer = client.answer()
        assert f'"{name}"' in answer.body.decode()
    sender.join()
    client.close()


def test_a_listing_is_sent_while_it_is_read(start_server, authority, pairs):
    server = start_server(*pairs[0].options, trust=authority.trust)
    server.stop()
    count = 30000
    server.stored().add_users([
        ((n + 1).to_bytes(16, 'big'), f'user-{n:06}' + 'x' * 150) for n in range(count)])
    server.start()
    with server.http.stream('GET', '/v1/users') as response:
        assert response.headers['Transfer-Encoding'] == 'chunked'
        parts = []
        for part in response.iter_raw():
            parts.append(part)
            if len(parts) < 20:
                time.sleep(0.02)
    assert len(json.loads(b''.join(parts))['result']) == count
    assert server.get('/healthz').status_code == 200


# ---- certificates ----

def presented(server, authority):
    client = shaken(server, authority.context())
    der = client.tls.getpeercert()
    client.close()
    return int(der['serialNumber'], 16)


def eventually(condition):
    deadline = time.monotonic() + WAIT_SECONDS_MAX
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture
def changing(start_server, tmp_path, authority, pairs):
    """A server, and the pair it runs with, in files that may change."""
    pair = Pair(tmp_path / 'own.pem', tmp_path / 'own.key')
    pair.install(pairs[0])
    pair.key.chmod(0o600)
    return start_server(*pair.options, trust=authority.trust), pair


def test_a_certificate_is_changed_under_load(changing, authority, pairs):
    server, pair = changing
    stop, faults, served = threading.Event(), [], [0, 0]

    def keep_asking(index, fresh):
        try:
            client = Connection('127.0.0.1', server.port, context=authority.context())
            while not stop.is_set():
                client.send(GET)
                assert client.answer().status == 200
                served[index] += 1
                if fresh:
                    client.close()
                    client = Connection('127.0.0.1', server.port, context=authority.context())
            client.close()
        except Exception as error:  # told below
            faults.append(repr(error))

    threads = [threading.Thread(target=keep_asking, args=(index, index == 1))
               for index in range(2)]
    for thread in threads:
        thread.start()
    for turn in range(1, 11):
        wanted = pairs[turn % 2]
        pair.install(wanted)
        server.process.send_signal(signal.SIGHUP)
        eventually(lambda: presented(server, authority) == wanted.serial)
    eventually(lambda: faults or min(served) > 0)
    stop.set()
    for thread in threads:
        thread.join()
    assert faults == []
    eventually(lambda: server.log().count('new connections get the certificate in') == 10)


def test_a_pair_that_cannot_be_used_changes_nothing(changing, authority, pairs):
    server, pair = changing

    def refused(count, text):
        server.process.send_signal(signal.SIGHUP)
        eventually(lambda: server.log().count('the certificate in use stays') == count)
        assert text in server.log()
        assert presented(server, authority) == pairs[0].serial

    pair.key.write_bytes(pairs[1].key.read_bytes())
    refused(1, 'is not that of')
    pair.certificate.write_text('nothing of the kind\n')
    refused(2, 'holds no certificate in PEM')
    pair.certificate.unlink()
    refused(3, 'cannot read')
    pair.install(pairs[1])
    server.process.send_signal(signal.SIGHUP)
    eventually(lambda: presented(server, authority) == pairs[1].serial)


def wrong_pairs(authority, pairs, directory):
    one, two = pairs
    locked = directory / 'locked.key'
    openssl('ec', '-in', one.key, '-aes128', '-passout', 'pass:secret', '-out', locked)
    text = directory / 'text.pem'
    text.write_text('hello\n')
    return {
        'is not that of': Pair(one.certificate, two.key),
        'cannot read': Pair(directory / 'none.pem', one.key),
        'holds no certificate': Pair(text, one.key),
        'holds no private key': Pair(one.certificate, text),
        'has a passphrase': Pair(one.certificate, locked),
    }


def test_a_start_with_a_wrong_pair_is_refused_and_a_check_says_so(authority, pairs, tmp_path):
    for text, pair in wrong_pairs(authority, pairs, tmp_path).items():
        with pytest.raises(NotStarted) as refused:
            Server(tmp_path / 'refused', pair.options).start()
        assert refused.value.status == 2 and text in refused.value.log
        assert not (tmp_path / 'refused' / 'qms.db').exists()
        check = subprocess.run([BINARY, 'serve', '--check', *pair.options], capture_output=True,
                               text=True, env=environment(), cwd=tmp_path)
        assert check.returncode == 2 and text in check.stdout


def test_half_a_pair_is_refused(pairs, tmp_path):
    for options in (pairs[0].options[:2], pairs[0].options[2:]):
        with pytest.raises(NotStarted, match='belong together'):
            Server(tmp_path / 'half', options).start()


def test_a_key_that_everybody_can_read_is_told_of(changing, tmp_path):
    server, pair = changing
    assert 'can read the key' not in server.log()
    pair.key.chmod(0o644)
    server.process.send_signal(signal.SIGHUP)
    eventually(lambda: f'can read the key in {pair.key}' in server.log())
    check = subprocess.run([BINARY, 'serve', '--check', *pair.options], capture_output=True,
                           text=True, env=environment(), cwd=tmp_path)
    assert check.returncode == 0 and 'can read the key' in check.stdout


# ---- the command line ----

def test_clients_take_the_certificate_they_are_to_trust(shared, tmp_path, authority):
    command = ('user', 'ada')
    refused = shared.run(*command)
    assert refused.returncode == 6 and b'--cacert names others' in refused.stderr
    assert shared.run(*command, '--cacert', str(shared.trust)).returncode == 0
    assert shared.run(*command, env={'QMS_CACERT': str(shared.trust)}).returncode == 0
    other = Authority(tmp_path / 'other')
    assert shared.run(*command, '--cacert', str(other.trust)).returncode == 6
    none = shared.run(*command, '--cacert', str(tmp_path / 'none.pem'))
    assert none.returncode == 2 and b'none.pem: No such file or directory' in none.stderr


def test_a_server_without_tls_is_told_from_one_that_is_not_there(start_server):
    plain = start_server()
    done = subprocess.run([BINARY, 'user', 'ada', '--url', plain.url.replace('http:', 'https:')],
                          capture_output=True, env=environment(), timeout=WAIT_SECONDS_MAX)
    assert done.returncode == 6 and b'does not speak TLS' in done.stderr
