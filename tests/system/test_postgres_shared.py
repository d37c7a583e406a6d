"""A database that others use beside the server: their locks, constraints and changes."""

import concurrent.futures
import json
import time

import psycopg
import pytest

import cloud
import stores
from nats_server import metric
from waits import WAIT_SECONDS_MAX

pytestmark = pytest.mark.sqlite_only('it has a database of its own')

USERS = 64
ROUNDS = 5
UNDONE = ('qms_batches_failed_total', 'qms_batches_overtaken_total')


@pytest.fixture
def database(postgres):
    return stores.Database(postgres, stores.prepared(postgres))


@pytest.fixture
def server(start_server, database):
    return start_server(store=database)


def one_each(server, users, rounds=1, value='1'):
    """Every user adds, on threads of their own; the statuses."""
    def add(user):
        return [server.usage(user, value).status_code for _ in range(rounds)]
    with concurrent.futures.ThreadPoolExecutor(len(users)) as pool:
        return list(pool.map(add, users))


def usage_of(server, user, resource='cpu.hours'):
    return next(usage['usage'] for usage in server.get(f'/users/{user}/usages').json()['usages']
                if usage['resource_type']['name'] == resource)


def subscribe(server, user, plan):
    body = {'username': user, 'plan_name': plan, 'paid': True}
    return server.put('/users', body).status_code


def test_a_user_whom_somebody_holds_locked_delays_nobody_else(server, database):
    """The lock is held until all the others have been served, and until the one has been told."""
    users = [f'user-{n}' for n in range(USERS)]
    assert one_each(server, users) == [[200]] * USERS
    before = [metric(server, name) for name in UNDONE]
    with psycopg.connect(database.url_of('postgres')) as holder:
        holder.execute("SELECT * FROM public.users WHERE username = 'user-0' FOR UPDATE")
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            locked = pool.submit(server.usage, 'user-0', '1')
            assert one_each(server, users[1:], ROUNDS) == [[200] * ROUNDS] * (USERS - 1)
            answer = locked.result()
        # No batch of the others ran into the lock and had to be done again.
        assert [metric(server, name) for name in UNDONE] == before, server.log()
        # It was held longer than a server lets anybody wait.
        assert answer.status_code == 503, answer.text
        assert usage_of(server, 'user-1') == 1 + ROUNDS
        holder.rollback()
    assert server.usage('user-0', '1').status_code == 200
    assert usage_of(server, 'user-0') == 2


@pytest.mark.parametrize('user, resource, insertion', [
    ('somebody', 'cpu.hours', "INSERT INTO public.users (username) VALUES ('somebody')"),
    ('user-0', 'data.size', "INSERT INTO public.usages (usage, resource_type_id, subscription_id)"
     " SELECT 5, t.id, s.id FROM public.resource_types t, public.subscriptions s"
     " JOIN public.users u ON u.id = s.user_id"
     " WHERE t.name = 'data.size' AND u.username = 'user-0'"),
])
def test_a_row_that_somebody_is_inserting_delays_nobody_else(server, database, user, resource,
                                                             insertion):
    """It cannot be passed over, since nobody sees it before it is committed."""
    users = [f'user-{n}' for n in range(USERS)]
    assert one_each(server, users) == [[200]] * USERS
    failed = metric(server, 'qms_batches_failed_total')
    with psycopg.connect(database.url_of('postgres')) as inserter:
        inserter.execute(insertion)
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(server.usage, user, '1', resource=resource)
            while not waiting.done():
                assert one_each(server, users[1:]) == [[200]] * (USERS - 1)
        assert waiting.result().status_code == 503, waiting.result().text
        # As soon as one may wait: long before a request may be answered at all.
        assert metric(server, 'qms_batches_failed_total') == failed, server.log()
        assert metric(server, 'qms_lock_timeouts_total') > 0
        inserter.commit()
    assert server.usage(user, '1', resource=resource).status_code == 200
    assert usage_of(server, user, resource) == (6 if user == 'user-0' else 1)


def test_a_value_that_the_database_refuses_fails_one_request(server, database):
    users = [f'user-{n}' for n in range(16)]
    assert one_each(server, users) == [[200]] * 16
    database.execute('ALTER TABLE public.usages ADD CONSTRAINT lucky CHECK (usage <> 13)')
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda user: server.usage(user, 12 if user == 'user-7' else 2),
                                users))
    statuses = [answer.status_code for answer in answers]
    assert statuses == [500 if user == 'user-7' else 200 for user in users]
    assert 'lucky' not in answers[7].text
    assert [usage_of(server, user) for user in users] == \
        [1 if user == 'user-7' else 3 for user in users]
    assert database.execute('SELECT count(*) FROM public.updates').strip() == '31'


