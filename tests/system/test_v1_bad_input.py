"""Input that no client of /v1 should send: refused in the envelope of the tree with a 4xx, and the
store stays as it was, to the last row."""

import json
import urllib.parse

import hypothesis
import pytest
from hypothesis import strategies

from random_bodies import bodies
from test_bad_input import (BAD_NAMES, BAD_OCTETS, UNDECODABLE, WRONG_DATES, WRONG_NUMBERS,
                            WRONG_OBJECTS, WRONG_TEXTS, refused, replaced, server, stored)

__all__ = ['refused', 'server', 'stored']  # fixtures

BASIC = '/v1/plans/99e47c22-950a-11ec-84a4-406c8f3e9cbb'
DATA = '/v1/resource-types/99e3f91e-950a-11ec-84a4-406c8f3e9cbb'
DEFAULT = {'quota_value': 5, 'resource_type': {'name': 'cpu.hours'},
           'effective_date': '2026-01-01T00:00:00Z'}
RATE = {'rate': 5, 'effective_date': '2026-01-01T00:00:00Z'}
ITEM = {'username': 'v1-bad', 'plan_name': 'Pro', 'paid': True, 'periods': 1, 'start_date': None,
        'end_date': None}
ROUTES = {
    'V3': ('POST', '/v1/plans', {'name': 'Odd', 'description': 'Odd', 'plan_rates': [RATE],
                                 'plan_quota_defaults': [DEFAULT]}),
    'V7': ('POST', BASIC + '/quota-defaults', {'plan_quota_defaults': [DEFAULT]}),
    'V8': ('POST', BASIC + '/rates', {'plan_rates': [RATE]}),
    'V9': ('POST', '/v1/subscriptions', {'subscriptions': [ITEM]}),
    'V12': ('POST', '/v1/usages', {'username': 'v1-bad', 'resource_name': 'cpu.hours',
                                   'usage_value': 1, 'update_type': 'ADD', 'metadata': ''}),
    'V17': ('POST', '/v1/users/v1-bad/plan/cpu.hours/quota', {'quota': 5}),
    'V21': ('POST', '/v1/resource-types', {'name': 'odd', 'unit': 'odd', 'consumable': True}),
    'V23': ('PUT', DATA, {'name': 'odd', 'unit': 'odd', 'consumable': True}),
}


def in_the_envelope(answer):
    problem = json.loads(answer.body)
    assert list(problem) == ['error', 'status'] and problem['status'] == answer.reason
    assert 0 < len(problem['error']) < 400


@pytest.mark.parametrize('route', ROUTES)
@pytest.mark.parametrize('name', UNDECODABLE)
def test_an_undecodable_body_is_refused(refused, name, route):
    method, target, _ = ROUTES[route]
    in_the_envelope(refused(method, target, UNDECODABLE[name]))


@pytest.mark.parametrize('route', ROUTES)
@pytest.mark.parametrize('octets', [b'null', b'true', b'17', b'"x"', b'[1]', b'[null]', b'[[]]'])
def test_json_of_another_kind_is_refused(refused, octets, route):
    method, target, _ = ROUTES[route]
    in_the_envelope(refused(method, target, octets))


@pytest.mark.parametrize('route', ROUTES)
def test_a_body_cut_anywhere_is_refused(refused, route):
    method, target, body = ROUTES[route]
    octets = json.dumps(body).encode()
    for length in range(1, len(octets)):
        refused(method, target, octets[:length])


@pytest.mark.parametrize('route', ROUTES)
def test_a_body_over_sixteen_mebibytes_is_too_large(refused, route):
    method, target, body = ROUTES[route]
    octets = json.dumps(body).encode()
    refused(method, target, octets + b' ' * (16 * 2**20 + 1 - len(octets)), [413])


