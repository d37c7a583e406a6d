"""Requests that race for one row: whatever their order, the outcome is one that some order of them
one after the other would have had."""

import collections
import decimal
import json

import pytest

from test_concurrency import connected, together

CPU = {'name': 'cpu.hours', 'unit': 'cpu hours'}
RATE = {'rate': 5, 'effective_date': '2026-01-15T12:00:00Z'}
USAGE = {'resource_name': 'cpu.hours', 'update_type': 'ADD', 'usage_value': 0.1}


def quota_update(value, how='ADD'):
    return {'update': {'value_type': 'quotas', 'value': value, 'user': {},
                       'effective_date': '2026-01-01T00:00:00Z', 'resource_type': CPU,
                       'operation': {'name': how}}}


def ask(connection, method, target, body=None):
    """(status, decoded body)."""
    answer = connection.ask(method, target, json.dumps(body).encode() if body is not None else b'')
    return answer.status, json.loads(answer.body)


def subscribed(server, user):
    """The id of the user's subscription."""
    return server.get(f'/summary/{user}').json()['subscription']['uuid']


def new_addon(server, amount=100):
    addon = {'name': 'Extra', 'description': 'Extra hours', 'default_amount': amount,
             'default_paid': False, 'resource_type': {'name': 'cpu.hours'}, 'addon_rates': [RATE]}
    return server.put('/addons', {'addon': addon}).json()['addon']['uuid']


# -- one subscription ------------------------------------------------------------------------------

FIRST_REQUESTS = [
    ('GET', '/summary/<name>', None),
    ('PUT', '/users/<name>/usages', USAGE),
    ('PUT', '/user/<name>/updates', quota_update(0)),
    ('POST', '/v2/usages', [{'id': 'x', 'username': '<name>', **USAGE}]),
    ('PUT', '/users', {'username': '<name>', 'plan_name': 'Basic', 'paid': False}),
    ('PUT', '/v1/users/<name>', None),
    ('GET', '/v1/users/<name>/plan', None),
    ('GET', '/v1/usages/<name>', None),
    ('POST', '/v1/usages', {'username': '<name>', **USAGE}),
    ('POST', '/v1/users/<name>/plan/data.size/quota', {'quota': 7}),
]


def test_first_requests_over_different_routes_make_one_basic_subscription(shared, user):
    for attempt in range(10):
        name = f'{user}-{attempt}'

        def first(connection, n):
            method, target, body = FIRST_REQUESTS[n]
            octets = json.dumps(body).replace('<name>', name).encode() if body else b''
            return connection.ask(method, target.replace('<name>', name), octets).status

        assert together(len(FIRST_REQUESTS), connected(shared, first)) == [200] * 10
        (subscription,) = shared.stored().subscriptions(name)
        assert shared.stored().usage(name) == decimal.Decimal('0.3')
        assert shared.stored().amounts('quotas', name) == {
            (subscription['id'], 'cpu.hours'): 200, (subscription['id'], 'data.size'): 7}


@pytest.mark.parametrize('change', [
    lambda user, plan: ('PUT', f'/v1/users/{user}/{plan}?paid=true', None),
    lambda user, plan: ('PUT', '/users', {'username': user, 'plan_name': plan, 'force': True}),
    lambda user, plan: ('POST', '/v1/subscriptions', {'subscriptions': [
        {'username': user, 'plan_name': plan, 'paid': True}] * 2}),
], ids=['V18', 'R3', 'V9'])
def test_plan_changes_at_a_time_leave_one_subscription_active(shared, user, change):
    plans = ['Basic', 'Regular', 'Pro', 'Commercial'] * 2

    def begin(connection, n):
        return ask(connection, *change(user, plans[n]))[0]

    assert together(len(plans), connected(shared, begin)) == [200] * len(plans)
    rows = sorted(shared.stored().subscriptions(user),
                  key=lambda row: (row['effective_start_date'], row['effective_end_date']))
    assert len(rows) in (len(plans), 2 * len(plans))
    for row, following in zip(rows, rows[1:]):
        assert row['effective_end_date'] <= following['effective_start_date']
    assert sum(row['effective_end_date'] > rows[-1]['effective_start_date'] for row in rows) == 1
    assert shared.get(f'/v1/subscriptions?search={user}').json()['result']['total'] == 1


# -- nothing lost ----------------------------------------------------------------------------------

