"""Who may do what: keys and their rights over every route, and what those without one see."""

import json
import re
import subprocess
import time
import urllib.parse

import pytest

from api_keys import ADMINISTRATOR, GUEST, REPORTER, add_user, keyed, new_key
from certificates import Authority
from qms_description import OPERATIONS, example_request
from raw_http import Connection
from server import BINARY, NotStarted, Server, environment
from waits import WAIT_SECONDS_MAX

RIGHTS = ['read', 'report', 'administer']
FAILURES_MAX = 10  # of an address in a minute; what comes on top is slowed down


@pytest.fixture(scope='module')
def shared(tmp_path_factory):
    """A server that wants keys, with one for each right; no test of these may fail often, for the
    failures of one address count together."""
    server, keys = keyed(lambda *args: Server(tmp_path_factory.mktemp('keys'), args).start())
    server.keys = keys
    yield server
    assert server.running()
    server.stop()
    assert 'runtime error:' not in server.log() and 'Sanitizer' not in server.log()


@pytest.fixture
def own(start_server):
    server, server.keys = keyed(start_server)
    return server


def header(key):
    return {'MC-Api-Key': key}


def wanted(operation):
    """The right that the document says an operation wants; None: it is open."""
    if not operation['security']:
        return None
    rights = {right for each in operation['security'] for names in each.values()
              for right in names}
    right, = rights
    return right


def names(operations):
    return [each[2]['operationId'] for each in operations]


# ---- every route ----

@pytest.mark.parametrize(('method', 'path', 'operation'), OPERATIONS, ids=names(OPERATIONS))
@pytest.mark.parametrize('right', RIGHTS)
def test_a_key_may_what_its_right_includes(shared, right, method, path, operation):
    target, query, body = example_request(path, operation)
    answer = shared.http.request(method, target, params=query, json=body,
                                 headers=header(shared.keys[right]))
    may = wanted(operation) is None or RIGHTS.index(right) >= RIGHTS.index(wanted(operation))
    if may:
        assert answer.status_code in (200, 400, 404, 409), answer.text
    else:
        assert answer.status_code == 403, answer.text
        assert 'this key may not' in answer.text


def test_no_route_but_the_open_ones_answers_without_a_key(own):
    """In one test with a server of its own: so many failures are slowed down, on fresh connections
    each, which go on side by side."""
    guarded = [each for each in OPERATIONS if wanted(each[2]) is not None]
    connections = []
    for headers in ({}, header(new_key())):
        for method, path, operation in guarded:
            target, query, body = example_request(path, operation)
            if query:
                target += '?' + urllib.parse.urlencode(query)
            connection = own.connect()
            connection.request(method.upper(), target,
                               json.dumps(body).encode() if body is not None else b'',
                               list(headers.items()))
            connections.append(connection)
    for connection in connections:
        answer = connection.answer()
        assert answer.status == 401
        assert answer.header('WWW-Authenticate').startswith('Bearer')
        connection.close()
    for method, path, operation in OPERATIONS:
        if wanted(operation) is None:
            assert own.http.request(method, path).status_code == 200
    assert own.stored().everything()['updates'] == []


def test_only_what_tells_nothing_is_open():
    assert {path for _, path, operation in OPERATIONS if wanted(operation) is None} == {
        '/', '/v1', '/healthz', '/readyz', '/openapi.yaml', '/cloudmc.yaml', '/docs'}


# ---- refusals ----

@pytest.mark.parametrize(('target', 'media', 'words'), [
    ('/users/ada/usages', 'application/json',
     lambda body: json.loads(body)['message']),
    ('/v1/usages/ada', 'application/json', lambda body: json.loads(body)['message']),
    ('/v2/overages', 'application/problem+json', lambda body: json.loads(body)['detail']),
    ('/api/v2/organizations', 'application/json',
     lambda body: json.loads(body)['errors'][0]['message'])])
def test_a_refusal_speaks_like_its_tree(own, target, media, words):
    nobody = own.get(target)
    assert nobody.status_code == 401
    assert nobody.headers['Content-Type'] == media
    assert 'authentication is required' in words(nobody.content)
    key = new_key()
    unknown = own.get(target, headers=header(key))
    assert unknown.status_code == 401
    assert 'credentials are invalid' in words(unknown.content)
    assert key not in unknown.text and key not in own.log()


