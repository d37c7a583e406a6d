"""What subscribing does: windows, quotas, downgrades and expiries, asked for over /v1 and over the
root tree. The clock stands at 2026-08-12 10:00:00 UTC until a test moves it."""

import json

import pytest

from stored import BASIC, BASIC_RATE, COMMERCIAL, PRO, PRO_RATE, REGULAR, microseconds

NOW = '2026-08-12 10:00:00'
GIB, TIB = 2**30, 2**40
DEFAULTS = {'Basic': (200, 5 * GIB), 'Regular': (1000, 50 * GIB), 'Pro': (20000, 3 * TIB),
            'Commercial': (50000, 5 * TIB)}
PLANS = {'Basic': BASIC, 'Regular': REGULAR, 'Pro': PRO, 'Commercial': COMMERCIAL}


@pytest.fixture
def server(start_server, clock):
    return start_server(clock=clock)


def moment(text):
    """'2026-09-01' or '2026-09-01 10:00:00' as the store has it; None stays."""
    return text and microseconds(text if ' ' in text else text + ' 00:00:00')


def change(server, plan, user='ada', **query):
    """V18; underscores of the query's names become hyphens."""
    query = {name.replace('_', '-'): value for name, value in query.items()}
    return server.put(f'/v1/users/{user}/{plan}', params={'paid': 'true', **query})


def create(server, *items, force='true'):
    """V9, each item with what it must have; the results."""
    requests = [{'username': 'ada', 'paid': True, **item} for item in items]
    response = server.post(f'/v1/subscriptions?force={force}', {'subscriptions': requests})
    assert response.status_code == 200, response.text
    return response.json()['result']


def windows(server, user='ada'):
    """[(start, end)], oldest first."""
    return [(row['effective_start_date'], row['effective_end_date'])
            for row in server.stored().subscriptions(user)]


def quotas(server, user='ada'):
    """(cpu.hours, data.size) of the newest subscription."""
    return server.stored().quota(user), server.stored().quota(user, 'data.size')


def active_plan(server, user='ada'):
    return server.get(f'/v1/users/{user}/plan').json()['result']['plan']['name']


def listed(server, target):
    result = server.get(target).json()['result']
    assert len(result['subscriptions']) == result['total']
    return [each['plan']['name'] for each in result['subscriptions']]


@pytest.fixture
def with_windows(server):
    """with_windows([(start, end)]) gives ada exactly these subscriptions, to Basic; their ids."""
    def with_windows(given):
        stored = server.stored()
        assert server.put('/v1/users/ada').status_code == 200
        stored.execute('DELETE FROM quotas')
        stored.execute('DELETE FROM subscriptions')
        return [stored.add_subscription('ada', BASIC, BASIC_RATE, start + ' 00:00:00',
                                        end and end + ' 00:00:00', {'cpu.hours': '200'})
                for start, end in given]
    return with_windows


# -- the windows of the other subscriptions --------------------------------------------------------

START, END = '2026-09-01', '2027-09-01'  # of the new subscription
SHIFTS = {  # windows before: windows after
    'reaches into it': ([('2026-01-01', '2027-01-01')], [('2026-01-01', START)]),
    'reaches beyond it': ([('2026-01-01', '2030-01-01')], [('2026-01-01', START)]),
    'never ends': ([('2026-01-01', None)], [('2026-01-01', START)]),
    'starts with it and outlasts it': ([(START, '2028-01-01')], [(START, START)]),
    'starts with it and never ends': ([(START, None)], [(START, START)]),
    'the same': ([(START, END)], [(START, START)]),
    'starts within and outlasts it': ([('2027-01-01', '2028-01-01')], [(END, '2028-01-01')]),
    'starts within and never ends': ([('2027-01-01', None)], [(END, None)]),
    'lies within': ([('2026-10-01', '2026-12-01')], [('2026-10-01', '2026-10-01')]),
    'lies within up to its end': ([('2026-10-01', END)], [('2026-10-01', '2026-10-01')]),
    'ends where it starts': ([('2026-01-01', START)], [('2026-01-01', START)]),
    'starts where it ends': ([(END, '2028-09-01')], [(END, '2028-09-01')]),
    'over long before': ([('2020-01-01', '2021-01-01')], [('2020-01-01', '2021-01-01')]),
    'begins long after': ([('2030-01-01', None)], [('2030-01-01', None)]),
    'all three at a time': (
        [('2026-01-01', '2026-10-01'), ('2026-10-01', '2027-01-01'), ('2027-01-01', None)],
        [('2026-01-01', START), ('2026-10-01', '2026-10-01'), (END, None)]),
}


