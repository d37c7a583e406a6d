"""What time alone changes: an expiry, a future start, a new rate, a new default. No write is needed
for any of them to take effect, and the store's clock never runs backwards."""

import decimal
import uuid

import pytest

from stored import BASIC, BASIC_RATE, PRO, PRO_RATE, microseconds

END = '2027-08-12 10:00:00'  # of a Basic subscription made at the clock fixture's start


def summary(server, username='ada'):
    response = server.get(f'/summary/{username}')
    assert response.status_code == 200, response.text
    return response.json()['subscription']


def quotas(server, username='ada'):
    return {quota['resource_type']['name']: quota['quota']
            for quota in summary(server, username)['quotas']}


@pytest.fixture
def server(start_server, clock):
    return start_server(clock=clock)


@pytest.fixture(params=['running', 'stopped'])
def meanwhile(request, server):
    """Runs a foreign write while the server runs, and again while it is stopped."""
    def meanwhile(write, *args):
        if request.param == 'stopped':
            server.stop()
        write(*args)
        if request.param == 'stopped':
            server.start()
    return meanwhile


def test_basic_lasts_to_the_last_moment_of_its_year(server, clock):
    first = summary(server)
    assert first['effective_end_date'] == '2027-08-12T10:00:00Z'
    server.usage('ada', 5)
    clock.set(END)
    assert summary(server)['uuid'] == first['uuid']
    assert server.get('/users/ada/usages').json()['usages'][0]['usage'] == 5


def test_after_its_year_a_new_basic_begins_with_nothing_used(server, clock):
    first = summary(server)
    server.usage('ada', 250)
    server.update('ada', 300, 'SET', value_type='quotas')
    clock.set('2027-08-12 10:00:01')
    assert server.get('/users/ada/usages').json()['usages'] == []
    assert server.get('/users/ada/overages').json()['overages'] == []
    second = summary(server)
    assert second['uuid'] != first['uuid']
    assert second['usages'] == []
    assert second['effective_start_date'] == '2027-08-12T10:00:01Z'
    assert second['effective_end_date'] == '2028-08-12T10:00:01Z'
    assert second['quotas'][0]['quota'] == 200
    assert len(server.stored().subscriptions('ada')) == 2


def test_an_expiry_is_seen_by_a_change_too(server, clock):
    server.usage('ada', 250)
    clock.set('2027-08-12 10:00:01')
    assert server.usage('ada', 3).json()['usage']['usage'] == 3
    old, new = server.stored().subscriptions('ada')
    assert server.stored().amounts('usages', 'ada') == {(old['id'], 'cpu.hours'): 250,
                                                        (new['id'], 'cpu.hours'): 3}


def test_the_listing_of_all_overages_forgets_the_expired(server, clock):
    server.usage('ada', 250)
    assert server.get('/v2/overages').json()['overages'][0]['username'] == 'ada'
    clock.set('2027-08-12 10:00:01')
    assert server.get('/v2/overages').json()['overages'] == []


def test_an_expiry_while_the_server_is_stopped_is_seen(server, clock):
    server.usage('ada', 250)
    server.stop()
    clock.set('2027-08-12 10:00:01')
    server.start()
    assert server.get('/users/ada/overages').json()['overages'] == []
    assert summary(server)['usages'] == []


def test_a_future_subscription_takes_over_when_it_starts(server, clock, meanwhile):
    first = summary(server)
    server.usage('ada', 250)
    meanwhile(server.stored().add_subscription, 'ada', PRO, PRO_RATE, '2026-10-01 00:00:00',
              '2027-10-01 00:00:00', {'cpu.hours': '20000'})
    assert summary(server)['uuid'] == first['uuid']
    clock.set('2026-09-30 23:59:59')
    assert summary(server)['uuid'] == first['uuid']
    assert server.get('/users/ada/overages/cpu.hours').json()['is_overage'] is True
    clock.set('2026-10-01 00:00:00')
    taken = summary(server)
    assert (taken['plan']['name'], taken['usages']) == ('Pro', [])
    assert server.get('/users/ada/overages/cpu.hours').json()['is_overage'] is False
    assert server.usage('ada', 1).json()['usage']['usage'] == 1
    clock.set('2027-10-01 00:00:01')
    assert summary(server)['plan']['name'] == 'Basic'


