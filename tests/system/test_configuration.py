"""Settings from a YAML file, a dotenv file, the environment and the command line."""

import subprocess

import pytest

from server import BINARY, REPOSITORY, environment
from waits import WAIT_SECONDS_MAX


@pytest.fixture
def check(tmp_path):
    """check(*args, file=, dotenv=, **variables): the exit status, {setting: (value, origin)}, and
    all that was printed."""

    def run(*args, file=None, dotenv=None, **variables):
        if file is not None:
            (tmp_path / 'service.yml').write_text(file)
            args = ('--config', 'service.yml', *args)
        if dotenv is not None:
            (tmp_path / 'service.env').write_text(dotenv)
            args = ('--dotenv-path', 'service.env', *args)
        done = subprocess.run([str(BINARY), 'serve', '--check', *args], capture_output=True,
                              text=True, env=environment(**variables), cwd=tmp_path,
                              timeout=WAIT_SECONDS_MAX)
        assert sorted(path.name for path in tmp_path.iterdir() if path.suffix == '.db') == []
        settings = {}
        title, *lines = done.stdout.split('\n\n')[0].splitlines() or ['']
        value, origin = title.find(' value ') + 1, title.find(' from') + 1
        for line in lines:
            settings[line[:value].strip()] = (line[value:origin].strip(), line[origin:])
        return done.returncode, settings, done.stdout + done.stderr

    return run


def test_later_sources_win(check):
    file = 'default_plan: one\nusers: {domain: one.org}\ndrain-seconds: 1\nstore: {actor: one}\n'
    dotenv = ('# a comment\n\nQMS_DEFAULT_PLAN=two\nexport QMS_USERS_DOMAIN="two.org"\n'
              'QMS_DRAIN_SECONDS=2\n')
    status, settings, output = check('--drain-seconds', '4', file=file, dotenv=dotenv,
                                     QMS_USERS_DOMAIN='three.org', QMS_DRAIN_SECONDS='3')
    assert status == 0, output
    assert settings['store.actor'] == ('one', 'service.yml line 4: store.actor')
    assert settings['default_plan'] == ('two', 'service.env line 3: QMS_DEFAULT_PLAN')
    assert settings['users.domain'] == ('three.org', 'QMS_USERS_DOMAIN')
    assert settings['drain_seconds'] == ('4', '--drain-seconds')
    assert settings['log.level'] == ('info', 'default')


@pytest.mark.parametrize('file, variables, origin', [
    ('username.suffix: "@a.org"', {}, 'service.yml line 1: username.suffix'),
    ('username: {suffix: "@a.org"}', {}, 'service.yml line 1: username.suffix'),
    ('users:\n  domain: "@a.org"', {}, 'service.yml line 2: users.domain'),
    ('{}', {'QMS_USERNAME_SUFFIX': '@a.org'}, 'QMS_USERNAME_SUFFIX'),
    ('username.suffix: b', {'QMS_USERS_DOMAIN': '@a.org'}, 'QMS_USERS_DOMAIN'),
    ('users.domain: b', {'QMS_USERNAME_SUFFIX': '@a.org'}, 'QMS_USERNAME_SUFFIX'),
])
def test_both_names_of_the_domain_are_known(check, file, variables, origin):
    status, settings, output = check(file=file, **variables)
    assert status == 0, output
    assert settings['users.domain'] == ('@a.org', origin)


def test_older_names_of_other_settings_are_known(check):
    status, settings, output = check(
        file='database: {uri: "sqlite:a.db"}\nlog-level: warn\nReport-Overages: no\nport: 7\n')
    assert status == 0, output
    assert settings['store.url'] == ('sqlite:a.db', 'service.yml line 1: database.uri')
    assert settings['log.level'] == ('warn', 'service.yml line 2: log-level')
    assert settings['report_overages'][0] == 'false'
    assert settings['port'][0] == '7'


def test_a_list_replaces_a_list(check):
    file = 'http:\n  hosts:\n    - a\n    - b:1\n'
    assert check(file=file)[1]['http.hosts'] == ('a,b:1', 'service.yml line 3: http.hosts')
    assert check('--host', 'c', file=file)[1]['http.hosts'] == ('c', '--host')


def test_a_list_may_have_blanks_beside_its_commas(check):
    status, settings, output = check(QMS_NATS_CLUSTER='nats://a:4222, tls://b:4222 ,nats://c:4222')
    assert status == 0, output
    assert settings['nats.cluster'][0] == 'nats://a:4222,tls://b:4222,nats://c:4222'


def test_another_prefix_of_variables_is_read(check):
    settings = check('--env-prefix', 'OTHER_', OTHER_DEFAULT_PLAN='Pro', QMS_DEFAULT_PLAN='no')[1]
    assert settings['default_plan'] == ('Pro', 'OTHER_DEFAULT_PLAN')


def test_what_kubernetes_says_of_a_service_of_our_name_is_no_port(check):
    said = {'PORT': 'tcp://10.0.0.1:60000', 'SERVICE_HOST': '10.0.0.1', 'SERVICE_PORT': '60000'}
    for prefix in ('QMS_', 'OTHER_'):
        status, settings, output = check('--env-prefix', prefix, file='port: 7',
                                         **{prefix + name: said[name] for name in said})
        assert status == 0, output
        assert settings['port'] == ('7', 'service.yml line 1: port')
    assert check(dotenv=f'QMS_PORT={said["PORT"]}')[0] == 2


def test_settings_of_other_services_are_passed_over_with_a_warning(check):
    status, _, output = check(file='otel:\n  endpoint: tls://otel\ndefault_plan: Pro\n')
    assert status == 0
    assert 'service.yml line 2: otel.endpoint is not a setting of qms serve\n' in output


