"""What holds for every message over NATS: keys, trace context, limits, silence."""

import contextlib
import json
import sqlite3
import threading
import time

import psycopg
import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory

import stores
from messages import descriptor_set
from nats_server import NatsClient, NatsServer, await_nats, message, metric
from waits import WAIT_SECONDS_MAX

CHECK = b'{"username":"ada","resource_name":"cpu.hours"}'


def usage(user, value, operation='ADD', **more):
    return json.dumps({'username': user, 'resource_name': 'cpu.hours', 'update_type': operation,
                       'usage_value': value, **more}).encode()


@pytest.fixture(scope='module')
def nats(tmp_path_factory):
    with NatsServer(tmp_path_factory.mktemp('nats'), 'max_payload: 2097152\n') as server:
        yield server


@pytest.fixture
def start(start_server, nats):
    """start(*args): a server connected to NATS, and a client of it."""
    clients = []

    def start(*args, **options):
        server = await_nats(start_server('--nats', nats.url, *args, **options))
        clients.append(NatsClient(nats.url))
        return server, clients[-1]

    yield start
    for client in clients:
        client.close()


def stored_usage(server, user):
    rows = server.get(f'/users/{user}/usages').json()['usages']
    return sum(row['usage'] for row in rows)


def await_usage(server, user, expected):
    until = time.monotonic() + WAIT_SECONDS_MAX
    while (found := stored_usage(server, user)) != expected:
        assert time.monotonic() < until, f'{found} instead of {expected}'
        time.sleep(0.05)


# -- idempotency ----------------------------------------------------------------------------------


def test_a_message_id_makes_a_change_happen_once(start):
    server, client = start()
    first = client.send('user.usages.add', usage('ada', 1), Nats_Msg_Id='job-1')
    again = client.send('user.usages.add', usage('ada', 1), Nats_Msg_Id='job-1')
    assert first == again and stored_usage(server, 'ada') == 1
    client.publish('user.usages.add', usage('ada', 1), Nats_Msg_Id='job-1')
    client.send('user.usages.add', usage('ada', 1), Nats_Msg_Id='job-2')
    assert stored_usage(server, 'ada') == 2


def test_a_message_id_is_the_key_of_http_too(start):
    server, client = start()
    client.send('user.usages.add', usage('ada', 1), Nats_Msg_Id='one')
    body = {'resource_name': 'cpu.hours', 'update_type': 'ADD', 'usage_value': 1}
    answer = server.put('/users/ada/usages', body, headers={'Idempotency-Key': 'one'})
    assert answer.status_code == 200 and stored_usage(server, 'ada') == 1


def test_a_message_id_with_another_request_is_refused(start):
    server, client = start()
    client.send('user.usages.add', usage('ada', 1), Nats_Msg_Id='one')
    error = json.loads(client.send('user.usages.add', usage('ada', 2), Nats_Msg_Id='one'))['error']
    assert (error['error_code'], error['status_code']) == ('BAD_REQUEST', 409)
    assert stored_usage(server, 'ada') == 1


@pytest.mark.parametrize('key', ['x' * 256, 'caf\xe9', 'a b'])
def test_a_message_id_that_is_no_key_is_refused(start, key):
    _, client = start()
    error = json.loads(client.send('user.usages.add', usage('ada', 1), Nats_Msg_Id=key))['error']
    assert error == {'error_code': 'BAD_REQUEST', 'status_code': 400, 'message':
                     'Nats-Msg-Id must be 1 to 255 visible characters of ASCII'}


@pytest.mark.parametrize('headers', [
    {'Nats_Msg_Id': ''}, {'X_Empty': ''}, {'X_Empty': '', 'Nats_Msg_Id': 'one'},
    {'Nats_Msg_Id': 'one', 'X_Empty': ''}])
def test_headers_that_may_hide_a_message_id_are_refused(start, headers):
    _, client = start()
    error = json.loads(client.send('user.usages.add', usage('ada', 1), **headers))['error']
    assert error == {'error_code': 'BAD_REQUEST', 'status_code': 400,
                     'message': 'a header has no value: none can be read'}
    assert json.loads(client.send('plan.list', b'{}', **headers))['error'] is None
    assert not client.json('user.usages.get', {'username': 'ada'})['usages']


