"""The fourteen points of the conformance checklist of the CloudMC quotas API, one test each, and
the walk over the table of errors."""

import pytest

import cloud
from cloud import UNKNOWN, details


@pytest.fixture(scope='module')
def root(shared):
    return cloud.Client(shared, cloud.seed_operator(shared))


@pytest.fixture
def tree(root):
    return cloud.Tree(root)


def flags(root, quota):
    shown = root.get(f'/quotas/{quota["id"]}')
    return shown['defaultForService'], shown['defaultForTrial']


def assigned(root, organization):
    return [each['id'] for each in root.get(f'/organizations/{organization}')['quotas']]


def test_01_a_second_default_takes_exactly_the_flag_it_asks_for(root, tree):
    first = tree.quota(defaultForService=True, defaultForTrial=True)
    assert flags(root, first) == (True, True)
    second = tree.quota(defaultForTrial=True)
    assert flags(root, first) == (True, False)
    assert flags(root, second) == (False, True)
    before = {**first, 'defaultForTrial': False, 'version': 2}
    assert root.get(f'/quotas/{first["id"]}') == before


def test_02_set_default_only_sets(root, tree):
    quota = tree.quota(defaultForTrial=True)
    path = f'/quotas/{quota["id"]}/default'
    assert root.post(path, params={'service': 'true'})['defaultForTrial'] is True
    assert flags(root, quota) == (True, True)
    before = root.get(f'/quotas/{quota["id"]}')
    assert root.post(path, params={'service': 'false', 'trial': 'false'}) == before
    assert root.post(path) == before
    other = tree.quota()
    shown = root.post(f'/quotas/{other["id"]}', params={'service': 'true', 'trial': 'false'})
    assert (shown['defaultForService'], shown['defaultForTrial']) == (True, False)
    assert flags(root, quota) == (False, True)


def test_03_only_a_quota_of_the_owner_of_the_connection_becomes_default(root, tree):
    default = tree.quota(defaultForService=True)
    other = root.quota(tree.connection, tree.child)
    before = root.get(f'/quotas/{other["id"]}')
    for path in (f'/quotas/{other["id"]}/default', f'/quotas/{other["id"]}'):
        error = root.refused(400, 'QUOTA_OWNER_NOT_CONNECTION_OWNER', 'POST', path,
                             params={'service': 'true'})
        assert error['context'] == {'ownerOrganizationId': tree.child,
                                    'connectionOrganizationId': tree.parent}
    assert root.get(f'/quotas/{other["id"]}') == before
    assert flags(root, default) == (True, False)


def test_04_a_name_is_unique_per_connection_and_owner(root, tree):
    quota = tree.quota(name='Trial')
    other_connection = root.connection(tree.parent)
    root.quota(tree.connection, tree.child, name='Trial')
    root.quota(other_connection, tree.parent, name='Trial')
    body = {'name': '  Trial ', 'serviceConnection': {'id': tree.connection},
            'ownerOrganization': {'id': tree.parent}, 'quotaDetails': details()}
    error = root.refused(400, 'QUOTA_NAME_NOT_UNIQUE', 'POST', '/quotas', body)
    assert error['context'] == {'name': 'Trial', 'serviceConnectionId': tree.connection,
                                'organizationId': tree.parent}
    second = tree.quota()
    root.refused(400, 'QUOTA_NAME_NOT_UNIQUE', 'PUT', f'/quotas/{second["id"]}',
                 {'name': 'Trial', 'quotaDetails': details()})
    assert root.put(f'/quotas/{quota["id"]}', {'name': 'Trial', 'quotaDetails': details()})
    root.delete(f'/quotas/{quota["id"]}')
    tree.quota(name='Trial')


def test_05_an_incomplete_update_changes_nothing(root, tree):
    quota = tree.quota()
    error = root.refused(400, 'QUOTA_METRIC_MISSING', 'PUT', f'/quotas/{quota["id"]}',
                         {'name': 'other', 'quotaDetails': details(disk_size_gb=9)[1:]})
    assert error['context'] == {'metricIdentifiers': ['instance.cpu.count']}
    assert root.get(f'/quotas/{quota["id"]}') == quota


@pytest.mark.parametrize('is_assigned', [False, True])
def test_06_an_update_has_a_task_that_ends_in_success(root, tree, is_assigned):
    quota = tree.quota()
    if is_assigned:
        root.apply(quota['id'], tree.child)
    answer = root.answer('PUT', f'/quotas/{quota["id"]}',
                         {'name': 'new name', 'quotaDetails': details()})
    assert set(answer) == {'taskId', 'taskStatus', 'data'}
    assert answer['taskStatus'] in ('PENDING', 'SUCCESS')
    assert answer['data']['name'] == 'new name'
    task = root.answer('GET', f'/tasks/{answer["taskId"]}')
    result = {'id': quota['id'], 'name': 'new name'}
    assert task == {'taskId': answer['taskId'], 'taskStatus': 'SUCCESS', 'result': result,
                    'data': {'id': answer['taskId'], 'status': 'SUCCESS',
                             'created': task['data']['created'], 'result': result}}


