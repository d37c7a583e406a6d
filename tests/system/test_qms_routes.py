"""Every route and outcome of the root tree and of /v2, against the golden files.

The golden files were written from the HTTP document, not from the server's answers. The server's
clock stands still at 2026-08-12T10:00:00Z; the user is always ada.
"""

import json
import subprocess
import uuid

import pytest

import golden
from stored import CPU, PRO, PRO_RATE

DATE = '2026-08-12T09:00:00Z'
ADDON = uuid.UUID('f8d2066c-e3b2-4559-839e-88bfc997c89f').bytes
ADDON_RATE = uuid.UUID('672e49af-b7b7-4a0e-a929-00f4a1c5e7f2').bytes


def update(value, how='ADD', resource='cpu.hours', value_type='usages', **members):
    """The body of R5; a member given as ... is left out."""
    unit = {'cpu.hours': 'cpu hours', 'data.size': 'bytes'}.get(resource, 'cpu hours')
    whole = {'value_type': value_type, 'value': value, 'effective_date': DATE,
             'resource_type': {'name': resource, 'unit': unit}, 'operation': {'name': how},
             'user': {}, **members}
    return {'update': {name: member for name, member in whole.items() if member is not ...}}


def usage(value, how='ADD', resource='cpu.hours', **more):
    return {'resource_name': resource, 'update_type': how, 'usage_value': value, **more}


def item(identity, value, resource='cpu.hours', username='ada'):
    return {'id': identity, 'username': username, 'resource_name': resource,
            'update_type': 'ADD', 'usage_value': value}


UPDATES, USAGES = '/user/ada/updates', '/users/ada/usages'
USED = [('PUT', USAGES, usage(12.5)), ('PUT', USAGES, usage(1024, 'SET', 'data.size'))]
OVER = [('PUT', USAGES, usage(250)), ('PUT', USAGES, usage(5368709120, 'SET', 'data.size'))]
SUBSCRIBED = [('GET', '/summary/ada', None)]


def requote(value, resource):
    return ('PUT', UPDATES, update(value, 'SET', resource, 'quotas'))


