"""Who may do what to which organization, over every route of /api/v2: roles by scopes by
organizations, held against a model written as plainly as can be. What a key may not see is answered
exactly like what is not there."""

import concurrent.futures

import pytest

import cloud
from cloud import UNKNOWN, details
from cloud_description import OPERATIONS

GUEST = {'see', 'read'}
USER = GUEST | {'environments', 'create environments'}
ADMINISTRATOR = USER | {'organizations', 'users', 'manage environments'}
RESELLER = ADMINISTRATOR | {'create organizations'}
OPERATOR = RESELLER | {'connections', 'quotas'}
RIGHTS = {'Guest': GUEST, 'User': USER, 'Administrator': ADMINISTRATOR, 'Reseller': RESELLER,
          'Operator': OPERATOR, 'Reporter': set()}
PRIMARY_SCOPE = {'Guest': 'ORG_BASE', 'User': 'ORG_BASE', 'Administrator': 'ORG_BASE',
                 'Reseller': 'ORG_TREE', 'Operator': 'GLOBAL'}
PARENT = {'grandchild': 'child', 'child': 'parent', 'sibling': 'parent', 'parent': 'system'}
TARGETS = ('parent', 'child', 'grandchild', 'sibling')
# Users of the child: a primary role, or a guest with an additional role (role, scope, of whom).
SUBJECTS = [*PRIMARY_SCOPE, ('Operator', 'ORG_BASE', 'child'), ('Operator', 'ORG_TREE', 'child'),
            ('Operator', 'ORG_SUBS', 'child'), ('Operator', 'ORG_TOPLEVEL', None),
            ('Operator', 'GLOBAL', None), ('Operator', 'ORG_BASE', 'sibling'),
            ('Reseller', 'ORG_SUBS', 'parent'), ('Reporter', 'GLOBAL', None)]


def is_below(organization, above):
    while organization in PARENT:
        organization = PARENT[organization]
        if organization == above:
            return True
    return False


def reaches(scope, base, target):
    return {'ORG_BASE': target == base, 'ORG_TREE': target == base or is_below(target, base),
            'ORG_SUBS': is_below(target, base), 'ORG_TOPLEVEL': target == 'system',
            'GLOBAL': True}[scope]


def bindings(subject):
    if isinstance(subject, str):
        return [(subject, PRIMARY_SCOPE[subject], 'child')]
    return [('Guest', 'ORG_BASE', 'child'), subject]


def may(subject, right, target):
    return any(right in RIGHTS[role] and reaches(scope, base, target)
               for role, scope, base in bindings(subject))


def sees(subject, target):
    return target == 'child' or may(subject, 'see', target)


class World(cloud.Tree):
    """The tree, with things of each organization; every organization has one below it, so that no
    deletion in these tests succeeds."""

    def __init__(self, root):
        super().__init__(root)
        self.leaves = [self._below(each) for each in (self.sibling, self.grandchild)]
        self.things = {target: self.things_of(target) for target in TARGETS}
        self.things['unknown'] = dict.fromkeys(self.things['child'], UNKNOWN)

    def things_of(self, target):
        root, organization = self.root, getattr(self, target)
        own = root.connection(organization)
        environment = root.post('/environments', {
            'name': 'taken', 'organization': {'id': organization},
            'serviceConnection': {'id': self.connection}})['id']
        return {'organization': organization, 'connection': own, 'environment': environment,
                'quota': root.quota(own, organization)['id'],
                'user': root.user(organization, 'Guest').id}

    def client(self, subject):
        if isinstance(subject, str):
            return self.root.user(self.child, subject)
        client = self.root.user(self.child, 'Guest')
        role, scope, base = subject
        body = {'role': {'id': self.root.role(role)}, 'scopeQualifier': scope}
        if base:
            body['organization'] = {'id': getattr(self, base)}
        self.root.post(f'/users/{client.id}/additional_roles', body)
        return client


