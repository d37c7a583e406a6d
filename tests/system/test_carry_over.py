"""What a new subscription leaves of those it replaces, where the settings say so: usages and
add-ons that go over to it (--carry-over), and what a longer one has behind its end
(--restore-tail)."""

import json
import subprocess

import pytest

from nats_server import NatsClient, NatsServer, await_nats
from server import BINARY, environment
from waits import WAIT_SECONDS_MAX

HOURS = 'f8d2066c-e3b2-4559-839e-88bfc997c89f'  # the add-on of 5000 hours
CARRY, RESTORE = '--carry-over', '--restore-tail'


def ok(response):
    assert response.status_code == 200, response.text
    return response.json()


def summary(server, user='ada'):
    return ok(server.get(f'/summary/{user}'))['subscription']


def amounts(subscription, kind):
    return {row['resource_type']['name']: row[{'quotas': 'quota', 'usages': 'usage'}[kind]]
            for row in subscription[kind]}


def shown(server, user='ada'):
    """The active subscription: plan, quota of hours, what is used, and how many add-ons it has."""
    subscription = summary(server, user)
    addons = ok(server.get(f'/subscriptions/{subscription["uuid"]}/addons'))['subscription_addons']
    assert {row['subscription_id'] for row in addons} <= {subscription['uuid']}
    assert {row['addon']['uuid'] for row in addons} <= {HOURS}
    return (subscription['plan']['name'], amounts(subscription, 'quotas')['cpu.hours'],
            amounts(subscription, 'usages'), len(addons))


def subscribe(server, user='ada', periods=1):
    """On Basic, with an add-on of 5000 hours, 90 hours used and 700 bytes occupied."""
    body = {'username': user, 'planName': 'Basic', 'paid': True, 'periods': periods}
    ok(server.put('/users', body))
    id = summary(server, user)['uuid']
    ok(server.put(f'/subscriptions/{id}/addons/{HOURS}'))
    ok(server.usage(user, 90))
    ok(server.usage(user, 700, 'SET', 'data.size'))
    hours = 5000 + 200 * periods
    assert shown(server, user) == ('Basic', hours, {'cpu.hours': 90, 'data.size': 700}, 1)
    return id


def bulk(*items):
    return {'subscriptions': [{'username': 'ada', 'plan_name': 'Pro', 'paid': True, **item}
                              for item in items]}


def assert_explained(server):
    """qms verify, at the time of the server, finds nothing, though much went over."""
    clock = server.clock.environment() if server.clock else {}
    done = subprocess.run([BINARY, 'verify', '--store', server.store.url, '--json'],
                          capture_output=True, text=True, env=environment(**clock),
                          timeout=WAIT_SECONDS_MAX)
    assert json.loads(done.stdout)['findings'] == [], done.stdout


BUY = {
    'root': lambda server: server.put('/users', {'username': 'ada', 'planName': 'Pro',
                                                 'paid': True}),
    'v1': lambda server: server.put('/v1/users/ada/Pro?paid=true'),
    'list': lambda server: server.post('/v1/subscriptions', bulk({})),
}
each_way = pytest.mark.parametrize('buy', BUY.values(), ids=BUY)


# -- carried over ---------------------------------------------------------------------------------


@each_way
def test_a_change_of_plan_carries_over_what_is_occupied_and_the_addons(start_server, buy):
    server = start_server(CARRY)
    subscribe(server)
    trail = len(server.stored().updates('ada'))
    ok(buy(server))
    assert shown(server) == ('Pro', 25000, {'data.size': 700}, 1)
    server.restart()
    assert shown(server) == ('Pro', 25000, {'data.size': 700}, 1)
    assert_explained(server)
    assert {(row['operation'], row['value_type'], row['resource'], row['value'])
            for row in server.stored().updates('ada')[trail:]} == {
                ('SET', 'usages', 'data.size', 700), ('ADD', 'quotas', 'cpu.hours', 5000)}


@each_way
def test_nothing_is_carried_over_by_default(start_server, buy):
    server = start_server()
    subscribe(server)
    ok(buy(server))
    assert shown(server) == ('Pro', 20000, {}, 0)


