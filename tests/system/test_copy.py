"""qms copy: everything moves from one store to another, and back, and nothing else happens.

Databases are filled by a server and by strangers, and read by others than qms."""

import decimal
import os
import pty
import re
import subprocess
import sys
import uuid

import pytest

import stores
from server import BINARY, Server, environment
from stored import new_id
from waits import WAIT_SECONDS_MAX

pytestmark = pytest.mark.sqlite_only('it names the stores itself')

# What each store keeps for itself, and cannot be of use in another.
NOT_COPIED = {'last_batch', 'catalogue_version', 'sqlite_sequence',
              'qms_server.batches', 'qms_server.migrations', 'qms_server.catalogue_changes',
              'qms_server.catalogue_base', 'schema_migrations',
              'directory_version', 'qms_server.directory_version'}
WRITERS = ('created_by', 'last_modified_by')


def copy(source, target, **options):
    return subprocess.run([BINARY, 'copy', '--from', source.url, '--to', target.url],
                          capture_output=True, text=True, env=environment(),
                          timeout=WAIT_SECONDS_MAX,
                          **options)


def copied(source, target):
    done = copy(source, target)
    assert done.returncode == 0, done.stderr
    assert 'Verified' in done.stdout
    return done.stdout


def comparable(name, value):
    if isinstance(value, decimal.Decimal) and value.is_finite():
        return f'{value.normalize():f}'
    if isinstance(value, decimal.Decimal):
        return str(value)
    if isinstance(value, (bool, int)):
        return int(value)
    return bytes(value) if isinstance(value, (bytes, memoryview)) else value


AMOUNTS = {'plan_rates': 'rate', 'plan_quota_defaults': 'quota_value', 'addons': 'default_amount',
           'addon_rates': 'rate', 'quotas': 'quota', 'usages': 'usage',
           'subscription_addons': 'amount', 'updates': 'value'}


def contents(stored, without=()):
    """All rows by table, in words that both stores share."""
    postgres = not hasattr(stored, 'path')
    tables = {}
    for table in ('update_operations resource_types plans plan_rates plan_quota_defaults addons '
                  'addon_rates users subscriptions quotas usages subscription_addons '
                  'updates').split():
        rows = stored.rows(f'SELECT * FROM {"public." if postgres else ""}{table}')
        for row in rows:
            for name in without:
                row.pop(name, None)
            amount = AMOUNTS.get(table)
            if amount:
                row[amount] = decimal.Decimal(row[amount])
        tables[table] = sorted(
            repr(sorted((name, comparable(name, value)) for name, value in row.items()))
            for row in rows)
    columns = '"key", user_id, operation, principal, content, made_id, recorded_at'
    for name, sqlite, where in (('ids', 'idempotency', 'NOT expires'),
                                ('keys', 'request_keys', 'expires')):
        source = f'qms_server.idempotency WHERE {where}' if postgres else sqlite
        tables[name] = sorted(
            repr([(column, comparable(column, value)) for column, value in row.items()])
            for row in stored.rows(f'SELECT {columns} FROM {source}'))
    return tables


def fill(server):
    """A little of everything that a server can write."""
    for number in range(12):
        name = 'J%C3%BCrgen%5C3' if number == 3 else f'user-{number}'
        assert server.update(name, f'{number}.000000000000000000001',
                             metadata='{"a":"tab\\\\t \\\\N"}').status_code == 200
        assert server.usage(name, '0.1').status_code == 200
        assert server.update(name, '12345678901234567890.25', operation='SET',
                             value_type='quotas', resource='data.size').status_code == 200
    server.record([{'id': f'job-{number}', 'username': f'user-{number}',
                    'resource_name': 'cpu.hours', 'update_type': 'ADD',
                    'usage_value': 1.5} for number in range(5)])
    body = {'resource_name': 'cpu.hours', 'update_type': 'ADD', 'usage_value': 2}
    assert server.put('/users/user-1/usages', body,
                      headers={'Idempotency-Key': 'once'}).status_code == 200


