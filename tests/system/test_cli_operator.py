"""The operator's commands: plans, resource types, subscriptions, quotas and usages."""

import csv
import io
import json
import shutil
import subprocess

import pytest

from server import BINARY, REPOSITORY, environment
from waits import WAIT_SECONDS_MAX


CPU = '99e3bc7e-950a-11ec-84a4-406c8f3e9cbb'
DATA = '99e3f91e-950a-11ec-84a4-406c8f3e9cbb'


def qms(server, *args, code=0, **env):
    """Runs a command; its standard output, or its standard error when code is not 0."""
    process = subprocess.run([str(BINARY), *args], capture_output=True, timeout=WAIT_SECONDS_MAX,
                             stdin=subprocess.DEVNULL, env=environment(QMS_URL=server.url, **env))
    assert process.returncode == code, process.stderr
    assert (process.stderr == b'') == (code == 0)
    if code != 0:
        assert process.stdout == b''
        return process.stderr.decode()
    return process.stdout.decode()


def rows(server, *args):
    """A listing as CSV, read by a program: a dictionary per row."""
    text = qms(server, *args, '--csv')
    assert text.count('\n') == text.count('\r\n')
    return list(csv.DictReader(io.StringIO(text, newline='')))


def summary(server, username, resource='cpu.hours'):
    subscription = server.get(f'/summary/{username}').json()['subscription']
    values = {}
    for kind in ('quota', 'usage'):
        for entry in subscription[kind + 's']:
            if entry['resource_type']['name'] == resource:
                values[kind] = entry[kind]
    return subscription['plan']['name'], values


# -- plans -----------------------------------------------------------------------------------------

def test_the_plans_are_listed_with_what_is_in_force(shared):
    lines = qms(shared, 'plan', 'list').splitlines()
    assert lines[0].split() == ['plan', 'description', 'rate', 'quotas']
    assert lines[1].endswith('0  cpu.hours 200, data.size 5368709120')
    listed = {row['plan']: row for row in rows(shared, 'plan', 'list')}
    assert listed['Pro']['quotas'] == 'cpu.hours 20000, data.size 3298534883328'
    assert listed['Pro']['id'] == 'cdf7ac7a-98dc-11ec-bbe3-406c8f3e9cbb'
    raw = shared.get('/v1/plans').json()['result']
    assert json.loads(qms(shared, 'plan', 'list', '--json')) == raw


def test_a_plan_is_added_and_shown_with_exact_numbers(shared):
    said = qms(shared, 'plan', 'add', 'Big Team', '--description', 'for a "team", big',
               '--rate', '12.50', '--quota', 'cpu.hours=1000.0000000000000000000001',
               '--quota', 'data.size=5')
    assert said == 'Added the plan Big Team.\n'
    listed = next(row for row in rows(shared, 'plan', 'list') if row['plan'] == 'Big Team')
    assert listed['description'] == 'for a "team", big'
    assert listed['rate'] == '12.5'
    shown = {row['what']: row for row in rows(shared, 'plan', 'show', 'Big Team')}
    assert shown['quota of cpu.hours']['value'] == '1000.0000000000000000000001'
    assert shown['quota of data.size']['unit'] == 'bytes'
    assert 'already exists' in qms(shared, 'plan', 'add', 'Big Team', code=2)


def test_a_rate_and_a_quota_to_come_leave_those_of_today(shared):
    qms(shared, 'plan', 'add', 'Later', '--rate', '1', '--quota', 'cpu.hours=10')
    qms(shared, 'plan', 'rate', 'Later', '2', '--from', '2100-01-01')
    qms(shared, 'plan', 'default', 'Later', 'cpu.hours', '20', '--from', '2100-01-01')
    listed = next(row for row in rows(shared, 'plan', 'list') if row['plan'] == 'Later')
    assert (listed['rate'], listed['quotas']) == ('1', 'cpu.hours 10')
    values = [(row['what'], row['value'], row['from'][:10])
              for row in rows(shared, 'plan', 'show', 'Later')]
    assert ('rate', '2', '2100-01-01') in values
    assert ('quota of cpu.hours', '20', '2100-01-01') in values


def test_a_plan_is_found_by_its_id_as_well(shared):
    by_id = qms(shared, 'plan', 'show', '99e47c22-950a-11ec-84a4-406c8f3e9cbb')
    assert by_id == qms(shared, 'plan', 'show', 'Basic')


