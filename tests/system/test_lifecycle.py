"""Starting, refusing to start, being watched, and stopping."""

import json
import os
import re
import signal
import sqlite3
import subprocess
import threading
import time

import pytest

from raw_http import Closed
from server import BINARY, NotStarted, Server, environment, has_ipv6_loopback
from stored import microseconds
from stores import File
from waits import WAIT_SECONDS_MAX

ITEM = {'username': 'ada', 'resource_name': 'cpu.hours', 'update_type': 'ADD', 'usage_value': 1}


file_only = pytest.mark.sqlite_only('a file belongs to one server, and can be damaged')


def refusal(server):
    """Starts a server that must not become ready; returns what it said on standard error."""
    with pytest.raises(NotStarted) as refused:
        server.start()
    assert refused.value.status not in (0, None) and refused.value.status > 0
    assert refused.value.output == ''
    assert refused.value.log.strip()
    return refused.value.log


# -- starting ------------------------------------------------------------------------------------

def test_the_ready_line_is_the_whole_of_standard_output(start_server):
    servers = [start_server(name='one'), start_server(name='two')]
    for server in servers:
        assert server.output() == f'qms listening on http://127.0.0.1:{server.port}\n'
    assert servers[0].port != servers[1].port
    assert all(server.port for server in servers)


def test_a_start_makes_the_store_with_every_seeded_row(server):
    stored = server.stored()
    assert {table: stored.count(table) for table in (
        'plans', 'plan_rates', 'resource_types', 'plan_quota_defaults', 'update_operations',
        'addons', 'addon_rates', 'users', 'subscriptions', 'quotas', 'usages', 'updates',
        'subscription_addons')} == {
        'plans': 4, 'plan_rates': 4, 'resource_types': 2, 'plan_quota_defaults': 8,
        'update_operations': 2, 'addons': 2, 'addon_rates': 2, 'users': 0, 'subscriptions': 0,
        'quotas': 0, 'usages': 0, 'updates': 0, 'subscription_addons': 0}
    stored.assert_sound()


def test_a_restart_finds_everything_as_it_was(server):
    server.usage('ada', '12.5')
    server.record([{'id': 'a', **ITEM}])
    before, summary = server.stored().everything(), server.get('/summary/ada').text
    server.restart()
    assert server.get('/summary/ada').text == summary
    assert server.stored().everything() == before


def test_the_ipv6_loopback_is_listened_on_where_there_is_one(tmp_path):
    server = Server(tmp_path / 'six', ['--listen', '[::1]:0'])
    if not has_ipv6_loopback():
        assert '[::1]' in refusal(server)
        return
    server.start()
    assert server.url == f'http://[::1]:{server.port}'
    assert server.get('/healthz').status_code == 200
    server.stop()


@pytest.mark.parametrize('args', [
    ['serve', '--no-such-option'], ['serve', '--listen', 'nowhere'],
    ['serve', '--listen', '127.0.0.1:99999'], ['serve', '--listen', '127.0.0.1:-1'],
    ['serve', 'extra'], ['serve', '--store'],
], ids=lambda args: ' '.join(args))
def test_a_command_line_that_makes_no_sense_is_refused(tmp_path, args):
    process = subprocess.run([str(BINARY), *args], capture_output=True, timeout=WAIT_SECONDS_MAX,
                             env=environment(), cwd=tmp_path)
    assert process.returncode == 2
    assert process.stdout == b'' and process.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize('args, words', [
    (['--store', 'mysql:x'], 'unknown kind of store "mysql"'),
    (['--store', 'mysql://qms:secret@x/qms'], 'unknown kind of store "mysql"'),
    (['--store', ''], 'unknown kind of store ""'),
    (['--store', 'sqlite:'], 'the store names no file'),
    (['--store', 'postgresql://qms:secret@[::1/qms'], 'is not one of PostgreSQL'),
    (['--store', 'postgres://x/qms?secret=1'], 'is not one of PostgreSQL'),
    (['--tls-cert', 'none', '--tls-key', 'none'], 'none'),
], ids=lambda args: ' '.join(args) if isinstance(args, list) else '')
def test_a_setting_that_cannot_be_is_named_also_where_the_port_is_taken(server, tmp_path, args,
                                                                      words):
    for option in (['--check'], ['--listen', f'127.0.0.1:{server.port}']):
        process = subprocess.run([str(BINARY), 'serve', *option, *args], capture_output=True,
                                 timeout=WAIT_SECONDS_MAX, env=environment(), cwd=tmp_path,
                                 text=True)
        said = process.stderr if option[0] == '--listen' else process.stdout
        assert (process.returncode, words in said) == (2, True), said
        assert 'in use' not in said and 'secret' not in process.stderr
        assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == []


# -- refusing to start ---------------------------------------------------------------------------

@file_only
def test_a_second_start_on_the_same_file_is_refused(server, tmp_path):
    server.usage('ada', 1)
    before = server.stored().everything()
    log = refusal(Server(tmp_path / 'second', store=server.store))
    assert 'in use' in log and str(server.store) in log
    assert server.usage('ada', 1).status_code == 200
    assert server.stored().usage('ada') == 2
    assert len(before) == len(server.stored().everything())
    server.restart()
    assert server.stored().usage('ada') == 2


@file_only
def test_a_start_that_cannot_listen_makes_no_database(server, tmp_path):
    second = Server(tmp_path / 'second', ['--listen', f'127.0.0.1:{server.port}'])
    assert f'cannot listen on 127.0.0.1 port {server.port}: Address already in use' \
        in refusal(second)
    assert not os.path.exists(second.store.path)


@pytest.fixture
def used_store(tmp_path):
    """The file of a server that has stopped, with some rows in it."""
    server = Server(tmp_path / 'used').start()
    server.record([{'id': str(n), **ITEM} for n in range(500)])
    server.stop()
    assert sorted(path.name for path in server.directory.glob('qms.db*')) == ['qms.db']
    return server.store.path


def written(path, octets, at=0):
    with open(path, 'r+b') as file:
        file.seek(at)
        file.write(octets)


def run_sql(path, sql):
    connection = sqlite3.connect(path)
    connection.execute(sql)
    connection.commit()
    connection.close()


DAMAGES = {
    'random bytes': lambda path: path.write_bytes(bytes(range(256)) * 64),
    'a text file': lambda path: path.write_text('hello\n'),
    'a header overwritten': lambda path: written(path, b'X' * 16),
    'a file cut in half': lambda path: os.truncate(path, path.stat().st_size // 2),
    'a file cut within a page': lambda path: os.truncate(path, path.stat().st_size - 1000),
    'the schema overwritten': lambda path: written(path, b'\xaa' * 2000, 100),
    'a newer version': lambda path: run_sql(path, 'PRAGMA user_version = 4000'),
    'a missing table': lambda path: run_sql(path, 'DROP TABLE subscription_addons'),
}


@file_only
@pytest.mark.parametrize('damage', DAMAGES)
def test_a_store_that_cannot_be_trusted_is_refused_and_not_altered(used_store, tmp_path, damage):
    DAMAGES[damage](used_store)
    before = used_store.read_bytes()
    log = refusal(Server(tmp_path / 'again', store=used_store))
    assert str(used_store) in log
    assert used_store.read_bytes() == before
    if damage == 'a newer version':
        assert 'newer' in log and '4000' in log


@file_only
@pytest.mark.parametrize('closed', ['>&-', '2>&-', '<&- >&-', '<&- 2>&-'])
def test_what_is_said_to_a_closed_stream_does_not_land_in_the_store(used_store, closed):
    store = File(used_store)
    before = store.stored().everything()
    command = [str(BINARY), 'serve', '--listen', '127.0.0.1:0', '--store', store.url]
    process = subprocess.Popen(['sh', '-c', f'exec "$0" "$@" {closed}', *command],
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, env=environment(), text=True)
    is_silent = '2>&-' not in closed
    assert '127.0.0.1:' in (process.stderr if is_silent else process.stdout).readline()
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=WAIT_SECONDS_MAX)
    assert process.returncode == (1 if is_silent else 0)  # the address was told to nobody
    assert store.stored().everything() == before
    store.stored().assert_sound()


