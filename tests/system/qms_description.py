"""docs/api/openapi.yaml: its operations, and requests after its examples."""

import json
import urllib.parse

from description import description

DESCRIPTION = description('openapi.yaml')
OPERATIONS, check = DESCRIPTION.operations, DESCRIPTION.check


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
