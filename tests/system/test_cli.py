"""The command line: for people at a terminal, and for scripts that read exit codes and JSON."""

import fcntl
import json
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time

import pytest

from server import BINARY, environment
from waits import WAIT_SECONDS_MAX

ESCAPE = b'\x1b['
LOG = '; Computer: Test\n; UnixStartTime: 1\n' + ''.join(
    f'{n} {n} -1 3600 1 -1 -1 -1 -1 -1 1 {n % 7} 1 -1 -1 -1 -1 -1\n' for n in range(1, 20001))


def qms(*args, **options):
    env = environment(**options.pop('env', {}))
    return subprocess.run([str(BINARY), *args], capture_output=True, timeout=WAIT_SECONDS_MAX,
                          env=env,
                          stdin=subprocess.DEVNULL, **options)


def at_terminal(*args, env=None, columns=100):
    """Runs qms with a terminal; returns (exit status, what it wrote)."""
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack('HHHH', 40, columns, 0, 0))
    process = subprocess.Popen([str(BINARY), *args], stdin=follower, stdout=follower,
                               stderr=follower,
                               env=environment(**{'TERM': 'xterm-256color', **(env or {})}))
    os.close(follower)
    octets, deadline = b'', time.monotonic() + WAIT_SECONDS_MAX
    while time.monotonic() < deadline:
        if select.select([leader], [], [], 0.2)[0]:
            try:
                some = os.read(leader, 65536)
            except OSError:  # the other end is closed
                break
            if not some:
                break
            octets += some
        elif process.poll() is not None:
            break
    os.close(leader)
    return process.wait(WAIT_SECONDS_MAX), octets


def plain(octets):
    return re.sub(rb'\x1b\[[0-9;?]*[a-zA-Z]', b'', octets).decode()


@pytest.fixture(scope='module')
def used(shared):
    """A server where ada is over in cpu.hours, bob far from it, and eve over in both."""
    shared.usage('ada', '250.5')
    shared.usage('bob', '50')
    shared.usage('eve', '200')
    shared.usage('eve', 6 * 2**30, resource='data.size')
    return shared


# -- version, help, and what is not understood ----------------------------------------------------

def test_version_tells_the_version():
    process = qms('version')
    assert process.returncode == 0
    assert re.fullmatch(rb'qms \d+\.\d+\.\d+\n', process.stdout)
    assert process.stderr == b''


def test_help_lists_every_command():
    process = qms('help')
    assert process.returncode == 0 and process.stderr == b''
    for command in ('serve', 'ingest', 'user', 'overages', 'version', 'help'):
        assert re.search(rf'^\s+(qms )?{command}\b', process.stdout.decode(), re.M), command


def test_help_has_the_summaries_below_each_other():
    for words in [['help'], ['help', 'cloud-quota'], ['help', 'usage']]:
        lines = re.findall(r'^(  [a-z-]+(?: [a-z]+)? +)\S', qms(*words).stdout.decode(), re.M)
        assert len({len(line) for line in lines}) == 1 and lines[0].endswith('  '), words


@pytest.mark.parametrize('command, words', [
    ('serve', ['--listen', '127.0.0.1:60000', '--store', '--users-domain', '--insecure-no-auth']),
    ('ingest', ['--source', '--url', '--user-prefix', '--dry-run']),
    ('user', ['--json', '--url']), ('overages', ['--url']), ('version', []), ('help', []),
])
def test_help_of_a_command_names_its_options(command, words):
    process = qms('help', command)
    assert process.returncode == 0 and process.stderr == b''
    assert command in process.stdout.decode()
    for word in words:
        assert word in process.stdout.decode()


@pytest.mark.parametrize('args', [
    [], ['nonsense'], ['help', 'nonsense'], ['user'], ['user', 'ada', 'bob'], ['ingest'],
    ['user', 'ada', '--nonsense'], ['user', ''], ['overages', 'x'], ['user', 'ada', '--url'],
    ['user', 'ada', '--url', 'nowhere'], ['ingest', '--source'],
], ids=lambda args: ' '.join(args) or 'nothing')
def test_what_is_not_understood_is_exit_code_2_and_said_on_standard_error(args):
    process = qms(*args)
    assert process.returncode == 2
    assert process.stdout == b''
    assert process.stderr.startswith(b'qms') or b'usage' in process.stderr.lower()


# -- qms user --------------------------------------------------------------------------------------

def test_user_shows_the_summary_as_a_table_with_bars(used):
    process = used.run('user', 'ada')
    assert process.returncode == 0, process.stderr
    text = process.stdout.decode()
    for word in ('ada', 'Basic', 'cpu.hours', '250.5', '200', 'data.size'):
        assert word in text, word
    assert ESCAPE not in process.stdout and process.stderr == b''
    assert all(len(line) <= 100 for line in text.splitlines())


def test_a_subscription_without_end_is_shown_so(server):
    server.usage('ada', '1')
    start = server.get('/summary/ada').json()['subscription']['effective_start_date'][:10]
    server.stored().execute('UPDATE subscriptions SET effective_end_date = NULL')
    process = server.run('user', 'ada')
    assert process.stdout.decode().splitlines()[0] == (
        f'ada  plan Basic, not paid, from {start}, without end')


def test_user_as_json_is_the_raw_answer(used):
    process = used.run('user', 'ada', '--json')
    assert process.returncode == 0
    assert process.stdout == used.get('/summary/ada').content
    json.loads(process.stdout)