def test_a_key_comes_in_either_header(shared):
    key = shared.keys['read']
    for headers in ([('MC-Api-Key', key)], [('mc-api-key', key)],
                    [('Authorization', f'Bearer {key}')], [('authorization', f'bearer  {key}')],
                    [('Mc-Api-Key', key), ('Authorization', f'Bearer {key}')]):
        with shared.connect() as connection:
            assert connection.ask('GET', '/plans', headers=headers).status == 200, headers


def test_what_is_not_one_key_is_none(own):
    key, other = own.keys['read'], own.keys['administer']
    wrong = [[('Authorization', f'Basic {key}')], [('Authorization', key)],
             [('Authorization', 'Bearer')], [('MC-Api-Key', '')], [('MC-Api-Key', key[:-1])],
             [('MC-Api-Key', key), ('MC-Api-Key', other)],
             [('MC-Api-Key', key), ('Authorization', f'Bearer {other}')],
             [('MC-Api-Key', key.upper())], [('MC-Api-Key', 'x' * 8000)]]
    assert len(wrong) < FAILURES_MAX
    with own.connect() as connection:
        for headers in wrong:
            assert connection.ask('GET', '/plans', headers=headers).status == 401, headers
        assert connection.ask('GET', '/plans', headers=[('MC-Api-Key', key)]).status == 200


def test_a_key_ends_with_its_user_and_when_it_is_revoked(own):
    disabled = (own.stop(), add_user(own, 'gone', ADMINISTRATOR, disabled=True))[1]
    own.start()
    assert own.get('/plans', headers=header(disabled)).status_code == 401
    assert own.get('/plans', headers=header(own.keys['report'])).status_code == 200
    own.stop()
    own.stored().execute('UPDATE api_keys SET deleted = ? WHERE name = ?', True, 'key of reporter')
    own.start()
    assert own.get('/plans', headers=header(own.keys['report'])).status_code == 401
    assert own.get('/plans', headers=header(own.keys['read'])).status_code == 200


def test_who_has_no_key_is_told_so_before_a_large_body(own):
    with own.connect() as connection:
        connection.send(b'POST /v2/usages HTTP/1.1\r\nHost: localhost\r\n'
                        b'Content-Type: application/json\r\nContent-Length: 16000000\r\n\r\n')
        answer = connection.answer()
        assert (answer.status, answer.header('Connection')) == (401, 'close')


def test_each_request_of_a_connection_stands_for_itself(own):
    keys = [own.keys['read'], new_key(), own.keys['administer'], '', own.keys['read']]
    with own.connect() as connection:
        connection.send(b''.join(
            f'GET /plans HTTP/1.1\r\nHost: localhost\r\nMC-Api-Key: {key}\r\n\r\n'.encode()
            for key in keys))
        assert [connection.answer().status for _ in keys] == [200, 401, 200, 401, 200]


def test_an_unknown_route_is_unknown_to_everybody(shared):
    assert shared.get('/nowhere').status_code == 404
    assert shared.http.delete('/plans').status_code == 405


def test_without_authentication_keys_are_looked_at_by_cloudmc_only(own):
    own.stop()
    own.args.remove('--auth')
    own.start()
    for headers in ({}, header(new_key()), {'Authorization': 'Basic x'}):
        assert own.get('/plans', headers=headers).status_code == 200
        assert own.get('/api/v2/organizations', headers=headers).status_code == 401
    assert own.get('/api/v2/organizations',
                   headers=header(own.keys['administer'])).status_code == 200


# ---- too many failures ----

def metric(server, name):
    text = server.get('/metrics', headers=header(server.keys['read'])).text
    return int(re.search(rf'^{name} (\d+)$', text, re.MULTILINE)[1])


def failures_logged(server):
    lines = [json.loads(line) for line in server.log().splitlines() if 'authentication' in line]
    return [line for line in lines if line['message'].startswith('authentication failed')]


