"""Idempotency-Key on every route that writes: the lists of operations and of routes are read from
the sources, so that a new one fails here until it is in REQUESTS."""

import concurrent.futures
import re
import threading
import uuid

import httpx
import pytest

from server import REPOSITORY
from stored import CPU
from waits import WAIT_SECONDS_MAX

OPERATIONS = (REPOSITORY / 'src/domain/operations.h').read_text()
ROUTES = (REPOSITORY / 'src/front/front_routes.c').read_text()

WRITES = set(re.findall(r'X\((\w+),\s*"[\w.]+",\s*\w+,\s*EFFECT_WRITE', OPERATIONS))
ROUTE = re.compile(r'\{HTTP_(\w+),\s*"([^"]+)",\s*\w+,\s*\w+,\s*OP_(\w+),\s*\w+(?:,\s*\w+)?\}')
WRITING = [(method, pattern) for method, pattern, operation in ROUTE.findall(ROUTES)
           if operation in WRITES]

DATE = '2026-08-12T09:00:00Z'
CPU_ID = str(uuid.UUID(bytes=CPU))
NOWHERE = '00000000-0000-0000-0000-000000000000'


def result(response):
    assert response.status_code == 200, response.text
    return response.json()


def subscription_of(server, user):
    return result(server.get(f'/summary/{user}'))['subscription']['uuid']


def plan_of(server):
    return result(server.get('/v1/plans'))['result'][0]['id']


def addon_of(server, name):
    body = {'addon': {'name': name, 'description': 'd', 'default_amount': 1, 'default_paid': False,
                      'resource_type': {'uuid': CPU_ID},
                      'addon_rates': [{'rate': 5, 'effective_date': '2026-01-01T00:00:00Z'}]}}
    return result(server.put('/addons', body))['addon']['uuid']


def applied_of(server, user):
    subscription = subscription_of(server, user)
    path = f'/subscriptions/{subscription}/addons/{addon_of(server, "for-" + user)}'
    return result(server.put(path))['subscription_addon']['uuid']


def usage(value):
    return {'resource_name': 'cpu.hours', 'update_type': 'ADD', 'usage_value': value}


def update(value):
    return {'update': {'value_type': 'usages', 'value': value, 'effective_date': DATE,
                       'resource_type': {'name': 'cpu.hours', 'unit': 'cpu hours'},
                       'operation': {'name': 'ADD'}, 'user': {}}}


def plan(name, description):
    return {'name': name, 'description': description, 'plan_quota_defaults': [],
            'plan_rates': [{'effective_date': DATE, 'rate': 1}]}


def addon(name, amount):
    return {'addon': {'name': name, 'description': 'd', 'default_amount': amount,
                      'default_paid': False, 'resource_type': {'uuid': CPU_ID},
                      'addon_rates': [{'rate': 5, 'effective_date': DATE}]}}


def bulk(user, periods):
    return {'subscriptions': [{'username': user, 'plan_name': 'Pro', 'paid': True,
                               'periods': periods}]}


def default(value):
    return {'plan_quota_defaults': [{'quota_value': value, 'effective_date': '2027-01-01T00:00:00Z',
                                     'resource_type': {'name': 'cpu.hours'}}]}


def applied_change(applied, amount):
    return {'subscription_addon': {'uuid': applied, 'amount': amount, 'paid': False},
            'update_amount': True, 'update_paid': False}


