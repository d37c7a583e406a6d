"""`qms ingest`: job logs in Standard Workload Format become usage, each job once, exactly."""

import bz2
import collections
import decimal
import gzip
import lzma
import os
import pathlib
import re
import subprocess
import threading
import time

import pytest

from server import BINARY, REPOSITORY, environment
from waits import WAIT_SECONDS_MAX

JOB_LOG = pathlib.Path(os.environ.get(
    'QMS_JOB_LOG', REPOSITORY.parent / 'shared' / 'data' / 'NASA-iPSC-1993-3.1-cln.swf.gz'))
ALL_HOURS = decimal.Decimal('131732.7819444444443404732')
USER_4_HOURS = decimal.Decimal('47647.3322222222221265299')

HEAD = '; Version: 2.2\n; Computer: Test Machine\n; UnixStartTime: 1000000000\n;\n'


def job(number, user, run=3600, processors=1, submit=0, status=1):
    return (f'{number} {submit} -1 {run} {processors} -1 -1 -1 -1 -1 {status} {user} 1 -1 -1 -1 '
            '-1 -1\n')


@pytest.fixture(scope='module')
def nasa_log():
    if not JOB_LOG.exists():
        reason = f'the NASA job log is not at {JOB_LOG}; set QMS_JOB_LOG'
        if os.environ.get('CI') == 'true':
            pytest.fail(reason)
        pytest.skip(reason)
    return JOB_LOG


def hours_by_user(path):
    """The same sums by other means: each job's double, in its shortest form, added exactly."""
    hours = collections.defaultdict(decimal.Decimal)
    with decimal.localcontext(decimal.Context(prec=60)), gzip.open(path, 'rt') as log:
        for line in log:
            if line.startswith(';') or not line.strip():
                continue
            field = line.split()
            run, processors, user = int(field[3]), int(field[4]), int(field[11])
            if run >= 0 and processors > 0:
                hours[f'user{user}'] += decimal.Decimal(repr(run * processors / 3600))
    return dict(hours)


@pytest.fixture(scope='module')
def nasa_hours(nasa_log):
    hours = hours_by_user(nasa_log)
    with decimal.localcontext(decimal.Context(prec=60)):
        assert sum(hours.values()) == ALL_HOURS
    return hours


def numbers(process):
    """The closing table: {label: text}."""
    pairs = re.findall(r'^\s*(\S.*?)(?::|\s{2,})\s*(\S.*?)\s*$', process.stdout.decode(), re.M)
    return {label.lower(): text for label, text in pairs}


def ingest(server, *args, status=0, **options):
    process = server.run('ingest', *map(str, args), **options)
    assert process.returncode == status, (process.stdout, process.stderr)
    return process


def closing(process, label):
    """The number beside a label of the closing table, thousands unmarked."""
    table = numbers(process)
    found = [text for name, text in table.items() if name.startswith(label)]
    assert found, (label, process.stdout.decode())
    return decimal.Decimal(found[0].split()[0].replace(',', ''))


# -- the real log --------------------------------------------------------------------------------

def test_the_nasa_log_is_exact_for_every_user(server, nasa_log, nasa_hours):
    process = ingest(server, nasa_log)
    assert closing(process, 'jobs read') == 18239
    assert closing(process, 'applied') == 18239
    assert closing(process, 'duplicate') == 0
    assert closing(process, 'users') == 69
    assert '131732.7819444444443404732' in process.stdout.decode()

    stored = server.stored()
    assert stored.all_usages() == nasa_hours
    assert len(nasa_hours) == 69
    assert stored.usage('user4') == USER_4_HOURS
    assert stored.count('updates') == 18239
    shown = server.get('/users/user4/usages').text
    assert f'"usage":{USER_4_HOURS},' in shown

    before = stored.everything()
    again = ingest(server, nasa_log)
    assert closing(again, 'applied') == 0
    assert closing(again, 'duplicate') == 18239
    assert server.stored().everything() == before

    over = server.run('overages')
    assert over.returncode == 0, over.stderr
    listed = set(re.findall(r'\buser\d+\b', over.stdout.decode()))
    assert listed == {name for name, hours in nasa_hours.items() if hours >= 200}
    page = server.get('/v2/overages', params={'limit': 1000}).json()
    assert {row['username'] for row in page['overages']} == listed


