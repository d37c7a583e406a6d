"""qms verify: what should not be in a database is found, and nothing of what a server did."""

import json
import os
import subprocess
import uuid

import pytest

import stores
from server import BINARY, environment
from stored import BASIC, CPU, new_id
from waits import WAIT_SECONDS_MAX

HOURS = 'f8d2066c-e3b2-4559-839e-88bfc997c89f'
DIGITS = '1' * 30 + '.' + '1' * 9


def verify(store, *args):
    return subprocess.run([BINARY, 'verify', '--store', store.url, *args], capture_output=True,
                          text=True, env=environment(), timeout=WAIT_SECONDS_MAX)


def findings(store, *args):
    """The findings as (check, user, resource, found, expected), and the exit code has to fit."""
    done = verify(store, '--json', *args)
    assert done.returncode in (0, 5), done.stderr
    answer = json.loads(done.stdout)
    assert (done.returncode == 0) == (answer['findings'] == [])
    assert sum(answer['counts'].values()) == len(answer['findings'])
    return [tuple(finding[name] for name in ('check', 'username', 'resource_name', 'found',
                                             'expected')) for finding in answer['findings']]


def one(server, sql, *parameters):
    return server.stored().rows(sql, *parameters)[0]


def subscription_of(server, username):
    return one(server, 'SELECT s.id FROM subscriptions s JOIN users u ON u.id = s.user_id'
                       ' WHERE u.username = ?', username)['id']


def subscription_text(server, username):
    return str(uuid.UUID(bytes=subscription_of(server, username)))


def set_usage(server, username, value):
    server.stored().execute(f"UPDATE usages SET usage = '{value}' WHERE subscription_id = ?",
                            subscription_of(server, username))


@pytest.fixture
def used(server):
    """A server on which everything that changes amounts has been done by its own routes."""
    for user in ('ada', 'ben', 'cyd'):
        assert server.update(user, '10.25').status_code == 200
        assert server.usage(user, '0.000000000000000000000001').status_code == 200
    assert server.update('ben', '7', operation='SET').status_code == 200
    assert server.update('ben', '-2').status_code == 200
    assert server.update('ben', '500', operation='SET', value_type='quotas').status_code == 200
    assert server.update('ben', '-20', value_type='quotas').status_code == 200
    # An add-on raises the quota.
    applied = server.put(f'/subscriptions/{subscription_text(server, "ben")}/addons/{HOURS}')
    assert applied.status_code == 200, applied.text
    # A subscription that begins anew: what was used before is not its.
    assert server.put('/users', {'username': 'cyd', 'planName': 'Pro', 'paid': True,
                                 'force': True}).status_code == 200
    assert server.update('cyd', '3').status_code == 200
    return server


def test_nothing_is_found_in_what_a_server_wrote(used):
    assert findings(used.store) == []
    done = verify(used.store)
    assert done.returncode == 0, done.stdout
    for check in ('orphans', 'amounts', 'dates', 'trail', 'overlaps', 'periods'):
        assert f'{check}: nothing found\n' in done.stdout


def test_a_usage_that_the_trail_does_not_explain_is_found(used):
    set_usage(used, 'ada', '11.25')
    assert findings(used.store) == [
        ('trail', 'ada', 'cpu.hours', '11.25', '10.250000000000000000000001')]


def test_a_usage_counts_from_the_last_set(used):
    set_usage(used, 'ben', '6')
    assert findings(used.store, '--check', 'trail') == [('trail', 'ben', 'cpu.hours', '6', '5')]


def test_a_change_whose_usage_is_gone_is_found(used):
    used.stored().execute('DELETE FROM usages WHERE subscription_id = ?',
                          subscription_of(used, 'ada'))
    assert findings(used.store) == [
        ('trail', 'ada', 'cpu.hours', 'no row', '10.250000000000000000000001')]


def test_a_quota_that_was_set_and_then_changed_by_others_is_found(used):
    used.stored().execute('UPDATE quotas SET quota = \'5481\' WHERE subscription_id = ?'
                          ' AND resource_type_id = ?', subscription_of(used, 'ben'), CPU)
    assert findings(used.store) == [('trail', 'ben', 'cpu.hours', '5481', '5480')]


@pytest.mark.parametrize('value, problem', [
    ('NaN', 'no number'), (DIGITS, 'more than 34 digits'), ('-1', 'below 0'),
    ('1' + '0' * 80, 'too large')])
def test_an_amount_that_cannot_be_calculated_with_is_found(used, value, problem):
    set_usage(used, 'ada', value)
    done = verify(used.store, '--check', 'amounts')
    assert done.returncode == 5
    assert 'ada' in done.stdout and problem in done.stdout and value in done.stdout
    assert 'amounts: 1 found' in done.stdout


def test_a_date_that_cannot_be_read_is_found(used):
    date = '-infinity' if used.store.url.startswith('postgresql:') else -10**17
    used.stored().execute('UPDATE subscriptions SET effective_end_date = ? WHERE id = ?', date,
                          subscription_of(used, 'ada'))
    assert findings(used.store, '--check', 'dates') == [('dates', 'ada', None, str(date), None)]
    done = verify(used.store)
    assert done.returncode == 5 and 'dates: 1 found' in done.stdout