def test_what_went_over_can_be_changed_and_taken_back(start_server):
    server = start_server(CARRY)
    old = subscribe(server)
    ok(server.put('/v1/users/ada/Pro?paid=true'))
    id = summary(server)['uuid']
    (addon,) = ok(server.get(f'/subscriptions/{id}/addons'))['subscription_addons']
    ok(server.http.delete(f'/subscription-addons/{addon["uuid"]}'))
    ok(server.usage('ada', 300, 'ADD', 'data.size'))
    assert shown(server) == ('Pro', 20000, {'data.size': 1000}, 0)
    # what it replaced is as it was
    (addon,) = ok(server.get(f'/subscriptions/{old}/addons'))['subscription_addons']
    assert addon['amount'] == 5000
    assert_explained(server)


def test_a_repeated_purchase_carries_nothing_over_twice(start_server):
    server = start_server(CARRY)
    subscribe(server)
    for _ in range(3):
        ok(server.put('/v1/users/ada/Pro?paid=true', headers={'Idempotency-Key': 'k'}))
        assert shown(server) == ('Pro', 25000, {'data.size': 700}, 1)
    assert len(server.stored().subscriptions('ada')) == 2
    ok(server.put('/v1/users/ada/Pro?paid=true'))  # a renewal carries over as well
    assert shown(server) == ('Pro', 25000, {'data.size': 700}, 1)
    assert_explained(server)


def test_each_item_of_a_list_carries_over_on_its_own(start_server):
    server = start_server(CARRY)
    subscribe(server, 'ada')
    subscribe(server, 'bob')
    items = bulk({}, {'username': 'bob', 'plan_name': 'Gold'}, {'plan_name': 'Regular'},
                 {'username': 'cyd'})
    failures = [item['failure_reason'] if 'failure_reason' in item else None
                for item in ok(server.post('/v1/subscriptions', items))['result']]
    assert [bool(failure) for failure in failures] == [False, True, False, False]
    assert shown(server, 'ada') == ('Regular', 6000, {'data.size': 700}, 1)
    assert shown(server, 'bob') == ('Basic', 5200, {'cpu.hours': 90, 'data.size': 700}, 1)
    assert shown(server, 'cyd') == ('Pro', 20000, {}, 0)
    assert_explained(server)


def test_a_start_in_the_future_takes_over_what_there_is_when_it_is_bought(start_server, clock):
    server = start_server(CARRY, clock=clock)
    subscribe(server)
    ok(server.put('/v1/users/ada/Pro?paid=true&start-date=2026-12-01'))
    ok(server.usage('ada', 50, 'ADD', 'data.size'))
    assert shown(server) == ('Basic', 5200, {'cpu.hours': 90, 'data.size': 750}, 1)
    assert_explained(server)
    clock.set('2026-12-02 00:00:00')
    assert shown(server) == ('Pro', 25000, {'data.size': 700}, 1)
    assert_explained(server)


def test_what_has_expired_is_not_carried_over(start_server, clock):
    server = start_server(CARRY, clock=clock)
    subscribe(server)
    clock.set('2027-08-12 10:00:01')
    ok(server.put('/v1/users/ada/Pro?paid=true'))
    assert shown(server) == ('Pro', 20000, {}, 0)


def test_an_overage_is_seen_at_once_on_a_smaller_plan(start_server):
    server = start_server(CARRY)
    ok(server.put('/users', {'username': 'ada', 'planName': 'Pro', 'paid': True}))
    ok(server.usage('ada', 6000000000, 'SET', 'data.size'))
    assert ok(server.get('/users/ada/overages'))['overages'] == []
    ok(server.put('/users', {'username': 'ada', 'planName': 'Basic', 'paid': False}))
    assert ok(server.get('/users/ada/overages'))['overages'] == [
        {'resource_name': 'data.size', 'quota': 5368709120, 'usage': 6000000000}]


# -- the tail -------------------------------------------------------------------------------------


def spans(server, user='ada'):
    return [(row['plan']['name'], row['effective_start_date'][:10],
             row.get('effective_end_date', '')[:10])
            for row in ok(server.get(f'/v1/users/{user}/subscriptions'
                                     '?include-expired=true'))['result']['subscriptions']]


