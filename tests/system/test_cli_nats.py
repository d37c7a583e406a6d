"""qms nats request: one request over NATS, what is sent, what is printed, and how it ends."""

import json
import os
import subprocess
import time

import pytest

from messages import message_class
from nats_credentials import Accounts
from nats_responder import Responder, trusting
from nats_server import NatsServer, make_certificate
from server import BINARY, environment
from waits import WAIT_SECONDS_MAX

SUMMARY = 'cyverse.qms.user.summary.get'
NOTHING = b'{"header":{"map":{}},"error":null,"subscription":null}'


@pytest.fixture(scope='module')
def nats(tmp_path_factory):
    with NatsServer(tmp_path_factory.mktemp('nats')) as server:
        yield server


def ask(nats, *args, code=0, read=None, url=None):
    """What the command prints on standard output and on standard error."""
    done = subprocess.run([str(BINARY), 'nats', 'request', '--nats', url or nats.url, *args],
                          input=read, capture_output=True, timeout=WAIT_SECONDS_MAX,
                          stdin=None if read is not None else subprocess.DEVNULL,
                          env=environment())
    assert done.returncode == code, done.stderr.decode()
    return done.stdout.decode(), done.stderr.decode()


def answering(nats, answer, subject=SUMMARY, **more):
    return Responder(nats, subject, lambda _: answer, **more)


def failing(name, status, message='why'):
    return json.dumps({'header': {'map': {}}, 'subscription': None, 'error': {
        'error_code': name, 'status_code': status, 'message': message}}).encode()


# What is sent and printed

def test_a_short_subject_gets_its_prefix_and_json_goes_and_comes_as_it_is(nats):
    with answering(nats, NOTHING) as responder:
        out, err = ask(nats, 'user.summary.get', '{ "username":"ada" }')
    assert (out, err) == (NOTHING.decode() + '\n', '')
    [request] = responder.requests
    assert (request.subject, request.payload) == (SUMMARY, b'{ "username":"ada" }')
    assert request.headers == {}


def test_a_whole_subject_is_asked_as_it_is_whatever_its_prefix(nats):
    for subject in [SUMMARY, 'old.world.user.plan.get']:
        with answering(nats, NOTHING, subject) as responder:
            ask(nats, subject, '{}')
        assert responder.requests[0].subject == subject


def test_a_request_of_nothing_is_an_empty_message(nats):
    with answering(nats, b'{"plans":[]}', 'cyverse.qms.plan.list') as responder:
        assert ask(nats, 'plan.list')[0] == '{"plans":[]}\n'
    assert responder.requests[0].payload == b'{}'


def test_a_dash_reads_the_message_from_standard_input(nats):
    with answering(nats, NOTHING) as responder:
        ask(nats, 'user.summary.get', '-', read=b'{"username":"\xc3\xa9va"}\n')
    assert responder.requests[0].payload == '{"username":"éva"}\n'.encode()


def test_a_key_is_the_id_of_the_message(nats):
    with answering(nats, NOTHING) as responder:
        ask(nats, '--key', 'job-17', 'user.summary.get', '{}')
    assert responder.requests[0].headers == {'Nats-Msg-Id': 'job-17'}


def test_binary_is_sent_on_demand_and_its_answer_shown_in_json(nats):
    answer = message_class('qms.AddUpdateResponse')()
    answer.header.SetInParent()
    answer.update.value, answer.update.user.username = 0.1, 'ada'
    answer.update.effective_date.FromJsonString('2026-08-12T10:00:00Z')
    with answering(nats, answer.SerializeToString(), 'cyverse.qms.user.updates.add') as responder:
        out, _ = ask(nats, '--binary', 'user.updates.add', json.dumps({'update': {
            'value_type': 'usages', 'value': 2.5, 'user': {'username': 'ada'}}}))
    sent = message_class('qms.AddUpdateRequest').FromString(responder.requests[0].payload)
    assert (sent.update.value, sent.update.user.username) == (2.5, 'ada')
    shown = json.loads(out)
    assert shown['error'] is None
    assert shown['update']['value'] == 0.1
    assert shown['update']['effective_date'] == '2026-08-12T10:00:00Z'
    assert shown['update']['metadata'] == ''


def test_the_oldest_messages_are_spoken_on_demand(nats):
    answer = message_class('user_plans.OverageList')()
    answer.overages.add(resource_name='cpu.hours', quota=0.1, usage=2)
    subject = 'old.user.overages.get'
    with answering(nats, answer.SerializeToString(), subject) as responder:
        out, _ = ask(nats, '--user-plans', '--binary', subject, '{"username":"ada"}')
    assert json.loads(out)['overages'] == [
        {'resource_name': 'cpu.hours', 'quota': 0.1, 'usage': 2}]
    assert responder.requests[0].payload == b'\x12\x03ada'


# How it ends