WRONG_BOOLEANS = [b'7', b'"true"', b'{}', b'[]']
WRONG_LISTS = [b'7', b'true', b'"x"', b'{}', b'[7]', b'["x"]', b'[[]]']
WRONG_PERIODS = [b'"x"', b'1.5', b'2147483648', b'-2147483649', b'1e30', b'true', b'[]', b'{}']
WRONG_REQUEST_DATES = [b'7', b'true', b'{}', b'"yesterday"', b'"2026-02-30"', b'"2026-1-1"',
                       b'"2026-13-01"', b'"2026-01-01T24:00:00"', b'"2026-01-01T00:00:00.5Z"',
                       b'"2026-01-01t00:00:00z"', b'"10000-01-01"', b'"-2026-01-01"',
                       b'"2026-01-01 00:00:00"', b'"2026-01-01T00:00:00+0200"']
MEMBERS = (
    [(route, path, wrong) for wrong in WRONG_NUMBERS for route, path in [
        ('V3', ['plan_quota_defaults', 0, 'quota_value']), ('V3', ['plan_rates', 0, 'rate']),
        ('V7', ['plan_quota_defaults', 0, 'quota_value']), ('V8', ['plan_rates', 0, 'rate']),
        ('V12', ['usage_value']), ('V17', ['quota'])]]
    + [(route, path, wrong) for wrong in WRONG_DATES if not wrong.startswith(b'{')
       and wrong != b'"9999-12-31T23:59:59Z"' for route, path in [
        ('V7', ['plan_quota_defaults', 0, 'effective_date']),
        ('V8', ['plan_rates', 0, 'effective_date'])]]
    + [(route, path, wrong) for wrong in WRONG_TEXTS for route, path in [
        ('V3', ['name']), ('V3', ['description']), ('V9', ['subscriptions', 0, 'username']),
        ('V7', ['plan_quota_defaults', 0, 'resource_type', 'name']),
        ('V9', ['subscriptions', 0, 'plan_name']), ('V12', ['username']),
        ('V12', ['resource_name']), ('V12', ['update_type']), ('V12', ['metadata']),
        ('V21', ['name']), ('V21', ['unit']), ('V23', ['name']), ('V23', ['unit'])]]
    + [('V7', ['plan_quota_defaults', 0, 'resource_type'], wrong) for wrong in WRONG_OBJECTS]
    + [(route, path, wrong) for wrong in WRONG_BOOLEANS for route, path in [
        ('V9', ['subscriptions', 0, 'paid']), ('V21', ['consumable']), ('V23', ['consumable'])]]
    + [(route, path, wrong) for wrong in WRONG_LISTS for route, path in [
        ('V3', ['plan_quota_defaults']), ('V3', ['plan_rates']), ('V7', ['plan_quota_defaults']),
        ('V8', ['plan_rates']), ('V9', ['subscriptions'])]]
    + [('V9', ['subscriptions', 0, 'periods'], wrong) for wrong in WRONG_PERIODS]
    + [('V9', ['subscriptions', 0, member], wrong) for wrong in WRONG_REQUEST_DATES
       for member in ('start_date', 'end_date')]
    + [('V12', ['metadata'], b'"%s"' % (b'm' * 65537)), ('V17', ['quota'], b'-1'),
       ('V12', ['username'], b'"%s"' % (b'x' * 300))])


@pytest.mark.parametrize('route, path, octets', MEMBERS, ids=lambda value: str(value)[:60])
def test_a_member_of_a_wrong_type_or_range_is_refused(refused, route, path, octets):
    method, target, body = ROUTES[route]
    in_the_envelope(refused(method, target, replaced(body, path, octets)))


@pytest.mark.parametrize('route, member, element', [
    ('V3', 'plan_quota_defaults', DEFAULT), ('V3', 'plan_rates', RATE),
    ('V7', 'plan_quota_defaults', DEFAULT), ('V8', 'plan_rates', RATE),
    ('V9', 'subscriptions', ITEM)])