@pytest.mark.parametrize('path', ['V18', 'V9'])
@pytest.mark.parametrize('name', SHIFTS)
def test_others_make_way_for_a_new_window(server, with_windows, name, path):
    before, after = SHIFTS[name]
    ids = with_windows(before)
    if path == 'V18':
        assert change(server, 'Pro', start_date=START, end_date=END).status_code == 200
    else:
        (result,) = create(server, {'plan_name': 'Pro', 'start_date': START, 'end_date': END})
        assert result['new_subscription'], result
    rows = {row['id']: (row['effective_start_date'], row['effective_end_date'])
            for row in server.stored().subscriptions('ada')}
    assert [rows.pop(identity) for identity in ids] == [
        (moment(start), moment(end)) for start, end in after]
    assert list(rows.values()) == [(moment(START), moment(END))]


def test_a_window_that_starts_in_the_past_covers_what_lies_in_it(server, with_windows):
    with_windows([('2019-01-01', '2020-06-01'), ('2021-01-01', '2022-01-01'), ('2026-01-01', None)])
    assert change(server, 'Pro', start_date='2020-01-01', end_date='2027-01-01').status_code == 200
    pairs = [('2019-01-01', '2020-01-01'), ('2020-01-01', '2027-01-01'),
             ('2021-01-01', '2021-01-01'), ('2027-01-01', None)]
    assert windows(server) == [(moment(start), moment(end)) for start, end in pairs]


def test_items_of_one_user_each_make_way_for_the_next(server):
    results = create(server, {'plan_name': 'Regular'},
                     {'plan_name': 'Pro', 'start_date': '2001-01-01', 'end_date': '2030-01-01'},
                     {'plan_name': 'Commercial', 'start_date': '2027-01-01'},
                     {'plan_name': 'Basic', 'start_date': '1990-01-01', 'periods': 10,
                      'end_date': '2026-12-01'})
    assert [each['new_subscription'] for each in results] == [True] * 4
    rows = [(row['plan_id'], row['effective_start_date'], row['effective_end_date'])
            for row in server.stored().subscriptions('ada')]
    assert rows == [
        (BASIC, moment('1990-01-01'), moment('2026-12-01')),
        (REGULAR, moment(NOW), moment(NOW)),
        (PRO, moment('2026-12-01'), moment('2027-01-01')),
        (COMMERCIAL, moment('2027-01-01'), moment('2028-01-01'))]


# -- the same over every path ----------------------------------------------------------------------

SUBSCRIBERS = {
    'R3': lambda server, plan, periods: server.put('/users', {
        'username': 'ada', 'plan_name': plan, 'paid': True, 'periods': periods, 'force': True}),
    'V9': lambda server, plan, periods: server.post('/v1/subscriptions', {'subscriptions': [
        {'username': 'ada', 'plan_name': plan, 'paid': True, 'periods': periods}]}),
    'V18': lambda server, plan, periods: change(server, plan, periods=periods),
}


@pytest.mark.parametrize('path', SUBSCRIBERS)
@pytest.mark.parametrize('plan, periods, years', [
    ('Basic', 1, 1), ('Pro', 1, 1), ('Pro', 3, 3), ('Commercial', 10, 10), ('Regular', 0, 1)])
def test_periods_multiply_what_is_consumable_and_the_years(server, path, plan, periods, years):
    server.usage('ada', 5)
    assert SUBSCRIBERS[path](server, plan, periods).status_code == 200
    cpu, data = DEFAULTS[plan]
    assert quotas(server) == (cpu * years, data)
    rows = server.stored().subscriptions('ada')
    end = moment(f'{2026 + years}-08-12 10:00:00')
    assert sorted((row['plan_id'], row['effective_end_date']) for row in rows) == sorted(
        [(BASIC, moment(NOW)), (PLANS[plan], end)])
    (new,) = [row for row in rows if row['effective_end_date'] == end]
    assert (new['effective_start_date'], new['paid']) == (moment(NOW), 1)
    assert server.get('/v1/usages/ada').json()['result'] == []


@pytest.mark.parametrize('path', SUBSCRIBERS)
@pytest.mark.parametrize('periods', [-1, 11, 2**31 - 1])
def test_periods_out_of_range_are_refused(server, path, periods):
    server.put('/v1/users/ada')
    before = server.stored().everything()
    response = SUBSCRIBERS[path](server, 'Pro', periods)
    if path == 'V9':
        (result,) = response.json()['result']
        assert result['failure_reason'] == 'the number of periods must be greater than zero'
    else:
        assert response.status_code == 400
        assert 'periods' in response.text
    assert server.stored().everything() == before


