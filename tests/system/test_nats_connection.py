"""The way to NATS: it may be missing, go away, come back, be one of several, ask who is there."""

import contextlib
import json
import ssl
import subprocess
import threading
import time

import pytest

from nats_credentials import Accounts
from nats_server import (NatsClient, NatsServer, await_metric, await_nats, make_certificate,
                         metric)
from ports import held_port, number_of
from server import BINARY, environment
from waits import WAIT_SECONDS_MAX

UPDATE = {'value_type': 'usages', 'operation': {'name': 'ADD'}, 'value': 1,
          'effective_date': '2026-01-01T00:00:00Z',
          'resource_type': {'name': 'cpu.hours', 'unit': 'cpu hours'}}
QUICK = ('--reconnect-wait', '1')


def await_true(condition, what):
    until = time.monotonic() + WAIT_SECONDS_MAX
    while not condition():
        assert time.monotonic() < until, what
        time.sleep(0.01)


def is_ready(server):
    return server.get('/readyz').status_code == 200


def usage_of(server, user):
    return sum(row['usage'] for row in server.get(f'/users/{user}/usages').json()['usages'])


def updates_of(server, user):
    return len(server.get(f'/users/{user}/updates').json()['updates'])


@pytest.fixture
def nats(tmp_path):
    with NatsServer(tmp_path / 'nats') as server:
        yield server


def test_the_server_starts_without_nats_and_says_so(start_server, nats):
    nats.kill()
    server = start_server('--nats', nats.url, *QUICK)
    answer = server.get('/readyz')
    assert answer.status_code == 503
    assert answer.json()['reason'] == 'not connected to a NATS server'
    assert server.usage('ada', 1).status_code == 200
    assert metric(server, 'qms_nats_connected') == 0
    nats.start()
    await_nats(server)
    assert metric(server, 'qms_nats_connected') == 1
    assert metric(server, 'qms_nats_reconnects_total') == 0
    with NatsClient(nats.url) as client:
        assert client.json('user.usages.get', {'username': 'ada'})['usages'][0]['usage'] == 1


def test_the_connection_comes_back_however_often_it_is_lost(start_server, nats):
    server = await_nats(start_server('--nats', nats.url, *QUICK))
    for times in (1, 2):
        nats.kill()
        await_true(lambda: not is_ready(server), 'readiness does not tell')
        nats.start()
        await_nats(server)
        await_metric(server, 'qms_nats_reconnects_total', times)
        with NatsClient(nats.url) as client:
            assert client.json('plan.list')['error'] is None
    assert 'the connection to NATS is lost' in server.log()
    await_true(lambda: server.log().count('connected to NATS again') == 2, server.log())


def test_a_server_that_stops_while_nats_is_gone_stops_at_once(start_server, nats):
    server = await_nats(start_server('--nats', nats.url, *QUICK))
    nats.kill()
    await_true(lambda: not is_ready(server), 'readiness does not tell')
    began = time.monotonic()
    server.stop()
    assert time.monotonic() - began < 25  # and not as long as requests may take


# -- who is there ---------------------------------------------------------------------------------


def test_a_password_is_used_and_never_logged(start_server, tmp_path):
    config = 'authorization { user: ada, password: verysecret }\n'
    with NatsServer(tmp_path / 'nats', config) as nats:
        url = nats.url.replace('//', '//ada:verysecret@')
        server = await_nats(start_server('--nats', url, '--log-level', 'debug'))
        with NatsClient(url) as client:
            assert client.json('plan.list')['error'] is None
        assert 'verysecret' not in server.log() + server.output()
        wrong = start_server('--nats', url.replace('very', 'un'), *QUICK, name='wrong')
        await_true(lambda: 'cannot connect to NATS' in wrong.log(), wrong.log())
        assert not is_ready(wrong) and 'secret' not in wrong.log()


def test_a_server_that_was_refused_gets_in_later(start_server, tmp_path):
    nats = NatsServer(tmp_path / 'nats', 'authorization { user: ada, password: other }\n')
    with nats:
        server = start_server('--nats', nats.url.replace('//', '//ada:secret@'), *QUICK)
        await_true(lambda: server.log().count('cannot connect to NATS') >= 2, server.log())
        nats.kill()
        nats.config = 'authorization { user: ada, password: secret }\n'
        nats.start()
        await_nats(server)
        nats.kill()  # ... also when it was in already
        nats.config = 'authorization { user: ada, password: other }\n'
        refused = nats.log().count('authentication error')
        nats.start()
        await_true(lambda: nats.log().count('authentication error') > refused + 1, nats.log())
        assert not is_ready(server)
        nats.kill()
        nats.config = ''
        nats.start()
        await_nats(server)
        with NatsClient(nats.url) as client:
            assert client.json('plan.list')['error'] is None