@pytest.mark.long
def test_the_nasa_log_forty_days_later_changes_nothing(start_server, clock, nasa_log, nasa_hours):
    server = start_server(clock=clock)
    ingest(server, nasa_log)
    clock.set('2026-09-21 10:00:00')
    ingest(server, nasa_log, clock=clock)
    server.restart()
    process = ingest(server, nasa_log, clock=clock)
    assert closing(process, 'duplicate') == 18239
    assert server.stored().all_usages() == nasa_hours
    assert server.stored().count('updates') == 18239


@pytest.mark.long
def test_a_log_of_another_machine_with_equal_job_numbers_is_no_duplicate(
        server, nasa_log, nasa_hours, tmp_path):
    other = tmp_path / 'other.swf.gz'
    with gzip.open(nasa_log, 'rt') as log, gzip.open(other, 'wt', compresslevel=1) as copy:
        copy.write(log.read().replace('; Computer: Intel iPSC/860', '; Computer: Another'))
    ingest(server, nasa_log)
    process = ingest(server, other)
    assert closing(process, 'applied') == 18239
    assert closing(process, 'duplicate') == 0
    usages = server.stored().all_usages()
    assert usages == {name: 2 * hours for name, hours in nasa_hours.items()}


def wait_for_more(stored, known, process):
    """Returns once the store holds more audit rows than were known."""
    deadline = time.monotonic() + WAIT_SECONDS_MAX
    while stored.count('updates') <= known:
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < deadline


@pytest.mark.long
def test_a_server_killed_three_times_during_an_ingest_ends_exact(start_server, nasa_log,
                                                                nasa_hours, port):
    server = start_server('--listen', f'127.0.0.1:{port}')
    lines = gzip.decompress(nasa_log.read_bytes()).splitlines(keepends=True)
    process = subprocess.Popen([str(BINARY), 'ingest', '-', '--url', server.url],
                               env=environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE)
    for end in (5000, 10000, 15000):  # the log comes in parts, so that each kill finds it under way
        known = server.stored().count('updates')
        process.stdin.write(b''.join(lines[end - 5000:end]))
        process.stdin.flush()
        wait_for_more(server.stored(), known, process)
        server.kill()
        server.start()
    output, errors = process.communicate(b''.join(lines[15000:]), timeout=WAIT_SECONDS_MAX)
    assert process.returncode == 0, errors
    assert server.starts == 4
    assert '18239' in output.decode().replace(',', '')
    assert server.stored().all_usages() == nasa_hours
    assert server.stored().count('updates') == 18239