def test_user_of_a_bad_name_is_exit_code_2(used):
    process = used.run('user', 'a@b')
    assert process.returncode == 2
    assert process.stdout == b'' and b'invalid username' in process.stderr


@pytest.mark.parametrize('name', ['a b', 'ünï', 'per%cent', 'q?x=1', 'a#b', '..'])
def test_user_encodes_the_name_for_the_path(used, name):
    process = used.run('user', name, '--json')
    assert process.returncode == 0, process.stderr
    assert json.loads(process.stdout)['subscription']['user']['username'] == name


def test_user_without_server_is_exit_code_6(start_server, port):
    server = start_server('--listen', f'127.0.0.1:{port}')
    server.stop()
    for args in (['user', 'ada'], ['overages']):
        process = qms(*args, '--url', server.url)
        assert process.returncode == 6
        assert process.stdout == b'' and f'127.0.0.1:{server.port}' in process.stderr.decode()


# -- qms overages ----------------------------------------------------------------------------------

def test_overages_lists_who_is_over_and_by_how_much(used):
    process = used.run('overages')
    assert process.returncode == 0, process.stderr
    rows = [line.split() for line in process.stdout.decode().splitlines()]
    ada = next(row for row in rows if row and row[0] == 'ada')
    assert ada[1] == 'cpu.hours'
    assert {'250.5', '200', '50.5'} <= set(ada)
    assert [row[1] for row in rows if row and row[0] == 'eve'] == ['cpu.hours', 'data.size']
    assert not any(row and row[0] == 'bob' for row in rows)
    assert ESCAPE not in process.stdout and process.stderr == b''


def test_overages_of_nobody_is_an_empty_success(server):
    process = server.run('overages')
    assert process.returncode == 0
    assert process.stderr == b''


def test_overages_shows_more_people_than_a_page_holds(server):
    server.record([{'id': 'x', 'username': f'user{n}', 'resource_name': 'cpu.hours',
                    'update_type': 'ADD', 'usage_value': 200 + n} for n in range(2500)])
    process = server.run('overages')
    assert process.returncode == 0
    listed = re.findall(r'\buser\d+\b', process.stdout.decode())
    assert len(listed) == len(set(listed)) == 2500


def test_a_reader_that_has_seen_enough_ends_it_quietly(server):
    server.record([{'id': 'x', 'username': f'user{n}', 'resource_name': 'cpu.hours',
                    'update_type': 'ADD', 'usage_value': 200 + n} for n in range(5000)])
    shell = f'"{BINARY}" overages --url {server.url} | head -n 2 >/dev/null'
    process = subprocess.run(['sh', '-c', shell], capture_output=True, env=environment(),
                             timeout=WAIT_SECONDS_MAX)
    assert process.stderr == b''


# -- terminals -------------------------------------------------------------------------------------

def test_a_terminal_gets_colour(used):
    status, octets = at_terminal('user', 'ada', '--url', used.url)
    assert status == 0 and ESCAPE in octets
    assert 'cpu.hours' in plain(octets)
    status, octets = at_terminal('overages', '--url', used.url)
    assert status == 0 and ESCAPE in octets


@pytest.mark.parametrize('env', [{'NO_COLOR': '1'}, {'TERM': 'dumb'}], ids=str)
def test_no_colour_for_those_who_ask_for_none(used, env):
    for args in (['user', 'ada'], ['overages']):
        status, octets = at_terminal(*args, '--url', used.url, env=env)
        assert status == 0 and b'\x1b[3' not in octets and b'\x1b[1m' not in octets
        assert 'ada' in octets.decode()


def test_json_has_no_colour_at_a_terminal_either(used):
    status, octets = at_terminal('user', 'ada', '--json', '--url', used.url)
    assert status == 0 and ESCAPE not in octets


def test_an_ingest_at_a_terminal_shows_its_progress(server, tmp_path):
    log = tmp_path / 'log.swf'
    log.write_text(LOG)
    status, octets = at_terminal('ingest', str(log), '--url', server.url)
    assert status == 0, octets
    assert b'\r' in octets.replace(b'\r\n', b'\n'), 'no progress bar was redrawn'
    assert re.search(r'100 ?%|20,?000', plain(octets))


@pytest.mark.parametrize('columns', [20, 45, 60, 200])
def test_a_line_of_progress_fits_the_terminal(server, tmp_path, columns):
    (tmp_path / 'log.swf').write_text(LOG)
    status, octets = at_terminal('ingest', str(tmp_path / 'log.swf'), '--url', server.url,
                                 columns=columns)
    assert status == 0
    lines = re.findall(r'(?:^|\r\x1b\[K)([^\r\n]+)(?=\r\x1b\[K)', octets.decode())
    assert lines
    for line in lines:
        assert len(re.sub(r'\x1b\[[0-9;]*m', '', line)) < columns


def test_an_ingest_into_a_file_shows_no_progress_and_no_escape(server, tmp_path):
    log = tmp_path / 'log.swf'
    log.write_text(LOG)
    process = server.run('ingest', str(log))
    assert process.returncode == 0
    for octets in (process.stdout, process.stderr):
        assert ESCAPE not in octets and b'\r' not in octets


def test_control_characters_of_a_name_never_reach_the_terminal(server, tmp_path):
    server.get('/summary/plain')
    server.usage('plain', 300)
    server.stored().execute('UPDATE users SET username = ?', 'x\x1b[31mred')
    process = server.run('overages')
    assert ESCAPE not in process.stdout
