"""POST /v2/usages: a list of changes, each on its own, each applied once however often it comes."""

import decimal
import json

import pytest

PROBLEM = 'application/problem+json'


def item(identity, value=1, username='ada', **more):
    return {'id': identity, 'username': username, 'resource_name': 'cpu.hours',
            'update_type': 'ADD', 'usage_value': value, **more}


def statuses(results):
    return [result['status'] for result in results]


def codes(results):
    return [result.get('error', {}).get('status') for result in results]


def test_every_item_is_answered_in_the_order_it_came(server):
    items = [item('z', 1), item('a', 2, 'bob'), item('m', 3), item('b', 4, 'bob')]
    results = server.record(items)
    assert results == [{'id': entry['id'], 'status': 'applied'} for entry in items]
    assert server.stored().usage('ada') == 4
    assert server.stored().usage('bob') == 6


def test_a_repeated_item_is_a_duplicate_and_changes_nothing(server):
    items = [item('a', 1), item('b', 2)]
    assert statuses(server.record(items)) == ['applied', 'applied']
    before = server.stored().everything()
    assert statuses(server.record(items)) == ['duplicate', 'duplicate']
    assert server.stored().everything() == before


def test_the_same_id_twice_in_one_list_is_applied_once(server):
    assert statuses(server.record([item('a', 5), item('a', 5)])) == ['applied', 'duplicate']
    assert server.stored().usage('ada') == 5
    assert len(server.stored().updates('ada')) == 1


@pytest.mark.parametrize('other', [
    item('a', 2), item('a', 1, update_type='SET'), item('a', 1, resource_name='data.size'),
    item('a', 1, effective_date='2026-01-02T00:00:00Z'), item('a', 1, metadata='other'),
], ids=['value', 'type', 'resource', 'date', 'metadata'])
def test_an_id_seen_with_other_content_is_a_conflict_of_that_item(server, other):
    server.record([item('a', 1)])
    before = server.stored().everything()
    (result,) = server.record([other])
    assert result['id'] == 'a' and result['status'] == 'error'
    problem = result['error']
    assert list(problem) == ['type', 'title', 'status', 'detail']
    assert (problem['type'], problem['title'], problem['status']) == ('about:blank', 'Conflict',
                                                                     409)
    assert problem['detail']
    assert server.stored().everything() == before


def test_an_id_with_other_content_in_the_same_list_is_a_conflict(server):
    assert codes(server.record([item('a', 1), item('a', 2), item('a', 1)])) == [None, 409, None]
    assert server.stored().usage('ada') == 1


@pytest.mark.parametrize('same', [
    b'1.0', b'1e0', b'10e-1', b'1.000000000000', b'"1"',
])
def test_the_same_amount_written_otherwise_is_the_same_content(server, same):
    server.record([item('a', 1)])
    body = json.dumps([item('a', '@')]).encode().replace(b'"@"', same)
    response = server.send_exactly('POST', '/v2/usages', body)
    assert statuses(response.json()['results']) == ['duplicate']


def test_the_same_instant_written_otherwise_is_the_same_content(server):
    server.record([item('a', effective_date='2026-01-01T12:00:00Z')])
    assert statuses(server.record([item('a', effective_date='2026-01-01T13:00:00.000+01:00')])) \
        == ['duplicate']


def test_an_id_belongs_to_one_user(server):
    results = server.record([item('job-1', 1, 'ada'), item('job-1', 2, 'bob')])
    assert statuses(results) == ['applied', 'applied']
    assert server.stored().usage('ada') == 1
    assert server.stored().usage('bob') == 2


def test_ids_are_compared_to_the_last_byte(server):
    identities = ['a', 'A', 'a ', ' a', 'ä', 'a\u0308', 'x' * 255, 'x' * 254, 'a.']
    assert set(statuses(server.record([item(name) for name in identities]))) == {'applied'}
    assert server.stored().usage('ada') == len(identities)


def test_a_failed_item_is_not_remembered(server):
    bad = item('a', 1, resource_name='gpu.hours')
    assert codes(server.record([bad])) == [400]
    assert statuses(server.record([item('a', 1)])) == ['applied']