def test_other_headers_do_not_matter(start):
    _, client = start()
    for _ in range(2):
        answer = client.send('user.usages.add', usage('ada', 1), X_Other='y', Nats_Msg_Id='one')
        assert json.loads(answer)['usage']['usage'] == 1
    assert json.loads(client.send('user.usages.add', usage('ada', 1), X_Other='y'))['error'] is None


# -- telemetry ------------------------------------------------------------------------------------

PARENT = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'


@pytest.mark.parametrize('request_is_good', [True, False])
def test_trace_context_comes_back(start, request_is_good):
    _, client = start()
    context = {'traceparent': {'value': [PARENT, 'second']}, 'tracestate': {'value': ['a=1']},
               'baggage': {'value': ['x']}, 'empty': {'value': []}}
    username = 'ada' if request_is_good else ''
    answer = client.json('user.usages.get', {'header': {'map': context}, 'username': username})
    assert (answer['error'] is None) == request_is_good
    assert answer['header'] == {'map': {'traceparent': {'value': [PARENT]},
                                        'tracestate': {'value': ['a=1']}}}


def test_without_trace_context_the_header_is_empty(start):
    _, client = start()
    for header in ({}, {'header': None}, {'header': {}}, {'header': {'map': {}}},
                   {'header': {'map': {'traceparent': {'value': []}}}}):
        answer = client.json('user.usages.get', {**header, 'username': 'ada'})
        assert answer['header'] == {'map': {}}


# -- settings -------------------------------------------------------------------------------------


def test_unknown_fields_are_ignored_or_refused(start, start_server, nats):
    _, client = start()
    assert client.json('plan.list', {'more': 1})['error'] is None
    strict = start_server('--nats', nats.url, '--subject', 'strict.>', '--nats-refuse-unknown',
                          name='strict')
    await_nats(strict)
    with NatsClient(nats.url, prefix='strict') as client:
        error = client.json('plan.list', {'more': 1})['error']
        assert error['error_code'] == 'UNMARSHAL_FAILURE'
        assert error['message'] == 'an unknown name at byte 8'


def test_names_of_users_follow_the_setting(start):
    server, client = start('--users-domain', 'example.org')
    client.send('user.usages.add', usage('ada@example.org', 1))
    assert stored_usage(server, 'ada') == 1


# -- a client of February 2024 --------------------------------------------------------------------

LATER = {'Plan': [5], 'QuotaDefault': [4], 'Subscription': [9, 10], 'Update': [8], 'Addon': [7],
         'SubscriptionAddon': [6]}


def classes_of_2024():
    """class_of(name) of the messages of that day, as Google's protobuf reads them: strictly."""
    pool = descriptor_pool.DescriptorPool()
    for file in descriptor_set().file:
        of_the_day = descriptor_pb2.FileDescriptorProto()
        of_the_day.CopyFrom(file)
        for declared in of_the_day.message_type if file.package == 'qms' else []:
            kept = [field for field in declared.field
                    if field.number not in LATER.get(declared.name, [])]
            for field in kept:
                if (declared.name, field.number) == ('SubscriptionAddon', 3):
                    field.name = field.json_name = 'subscription'
                    field.type, field.type_name = field.TYPE_MESSAGE, '.qms.Subscription'
            kept = [descriptor_pb2.FieldDescriptorProto.FromString(field.SerializeToString())
                    for field in kept]
            del declared.field[:]
            declared.field.extend(kept)
        pool.Add(of_the_day)
    return lambda name: message_factory.MessageFactory(pool).GetPrototype(
        pool.FindMessageTypeByName(name))