# golden file: (method, target, body, requests before it)
CASES = {
    'R1-hello': ('GET', '/', None, []),
    'R2-summary-of-a-new-user': ('GET', '/summary/ada', None, []),
    'R2-summary-with-usages': ('GET', '/summary/ada', None, USED),
    'R2-summary-with-changed-quotas': (
        'GET', '/summary/ada', None, [requote(350.5, 'cpu.hours'), requote(1e21, 'data.size')]),
    'R2-invalid-username': ('GET', '/summary/ada%40example.org', None, []),
    'R5-usage-set': ('PUT', UPDATES, update(12.5, 'SET', metadata='{"analysis":"x"}'), []),
    'R5-usage-added': ('PUT', UPDATES, update(0.1, 'ADD', 'data.size'), []),
    'R5-quota-set': ('PUT', UPDATES, update(500, 'SET', value_type='quotas'), []),
    'R5-quota-added': ('PUT', UPDATES, update(-50.25, 'ADD', value_type='quotas'), []),
    'R5-value-type-in-the-singular': ('PUT', UPDATES, update(3, value_type='usage'), []),
    'R5-timestamp-as-an-object': (
        'PUT', UPDATES,
        update(3, effective_date={'seconds': 1786525200, 'nanos': 500000000}), []),
    'R5-date-with-an-offset': (
        'PUT', UPDATES, update(3, effective_date='2026-08-12T02:00:00.123456789-07:00'), []),
    'R5-markup-in-metadata': ('PUT', UPDATES, update(3, metadata='<a> & "b" \\ é'), []),
    'R5-invalid-username': ('PUT', '/user/ada%40example.org/updates', update(1), []),
    'R5-undecodable-body': ('PUT', UPDATES, b'{"update":', []),
    'R5-no-update': ('PUT', UPDATES, {}, []),
    'R5-no-user': ('PUT', UPDATES, update(1, user=...), []),
    'R5-user-is-null': ('PUT', UPDATES, update(1, user=None), []),
    'R5-no-resource-type': ('PUT', UPDATES, update(1, resource_type=...), []),
    'R5-no-operation': ('PUT', UPDATES, update(1, operation=...), []),
    'R5-unknown-resource': ('PUT', UPDATES, update(1, resource='gpu.hours'), []),
    'R5-unknown-unit': (
        'PUT', UPDATES, update(1, resource_type={'name': 'cpu.hours', 'unit': 'bushels'}), []),
    'R5-unit-of-another-resource': (
        'PUT', UPDATES, update(1, resource_type={'name': 'cpu.hours', 'unit': 'bytes'}), []),
    'R5-unknown-operation': ('PUT', UPDATES, update(1, 'MUL'), []),
    'R5-operation-in-lower-case': ('PUT', UPDATES, update(1, 'add'), []),
    'R5-unknown-value-type': ('PUT', UPDATES, update(1, value_type='rates'), []),
    'R5-no-effective-date': ('PUT', UPDATES, update(1, effective_date=...), []),
    'R5-date-far-ahead': ('PUT', UPDATES, update(1, effective_date='2026-08-12T10:05:01Z'), []),
    'R6-no-overages': ('GET', '/users/ada/overages', None, USED),
    'R6-overages': ('GET', '/users/ada/overages', None, OVER),
    'R6-unknown-user': ('GET', '/users/ada/overages', None, []),
    'R6-invalid-username': ('GET', '/users/ada%2Fbob/overages', None, []),
    'R7-over': ('GET', '/users/ada/overages/cpu.hours', None, OVER),
    'R7-not-over': ('GET', '/users/ada/overages/cpu.hours', None, USED),
    'R7-unknown-resource': ('GET', '/users/ada/overages/gpu.hours', None, OVER),
    'R7-unknown-user': ('GET', '/users/ada/overages/cpu.hours', None, []),
    'R7-invalid-username': ('GET', '/users/%0A/overages/cpu.hours', None, []),
    'R8-usages': ('GET', USAGES, None, USED),
    'R8-no-usages': ('GET', USAGES, None, SUBSCRIBED),
    'R8-unknown-user': ('GET', USAGES, None, []),
    'R8-invalid-username': ('GET', '/users/@/usages', None, []),
    'R9-usage-set': ('PUT', USAGES, usage(1024, 'SET', 'data.size', resource_unit='bytes'), []),
    'R9-usage-added': (
        'PUT', USAGES, usage(1.25, username='bob'), [('PUT', USAGES, usage(2.5))]),
    'R9-unknown-resource': ('PUT', USAGES, usage(1, resource='gpu.hours'), []),
    'R9-unknown-update-type': ('PUT', USAGES, usage(1, 'MUL'), []),
    'R9-negative-set': ('PUT', USAGES, usage(-1, 'SET'), []),
    'R9-invalid-username': ('PUT', '/users/ada@/usages', usage(1), []),
    'R9-undecodable-body': ('PUT', USAGES, b'usage', []),
    'V2-usages': (
        'POST', '/v2/usages', [item('a', 1), item('b', 2), item('a', 1),
                               item('c', 3, 'gpu.hours'), item('b', 4)], []),
    'V2-no-usages': ('POST', '/v2/usages', [], []),
    'V2-body-is-no-list': ('POST', '/v2/usages', {'id': 'a'}, []),
    'V2-too-many-items': ('POST', '/v2/usages', [item(str(n), 1) for n in range(10001)], []),
    'V2-other-method': ('GET', '/v2/usages', None, []),
    'V2-unknown-path': ('GET', '/v2/nothing', None, []),
    'V2-overages': ('GET', '/v2/overages', None, OVER),
    'V2-no-overages': ('GET', '/v2/overages', None, USED),
    'unknown-path': ('GET', '/nothing', None, []),
    'unknown-path-under-v1': ('GET', '/v1/nothing', None, []),
    'trailing-slash': ('GET', '/summary/ada/', None, []),
    'other-method': ('DELETE', '/summary/ada', None, []),
    'other-method-of-two': ('DELETE', USAGES, None, []),
}
# golden files whose store has to be prepared by hand
PREPARED = {'R2-summary-of-a-subscription-without-end', 'R2-summary-with-addons'}


@pytest.mark.parametrize('name', CASES)
def test_the_answer_is_the_golden_one(ask, name):
    method, target, body, before = CASES[name]
    for earlier in before:
        assert ask(*earlier).status == 200
    assert golden.normalised(ask(method, target, body)) == golden.expected(name)


def test_every_golden_file_has_its_case():
    assert set(golden.names()) == set(CASES) | PREPARED


def test_a_summary_shows_a_subscription_without_end(ask):
    ask('GET', '/summary/ada')
    stored = ask.server.stored()
    stored.execute('DELETE FROM quotas')
    stored.execute('DELETE FROM subscriptions')
    stored.add_subscription('ada', PRO, PRO_RATE, '2026-03-01 00:00:00', None,
                            {'cpu.hours': '0.0000001'})
    name = 'R2-summary-of-a-subscription-without-end'
    assert golden.normalised(ask('GET', '/summary/ada')) == golden.expected(name)


