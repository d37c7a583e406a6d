"""docs/api/openapi.yaml: its operations, and requests after its examples."""

import json
import urllib.parse

import yaml

from stores import REPOSITORY

DOCUMENT = yaml.safe_load((REPOSITORY / 'docs/api/openapi.yaml').read_text(encoding='utf-8'))
OPERATIONS = [(method, path, operation) for path, methods in DOCUMENT['paths'].items()
              for method, operation in methods.items()]


def example_request(path, operation):
    """A request after the document's example: path, query, body."""
    query = {}
    for each in operation.get('parameters', []):
        if each.get('in') == 'path':
            path = path.replace('{%s}' % each['name'], urllib.parse.quote(each['example'], ''))
        elif each.get('in') == 'query' and each.get('required'):
            query[each['name']] = json.dumps(each['example'])
    body = None
    if 'requestBody' in operation:
        body = operation['requestBody']['content']['application/json']['example']
    return path, query, body