def test_an_address_that_fails_often_is_slowed_down_and_good_keys_are_not(own):
    bad = header(new_key())
    with own.connect() as connection:
        for _ in range(FAILURES_MAX):
            assert connection.ask('GET', '/plans', headers=list(bad.items())).status == 401
        began = time.monotonic()
        connection.request('GET', '/plans', headers=list(bad.items()))
        for _ in range(20):  # while that one waits
            assert own.get('/plans', headers=header(own.keys['read'])).status_code == 200
        answer = connection.answer()
        assert (answer.status, answer.header('Connection')) == (401, 'close')
        assert time.monotonic() - began > 0.7
        assert connection.at_end()
    for _ in range(2):
        assert own.get('/plans').status_code == 401
    assert metric(own, 'qms_auth_failures_total') == FAILURES_MAX + 3
    logged = failures_logged(own)
    assert [line['count'] for line in logged] == list(range(1, FAILURES_MAX + 2))
    assert {line['address'] for line in logged} == {'127.0.0.1'}
    assert {line['reason'] for line in logged} == {'an unknown key'}
    assert bad['MC-Api-Key'] not in own.log()


def test_a_slowed_down_client_may_leave_and_the_server_may_stop(own):
    waiting = []
    for _ in range(FAILURES_MAX + 30):
        connection = own.connect()
        connection.request('GET', '/plans')
        waiting.append(connection)
    for connection in waiting[::2]:
        connection.close()
    assert own.get('/plans', headers=header(own.keys['read'])).status_code == 200
    own.stop()
    own.start()


# ---- what a request leaves behind ----

def used(server, name):
    row, = server.stored().rows('SELECT used_at, used_address FROM api_keys WHERE name = ?',
                              f'key of {name}')
    return row['used_at'], row['used_address']


def test_the_last_use_of_a_key_is_recorded_once_a_minute(start_server, clock):
    server, keys = keyed(start_server, clock=clock)

    def ask_until_used(changed):
        deadline = time.monotonic() + WAIT_SECONDS_MAX
        while True:
            for _ in range(10):
                assert server.get('/plans', headers=header(keys['read'])).status_code == 200
            if changed(used(server, 'reader')) or time.monotonic() > deadline:
                return used(server, 'reader')

    first = ask_until_used(lambda row: row[0] != 0)
    assert first[0] > 0 and first[1] == '127.0.0.1'
    clock.set('2026-08-12 10:00:59')
    server.get('/plans', headers=header(keys['read']))
    clock.set('2026-08-12 10:01:01')
    second = ask_until_used(lambda row: row[0] != first[0])
    assert second[0] - first[0] == 61_000_000  # and never 59
    assert used(server, 'administrator') == (0, '')


def test_the_audit_trail_says_who(own):
    body = {'resource_name': 'cpu.hours', 'update_type': 'ADD', 'usage_value': 1}
    assert own.put('/users/ada/usages', body,
                   headers=header(own.keys['report'])).status_code == 200
    trail = own.get('/users/ada/updates', headers=header(own.keys['read'])).text
    assert 'by reporter' in trail


def test_the_key_of_a_request_belongs_to_whoever_asks(own):
    body = {'resource_name': 'cpu.hours', 'update_type': 'ADD', 'usage_value': 1}

    def add(right):
        answer = own.put('/users/ada/usages', body,
                         headers={**header(own.keys[right]), 'Idempotency-Key': 'same'})
        assert answer.status_code == 200, answer.text

    for right in ('report', 'report', 'administer', 'report', 'administer'):
        add(right)
    assert own.stored().usage('ada') == 2
    own.restart()
    add('report')
    assert own.stored().usage('ada') == 2


# ---- where it listens, and under which names ----

@pytest.fixture(scope='module')
def pair(tmp_path_factory):
    authority = Authority(tmp_path_factory.mktemp('authority'))
    return authority, authority.issue('server')


BEYOND = ['--listen', '0.0.0.0:0']


@pytest.mark.parametrize(('options', 'text'), [
    ([], 'requests are not authenticated'),
    (['--auth'], 'clear text'),
    (['--auth', '--insecure-no-auth'], 'exclude each other'),
    (['--insecure-no-tls'], 'requests are not authenticated')])
def test_beyond_loopback_keys_and_tls_are_wanted(tmp_path, options, text):
    with pytest.raises(NotStarted) as refused:
        Server(tmp_path / 'refused', BEYOND + options).start()
    assert refused.value.status == 2 and text in refused.value.log