@file_only
@pytest.mark.parametrize('sql', ['CREATE TABLE notes (x)', 'CREATE TABLE users (id, name)'])
def test_a_database_of_another_program_is_refused_and_not_altered(tmp_path, sql):
    path = tmp_path / 'notes.db'
    run_sql(path, sql)
    before = path.read_bytes()
    log = refusal(Server(tmp_path / 'server', store=path))
    assert str(path) in log
    assert path.read_bytes() == before
    assert sorted(entry.name for entry in tmp_path.glob('notes.db*')) == ['notes.db']


@file_only
def test_a_directory_is_refused(tmp_path):
    assert str(tmp_path) in refusal(Server(tmp_path / 'server', store=tmp_path))


@file_only
@pytest.mark.parametrize('path', ['/proc/qms.db', '/nonexistent/qms.db'])
def test_a_place_that_cannot_be_written_is_refused(tmp_path, path):
    assert path in refusal(Server(tmp_path / 'server', store=path))


class Unprivileged(Server):
    """A server that must heed permissions, also when the tests run as root."""

    def command(self):
        drop = ['setpriv', '--bounding-set=-dac_override,-dac_read_search', '--inh-caps=-all']
        return [*(drop if os.geteuid() == 0 else []), *super().command()]


@file_only
@pytest.mark.parametrize('mode', [0o400, 0o000])
def test_a_file_without_permission_is_refused(used_store, tmp_path, mode):
    before = used_store.read_bytes()
    used_store.chmod(mode)
    assert str(used_store) in refusal(Unprivileged(tmp_path / 'again', store=used_store))
    used_store.chmod(0o600)
    assert used_store.read_bytes() == before


def test_a_port_in_use_is_refused(server, tmp_path):
    log = refusal(Server(tmp_path / 'other', ['--listen', f'127.0.0.1:{server.port}']))
    assert str(server.port) in log


@pytest.mark.parametrize('address', ['0.0.0.0:0', '[::]:0'])
def test_listening_beyond_loopback_needs_the_word_for_it(tmp_path, address):
    log = refusal(Server(tmp_path / 'open', ['--listen', address]))
    assert '--insecure-no-auth' in log
    assert not (tmp_path / 'open' / 'qms.db').exists()


def test_listening_beyond_loopback_with_the_word_for_it(start_server):
    server = start_server('--listen', '0.0.0.0:0', '--insecure-no-auth')
    assert server.url == f'http://0.0.0.0:{server.port}'
    with server.connect() as connection:
        assert connection.ask('GET', '/healthz').status == 200


def test_beyond_loopback_only_the_names_that_were_given_are_served(start_server):
    unnamed = start_server('--listen', '0.0.0.0:0', '--insecure-no-auth', name='unnamed')
    assert status(unnamed) == 200
    assert status(unnamed, 'qms.example') == 403
    server = start_server('--listen', '0.0.0.0:0', '--insecure-no-auth', '--host', 'qms.example')
    assert status(server) == status(server, 'qms.example') == 200
    assert status(server, 'evil.example') == 403
    assert status(server, 'qms.example', 'http://evil.example') == 403


# -- who may ask ---------------------------------------------------------------------------------

def status(server, host=None, origin=None):
    with server.connect() as connection:
        head = [b'GET /users/ada/usages HTTP/1.1', b'Host: ' + (host or 'localhost').encode()]
        if origin:
            head.append(b'Origin: ' + origin.encode())
        connection.send(b'\r\n'.join(head) + b'\r\n\r\n')
        return connection.answer().status


