"""schemathesis makes requests out of the documents in docs/api, good ones and bad, and compares
what comes back with what they promise."""

import json
import os
import pathlib
import subprocess

import pytest
import yaml

import cloud
import stores
from description import LOADER, description

ROOT = pathlib.Path(__file__).resolve().parents[2]
TOOL = ROOT / '.venv/bin/st'
CHECKS = ('not_a_server_error,status_code_conformance,response_schema_conformance,'
          'content_type_conformance')
# The phase called coverage walks every constraint of the documents and takes two thirds of the
# time. That is about the front, which does not know what the store is.
PHASES = 'examples,fuzzing' if stores.KIND == 'postgres' else 'examples,coverage,fuzzing'


def run(server, document, directory, *options):
    if not TOOL.exists() and 'CI' not in os.environ:
        pytest.skip('schemathesis is not installed; script/test installs it')
    done = subprocess.run(
        [TOOL, 'run', document, '--url', server.url, '--checks', CHECKS,
         '--phases', PHASES, '--max-examples', '5', '--seed', '1',
         '--generation-database', 'none', '--request-timeout', '120',
         '--suppress-health-check', 'too_slow', *options],
        cwd=directory, capture_output=True, text=True, timeout=1800)
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.mark.long
def test_no_request_makes_the_server_fail_or_break_its_own_description(server, tmp_path):
    told = run(server, f'{server.url}/openapi.yaml', tmp_path)
    # All but the route that the tool has the document from.
    assert f'Tested: {len(description("openapi.yaml").operations) - 1}' in told, told


@pytest.mark.long
def test_no_request_makes_the_cloudmc_tree_fail_or_break_its_own_description(server, tmp_path):
    root = cloud.Client(server, cloud.seed_operator(server))
    cloud.Tree(root).quota()
    document = yaml.load(server.get('/cloudmc.yaml').text, LOADER)
    # The tool would try without a key and with others: each such failure is answered slowly.
    del document['security'], document['components']['securitySchemes']
    place = tmp_path / 'cloudmc.json'
    place.write_text(json.dumps(document))
    told = run(server, place, tmp_path, '-H', f'MC-Api-Key: {root.key}')
    assert f'Tested: {len(description("cloudmc.yaml").operations)}' in told, told