def test_07_what_was_read_can_be_sent_back_with_one_ceiling_changed(root, tree):
    quota = tree.quota(defaultForService=True, description='of the trials')
    read = root.get(f'/quotas/{quota["id"]}')
    read['quotaDetails'][0]['ceiling'] = 12.5
    read['defaultForService'] = False
    root.put(f'/quotas/{quota["id"]}', read)
    again = root.get(f'/quotas/{quota["id"]}')
    assert [each['ceiling'] for each in again['quotaDetails']] == [12.5, 1, 1]
    for member in ('name', 'description', 'ownerOrganization', 'serviceConnection'):
        assert again[member] == quota[member]
    assert again['defaultForService'] is True and again['version'] == 2


def test_08_deleting_an_assigned_quota_needs_a_substitute(root, tree):
    quota, substitute = tree.quota(), tree.quota()
    root.apply(quota['id'], tree.child, tree.sibling)
    root.apply(substitute['id'], tree.grandchild)
    error = root.refused(400, 'QUOTA_SUBSTITUTE_REQUIRED', 'DELETE', f'/quotas/{quota["id"]}')
    assert error['context'] == {'numberOfOrganizationsAppliedTo': 2}
    answer = root.delete(f'/quotas/{quota["id"]}', params={'quota_id': substitute['id']})
    assert answer['taskStatus'] == 'PENDING' and set(answer) == {'taskId', 'taskStatus'}
    root.refused(404, 'NOT_FOUND', 'GET', f'/quotas/{quota["id"]}')
    assert root.get(f'/quotas/{substitute["id"]}')['numberOfOrganizationsAppliedTo'] == 3
    assert assigned(root, tree.sibling) == [substitute['id']]


def test_09_an_unassigned_quota_is_deleted_at_once(root, tree):
    quota = tree.quota()
    answer = root.delete(f'/quotas/{quota["id"]}')
    assert answer['taskStatus'] == 'SUCCESS' and set(answer) == {'taskId', 'taskStatus'}
    root.refused(404, 'NOT_FOUND', 'GET', f'/quotas/{quota["id"]}')
    root.refused(404, 'NOT_FOUND', 'DELETE', f'/quotas/{quota["id"]}')


@pytest.mark.parametrize('spelling', ['organization_id', 'org_id', 'organizationId'])
def test_10_the_list_without_a_type_is_the_union_without_repetition(root, tree, spelling):
    owned = [root.quota(tree.connection, tree.child)['id'] for _ in range(2)]
    given = tree.quota()['id']
    root.apply(given, tree.child)
    tree.quota()

    def listed(**params):
        answer = root.answer('GET', '/quotas', params={spelling: tree.child, **params})
        assert answer['metadata'] == {'recordCount': len(answer['data'])}
        return [each['id'] for each in answer['data']]
    assert listed(type='owned') == owned
    assert listed(type='assigned') == [given]
    assert listed() == [*owned, given]


def test_11_a_quota_applies_below_its_owner_and_to_all_or_none(root, tree):
    quota = root.quota(tree.connection, tree.child)['id']
    for target in (tree.parent, tree.sibling, tree.child):
        body = {'quota': {'id': quota}, 'organizations': [{'id': target}]}
        error = root.refused(400, 'QUOTA_NOT_APPLICABLE', 'POST', '/quotas/apply', body)
        assert error['context']['organizationId'] == target
    other = tree.quota()['id']
    answer = root.apply(other, tree.grandchild)
    assert answer['data']['numberOfOrganizationsAppliedTo'] == 1
    assert [each['id'] for each in answer['data']['organizations']] == [tree.grandchild]
    third = tree.quota()['id']
    body = {'quota': {'id': third},
            'organizations': [{'id': tree.child}, {'id': tree.parent}, {'id': tree.grandchild}]}
    root.refused(400, 'QUOTA_NOT_APPLICABLE', 'POST', '/quotas/apply', body)
    assert root.get(f'/quotas/{third}')['numberOfOrganizationsAppliedTo'] == 0
    assert assigned(root, tree.grandchild) == [other]
    shorthand = root.answer('POST', '/quotas/apply',
                            {'quota': {'id': third}, 'organization': {'id': tree.child}})
    assert shorthand['taskStatus'] == 'PENDING'
    assert root.apply(third, tree.child, tree.child)['taskStatus'] == 'SUCCESS'


