"""What is wrong with a request to /api/v2 is a clear 400, 404 or 405 with a list of errors; what is
unusual and not wrong is accepted. Every answer is held against the description as well."""

import json

import pytest

import cloud
from cloud import UNKNOWN, details


@pytest.fixture(scope='module')
def root(shared):
    return cloud.Client(shared, cloud.seed_operator(shared))


@pytest.fixture(scope='module')
def tree(root):
    return cloud.Tree(root)


WRITES = [('POST', '/quotas'), ('PUT', f'/quotas/{UNKNOWN}'), ('POST', '/quotas/apply'),
          ('POST', '/organizations'), ('PUT', f'/organizations/{UNKNOWN}'), ('POST', '/users'),
          ('PUT', f'/users/{UNKNOWN}'), ('POST', f'/users/{UNKNOWN}/additional_roles'),
          ('POST', '/api_keys'), ('POST', '/services/connections'), ('POST', '/environments')]


@pytest.mark.parametrize(('method', 'path'), WRITES)
@pytest.mark.parametrize('content', [
    b'{', b'[]', b'5', b'null', b'"text"', b'{"name": }', b'{"name": "a",}', b'{"a": 1} x',
    b'{"name": "\xff"}', b'{"name": "a", "name": "b"}', b'{"name": NaN}', b'[' * 100,
    b'{"x": ' * 100, b'name=a', b'{"name": "\\ud800"}'])
def test_a_body_that_is_no_json_object_is_malformed(root, method, path, content):
    root.refused(400, 'MALFORMED_REQUEST', method, path, content=content)


def test_an_empty_body_is_no_object(root):
    for method, path in WRITES:
        if path != '/api_keys':  # which needs nothing
            root.refused(400, 'MALFORMED_REQUEST', method, path)


WRONG = {
    ('POST', '/quotas'): {
        'name': [5, True, [], {}], 'description': [5, []],
        'serviceConnection': [UNKNOWN, 5, [], {'id': 5}, {'id': 'x'}, {'id': '{' + UNKNOWN + '}'}],
        'ownerOrganization': ['x', {'id': ''}], 'defaultForService': ['true', 1],
        'defaultForTrial': ['no', 0],
        'quotaDetails': ['x', {}, [5], [{'metricIdentifier': 5}],
                         [{'metricIdentifier': 'a', 'ceiling': '5'}],
                         [{'metricIdentifier': 'a', 'ceiling': True}],
                         [{'metricIdentifier': 'a'}] * 1001],
    },
    ('POST', '/quotas/apply'): {
        'quota': [UNKNOWN, {'id': 'x'}], 'organizations': [{}, [5], [{'id': 'x'}]],
        'organization': ['x', {'id': 5}],
    },
    ('POST', '/organizations'): {
        'name': [5], 'entryPoint': [5], 'parent': ['x'], 'isTrial': ['yes'], 'isReseller': [1],
        'serviceConnections': ['x', [5]],
    },
    ('POST', '/users'): {
        'userName': [5], 'email': [5], 'organization': ['x'], 'status': ['GONE', 5],
        'primaryRoleBinding': ['x', {'role': 'x'}, {'role': {'id': 'x'}}],
    },
    ('POST', f'/users/{UNKNOWN}/additional_roles'): {
        'role': ['x', {'id': 'x'}], 'organization': [5], 'scopeQualifier': ['ALL', 5],
    },
    ('POST', '/services/connections'): {
        'name': [5], 'serviceCode': [5], 'type': [5], 'organization': [5],
        'supportsQuotas': ['yes'],
    },
    ('POST', '/environments'): {
        'name': [5], 'organization': [5], 'serviceConnection': [5, {'id': 'x'}],
    },
    ('POST', '/api_keys'): {'name': [5], 'user': ['x', {'id': 'x'}]},
}


@pytest.mark.parametrize('request_line', WRONG, ids=lambda line: ' '.join(line))
def test_a_value_of_the_wrong_kind_is_named(root, request_line):
    for field, values in WRONG[request_line].items():
        for value in values:
            error = root.refused(400, 'INVALID_FIELD', *request_line, {field: value})
            assert error['context']['field'].startswith(field), error
            assert error['message'].startswith(error['context']['field'])


@pytest.mark.parametrize('ceiling', ['-2', '-0.5', '-1.0001', '1e31', '1e400', '0.' + '1' * 40])
def test_a_ceiling_is_a_number_from_0_or_minus_1(root, tree, ceiling):
    body = json.dumps({'name': 'a', 'serviceConnection': {'id': tree.connection},
                       'ownerOrganization': {'id': tree.parent},
                       'quotaDetails': details(disk_size_gb='@')}).replace('"@"', ceiling)
    error = root.refused(400, 'INVALID_FIELD', 'POST', '/quotas', content=body)
    assert error['context']['field'] == 'quotaDetails.ceiling'


@pytest.mark.parametrize(('sent', 'shown'), [
    ('5', '5.0'), ('-1', '-1.0'), ('0', '0.0'), ('0.1', '0.1'), ('1.50', '1.5'),
    ('123456789012345678901.123456789', '123456789012345678901.123456789'),
    ('9007199254740993', '9007199254740993.0')])