def test_valid_items_are_applied_between_invalid_ones(server):
    items = [item('1', 1), item('2', -5), item('3', 2), item('4', 1, 'a@b'), item('5', 3),
             {}, item('6', 4, resource_name='no'), item('7', 5, update_type='MUL'), item('8', 6),
             item('9', 1, effective_date='9999-01-01T00:00:00Z'), item('10', 'x'), 7, None, []]
    results = server.record(items)
    applied = [result['id'] for result in results if result['status'] == 'applied']
    assert applied == ['1', '3', '5', '8']
    assert len(results) == len(items)
    assert set(codes(results)) == {None, 400}
    assert server.stored().usage('ada') == 12
    assert [row['value'] for row in server.stored().updates('ada')] == [1, 2, 3, 6]
    assert [row['username'] for row in server.stored().rows('SELECT username FROM users')] == [
        'ada']


def test_an_item_sees_the_items_before_it(server):
    items = [item('1', 10), item('2', -10), item('3', -1), item('4', 7, update_type='SET'),
             item('5', 1)]
    assert statuses(server.record(items)) == ['applied', 'applied', 'error', 'applied', 'applied']
    assert server.stored().usage('ada') == 8


def test_ids_are_remembered_across_a_restart_and_for_longer_than_forty_days(start_server, clock):
    server = start_server(clock=clock)
    items = [item('a', 1), item('b', 2)]
    server.record(items)
    clock.set('2026-09-21 10:00:00')
    assert statuses(server.record(items)) == ['duplicate', 'duplicate']
    server.restart()
    assert statuses(server.record(items)) == ['duplicate', 'duplicate']
    clock.set('2028-09-21 10:00:00')
    assert statuses(server.record(items)) == ['duplicate', 'duplicate']
    assert server.stored().amounts('usages', 'ada').popitem()[1] == 3


def test_an_item_carries_its_date_and_metadata_into_the_audit_trail(server):
    server.record([item('a', 1, effective_date='1993-10-01T00:00:00Z', metadata='{"job":7}')])
    (row,) = server.stored().updates('ada')
    assert row['effective_date'] == 749433600 * 10**6
    assert (row['metadata'], row['operation'], row['value_type']) == ('{"job":7}', 'ADD', 'usages')


def test_an_item_without_date_takes_the_time_of_its_recording(start_server, clock):
    server = start_server(clock=clock)
    server.record([item('a', 1)])
    clock.set('2026-08-13 10:00:00')
    assert statuses(server.record([item('a', 1)])) == ['duplicate']
    (row,) = server.stored().updates('ada')
    assert row['effective_date'] == row['created_at'] == 1786528800 * 10**6


def test_ten_thousand_items_are_taken_and_one_more_is_too_many(server):
    items = [item(f'job-{n}', 0.1, f'user{n % 100}') for n in range(10000)]
    response = server.post('/v2/usages', items + [item('one more')])
    assert response.status_code == 413
    assert response.headers['Content-Type'] == PROBLEM
    assert response.json()['status'] == 413
    assert server.stored().count('users') == 0

    results = server.record(items)
    assert [result['id'] for result in results] == [entry['id'] for entry in items]
    assert set(statuses(results)) == {'applied'}
    assert set(server.stored().all_usages().values()) == {decimal.Decimal(10)}
    assert server.stored().count('updates') == 10000
    assert set(statuses(server.record(items))) == {'duplicate'}


@pytest.mark.parametrize('octets, status', [
    (b'', 400), (b'{}', 400), (b'[', 400), (b'null', 400), (b'[] []', 400), (b'"x"', 400),
    (b'[{"id":"\xff"}]', 400), (b'[' + b' ' * 2**24 + b']', 413),
], ids=lambda value: str(value)[:20])
def test_a_body_that_is_wrong_as_a_whole_is_a_problem_document(shared, octets, status):
    with shared.connect() as connection:
        answer = connection.ask('POST', '/v2/usages', octets,
                                [] if octets else [('Content-Length', '0')])
    assert answer.status == status
    assert answer.header('Content-Type') == PROBLEM
    problem = json.loads(answer.body)
    assert list(problem)[:4] == ['type', 'title', 'status', 'detail']
    assert (problem['type'], problem['status']) == ('about:blank', status)
    assert problem['title'] and problem['detail']


def test_two_users_lists_interleave_and_stay_exact(server):
    for n in range(20):
        server.record([item(f'{n}-{k}', 0.1, 'ada' if k % 2 else 'bob') for k in range(50)])
    assert server.stored().usage('ada') == server.stored().usage('bob') == 50


def test_a_chunked_list_is_taken(shared, user):
    octets = json.dumps([item('a', 3, user)]).encode()
    pieces = (octets[at:at + 7] for at in range(0, len(octets), 7))
    response = shared.send_exactly('POST', '/v2/usages', pieces)
    assert statuses(response.json()['results']) == ['applied']
    assert shared.stored().usage(user) == 3