@pytest.fixture
def database(postgres):
    made = []

    def make(**options):
        made.append(stores.Database(postgres, **options))
        return made[-1]

    yield make
    for one in made:
        one.drop()


@pytest.fixture
def filled(tmp_path):
    """An SQLite file that a server has filled; nobody uses it."""
    server = Server(tmp_path / 'source', store=tmp_path / 'source.db').start()
    try:
        fill(server)
    finally:
        server.stop()
    return server.store


def test_everything_is_there_in_postgresql_and_again_in_sqlite(filled, database, tmp_path):
    target, back = database(), stores.File(tmp_path / 'back.db')
    before = contents(filled.stored())
    assert len(before['users']) >= 12 and len(before['ids']) == 5 and len(before['keys']) >= 1
    said = copied(filled, target)
    assert contents(target.stored()) == before
    assert re.search(r'^users +13$', said, re.MULTILINE), said
    assert 'Not kept' not in said
    copied(target, back)
    assert contents(back.stored()) == before
    back.stored().assert_sound()


def test_the_target_is_as_a_server_would_have_made_it(filled, database):
    """Triggers that were switched off on the way are on again, and nothing else is different."""
    target, other = database(), database()
    copied(filled, target)
    subprocess.run([BINARY, 'migrate', '--store', other.url], env=environment(), check=True,
                   capture_output=True)
    assert target.dump('--schema-only') == other.dump('--schema-only')


def test_a_role_that_owns_nothing_copies_all_but_the_writers(filled, database, postgres):
    target = database()
    subprocess.run([BINARY, 'migrate', '--store', target.url], env=environment(), check=True,
                   capture_output=True)
    role = f'mover_{uuid.uuid4().hex[:8]}'
    target.execute(f'CREATE ROLE {role} LOGIN',
                   f'GRANT USAGE ON SCHEMA public, qms_server TO {role}',
                   f'GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public,'
                   f' qms_server TO {role}')
    target.url = target.url_of(role)
    said = copied(filled, target)
    assert 'Not kept: created_by and last_modified_by' in said
    assert contents(target.stored(), WRITERS) == contents(filled.stored(), WRITERS)
    writers = target.stored().rows('SELECT DISTINCT created_by, last_modified_by FROM updates')
    assert writers == [{'created_by': role, 'last_modified_by': role}]
    target.execute(f'DROP OWNED BY {role}', f'DROP ROLE {role}')


def test_a_server_goes_on_with_what_was_copied(filled, database, start_server):
    target = database()
    copied(filled, target)
    server = start_server(store=target)
    job = {'id': 'job-2', 'username': 'user-2', 'resource_name': 'cpu.hours',
           'update_type': 'ADD', 'usage_value': 1.5}
    assert server.record([job])[0]['status'] == 'duplicate'
    usages = server.get('/v1/users/user-2/plan').json()['result']['usages']
    assert [usage['usage'] for usage in usages] == [3.6]
    server.update('user-2', '1')
    assert server.running()


@pytest.mark.parametrize('table', ['users', 'updates', 'ids of usages', 'plans'])
def test_a_target_that_is_not_empty_is_refused_and_left_alone(filled, database, tmp_path, table):
    statements = {
        'users': "INSERT INTO users (username) VALUES ('somebody')",
        'updates': 'INSERT INTO updates (update_operation_id, value_type, value, resource_type_id,'
                   " effective_date) SELECT o.id, 'usages', 1, r.id, now() FROM update_operations"
                   ' o, resource_types r LIMIT 1',
        'ids of usages': 'INSERT INTO qms_server.idempotency (key, user_id, operation, content,'
                         " made_id, recorded_at, expires) VALUES ('k', uuid_generate_v4(), 'o',"
                         " '', uuid_generate_v4(), now(), false)",
        'plans': "INSERT INTO plans (name, description) VALUES ('Own', 'of ours')",
    }
    target = database()
    subprocess.run([BINARY, 'migrate', '--store', target.url], env=environment(), check=True,
                   capture_output=True)
    target.execute(statements[table])
    before = target.dump('--data-only')
    done = copy(filled, target)
    assert done.returncode == 5 and 'the target is not empty' in done.stderr, done.stderr
    assert table in done.stderr
    assert target.dump('--data-only') == before