@pytest.mark.long
def test_server_and_command_killed_three_times_are_finished_by_the_next(start_server, nasa_log,
                                                                       nasa_hours):
    server = start_server()
    lines = gzip.decompress(nasa_log.read_bytes()).splitlines(keepends=True)
    for end in (6000, 11000, 16000):
        known = server.stored().count('updates')
        process = subprocess.Popen([str(BINARY), 'ingest', '-', '--url', server.url],
                                   env=environment(), stdin=subprocess.PIPE,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        process.stdin.write(b''.join(lines[:end]))
        process.stdin.flush()
        wait_for_more(server.stored(), known, process)
        server.kill()
        process.kill()
        process.communicate()
        server.start()
        assert known < server.stored().count('updates') < 18239
    ingest(server, nasa_log)
    assert server.stored().all_usages() == nasa_hours
    assert server.stored().count('updates') == 18239


def test_an_ingest_killed_itself_is_finished_by_the_next(server, nasa_log, nasa_hours):
    process = subprocess.Popen([str(BINARY), 'ingest', str(nasa_log), '--url', server.url],
                               env=environment(), stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + WAIT_SECONDS_MAX
    while server.stored().count('updates') == 0 and time.monotonic() < deadline:
        pass
    process.kill()
    process.wait()
    ingest(server, nasa_log)
    assert server.stored().all_usages() == nasa_hours


@pytest.mark.long
def test_two_ingests_of_one_log_at_a_time_count_each_job_once(server, nasa_log, nasa_hours):
    processes = []
    threads = [threading.Thread(target=lambda: processes.append(ingest(server, nasa_log)))
               for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(processes) == 2
    assert sum(closing(process, 'applied') for process in processes) == 18239
    assert server.stored().all_usages() == nasa_hours


# -- logs of our own -----------------------------------------------------------------------------

@pytest.fixture
def log(tmp_path):
    def write(text, name='log.swf'):
        path = tmp_path / name
        path.write_text(text)
        return path
    return write


def test_a_job_is_an_audited_addition_of_its_hours(server, log):
    ingest(server, log(HEAD + job(7, 3, run=900, processors=2, submit=50)))
    (row,) = server.stored().updates('user3')
    assert (row['operation'], row['resource'], row['value_type']) == ('ADD', 'cpu.hours', 'usages')
    assert row['value'] == decimal.Decimal('0.5')


def test_a_run_time_of_zero_is_an_audited_addition_of_nothing(server, log):
    process = ingest(server, log(HEAD + job(1, 3, run=0)))
    assert closing(process, 'applied') == 1
    (row,) = server.stored().updates('user3')
    assert row['value'] == 0
    assert server.stored().usage('user3') == 0


def test_jobs_of_unknown_time_or_processors_are_skipped_and_counted(server, log):
    process = ingest(server, log(HEAD + job(1, 3, run=-1) + job(2, 3, processors=-1) + job(3, 3)
                                 + job(4, 3, processors=0)))
    assert closing(process, 'jobs read') == 4
    assert closing(process, 'applied') == 1
    assert closing(process, 'skipped') == 3
    assert server.stored().usage('user3') == 1


def test_the_status_of_a_job_is_not_looked_at(server, log):
    ingest(server, log(HEAD + ''.join(job(n, 3, status=n - 2) for n in range(1, 8))))
    assert server.stored().usage('user3') == 7


def test_malformed_lines_stop_nothing_and_are_shown_with_their_numbers(server, log):
    text = HEAD + job(1, 3) + 'rubbish\n' + job(2, 3) + '3 0 -1 x 1\n' + '\n' + job(4, 3)
    process = ingest(server, log(text))
    assert closing(process, 'applied') == 3
    assert closing(process, 'malformed') == 2
    shown = process.stdout.decode() + process.stderr.decode()
    assert re.search(r'\b6\b', shown) and re.search(r'\b8\b', shown), shown
    assert server.stored().usage('user3') == 3


@pytest.mark.parametrize('text', [
    'JobID|User|ElapsedRaw|AllocCPUS|State\n1234|ada|3600|16|COMPLETED\n',
    '{"jobs": []}\n', '\0\1\n', HEAD + 'rubbish\n',
], ids=['sacct', 'json', 'binary', 'header'])
def test_a_file_without_a_single_job_among_its_lines_is_refused(server, log, text):
    whole = log(HEAD + job(1, 1), 'whole.swf')
    process = server.run('ingest', str(whole), str(log(text)), '--source', 'x')
    assert process.returncode == 2
    assert b'is no job log' in process.stderr and b'Standard Workload Format' in process.stderr
    assert server.stored().usage('user1') == 1


def test_a_log_of_no_jobs_is_none_of_those(server, log):
    assert closing(ingest(server, log(HEAD), log('', 'empty.swf')), 'jobs read') == 0


@pytest.mark.parametrize('pack, program', [(bz2.compress, 'bzip2'), (lzma.compress, 'xz'),
                                           (lambda data: b'(\xb5/\xfd' + data, 'zstd')],
                         ids=['bzip2', 'xz', 'zstd'])
def test_what_another_program_has_packed_is_refused_with_how_to_unpack_it(server, tmp_path, pack,
                                                                         program):
    packed = tmp_path / 'log.packed'
    packed.write_bytes(pack((HEAD + job(1, 1)).encode()))
    process = server.run('ingest', str(packed))
    assert process.returncode == 2
    assert f'{program} -dc FILE | qms ingest -'.encode() in process.stderr
    assert b'malformed' not in process.stderr


def test_gzip_standard_input_and_several_files_are_read(server, log, tmp_path):
    zipped = tmp_path / 'log.gz'
    zipped.write_bytes(gzip.compress((HEAD + job(1, 1)).encode()))
    second = log(HEAD + job(2, 1), 'second.swf')
    piped = gzip.compress((HEAD + job(3, 1)).encode())
    process = ingest(server, zipped, second, '-', input=piped)
    assert closing(process, 'applied') == 3
    ingest(server, '-', input=(HEAD + job(4, 1)).encode())
    assert server.stored().usage('user1') == 4


def test_a_log_without_source_is_refused_and_nothing_sent(server, log):
    for head in ['', '; Computer: X\n', '; UnixStartTime: 1\n']:
        process = server.run('ingest', str(log(head + job(1, 1))))
        assert process.returncode == 2
        assert b'--source' in process.stderr
    assert server.stored().count('users') == 0


def test_a_named_source_takes_the_place_of_the_headers(server, log):
    plain = log(job(1, 1))
    ingest(server, plain, '--source', 'one')
    assert closing(ingest(server, plain, '--source', 'one'), 'duplicate') == 1
    assert closing(ingest(server, plain, '--source', 'two'), 'applied') == 1
    headed = log(HEAD + job(2, 1))
    assert closing(ingest(server, headed, '--source', 'one'), 'applied') == 1
    renamed = log(HEAD.replace('Test Machine', 'Other') + job(2, 1))
    assert closing(ingest(server, renamed, '--source', 'one'), 'duplicate') == 1
    assert closing(ingest(server, renamed), 'applied') == 1


def test_the_same_job_number_submitted_at_another_time_is_another_job(server, log):
    ingest(server, log(HEAD + job(1, 1, submit=5) + job(1, 1, submit=6)))
    assert server.stored().usage('user1') == 2


def test_names_are_made_of_the_prefix_and_the_number(server, log):
    ingest(server, log(HEAD + job(1, 12)), '--user-prefix', 'nasa-')
    assert server.stored().usage('nasa-12') == 1


def test_a_dry_run_changes_nothing_and_counts_all_the_same(server, log):
    before = server.stored().everything()
    process = ingest(server, log(HEAD + job(1, 1) + job(2, 2, run=1800)), '--dry-run')
    assert closing(process, 'jobs read') == 2
    assert closing(process, 'users') == 2
    assert '1.5' in process.stdout.decode()
    assert server.stored().everything() == before


def test_a_job_seen_with_other_hours_is_an_error_not_a_duplicate(server, log):
    ingest(server, log(HEAD + job(1, 1, run=3600)))
    process = server.run('ingest', str(log(HEAD + job(1, 1, run=7200) + job(2, 1))))
    assert process.returncode != 0
    assert server.stored().usage('user1') == 2


def test_a_job_that_seems_to_end_in_the_future_is_a_duplicate_later(start_server, clock, log):
    server = start_server(clock=clock)
    path = log(HEAD.replace('1000000000', '1786525320') + job(1, 1))  # until 10:02, now is 10:00
    ingest(server, path, clock=clock)
    clock.set('2026-08-12 12:00:00')
    assert closing(ingest(server, path, clock=clock), 'duplicate') == 1
    assert server.stored().usage('user1') == 1


def test_a_job_of_the_far_future_is_refused_until_its_time_has_come(start_server, clock, log):
    server = start_server(clock=clock)
    path = log(HEAD.replace('1000000000', '1786528800') + job(1, 1))  # until 11:00
    process = server.run('ingest', str(path), clock=clock)
    assert process.returncode == 2
    assert f'{path}:5: refused: invalid effective date' in process.stderr.decode()
    assert server.stored().count('users') == 0
    clock.set('2026-08-12 12:00:00')
    assert closing(ingest(server, path, clock=clock), 'applied') == 1


def test_a_file_that_is_not_there_is_an_error_of_the_command(server):
    process = server.run('ingest', 'nowhere.swf', '--source', 'x')
    assert process.returncode != 0
    assert b'nowhere.swf' in process.stderr


def test_a_damaged_gzip_file_is_an_error_of_the_command(server, log, tmp_path):
    whole = gzip.compress((HEAD + ''.join(job(n, 1) for n in range(1, 3000))).encode())
    cut = tmp_path / 'cut.gz'
    cut.write_bytes(whole[:len(whole) // 2])
    assert server.run('ingest', str(cut)).returncode != 0


def test_no_server_is_an_error_of_the_command(start_server, port, log):
    server = start_server('--listen', f'127.0.0.1:{port}')
    path = log(HEAD + job(1, 1))
    url = server.url
    server.kill()
    process = subprocess.run([str(BINARY), 'ingest', str(path), '--url', url],
                             capture_output=True, env=environment(), timeout=WAIT_SECONDS_MAX)
    assert process.returncode not in (0, 2)
    assert process.stderr
    server.start()
