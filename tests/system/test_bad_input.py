"""Input that no client should send: it is refused with 400 (or 404, 413, ...), never with a 5xx,
and whatever was refused has left the store as it was, to the last row."""

import json
import urllib.parse

import hypothesis
import pytest
from hypothesis import strategies

from random_bodies import bodies
from server import Server

UPDATE = {'update': {'value_type': 'usages', 'value': 1, 'effective_date': '2026-01-01T00:00:00Z',
                     'resource_type': {'name': 'cpu.hours', 'unit': 'cpu hours'},
                     'operation': {'name': 'ADD'}, 'user': {}, 'metadata': ''}}
USAGE = {'resource_name': 'cpu.hours', 'update_type': 'ADD', 'usage_value': 1}
ITEM = {'id': 'x', 'username': 'ada', 'resource_name': 'cpu.hours', 'update_type': 'ADD',
        'usage_value': 1}
ROUTES = {'R5': ('PUT', '/user/ada/updates', UPDATE), 'R9': ('PUT', '/users/ada/usages', USAGE),
          'V2': ('POST', '/v2/usages', [ITEM])}


@pytest.fixture(scope='module')
def server(tmp_path_factory):
    """One server; every test of this file leaves its store as it found it."""
    server = Server(tmp_path_factory.mktemp('bad')).start()
    yield server
    assert server.running(), server.log()
    server.stop()
    assert 'runtime error:' not in server.log()


@pytest.fixture(scope='module')
def stored(server):
    return server.stored()


@pytest.fixture
def refused(server, stored):
    """refused(method, target, octets) sends a request; at the end nothing may have changed."""
    before = stored.snapshot()

    def refused(method, target, octets=b'', statuses=(400,), headers=()):
        with server.connect() as connection:
            answer = connection.ask(method, target, octets, headers)
        assert answer.status in statuses, answer
        json.loads(answer.body)
        return answer

    yield refused
    assert stored.snapshot() == before


def replaced(body, path, octets):
    """The body with the member at path given as octets, verbatim."""
    whole = json.loads(json.dumps(body))
    at = whole
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = '@@@'
    return json.dumps(whole).encode().replace(b'"@@@"', octets)


# -- bodies that are no JSON ---------------------------------------------------------------------

UNDECODABLE = {
    'a text': b'hello', 'an open object': b'{"update":{', 'an open string': b'{"update":"',
    'a single brace': b'{', 'a closing brace': b'}', 'a comma at the end': b'{"update":{},}',
    'a comment': b'{/**/}', 'single quotes': b"{'update':{}}", 'a bare name': b'{update:{}}',
    'invalid UTF-8 in a name': b'{"upd\xffate":{}}', 'invalid UTF-8 in a value': b'{"x":"\xc3"}',
    'an overlong slash': b'{"x":"\xc0\xaf"}', 'a surrogate in UTF-8': b'{"x":"\xed\xa0\x80"}',
    'half a surrogate pair': b'{"x":"\\ud800"}', 'a control character': b'{"x":"\x01"}',
    'a tab in a string': b'{"x":"\t"}', 'an unknown escape': b'{"x":"\\q"}',
    'a byte order mark': b'\xef\xbb\xbf{}', 'UTF-16': '{"x":1}'.encode('utf-16'),
    'a NUL byte': b'{}\x00', 'trailing bytes': b'{} x', 'a second value': b'{}{}',
    'a leading zero': b'{"x":01}', 'a plus sign': b'{"x":+1}', 'a bare point': b'{"x":.5}',
    'a point at the end': b'{"x":5.}', 'hexadecimal': b'{"x":0x10}', 'NaN': b'{"x":NaN}',
    'Infinity': b'{"x":Infinity}', '-Infinity': b'{"x":-Infinity}', 'nan': b'{"x":nan}',
    'an exponent without digits': b'{"x":1e}', 'a duplicate key': b'{"x":1,"x":2}',
    'nesting without end': b'[' * 100000, 'nesting of objects': b'{"x":' * 100000,
    'deep but closed': b'{"x":' + b'[' * 1000 + b']' * 1000 + b'}',
    'white space alone': b'   ',
}


@pytest.mark.parametrize('route', ROUTES)
@pytest.mark.parametrize('name', UNDECODABLE)
def test_an_undecodable_body_is_refused(refused, name, route):
    method, target, _ = ROUTES[route]
    refused(method, target, UNDECODABLE[name])