def requests_to(things, connection, taken):
    """(the right it takes, method, path, body): nothing in them changes anything. What is named in
    the path comes first, then what is named in a body."""
    organization = {'id': things['organization']}
    quota = {'name': 'any', 'quotaDetails': details()[1:]}  # incomplete: refused after the rights
    in_paths = [
        ('read', 'GET', f'/quotas/{things["quota"]}', None),
        ('read', 'GET', f'/quotas?organization_id={things["organization"]}', None),
        ('quotas', 'PUT', f'/quotas/{things["quota"]}', quota),
        ('quotas', 'DELETE', f'/quotas/{things["quota"]}?quota_id={UNKNOWN}', None),
        ('quotas', 'POST', f'/quotas/{things["quota"]}/default', None),
        ('quotas', 'POST', f'/quotas/{things["quota"]}', None),
        ('read', 'GET', f'/organizations/{things["organization"]}', None),
        ('read', 'GET', f'/organizations?org_id={things["organization"]}', None),
        ('read', 'GET', f'/organizations/{things["organization"]}/manageable_connections', None),
        ('organizations', 'PUT', f'/organizations/{things["organization"]}', {}),
        ('read', 'GET', f'/users?organization_id={things["organization"]}', None),
        ('read', 'GET', f'/users/{things["user"]}', None),
        ('users', 'PUT', f'/users/{things["user"]}', {}),
        ('read', 'GET', f'/users/{things["user"]}/additional_roles', None),
        ('users', 'POST', f'/users/{things["user"]}/additional_roles', {'role': {'id': UNKNOWN}}),
        ('users', 'GET', f'/api_keys?organization_id={things["organization"]}', None),
        ('read', 'GET', f'/services/connections?organizationId={things["organization"]}', None),
        ('read', 'GET', f'/services/connections/{things["connection"]}', None),
        ('read', 'GET', f'/services/connections/{things["connection"]}/assigned_organizations',
         None),
        ('read', 'GET', f'/environments?organization_id={things["organization"]}', None),
    ]
    in_bodies = [
        ('quotas', 'POST', '/quotas', {**quota, 'ownerOrganization': organization,
                                       'serviceConnection': {'id': connection}}),
        ('connections', 'POST', '/services/connections',
         {'name': 'any', 'serviceCode': taken, 'type': 'cloudca', 'organization': organization}),
        ('create environments', 'POST', '/environments',
         {'name': 'taken', 'organization': organization,
          'serviceConnection': {'id': connection}}),
        ('create organizations', 'POST', '/organizations',
         {'name': 'any', 'parent': organization, 'serviceConnections': [{'id': UNKNOWN}]}),
        ('users', 'POST', '/users',
         {'userName': 'any', 'organization': organization,
          'primaryRoleBinding': {'role': {'id': UNKNOWN}}}),
    ]
    return in_paths, in_bodies


@pytest.fixture(scope='module')
def world(shared):
    return World(cloud.Client(shared, cloud.seed_operator(shared)))


def hidden(client, method, path, body, things):
    """Status and body of an answer, without the ids it was asked about."""
    response = client.send(method, path, body)
    text = response.text
    for thing in things.values():
        text = text.replace(thing, '*')
    return response.status_code, text


@pytest.mark.parametrize('subject', SUBJECTS, ids=str)
def test_rights_are_those_of_the_model(world, subject):
    client = world.client(subject)
    taken = world.root.get(f'/services/connections/{world.connection}')['serviceCode']
    nothing = requests_to(world.things['unknown'], world.connection, taken)
    for target in TARGETS:
        things = world.things[target]
        asked = requests_to(things, world.connection, taken)
        for kind, unseen in ((0, 404), (1, 400)):
            for request, unknown in zip(asked[kind], nothing[kind], strict=True):
                right, method, path, body = request
                answer = client.send(method, path, body)
                said = f'{subject} {method} {path} of {target}: {answer.text}'
                if not sees(subject, target):
                    assert answer.status_code == unseen, said
                    assert (hidden(client, method, path, body, things) ==
                            hidden(client, *unknown[1:], world.things['unknown'])), said
                elif right != 'read' and not may(subject, right, target):
                    assert answer.status_code == 403, said
                    assert answer.json()['errors'][0]['context']['permission']
                else:
                    assert answer.status_code in (200, 400), said
                    assert 'REFERENCE_NOT_FOUND' not in answer.text or UNKNOWN in answer.text