def test_two_active_subscriptions_are_found(used):
    stored = used.stored()
    ada = one(used, "SELECT id FROM users WHERE username = 'ada'")['id']
    stored.execute('INSERT INTO subscriptions (id, user_id, plan_id, effective_start_date,'
                   ' effective_end_date, created_by, created_at, last_modified_by,'
                   " last_modified_at, paid, plan_rate_id) SELECT ?, user_id, plan_id,"
                   " effective_start_date, effective_end_date, 'x', created_at, 'x',"
                   ' last_modified_at, paid, plan_rate_id FROM subscriptions WHERE user_id = ?',
                   new_id(), ada)
    assert findings(used.store, '--check', 'overlaps') == [('overlaps', 'ada', None, '2', '1')]


def test_quotas_multiplied_by_the_periods_twice_are_found(used):
    """3 periods of 200: 1800 in place of 600. And 400 is no square of the periods."""
    for user, value in (('ada', '1800'), ('cyd', '400')):
        used.stored().execute('UPDATE quotas SET quota = ? WHERE resource_type_id = ? AND'
                              ' subscription_id IN (SELECT s.id FROM subscriptions s JOIN users u'
                              ' ON u.id = s.user_id WHERE u.username = ? AND s.plan_id = ?)',
                              value, CPU, user, BASIC)
    assert findings(used.store) == [('periods', 'ada', 'cpu.hours', '1800', '600')]


def test_four_years_bought_rightly_are_no_mistake(used):
    """Two periods twice are four times the default, as are four years."""
    used.stored().execute('UPDATE quotas SET quota = ? WHERE resource_type_id = ? AND'
                          ' subscription_id = ?', '800', CPU, subscription_of(used, 'ada'))
    assert len(findings(used.store)) == 1
    start = one(used, 'SELECT effective_start_date AS start FROM subscriptions WHERE id = ?',
                subscription_of(used, 'ada'))['start']
    used.stored().execute('UPDATE subscriptions SET effective_end_date = ? WHERE id = ?',
                          start + 4 * 365 * 86400 * 10**6, subscription_of(used, 'ada'))
    assert findings(used.store) == []


def test_rows_of_nothing_are_found(used):
    store = used.store
    if stores.KIND == 'postgres':
        store.execute('ALTER TABLE usages DROP CONSTRAINT usages_subscription_id_fkey',
                      'UPDATE usages SET subscription_id = uuid_generate_v4() WHERE id ='
                      ' (SELECT id FROM usages LIMIT 1)')
    else:
        with used.stored()._connection() as connection:
            connection.execute('PRAGMA foreign_keys = OFF')
            connection.execute('UPDATE usages SET subscription_id = ? WHERE id ='
                               ' (SELECT id FROM usages LIMIT 1)', [new_id()])
    done = verify(store, '--check', 'orphans')
    assert done.returncode == 5
    assert 'subscription_id is of no row of subscriptions' in done.stdout
    assert 'orphans: 1 found' in done.stdout


def test_findings_are_limited_and_counted(used):
    used.stored().execute("UPDATE usages SET usage = '-1'")
    done = verify(used.store, '--check', 'amounts', '--limit', '2')
    count = one(used, 'SELECT count(*) AS count FROM usages')['count']
    assert done.stdout.count('below 0') == 2
    assert f'amounts: {count} found, the first 2 are shown' in done.stdout


def test_nothing_is_altered(used):
    before = used.stored().everything()
    verify(used.store)
    assert used.stored().everything() == before


@pytest.mark.sqlite_only('it is about a file')
def test_a_file_that_may_not_be_read_is_refused_with_the_reason(used):
    if os.geteuid() != 0:
        used.store.path.chmod(0)
    done = subprocess.run([BINARY, 'verify', '--store', used.store.url], capture_output=True,
                          text=True, env=environment(), cwd='/',
                          **({'user': 65534, 'group': 65534, 'extra_groups': []}
                             if os.geteuid() == 0 else {}))
    used.store.path.chmod(0o600)
    assert done.returncode == 3 and 'Permission denied' in done.stderr, done.stderr


def test_an_unknown_check_and_an_absent_store_are_refused(used, tmp_path):
    done = verify(used.store, '--check', 'everything')
    assert done.returncode == 2 and 'orphans' in done.stderr
    missing = verify(stores.File(tmp_path / 'missing.db'))
    assert missing.returncode == 4
    assert not (tmp_path / 'missing.db').exists()


@pytest.mark.sqlite_only('only a file can be damaged by us')
def test_a_damaged_file_is_said_to_be_one(server):
    server.usage('ada', 1)
    server.stop()
    with open(server.store.path, 'r+b') as file:
        file.seek(8192)
        file.write(bytes(range(256)) * 256)
    done = verify(server.store)
    assert done.returncode == 1
    assert 'malformed' in done.stderr
    assert done.stderr.endswith('qms verify: the database failed, see the log\n')