def test_a_trigger_of_others_that_lacks_a_right_is_no_reason_to_connect_again(server, database):
    users = [f'user-{n}' for n in range(40)]
    database.execute('CREATE FUNCTION public.theirs() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN'
                     ' IF new.usage = 13 THEN RAISE insufficient_privilege; END IF; RETURN new;'
                     ' END $$', 'CREATE TRIGGER theirs BEFORE INSERT ON public.usages'
                     ' FOR EACH ROW EXECUTE FUNCTION public.theirs()')
    sessions = ("SELECT pid FROM pg_stat_activity WHERE application_name = 'qms'"
                " AND datname = current_database()")
    before = database.execute(sessions).split()
    items = [{'id': user, 'username': user, 'resource_name': 'cpu.hours', 'update_type': 'ADD',
              'usage_value': 13 if number % 2 else 1} for number, user in enumerate(users)]
    results = server.post('/v2/usages', items).json()['results']
    assert [result['status'] for result in results] == ['applied', 'error'] * 20
    assert set(before) <= set(database.execute(sessions).split())


@pytest.mark.parametrize('refusal', [
    "RAISE insufficient_privilege",
    "RAISE undefined_column",
    "RAISE feature_not_supported",
    "RAISE query_canceled",
    "RAISE SQLSTATE 'XX000'",
    "RAISE SQLSTATE 'QM001'",
    "new.usage := new.usage / 0",
    "RETURN NULL",
])
def test_a_trigger_of_others_fails_one_item_whatever_it_raises(server, database, refusal):
    users = [f'user-{n}' for n in range(16)]
    assert one_each(server, users) == [[200]] * 16
    database.execute('CREATE FUNCTION public.theirs() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN'
                     f' IF new.usage = 13 THEN {refusal}; END IF; RETURN new; END $$',
                     'CREATE TRIGGER theirs BEFORE INSERT OR UPDATE ON public.usages'
                     ' FOR EACH ROW EXECUTE FUNCTION public.theirs()')
    items = [{'id': user, 'username': user, 'resource_name': 'cpu.hours', 'update_type': 'ADD',
              'usage_value': 12 if user == 'user-7' else 2} for user in users]
    results = server.post('/v2/usages', items).json()['results']
    assert [result['status'] for result in results] == \
        ['error' if user == 'user-7' else 'applied' for user in users], server.log()
    assert [usage_of(server, user) for user in users] == \
        [1 if user == 'user-7' else 3 for user in users]
    assert database.execute('SELECT count(*) FROM public.updates').strip() == '31'


@pytest.mark.parametrize('damage', [
    "UPDATE public.plan_quota_defaults d SET quota_value = 'NaN' FROM public.plans p"
    " WHERE p.id = d.plan_id AND p.name = 'Pro'",
    "UPDATE public.plan_rates r SET rate = 'NaN' FROM public.plans p"
    " WHERE p.id = r.plan_id AND p.name = 'Pro'",
    "INSERT INTO public.plan_rates (plan_id, rate, effective_date)"
    " SELECT id, 1, 'infinity' FROM public.plans WHERE name = 'Pro'",
])
def test_a_plan_that_cannot_be_read_fails_only_who_buys_it(server, start_server, database, damage):
    assert subscribe(server, 'ada', 'Pro') == 200
    database.execute(damage)
    for one in (server, start_server(store=database)):
        assert one.get('/readyz').status_code == 200
        assert one.usage('ada', '1').status_code == 200
        assert subscribe(one, 'bob', 'Regular') == 200
        assert subscribe(one, 'cid', 'Pro') == 500
        assert [plan['name'] for plan in one.get('/plans').json()['plans']] == \
            ['Basic', 'Regular', 'Pro', 'Commercial']
        assert 'cannot be read' in one.log()


def test_an_add_on_that_cannot_be_read_fails_only_who_buys_it(server, start_server, database):
    subscription = server.get('/summary/ada').json()['subscription']['uuid']
    addons = {addon['name']: addon['uuid'] for addon in server.get('/addons').json()['addons']}

    def buy(one, name):
        return one.put(f'/subscriptions/{subscription}/addons/{addons[name]}').status_code
    assert buy(server, '1 TB') == 200
    database.execute("UPDATE public.addons SET default_amount = 'NaN' WHERE name = '1 TB'")
    for one in (server, start_server(store=database)):
        assert buy(one, '5000 CPU Hours') == 200
        assert buy(one, '1 TB') == 500
        assert [addon['name'] for addon in one.get('/addons').json()['addons']] == \
            ['5000 CPU Hours']
        assert one.get('/summary/ada').status_code == 200