def test_a_list_of_more_than_a_thousand_is_refused(refused, route, member, element):
    method, target, body = ROUTES[route]
    octets = json.dumps({**body, member: [element] * 1001}).encode()
    in_the_envelope(refused(method, target, octets))


@pytest.mark.parametrize('item', [
    {'start_date': '9999-12-31T23:59:59-23:59', 'periods': 10},
    {'start_date': '0001-01-01'}, {'start_date': '0000-01-01'}, {'end_date': '0001-01-01'},
    {'start_date': '9999-12-31', 'end_date': '9999-12-31'}, {'plan_name': 'x' * 5000},
    {'plan_name': 'Pro\x00'}, {'username': 'a@b'}, {'username': 'x' * 300}, {'username': '\n'},
    {'periods': -2**31}, {'periods': 2**31 - 1}, {'username': 7 * 'é' + '\x7f'}])
def test_an_item_that_cannot_be_is_its_own_failure(refused, item):
    octets = json.dumps({'subscriptions': [{**ITEM, **item}]}).encode()
    answer = refused('POST', '/v1/subscriptions', octets, statuses=(200, 400))
    if answer.status == 200:
        (result,) = json.loads(answer.body)['result']
        assert result['failure_reason'] and result['new_subscription'] is False
    else:
        in_the_envelope(answer)


IDS = ['x', '0', '99e47c22950a11ec84a4406c8f3e9cbb', '99e47c22-950a-11ec-84a4-406c8f3e9cbg',
       '%7B99e47c22-950a-11ec-84a4-406c8f3e9cbb%7D',
       'urn:uuid:99e47c22-950a-11ec-84a4-406c8f3e9cbb',
       '99e47c22-950a-11ec-84a4-406c8f3e9cbb0', 'ffffffff-ffff-ffff-ffff-ffffffffffff', 'x' * 3000]


@pytest.mark.parametrize('identity', IDS, ids=lambda value: value[:50])
@pytest.mark.parametrize('method, target, route', [
    ('GET', '/v1/plans/{}', None), ('GET', '/v1/plans/{}/active-rate', None),
    ('GET', '/v1/plans/{}/active-quota-defaults', None), ('GET', '/v1/resource-types/{}', None),
    ('POST', '/v1/plans/{}/quota-defaults', 'V7'), ('POST', '/v1/plans/{}/rates', 'V8'),
    ('PUT', '/v1/resource-types/{}', 'V23')])
def test_an_id_of_nothing_is_refused(refused, method, target, route, identity):
    octets = json.dumps(ROUTES[route][2]).encode() if route else b''
    answer = refused(method, target.format(identity), octets,
                     statuses=(404,) if identity.startswith('ffff') else (400,))
    in_the_envelope(answer)


BOOLEANS = ['yes', '2', 'tRUE', '%20true', 'true,true', '%00', '%FF']
DATES = ['x', '2026-02-30', '2026-1-1', '20260101', '2026-01-01T00:00:00Z', '10000-01-01', '%',
         '2026-01-01%20', '-001-01-01']
INTEGERS = ['x', '1.5', '1e3', '0x10', '2147483648', '-2147483649', '9' * 40, '+', '-', '%201',
            '--1', '%zz']