@pytest.mark.parametrize('route', ROUTES)
@pytest.mark.parametrize('octets', [b'null', b'true', b'17', b'"x"', b'[1]', b'[null]', b'[[]]',
                                    b'{"x":1}', b'{}'])
def test_json_of_another_kind_is_refused_whole_or_by_item(server, refused, octets, route):
    method, target, _ = ROUTES[route]
    with server.connect() as connection:
        answer = connection.ask(method, target, octets)
    if answer.status == 200:  # a list: its items are refused one by one
        assert route == 'V2' and octets.startswith(b'[')
        assert [row['status'] for row in json.loads(answer.body)['results']] == ['error']
    else:
        assert answer.status == 400


@pytest.mark.parametrize('route', ROUTES)
def test_a_body_cut_anywhere_is_refused(refused, route):
    method, target, body = ROUTES[route]
    octets = json.dumps(body).encode()
    for length in range(1, len(octets)):
        refused(method, target, octets[:length])


@pytest.mark.parametrize('route', ROUTES)
def test_an_empty_body_is_refused(refused, route):
    method, target, _ = ROUTES[route]
    refused(method, target, headers=[('Content-Length', '0')])


@pytest.mark.parametrize('route', ['R5', 'R9'])
def test_a_body_over_a_mebibyte_is_too_large(refused, route):
    method, target, body = ROUTES[route]
    octets = json.dumps(body).encode()
    refused(method, target, octets + b' ' * (2**20 + 1 - len(octets)), [413])


def test_a_list_over_sixteen_mebibytes_is_too_large(refused):
    refused('POST', '/v2/usages', b'[' + b' ' * (16 * 2**20) + b']', [413])


# -- members of a wrong type or out of range ----------------------------------------------------

WRONG_NUMBERS = [b'"x"', b'{}', b'[]', b'[1]', b'true', b'"NaN"', b'"Infinity"', b'"-Infinity"',
                 b'1e400', b'-1e400', b'1e30', b'-1e30', b'9' * 31, b'9' * 100000, b'1e99999999999',
                 b'0.' + b'0' * 30 + b'1', b'1e-31', b'1e-400', b'"12abc"', b'"1e5x"', b'""',
                 b'"0x10"', b'" "', b'123456789012345678901234567890.12345']
WRONG_TEXTS = [b'7', b'true', b'{}', b'[]', b'["ADD"]']
WRONG_OBJECTS = [b'7', b'true', b'"x"', b'[]', b'[{}]']
WRONG_DATES = [b'7', b'true', b'[]', b'""', b'"yesterday"', b'"2026-02-30T00:00:00Z"',
               b'"2026-01-01T00:00:00"', b'"2026-01-01"', b'"2026-13-01T00:00:00Z"',
               b'"2026-01-01T24:00:00Z"', b'"2026-01-01T00:60:00Z"', b'"2026-01-01T23:59:60Z"',
               b'"2026-01-01T00:00:00+25:00"', b'"0000-01-01T00:00:00Z"',
               b'"10000-01-01T00:00:00Z"', b'"9999-12-31T23:59:59Z"', b'"2026-01-01T00:00:00Z "',
               b'"-2026-01-01T00:00:00Z"', b'"2026-01-01T00:00:00.Z"',
               b'{"seconds":1e30}', b'{"seconds":"x"}', b'{"seconds":1.5}',
               b'{"seconds":99999999999999}', b'{"seconds":0,"nanos":1000000000}',
               b'{"seconds":0,"nanos":-1}']
MEMBERS = (
    [('R5', ['update', 'value'], wrong) for wrong in WRONG_NUMBERS]
    + [('R5', ['update', 'effective_date'], wrong) for wrong in WRONG_DATES + [b'null']]
    + [('R5', ['update', member], wrong) for wrong in WRONG_OBJECTS
       for member in ('user', 'resource_type', 'operation')]
    + [('R5', ['update', member], wrong) for wrong in WRONG_TEXTS
       for member in ('value_type', 'metadata')]
    + [('R5', ['update', outer, inner], wrong) for wrong in WRONG_TEXTS
       for outer, inner in [('resource_type', 'name'), ('resource_type', 'unit'),
                            ('operation', 'name')]]
    + [('R5', ['update'], wrong) for wrong in WRONG_OBJECTS]
    + [('R9', ['usage_value'], wrong) for wrong in WRONG_NUMBERS]
    + [('R9', [member], wrong) for wrong in WRONG_TEXTS + [b'null', b'""', b'"x\\u0000"']
       for member in ('resource_name', 'update_type')])