def test_a_strict_client_of_2024_is_answered_in_its_fields(start_server, nats):
    await_nats(start_server('--nats', nats.url, '--subject', 'of2024', '--nats-answers', '2024'))
    class_of = classes_of_2024()

    def ask(subject, request, response, fields):
        answer = json_format.Parse(client.send(subject, json.dumps(fields).encode()),
                                   class_of(response)())
        in_binary = class_of(response).FromString(
            client.send(subject, message(request, fields).SerializeToString() or b'\x0a\x00'))
        assert answer.error.message == in_binary.error.message == ''
        return answer, in_binary

    with NatsClient(nats.url, prefix='of2024') as client:
        ada = {'username': 'ada'}
        summary, _ = ask('user.summary.get', 'qms.RequestByUsername', 'qms.SubscriptionResponse',
                         ada)
        addons = ask('addon.list', 'qms.NoParamsRequest', 'qms.AddonListResponse', {})[0].addons
        plans = ask('plan.list', 'qms.NoParamsRequest', 'qms.PlanList', {})
        assert plans[0] == plans[1]
        both = {'parent_uuid': summary.subscription.uuid, 'child_uuid': addons[0].uuid}
        for answer in ask('user.plan.addons.add', 'requests.AssociateByUUIDs',
                          'qms.SubscriptionAddonResponse', both):
            assert answer.subscription_addon.subscription.uuid == summary.subscription.uuid
            assert answer.subscription_addon.addon == addons[0]
        again = ask('user.summary.get', 'qms.RequestByUsername', 'qms.SubscriptionResponse', ada)
        assert again[0] == again[1] and again[0].subscription.quotas
        listed = ask('user.plan.addons.list', 'requests.ByUUID',
                     'qms.SubscriptionAddonListResponse', {'uuid': summary.subscription.uuid})
        assert listed[0] == listed[1] and len(listed[0].subscription_addons) == 2


# -- limits ---------------------------------------------------------------------------------------


def test_a_request_that_is_too_large_is_refused(start):
    server, client = start()
    for open, close in ((b'{"username":"', b'"}'), (b'\x12', b'')):
        payload = open + b'a' * (1 << 20) + close
        answer = client.send('user.usages.get', payload)
        assert b'a request has at most 1048576 bytes' in answer
        assert answer.startswith(b'{') == payload.startswith(b'{')
    await_text(server, 'code="413"')


def test_an_answer_that_is_larger_than_nats_takes_is_a_failure(start):
    server, client = start()
    update = {'value_type': 'usages', 'value': 1, 'operation': {'name': 'ADD'},
              'effective_date': '2026-01-01T00:00:00Z', 'metadata': 'm' * 60000,
              'resource_type': {'name': 'cpu.hours', 'unit': 'cpu hours'},
              'user': {'username': 'ada'}}
    asked = {'user': {'username': 'ada'}}
    for _ in range(20):
        assert client.json('user.updates.add', {'update': update})['error'] is None
    assert len(client.json('user.updates.get', asked)['updates']) == 20
    for _ in range(20):
        assert client.json('user.updates.add', {'update': update})['error'] is None
    answer = client.json('user.updates.get', asked)
    assert answer == {'header': {'map': {}}, 'updates': [], 'error': {
        'error_code': 'MARSHAL_FAILURE', 'status_code': 500,
        'message': 'the answer is too large to be sent'}}
    assert len(server.get('/users/ada/updates').json()['updates']) == 40


def test_requests_beyond_the_limit_are_told_so_and_those_without_reply_wait(start):
    server, client = start('--nats-in-flight', '1')
    busy, done = [], []

    async def ask():
        return await client.connection.request('cyverse.qms.user.usages.add', usage('ada', 1),
                                               WAIT_SECONDS_MAX)

    async def burst():
        import asyncio
        for answer in await asyncio.gather(*(ask() for _ in range(300))):
            error = json.loads(answer.data)['error']
            (done if error is None else busy).append(error)

    client.wait(burst())
    assert busy and done
    assert all(error == {'error_code': 'UNSPECIFIED', 'status_code': 503, 'message':
                         'the server is busy; nothing was changed, try again'} for error in busy)
    assert stored_usage(server, 'ada') == len(done)
    for _ in range(300):
        client.publish('user.usages.add', usage('eve', 1))
    await_usage(server, 'eve', 300)
    assert metric(server, 'qms_nats_dropped_total') == 0


def await_text(server, expected):
    """Until the metrics say so."""
    until = time.monotonic() + WAIT_SECONDS_MAX
    while expected not in (found := server.get('/metrics').text):
        assert time.monotonic() < until, found
        time.sleep(0.01)


# -- messages without a reply ---------------------------------------------------------------------