def test_beyond_loopback_needs_no_other_word_with_tls(start_server, pair):
    server, keys = keyed(start_server, *BEYOND, '--auth', '--insecure-no-tls')
    assert server.connect().ask('GET', '/plans', headers=[('MC-Api-Key', keys['read'])]
                                ).status == 200
    assert 'not authenticated' not in server.log()
    authority, issued = pair
    server.stop()
    server.args = [*BEYOND, '--auth', *issued.options]
    server.trust = authority.trust
    server.start()
    connection = server.connect()
    assert connection.ask('GET', '/plans', headers=[('MC-Api-Key', keys['read'])]).status == 200
    assert connection.ask('GET', '/plans').status == 401
    connection.close()


def test_with_keys_any_name_will_do_but_no_foreign_page(shared):
    key = shared.keys['read']

    def ask(host, origin=None):
        with shared.connect() as connection:
            extra = f'Origin: {origin}\r\n' if origin else ''
            connection.send(f'GET /plans HTTP/1.1\r\nHost: {host}\r\n{extra}'
                            f'MC-Api-Key: {key}\r\n\r\n'.encode())
            return connection.answer().status

    assert ask('qms.example.org') == 200
    assert ask('qms.example.org', 'https://qms.example.org') == 200
    assert ask('qms.example.org', 'https://evil.example') == 403
    assert ask('localhost', 'http://evil.example') == 403


# ---- the command line ----

def test_commands_send_the_key_they_are_given(own, tmp_path):
    good, bad = tmp_path / 'good', tmp_path / 'bad'
    good.write_text(own.keys['report'] + '\n')
    bad.write_text(new_key())
    for command in (['user', 'ada'], ['plan', 'list', '--url', own.url]):
        without = own.run(*command)
        assert without.returncode == 3 and without.stderr.endswith(
            b' 401: authentication is required; QMS_API_KEY or --api-key-file gives a key\n')
    assert own.run('user', 'ada', '--api-key-file', str(good)).returncode == 0
    assert own.run('user', 'ada', env={'QMS_API_KEY_FILE': str(good)}).returncode == 0
    assert own.run('user', 'ada', env={'QMS_API_KEY': own.keys['read']}).returncode == 0
    refused = own.run('user', 'ada', '--api-key-file', str(bad),
                      env={'QMS_API_KEY': own.keys['read']})
    assert refused.returncode == 3 and b'credentials are invalid' in refused.stderr
    log = tmp_path / 'jobs.swf'
    log.write_text('; Computer: toy\n1 0 0 3600 1 -1 -1 1 -1 -1 1 7 -1 -1 -1 -1 -1 -1\n')
    assert own.run('ingest', str(log), '--source', 'toy').returncode != 0
    done = own.run('ingest', str(log), '--source', 'toy', '--api-key-file', str(good))
    assert done.returncode == 0, done.stderr
    url = ['--url', own.url]
    environment_of = {'QMS_API_KEY': own.keys['administer']}
    assert own.run('plan', 'add', 'Team', *url, env=environment_of).returncode == 0
    forbidden = own.run('plan', 'add', 'More', *url, env={'QMS_API_KEY': own.keys['report']})
    assert forbidden.returncode == 3 and b'may not administer' in forbidden.stderr


@pytest.mark.parametrize('octets', [b'', b'\n', b'a key\n', b'key\r\nX-Other: 1', b'\xff',
                                    b'x' * 600, b'a\x00b'])
def test_a_file_without_a_key_is_refused(tmp_path, octets):
    (tmp_path / 'key').write_bytes(octets)
    done = subprocess.run([BINARY, 'user', 'ada', '--url', 'http://127.0.0.1:1', '--api-key-file',
                           'key'], capture_output=True, env=environment(), cwd=tmp_path)
    assert done.returncode == 2
    assert b'holds no API key' in done.stderr


def test_no_option_takes_a_key(tmp_path):
    done = subprocess.run([BINARY, 'user', 'ada', '--api-key', 'secret'], capture_output=True,
                          env=environment(), cwd=tmp_path)
    assert done.returncode == 2