@pytest.mark.parametrize('route, path, octets', MEMBERS, ids=lambda value: str(value)[:60])
def test_a_member_of_a_wrong_type_or_range_is_refused(refused, route, path, octets):
    method, target, body = ROUTES[route]
    refused(method, target, replaced(body, path, octets))


ITEM_MEMBERS = (
    [('usage_value', wrong) for wrong in WRONG_NUMBERS + [b'null', b'-1']]
    + [('effective_date', wrong) for wrong in WRONG_DATES]
    + [(member, wrong) for wrong in WRONG_TEXTS + [b'null', b'""']
       for member in ('id', 'username', 'resource_name', 'update_type')]
    + [('metadata', wrong) for wrong in WRONG_TEXTS]
    + [('id', b'"%s"' % (b'x' * 300)), ('username', b'"%s"' % (b'x' * 300))])


@pytest.mark.parametrize('member, octets', ITEM_MEMBERS, ids=lambda value: str(value)[:60])
def test_a_wrong_member_of_an_item_is_the_items_error(server, refused, member, octets):
    octets = replaced([ITEM], [0, member], octets)
    with server.connect() as connection:
        answer = connection.ask('POST', '/v2/usages', octets)
    assert answer.status == 200, answer
    (result,) = json.loads(answer.body)['results']
    assert result['status'] == 'error'
    assert result['error']['status'] == 400


@pytest.mark.parametrize('path, uuid', [
    (['resource_type', 'uuid'], '99e3f91e-950a-11ec-84a4-406c8f3e9cbb'),  # data.size
    (['resource_type', 'uuid'], 'not-a-uuid'),
    (['resource_type', 'uuid'], '99e3bc7e950a11ec84a4406c8f3e9cbb'),
    (['operation', 'uuid'], 'f1fa4a1e-9676-11ec-aa73-406c8f3e9cbb'),      # SET
    (['operation', 'uuid'], '{f1f9df66-9676-11ec-aa73-406c8f3e9cbb}'),
    (['user', 'uuid'], '00000000-0000-4000-8000-000000000001'),
])
def test_an_id_that_disagrees_with_the_name_is_refused(refused, path, uuid):
    refused('PUT', '/user/ada/updates',
            replaced(UPDATE, ['update', *path], json.dumps(uuid).encode()))


def test_a_null_value_counts_as_absent_and_so_as_zero(server):
    body = replaced(UPDATE, ['update', 'value'], b'null')
    with server.connect() as connection:
        answer = connection.ask('PUT', '/user/null-value/updates', body)
    assert (answer.status, json.loads(answer.body)['update']['value']) == (200, 0)


def test_metadata_over_its_bound_is_refused(refused):
    body = replaced(UPDATE, ['update', 'metadata'], b'"%s"' % (b'm' * 65537))
    refused('PUT', '/user/ada/updates', body)


@pytest.mark.parametrize('kind', ['text/plain', 'application/xml', 'multipart/form-data',
                                  'application/x-www-form-urlencoded'])
def test_a_body_of_another_media_type_is_refused(server, refused, kind):
    response = server.http.put('/user/ada/updates', content=json.dumps(UPDATE),
                               headers={'Content-Type': kind})
    assert (response.status_code, response.json()) == (400, {'message': 'bad request'})


# -- names -----------------------------------------------------------------------------------------

BAD_NAMES = {
    'an at sign': 'ada@example.org', 'only an at sign': '@', 'a slash': 'a/b', 'a newline': 'a\nb',
    'DEL': 'a\x7fb', 'a C1 control': 'a\x85b', 'a tab': '\t', '257 bytes': 'x' * 257,
    '129 two-byte letters': 'é' * 129, 'five kilobytes': 'x' * 5120,
}
# no text at all
BAD_OCTETS = ['%00', 'a%00b', '%FF', 'a%C3', '%C0%AF', '%ED%A0%80', '%F5%80%80%80', '%80']
NAMED = ['/summary/{}', '/users/{}/overages', '/users/{}/overages/cpu.hours', '/users/{}/usages']