def test_a_default_plan_that_cannot_be_read_is_not_ready(server, database):
    assert server.usage('ada', '1').status_code == 200
    database.execute("UPDATE public.plan_quota_defaults d SET quota_value = 'Infinity'"
                     " FROM public.plans p WHERE p.id = d.plan_id AND p.name = 'Basic'")
    assert server.get('/summary/bob').status_code == 500
    assert server.usage('ada', '1').status_code == 200
    ready = server.get('/readyz')
    assert ready.status_code == 503 and 'cannot be read' in ready.json()['reason']


BASIC = '99e47c22-950a-11ec-84a4-406c8f3e9cbb'
CPU = '99e3bc7e-950a-11ec-84a4-406c8f3e9cbb'
FIVE_THOUSAND = 'f8d2066c-e3b2-4559-839e-88bfc997c89f'  # an add-on
FIRST = {  # what others do, the request that waits for them, its status and the end of its text
    'a plan': ("INSERT INTO public.plans (name, description) VALUES ('Team', 'x')",
               'POST', '/v1/plans', {'name': 'Team', 'description': 'y'}, 400,
               'a plan named `Team` already exists'),
    'a plan over the root tree': (
        "INSERT INTO public.plans (name, description) VALUES ('Team', 'x')",
        'PUT', '/plans', {'plan': {'name': 'Team', 'description': 'y'}}, 400,
        'a plan named Team already exists'),
    'a rate': (f"INSERT INTO public.plan_rates (plan_id, rate, effective_date)"
               f" VALUES ('{BASIC}', 1, '2027-01-01Z')",
               'POST', f'/v1/plans/{BASIC}/rates',
               {'plan_rates': [{'rate': 2, 'effective_date': '2027-01-01T00:00:00Z'}]}, 400,
               'already exists'),
    'a resource type': (
        "INSERT INTO public.resource_types (name, unit, consumable) VALUES ('gpu', 'x', true)",
        'POST', '/v1/resource-types', {'name': 'gpu', 'unit': 'y'}, 409, 'already exists'),
    'a name of a resource type': (
        "INSERT INTO public.resource_types (name, unit, consumable) VALUES ('gpu', 'x', true)",
        'PUT', f'/v1/resource-types/{CPU}', {'name': 'gpu', 'unit': 'y'}, 409,
        'already exists: gpu'),
    'no add-on any more': (
        f"DELETE FROM public.addons WHERE id = '{FIVE_THOUSAND}'",
        'PUT', '/subscriptions/{subscription}/addons/' + FIVE_THOUSAND, None, 404,
        'add-on not found'),
}


UNTIL_SOMEBODY_WAITS = """DO $$ BEGIN
 FOR hundredth IN 1..12000 LOOP
  EXIT WHEN EXISTS (SELECT FROM pg_locks WHERE NOT granted);
  PERFORM pg_sleep(0.01);
 END LOOP;
END $$"""


@pytest.mark.parametrize('name', FIRST)
def test_who_is_a_moment_later_than_others_is_told_what_is_wrong(server, database, name):
    theirs, method, target, body, status, text = FIRST[name]
    subscription = server.get('/summary/ada').json()['subscription']['uuid']
    with psycopg.connect(database.url_of('postgres')) as first:
        first.execute(theirs)
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            later = pool.submit(server.http.request, method,
                                target.format(subscription=subscription), json=body)
            # The database itself waits and commits: nobody has to be in time for it.
            first.execute(f'{UNTIL_SOMEBODY_WAITS}; COMMIT')
            answer = later.result()
    assert answer.status_code == status, answer.text + server.log()
    told = answer.json()['error']
    assert (told if isinstance(told, str) else told['message']).endswith(text)


def test_a_backup_restored_elsewhere_knows_what_was_recorded(server, database, postgres,
                                                             start_server, tmp_path):
    """With pg_dump and pg_restore, by the role of the server, which owns no extension."""
    job = {'id': 'job', 'username': 'ada', 'resource_name': 'cpu.hours', 'update_type': 'ADD',
           'usage_value': 1.5}
    assert server.record([job])[0]['status'] == 'applied'
    dump = tmp_path / 'qms.dump'
    postgres.tool('pg_dump', '-Fc', '-d', database.url, '-f', dump)
    assert server.record([{**job, 'id': 'later'}])[0]['status'] == 'applied'
    other = stores.Database(postgres)
    postgres.tool('pg_restore', '--no-comments', '-d', other.url, dump)
    restored = start_server(store=other, name='restored')
    assert [result['status'] for result in restored.record([job, {**job, 'id': 'later'}])] \
        == ['duplicate', 'applied']
    assert usage_of(restored, 'ada') == 3


def summary(server, user):
    return server.get(f'/summary/{user}').json()['subscription']