def test_a_source_in_use_is_read_as_it_is_at_one_moment(start_server, database, tmp_path):
    """A server adds one to two users in one request again and again: they are never apart."""
    server = start_server(store=tmp_path / 'used.db')
    server.record([{'id': f'{name}-first', 'username': name, 'resource_name': 'cpu.hours',
                    'update_type': 'ADD', 'usage_value': 1} for name in ('left', 'right')])
    writer = subprocess.Popen(
        [sys.executable, '-c', f'''
import httpx, itertools
with httpx.Client(base_url={server.url!r}, trust_env=False) as client:
    for n in itertools.count():
        client.post('/v2/usages', json=[{{'id': f'{{name}}-{{n}}', 'username': name,
            'resource_name': 'cpu.hours', 'update_type': 'ADD', 'usage_value': 1}}
            for name in ('left', 'right')])
'''])
    try:
        targets = [database() for _ in range(3)]
        for target in targets:
            copied(server.store, target)
    finally:
        writer.kill()
        writer.wait()
    for target in targets:
        rows = target.stored().rows(
            'SELECT u.username, g.usage, (SELECT sum(value) FROM updates t WHERE t.user_id = u.id)'
            ' AS total FROM users u JOIN subscriptions s ON s.user_id = u.id'
            ' JOIN usages g ON g.subscription_id = s.id ORDER BY 1')
        assert [row['usage'] == row['total'] for row in rows] == [True, True], rows
        assert rows[0]['usage'] == rows[1]['usage']


def test_what_only_strangers_write_moves_too(database, tmp_path):
    """More digits than we calculate with, NaN, dates far away, open ends, nulls, no user."""
    source, target, again = database(), stores.File(tmp_path / 'odd.db'), database()
    subprocess.run([BINARY, 'migrate', '--store', source.url], env=environment(), check=True,
                   capture_output=True)
    digits = '1234567890123456789012345678901234567890.000000000000000000001'
    source.execute(
        "INSERT INTO users (username) VALUES ('odd')",
        'INSERT INTO subscriptions (user_id, plan_id, effective_start_date, effective_end_date,'
        ' plan_rate_id) SELECT u.id, p.id, d, NULL, r.id FROM users u, plans p, plan_rates r,'
        " (VALUES ('0044-03-15 12:00:00.000001+00 BC'::timestamptz), ('infinity'), ('-infinity'),"
        " ('20000-01-01')) AS v (d) WHERE p.name = 'Basic' AND r.plan_id = p.id",
        'INSERT INTO quotas (quota, resource_type_id, subscription_id)'
        " SELECT 'NaN', r.id, s.id FROM resource_types r, subscriptions s",
        'INSERT INTO usages (usage, resource_type_id, subscription_id)'
        f" SELECT {digits}, r.id, s.id FROM resource_types r, subscriptions s",
        'INSERT INTO updates (update_operation_id, value_type, value, resource_type_id,'
        " effective_date) SELECT o.id, 'quotas', -1e20, r.id, now() FROM update_operations o,"
        ' resource_types r LIMIT 1',
        "INSERT INTO resource_types (name, unit, consumable) VALUES ('odd', 'odd', NULL)")
    copied(source, target)
    copied(target, again)
    for table in ('subscriptions', 'quotas', 'usages', 'updates', 'resource_types'):
        query = f'SELECT * FROM {table} ORDER BY id'
        assert again.execute(query) == source.execute(query)
    assert digits in target.stored().rows('SELECT usage FROM usages')[0]['usage']


