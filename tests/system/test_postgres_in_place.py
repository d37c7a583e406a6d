"""The CyVerse database in place: adopted without a change, shared with its services, and left as it
was; or made from nothing as their own migrations would make it."""

import re
import subprocess
import threading

import psycopg
import pytest

import cyverse
from server import BINARY, REPOSITORY, NotStarted, Server, environment
from stores import ROLE, Database
from waits import WAIT_SECONDS_MAX

TRIGGERS, INDEXES = 7, 7
# What pg_dump says of ours in the schema of theirs.
OURS = re.compile(r'--\n-- Name: (\w+ )?qms_\w+;.*\n--\n\n(CREATE (TRIGGER|INDEX) qms_.*;\n+)')


@pytest.fixture
def role(postgres):
    """Makes roles that can log in and nothing else."""
    made = []

    def make(name):
        postgres.execute(f'CREATE ROLE "{name}" LOGIN')
        made.append(name)
        return name

    yield make
    for name in made:
        postgres.execute(f'DROP ROLE "{name}"')


@pytest.fixture
def databases(postgres, role):
    """databases(template) makes databases that are gone after the test, before the roles are."""
    made = []

    def make(template='qms_empty', owner=ROLE):
        made.append(Database(postgres, template, owner))
        return made[-1]

    yield make
    for database in made:
        database.drop()


@pytest.fixture
def cyverse_database(databases):
    """As the services and their migrations left it."""
    database = databases()
    cyverse.migrate(database)
    return database


def run_migrate(database, *args, role=ROLE):
    return subprocess.run([BINARY, 'migrate', '--store', database.url_of(role), *args],
                          env=environment(), capture_output=True, text=True,
                          timeout=WAIT_SECONDS_MAX)


def migrated(database, *args, role=ROLE):
    done = run_migrate(database, *args, role=role)
    assert done.returncode == 0, done.stderr
    assert done.stderr == '' or 'warning' in done.stderr
    return done.stdout


def refusal(database, role=ROLE):
    """What is said instead of starting; the server and qms migrate say the same."""
    done = run_migrate(database, role=role)
    assert done.returncode not in (0, 7) and done.stdout == ''
    return done.stderr


@pytest.fixture
def serve(tmp_path, request):
    """Starts a server on a database as a role; it has to stop cleanly."""
    servers = []

    def start(database, role=ROLE):
        store = type('Store', (), {'url': database.url_of(role), 'stored': database.stored})()
        server = Server(tmp_path / f'qms{len(servers)}', store=store)
        servers.append(server)
        return server.start()

    yield start
    for server in servers:
        if server.process is not None:
            server.stop()


def use(server):
    """Changes of every kind, through the server."""
    assert server.usage('bob', '2.5').status_code == 200
    assert server.post('/v1/users/bob/plan', {}).status_code < 600
    assert server.get('/summary/ada').status_code == 200


def ours_aside(dump):
    return OURS.sub('', dump)


# -- made from nothing -----------------------------------------------------------------------------

def test_an_empty_database_becomes_what_the_migrations_of_the_services_make(databases,
                                                                            cyverse_database):
    database = databases()
    said = migrated(database)
    assert 'created the CyVerse tables' in said
    assert f'{TRIGGERS} of {TRIGGERS}' in said and f'{INDEXES} of {INDEXES}' in said
    assert ours_aside(database.dump('--schema-only', '--exclude-schema=qms_server')) \
        == cyverse_database.dump('--schema-only')
    assert rows(database) == rows(cyverse_database)
    assert database.execute('SELECT * FROM schema_migrations') == '17|f\n'


def test_a_database_whose_migrations_were_all_taken_back_is_an_empty_one(databases):
    """Their migration program leaves its own table behind, without a row."""
    database = databases()
    database.execute('CREATE TABLE schema_migrations (version bigint NOT NULL PRIMARY KEY,'
                     ' dirty boolean NOT NULL)', role=ROLE)
    assert 'created the CyVerse tables' in migrated(database)
    assert database.execute('SELECT * FROM schema_migrations') == '17|f\n'


def rows(database):
    tables = database.stored().everything()
    return {name: rows for name, rows in tables.items() if not name.startswith('qms_server')}


