"""docs/api/cloudmc.yaml is true: it names every route of /api/v2 and no other, its examples fit its
schemas, and what the server answers fits too."""

import re

import pytest

import cloud
from cloud import details
from cloud_description import DOCUMENT, OPERATIONS, check, operation_of
from stores import REPOSITORY


def test_every_route_of_the_tree_is_described_and_no_other():
    source = (REPOSITORY / 'src/front/front_routes.c').read_text(encoding='utf-8')
    served = {(method.lower(), path)
              for method, path in re.findall(r'\{HTTP_([A-Z]+), "(/api/v2/[^"]+)"', source)}
    assert served == {(method, path) for method, path, _ in OPERATIONS}


def test_operation_ids_are_unique():
    ids = [operation['operationId'] for _, _, operation in OPERATIONS]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize('operation', [each[2] for each in OPERATIONS],
                         ids=lambda operation: operation['operationId'])
def test_examples_fit_their_schemas(operation):
    contents = [operation['responses']['200']['content']]
    if 'requestBody' in operation:
        contents.append(operation['requestBody']['content'])
    for content in contents:
        check(content['application/json']['example'], content['application/json']['schema'])


def test_every_writing_operation_takes_an_idempotency_key():
    for method, path, operation in OPERATIONS:
        references = [each.get('$ref', '') for each in operation.get('parameters', [])]
        takes = '#/components/parameters/IdempotencyKey' in references
        assert takes == (method != 'get'), path


def tour_of_organizations(root, tree):
    trial = root.organization(tree.parent, isTrial=True, entryPoint=cloud.name('point'))
    root.put(f'/organizations/{trial}', {'name': 'A trial', 'isTrial': False})
    root.post(f'/organizations/{trial}/mark_reseller')
    root.get(f'/organizations/{tree.child}')
    root.get('/organizations', params={'org_id': tree.child})
    root.get(f'/organizations/{tree.parent}/manageable_connections')
    root.answer('DELETE', f'/organizations/{trial}')


def tour_of_users(root, tree):
    root.get('/roles')
    user = root.user(tree.child, 'Administrator')
    root.get('/users', params={'organization_id': tree.child})
    root.put(f'/users/{user.id}', {'email': 'ada@example.org'})
    root.get(f'/users/{user.id}')
    body = {'role': {'id': root.role('Reseller')}, 'scopeQualifier': 'ORG_SUBS',
            'organization': {'id': tree.parent}}
    binding = root.post(f'/users/{user.id}/additional_roles', body)['id']
    root.get(f'/users/{user.id}/additional_roles')
    root.delete(f'/users/{user.id}/additional_roles/{binding}')
    root.get('/api_keys', params={'organization_id': tree.child})
    root.delete(f'/api_keys/{user.key_id}')
    root.delete(f'/users/{user.id}')


def tour_of_connections(root, tree):
    root.get('/services/connections', params={'organizationId': tree.parent})
    root.get(f'/services/connections/{tree.connection}')
    root.get('/services/descriptors/cloudca')
    root.get(f'/services/connections/{tree.connection}/assigned_organizations',
             params={'organization_id': tree.parent})
    body = {'name': 'production', 'organization': {'id': tree.child},
            'serviceConnection': {'id': tree.connection}}
    environment = root.post('/environments', body)['id']
    root.get('/environments', params={'organization_id': tree.child})
    root.get(f'/environments/{environment}')
    root.put(f'/environments/{environment}', {'name': 'staging'})
    root.delete(f'/environments/{environment}')
    root.delete(f'/services/connections/{tree.connection}/assigned_organizations/{tree.sibling}')


def tour_of_quotas(root, tree):
    quota = root.post('/quotas', {
        'name': 'Trial', 'description': 'What a trial may use',
        'serviceConnection': {'id': tree.connection}, 'ownerOrganization': {'id': tree.parent},
        'quotaDetails': details(instance_cpu_count=8, disk_size_gb=500.5),
        'defaultForTrial': True})['id']
    root.apply(quota, tree.child)
    root.get('/quotas', params={'organization_id': tree.parent, 'sort_by': 'name',
                                'page_size': '10'})
    root.get(f'/quotas/{quota}')
    update = root.answer('PUT', f'/quotas/{quota}', {
        'name': 'Trial', 'quotaDetails': details(instance_cpu_count=16, disk_size_gb=-1)})
    root.answer('GET', f'/tasks/{update["taskId"]}')
    root.post(f'/quotas/{quota}/default', params={'service': 'true'})
    root.post(f'/quotas/{quota}', params={'trial': 'true'})
    substitute = tree.quota()['id']
    root.delete(f'/quotas/{quota}', params={'quota_id': substitute})


def tour(root):
    """Succeeds in every operation there is."""
    tree = cloud.Tree(root)
    tour_of_quotas(root, tree)
    tour_of_users(root, tree)
    tour_of_connections(root, tree)
    tour_of_organizations(root, tree)


def test_every_operation_succeeds_and_its_answer_fits(server):
    root = cloud.Client(server, cloud.seed_operator(server))
    seen = set()
    send = root.send

    def remember(method, path, *rest, **options):
        response = send(method, path, *rest, **options)  # which checks that it fits
        if response.status_code == 200:
            seen.add((method.lower(), operation_of(method, '/api/v2' + path)[1]))
        return response
    root.send = remember
    tour(root)
    assert {(method, path) for method, path, _ in OPERATIONS} - seen == set()


def test_the_document_is_served_as_it_is(server):
    answer = server.get('/cloudmc.yaml')
    assert answer.content == (REPOSITORY / 'docs/api/cloudmc.yaml').read_bytes()
    page = server.get('/docs').text
    for path in DOCUMENT['paths']:
        assert path in page