def test_12_apply_is_not_taken_for_the_id_of_a_quota(root, tree):
    error = root.refused(400, 'MISSING_FIELD', 'POST', '/quotas/apply', {})
    assert error['context'] == {'field': 'quota.id'}
    for method in ('GET', 'PUT', 'DELETE', 'PATCH'):
        root.refused(405, 'METHOD_NOT_ALLOWED', method, '/quotas/apply', {})
    root.refused(404, 'NOT_FOUND', 'POST', '/quotas/appl')


def test_13_concurrent_defaults_leave_exactly_one(root, tree):
    body = {'serviceConnection': {'id': tree.connection}, 'defaultForService': True,
            'ownerOrganization': {'id': tree.parent}, 'quotaDetails': details()}
    answers = root.together([('POST', '/quotas', {**body, 'name': cloud.name('default')})
                             for _ in range(16)])
    assert [answer.status_code for answer in answers] == [200] * 16
    quotas = root.get('/quotas', params={'organization_id': tree.parent})
    assert sum(quota['defaultForService'] for quota in quotas) == 1


def refusals(tree):
    """(status, errorCode, code, context, method, path, body) of every line of the table."""
    quota, other = tree.quota()['id'], tree.quota()['id']
    tree.root.apply(other, tree.child)
    elsewhere = tree.root.connection(tree.parent)
    alien = tree.root.quota(elsewhere, tree.parent)['id']
    unlimited = tree.root.connection(tree.parent, type='swift')
    create = {'name': 'a', 'serviceConnection': {'id': tree.connection},
              'ownerOrganization': {'id': tree.parent}, 'quotaDetails': details()}
    update = {'name': 'b', 'quotaDetails': details()}
    twice = [*details(), *details()[:1]]
    path = f'/quotas/{quota}'
    return [
        (400, 'MALFORMED_REQUEST', 9000, {}, 'POST', '/quotas', []),
        (400, 'MISSING_FIELD', 9001, {'field': 'quotaDetails'}, 'PUT', path, {'name': 'b'}),
        (400, 'INVALID_FIELD', 9002, {'field': 'name', 'value': '5'}, 'PUT', path,
         {**update, 'name': 5}),
        (400, 'REFERENCE_NOT_FOUND', 9003, {'field': 'serviceConnection.id', 'id': UNKNOWN},
         'POST', '/quotas', {**create, 'serviceConnection': {'id': UNKNOWN}}),
        (400, 'QUOTA_METRIC_UNKNOWN', 9012, {'metricIdentifiers': ['x']}, 'PUT', path,
         {**update, 'quotaDetails': details(x=1)}),
        (400, 'QUOTA_METRIC_DUPLICATE', 9013, {'metricIdentifiers': ['instance.cpu.count']},
         'PUT', path, {**update, 'quotaDetails': twice}),
        (400, 'QUOTA_FIELD_IMMUTABLE', 9014, {'field': 'ownerOrganization.id'}, 'PUT', path,
         {**update, 'ownerOrganization': {'id': tree.child}}),
        (400, 'QUOTA_FIELD_IMMUTABLE', 9014, {'field': 'serviceConnection.id'}, 'PUT', path,
         {**update, 'serviceConnection': {'id': elsewhere}}),
        (400, 'QUOTA_NOT_SUPPORTED', 9015, {'serviceConnectionId': unlimited}, 'POST', '/quotas',
         {**create, 'serviceConnection': {'id': unlimited}}),
        (400, 'QUOTA_SUBSTITUTE_INVALID', 9018, {'quotaId': alien}, 'DELETE',
         f'/quotas/{other}?quota_id={alien}', None),
        (400, 'QUOTA_SUBSTITUTE_INVALID', 9018, {'quotaId': UNKNOWN}, 'DELETE',
         f'/quotas/{other}?quota_id={UNKNOWN}', None),
        (400, 'QUOTA_SUBSTITUTE_INVALID', 9018, {'quotaId': other}, 'DELETE',
         f'/quotas/{other}?quota_id={other}', None),
        (400, 'REFERENCE_NOT_FOUND', 9003, {'field': 'quota.id', 'id': UNKNOWN}, 'POST',
         '/quotas/apply', {'quota': {'id': UNKNOWN}, 'organizations': [{'id': tree.child}]}),
        (400, 'INVALID_FIELD', 9002, {'field': 'organizations'}, 'POST', '/quotas/apply',
         {'quota': {'id': quota}, 'organizations': []}),
        (404, 'NOT_FOUND', 9404, {'id': UNKNOWN, 'type': 'quota'}, 'GET', f'/quotas/{UNKNOWN}',
         None),
        (404, 'NOT_FOUND', 9404, {'id': UNKNOWN, 'type': 'task'}, 'GET', f'/tasks/{UNKNOWN}',
         None),
        (404, 'NOT_FOUND', 9404, {}, 'GET', '/nothing/here', None),
        (404, 'NOT_FOUND', 9404, {'id': 'not-an-id'}, 'GET', '/quotas/not-an-id', None),
        (404, 'NOT_FOUND', 9404, {'id': UNKNOWN}, 'GET', f'/quotas?organization_id={UNKNOWN}',
         None),
        (405, 'METHOD_NOT_ALLOWED', 9405, {}, 'PATCH', path, {}),
    ]