def test_a_foreign_host_or_origin_is_forbidden(shared):
    port = shared.port
    allowed = ['localhost', 'LocalHost', f'localhost:{port}', '127.0.0.1', f'127.0.0.1:{port}',
               '[::1]', f'[::1]:{port}']
    assert {host: status(shared, host) for host in allowed} == dict.fromkeys(allowed, 200)
    foreign = ['example.org', f'example.org:{port}', 'localhost.example.org', '127.0.0.1.nip.io',
               '10.0.0.1', 'xlocalhost']
    assert {host: status(shared, host) for host in foreign} == dict.fromkeys(foreign, 403)
    assert status(shared, origin=f'http://localhost:{port}') == 200
    assert status(shared, origin=f'http://127.0.0.1:{port}') == 200
    foreign = ['http://example.org', 'null', 'https://localhost.example.org', 'http://10.0.0.1']
    assert {origin: status(shared, origin=origin) for origin in foreign} == dict.fromkeys(foreign,
                                                                                        403)


def test_a_forbidden_change_changes_nothing(shared):
    before = shared.stored().everything()
    body = json.dumps([{'id': 'x', **ITEM}]).encode()
    with shared.connect() as connection:
        answer = connection.ask('POST', '/v2/usages', body, [('Origin', 'http://example.org')])
    assert answer.status == 403
    assert answer.header('Content-Type') == 'application/problem+json'
    assert shared.stored().everything() == before


def test_a_host_named_at_start_is_allowed(start_server):
    server = start_server('--host', 'qms.example.org')
    assert status(server, 'qms.example.org') == 200
    assert status(server, f'qms.example.org:{server.port}') == 200
    assert status(server, 'other.example.org') == 403
    assert status(server, 'localhost') == 200


# -- names with a domain ---------------------------------------------------------------------------

def test_without_a_users_domain_nothing_is_stripped(shared):
    assert shared.get('/summary/ada%40example.org').status_code == 400
    assert shared.get('/summary/ada@example.org').status_code == 400


@pytest.mark.parametrize('domain', ['example.org', '@example.org', '@example.org@'])
def test_the_users_domain_is_stripped_once_from_the_end(start_server, domain):
    server = start_server('--users-domain', domain)

    def name(given):
        answer = server.get(f'/summary/{given}')
        return answer.json()['subscription']['user']['username'] if answer.is_success else \
            answer.status_code

    assert name('ada') == name('ada@example.org') == name('ada%40example.org') == 'ada'
    for foreign in ['ada@example.com', 'ada@example.org@example.org', '@example.org', 'ada@',
                    'ada@EXAMPLE.ORG', 'a@b@example.org', 'ada@sub.example.org']:
        assert name(foreign) == 400, foreign
    assert server.usage('ada@example.org', 1).json()['usage']['usage'] == 1
    assert server.update('ada@example.org', 1).json()['update']['user']['username'] == 'ada'
    (result,) = server.record([{'id': 'a', **ITEM, 'username': 'ada@example.org'}])
    assert result['status'] == 'applied'
    assert server.stored().usage('ada') == 3
    assert server.stored().count('users') == 1


# -- being watched ---------------------------------------------------------------------------------

def test_a_server_is_healthy_and_ready(shared):
    for path in ('/healthz', '/readyz'):
        assert shared.get(path).status_code == 200


def readiness(server, status):
    """Waits for the status, since an idle server looks at its store now and then; the body."""
    deadline = time.monotonic() + WAIT_SECONDS_MAX
    while (answer := server.get('/readyz')).status_code != status:
        assert time.monotonic() < deadline, answer
        time.sleep(0.05)
    return answer.text