def test_a_target_that_refuses_a_row_has_nothing_of_the_copy(filled, database):
    target = database()
    subprocess.run([BINARY, 'migrate', '--store', target.url], env=environment(), check=True,
                   capture_output=True)
    target.execute('ALTER TABLE updates ADD CONSTRAINT small CHECK (value < 1000)')
    before = target.dump('--data-only')
    done = copy(filled, target)
    assert done.returncode == 5
    assert 'the target refuses a row of updates' in done.stderr
    assert target.dump('--data-only') == before
    assert set(target.execute("SELECT DISTINCT tgenabled FROM pg_trigger").split()) == {'O'}


def test_a_target_that_changes_what_it_is_given_is_noticed(filled, database):
    target = database()
    subprocess.run([BINARY, 'migrate', '--store', target.url], env=environment(), check=True,
                   capture_output=True)
    target.execute(
        'CREATE FUNCTION spoil() RETURNS trigger LANGUAGE plpgsql AS'
        " 'BEGIN NEW.usage := NEW.usage + 0.000000000000000000001; RETURN NEW; END'",
        'CREATE TRIGGER spoil BEFORE INSERT ON usages FOR EACH ROW EXECUTE FUNCTION spoil()')
    before = target.dump('--data-only')
    done = copy(filled, target)
    assert done.returncode == 5 and 'something else than was copied' in done.stderr
    assert target.dump('--data-only') == before


def test_organizations_and_their_keys_move_too(filled, database, tmp_path):
    user, key, child = new_id(), new_id(), new_id()
    stored = filled.stored()
    stored.execute('INSERT INTO organizations (id, parent_id, name, created_at)'
                   " SELECT ?, id, 'Ours', 1 FROM organizations WHERE parent_id IS NULL", child)
    stored.execute('INSERT INTO organization_users (id, organization_id, name, created_at)'
                   " VALUES (?, ?, 'ada', 2)", user, child)
    stored.execute("INSERT INTO api_keys (id, user_id, name, hash, created_at)"
                   " VALUES (?, ?, 'key', ?, 3)", key, user, b'\\\n\t\0' * 8)
    target, back = database(), stores.File(tmp_path / 'back.db')
    copied(filled, target)
    copied(target, back)
    for table in ('organizations', 'organization_users', 'role_bindings', 'api_keys'):
        query = f'SELECT * FROM {table} ORDER BY id'
        assert back.stored().rows(query) == stored.rows(query)


def test_a_row_whose_id_is_none_is_not_copied_as_something_else(filled, database):
    filled.stored().execute("INSERT INTO users (id, username) VALUES (X'01', 'short')")
    done = copy(filled, database())
    assert done.returncode == 5
    assert 'a row of users in the source cannot be read' in done.stderr


def test_a_database_that_no_qms_has_seen_can_be_copied(database, tmp_path):
    """The CyVerse services' own, without our schema."""
    source, target = database(), stores.File(tmp_path / 'target.db')
    subprocess.run([BINARY, 'migrate', '--store', source.url], env=environment(), check=True,
                   capture_output=True)
    source.execute("INSERT INTO users (username) VALUES ('theirs')")
    subprocess.run([BINARY, 'migrate', '--remove', '--store', source.url], env=environment(),
                   check=True, capture_output=True)
    before = source.dump()
    copied(source, target)
    assert [row['username'] for row in target.stored().rows('SELECT username FROM users')] \
        == ['theirs']
    assert source.dump() == before