def test_a_message_without_reply_is_done_in_silence(start):
    server, client = start()
    client.publish('user.usages.add', usage('ada', 1))
    client.publish('user.usages.add', b'{"username":')
    client.publish('user.summary.get', b'{"username":"eve"}')
    client.publish('user.updates.get', b'{"user":{"username":"eve"}}')
    await_usage(server, 'ada', 1)
    for counted in ('usages.add",code="400"', 'summary.get",code="200"',
                    'updates.list",code="200"'):
        await_text(server, f'operation="{counted}}} 1')
    assert 'eve' in server.get('/v1/users').text
    assert metric(server, 'qms_nats_dropped_total') == 0


@pytest.mark.sqlite_only('PostgreSQL locks rows, not the database')
def test_a_message_without_reply_waits_for_a_store_that_cannot_write(start):
    server, client = start()
    with contextlib.closing(sqlite3.connect(server.store.path, isolation_level=None)) as other:
        other.execute('BEGIN IMMEDIATE')
        for number in range(20):
            client.publish('user.usages.add', usage('ada', 1), Nats_Msg_Id=f'job-{number}')
            client.publish('user.usages.add', usage('ada', 1))
        error = json.loads(client.send('user.usages.add', usage('eve', 1)))['error']
        assert error['status_code'] == 503
        other.execute('ROLLBACK')
    await_usage(server, 'ada', 40)
    assert metric(server, 'qms_nats_dropped_total') == 0


def held(server):
    """A transaction of a stranger, to whose end nothing can be changed."""
    if stores.KIND == 'postgres':
        stranger = psycopg.connect(server.store.url_of('postgres'))
        stranger.execute('LOCK TABLE public.updates IN SHARE MODE')
    else:
        stranger = sqlite3.connect(server.store.path, isolation_level=None)
        stranger.execute('BEGIN IMMEDIATE')
    return contextlib.closing(stranger)


def flood(client, count):
    """Sends so many messages of one subject as fast as they leave, in several large pieces."""
    async def send():
        for number in range(count):
            await client.connection.publish('cyverse.qms.user.usages.add', FLOOD[number % 50])
            if number % 5000 == 0:
                await client.connection.flush(WAIT_SECONDS_MAX)
        await client.connection.flush(WAIT_SECONDS_MAX)

    client.wait(send())


FLOOD = [usage(f'user-{number}', 1) for number in range(50)]


@pytest.mark.long
@pytest.mark.parametrize('limit', ['524288', '1000'])
def test_of_many_messages_without_reply_each_is_applied_or_counted(start, limit):
    count = 100_000
    server, client = start('--nats-pending-messages', limit, '--nats-in-flight', '64')
    # With room for a thousand the store is held meanwhile: they come faster than they can be done.
    with held(server) if limit == '1000' else contextlib.nullcontext():
        flood(client, count)

    def applied():
        listed = [stored_usage(server, f'user-{number}') for number in range(50)]
        return sum(listed)

    until = time.monotonic() + 300
    while (found := applied() + (dropped := metric(server, 'qms_nats_dropped_total'))) < count:
        assert time.monotonic() < until, f'{found} of {count}'
        time.sleep(0.2)
    assert found == count
    if limit == '1000':
        assert dropped > 0
        until = time.monotonic() + WAIT_SECONDS_MAX
        while 'messages of cyverse.qms.user.usages.add were dropped' not in server.log():
            assert time.monotonic() < until, server.log()
            time.sleep(0.1)
    else:
        assert dropped == 0


def test_many_requests_are_at_work_at_once_beside_those_of_http(start):
    server, client = start()
    stop = threading.Event()

    def over_http():
        while not stop.is_set():
            assert server.usage('eve', 1).status_code == 200

    thread = threading.Thread(target=over_http)
    thread.start()

    async def burst():
        import asyncio
        return await asyncio.gather(*(
            client.connection.request('cyverse.qms.user.usages.add', usage('ada', 1),
                                      WAIT_SECONDS_MAX)
            for _ in range(2000)))

    answers = client.wait(burst())
    stop.set()
    thread.join()
    assert all(json.loads(answer.data)['error'] is None for answer in answers)
    assert stored_usage(server, 'ada') == 2000