def test_where_extensions_are_missing_the_lines_for_an_administrator_are_said(databases, serve):
    database = databases(template='template0')
    said = refusal(database)
    statements = re.findall(r'CREATE EXTENSION [^;]+;', said)
    assert 'CREATE EXTENSION moddatetime;' in statements
    assert database.dump('--schema-only') == databases('template0').dump('--schema-only')
    database.execute(*statements)
    assert serve(database).get('/summary/ada').status_code == 200


def test_where_extensions_are_in_another_schema_the_lines_that_move_them_are_said(databases, serve):
    database = databases(template='template0')
    names = '"uuid-ossp"', 'moddatetime', 'insert_username'
    database.execute('CREATE SCHEMA extensions',
                     *(f'CREATE EXTENSION {name} SCHEMA extensions' for name in names))
    before = database.dump('--schema-only')
    said = refusal(database)
    statements = re.findall(r'(?:ALTER|CREATE) EXTENSION [^;]+;', said)
    assert [f'ALTER EXTENSION {name} SET SCHEMA public;' for name in names] \
        == [each for each in statements if each.startswith('ALTER')]
    assert database.dump('--schema-only') == before
    database.execute(*statements)
    assert serve(database).get('/summary/ada').status_code == 200


def test_what_lists_keys_or_makes_one_prepares_no_database(databases):
    database = databases()
    before = database.dump()
    for words in (['list'], ['create']):
        done = subprocess.run([BINARY, 'apikey', *words, '--store', database.url_of(ROLE)],
                              env=environment(), capture_output=True, text=True,
                              timeout=WAIT_SECONDS_MAX)
        assert done.returncode == 4 and 'qms serve or qms migrate prepares it' in done.stderr
    assert database.dump() == before
    migrated(database)
    done = subprocess.run([BINARY, 'apikey', 'list', '--store', database.url_of(ROLE)],
                          env=environment(), capture_output=True, text=True,
                          timeout=WAIT_SECONDS_MAX)
    assert done.stdout == 'There are no API keys.\n'


def test_a_role_that_may_not_make_tables_is_told_what_it_needs(databases, role):
    database = databases(owner='postgres')
    role('guest_of_none')
    said = refusal(database, 'guest_of_none')
    assert 'GRANT CREATE ON SCHEMA public TO "guest_of_none";' in said


def test_a_database_with_other_tables_of_our_names_is_refused_and_not_altered(databases):
    database = databases()
    database.execute('CREATE TABLE users (name text)')
    before = database.dump()
    assert 'it has the table users' in refusal(database)
    assert database.dump() == before


@pytest.fixture
def encoded(postgres, databases):
    """Makes a database with the extensions, in another encoding."""
    def make(encoding):
        template = f'encoded_{encoding.lower()}'
        postgres.execute(f"CREATE DATABASE {template} TEMPLATE template0 ENCODING '{encoding}'"
                         " LC_COLLATE 'C' LC_CTYPE 'C'")
        database = databases(template)
        postgres.execute(f'DROP DATABASE {template}')
        for extension in ('uuid-ossp', 'moddatetime', 'insert_username'):
            database.execute(f'CREATE EXTENSION "{extension}"')
        return database
    return make


def test_a_database_that_cannot_store_every_name_is_refused(encoded):
    assert "made with ENCODING 'UTF8'" in refusal(encoded('LATIN1'))


def test_a_database_of_no_encoding_serves_all_but_what_is_not_utf_8(encoded, serve):
    database = encoded('SQL_ASCII')
    server = serve(database)
    assert server.usage('j\u00fcrgen', 1).status_code == 200
    database.execute("INSERT INTO users (username) VALUES (convert_from('\\x636166e9',"
                     " 'SQL_ASCII'))")
    assert [user['username'] for user in server.get('/v1/users').json()['result']] == \
        ['j\u00fcrgen']
    assert server.usage('j\u00fcrgen', 1).json()['usage']['usage'] == 2