QUERIES = ([('POST', '/v1/subscriptions?force=' + wrong) for wrong in BOOLEANS]
           + [('GET', f'/v1/subscriptions?{name}={wrong}') for wrong in INTEGERS
              for name in ('offset', 'limit')]
           + [('GET', '/v1/subscriptions?' + wrong) for wrong in (
               'sort-field=id', 'sort-field=%FF', 'sort-dir=up', 'sort-dir=asc,desc',
               'limit=1001', 'limit=-1', 'offset=-1', 'search=%', 'search=%FF')]
           + [('PUT', '/v1/users/v1-bad/Pro?paid=' + wrong) for wrong in BOOLEANS + ['']]
           + [('PUT', '/v1/users/v1-bad/Pro?paid=true&periods=' + wrong)
              for wrong in INTEGERS + ['-1', '11', '2147483647']]
           + [('PUT', f'/v1/users/v1-bad/Pro?paid=true&{name}={wrong}') for wrong in DATES
              for name in ('start-date', 'end-date')]
           + [('PUT', '/v1/users/v1-bad/Pro?paid=true&' + wrong) for wrong in (
               'end-date=0001-01-01', 'start-date=0001-01-01',
               'start-date=2030-01-01&end-date=2029-01-01')]
           + [('PUT', '/v1/users/v1-bad/' + urllib.parse.quote(plan) + '?paid=true')
              for plan in ('Gold', 'basic', 'Pro ', 'x' * 3000, 'a`b', '名前')]
           + [('GET', '/v1/users/v1-bad/subscriptions?include-expired=' + wrong)
              for wrong in BOOLEANS]
           + [('GET', '/v1/users/v1-bad/subscriptions?cutoff=' + wrong) for wrong in DATES])


@pytest.mark.parametrize('method, target', QUERIES, ids=lambda value: str(value)[:80])
def test_a_bad_query_is_refused(refused, method, target):
    octets = json.dumps(ROUTES['V9'][2]).encode() if method == 'POST' else b''
    answer = refused(method, target, octets)
    assert answer.status == 400


NAMED = [('GET', '/v1/usages/{}'), ('GET', '/v1/usages/{}/updates'), ('PUT', '/v1/users/{}'),
         ('GET', '/v1/users/{}/plan'), ('POST', '/v1/users/{}/plan/cpu.hours/quota'),
         ('PUT', '/v1/users/{}/Pro?paid=true'), ('GET', '/v1/users/{}/subscriptions')]


@pytest.mark.parametrize('method, target', NAMED)
@pytest.mark.parametrize('name', BAD_NAMES)
def test_a_bad_name_in_a_path_is_refused(refused, method, target, name):
    quoted = urllib.parse.quote(BAD_NAMES[name], safe='')
    octets = b'{"quota":1}' if method == 'POST' else b''
    answer = refused(method, target.format(quoted), octets)
    assert json.loads(answer.body)['error'].startswith('invalid username')


@pytest.mark.parametrize('method, target', NAMED)
@pytest.mark.parametrize('octets', BAD_OCTETS)
def test_a_name_that_is_no_text_is_refused_like_any_other(refused, method, target, octets):
    answer = refused(method, target.format(octets), b'{"quota":1}' if method == 'POST' else b'')
    in_the_envelope(answer)
    assert json.loads(answer.body)['error'].startswith('invalid username')


@pytest.mark.parametrize('octets', BAD_OCTETS)
def test_a_plan_name_that_is_no_text_is_refused(refused, octets):
    refused('PUT', f'/v1/users/v1-bad/{octets}?paid=true')
    refused('POST', f'/v1/users/v1-bad/plan/{octets}/quota', b'{"quota":1}')


BODIES = bodies(['ADD', 'SET', 'cpu.hours', 'Pro', 'v1-any', '2026-01-01',
                 '2027-01-01T00:00:00Z', ''],
                ['subscriptions', 'username', 'plan_name', 'paid', 'periods', 'start_date',
                 'end_date', 'name', 'description', 'unit', 'plan_rates', 'plan_quota_defaults',
                 'rate', 'quota_value', 'effective_date', 'resource_type', 'consumable', 'quota',
                 'usage_value', 'update_type', 'resource_name', 'metadata'])


@hypothesis.settings(max_examples=300, deadline=None, database=None,
                     suppress_health_check=list(hypothesis.HealthCheck))
@hypothesis.given(route=strategies.sampled_from(sorted(ROUTES)), octets=BODIES)
def test_no_body_is_answered_with_a_5xx(server, route, octets):
    method, target, _ = ROUTES[route]
    with server.connect() as connection:
        answer = connection.ask(method, target, octets)
    assert answer.status in (200, 400, 404, 409), (octets, answer)
    json.loads(answer.body)