def test_credentials_open_a_server_of_operators_and_accounts(start_server, tmp_path):
    accounts = Accounts()
    file = accounts.write_credentials(tmp_path / 'services.creds')
    with NatsServer(tmp_path / 'nats', accounts.config()) as nats:
        server = await_nats(start_server('--nats', nats.url, '--creds', str(file)))
        with NatsClient(nats.url, **accounts.client_options()) as client:
            assert client.json('plan.list')['error'] is None
        without = start_server('--nats', nats.url, '--creds', str(file), '--no-creds', *QUICK,
                               name='without')
        await_true(lambda: 'cannot connect to NATS' in without.log(), without.log())
        assert 'SU' not in server.log() + without.log()  # what a seed begins with


def test_tls_with_certificates_on_both_sides(start_server, tmp_path):
    ca = make_certificate(tmp_path, 'ca', 'DNS:ca')
    ours = make_certificate(tmp_path, 'server', 'IP:127.0.0.1', ca)
    theirs = make_certificate(tmp_path, 'client', 'DNS:client', ca)
    config = (f'tls {{ cert_file: "{ours[0]}", key_file: "{ours[1]}", ca_file: "{ca[0]}", '
              'verify: true }\n')
    trust = ssl.create_default_context(cafile=str(ca[0]))
    trust.load_cert_chain(*map(str, theirs))
    with NatsServer(tmp_path / 'nats', config) as nats:
        files = ['--tlsca', str(ca[0]), '--tlscert', str(theirs[0]), '--tlskey', str(theirs[1])]
        await_nats(start_server('--nats', nats.url, *files))
        with NatsClient(nats.url, tls=trust) as client:
            assert client.json('plan.list')['error'] is None
        for name, refused in {'nobody': files[:2], 'stranger': ['--tlsca', str(theirs[0])],
                              'plain': ['--no-tls']}.items():
            server = start_server('--nats', nats.url, *refused, *QUICK, name=name)
            await_true(lambda: 'cannot connect to NATS' in server.log(), server.log())
            assert not is_ready(server)


def test_a_server_that_is_called_otherwise_is_not_trusted(start_server, tmp_path):
    ca = make_certificate(tmp_path, 'ca', 'DNS:ca')
    other = make_certificate(tmp_path, 'server', 'DNS:other.example.org', ca)
    config = f'tls {{ cert_file: "{other[0]}", key_file: "{other[1]}" }}\n'
    with NatsServer(tmp_path / 'nats', config) as nats:
        server = start_server('--nats', nats.url, '--tlsca', str(ca[0]), *QUICK)
        await_true(lambda: 'connect' in server.log(), server.log())
        assert 'cannot connect to NATS' in server.log() and not is_ready(server)


def test_a_certificate_needs_its_key(tmp_path):
    cert, _ = make_certificate(tmp_path, 'client', 'DNS:client')
    done = subprocess.run(
        [str(BINARY), 'serve', '--check', '--nats', 'nats://a:1', '--tlscert', cert],
        capture_output=True, text=True, env=environment())
    assert done.returncode == 2
    assert 'nats.tlscert and nats.tlskey belong together' in done.stdout


# -- several --------------------------------------------------------------------------------------


@pytest.fixture
def cluster(tmp_path):
    """Three servers that know each other."""
    with contextlib.ExitStack() as stack:
        ports = [number_of(stack.enter_context(held_port())) for _ in range(3)]
        routes = ', '.join(f'"nats://127.0.0.1:{port}"' for port in ports)
        yield [stack.enter_context(NatsServer(
            tmp_path / f'nats{port}', f'cluster {{ name: test, listen: "127.0.0.1:{port}", '
            f'routes: [{routes}] }}\n')) for port in ports]


def test_a_server_of_a_cluster_may_die(start_server, cluster):
    urls = [server.url for server in cluster]
    qms = await_nats(start_server('--nats', ','.join(urls), *QUICK))
    with NatsClient(urls[2]) as client:
        await_answer(client)
        for dying in cluster[:2]:
            dying.kill()
            await_answer(client)
            dying.start()
        await_nats(qms)


def await_answer(client):
    """Through servers that are still finding each other."""
    until = time.monotonic() + WAIT_SECONDS_MAX
    while True:
        try:
            assert client.json('plan.list', timeout=1)['error'] is None
            return
        except Exception as error:
            if isinstance(error, AssertionError) or time.monotonic() > until:
                raise
            time.sleep(0.05)