@pytest.mark.parametrize('path', SUBSCRIBERS)
@pytest.mark.parametrize('periods, end', [(1, '2029-03-01 12:00:00'), (4, '2032-02-29 12:00:00')])
def test_a_year_from_a_leap_day_ends_in_march(server, clock, path, periods, end):
    clock.set('2028-02-29 12:00:00')
    assert SUBSCRIBERS[path](server, 'Pro', periods).status_code == 200
    assert windows(server) == [(moment('2028-02-29 12:00:00'), moment(end))]


@pytest.mark.parametrize('start, periods, end', [
    ('2028-02-29', 1, '2029-03-01'), ('2028-02-29', 4, '2032-02-29'),
    ('2028-02-28', 1, '2029-02-28'), ('2027-03-01', 1, '2028-03-01')])
def test_a_start_in_a_request_counts_years_alike(server, start, periods, end):
    assert change(server, 'Pro', start_date=start, periods=periods).status_code == 200
    assert windows(server) == [(moment(start), moment(end))]


def test_dates_without_a_zone_are_local(start_server, clock):
    server = start_server(clock=clock, env={'TZ': 'America/Phoenix'})
    assert change(server, 'Pro', start_date='2026-09-01').status_code == 200
    create(server, {'username': 'bob', 'plan_name': 'Pro', 'start_date': '2026-09-01T06:00:00',
                    'end_date': '2027-01-01T00:00:00+02:00'})
    assert windows(server) == [(moment('2026-09-01 07:00:00'), moment('2027-09-01 07:00:00'))]
    assert windows(server, 'bob') == [
        (moment('2026-09-01 13:00:00'), moment('2026-12-31 22:00:00'))]


# -- downgrades ------------------------------------------------------------------------------------

@pytest.mark.parametrize('new', PLANS)
@pytest.mark.parametrize('old', PLANS)
def test_unforced_a_plan_gives_way_only_to_a_larger_one(server, old, new):
    first = change(server, old).json()['result']
    (result,) = create(server, {'plan_name': new}, force='false')
    larger = DEFAULTS[new] > DEFAULTS[old]
    assert result['new_subscription'] == larger
    assert 'failure_reason' not in result
    assert (result['id'] != first['id']) == larger
    assert active_plan(server) == (new if larger else old)
    assert len(windows(server)) == 1 + larger


@pytest.mark.parametrize('new', PLANS)
def test_forced_any_plan_replaces_another(server, new):
    change(server, 'Pro')
    (result,) = create(server, {'plan_name': new})
    assert result['new_subscription'] is True
    assert active_plan(server) == new


def test_the_best_of_those_in_the_way_is_the_answer(server):
    create(server, {'plan_name': 'Basic'}, {'plan_name': 'Commercial', 'start_date': '2026-10-01',
                                            'end_date': '2026-11-01'})
    (result,) = create(server, {'plan_name': 'Pro'}, force='false')
    assert (result['new_subscription'], result['plan']['name']) == (False, 'Commercial')


def test_a_window_that_meets_nobody_is_no_downgrade(server):
    change(server, 'Pro')
    (result,) = create(server, {'plan_name': 'Basic', 'start_date': '2027-08-13'}, force='false')
    assert result['new_subscription'] is True
    assert active_plan(server) == 'Pro'


def test_a_quota_set_by_hand_does_not_rank_a_plan(server):
    change(server, 'Basic')
    assert server.post('/v1/users/ada/plan/cpu.hours/quota', {'quota': 10**6}).status_code == 200
    (result,) = create(server, {'plan_name': 'Regular'}, force='false')
    assert (result['new_subscription'], quotas(server)[0]) == (True, 1000)


def test_an_item_that_fails_leaves_nothing_behind(server):
    assert server.post('/v1/plans', {'name': 'Bare', 'description': 'x'}).status_code == 200
    change(server, 'Pro')
    before = server.stored().everything()
    for result in create(server, {'plan_name': 'Bare'}, {'username': 'bob', 'plan_name': 'Bare'}):
        assert result['failure_reason'] == 'the Bare subscription plan has no effective rate'
        assert result['new_subscription'] is False
    response = change(server, 'Bare')
    assert (response.status_code, response.json()) == (400, {
        'error': 'the Bare subscription plan has no effective rate', 'status': 'Bad Request'})
    assert server.stored().everything() == before


# -- time ------------------------------------------------------------------------------------------