def test_a_summary_shows_the_addons_of_the_subscription(ask):
    ask('GET', '/summary/ada')
    stored = ask.server.stored()
    (subscription,) = stored.subscriptions('ada')
    stored.execute('INSERT INTO subscription_addons (id, subscription_id, addon_id, amount, paid, '
                   'addon_rate_id) VALUES (?,?,?,?,?,?)',
                   uuid.UUID('01890000-0000-7000-8000-000000000001').bytes, subscription['id'],
                   ADDON, '2500.5', False, ADDON_RATE)
    answer = golden.normalised(ask('GET', '/summary/ada'))
    assert answer == golden.expected('R2-summary-with-addons')


def test_a_new_user_is_subscribed_to_basic_for_a_year_unpaid(ask):
    ask('GET', '/summary/ada')
    (subscription,) = ask.server.stored().subscriptions('ada')
    assert subscription['paid'] == 0
    assert subscription['effective_start_date'] == 1786528800 * 10**6  # 2026-08-12T10:00:00Z
    assert subscription['effective_end_date'] == 1818064800 * 10**6    # 2027-08-12T10:00:00Z
    assert ask.server.stored().quota('ada', 'cpu.hours') == 200
    assert ask.server.stored().quota('ada', 'data.size') == 5 * 2**30
    assert ask.server.stored().count('updates') == 0


def test_a_second_summary_makes_no_second_subscription(ask):
    assert ask('GET', '/summary/ada').body == ask('GET', '/summary/ada').body
    assert len(ask.server.stored().subscriptions('ada')) == 1


@pytest.mark.parametrize('target', ['/users/ada/overages', '/users/ada/overages/cpu.hours',
                                    '/users/ada/usages'])
def test_a_read_that_is_not_the_summary_creates_nobody(ask, target):
    before = ask.server.stored().everything()
    assert ask('GET', target).status == 200
    assert ask.server.stored().everything() == before


@pytest.mark.parametrize('target, body', [(UPDATES, update(1)), (USAGES, usage(1))])
def test_a_change_for_a_new_user_subscribes_the_user_to_basic(ask, target, body):
    assert ask('PUT', target, body).status == 200
    (subscription,) = ask.server.stored().subscriptions('ada')
    assert subscription['paid'] == 0
    assert ask.server.stored().quota('ada') == 200
    assert ask.server.stored().usage('ada') == 1


def test_an_update_leaves_its_row_in_the_audit_trail(ask):
    ask('PUT', UPDATES, update(12.5, 'SET', metadata='{"analysis":"x"}'))
    (row,) = ask.server.stored().updates('ada')
    assert (row['operation'], row['value_type'], row['value']) == ('SET', 'usages', 12.5)
    assert (row['resource'], row['metadata']) == ('cpu.hours', '{"analysis":"x"}')
    assert row['effective_date'] == 1786525200 * 10**6
    assert row['created_by'] == row['last_modified_by'] == 'qms'
    assert row['created_at'] == row['last_modified_at'] == 1786528800 * 10**6


def test_a_usage_set_without_update_is_audited_too(ask):
    ask('PUT', USAGES, usage(7, 'SET'))
    ask('PUT', USAGES, usage(-2))
    set_row, add_row = ask.server.stored().updates('ada')
    assert (set_row['operation'], set_row['value'], set_row['value_type']) == ('SET', 7, 'usages')
    assert (add_row['operation'], add_row['value']) == ('ADD', -2)
    assert add_row['effective_date'] == 1786528800 * 10**6


def test_a_quota_addition_below_zero_stops_at_zero_and_records_the_difference(ask):
    assert ask('PUT', UPDATES, update(-300, value_type='quotas')).status == 200
    (row,) = ask.server.stored().updates('ada')
    assert row['value'] == -200
    assert ask.server.stored().quota('ada') == 0


def test_a_usage_addition_below_zero_is_refused_and_changes_nothing(ask):
    ask('PUT', USAGES, usage(5))
    before = ask.server.stored().everything()
    for target, body in [(USAGES, usage(-5.5)), (UPDATES, update(-5.5))]:
        assert ask('PUT', target, body).status == 400
    assert ask.server.stored().everything() == before


def test_usage_equal_to_the_quota_is_an_overage(ask):
    ask('PUT', USAGES, usage(199.999))
    assert json.loads(ask('GET', '/users/ada/overages').body)['overages'] == []
    ask('PUT', USAGES, usage(0.001))
    assert json.loads(ask('GET', '/users/ada/overages').body)['overages'] == [
        {'resource_name': 'cpu.hours', 'quota': 200, 'usage': 200}]