@pytest.mark.parametrize('target', NAMED)
@pytest.mark.parametrize('name', BAD_NAMES)
def test_a_bad_name_in_a_path_is_refused(refused, target, name):
    quoted = urllib.parse.quote(BAD_NAMES[name], safe='')
    answer = refused('GET', target.format(quoted))
    assert json.loads(answer.body)['error']['message'] == 'invalid username'


@pytest.mark.parametrize('method, target, body', [('GET', target, b'') for target in NAMED] + [
    ('GET', '/users/{}/updates', b''), ('PUT', '/user/{}/updates', json.dumps(UPDATE).encode()),
    ('PUT', '/users/{}/usages', json.dumps(USAGE).encode())])
@pytest.mark.parametrize('octets', BAD_OCTETS)
def test_a_name_that_is_no_text_is_refused_like_any_other(refused, method, target, body, octets):
    answer = refused(method, target.format(octets), body)
    assert json.loads(answer.body)['error'] == {
        'error_code': 'BAD_REQUEST', 'status_code': 400, 'message': 'invalid username'}


@pytest.mark.parametrize('target', ['/users/ada/overages/{}', '/users/a%FF/overages/{}',
                                    '/plans/{}', '/{}', '/users/ada/{}'])
@pytest.mark.parametrize('octets', BAD_OCTETS)
def test_a_path_that_is_no_text_elsewhere_is_refused(refused, target, octets):
    answer = refused('GET', target.format(octets))
    assert list(json.loads(answer.body)) == ['message']


def test_a_name_of_ten_kilobytes_is_too_long_for_a_target(refused):
    refused('GET', '/summary/' + 'x' * 10240, statuses=[414])


@pytest.mark.parametrize('target', NAMED)
def test_an_empty_name_is_refused_and_at_the_end_another_path(refused, target):
    is_last = target.endswith('{}')
    answer = refused('GET', target.format(''), statuses=[404 if is_last else 400])
    expected = 'code=404, message=Not Found' if is_last else 'invalid username'
    problem = json.loads(answer.body)
    assert problem.get('error', problem)['message'] == expected


@pytest.mark.parametrize('target', ['/summary/%', '/summary/%4', '/summary/%zz', '/summary/a%'])
def test_a_broken_escape_is_refused(refused, target):
    refused('GET', target)


@pytest.mark.parametrize('name', ['Ada', 'ADA', ' ada ', 'a.b-c_d', 'ünï', '名前', "o'neil", '"',
                                  'a;DROP TABLE users', 'a%2Fb', '..', '.', '\U0001f600',
                                  'x' * 256])
def test_an_unusual_name_is_a_name_of_its_own(server, name):
    quoted = urllib.parse.quote(name, safe='')
    with server.connect() as connection:
        answer = connection.ask('GET', f'/summary/{quoted}')
    assert answer.status == 200, answer
    assert json.loads(answer.body)['subscription']['user']['username'] == name
    assert len(server.stored().subscriptions(name)) == 1


@pytest.mark.parametrize('target', ['/users/ada/overages/' + 'x' * 300,
                                    '/users/ada/overages/%0A', '/users/ada/overages/a%20b'])
def test_an_odd_resource_name_is_just_not_over(server, refused, target):
    with server.connect() as connection:
        answer = connection.ask('GET', target)
    assert answer.status in (200, 400)
    assert json.loads(answer.body)['is_overage'] is False


# -- anything at all -------------------------------------------------------------------------------

BODIES = bodies(['usages', 'quotas', 'ADD', 'SET', 'cpu.hours', 'bytes'],
                ['update', 'user', 'value', 'value_type', 'operation', 'name', 'resource_type',
                 'effective_date', 'unit', 'uuid', 'id', 'x', 'username', 'usage_value',
                 'update_type', 'resource_name'])


@hypothesis.settings(max_examples=300, deadline=None, database=None,
                     suppress_health_check=list(hypothesis.HealthCheck))
@hypothesis.given(route=strategies.sampled_from(sorted(ROUTES)), octets=BODIES)
def test_no_body_is_answered_with_a_5xx(server, route, octets):
    method, target, _ = ROUTES[route]
    with server.connect() as connection:
        answer = connection.ask(method, target, octets)
    assert answer.status in (200, 400), (octets, answer)
    json.loads(answer.body)