def test_ceilings_are_exact(root, tree, sent, shown):
    body = json.dumps({'name': cloud.name('exact'), 'serviceConnection': {'id': tree.connection},
                       'ownerOrganization': {'id': tree.parent},
                       'quotaDetails': details(disk_size_gb='@')}).replace('"@"', sent)
    answer = root.send('POST', '/quotas', content=body)
    assert answer.status_code == 200
    assert f'"metricIdentifier":"disk.size.gb","ceiling":{shown},' in answer.text
    quota = answer.json()['data']['id']
    assert f'"ceiling":{shown},' in root.send('GET', f'/quotas/{quota}').text


def test_unknown_members_nulls_and_content_types_are_accepted(root, tree):
    body = {'name': cloud.name('odd'), 'serviceConnection': {'id': tree.connection, 'name': 5},
            'ownerOrganization': {'id': tree.parent}, 'defaultForTrial': None, 'new': [{}],
            'description': None,
            'quotaDetails': [{**each, 'limitSize': 'x', 'type': 5} for each in details()]}
    for kind in (None, 'text/plain', 'application/x-www-form-urlencoded'):
        body['name'] = cloud.name('odd')
        headers = {'Content-Type': kind} if kind else {}
        assert root.send('POST', '/quotas', content=json.dumps(body).encode(),
                         headers=headers).status_code == 200
    quota = root.quota(tree.connection, tree.parent, description='some')
    update = {'name': quota['name'], 'quotaDetails': details()}
    assert root.put(f'/quotas/{quota["id"]}', update)['description'] == 'some'
    assert root.put(f'/quotas/{quota["id"]}', {**update, 'description': None})[
        'description'] == ''


@pytest.mark.parametrize(('path', 'field'), [
    ('/quotas?organization_id=x', 'organization_id'), ('/quotas?org_id=1', 'org_id'),
    ('/users?organizationId=x', 'organizationId'), ('/quotas?type=mine', 'type'),
    (f'/quotas?org_id={UNKNOWN}&organization_id=00000000-0000-4000-8000-000000000001', 'org_id'),
    ('/quotas?page_number=0', 'page_number'), ('/quotas?page_number=x', 'page_number'),
    ('/quotas?page_size=1001', 'page_size'), ('/quotas?page_size=-1', 'page_size'),
    ('/quotas?sort_by=color', 'sort_by'), ('/quotas?sort_order=up', 'sort_order'),
    ('/environments?sort_by=serviceCode', 'sort_by'), ('/roles?sort_by=color', 'sort_by'),
    ('/roles?page_size=0', 'page_size'), ('/quotas?organization_id=', 'organization_id'),
    ('/quotas?type=', 'type'), ('/quotas?sort_by=', 'sort_by'),
    ('/quotas?page_size=', 'page_size')])
def test_a_parameter_that_is_not_understood_is_named(root, path, field):
    error = root.refused(400, 'INVALID_FIELD', 'GET', path)
    assert error['context']['field'] == field


def test_flags_of_a_default_are_true_or_false(root, tree):
    quota = tree.quota()['id']
    for value in ('1', 'TRUE', 'yes', '0', ''):
        root.refused(400, 'INVALID_FIELD', 'POST', f'/quotas/{quota}/default?service={value}')
    for value in ('x', ''):
        root.refused(400, 'INVALID_FIELD', 'DELETE', f'/quotas/{quota}?quota_id={value}')
    root.refused(400, 'MALFORMED_REQUEST', 'GET', '/quotas?type=%ff')


@pytest.mark.parametrize('path', ['/quotas/x', '/organizations/x', '/users/x', '/tasks/x',
                                  '/services/connections/x', '/environments/x',
                                  f'/quotas/{UNKNOWN}x', '/services/descriptors/nothing'])
def test_what_is_no_id_is_not_found(root, path):
    assert root.refused(404, 'NOT_FOUND', 'GET', path)['context']['type']


def test_lists_come_in_pages_and_sorted(root):
    organization = root.organization()
    connection = root.connection(organization)
    made = [root.quota(connection, organization, name=name)['name'] for name in 'cabd']

    def listed(**params):
        answer = root.answer('GET', '/quotas', params={'org_id': organization, **params})
        return [each['name'] for each in answer['data']], answer['metadata']
    assert listed() == (made, {'recordCount': 4})
    assert listed(page_number=2, page_size=3) == (
        ['d'], {'recordCount': 4, 'pageSize': 3, 'pageCurrent': 2})
    assert listed(page_number=9) == (
        [], {'recordCount': 4, 'pageSize': 100, 'pageCurrent': 9})
    assert listed(sort_by='name') == (
        list('abcd'), {'recordCount': 4, 'sortField': 'name', 'sortOrder': 'ASC'})
    assert listed(sort_by='name', sort_order='DESC', page_size=2)[0] == ['d', 'c']
    assert listed(sort_order='DESC')[0] == made[::-1]