def test_additions_to_a_quota_over_every_route_add_up(shared, user):
    """Updates, applications, changes and removals of add-ons, all of one quota."""
    subscription, addon = subscribed(shared, user), new_addon(shared, 100)

    def change(connection, n):
        for k in range(10):
            if n % 2:
                assert ask(connection, 'PUT', f'/user/{user}/updates', quota_update(0.1))[0] == 200
                continue
            status, applied = ask(connection, 'PUT',
                                  f'/subscriptions/{subscription}/addons/{addon}')
            assert status == 200, applied
            target = '/subscription-addons/' + applied['subscription_addon']['uuid']
            body = {'subscription_addon': {'amount': 30.5}, 'update_amount': True}
            assert ask(connection, 'POST', target, body)[0] == 200
            if k % 2:
                assert ask(connection, 'DELETE', target)[0] == 200

    together(12, connected(shared, change))
    applied = shared.get(f'/subscriptions/{subscription}/addons').json()['subscription_addons']
    assert len(applied) == 6 * 5
    expected = 200 + 6 * 10 * decimal.Decimal('0.1') + 6 * 5 * decimal.Decimal('30.5')
    assert shared.stored().quota(user) == expected
    audited = sum(row['value'] for row in shared.stored().updates(user))
    assert audited == expected - 200


def test_additions_to_a_usage_through_both_trees_add_up(shared, user):
    requests = [('PUT', f'/users/{user}/usages', USAGE),
                ('POST', '/v1/usages', {'username': user, **USAGE}),
                ('PUT', f'/user/{user}/updates',
                 {'update': {**quota_update(0.1)['update'], 'value_type': 'usages'}})]

    def add(connection, n):
        return [ask(connection, *requests[n % 3])[0] for _ in range(25)]

    assert sum(together(12, connected(shared, add)), []) == [200] * 300
    assert shared.stored().usage(user) == 30
    assert len(shared.stored().updates(user)) == 300


def test_an_addon_removed_by_many_is_taken_off_once(shared, user):
    subscription, addon = subscribed(shared, user), new_addon(shared, 100)
    for _ in range(10):
        applied = shared.put(f'/subscriptions/{subscription}/addons/{addon}').json()
        target = '/subscription-addons/' + applied['subscription_addon']['uuid']
        statuses = together(6, connected(shared, lambda connection, n: ask(
            connection, 'DELETE', target)[0]))
        assert collections.Counter(statuses) == {200: 1, 404: 5}
        assert shared.stored().quota(user) == 200


# -- one of two right states -----------------------------------------------------------------------

def test_an_addon_deleted_while_it_is_applied_is_in_use_or_gone(shared, user):
    subscription, seen, quota = subscribed(shared, user), set(), 200
    for attempt in range(60):
        addon = new_addon(shared, 1)

        def compete(connection, n):
            if n == attempt % 2:
                return 'deleted', ask(connection, 'DELETE', f'/addons/{addon}')[0]
            return 'applied', ask(connection, 'PUT',
                                  f'/subscriptions/{subscription}/addons/{addon}')[0]

        statuses = dict(together(2, connected(shared, compete)))
        listed = {row['uuid'] for row in shared.get('/addons').json()['addons']}
        applied = shared.get(f'/subscriptions/{subscription}/addons').json()['subscription_addons']
        uses = [row for row in applied if row['addon']['uuid'] == addon]
        if statuses['deleted'] == 200:
            assert (statuses['applied'], addon in listed, uses) == (404, False, [])
        else:
            quota += 1
            assert (statuses, addon in listed, len(uses)) == (
                {'deleted': 409, 'applied': 200}, True, 1)
        seen.add(statuses['deleted'])
        assert shared.stored().quota(user) == quota
    assert seen <= {200, 409}
    orphans = shared.stored().rows('SELECT id FROM subscription_addons '
                                   'WHERE addon_id NOT IN (SELECT id FROM addons)')
    assert orphans == []


# -- twins -----------------------------------------------------------------------------------------

TWINS = {
    'plans': ('/v1/plans', lambda name: {
        'name': name, 'description': 'twin', 'plan_rates': [RATE]}, 400),
    'resource types': ('/v1/resource-types', lambda name: {'name': name, 'unit': 'pieces'}, 409),
}


@pytest.mark.parametrize('kind', TWINS)
def test_of_twins_made_at_a_time_one_is_made(shared, user, kind):
    target, body, refusal = TWINS[kind]
    for attempt in range(8):
        name = f'{user}-{attempt}'
        statuses = together(8, connected(shared, lambda connection, n: ask(
            connection, 'POST', target, body(name))[0]))
        assert collections.Counter(statuses) == {200: 1, refusal: 7}
        listed = [row['name'] for row in shared.get(target).json()['result']]
        assert listed.count(name) == 1