def test_several_servers_take_turns(start_server, nats):
    servers = [await_nats(start_server('--nats', nats.url, name=name)) for name in ('one', 'two')]
    with NatsClient(nats.url) as client:
        for _ in range(200):
            client.json('user.overages.check', {'username': 'ada', 'resource_name': 'cpu.hours'})
    name = 'qms_requests_total{operation="overages.check",code="200"}'

    def counts():
        return [metric(server, name) for server in servers]

    await_true(lambda: sum(counts()) == 200, 'not every request is counted')
    assert min(counts()) > 20


def test_another_service_may_be_in_the_queue_group(start_server, nats):
    await_nats(start_server('--nats', nats.url))
    subject = 'cyverse.qms.user.overages.check'
    with NatsClient(nats.url) as client:
        taken = []

        async def take(message):
            taken.append(message)
            await message.respond(b'{}')

        client.wait(client.connection.subscribe(subject, f'{subject}.subscriptions', take))
        client.wait(client.connection.flush())
        answers = [client.send('user.overages.check', b'{"username":"ada"}') for _ in range(100)]
        assert 10 < len(taken) < 90 and answers.count(b'{}') == len(taken)


# -- nothing that was acknowledged is lost --------------------------------------------------------


class Load(threading.Thread):
    """Adds 1 to a usage again and again, each with a key of its own, and counts what was said."""

    def __init__(self, url, user):
        super().__init__()
        self.client, self.user = NatsClient(url), user
        self.acknowledged, self.sent = 0, 0
        self.stopped = threading.Event()

    def run(self):
        while not self.stopped.is_set():
            self.sent += 1
            update = {**UPDATE, 'user': {'username': self.user}}
            try:
                answer = self.client.json('user.updates.add', {'update': update}, timeout=1,
                                          Nats_Msg_Id=f'{self.user}-{self.sent}')
            except Exception:  # nobody answered in time: it may have been done or not
                continue
            assert answer['error'] is None or answer['error']['status_code'] == 503
            self.acknowledged += answer['error'] is None

    def end(self):
        self.stopped.set()
        self.join()
        self.client.close()


def load_while(nats, server, disturb):
    loads = [Load(nats.url, f'user-{number}') for number in range(4)]
    for load in loads:
        load.start()
    for _ in range(3):
        before = [load.acknowledged for load in loads]
        await_true(lambda: all(load.acknowledged > count + 20
                               for load, count in zip(loads, before)), 'the load stands still')
        disturb()
    await_nats(server)
    for load in loads:
        load.end()
    for load in loads:
        # What nobody waited for any longer may still be done.
        await_true(lambda: updates_of(server, load.user) == usage_of(server, load.user),
                   'some updates have not changed the usage')
        assert load.acknowledged <= usage_of(server, load.user) <= load.sent


def test_restarts_of_the_server_lose_no_acknowledged_change(start_server, nats):
    server = await_nats(start_server('--nats', nats.url, *QUICK))
    load_while(nats, server, lambda: await_nats(server.restart()))


def test_sudden_deaths_of_the_server_lose_no_acknowledged_change(start_server, nats):
    server = await_nats(start_server('--nats', nats.url, *QUICK))

    def die():
        server.kill()
        await_nats(server.start())

    load_while(nats, server, die)


def test_restarts_of_nats_lose_no_acknowledged_change(start_server, nats):
    server = await_nats(start_server('--nats', nats.url, *QUICK))

    def restart():
        nats.kill()
        nats.start()
        await_nats(server)

    load_while(nats, server, restart)


def test_a_stop_answers_every_request_that_has_come_in(start_server, nats):
    server = await_nats(start_server('--nats', nats.url, '--nats-in-flight', '4096'))
    outcome = {'done': 0, 'lost': 0}

    async def ask(connection, payload):
        from nats.errors import NoRespondersError
        try:
            answer = await connection.request('cyverse.qms.user.usages.add', payload,
                                              WAIT_SECONDS_MAX)
            outcome['done'] += json.loads(answer.data)['error'] is None
        except NoRespondersError:
            pass  # nobody has taken it
        except Exception:
            outcome['lost'] += 1

    async def burst(connection):
        import asyncio
        payload = json.dumps({'username': 'ada', 'resource_name': 'cpu.hours',
                              'update_type': 'ADD', 'usage_value': 1}).encode()
        await asyncio.gather(*(ask(connection, payload) for _ in range(5000)))

    with NatsClient(nats.url) as client:
        import asyncio
        future = asyncio.run_coroutine_threadsafe(burst(client.connection), client.loop)
        await_true(lambda: outcome['done'] > 100, 'nothing is answered')
        server.stop()
        future.result(240)
    assert outcome['lost'] == 0 and outcome['done'] >= 100
    server.start()
    assert usage_of(server, 'ada') == outcome['done']