@pytest.mark.parametrize(('name', 'status', 'code'), [
    ('NOT_FOUND', 404, 4), ('BAD_REQUEST', 400, 2), ('UNMARSHAL_FAILURE', 400, 2),
    ('BAD_REQUEST', 409, 5), ('INTERNAL', 500, 1), ('UNSPECIFIED', 503, 6), ('TIMEOUT', 504, 7),
    ('NOT_FOUND', 0, 4), ('INTERNAL', 0, 1), ('SOMETHING_NEW', 0, 1), ('UNSET', 0, 0),
])
def test_the_exit_code_says_what_the_answer_says(nats, name, status, code):
    answer = failing(name, status)
    with answering(nats, answer):
        out, err = ask(nats, 'user.summary.get', '{}', code=code)
    assert out == answer.decode() + '\n'
    said = f'qms nats request: {SUMMARY} answered {name} {status}: why\n'
    assert err == ('' if code == 0 else said)


def test_a_failure_in_binary_ends_as_one_in_json(nats):
    answer = message_class('qms.SubscriptionResponse')()
    answer.error.error_code, answer.error.status_code, answer.error.message = 3, 404, 'who?'
    with answering(nats, answer.SerializeToString()):
        out, err = ask(nats, '--binary', 'user.summary.get', '{"username":"ada"}', code=4)
    assert json.loads(out)['error'] == {'error_code': 'NOT_FOUND', 'status_code': 404,
                                        'message': 'who?'}
    assert 'answered NOT_FOUND 404: who?' in err


def test_an_answer_of_nothing_known_is_a_failure(nats):
    with answering(nats, b'not a message'):
        out, err = ask(nats, 'user.summary.get', '{}', code=1)
    assert out == ''
    assert 'the answer is no qms.SubscriptionResponse: ' in err


def test_that_nobody_serves_the_subject_is_said_at_once(nats):
    assert 'nobody serves cyverse.qms.plan.list' in ask(nats, 'plan.list', code=6)[1]


def test_that_no_server_is_there_is_said_without_the_password(tmp_path):
    with NatsServer(tmp_path) as gone:
        url = f'nats://ada:secret@127.0.0.1:{gone.port}'
    err = ask(None, 'plan.list', code=6, url=url)[1]
    assert f'no NATS server answers at 127.0.0.1:{gone.port}\n' in err
    assert 'secret' not in err


@pytest.mark.parametrize(('subject', 'code', 'outcome'), [
    ('user.summary.get', 6, ''), ('user.updates.add', 7, '; it may have been done all the same'),
])
def test_without_an_answer_a_change_may_have_been_made(nats, subject, code, outcome):
    with answering(nats, None, f'cyverse.qms.{subject}') as responder:
        err = ask(nats, '--timeout', '1', subject, '{}', code=code)[1]
        responder.await_request()
    assert f'no answer from cyverse.qms.{subject} within 1 s{outcome}\n' in err
    assert len(responder.requests) == 1


def test_a_connection_that_is_lost_ends_the_wait(tmp_path):
    with NatsServer(tmp_path) as server:
        def end(_):
            server.process.kill()
        with Responder(server, 'cyverse.qms.user.updates.add', end):
            err = ask(server, 'user.updates.add', '{}', code=7)[1]
    assert 'the connection was lost before cyverse.qms.user.updates.add answered' in err


@pytest.mark.parametrize(('args', 'said'), [
    (['user.sumary.get'], "did you mean 'user.summary.get'?"),
    (['plan.update'], "there is no subject 'plan.update'"), (['a b'], "'a b' is no subject"),
    (['user.*.get'], 'is no subject'), (['x.>'], 'is no subject'), ([''], 'is no subject'),
    (['.plan.list'], 'is no subject'), (['x..plan.list'], 'is no subject'),
    (['x' * 300 + '.plan.list'], "qms nats request: 'xxx"), ([], 'SUBJECT is missing'),
    (['plan.list', '{}', '{}'], 'one argument too many'),
    (['--binary', 'plan.list', '{"plan":1}'], 'no qms.NoParamsRequest: an unknown name at byte'),
    (['--binary', 'plan.list', '{'], 'no qms.NoParamsRequest: '),
    (['--user-plans', 'addon.list'], 'the messages of December 2022 have no addon.list'),
    (['--tlscert', 'a', 'plan.list'], '--tlscert and --tlskey need each other'),
    (['--creds', '/nonexistent', 'plan.list'], 'cannot read /nonexistent: No such file'),
    (['--tlsca', '/dev/null', 'plan.list'], '/dev/null holds no certificates'),
    (['--timeout', '0', 'plan.list'], 'timeout'),
], ids=lambda value: ' '.join(value)[:40] if isinstance(value, list) else '')
def test_what_cannot_be_asked_is_refused_before_anything_is_sent(nats, args, said):
    out, err = ask(nats, *args, code=2)
    assert out == ''
    assert said in err


def test_a_message_that_no_server_takes_is_refused(nats):
    with answering(nats, NOTHING) as responder:
        read = b'{"username":"%s"}' % (b'a' * (1 << 20))
        err = ask(nats, 'user.summary.get', '-', code=2, read=read)[1]
    assert 'more than 1048576 bytes' in err
    assert responder.requests == []


# Who may ask