@pytest.mark.parametrize('subject', SUBJECTS, ids=str)
def test_environments_are_seen_by_who_reads_environments(world, subject):
    client = world.client(subject)
    for target in TARGETS:
        environment = world.things[target]['environment']
        answer = client.send('GET', f'/environments/{environment}')
        assert answer.status_code == (200 if may(subject, 'environments', target) else 404)


@pytest.mark.parametrize('subject', SUBJECTS, ids=str)
def test_organizations_are_deleted_by_who_manages_them_and_could_make_them(world, subject):
    client = world.client(subject)
    for target in TARGETS:
        answer = client.send('DELETE', f'/organizations/{world.things[target]["organization"]}')
        managed = may(subject, 'organizations', target)
        deletes = managed and (target == 'child' or
                               may(subject, 'create organizations', PARENT[target]))
        expected = 404 if not sees(subject, target) else 400 if deletes else 403
        assert answer.status_code == expected, f'{target}: {answer.text}'


@pytest.mark.parametrize('subject', SUBJECTS, ids=str)
def test_lists_hold_what_the_caller_sees(world, subject):
    client = world.client(subject)
    shown = {each['id'] for each in client.get('/organizations')}
    wanted = {getattr(world, target) for target in TARGETS
              if sees(subject, target) and (target == 'child' or is_below(target, 'child'))}
    assert shown & {getattr(world, target) for target in TARGETS} == wanted
    quota = world.quota()['id']
    world.root.apply(quota, world.child, world.sibling, world.grandchild)
    seen = client.get(f'/quotas/{quota}')
    assert seen['numberOfOrganizationsAppliedTo'] == 3
    assert {each['id'] for each in seen['organizations']} == {
        getattr(world, target) for target in ('child', 'sibling', 'grandchild')
        if sees(subject, target)}


def test_without_a_key_nothing_is_answered_and_nothing_is_told(world):
    def ask(each):
        method, path, _ = each
        for name in ('{id}', '{binding_id}', '{organization_id}', '{type}'):
            path = path.replace(name, UNKNOWN)
        return cloud.Client(world.root.server, None).send(method.upper(), path[len('/api/v2'):])
    with concurrent.futures.ThreadPoolExecutor(len(OPERATIONS)) as pool:
        answers = list(pool.map(ask, OPERATIONS))
    assert {(answer.status_code, answer.text) for answer in answers} == {
        (401, answers[0].text)}
    assert answers[0].json()['errors'][0]['errorCode'] == 'INVALID_CREDENTIALS'


def test_a_revoked_key_and_a_disabled_user_are_out_at_once(world):
    client = world.root.user(world.child, 'User')
    client.get('/quotas')
    world.root.put(f'/users/{client.id}', {'status': 'DISABLED'})
    client.refused(401, 'INVALID_CREDENTIALS', 'GET', '/quotas')
    world.root.put(f'/users/{client.id}', {'status': 'ACTIVE'})
    client.get('/quotas')
    world.root.delete(f'/api_keys/{client.key_id}')
    client.refused(401, 'INVALID_CREDENTIALS', 'GET', '/quotas')


def test_nobody_grants_or_borrows_a_right_that_he_lacks(world):
    reseller = world.root.user(world.child, 'Reseller')
    operator = world.root.user(world.child, 'Operator')
    body = {'role': {'id': world.root.role('Operator')}, 'scopeQualifier': 'ORG_BASE'}
    reseller.refused(403, 'FORBIDDEN', 'POST', f'/users/{reseller.id}/additional_roles', body)
    reseller.refused(403, 'FORBIDDEN', 'POST', '/api_keys', {'user': {'id': operator.id}})
    reseller.refused(403, 'FORBIDDEN', 'POST', '/users', {
        'userName': cloud.name('tool'),
        'primaryRoleBinding': {'role': {'id': world.root.role('Operator')}}})


def test_a_task_is_seen_by_who_started_it_and_who_manages_its_object(world):
    quota = world.quota()['id']
    task = world.root.answer('PUT', f'/quotas/{quota}',
                             {'name': cloud.name('quota'), 'quotaDetails': details()})['taskId']
    world.root.user(world.sibling, 'Operator').get(f'/tasks/{task}')
    world.root.user(world.sibling, 'Administrator').refused(404, 'NOT_FOUND', 'GET',
                                                            f'/tasks/{task}')