def test_every_list_comes_in_pages_and_sorted(root, tree):
    lists = {'/organizations': 'name', '/users': 'userName', '/roles': 'name', '/api_keys': 'name',
             '/services/connections': 'name', '/environments': 'name', '/quotas': 'name',
             f'/services/connections/{tree.connection}/assigned_organizations': 'name',
             f'/organizations/{tree.parent}/manageable_connections': 'name'}
    for path, field in lists.items():
        whole = root.answer('GET', path, params={'sort_by': field, 'sort_order': 'DESC'})
        names = [each[field] for each in whole['data']]
        assert names == sorted(names, key=str.encode, reverse=True), path
        page = root.answer('GET', path, params={'sort_by': field, 'page_size': 1})
        assert [each[field] for each in page['data']] == names[-1:], path
        assert page['metadata'] == {'recordCount': len(names), 'pageSize': 1, 'pageCurrent': 1,
                                    'sortField': field, 'sortOrder': 'ASC'}


@pytest.mark.parametrize(('target', 'status'), [
    ('/api/v2/quotas?organization_id={' + UNKNOWN + '}', 400), ('/api/v2/quotas/\u00e9', 400),
    ('/api/v2/quotas?' + 'x' * 9000, 414), ('/api/v2/quotas?' + 'x' * 40000, 414)])
def test_a_refused_request_line_is_told_in_a_list_of_errors(root, target, status):
    with root.server.connect() as connection:
        connection.request('GET', target)
        answer = connection.answer()
    assert answer.status == status
    error = json.loads(answer.body)['errors'][0]
    assert error['errorCode'] == 'MALFORMED_REQUEST'


@pytest.mark.parametrize('code', ['.', '..', 'a/b', 'a b', '\u00e9', ''])
def test_a_service_code_is_a_segment_of_a_path(root, code):
    error = root.refused(400, 'INVALID_FIELD', 'POST', '/services/connections',
                         {'name': 'odd', 'serviceCode': code, 'type': 'gcp'})
    assert error['context'] == {'field': 'serviceCode', 'value': code}


@pytest.mark.parametrize('element', [{}, {'id': None}])
def test_an_id_that_a_list_lacks_is_named(root, tree, element):
    for method, path, body in (
            ('POST', '/quotas/apply', {'quota': {'id': UNKNOWN}, 'organizations': [element]}),
            ('PUT', f'/organizations/{tree.child}', {'serviceConnections': [element]})):
        error = root.refused(400, 'MISSING_FIELD', method, path, body)
        assert error['context'] == {'field': [*body][-1] + '.id'}


def test_a_connection_is_taken_from_who_has_it(root, tree):
    for organization in (UNKNOWN, tree.parent):
        error = root.refused(404, 'NOT_FOUND', 'DELETE',
                             f'/services/connections/{tree.connection}/assigned_organizations'
                             f'/{organization}')
        assert error['context'] == {'id': organization, 'type': 'organization'}


def test_a_repeat_with_the_key_of_the_first_changes_nothing(root, tree):
    quota = tree.quota()['id']
    body = {'name': cloud.name('once'), 'serviceConnection': {'id': tree.connection},
            'ownerOrganization': {'id': tree.parent}, 'quotaDetails': details()}
    update = {'name': cloud.name('once'), 'quotaDetails': details()}
    writes = [
        ('POST', '/quotas', body), ('PUT', f'/quotas/{quota}', update),
        ('POST', f'/quotas/{quota}/default?trial=true', None),
        ('POST', '/quotas/apply', {'quota': {'id': quota}, 'organization': {'id': tree.child}}),
        ('POST', '/organizations', {'name': 'Once', 'parent': {'id': tree.parent}}),
        ('PUT', f'/organizations/{tree.child}', {'name': 'Twice'}),
        ('POST', '/users', {'userName': cloud.name('once')}),
        ('POST', '/services/connections',
         {'name': 'once', 'serviceCode': cloud.name('once'), 'type': 'gcp'}),
        ('POST', '/environments', {'name': 'once', 'organization': {'id': tree.child},
                                   'serviceConnection': {'id': tree.connection}}),
        ('DELETE', f'/quotas/{tree.quota()["id"]}', None),
    ]
    for method, path, body in writes:
        headers = {'Idempotency-Key': cloud.name('key')}
        first = root.answer(method, path, body, headers=headers)
        again = root.answer(method, path, body, headers=headers)
        assert again.get('data') == first.get('data'), path
        assert again.get('taskId') == first.get('taskId'), path
        if body:
            other = {**body, next(iter(body)): 'another'}
            root.refused(400, 'IDEMPOTENCY_KEY_REUSED' if 'name' in body or 'userName' in body
                         else 'INVALID_FIELD', method, path, other, headers=headers)


def test_a_key_is_shown_once(root):
    headers = {'Idempotency-Key': cloud.name('key')}
    first = root.post('/api_keys', {'name': 'tool'}, headers=headers)
    again = root.post('/api_keys', {'name': 'tool'}, headers=headers)
    assert first['key'].startswith('qms_') and 'key' not in again
    assert again['id'] == first['id']
    assert all('key' not in each for each in root.get('/api_keys'))
    assert first['key'] not in root.server.log()