def test_who_names_no_plan_is_told_which_there_are(shared):
    for args in (['plan', 'show', 'Gold'], ['plan', 'rate', 'Gold', '1'],
                 ['plan', 'default', 'Gold', 'cpu.hours', '1'], ['subscribe', 'ada', 'Gold']):
        said = qms(shared, *args, code=4)
        assert "there is no plan 'Gold'; the plans are: Basic, Regular, Pro" in said


def test_the_quotas_of_a_new_plan_are_of_resource_types_by_name_or_by_id(shared):
    said = qms(shared, 'plan', 'add', 'Wide', '--quota', f'{CPU}=1', '--quota', 'disk=2', code=4)
    assert "there is no resource type 'disk'; the resource types are: cpu.hours" in said
    qms(shared, 'plan', 'add', 'Wide', '--quota', f'{CPU}=1', '--quota', 'data.size=2')
    listed = next(row for row in rows(shared, 'plan', 'list') if row['plan'] == 'Wide')
    assert listed['quotas'] == 'cpu.hours 1, data.size 2'


# -- resource types --------------------------------------------------------------------------------

def test_resource_types_are_added_changed_and_listed(shared):
    qms(shared, 'resource', 'add', 'gpu "hours"', 'gpu, hours', '--consumable', 'yes')
    listed = {row['resource']: row for row in rows(shared, 'resource', 'list')}
    assert listed['gpu "hours"']['unit'] == 'gpu, hours'
    assert listed['gpu "hours"']['consumable'] == 'true'
    qms(shared, 'resource', 'update', 'gpu "hours"', '--name', 'gpu.hours')
    listed = {row['resource']: row for row in rows(shared, 'resource', 'list')}
    assert listed['gpu.hours']['unit'] == 'gpu, hours'
    assert listed['gpu.hours']['consumable'] == 'true'
    qms(shared, 'resource', 'update', 'gpu.hours', '--consumable', 'no')
    table = qms(shared, 'resource', 'list')
    assert [line.split()[-1] for line in table.splitlines() if 'gpu' in line] == ['no']
    assert 'same name' in qms(shared, 'resource', 'add', 'gpu.hours', 'h', code=5)
    assert 'nothing to change' in qms(shared, 'resource', 'update', 'gpu.hours', code=2)
    assert 'resource types are: cpu.hours' in qms(shared, 'resource', 'update', 'x', code=4)


# -- subscriptions ---------------------------------------------------------------------------------

def test_subscribing_says_what_came_of_it(shared, user):
    said = qms(shared, 'subscribe', user, 'Pro', '--periods', '2', '--paid',
               '--start', '2026-01-01', '--end', '2099-01-01')
    assert said == f'{user} has the plan Pro from 2026-01-01 to 2099-01-01.\n'
    assert summary(shared, user)[0] == 'Pro'
    assert summary(shared, user)[1]['quota'] == 40000
    [row] = rows(shared, 'subscription', 'list', '--search', user)
    assert (row['user'], row['plan'], row['paid']) == (user, 'Pro', 'true')


def test_a_downgrade_takes_force(shared, user):
    qms(shared, 'subscribe', user, 'Pro')
    said = qms(shared, 'subscribe', user, 'Basic', code=5)
    assert f'{user} keeps the plan Pro' in said and '--force' in said
    assert summary(shared, user)[0] == 'Pro'
    qms(shared, 'subscribe', user, 'Basic', '--force')
    assert summary(shared, user)[0] == 'Basic'


def test_an_impossible_subscription_is_refused_with_the_reason(shared, user):
    said = qms(shared, 'subscribe', user, 'Pro', '--start', '2026-01-02', '--end', '2026-01-01',
               code=2)
    assert 'start date must precede end date' in said
    assert 'not \'soon\'' in qms(shared, 'subscribe', user, 'Pro', '--end', 'soon', code=2)
    assert '1 to 10' in qms(shared, 'subscribe', user, 'Pro', '--periods', '11', code=2)


def test_all_subscriptions_are_listed_however_many_pages_they_take(server):
    count = 2100
    for first in range(0, count, 700):
        items = [{'username': f'u{n:04}', 'plan_name': 'Basic', 'paid': False}
                 for n in range(first, first + 700)]
        assert server.post('/v1/subscriptions', {'subscriptions': items}).status_code == 200
    names = [f'u{n:04}' for n in range(count)]
    assert [row['user'] for row in rows(server, 'subscription', 'list')] == names
    assert [line.split()[0] for line in
            qms(server, 'subscription', 'list').splitlines()[1:]] == names
    listed = json.loads(qms(server, 'subscription', 'list', '--json', '--descending'))
    assert [each['user']['username'] for each in listed] == names[::-1]
    assert [row['user'] for row in rows(server, 'subscription', 'list', '--search', 'u00',
                                        '--sort', 'start-date')] != []
    assert 'username, start-date, end-date' in qms(server, 'subscription', 'list', '--sort', 'x',
                                                   code=2)


