"""qms org, qms connection, qms cloud-quota: an operator's day, and what goes wrong in it."""

import csv
import io
import json

import pytest

import cloud


@pytest.fixture(scope='module')
def key(shared):
    return cloud.seed_operator(shared)


@pytest.fixture
def qms(shared, key):
    """Runs a command with the operator's key; returns what it prints."""
    def run(*args, status=0, key=key):
        done = shared.run(*args, env={'QMS_URL': shared.url, 'QMS_API_KEY': key})
        assert done.returncode == status, done
        return (done.stderr if status else done.stdout).decode()
    return run


def rows(qms, *args):
    return json.loads(qms(*args, '--json'))


CEILINGS = ('--ceiling', 'instance.cpu.count=8', '--ceiling', 'instance.memory.mb=0.5',
            '--ceiling', 'disk.size.gb=-1')


@pytest.fixture
def names(qms):
    """An organization with a connection of the system's, and a quota for it."""
    names = {kind: cloud.name(kind) for kind in ('org', 'connection', 'quota')}
    qms('org', 'create', names['org'])
    qms('connection', 'create', names['connection'], cloud.name('code'), 'cloudca')
    qms('connection', 'assign', names['connection'], names['org'])
    qms('cloud-quota', 'create', names['quota'], names['connection'], *CEILINGS)
    return names


def test_a_quota_is_made_shown_and_applied(qms, names):
    shown = list(csv.DictReader(io.StringIO(qms('cloud-quota', 'show', names['quota'], '--csv'))))
    assert [(row['metric'], row['ceiling']) for row in shown] == [
        ('instance.cpu.count', '8'), ('instance.memory.mb', '0.5'), ('disk.size.gb', '-1')]
    assert qms('org', 'show', names['org']) == 'No quota limits the organization.\n'
    assert qms('cloud-quota', 'apply', names['quota'], names['org']) == (
        f'{names["quota"]} limits {names["org"]}. Organizations that it limits: 1.\n')
    assert names['quota'] in qms('org', 'show', names['org'])
    assigned = rows(qms, 'connection', 'assigned', names['connection'])
    assert [(row['name'], row['quota']['name']) for row in assigned] == [
        (names['org'], names['quota'])]


def test_a_quota_is_replaced_made_default_and_deleted(qms, names):
    other = cloud.name('quota')
    qms('cloud-quota', 'create', other, names['connection'], *CEILINGS)
    qms('cloud-quota', 'apply', names['quota'], names['org'])
    assert 'that it limits: 1.' in qms('cloud-quota', 'update', names['quota'],
                                       names['quota'], *CEILINGS, '--description', 'new')
    qms('cloud-quota', 'default', names['quota'], '--trial')
    flags = {row['name']: (row['defaultForService'], row['defaultForTrial'])
             for row in rows(qms, 'cloud-quota', 'list')}
    assert flags[names['quota']] == (False, True) and flags[other] == (False, False)
    error = qms('cloud-quota', 'delete', names['quota'], status=2)
    assert 'quota_id must name one that takes its place' in error
    assert "there is no quota 'none'" in qms('cloud-quota', 'delete', names['quota'],
                                             '--substitute', 'none', status=4)
    qms('cloud-quota', 'delete', names['quota'], '--substitute', other)
    assert other in qms('org', 'show', names['org'])


def test_organizations_are_listed_changed_and_deleted(qms, names):
    renamed = cloud.name('renamed')
    assert qms('org', 'update', names['org'], '--name', renamed, '--trial', 'yes') == (
        f'Changed the organization {renamed}.\n')
    listed = {row['name']: row for row in rows(qms, 'org', 'list')}
    assert listed[renamed]['isTrial'] is True
    below = json.loads(qms('org', 'create', 'below', '--org', listed[renamed]['id'], '--json'))
    assert 'has organizations below it' in qms('org', 'delete', renamed, status=2)
    qms('org', 'delete', below['data']['id'])
    qms('connection', 'unassign', names['connection'], renamed)
    assert qms('connection', 'assigned', names['connection']) == (
        'No organization has the connection.\n')
    qms('org', 'delete', renamed)
    assert renamed not in qms('org', 'list')


def test_what_goes_wrong_is_said(qms, names):
    assert 'there is no quota' in qms('cloud-quota', 'show', 'nobody', status=4)
    assert 'the quota was not found' in qms('cloud-quota', 'show', cloud.UNKNOWN, status=4)
    assert '--ceiling is METRIC=VALUE' in qms('cloud-quota', 'create', 'a', names['connection'],
                                              '--ceiling', '5', status=2)
    missing = 'missing: instance.cpu.count, instance.memory.mb, disk.size.gb\n'
    assert missing in qms('cloud-quota', 'create', 'a', names['connection'], status=2)
    assert 'nothing to change' in qms('org', 'update', names['org'], status=2)
    assert '401' in qms('org', 'list', key='', status=3)
