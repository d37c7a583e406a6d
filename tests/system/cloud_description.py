"""docs/api/cloudmc.yaml as the judge of every answer that a test of /api/v2 gets."""

import re

from description import description

DESCRIPTION = description('cloudmc.yaml')
DOCUMENT, OPERATIONS, check = DESCRIPTION.document, DESCRIPTION.operations, DESCRIPTION.check
# A path is that of the first pattern that fits; those with fewer parameters come first.
PATTERNS = sorted(((re.compile(re.sub(r'\{\w+\}', '[^/]+', path) + r'\Z'), path)
                   for path in DOCUMENT['paths']), key=lambda each: each[1].count('{'))


def operation_of(method, path):
    """What the document says of a request, and its pattern; None when it is of nothing there."""
    path = path.split('?')[0]
    for pattern, found in PATTERNS:
        if pattern.match(path):
            return DOCUMENT['paths'][found].get(method.lower()), found
    return None, None


def check_answer(method, path, response):
    operation, _ = operation_of(method, path)
    body = response.json()
    if response.status_code != 200:
        check(body, DOCUMENT['components']['schemas']['Failure'])
    if operation:
        described = operation['responses'][str(response.status_code)]
        check(body, described['content']['application/json']['schema'])