def test_of_two_active_subscriptions_the_later_start_counts(server, clock, meanwhile):
    summary(server)
    meanwhile(server.stored().add_subscription, 'ada', PRO, PRO_RATE, '2026-08-12 09:00:00',
              '2027-10-01 00:00:00', {'cpu.hours': '20000'})
    assert summary(server)['plan']['name'] == 'Basic'
    server.stored().add_subscription('ada', PRO, PRO_RATE, '2026-08-12 10:00:00.500000', None,
                                     {'cpu.hours': '1'})
    clock.set('2026-08-12 10:00:01')
    assert summary(server)['quotas'][0]['quota'] == 1
    assert summary(server)['effective_end_date'] is None


def test_of_two_subscriptions_that_start_together_the_smaller_id_counts(server, clock):
    summary(server)
    ids = [server.stored().add_subscription('ada', PRO, PRO_RATE, '2026-09-01 00:00:00', None,
                                            {'cpu.hours': '1'}) for _ in range(5)]
    clock.set('2026-09-01 00:00:00')
    assert summary(server)['uuid'] == str(uuid.UUID(bytes=min(ids)))


def test_a_new_rate_counts_from_its_date(server, clock, meanwhile):
    meanwhile(server.stored().add_rate, BASIC, '12.50', '2026-09-01 00:00:00')
    assert summary(server, 'early')['plan_rate']['rate'] == 0
    assert [rate['rate'] for rate in summary(server, 'early')['plan']['plan_rates']] == [0, 12.5]
    clock.set('2026-09-01 00:00:00')
    assert summary(server, 'late')['plan_rate']['rate'] == 12.5
    assert summary(server, 'early')['plan_rate']['rate'] == 0


def test_a_new_default_counts_from_its_date_for_new_subscriptions(server, clock, meanwhile):
    meanwhile(server.stored().add_default, BASIC, 'cpu.hours', '77.5', '2026-09-01 00:00:00')
    assert quotas(server, 'early') == {'cpu.hours': 200, 'data.size': 5368709120}
    clock.set('2026-08-31 23:59:59')
    assert quotas(server, 'still')['cpu.hours'] == 200
    clock.set('2026-09-01 00:00:00')
    assert quotas(server, 'late') == {'cpu.hours': 77.5, 'data.size': 5368709120}
    assert quotas(server, 'early')['cpu.hours'] == 200


def test_defaults_are_listed_by_date_and_then_by_name(server):
    stored = server.stored()
    stored.add_default(BASIC, 'data.size', '3', '2025-01-01 00:00:00')
    stored.add_default(BASIC, 'cpu.hours', '2', '2025-01-01 00:00:00')
    stored.add_default(BASIC, 'cpu.hours', '1', '2024-01-01 00:00:00')
    stored.add_rate(BASIC, '5', '2021-01-01 00:00:00')
    plan = summary(server)['plan']
    assert [(entry['effective_date'][:4], entry['resource_type']['name'], entry['quota_value'])
            for entry in plan['plan_quota_defaults']] == [
        ('2022', 'cpu.hours', 200), ('2022', 'data.size', 5368709120), ('2024', 'cpu.hours', 1),
        ('2025', 'cpu.hours', 2), ('2025', 'data.size', 3)]
    assert [rate['effective_date'][:4] for rate in plan['plan_rates']] == ['2021', '2022']


def test_a_foreign_change_of_a_usage_is_seen_at_once(server):
    server.usage('ada', 5)
    assert server.get('/users/ada/usages').json()['usages'][0]['usage'] == 5
    server.stored().execute("UPDATE usages SET usage = '7.25'")
    assert server.get('/users/ada/usages').json()['usages'][0]['usage'] == 7.25
    assert server.usage('ada', 1).json()['usage']['usage'] == 8.25
    assert server.stored().usage('ada') == decimal.Decimal('8.25')