@pytest.mark.parametrize('spoil, mend', [
    (["UPDATE plans SET name = 'Basis' WHERE name = 'Basic'"],
     ["UPDATE plans SET name = 'Basic' WHERE name = 'Basis'"]),
    (['UPDATE plan_rates SET effective_date = ?', microseconds('2339-01-01 00:00:00')],
     ['UPDATE plan_rates SET effective_date = ?', microseconds('2022-01-01 00:00:00')]),
], ids=['missing', 'without an active rate'])
@pytest.mark.parametrize('when', ['running', 'stopped'])
def test_without_its_default_plan_a_server_is_not_ready(start_server, spoil, mend, when):
    server = start_server()
    if when == 'stopped':
        server.stop()
    server.stored().execute(*spoil)
    if when == 'stopped':
        server.start()
    assert server.get('/healthz').status_code == 200
    assert 'Basic' in readiness(server, 503)
    server.stored().execute(*mend)
    readiness(server, 200)
    assert server.get('/summary/ada').status_code == 200


SAMPLE = re.compile(r'([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)\Z')
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|\Z)')


def metrics(server):
    """{(name, ((label, value), ...)): number}, checked line by line against the text format."""
    response = server.get('/metrics')
    assert response.headers['Content-Type'].startswith('text/plain; version=0.0.4')
    assert response.text.endswith('\n')
    samples, types = {}, {}
    for line in response.text.splitlines():
        if line.startswith('# TYPE '):
            _, _, name, kind = line.split(' ')
            assert name not in types and kind in ('counter', 'gauge', 'histogram')
            types[name] = kind
        elif line.startswith('# HELP '):
            assert len(line.split(' ', 3)) == 4
        else:
            match = SAMPLE.match(line)
            assert match, line
            labels = tuple(sorted(LABEL.findall(match[2] or '')))
            assert LABEL.sub('', match[2] or '') == ''
            family = re.sub(r'_(bucket|sum|count)$', '', match[1])
            assert match[1] in types or types.get(family) == 'histogram', line
            assert (match[1], labels) not in samples, line
            samples[match[1], labels] = float(match[3])
    check_histograms(samples, types)
    return samples


def check_histograms(samples, types):
    for family in (name for name, kind in types.items() if kind == 'histogram'):
        series = {}
        for (name, labels), value in samples.items():
            if name == f'{family}_bucket':
                bound = dict(labels)['le']
                rest = tuple(label for label in labels if label[0] != 'le')
                series.setdefault(rest, []).append((float(bound), value))
        for rest, buckets in series.items():
            counts = [count for _, count in sorted(buckets)]
            assert counts == sorted(counts)
            assert max(buckets)[0] == float('inf')
            assert max(buckets)[1] == samples[f'{family}_count', rest]
            assert (f'{family}_sum', rest) in samples


def requests_counted(samples):
    """{(operation, code): number} from the counter that has these two labels."""
    return {(dict(labels)['operation'], dict(labels)['code']): int(value)
            for (name, labels), value in samples.items()
            if set(dict(labels)) == {'operation', 'code'} and value}


def test_the_metrics_count_what_was_sent(server):
    before = requests_counted(metrics(server))
    assert before == {}
    for _ in range(3):
        server.get('/summary/ada')
    for _ in range(5):
        server.usage('ada', 1)
    server.usage('ada', -100)
    server.update('ada', 1)
    server.update('a@b', 1)
    server.get('/users/ada/overages')
    server.get('/users/ada/overages/cpu.hours')
    for _ in range(2):
        server.get('/users/ada/usages')
    samples = metrics(server)
    assert requests_counted(samples) == {
        ('summary.get', '200'): 3, ('usages.add', '200'): 5, ('usages.add', '400'): 1,
        ('updates.add', '200'): 1, ('updates.add', '400'): 1, ('overages.list', '200'): 1,
        ('overages.check', '200'): 1, ('usages.list', '200'): 2}
    latencies = {dict(labels)['operation']: value for (name, labels), value in samples.items()
                 if name.endswith('_count') and 'operation' in dict(labels) and value}
    assert latencies['usages.add'] == 6 and latencies['summary.get'] == 3
    assert any('queue_depth' in name for name, _ in samples)
    assert any('commit' in name and value > 0 for (name, _), value in samples.items()
               if name.endswith('_count'))
    assert any('batch' in name and value > 0 for (name, _), value in samples.items()
               if name.endswith('_count'))