def test_servers_that_start_together_prepare_the_database_once(databases, serve):
    database = databases()
    servers, failures = [], []

    def start():
        try:
            servers.append(serve(database))
        except NotStarted as failure:
            failures.append(failure)

    threads = [threading.Thread(target=start) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert [server.usage('ada', 1).status_code for server in servers] == [200] * 3
    assert database.stored().usage('ada') == 3
    migrations = len(list((REPOSITORY / 'migrations/postgres/server').glob('*.sql')))
    assert database.execute('SELECT count(*) FROM qms_server.migrations',
                            'SELECT count(*) FROM plans') == f'{migrations}\n4\n'


# -- adopted ---------------------------------------------------------------------------------------

def test_adoption_changes_no_object_and_leaving_takes_everything_along(cyverse_database, serve):
    database = cyverse_database
    before = database.dump('--schema-only')
    server = serve(database)
    use(server)
    server.restart()
    server.stop()
    during = database.dump('--schema-only', '--exclude-schema=qms_server')
    assert len(OURS.findall(during)) == TRIGGERS + INDEXES
    assert ours_aside(during) == before
    kept = rows(database)
    assert f'{TRIGGERS} triggers, {INDEXES} indexes' in migrated(database, '--remove')
    assert database.dump('--schema-only') == before
    assert rows(database) == kept
    migrated(database, '--remove')
    assert serve(database).get('/users/bob/usages').json()['usages'][0]['usage'] == 2.5


def test_the_statements_of_the_services_work_before_and_after(cyverse_database, serve, role):
    database, service = cyverse_database, role('de')
    database.execute('GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO de')
    database.execute(cyverse.STATEMENTS, role=service)
    server = serve(database)
    assert server.get('/users/ada/usages').json()['usages'][0]['usage'] == 1.5
    names = server.stored().subscriptions('ada')
    assert {row['created_by'] for row in names} == {'de'}
    server.usage('ada', 1)
    database.execute(cyverse.STATEMENTS.replace("'ada'", "'eve'"), role=service)
    assert server.get('/users/eve/usages').status_code == 200
    assert server.usage('ada', 1).json()['usage']['usage'] == 5
    server.stop()
    migrated(database, '--remove')
    database.execute(cyverse.STATEMENTS.replace("'ada'", "'joe'"), role=service)


@pytest.mark.parametrize('version, dirty, word', [
    (16, False, 'version 16'), (1, False, 'version 1 '), (17, True, 'dirty'), (16, True, 'dirty'),
    (18, False, 'newer qms'),
])
def test_a_database_of_another_version_is_refused_and_not_altered(databases, version, dirty, word):
    database = databases()
    cyverse.migrate(database, version, dirty)
    before = database.dump()
    assert word in refusal(database)
    assert database.dump() == before


@pytest.mark.parametrize('damage, word', [
    ('TRUNCATE schema_migrations', 'schema_migrations does not say'),
    ('DROP TABLE schema_migrations', 'schema_migrations does not say'),
    ('INSERT INTO schema_migrations VALUES (16, false)', 'schema_migrations has several rows'),
    ('INSERT INTO schema_migrations VALUES (16, true)', 'dirty'),
    ('INSERT INTO schema_migrations VALUES (18, false)', 'version 18'),
    ('ALTER TYPE tracked_metrics RENAME TO metrics', 'updates.value_type'),
    ('ALTER TABLE updates DROP COLUMN metadata', 'updates.metadata'),
    ('ALTER TABLE usages ALTER COLUMN usage TYPE double precision', 'usages.usage'),
    ('DROP TABLE subscription_addons', 'subscription_addons.'),
])
def test_a_database_that_is_not_what_it_says_is_refused_and_not_altered(cyverse_database, damage,
                                                                        word):
    cyverse_database.execute(damage)
    before = cyverse_database.dump()
    assert word in refusal(cyverse_database)
    assert cyverse_database.dump() == before


# -- roles -----------------------------------------------------------------------------------------

def test_a_role_that_owns_nothing_works_with_what_it_is_granted(cyverse_database, serve, role):
    database, guest = cyverse_database, role('guest')
    database.execute('REVOKE ALL ON SCHEMA public FROM PUBLIC')
    before = database.dump('--schema-only', '--no-privileges')
    for _ in range(5):  # each refusal says the statement that leads to the next
        done = run_migrate(database, role=guest)
        if done.returncode == 0:
            break
        database.execute(re.search(r'an administrator must run: (.*;)', done.stderr)[1])
    assert 'does not own' in done.stdout
    server = serve(database, guest)
    warnings = [line for line in re.findall(r'"message":"([^"]*)', server.log())
                if 'does not own the tables' in line]
    assert len(warnings) == len(set(warnings)) == 2  # the triggers, the indexes: once for a server
    use(server)
    assert server.stored().subscriptions('ada')[0]['created_by'] == 'guest'
    server.stored().execute("UPDATE plans SET description = 'ours' WHERE name = 'Basic'")
    plans = server.get('/v1/plans').json()['result']
    assert 'ours' in [plan['description'] for plan in plans]
    server.stop()
    assert database.dump('--schema-only', '--no-privileges', '--exclude-schema=qms_server') \
        == before
    migrated(database, '--remove', role=guest)
    assert database.dump('--schema-only', '--no-privileges') == before


def test_what_the_owner_has_prepared_serves_a_role_that_owns_nothing(cyverse_database, serve,
                                                                     role):
    database, guest = cyverse_database, role('visitor')
    migrated(database)
    database.execute('GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public '
                     'TO visitor')
    said = refusal(database, guest)
    database.execute(*re.findall(r'GRANT [^;]*;', said))
    server = serve(database, guest)
    assert 'does not own' not in server.log()
    use(server)
    server.stored().execute("UPDATE plans SET description = 'theirs' WHERE name = 'Basic'")
    plans = server.get('/v1/plans').json()['result']
    assert 'theirs' in [plan['description'] for plan in plans]


def test_a_role_called_like_our_schema_is_refused(cyverse_database, role):
    before = cyverse_database.dump()
    role('qms_server')
    assert 'ALTER ROLE qms_server RENAME' in refusal(cyverse_database)
    assert cyverse_database.dump() == before


def test_a_role_called_like_the_database_finds_the_tables_by_its_search_path(databases, role):
    database = databases()
    owner = role(database.name)
    database.execute(f'ALTER DATABASE {database.name} OWNER TO {owner}')
    cyverse.migrate(database, role=owner)
    migrated(database, role=owner)
    assert database.execute('SELECT count(*) FROM plans', 'SHOW search_path', role=owner) \
        == '4\n"$user", public\n'
    database.execute(cyverse.STATEMENTS, role=owner)


# -- beside others ---------------------------------------------------------------------------------

def connect(database):
    return psycopg.connect(database.url_of('postgres'))


def test_a_table_in_use_delays_neither_the_start_nor_its_user(cyverse_database, serve):
    with connect(cyverse_database) as service:
        service.execute("UPDATE plans SET description = 'x'")  # and goes on for a long time
        server = serve(cyverse_database)
        assert server.usage('ada', 1).status_code == 200
        assert 'triggers on the catalogue could not be made' in server.log()
        cyverse_database.execute("SET statement_timeout = '60s'; UPDATE plan_rates SET rate = rate")
    assert server.get('/v1/plans').json()['result'][0]['description'] == 'x'
    server.restart()
    assert 'could not be made' not in server.log()
    assert f'{TRIGGERS} of {TRIGGERS}, 0 of them new' in migrated(cyverse_database)


def test_an_index_of_others_is_not_taken_for_one_of_ours(cyverse_database):
    cyverse_database.execute('CREATE INDEX qms_theirs ON users (id)')
    assert f'indexes: {INDEXES} of {INDEXES}, {INDEXES} of them new' in migrated(cyverse_database)
    cyverse_database.execute('DROP INDEX qms_updates_user_index')
    assert f'indexes: {INDEXES} of {INDEXES}, 1 of them new' in migrated(cyverse_database)


def test_an_index_whose_build_was_cut_off_is_built_again(cyverse_database):
    migrated(cyverse_database)
    cyverse_database.execute("UPDATE pg_index SET indisvalid = false WHERE indexrelid = "
                             "'qms_updates_user_index'::regclass")
    assert 'indexes: 7 of 7, 1 of them new' in migrated(cyverse_database)


def test_the_migration_program_of_the_services_is_waited_for(cyverse_database):
    assert cyverse.lock_key('qms') == 2885190794
    with connect(cyverse_database) as program:
        program.execute('SELECT pg_advisory_lock(%s)', [cyverse.lock_key(cyverse_database.name)])
        process = subprocess.Popen([BINARY, 'migrate', '--store', cyverse_database.url],
                                   env=environment(), stdout=subprocess.PIPE, text=True)
        asked = set()
        while len(asked) < 3:  # again and again, and without going on
            assert process.poll() is None
            asked |= set(cyverse_database.execute(
                "SELECT query_start FROM pg_stat_activity WHERE application_name = 'qms' AND query "
                "LIKE '%pg_try_advisory_lock%' AND datname = current_database()").splitlines())
    assert 'qms_server: created' in process.communicate(timeout=WAIT_SECONDS_MAX)[0]
    assert process.returncode == 0


def test_writers_of_the_catalogue_do_not_wait_for_each_other(cyverse_database):
    migrated(cyverse_database)
    with connect(cyverse_database) as one, connect(cyverse_database) as other:
        other.execute("SET lock_timeout = '60s'")
        one.execute("UPDATE plans SET description = 'x' WHERE name = 'Basic'")
        other.execute("UPDATE plans SET description = 'x' WHERE name = 'Pro'")
        assert version(cyverse_database) == 1
        other.commit()
        assert version(cyverse_database) == 2
    assert version(cyverse_database) == 3


def version(database):
    return int(database.execute('SELECT version FROM qms_server.catalogue_version'))


def test_many_changes_of_the_catalogue_are_counted_together_at_a_start(cyverse_database):
    migrated(cyverse_database)
    cyverse_database.execute(*['UPDATE addons SET name = name'] * 101)
    assert version(cyverse_database) == 102
    migrated(cyverse_database)
    assert version(cyverse_database) == 102
    assert cyverse_database.execute('SELECT count(*) FROM qms_server.catalogue_changes') == '0\n'


def test_the_triggers_never_fail_the_services(cyverse_database):
    migrated(cyverse_database)
    cyverse_database.execute('DROP TABLE qms_server.catalogue_changes CASCADE',
                             cyverse.STATEMENTS)


# -- poolers ---------------------------------------------------------------------------------------

@pytest.mark.parametrize('mode', ['session', 'transaction', 'statement'])
def test_a_pooler_that_shares_sessions_is_refused(postgres, databases, pooler, mode):
    database = databases()
    done = subprocess.run([BINARY, 'migrate', '--store', pooler(database, mode)],
                          env=environment(), capture_output=True, text=True,
                          timeout=WAIT_SECONDS_MAX)
    if mode == 'session':
        assert done.returncode == 0, done.stderr
        return
    assert done.returncode == 2
    assert 'pool_mode=session' in done.stderr
    assert database.dump('--schema-only') == databases().dump('--schema-only')


@pytest.fixture
def pooler(tmp_path, postgres):
    """pooler(database, mode): the URL of a pgbouncer before the cluster."""
    processes = []

    def start(database, mode):
        directory = postgres.directory / f'pool-{mode}'
        directory.mkdir()
        config = directory / 'pgbouncer.ini'
        config.write_text(
            f'[databases]\n{database.name} = host={postgres.directory} port={postgres.port} '
            f'user={ROLE}\n'
            f'[pgbouncer]\nlisten_port = 6432\nunix_socket_dir = {directory}\n'
            f'auth_type = any\npool_mode = {mode}\nlogfile = {directory}/log\n')
        postgres.own(directory, config)
        processes.append(subprocess.Popen(['/usr/sbin/pgbouncer', config], cwd=directory,
                                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                          **postgres.identity()))
        url = str(directory).replace('/', '%2F')
        url = f'postgresql://{ROLE}@{url}:6432/{database.name}'
        for _ in range(2000):
            try:
                psycopg.connect(url).close()
                return url
            except psycopg.OperationalError:
                assert processes[-1].poll() is None
                threading.Event().wait(0.05)
        raise AssertionError('pgbouncer does not answer')

    yield start
    for process in processes:
        process.terminate()
        process.wait()
