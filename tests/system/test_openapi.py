"""docs/api/openapi.yaml is true: it names every route the server has and no other, its examples fit
its schemas, and what the server answers to them fits too."""

import re
import subprocess

import pytest

from qms_description import OPERATIONS, check, example_request
from stores import REPOSITORY

ROUTE = re.compile(r'\{HTTP_([A-Z]+), "([^"]+)"')
# Ids in the examples are those of the documents; the ones that exist on a new server are seeded.
UNKNOWN_IDS = {'applyAddon', 'setQuota', 'subscriptionAddon', 'updateSubscriptionAddon',
               'deleteSubscriptionAddon', 'subscriptionAddonDeprecated',
               'updateSubscriptionAddonDeprecated', 'deleteSubscriptionAddonDeprecated',
               'v1Updates'}


def named(operations):
    return pytest.mark.parametrize(('method', 'path', 'operation'), operations,
                                   ids=[each[2]['operationId'] for each in operations])


def test_every_route_of_the_server_is_described_and_no_other():
    source = (REPOSITORY / 'src/front/front_routes.c').read_text(encoding='utf-8')
    served = {(method.lower(), path) for method, path in ROUTE.findall(source)
              if not path.startswith('/api/v2/')}  # cloudmc.yaml has those
    assert served == {(method, path) for method, path, _ in OPERATIONS}


def test_operation_ids_are_unique():
    ids = [operation['operationId'] for _, _, operation in OPERATIONS]
    assert len(ids) == len(set(ids))


def test_the_readable_page_is_made_from_the_document_of_today():
    subprocess.run([REPOSITORY / 'script/api_docs.py', '--check'], check=True)


@named(OPERATIONS)
def test_examples_fit_their_schemas(method, path, operation):
    contents = [operation['responses']['200']['content']]
    if 'requestBody' in operation:
        contents.append(operation['requestBody']['content'])
    for content in contents:
        for entry in content.values():
            check(entry['example'], entry['schema'])


@named(OPERATIONS)
def test_every_writing_operation_takes_an_idempotency_key(method, path, operation):
    references = [each.get('$ref', '') for each in operation.get('parameters', [])]
    takes = '#/components/parameters/IdempotencyKey' in references
    assert takes == (method != 'get' and operation['operationId'] != 'v2Usages')


@named(OPERATIONS)
def test_what_the_server_answers_to_the_examples_fits(server, method, path, operation):
    target, query, body = example_request(path, operation)
    answer = server.http.request(method, target, params=query, json=body)
    described = operation['responses'][str(answer.status_code)]
    if operation['operationId'] in UNKNOWN_IDS:
        assert answer.status_code == 404
    else:
        assert answer.status_code == 200, answer.text
    media = answer.headers['Content-Type'].split(';')[0]
    entry = described['content'][media]
    check(answer.json() if media.endswith('json') else answer.text, entry['schema'])


def test_the_document_is_served_as_it_is(server):
    answer = server.get('/openapi.yaml')
    assert answer.content == (REPOSITORY / 'docs/api/openapi.yaml').read_bytes()


def test_the_readable_page_needs_no_network(server):
    answer = server.get('/docs')
    assert answer.status_code == 200
    assert "default-src 'none'" in answer.headers['Content-Security-Policy']
    assert not re.search(r'(?:src|href)="(?!/|#)', answer.text)
    assert '<script' not in answer.text
    for _, path, _ in OPERATIONS:
        assert path in answer.text