def test_no_subscriptions_are_said_to_be_none(shared):
    nobody = ['subscription', 'list', '--search', 'no such name']
    assert qms(shared, *nobody) == 'There are no such subscriptions.\n'
    assert qms(shared, *nobody, '--json') == '[]\n'
    assert rows(shared, *nobody) == []


def test_subscribing_again_with_the_same_key_is_no_downgrade(shared, user):
    said = qms(shared, 'subscribe', user, 'Pro', '--key', f'sub-{user}')
    assert qms(shared, 'subscribe', user, 'Pro', '--key', f'sub-{user}') == said
    assert len(rows(shared, 'subscription', 'list', '--search', user)) == 1


# -- quotas and usages -----------------------------------------------------------------------------

def test_quota_and_usage_are_set_exactly(shared, user):
    assert qms(shared, 'quota', 'set', user, 'cpu.hours', '500.5') == (
        f'{user} has a quota of 500.5 for cpu.hours.\n')
    qms(shared, 'usage', 'set', user, 'cpu.hours', '0.1')
    said = qms(shared, 'usage', 'add', user, 'cpu.hours', '0.2', '--metadata', '{"job":7}')
    assert said == f'{user} has used 0.2 more of cpu.hours.\n'
    assert b'"usage":0.3,' in shared.get(f'/summary/{user}').content
    assert summary(shared, user)[1]['quota'] == 500.5
    updates = shared.get(f'/v1/usages/{user}/updates').json()['result']
    assert updates[-1]['metadata'] == '{"job":7}'


@pytest.mark.parametrize('name', ['a b', 'ünï', 'per%cent', 'q?x=1', 'a#b', '..'])
def test_names_of_any_kind_find_their_way(shared, name):
    qms(shared, 'quota', 'set', name, 'cpu.hours', '7')
    assert rows(shared, 'subscription', 'list', '--search', name)[0]['user'] == name


def test_a_value_that_is_none_is_refused_without_asking(shared):
    for args in (['usage', 'add', 'ada', 'cpu.hours', '1x'], ['quota', 'set', 'ada', 'x', 'NaN'],
                 ['usage', 'set', 'ada', 'cpu.hours', '1', '--url', 'http://127.0.0.1:1', '--key',
                  'a key']):
        qms(shared, *args, code=2)
    said = qms(shared, 'usage', 'add', 'ada', 'cpu.hour', '1', code=4)
    assert "there is no resource type 'cpu.hour'; the resource types are: cpu.hours" in said


def test_the_same_key_writes_once(shared, user):
    for _ in range(2):
        qms(shared, 'usage', 'add', user, 'cpu.hours', '3', '--key', f'key-{user}')
    assert summary(shared, user)[1]['usage'] == 3
    said = qms(shared, 'usage', 'add', user, 'cpu.hours', '4', '--key', f'key-{user}', code=5)
    assert 'other content' in said


def test_without_server_the_exit_code_is_6(start_server, port):
    server = start_server('--listen', f'127.0.0.1:{port}')
    server.stop()
    for args in (['plan', 'list'], ['usage', 'add', 'ada', 'cpu.hours', '1'],
                 ['plan', 'add', 'New']):
        assert f'127.0.0.1:{server.port}' in qms(server, *args, code=6)


# -- add-ons ---------------------------------------------------------------------------------------