@pytest.mark.sqlite_only('PostgreSQL stamps rows by the clock of its own machine')
def test_a_clock_that_goes_back_does_not_take_the_store_back(server, clock):
    clock.set('2026-09-01 10:00:00')
    server.usage('ada', 1)
    clock.set('2026-08-01 10:00:00')
    assert server.usage('ada', 1).status_code == 200
    assert summary(server)['usages'][0]['usage'] == 2
    stamps = [row['created_at'] for row in server.stored().updates('ada')]
    assert stamps == sorted(stamps)
    assert min(stamps) >= microseconds('2026-09-01 10:00:00')
    assert len(server.stored().subscriptions('ada')) == 1


def test_a_clock_that_goes_back_between_two_starts_does_not_take_the_store_back(server, clock):
    clock.set('2026-09-01 10:00:00')
    server.usage('ada', 1)
    server.stop()
    clock.set('2026-08-01 10:00:00')
    server.start()
    assert server.usage('bob', 1).status_code == 200
    (subscription,) = server.stored().subscriptions('bob')
    assert subscription['effective_start_date'] >= microseconds('2026-09-01 10:00:00')
    assert len(server.stored().subscriptions('ada')) == 1
    assert server.usage('ada', 1).json()['usage']['usage'] == 2


def test_a_clock_that_went_back_over_a_kill_does_not_take_the_store_back(server, clock):
    clock.set('2026-09-01 10:00:00')
    server.usage('ada', 1)
    server.kill()
    clock.set('2026-08-01 10:00:00')
    server.start()
    assert server.usage('ada', 1).json()['usage']['usage'] == 2
    assert server.stored().updates('ada')[-1]['created_at'] >= microseconds('2026-09-01 10:00:00')


def test_an_effective_date_may_lie_five_minutes_ahead_and_no_more(server):
    dates = ['2026-08-12T10:05:00Z', '2026-08-12T10:05:00.000001Z', '1000-01-01T00:00:00Z']
    answers = [server.update('ada', 1, effective_date=date).status_code for date in dates]
    assert answers == [200, 400, 200]
    assert server.stored().usage('ada') == 2


def test_a_change_dated_in_an_earlier_subscription_counts_in_the_current_one(server, clock):
    server.usage('ada', 5)
    clock.set('2027-12-01 00:00:00')
    server.update('ada', 1, effective_date='2026-08-12T11:00:00Z')
    assert server.stored().usage('ada') == 1


def test_a_year_from_the_29th_of_february_ends_on_the_1st_of_march(server, clock):
    clock.set('2028-02-29 12:00:00')
    assert summary(server)['effective_end_date'] == '2029-03-01T12:00:00Z'


def test_a_year_is_counted_on_the_local_calendar(start_server, clock):
    clock.set('2026-03-28 11:00:00')  # Berlin's summer time begins on the 29th, in 2027 on the 28th
    server = start_server(clock=clock, env={'TZ': 'Europe/Berlin'})
    assert summary(server)['effective_start_date'] == '2026-03-28T11:00:00Z'
    assert summary(server)['effective_end_date'] == '2027-03-28T10:00:00Z'


def test_every_change_stamps_the_row_it_touches(server, clock):
    server.usage('ada', 5)
    clock.set('2026-08-13 10:00:00')
    usage = server.usage('ada', 1).json()['usage']
    assert usage['created_at'] == '2026-08-12T10:00:00Z'
    assert usage['last_modified_at'] == '2026-08-13T10:00:00Z'


def test_without_an_active_rate_nobody_new_is_subscribed(server, clock):
    summary(server)
    server.stored().execute('UPDATE plan_rates SET effective_date = ? WHERE id = ?',
                            microseconds('2026-09-01 00:00:00'), BASIC_RATE)
    assert server.get('/summary/bob').status_code == 500
    assert server.stored().subscriptions('bob') == []
    assert summary(server)['plan_rate']['rate'] == 0
    clock.set('2026-09-01 00:00:00')
    assert summary(server, 'bob')['plan']['name'] == 'Basic'