def test_a_future_subscription_begins_by_itself(server, clock):
    server.usage('ada', 5)
    assert change(server, 'Pro', start_date='2026-09-01', periods=2).status_code == 200
    everything = server.stored().everything()
    for reading, plan in [(NOW, 'Basic'), ('2026-08-31 23:59:59', 'Basic'),
                          ('2026-09-01 00:00:00', 'Pro'), ('2028-08-31 23:59:59', 'Pro')]:
        clock.set(reading)
        assert active_plan(server) == plan
        assert server.get('/summary/ada').json()['subscription']['plan']['name'] == plan
        usages = [each['usage'] for each in server.get('/v1/usages/ada').json()['result']]
        assert usages == ([5] if plan == 'Basic' else [])
    assert listed(server, '/v1/subscriptions') == ['Pro']
    assert server.stored().everything() == everything


def test_a_future_subscription_is_listed_of_its_user_alone(server):
    change(server, 'Pro', start_date='2026-09-01')
    assert listed(server, '/v1/subscriptions') == []
    assert listed(server, '/v1/users/ada/subscriptions') == ['Pro']
    assert active_plan(server) == 'Basic'
    assert listed(server, '/v1/users/ada/subscriptions') == ['Basic', 'Pro']


@pytest.mark.parametrize('target', ['/summary/ada', '/v1/users/ada/plan', '/v1/usages/ada'])
def test_a_future_subscription_makes_way_for_the_default_plan_as_well(server, target):
    change(server, 'Pro', start_date='2026-09-01', periods=2)
    change(server, 'Pro', start_date='2028-09-01', end_date='2029-09-01')
    assert server.get(target).status_code == 200
    pairs = [(NOW, '2027-08-12 10:00:00'), ('2027-08-12 10:00:00', '2028-09-01'),
             ('2028-09-01', '2029-09-01')]
    assert windows(server) == [(moment(start), moment(end)) for start, end in pairs]


def test_a_future_subscription_costs_what_it_costs_today(server, clock):
    plan = '/v1/plans/cdf7ac7a-98dc-11ec-bbe3-406c8f3e9cbb'
    late = '2026-08-20T00:00:00Z'
    server.post(plan + '/rates', {'plan_rates': [{'rate': 999, 'effective_date': late}]})
    server.post(plan + '/quota-defaults', {'plan_quota_defaults': [
        {'quota_value': 1, 'resource_type': {'name': 'cpu.hours'}, 'effective_date': late}]})
    change(server, 'Pro', start_date='2026-09-01')
    clock.set('2026-09-02 00:00:00')
    result = server.get('/v1/users/ada/plan').json()['result']
    assert result['plan_rate']['rate'] == 340
    assert quotas(server)[0] == 20000


def test_an_expired_user_is_listed_only_on_request_and_begins_anew(server, clock):
    change(server, 'Pro')
    server.usage('ada', 5)
    clock.set('2027-08-12 10:00:01')
    assert listed(server, '/v1/subscriptions') == []
    assert listed(server, '/v1/users/ada/subscriptions') == []
    assert listed(server, '/v1/users/ada/subscriptions?include-expired=true') == ['Pro']
    assert listed(server, '/v1/users/ada/subscriptions?cutoff=2027-08-12') == ['Pro']
    assert len(windows(server)) == 1
    assert server.get('/v1/usages/ada').json()['result'] == []
    assert active_plan(server) == 'Basic'
    assert listed(server, '/v1/users/ada/subscriptions?include-expired=true') == ['Pro', 'Basic']


# -- rows of other hands -------------------------------------------------------------------------

def test_an_open_ended_subscription_is_active_and_has_no_end(server, with_windows, clock):
    with_windows([('2020-01-01', None)])
    clock.set('2100-01-01 00:00:00')
    result = server.get('/v1/users/ada/plan').json()['result']
    assert 'effective_end_date' not in result
    for target in ('/v1/subscriptions?sort-field=end-date',
                   '/v1/users/ada/subscriptions?cutoff=2099-12-31'):
        (subscription,) = server.get(target).json()['result']['subscriptions']
        assert subscription == result
    (kept,) = create(server, {'plan_name': 'Basic'}, force='false')
    assert (kept['new_subscription'], kept['id']) == (False, result['id'])


def test_a_consumable_of_null_is_false(server):
    stored = server.stored()
    stored.execute("UPDATE resource_types SET consumable = NULL WHERE name = 'cpu.hours'")
    server.restart()
    assert [each['consumable'] for each in server.get('/v1/resource-types').json()['result']] == [
        False, False]
    assert json.dumps(server.get('/v1/plans').json()).count('"consumable": true') == 0
    change(server, 'Pro', periods=3)
    assert quotas(server) == (20000, 3 * TIB)
