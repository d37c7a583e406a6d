"""A CloudMC tenant tree on a server, and clients in it: what tests of /api/v2 start from."""

import concurrent.futures
import itertools
import subprocess

from cloud_description import check_answer
from server import BINARY, environment
from waits import WAIT_SECONDS_MAX

ROLES = ('Guest', 'User', 'Administrator', 'Reseller', 'Operator', 'Reporter')
UNKNOWN = '00000000-0000-4000-8000-000000000000'
METRICS = ('instance.cpu.count', 'instance.memory.mb', 'disk.size.gb')
numbers = itertools.count(1)


def seed_operator(server):
    """The first key: of the Operator of the system organization, made in the store."""
    server.stop()
    made = subprocess.run([BINARY, 'apikey', 'create', '--store', server.store.url],
                          capture_output=True, text=True, env=environment(),
                          timeout=WAIT_SECONDS_MAX,
                          check=True)
    server.start()
    return made.stdout.strip()


def name(prefix):
    return f'{prefix}-{next(numbers)}'


def details(**ceilings):
    """One detail for every metric the tests' plugin enforces: 1 unless given."""
    given = {metric: 1 for metric in METRICS}
    given.update({metric.replace('_', '.'): value for metric, value in ceilings.items()})
    return [{'metricIdentifier': metric, 'ceiling': value} for metric, value in given.items()]


class Client:
    """Speaks /api/v2 with one key."""

    def __init__(self, server, key):
        self.server, self.key = server, key

    def send(self, method, path, body=None, **options):
        headers = {'MC-Api-Key': self.key, **options.pop('headers', {})} if self.key else {}
        if body is not None:
            options['json'] = body
        path = '/api/v2' + path
        response = self.server.http.request(method, path, headers=headers, **options)
        check_answer(method, path, response)
        return response

    def answer(self, method, path, body=None, **options):
        """The body of a success."""
        response = self.send(method, path, body, **options)
        assert response.status_code == 200, f'{method} {path}: {response.text}'
        answer = response.json()
        assert 'errors' not in answer
        return answer

    def get(self, path, **options):
        return self.answer('GET', path, **options)['data']

    def post(self, path, body=None, **options):
        return self.answer('POST', path, body, **options)['data']

    def put(self, path, body, **options):
        return self.answer('PUT', path, body, **options)['data']

    def delete(self, path, **options):
        return self.answer('DELETE', path, **options)

    def refused(self, status, code, method, path, body=None, **options):
        """The error of a refusal."""
        response = self.send(method, path, body, **options)
        assert response.status_code == status, f'{method} {path}: {response.text}'
        error = response.json()['errors'][0]
        assert error['errorCode'] == code, error
        assert isinstance(error['code'], int) and error['message']
        assert isinstance(error.get('context', {}), dict)
        return error

    def together(self, calls):
        """Sends all (method, path, body) at once, and returns the answers in their order."""
        with concurrent.futures.ThreadPoolExecutor(len(calls)) as pool:
            return list(pool.map(lambda call: self.send(*call), calls))

    # -- shorthand -----------------------------------------------------------------------------

    def organization(self, parent=None, **more):
        body = {'name': name('org'), **more}
        if parent:
            body['parent'] = {'id': parent}
        return self.post('/organizations', body)['id']

    def connection(self, owner=None, **more):
        body = {'name': name('connection'), 'serviceCode': name('code'), 'type': 'cloudca', **more}
        if owner:
            body['organization'] = {'id': owner}
        return self.post('/services/connections', body)['id']

    def assign(self, organization, connection):
        return self.answer('PUT', f'/organizations/{organization}',
                           {'serviceConnections': [{'id': connection}]})

    def quota(self, connection, owner=None, **more):
        body = {'name': name('quota'), 'serviceConnection': {'id': connection},
                'quotaDetails': details(), **more}
        if owner:
            body['ownerOrganization'] = {'id': owner}
        return self.post('/quotas', body)

    def apply(self, quota, *organizations):
        return self.answer('POST', '/quotas/apply', {
            'quota': {'id': quota}, 'organizations': [{'id': each} for each in organizations]})

    def role(self, wanted):
        return next(role['id'] for role in self.get('/roles') if role['name'] == wanted)

    def user(self, organization, role=None, **more):
        """A client of a new user of the organization."""
        body = {'userName': name('user'), 'organization': {'id': organization}, **more}
        if role:
            body['primaryRoleBinding'] = {'role': {'id': self.role(role)}}
        user = self.post('/users', body)
        key = self.post('/api_keys', {'user': {'id': user['id']}})
        client = Client(self.server, key['key'])
        client.id, client.key_id = user['id'], key['id']
        return client


class Tree:
    """system - parent - child - grandchild, and parent - sibling; one connection that the parent
    owns and all below have."""

    def __init__(self, root):
        self.root = root
        self.system = next(each for each in root.get('/organizations')
                           if 'parent' not in each)['id']
        self.parent = root.organization()
        self.connection = root.connection(self.parent)
        self.child = self._below(self.parent)
        self.sibling = self._below(self.parent)
        self.grandchild = self._below(self.child)

    def _below(self, parent):
        organization = self.root.organization(parent)
        self.root.assign(organization, self.connection)
        return organization

    def quota(self, **more):
        return self.root.quota(self.connection, self.parent, **more)