def test_an_addon_lives_from_add_to_delete(shared):
    qms(shared, 'addon', 'add', 'Extra, big', 'cpu.hours', '100.5', '--rate', '5', '--paid', 'yes')
    qms(shared, 'addon', 'update', 'Extra, big', '--amount', '100.25', '--rate', '6',
        '--from', '2100-01-01', '--paid', 'no', '--description', 'more')
    listed = {row['add-on']: row for row in rows(shared, 'addon', 'list')}
    extra = listed['Extra, big']
    assert (extra['amount'], extra['rate'], extra['paid']) == ('100.25', '5', 'false')
    assert (extra['resource'], extra['description']) == ('cpu.hours', 'more')
    raw = next(addon for addon in json.loads(qms(shared, 'addon', 'list', '--json'))
               if addon['name'] == 'Extra, big')
    assert [rate['rate'] for rate in raw['addon_rates']] == [5, 6]
    said = qms(shared, 'addon', 'update', 'Extra, big', '--resource', 'data', code=4)
    assert "there is no resource type 'data'; the resource types are: cpu.hours" in said
    for resource, name in ((DATA, 'data.size'), ('cpu.hours', 'cpu.hours')):
        qms(shared, 'addon', 'update', 'Extra, big', '--resource', resource)
        listed = {row['add-on']: row for row in rows(shared, 'addon', 'list')}
        assert listed['Extra, big']['resource'] == name
    assert 'nothing to change' in qms(shared, 'addon', 'update', 'Extra, big', code=2)
    assert qms(shared, 'addon', 'delete', 'Extra, big') == 'Deleted the add-on Extra, big.\n'
    assert 'Extra, big' not in qms(shared, 'addon', 'list')
    said = qms(shared, 'addon', 'delete', 'Extra, big', code=4)
    assert "there is no add-on 'Extra, big'; the add-ons are: 1 TB, 5000 CPU Hours" in said


def test_an_addon_raises_a_quota_until_it_is_revoked(shared, user):
    qms(shared, 'subscribe', user, 'Basic')
    for _ in range(2):
        said = qms(shared, 'addon', 'apply', user, '5000 CPU Hours')
        assert said == f'{user} has 5000 CPU Hours: 5000 more of cpu.hours.\n'
    assert summary(shared, user)[1]['quota'] == 10200
    assert 'exist' in qms(shared, 'addon', 'delete', '5000 CPU Hours', code=5)
    assert 'by its id' in qms(shared, 'addon', 'revoke', user, '5000 CPU Hours', code=5)
    applied = rows(shared, 'addon', 'applied', user)
    assert [row['add-on'] for row in applied] == ['5000 CPU Hours'] * 2
    qms(shared, 'addon', 'revoke', user, applied[0]['id'])
    said = qms(shared, 'addon', 'revoke', user, '5000 CPU Hours')
    assert said == f'{user} no longer has 5000 CPU Hours: 5000 less of cpu.hours.\n'
    assert summary(shared, user)[1]['quota'] == 200
    assert qms(shared, 'addon', 'applied', user) == 'The user has no add-ons.\n'
    said = qms(shared, 'addon', 'revoke', user, '5000 CPU Hours', code=4)
    assert 'there are no add-ons of the user at all' in said


# -- history and overages --------------------------------------------------------------------------

def test_the_history_tells_who_changed_what_and_how(shared, user):
    qms(shared, 'usage', 'add', user, 'cpu.hours', '2.50', '--metadata', 'a "job", big')
    qms(shared, 'usage', 'set', user, 'data.size', '1e21')
    qms(shared, 'quota', 'set', user, 'cpu.hours', '99')
    told = [(row['what'], row['operation'], row['value'], row['resource'])
            for row in rows(shared, 'history', user)]
    assert told == [('usage', 'ADD', '2.5', 'cpu.hours'),
                    ('usage', 'SET', '1' + '0' * 21, 'data.size'),
                    ('quota', 'SET', '99', 'cpu.hours')]
    assert rows(shared, 'history', user)[0]['metadata'] == 'a "job", big'
    table = qms(shared, 'history', user, '--resource', 'cpu.hours').splitlines()
    assert table[0].split() == ['when', 'what', 'operation', 'value', 'resource', 'metadata']
    assert len(table) == 3 and 'data.size' not in ''.join(table)
    assert qms(shared, 'history', user, '--resource', CPU).splitlines() == table
    said = qms(shared, 'history', user, '--resource', 'cpu.hour', code=4)
    assert "there is no resource type 'cpu.hour'; the resource types are: cpu.hours" in said
    assert qms(shared, 'history', user, '--since', '2999-01-01') == 'There are no such changes.\n'
    assert len(rows(shared, 'history', user, '--since', '2020-01-01')) == 3
    raw = shared.get(f'/users/{user}/updates').json()['updates']
    assert json.loads(qms(shared, 'history', user, '--json')) == raw


def test_overages_as_csv_are_exact(shared):
    qms(shared, 'quota', 'set', 'over, "her"', 'cpu.hours', '1.5')
    qms(shared, 'usage', 'set', 'over, "her"', 'cpu.hours', '2.000000000000000000001')
    row = next(row for row in rows(shared, 'overages') if row['user'] == 'over, "her"')
    assert row == {'user': 'over, "her"', 'resource': 'cpu.hours', 'quota': '1.5',
                   'usage': '2.000000000000000000001', 'over by': '0.500000000000000000001'}