@pytest.mark.parametrize('file, name, meant', [
    ('engine: {thread: 5}', 'engine.thread', 'engine.threads'),
    ('store: sqlite:other.db', 'store', 'store.url'),
    ('default-plans: Pro', 'default-plans', 'default_plan'),
])
def test_a_setting_that_is_nearly_one_of_ours_is_told_from_those_of_others(check, file, name,
                                                                         meant):
    status, _, output = check(file=file)
    assert status == 0
    assert f'service.yml line 1: {name} is not a setting of qms serve; did you mean {meant}?\n' \
        in output


@pytest.mark.parametrize('file, text', [
    ('a: 1\nreport_overages: maybe\n', "service.yml line 2: report_overages is true or false"),
    ('drain_seconds: -1', 'service.yml line 1: drain_seconds takes a whole number'),
    ('drain_seconds: [1, [2]]', 'is a single value, not a list of more'),
    ('\n\ndefault_plan: {a: b}', 'service.yml line 3: default_plan is a single value, not a map'),
    ('a: b: c', 'service.yml line 1: mapping values are not allowed'),
    ('default_plan: a\ndefault-plan: b', 'service.yml line 2: default-plan is in line 1 already'),
    ('- a', 'settings are a mapping'),
    ('database: {uri: "mysql://qms:secret@db/qms"}', 'sqlite:PATH or postgresql://'),
    ('listen: 0.0.0.0:1', 'not authenticated'),
    ('store: {url: "sqlite:/nowhere/at/all/qms.db"}', 'cannot be made in /nowhere/at/all'),
    ('log.level: loud', "not 'loud'"),
    ('nats.cluster: "http://ada:secret@nats:4222"', 'begins with nats:// or tls://'),
    ('nats.cluster: "nats://a:4222,nats://ada:secret@:4222"', 'no host is named'),
    ('nats: {cluster: "nats://a:4222", subject: "a.*"}', "without wildcards, not 'a.*'"),
    ('nats: {cluster: "nats://a:4222", subject: "a..b"}', "words joined by dots"),
    ('nats: {cluster: "nats://a", subject: a, user_plans_subject: a}', 'are both a: one prefix'),
    ('nats: {cluster: "nats://a", creds: /nowhere/x.creds}', 'nats.creds: /nowhere/x.creds cannot'),
    ('nats: {cluster: "nats://a", tlsca: /nowhere/ca.crt}', 'nats.tlsca: /nowhere/ca.crt cannot'),
    ('nats: {cluster: "tls://a", no_tls: true}', 'nats.no_tls says otherwise'),
    ('nats: {cluster: "nats://a", answers: newer}', "newest or 2024, not 'newer'"),
    ('nats: {cluster: "nats://a", in_flight: 0}', 'nats.in_flight takes a whole number from 1'),
])
def test_what_is_wrong_is_said(check, file, text):
    status, _, output = check(file=file)
    assert status == 2
    assert text in output
    assert 'secret' not in output


@pytest.mark.parametrize('uri', [
    'postgresql://qms:secret@db:5432/qms',
    'postgres://qms:secret@one:5432,two:5432/qms?target_session_attrs=read-write',
    'postgresql://qms@db/qms?password=secret&sslpassword=secret',
    'postgresql://db/qms?password=secret',
])
def test_the_password_of_a_database_is_not_shown(check, uri):
    status, _, output = check(file='database: {uri: "%s"}' % uri)
    assert status == 0
    assert 'postgres' in output
    assert 'secret' not in output


def test_a_file_that_is_not_there_is_an_error(check):
    assert check('--config', 'none.yml')[0] == 2
    for option in ('--config', '--dotenv-path'):
        status, _, output = check(option, '/')
        assert status == 2 and 'cannot read /: Is a directory' in output
    assert check(QMS_CONFIG='none.yml')[0] == 2
    assert check(dotenv='no equals sign')[0] == 2


def test_a_dotenv_file_need_not_be_there(check):
    status, _, output = check('--dotenv-path', 'none.env')
    assert status == 0
    assert 'none.env is not there: no settings come from it' in output


def test_a_server_uses_its_file(start_server, tmp_path):
    (tmp_path / 's.yml').write_text('port: 1\nusers: {create_on_read: false}\nunknown: 1\n')
    server = start_server('--config', str(tmp_path / 's.yml'))
    assert 'line 3: unknown is not a setting of qms serve' in server.log()
    summary = server.get('/summary/ada')
    assert summary.status_code == 404, summary.text
    assert server.get('/v1/usages/ada').status_code == 404
    assert server.stored().everything()['users'] == []
    server.usage('ada', 1)  # a write still makes its user
    assert server.get('/summary/ada').status_code == 200


def test_long_names_and_values_leave_the_columns_straight(check):
    uri = 'sqlite:' + 'long/' * 20 + 'qms.db'
    settings = check('--store', uri, '--restore-tail')[1]
    assert settings['store.url'] == (uri, '--store')
    assert settings['subscriptions.restore_tail'] == ('true', '--restore-tail')
    assert settings['log.level'] == ('info', 'default')


def test_secrets_of_nats_addresses_are_not_shown(check):
    cluster = 'nats://ada:secret@a:4222,tls://secret@b:4222,nats://c:4222'
    status, _, output = check(file=f'nats: {{cluster: "{cluster}"}}')
    assert status == 0
    assert 'nats://ada:***@a:4222,tls://***@b:4222,nats://c:4222' in output
    assert 'secret' not in output


def test_the_table_in_the_documents_is_that_of_the_program():
    table = subprocess.run([str(BINARY), 'help', 'serve', '--markdown'], capture_output=True,
                           text=True, check=True).stdout
    document = (REPOSITORY / 'docs/configuration.md').read_text()
    assert document.split('## Settings\n\n')[1] == table