def test_14_every_refusal_is_a_list_of_errors_and_no_success_is(root, tree):
    for status, code, number, context, method, path, body in refusals(tree):
        error = root.refused(status, code, method, path, body)
        assert error['code'] == number
        assert {**error.get('context', {}), **context} == error.get('context', {}), error


def test_a_conversion_moves_a_trial_from_its_default_to_that_of_the_service(root, tree):
    trial = tree.quota(defaultForTrial=True)
    service = tree.quota(defaultForService=True)
    body = {'name': cloud.name('trial'), 'parent': {'id': tree.parent}, 'isTrial': True,
            'serviceConnections': [{'id': tree.connection}]}
    answer = root.answer('POST', '/organizations', body)
    organization = answer['data']
    assert answer['taskStatus'] == 'PENDING'
    assert [each['id'] for each in organization['quotas']] == [trial['id']]
    converted = root.put(f'/organizations/{organization["id"]}', {'isTrial': False})
    assert [each['id'] for each in converted['quotas']] == [service['id']]
    assert converted['isBillable'] is True


def test_an_environment_changes_its_name_and_nothing_else(root, tree):
    def made(name):
        return root.post('/environments', {
            'name': name, 'organization': {'id': tree.child},
            'serviceConnection': {'id': tree.connection}})
    first, second = made('first'), made('second')
    path = f'/environments/{first["id"]}'
    answer = root.answer('PUT', path, {**first, 'name': 'third'})
    assert set(answer) == {'taskId', 'taskStatus', 'data'}
    assert answer['data'] == {**first, 'name': 'third'}
    task = root.answer('GET', f'/tasks/{answer["taskId"]}')
    assert task['result'] == {'id': first['id'], 'name': 'third'}
    assert root.answer('PUT', path, {})['taskStatus'] == 'SUCCESS'
    root.refused(400, 'NOT_UNIQUE', 'PUT', path, {'name': 'second'})
    root.refused(400, 'INVALID_FIELD', 'PUT', path, {'name': 'Not a segment'})
    for member, other in (('organization', tree.sibling),
                          ('serviceConnection', root.connection(tree.parent))):
        error = root.refused(400, 'INVALID_FIELD', 'PUT', path, {member: {'id': other}})
        assert error['context']['field'] == f'{member}.id'
    made('first')
    root.server.restart()
    assert root.get(path) == {**first, 'name': 'third'}
    assert root.get(f'/environments/{second["id"]}') == second


def test_the_quotas_of_a_connection_are_those_of_the_organization_in_scope(root, tree):
    own, given = root.quota(tree.connection, tree.child), tree.quota()
    root.apply(given['id'], tree.child)

    def shown(**params):
        connection = root.get(f'/services/connections/{tree.connection}', params=params)
        return [each['id'] for each in connection['quotas']]
    assert shown() == []
    assert shown(organizationId=tree.parent) == [given['id']]
    assert shown(organization_id=tree.child) == [own['id'], given['id']]
    root.refused(404, 'NOT_FOUND', 'GET', f'/services/connections/{tree.connection}',
                 params={'org_id': UNKNOWN})


def test_everything_is_there_after_a_restart(root, tree):
    quota = tree.quota(defaultForService=True, description='kept')
    root.apply(quota['id'], tree.child)
    paths = [f'/quotas/{quota["id"]}', f'/organizations/{tree.child}', '/users', '/api_keys',
             f'/services/connections/{tree.connection}']
    before = [root.get(path) for path in paths[:2]]
    root.server.restart()
    assert [root.get(path) for path in paths[:2]] == before
    for path in paths:
        root.get(path)


@pytest.mark.parametrize('type_', ['aws', 'azure', 'cloudca', 'cloudstack', 'gcp', 'stackpath'])
def test_a_ceiling_comes_with_the_whole_descriptor_of_its_metric(root, type_):
    limited = root.get(f'/services/descriptors/{type_}')['quotaMetricIdentifiers']
    quota = root.quota(root.connection(type=type_), quotaDetails=[
        {'metricIdentifier': metric, 'ceiling': 1} for metric in limited])
    for detail in quota['quotaDetails']:
        metric, descriptor = detail['metricIdentifier'], detail['metricDescriptor']
        assert descriptor.pop('unitLabelKey').startswith('metrics.units.')
        assert descriptor.pop('categoryLabelKey').startswith(f'usage.{type_}.')
        assert descriptor == {'metricIdentifier': metric, 'resourceMetricType': 'GAUGE',
                              'nameLabelKey': f'metrics.quotas.{metric}'}