def test_the_log_is_json_lines_without_bodies(server):
    server.update('ada', 1, metadata='very-secret-text')
    server.stop()
    lines = server.log().splitlines()
    assert lines
    for line in lines:
        entry = json.loads(line)
        assert {'time', 'level', 'message'} <= set(entry), line
    assert 'very-secret-text' not in server.log()


# -- stopping --------------------------------------------------------------------------------------

def test_what_was_asked_before_sigterm_is_answered(server):
    items = [{'id': str(n), **ITEM} for n in range(10000)]
    with server.connect() as connection:
        connection.request('POST', '/v2/usages', json.dumps(items).encode())
        deadline = time.monotonic() + WAIT_SECONDS_MAX
        while server.stored().count('updates') == 0:
            assert time.monotonic() < deadline
        server.process.send_signal(signal.SIGTERM)
        answer = connection.answer()
        assert answer.status == 200
        assert {row['status'] for row in json.loads(answer.body)['results']} == {'applied'}
        assert connection.at_end()
    assert server.process.wait(WAIT_SECONDS_MAX) == 0
    server.process = None
    assert server.stored().usage('ada') == 10000


def test_at_sigterm_every_acknowledged_change_is_kept_and_no_answer_is_cut(server):
    acknowledged = []

    def client(connection):
        count = 0
        with connection:
            try:
                while True:
                    answer = connection.ask('PUT', '/users/ada/usages', json.dumps(
                        {key: ITEM[key] for key in ITEM if key != 'username'}).encode())
                    assert answer.status == 200, answer
                    count += 1
            except (Closed, OSError):
                assert connection.buffer == b''
        acknowledged.append(count)

    # Connected before any begins: enough may be written, and the stop come, before the last.
    connections = [server.connect() for _ in range(16)]
    threads = [threading.Thread(target=client, args=[each]) for each in connections]
    for thread in threads:
        thread.start()
    while len(server.stored().rows('SELECT 1 FROM updates LIMIT 50')) < 50:
        pass
    server.stop()
    for thread in threads:
        thread.join()
    assert len(acknowledged) == 16
    assert sum(acknowledged) == server.stored().usage('ada')


def test_idle_connections_do_not_hold_up_the_stop(server):
    connections = [server.connect() for _ in range(20)]
    assert connections[0].ask('GET', '/healthz').status == 200
    begun = time.monotonic()
    server.stop()
    assert time.monotonic() - begun < 20  # a stop waits 30 s for requests under way
    assert all(connection.at_end() for connection in connections)


def test_requests_that_never_end_do_not_hold_up_the_stop(server):
    head = (b'PUT /users/ada/usages HTTP/1.1\r\nHost: localhost\r\n'
            b'Content-Type: application/json\r\n')
    connections = [server.connect() for _ in range(4)]
    connections[1].send(head[:9])
    connections[2].send(head + b'Content-Length: 100\r\n\r\n')
    connections[3].send(head + b'Content-Length: 100\r\n\r\n{"usage_value":')
    assert connections[0].ask('GET', '/healthz').status == 200
    begun = time.monotonic()
    server.stop()
    assert time.monotonic() - begun < 20  # a stop waits 30 s for requests under way
    assert all(connection.at_end() for connection in connections)


@file_only
def test_a_stop_leaves_one_file_that_needs_no_recovery(server):
    server.usage('ada', 1)
    server.stop()
    assert [path.name for path in server.directory.glob('qms.db*')] == ['qms.db']
    assert server.stored().usage('ada') == 1


def test_the_interrupt_key_stops_it_as_cleanly(server):
    server.usage('ada', 1)
    server.process.send_signal(signal.SIGINT)
    assert server.process.wait(WAIT_SECONDS_MAX) == 0
    server.process = None