def test_a_user_and_a_password_are_those_of_the_url(tmp_path):
    with NatsServer(tmp_path, 'authorization { user: "ada", password: "secret", '
                    'timeout: 60 }\n') as server:
        with answering(server, NOTHING, login={'user': 'ada', 'pass': 'secret'}):
            ask(server, 'user.summary.get', '{}', url=server.url.replace('//', '//ada:secret@'))
        for url in [server.url, server.url.replace('//', '//ada:guess@')]:
            err = ask(server, 'user.summary.get', '{}', code=3, url=url)[1]
            assert f'127.0.0.1:{server.port} does not let us in' in err
            assert 'guess' not in err


@pytest.fixture(scope='module')
def tls(tmp_path_factory):
    """A server that wants TLS with a client's certificate; with the files for it."""
    directory = tmp_path_factory.mktemp('tls')
    ca, ca_key = make_certificate(directory, 'ca', 'DNS:ca')
    cert, key = make_certificate(directory, 'server', 'DNS:localhost,IP:127.0.0.1')
    client = make_certificate(directory, 'client', 'DNS:client')
    config = (f'tls {{ cert_file: "{cert}", key_file: "{key}", ca_file: "{client[0]}", '
              f'verify: true, timeout: 60 }}\n')
    with NatsServer(directory, config) as server:
        server.ca, server.client, server.other = cert, client, (ca, ca_key)
        yield server


def test_tls_needs_the_servers_certificate_trusted_and_the_clients_shown(tls):
    context = trusting(tls.ca)
    context.load_cert_chain(*map(str, tls.client))
    files = ['--tlscert', str(tls.client[0]), '--tlskey', str(tls.client[1])]
    with answering(tls, NOTHING, tls=context):
        out, _ = ask(tls, '--tlsca', str(tls.ca), *files, 'user.summary.get', '{}')
        assert out == NOTHING.decode() + '\n'
        other = ['--tlsca', str(tls.other[0])]
        assert 'no TLS with' in ask(tls, *other, *files, 'user.summary.get', code=6)[1]
        assert ask(tls, '--tlsca', str(tls.ca), 'user.summary.get', code=6)[0] == ''
        assert 'no TLS with' in ask(tls, 'user.summary.get', code=6)[1]


def test_the_certificate_has_to_name_the_host(tls, tmp_path):
    cert, key = make_certificate(tmp_path, 'elsewhere', 'DNS:elsewhere')
    with NatsServer(tmp_path, f'tls {{ cert_file: "{cert}", key_file: "{key}", timeout: 60 }}\n'
                    ) as server:
        err = ask(server, '--tlsca', str(cert), 'user.summary.get', code=6)[1]
    assert 'no TLS with' in err


def test_a_server_without_tls_is_not_talked_to_when_tls_is_wanted(nats, tls):
    err = ask(nats, '--tlsca', str(tls.ca), 'plan.list', code=6)[1]
    assert 'offers no TLS' in err


def test_the_servers_are_tried_until_one_is_there(nats, tmp_path):
    with NatsServer(tmp_path) as gone:
        urls = f'{gone.url},{nats.url}'
    with answering(nats, NOTHING):
        ask(nats, 'user.summary.get', '{}', url=urls)


def test_the_servers_may_be_named_in_the_environment(nats):
    env = {**os.environ, 'QMS_NATS_CLUSTER': nats.url}
    with answering(nats, NOTHING):
        done = subprocess.run([str(BINARY), 'nats', 'request', 'user.summary.get', '{}'],
                              capture_output=True, timeout=WAIT_SECONDS_MAX, env=env)
    assert done.returncode == 0, done.stderr


def test_credentials_let_in_whoever_the_account_knows(tmp_path):
    accounts, strangers = Accounts(), Accounts()
    creds = accounts.write_credentials(tmp_path / 'ada.creds')
    other = strangers.write_credentials(tmp_path / 'eve.creds')
    with NatsServer(tmp_path, accounts.config()) as server:
        err = ask(server, '--creds', str(creds), 'plan.list', code=6)[1]
        assert 'nobody serves cyverse.qms.plan.list' in err
        for args in ([], ['--creds', str(other)]):
            err = ask(server, *args, 'plan.list', code=3)[1]
            assert 'does not let us in' in err


def test_a_server_with_credentials_answers_a_client_with_others_of_the_account(start_server,
                                                                              tmp_path):
    accounts = Accounts()
    creds = [str(accounts.write_credentials(tmp_path / f'{name}.creds')) for name in ('qms', 'ada')]
    with NatsServer(tmp_path, accounts.config()) as nats:
        server = start_server('--nats', nats.url, '--no-tls', '--creds', creds[0])
        until = time.monotonic() + WAIT_SECONDS_MAX
        while server.get('/readyz').status_code != 200 and time.monotonic() < until:
            time.sleep(0.01)
        out, _ = ask(nats, '--creds', creds[1], 'user.summary.get', '{"username":"ada"}')
        assert json.loads(out)['subscription']['user']['username'] == 'ada'
        server.stop()