# (method, route): what prepares it and returns the target and body of a request, and those of
# another one in the same scope that asks for something else (None: nothing else can be asked)
REQUESTS = {
    ('PUT', '/users'): lambda server, user: (
        ('/users', {'username': user, 'planName': 'Pro', 'paid': True}),
        ('/users', {'username': user, 'planName': 'Pro', 'paid': False})),
    ('PUT', '/user/{username}/updates'): lambda server, user: (
        (f'/user/{user}/updates', update(1)), (f'/user/{user}/updates', update(2))),
    ('PUT', '/users/{username}/usages'): lambda server, user: (
        (f'/users/{user}/usages', usage(1)), (f'/users/{user}/usages', usage(2))),
    ('PUT', '/plans'): lambda server, user: (
        ('/plans', {'plan': plan(user, 'a')}), ('/plans', {'plan': plan(user, 'b')})),
    ('PUT', '/quotas'): lambda server, user: (lambda id: tuple(
        ('/quotas', {'quota': {'quota': value, 'subscription_id': id,
                               'resource_type': {'name': 'cpu.hours'}}})
        for value in (500, 501)))(subscription_of(server, user)),
    ('PUT', '/addons'): lambda server, user: (
        ('/addons', addon(user, 1)), ('/addons', addon(user, 2))),
    ('POST', '/addons/{uuid}'): lambda server, user: (lambda id: tuple(
        (f'/addons/{id}', {'addon': {'default_amount': amount}, 'updateDefaultAmount': True})
        for amount in (600, 601)))(addon_of(server, user)),
    ('DELETE', '/addons/{uuid}'): lambda server, user: (
        (f'/addons/{addon_of(server, user)}', None), (f'/addons/{NOWHERE}', None)),
    ('PUT', '/subscriptions/{sub_uuid}/addons/{addon_uuid}'): lambda server, user: (
        lambda id, one, other: ((f'/subscriptions/{id}/addons/{one}', None),
                                (f'/subscriptions/{id}/addons/{other}', None))
    )(subscription_of(server, user), addon_of(server, user), addon_of(server, user + '2')),
    ('POST', '/subscription-addons/{uuid}'): lambda server, user: (lambda id: tuple(
        (f'/subscription-addons/{id}', applied_change(id, amount))
        for amount in (4000, 4001)))(applied_of(server, user)),
    ('DELETE', '/subscription-addons/{uuid}'): lambda server, user: (
        (f'/subscription-addons/{applied_of(server, user)}', None), None),
    ('POST', '/subscriptions/{sub_uuid}/addons/{addon_uuid}'): lambda server, user: (
        lambda id: tuple((f'/subscriptions/x/addons/{id}', applied_change(id, amount))
                         for amount in (4000, 4001)))(applied_of(server, user)),
    ('DELETE', '/subscriptions/{sub_uuid}/addons/{addon_uuid}'): lambda server, user: (
        (f'/subscriptions/x/addons/{applied_of(server, user)}', None), None),
    ('POST', '/v1/plans'): lambda server, user: (
        ('/v1/plans', plan(user, 'a')), ('/v1/plans', plan(user, 'b'))),
    ('POST', '/v1/plans/{plan_id}/quota-defaults'): lambda server, user: (lambda id: (
        (f'/v1/plans/{id}/quota-defaults', default(300)),
        (f'/v1/plans/{id}/quota-defaults', default(301))))(plan_of(server)),
    ('POST', '/v1/plans/{plan_id}/rates'): lambda server, user: (lambda id: tuple(
        (f'/v1/plans/{id}/rates',
         {'plan_rates': [{'effective_date': '2027-01-01T00:00:00Z', 'rate': rate}]})
        for rate in (60, 61)))(plan_of(server)),
    ('POST', '/v1/subscriptions'): lambda server, user: (
        ('/v1/subscriptions', bulk(user, 1)), ('/v1/subscriptions', bulk(user, 2))),
    ('POST', '/v1/subscriptions/'): lambda server, user: (
        ('/v1/subscriptions/', bulk(user, 1)), ('/v1/subscriptions/', bulk(user, 2))),
    ('POST', '/v1/usages'): lambda server, user: (
        ('/v1/usages', {'username': user, **usage(1)}),
        ('/v1/usages', {'username': user, **usage(2)})),
    ('PUT', '/v1/users/{username}'): lambda server, user: ((f'/v1/users/{user}', None), None),
    ('POST', '/v1/users/{username}/plan/{resource-type}/quota'): lambda server, user: (
        (f'/v1/users/{user}/plan/cpu.hours/quota', {'quota': 500}),
        (f'/v1/users/{user}/plan/cpu.hours/quota', {'quota': 501})),
    ('PUT', '/v1/users/{username}/{plan_name}'): lambda server, user: (
        (f'/v1/users/{user}/Pro?paid=true', None), (f'/v1/users/{user}/Pro?paid=false', None)),
    ('POST', '/v1/resource-types'): lambda server, user: (
        ('/v1/resource-types', {'name': user, 'unit': 'u', 'consumable': True}),
        ('/v1/resource-types', {'name': user, 'unit': 'u', 'consumable': False})),
    ('PUT', '/v1/resource-types/{resource_type_id}'): lambda server, user: (
        (f'/v1/resource-types/{CPU_ID}', {'name': 'cpu.hours', 'unit': 'h', 'consumable': True}),
        (f'/v1/resource-types/{CPU_ID}', {'name': 'cpu.hours', 'unit': 'H', 'consumable': True})),
}
OWN_IDS = [('POST', '/v2/usages')]  # every item has its own id


