"""qms apikey: keys made on the machine itself, beside a running server or without one."""

import csv
import io
import json
import re
import subprocess
import time

import pytest

from server import BINARY, environment
from waits import WAIT_SECONDS_MAX

KEY = re.compile(r'^qms_[A-Za-z0-9_-]{43}\n$')


def apikey(server, *words, expect=0):
    done = subprocess.run([BINARY, 'apikey', *words, '--store', server.store.url],
                          capture_output=True, text=True, env=environment(),
                          timeout=WAIT_SECONDS_MAX)
    assert done.returncode == expect, (done.stdout, done.stderr)
    return done


def created(server, *words):
    done = apikey(server, 'create', *words)
    assert KEY.match(done.stdout), done.stdout
    assert 'only time' in done.stderr
    return done.stdout.strip()


def listed(server):
    return json.loads(apikey(server, 'list', '--json').stdout)


def csv_of(server):
    return list(csv.DictReader(io.StringIO(apikey(server, 'list', '--csv').stdout)))


def status(server, key):
    return server.get('/v1/plans', headers={'MC-Api-Key': key}).status_code


def status_becomes(server, key, wanted):
    deadline = time.monotonic() + WAIT_SECONDS_MAX  # it looks about once a second
    while status(server, key) != wanted:
        assert time.monotonic() < deadline, f'never {wanted}'
        time.sleep(0.05)


def test_a_key_made_beside_a_running_server_opens_it_until_it_is_revoked(start_server):
    server = start_server('--auth')
    key = created(server, '--name', 'first')
    status_becomes(server, key, 200)
    row, = listed(server)
    assert [row[name] for name in ('name', 'user', 'organization')] == [
        'first', 'operator', 'System']
    assert apikey(server, 'revoke', row['id']).stdout == ''
    status_becomes(server, key, 401)
    assert listed(server) == []


def test_a_key_made_while_no_server_runs_opens_the_next(start_server):
    server = start_server('--auth')
    server.stop()
    key = created(server)
    server.start()
    assert status(server, key) == 200


def hints(server):
    return [line for line in server.log().splitlines() if 'qms apikey create --store' in line]


def test_the_first_start_says_how_the_first_key_is_made(start_server):
    server = start_server()
    server.stop()  # the log is whole: the hint comes after the line that says it is ready
    hint, = hints(server)
    if server.store.url.startswith('sqlite:'):
        assert server.store.url in hint
    created(server)
    server.start()
    server.stop()
    assert hints(server) == []


@pytest.mark.sqlite_only('it reads the file')
def test_only_the_hash_of_a_key_is_stored(start_server):
    server = start_server()
    key = created(server).encode()
    server.stop()
    assert server.store.stored().rows('SELECT count(*) AS n FROM api_keys') == [{'n': 1}]
    assert key not in server.store.path.read_bytes()


def test_no_key_and_another_user_are_named(start_server):
    server = start_server()
    assert 'no user nobody' in apikey(server, 'create', '--user', 'nobody', expect=4).stderr
    assert 'there is no key' in apikey(server, 'revoke', '5a1e330c-62b4-4d0e-9c4f-71a90b2d7001',
                                       expect=4).stderr
    assert 'qms apikey list' in apikey(server, 'revoke', 'x', expect=2).stderr
    assert listed(server) == []


def test_keys_are_listed_for_people_and_for_programs(start_server):
    server = start_server('--auth')
    assert apikey(server, 'list').stdout == 'There are no API keys.\n'
    key = created(server, '--name', 'a, b')
    row, = listed(server)
    assert 'lastUsed' not in row and 'lastUsedFrom' not in row
    assert csv_of(server) == [{'name': 'a, b', 'user': 'operator', 'organization': 'System',
                               'created': row['created'], 'last used': '', 'from': '',
                               'id': row['id']}]
    table = apikey(server, 'list').stdout.splitlines()
    assert len(table) == 2 and table[1].startswith('a, b  operator  System  ')
    assert table[1].endswith(row['id'])
    assert 'exclude' in apikey(server, 'list', '--json', '--csv', expect=2).stderr
    status_becomes(server, key, 200)


@pytest.mark.sqlite_only('a file that is not there')
def test_a_database_that_is_not_there_is_not_made(start_server, tmp_path):
    server = start_server()
    path = tmp_path / 'other.db'
    done = subprocess.run([BINARY, 'apikey', 'create', '--store', f'sqlite:{path}'],
                          capture_output=True, text=True, env=environment(),
                          timeout=WAIT_SECONDS_MAX)
    assert done.returncode == 4 and 'qms serve or qms migrate makes it' in done.stderr
    assert not path.exists()
    assert listed(server) == []


@pytest.mark.sqlite_only('it reads the table of one row')
def test_what_a_server_finds_its_own_commits_by_is_left_alone(start_server):
    """Else a server whose commit had an unknown outcome would take it for lost."""
    server = start_server()
    assert server.usage('ada', '1').status_code == 200
    before = server.store.stored().rows('SELECT * FROM last_batch')
    created(server)
    assert server.store.stored().rows('SELECT * FROM last_batch') == before