# -- completion and the man page -------------------------------------------------------------------

# What a zsh that completes has besides: it prints the words of an array of 'word:what it is'.
ZSH = 'compdef() { :; }; _describe() { print -l -- "${(@)${(@P)2}%%:*}"; }\n'


def completed(shell, *words):
    """What a shell would offer for the last of the words; zsh chooses among it afterwards."""
    script = subprocess.run([str(BINARY), 'completion', shell], capture_output=True, check=True)
    line = ' '.join(f"'{word}'" for word in ('qms', *words))
    if shell == 'bash':
        command, before = ['bash', '--norc'], ''
        ask = f'COMP_WORDS=({line}) COMP_CWORD={len(words)}; _qms; echo "${{COMPREPLY[@]}}"\n'
    else:
        command, before = ['zsh', '-f'], ZSH
        ask = f'words=({line}) CURRENT={len(words) + 1}; _qms\n'
    done = subprocess.run(command, input=before.encode() + script.stdout + ask.encode(),
                          capture_output=True, env=environment(), timeout=WAIT_SECONDS_MAX)
    assert done.stderr == b''
    return done.stdout.decode().split()


@pytest.mark.parametrize('shell', ['bash', 'zsh'])
def test_a_shell_completes_commands_and_options(shell):
    if shutil.which(shell) is None:
        pytest.skip(f'no {shell} here')
    offered = completed(shell, '')
    assert {'serve', 'user', 'plan', 'subscribe', 'addon', 'history', 'help'} <= set(offered)
    assert len(offered) == len(set(offered))
    assert completed(shell, 'plan', '') == ['list', 'show', 'add', 'rate', 'default']
    assert set(completed(shell, 'plan', 'list', '')) >= {'--json', '--csv', '--url'}
    assert '--periods' in completed(shell, 'subscribe', 'ada', '')
    if shell == 'bash':
        assert completed(shell, 'subs') == ['subscribe', 'subscription']
        assert completed(shell, 'history', 'ada', '--s') == ['--since']


def test_the_man_page_is_up_to_date():
    made = subprocess.run([str(BINARY), 'help', '--man'], capture_output=True, check=True).stdout
    page = REPOSITORY / 'docs' / 'qms.1'
    assert page.read_bytes() == made, 'make it again: build/qms help --man >docs/qms.1'


# -- words -----------------------------------------------------------------------------------------

@pytest.mark.parametrize('args, said', [
    (['plan'], 'a second word is missing'), (['plan', 'lst'], "did you mean 'plan list'"),
    (['plan', 'show'], 'PLAN is missing'), (['plan', 'list', 'x'], 'one argument too many'),
    (['pln', 'list'], "did you mean 'plan'"), (['plan', 'list', '--nonsense'], 'unknown option'),
    (['plan', 'list', '--json', '--csv'], 'exclude each other'),
    (['plan', 'show', ''], 'is empty'), (['plan', 'show', 'x' * 257], 'too long'),
    (['resource', 'add', 'n', 'u', '--consumable', 'perhaps'], 'yes or no'),
    (['plan', 'add', 'n', '--quota', 'cpu.hours'], 'RESOURCE=VALUE'),
    (['completion', 'fish'], 'bash or zsh'), (['help', 'plan', 'lst'], "'plan list'"),
    (['plan', 'nonsense'], 'see: qms help plan'), (['plan', 'list', '--jsno'], 'mean --json?'),
    (['quota', 'set', 'ada'], 'RESOURCE VALUE are missing'),
    (['quota', 'set', 'ada', 'cpu.hours', '-1'], 'answered 400'),
    (['usage', 'add', 'ada', 'cpu.hours', '-1'], 'qms usage set takes back'),
    (['usage', 'add', 'ada', 'cpu.hours', '1,5'], "the value is a number, not '1,5'"),
    (['usage', 'add', 'ada', 'cpu.hours', '1e40'], "the value '1e40' does not fit"),
    (['plan', 'add', 'n', '--rate', '0.' + 35 * '1'], 'at most 30 digits after the point'),
], ids=lambda value: ' '.join(value)[:40] if isinstance(value, list) else '')
def test_what_is_not_understood_is_exit_code_2_with_a_hint(shared, args, said):
    assert said in qms(shared, *args, code=2)