def test_wrong_places_are_named_without_their_passwords(filled, database, tmp_path):
    missing = stores.File(tmp_path / 'missing.db')
    done = copy(missing, database())
    assert done.returncode == 4 and 'missing.db' in done.stderr
    assert not missing.path.exists()
    text = tmp_path / 'text.db'
    text.write_text('no database\n' * 100)
    assert copy(stores.File(text), database()).returncode == 5
    one = subprocess.run([BINARY, 'copy', '--from', filled.url], capture_output=True, text=True,
                         env=environment())
    assert one.returncode == 2 and '--to' in one.stderr
    secret = subprocess.run([BINARY, 'copy', '--from', filled.url, '--to',
                             'postgresql://u:hunter2@127.0.0.1:1/x'], capture_output=True,
                            text=True, env=environment())
    assert secret.returncode == 6 and 'hunter2' not in secret.stderr + secret.stdout
    unknown = subprocess.run([BINARY, 'copy', '--from', filled.url, '--to', 'mysql:hunter2'],
                             capture_output=True, text=True, env=environment())
    assert unknown.returncode == 2 and 'hunter2' not in unknown.stderr


def test_progress_is_shown_on_a_terminal_only(filled, database, tmp_path):
    assert '\r' not in copy(filled, database()).stderr
    controller, terminal = pty.openpty()
    target = stores.File(tmp_path / 'target.db')
    filled.stored().add_users([(new_id(), f'many-{number}') for number in range(20000)])
    child = subprocess.Popen([BINARY, 'copy', '--from', filled.url, '--to', target.url],
                             stderr=terminal, stdout=subprocess.DEVNULL,
                             env=environment(TERM='xterm'))
    os.close(terminal)
    seen = b''
    try:
        while piece := os.read(controller, 4096):
            seen += piece
    except OSError:  # the terminal is gone with its last user
        pass
    os.close(controller)
    assert child.wait(WAIT_SECONDS_MAX) == 0
    assert b'copying ' in seen and b'\r' in seen, seen


TABLE_OF_SOURCE = re.compile(
    r'(MODEL|DIRECTORY)\("(\w+)",\s*"\w+",\s*((?:"[^"]*"|\s|WRITTEN_COLUMNS)+)')
WRITTEN_COLUMNS = 'created_by, created_at, last_modified_by, last_modified_at'
KEY_COLUMNS = 'key, user_id, operation, principal, content, made_id, recorded_at'.split(', ')
GROUP_COLUMNS = {'id', 'keys', 'user_ids', 'operation', 'principal', 'contents', 'made_ids',
                 'recorded_at'}


def copied_columns():
    """What is copied, as the program's own list says."""
    text = (stores.REPOSITORY / 'src/store/store_rows.c').read_text()
    columns = {'idempotency': set(KEY_COLUMNS), 'request_key_groups': GROUP_COLUMNS,
               'qms_server.idempotency': {*KEY_COLUMNS, 'expires'}}
    for kind, table, list_ in TABLE_OF_SOURCE.findall(text):
        names = set(re.findall(r'\w+', list_.replace('WRITTEN_COLUMNS', WRITTEN_COLUMNS)))
        columns[table] = names
        if kind == 'DIRECTORY':
            columns[f'qms_server.{table}'] = names
    return columns


def test_every_column_is_copied_or_known_not_to_be(filled, database):
    """A new table or column has to be added to what is copied, or to what is not."""
    target, found = database(), {}
    copied(filled, target)
    for table in filled.stored().rows("SELECT name FROM sqlite_schema WHERE type = 'table'"):
        found[table['name']] = {column['name'] for column in filled.stored().rows(
            f"PRAGMA table_info('{table['name']}')")}
    for line in target.execute(
            "SELECT CASE table_schema WHEN 'public' THEN '' ELSE 'qms_server.' END || table_name,"
            " column_name FROM information_schema.columns WHERE table_schema IN ('public',"
            " 'qms_server') AND table_name IN (SELECT tablename FROM pg_tables)").splitlines():
        table, column = line.split('|')
        found.setdefault(table, set()).add(column)
    assert {table: columns for table, columns in found.items()
            if table not in NOT_COPIED} == copied_columns()