def test_every_route_that_writes_is_tried_here():
    assert len(ROUTE.findall(ROUTES)) == ROUTES.count('{HTTP_')
    assert WRITING
    assert set(WRITING) - set(REQUESTS) == set(OWN_IDS)


def send(server, method, request, key):
    target, body = request
    headers = [('Idempotency-Key', one) for one in ([key] if isinstance(key, str) else key)]
    return server.http.request(method, target, json=body, headers=headers)


def done(server):
    """What is stored, without what changes by itself."""
    return {table: rows for table, rows in server.stored().everything().items()
            if table != 'last_batch'}


def outcome(response):
    """Status and what was said: of a bulk answer, of its only item."""
    body = response.json()
    items = body.get('result') if isinstance(body, dict) else None
    if isinstance(items, list) and items and 'failure_reason' in items[0]:
        return 'refused', items[0]['failure_reason']
    return response.status_code, response.text


ROUTES_WITH_KEYS = [route for route in WRITING if route not in OWN_IDS]
each_route = pytest.mark.parametrize('route', ROUTES_WITH_KEYS, ids=' '.join)


@each_route
def test_a_write_that_comes_again_is_done_once(start_server, user, route):
    server = start_server()
    request, other = REQUESTS[route](server, user)
    first = send(server, route[0], request, 'k')
    assert outcome(first)[0] == 200, first.text
    before = done(server)
    assert any(key.startswith('k') for key in server.stored().request_keys())

    again = send(server, route[0], request, '"k"')
    assert outcome(again)[0] == 200, again.text
    server.restart()
    assert outcome(send(server, route[0], request, 'k'))[0] == 200
    assert done(server) == before

    if other is not None:
        refused = send(server, route[0], other, 'k')
        assert outcome(refused)[0] in (409, 'refused'), refused.text
        assert 'was used before with other content' in refused.text
        assert done(server) == before


@each_route
def test_a_repeat_is_answered_when_resource_types_have_other_names(start_server, user, route):
    server = start_server()
    request, _ = REQUESTS[route](server, user)
    assert outcome(send(server, route[0], request, 'k'))[0] == 200
    renamed = {'name': 'core.hours', 'unit': 'core hours', 'consumable': True}
    result(server.put(f'/v1/resource-types/{CPU_ID}', renamed))
    before = done(server)
    again = send(server, route[0], request, 'k')
    assert outcome(again)[0] == 200, again.text
    assert done(server) == before


@pytest.mark.parametrize('named, shown', [
    ({'name': 'cpu.hours', 'unit': 'cpu hours'}, ('', 'cpu.hours', 'cpu hours')),
    ({'name': 'cpu.hours', 'uuid': CPU_ID}, (CPU_ID, 'core.hours', 'core hours'))])
def test_a_repeated_update_shows_what_is_known_of_a_renamed_type(start_server, named, shown):
    server = start_server()
    request = ('/user/ada/updates', update(1))
    request[1]['update']['resource_type'] = named
    first = result(send(server, 'PUT', request, 'k'))['update']
    renamed = {'name': 'core.hours', 'unit': 'core hours', 'consumable': True}
    result(server.put(f'/v1/resource-types/{CPU_ID}', renamed))
    again = result(send(server, 'PUT', request, 'k'))['update']
    assert tuple(again['resource_type'][name] for name in ('uuid', 'name', 'unit')) == shown
    assert {**again, 'resource_type': 0} == {**first, 'resource_type': 0}


def test_a_repeat_is_answered_when_somebody_has_removed_what_it_made(start_server):
    server = start_server()
    kind = ('/v1/resource-types', {'name': 'gpu.hours', 'unit': 'u', 'consumable': True})
    made = result(send(server, 'POST', kind, 'k'))['result']
    result(server.post('/v1/plans', plan('Team', 'a team')))
    team = result(server.get('/v1/plans'))['result'][-1]
    assert team['name'] == 'Team'
    rates = (f'/v1/plans/{team["id"]}/rates',
             {'plan_rates': [{'rate': 2, 'effective_date': '2026-01-01T00:00:00Z'}]})
    result(send(server, 'POST', rates, 'k'))
    stored = server.stored()
    stored.execute("DELETE FROM resource_types WHERE name = 'gpu.hours'")
    stored.execute('DELETE FROM plan_rates WHERE plan_id = ?', uuid.UUID(team['id']).bytes)
    stored.execute("DELETE FROM plans WHERE name = 'Team'")
    assert result(send(server, 'POST', kind, 'k')) == {'result': {'id': made['id']},
                                                       'status': 'OK'}
    assert result(send(server, 'POST', rates, 'k'))['result'] == {'id': team['id']}