def test_a_usage_and_a_quota_that_others_change_show_in_the_next_answer(server, database):
    server.usage('ada', '1')
    database.execute("UPDATE public.usages SET usage = 41.5",
                     'UPDATE public.quotas SET quota = 77 FROM public.resource_types r'
                     " WHERE r.id = resource_type_id AND r.name = 'cpu.hours'")
    assert usage_of(server, 'ada') == 41.5
    assert [quota['quota'] for quota in summary(server, 'ada')['quotas']
            if quota['resource_type']['name'] == 'cpu.hours'] == [77]
    server.usage('ada', '1')
    assert usage_of(server, 'ada') == 42.5


@pytest.mark.parametrize('role', ['qms', 'postgres'])
def test_a_plan_and_a_rate_that_others_make_show_in_the_next_answer(server, database, role):
    database.execute(
        "INSERT INTO public.plans (name, description) VALUES ('Theirs', 'of others')",
        'INSERT INTO public.plan_rates (plan_id, rate, effective_date)'
        " SELECT id, 12.5, '2022-01-01' FROM public.plans WHERE name = 'Theirs'",
        'INSERT INTO public.plan_quota_defaults (plan_id, resource_type_id, quota_value,'
        " effective_date) SELECT p.id, r.id, 9, '2022-01-01' FROM public.plans p,"
        " public.resource_types r WHERE p.name = 'Theirs'", role=role)
    made = server.put('/users', {'username': 'ada', 'planName': 'Theirs', 'paid': True})
    assert made.status_code == 200, made.text
    assert [quota['quota'] for quota in summary(server, 'ada')['quotas']] == [9, 9]
    database.execute('INSERT INTO public.plan_rates (plan_id, rate, effective_date)'
                     " SELECT id, 99, '2023-01-01' FROM public.plans WHERE name = 'Theirs'",
                     role=role)
    plans = json.dumps(server.get('/plans').json())
    assert '99' in plans
    server.put('/users', {'username': 'ben', 'planName': 'Theirs', 'paid': True})
    assert database.execute(
        'SELECT r.rate FROM public.subscriptions s JOIN public.plan_rates r'
        ' ON r.id = s.plan_rate_id JOIN public.users u ON u.id = s.user_id'
        " WHERE u.username = 'ben'") == '99\n'


def test_a_subscription_whose_end_is_infinity_does_not_end(server, database):
    assert server.usage('ada', 1).status_code == 200
    database.execute("UPDATE public.subscriptions SET effective_end_date = 'infinity'")
    assert server.usage('ada', 1).status_code == 200
    assert server.get('/summary/ada').json()['subscription']['effective_end_date'] is None
    assert len(server.get('/v1/subscriptions').json()['result']['subscriptions']) == 1
    assert subscribe(server, 'ada', 'Pro') == 200
    assert server.get('/summary/ada').json()['subscription']['plan']['name'] == 'Pro'


def test_a_subscription_that_others_make_counts_from_the_next_request_on(server, database):
    server.usage('ada', '1')
    database.execute(
        'INSERT INTO public.subscriptions (user_id, plan_id, effective_start_date,'
        ' effective_end_date, plan_rate_id) SELECT u.id, p.id, now(), now() + interval \'1 year\','
        " r.id FROM public.users u, public.plans p, public.plan_rates r WHERE u.username = 'ada'"
        " AND p.name = 'Pro' AND r.plan_id = p.id")
    assert summary(server, 'ada')['plan']['name'] == 'Pro'
    server.usage('ada', '5')
    assert usage_of(server, 'ada') == 5


def await_status(server, target, headers, status):
    until = time.monotonic() + WAIT_SECONDS_MAX
    while (answer := server.get(target, headers=headers)).status_code != status:
        assert time.monotonic() < until, answer.text
        time.sleep(0.1)


def test_a_key_that_is_made_or_revoked_on_one_server_is_so_on_the_others(start_server, database):
    """Soon, in the trees of QMS and in that of CloudMC."""
    one = start_server('--auth', store=database)
    root = cloud.Client(one, cloud.seed_operator(one))
    other = start_server('--auth', store=database, name='other')
    system = next(each['id'] for each in root.get('/organizations') if 'parent' not in each)
    made, kept = root.user(system, 'Guest'), root.user(system, 'Guest')
    key = {'MC-Api-Key': made.key}
    for target in ('/users/ada/usages', '/api/v2/quotas'):
        assert one.get(target, headers=key).status_code == 200
        await_status(other, target, key, 200)
    root.send('DELETE', f'/api_keys/{made.key_id}')
    for target in ('/users/ada/usages', '/api/v2/quotas'):
        assert one.get(target, headers=key).status_code == 401
        await_status(other, target, key, 401)
    assert other.get('/users/ada/usages', headers={'MC-Api-Key': kept.key}).status_code == 200