@pytest.mark.parametrize('way', ['v1', 'root', 'list'])
def test_a_longer_subscription_goes_on_behind_a_shorter_one(start_server, clock, way):
    server = start_server(RESTORE, clock=clock)
    subscribe(server, periods=5)
    ok(server.usage('ada', 10, 'SET'))
    clock.set('2026-09-01 00:00:00')
    if way == 'v1':
        ok(server.put('/v1/users/ada/Pro?paid=true&end-date=2026-10-01'))
    elif way == 'root':
        ok(server.put('/users', {'username': 'ada', 'planName': 'Pro', 'paid': True,
                                 'endDate': '2026-10-01'}))
    else:
        ok(server.post('/v1/subscriptions', bulk({'end_date': '2026-10-01'})))
    assert spans(server) == [('Basic', '2026-08-12', '2026-09-01'),
                             ('Pro', '2026-09-01', '2026-10-01'),
                             ('Basic', '2026-10-01', '2031-08-12')]
    assert shown(server) == ('Pro', 20000, {}, 0)
    assert_explained(server)
    server.restart()
    clock.set('2026-10-01 00:00:01')
    assert shown(server) == ('Basic', 6000, {'cpu.hours': 10, 'data.size': 700}, 1)
    ok(server.usage('ada', 5))
    assert shown(server) == ('Basic', 6000, {'cpu.hours': 15, 'data.size': 700}, 1)
    assert_explained(server)


def test_a_tail_is_cut_off_by_default(start_server, clock):
    server = start_server(clock=clock)
    subscribe(server)
    clock.set('2026-09-01 00:00:00')
    ok(server.put('/v1/users/ada/Pro?paid=true&end-date=2026-10-01'))
    assert spans(server) == [('Basic', '2026-08-12', '2026-09-01'),
                             ('Pro', '2026-09-01', '2026-10-01')]
    clock.set('2026-10-01 00:00:01')
    assert shown(server) == ('Basic', 200, {}, 0)


def test_both_settings_work_together(start_server, clock):
    server = start_server(CARRY, RESTORE, clock=clock)
    subscribe(server)
    clock.set('2026-09-01 00:00:00')
    ok(server.put('/v1/users/ada/Pro?paid=true&end-date=2026-10-01'))
    assert shown(server) == ('Pro', 25000, {'data.size': 700}, 1)
    clock.set('2026-10-01 00:00:01')
    assert shown(server) == ('Basic', 5200, {'cpu.hours': 90, 'data.size': 700}, 1)
    assert_explained(server)


# -- over NATS ------------------------------------------------------------------------------------


@pytest.mark.parametrize('subject, asked', [('user.add', {'plan_name': 'Pro', 'paid': True}),
                                            ('user.plan.change', {'name': 'Pro'})])
def test_the_settings_hold_over_nats(start_server, tmp_path, subject, asked):
    with NatsServer(tmp_path / 'nats') as nats, NatsClient(nats.url) as client:
        server = await_nats(start_server('--nats', nats.url, CARRY, RESTORE))
        subscribe(server, periods=5)
        assert client.json(subject, {'username': 'ada', **asked})['error'] is None
    assert shown(server) == ('Pro', 25000, {'data.size': 700}, 1)
    assert [plan for plan, _, _ in spans(server)] == ['Basic', 'Pro', 'Basic']
    assert_explained(server)


def test_a_larger_plan_is_kept_over_nats_too(start_server, tmp_path):
    with NatsServer(tmp_path / 'nats') as nats, NatsClient(nats.url) as client:
        server = await_nats(start_server('--nats', nats.url, '--keep-larger-plan'))
        for force, kept in ((False, 'Pro'), (True, 'Basic')):
            ok(server.put('/users', {'username': 'ada', 'planName': 'Pro', 'force': True}))
            asked = {'username': 'ada', 'plan_name': 'Basic', 'force': force}
            answer = client.json('user.add', asked)
            assert (answer['error'], answer['planName']) == (None, 'Basic')
            assert summary(server)['plan']['name'] == kept