@each_route
def test_a_key_that_cannot_be_used_changes_nothing(shared, user, route):
    request, _ = REQUESTS[route](shared, user)
    before = done(shared)
    for key in ('', '""', 'two words', 'k' * 256, ['a', 'b'], ['a', 'a']):
        refused = send(shared, route[0], request, key)
        assert refused.status_code == 400, refused.text
        assert 'Idempotency-Key' in refused.text
        assert refused.headers['Content-Type'] == 'application/json'
        body = refused.json()
        assert 'error' in body or 'message' in body
    assert done(shared) == before


def test_the_longest_key_is_taken(shared, user):
    for _ in range(2):
        response = send(shared, 'PUT', (f'/users/{user}/usages', usage(1)), 'k' * 255)
        assert response.json()['usage']['usage'] == 1


def test_a_key_is_that_of_one_user_and_one_operation(shared, user):
    for target, body in ((f'/users/{user}/usages', usage(1)), (f'/user/{user}/updates', update(1)),
                         (f'/users/{user}-2/usages', usage(1))):
        assert send(shared, 'PUT', (target, body), 'same').status_code == 200
    assert result(shared.get(f'/users/{user}/usages'))['usages'][0]['usage'] == 2
    assert result(shared.get(f'/users/{user}-2/usages'))['usages'][0]['usage'] == 1


def test_a_refused_write_does_not_use_its_key_up(shared, user):
    target = f'/users/{user}/usages'
    bad = {'resource_name': 'none', 'update_type': 'ADD', 'usage_value': 1}
    assert send(shared, 'PUT', (target, bad), 'k').status_code == 400
    assert send(shared, 'PUT', (target, usage(1)), 'k').status_code == 200


def test_lists_with_ids_of_their_own_take_no_key(shared, user):
    item = {'id': user, 'username': user, **usage(1)}
    response = shared.http.post('/v2/usages', json=[item], headers={'Idempotency-Key': 'k'})
    assert response.status_code == 400
    assert response.headers['Content-Type'] == 'application/problem+json'
    assert result(shared.get(f'/users/{user}/usages'))['usages'] == []


@pytest.mark.parametrize('days, value', [(34, 1), (36, 2)])
def test_keys_are_remembered_for_35_days(start_server, clock, days, value):
    server = start_server(clock=clock)
    request = ('/users/ada/usages', usage(1))
    assert send(server, 'PUT', request, 'k').status_code == 200
    server.stop()
    clock.set(f'2026-09-{12 + days - 31} 10:00:00')  # days after 12 August
    server.start()
    for _ in range(2):
        assert send(server, 'PUT', request, 'k').json()['usage']['usage'] == value


@pytest.mark.parametrize('target, body', [('/users/{}/usages', usage(1)),
                                          ('/user/{}/updates', update(1)),
                                          ('/v1/usages', {'username': '{}', **usage(1)})])
def test_of_many_at_once_one_is_done(shared, user, target, body):
    body = {name: value.format(user) if isinstance(value, str) else value
            for name, value in body.items()}
    method = 'POST' if target.startswith('/v1') else 'PUT'
    threads, keys = 16, 10
    barrier = threading.Barrier(threads)

    def client(_):
        with httpx.Client(base_url=shared.url, timeout=WAIT_SECONDS_MAX, trust_env=False) as http:
            barrier.wait()
            return [http.request(method, target.format(user), json=body,
                                 headers={'Idempotency-Key': f'k{key}'}).status_code
                    for key in range(keys)]

    with concurrent.futures.ThreadPoolExecutor(threads) as pool:
        statuses = [status for some in pool.map(client, range(threads)) for status in some]
    assert statuses == [200] * threads * keys
    assert result(shared.get(f'/users/{user}/usages'))['usages'][0]['usage'] == keys
    assert len(shared.stored().updates(user)) == keys