def test_a_quota_of_zero_with_a_usage_of_zero_is_an_overage(ask):
    ask('PUT', UPDATES, update(0, 'SET', value_type='quotas'))
    assert json.loads(ask('GET', '/users/ada/overages/cpu.hours').body)['is_overage'] is False
    ask('PUT', USAGES, usage(0))
    assert json.loads(ask('GET', '/users/ada/overages/cpu.hours').body)['is_overage'] is True


def test_a_resource_without_quota_is_never_over(ask):
    ask('PUT', USAGES, usage(10**6))
    ask.server.stored().execute('DELETE FROM quotas WHERE resource_type_id = ?', CPU)
    assert json.loads(ask('GET', '/users/ada/overages').body)['overages'] == []


def test_without_overage_reports_nobody_is_over(start_server):
    server = start_server('--report-overages=false')
    server.usage('ada', 10**6)
    assert server.get('/users/ada/overages').json()['overages'] == []
    assert server.get('/users/ada/overages/cpu.hours').json()['is_overage'] is False


def test_curl_gets_what_the_document_says(shared, user):
    body = json.dumps(update(2.5))
    put = subprocess.run(['curl', '-sS', '-f', '-X', 'PUT', '-H', 'Content-Type: application/json',
                          '-d', body, f'{shared.url}/user/{user}/updates'], capture_output=True,
                         check=True)
    assert json.loads(put.stdout)['update']['user']['username'] == user
    summary = subprocess.run(['curl', '-sS', '-i', f'{shared.url}/summary/{user}'],
                             capture_output=True, check=True).stdout
    assert summary.startswith(b'HTTP/1.1 200 OK\r\n') and summary.endswith(b'"addons":[]}}\n')


def test_names_are_decoded_exactly_once(shared):
    assert shared.get('/summary/%61d%61').json()['subscription']['user']['username'] == 'ada'
    shared.get('/summary/per%2525cent')
    names = {row['username'] for row in shared.stored().rows('SELECT username FROM users')}
    assert {'ada', 'per%25cent'} <= names


def test_member_names_are_matched_without_regard_to_case(shared, user):
    body = {'UPDATE': {'Value_Type': 'usages', 'VALUE': 4, 'effective_date': DATE, 'User': {},
                       'resource_type': {'NAME': 'cpu.hours', 'unit': 'cpu hours'},
                       'Operation': {'name': 'ADD'}, 'unknown': [{'x': None}]}, 'header': {}}
    assert shared.put(f'/user/{user}/updates', body).status_code == 200
    assert shared.stored().usage(user) == 4


def test_the_pages_of_all_overages_are_sorted_and_complete(start_server):
    server = start_server()
    users = [f'user{n}' for n in range(25)]
    server.record([item(name, 200, username=name) for name in users]
                  + [item('d' + name, 5 * 2**30, 'data.size', name) for name in users[::5]])
    expected = sorted([(name, 'cpu.hours') for name in users]
                      + [(name, 'data.size') for name in users[::5]])
    seen, after, pages = [], None, 0
    while pages < 30:
        query = {'limit': 7, **({'after': after} if after else {})}
        page = server.get('/v2/overages', params=query).json()
        seen += [(row['username'], row['resource_name']) for row in page['overages']]
        after, pages = page['next'], pages + 1
        if after is None:
            break
    assert seen == expected
    assert pages >= 4
    whole = server.get('/v2/overages').json()
    assert [(row['username'], row['resource_name']) for row in whole['overages']] == expected


@pytest.mark.parametrize('query', ['limit=0', 'limit=-1', 'limit=x', 'limit=', 'limit=1e2',
                                   'limit=99999999999999999999', 'linit=5', 'after=%FF',
                                   'after=%0', 'limit=5&limit=y'])
def test_a_query_that_cannot_be_meant_is_refused(shared, query):
    with shared.connect() as connection:
        answer = connection.ask('GET', f'/v2/overages?{query}')
    assert answer.status == 400
    assert answer.header('Content-Type') == 'application/problem+json'
    assert json.loads(answer.body)['status'] == 400


def test_a_page_begins_after_a_name_that_need_not_exist(start_server):
    server = start_server()
    server.record([item(name, 200, username=name) for name in ('a b', 'bob', 'ünï', 'zoe')])

    def after(name):
        page = server.get('/v2/overages', params={'after': name}).json()
        return [row['username'] for row in page['overages']]

    assert after('') == ['a b', 'bob', 'zoe', 'ünï']
    assert after('a b') == after('b') == ['bob', 'zoe', 'ünï']
    assert after('zoe') == ['ünï']
    assert after('ünï') == []
