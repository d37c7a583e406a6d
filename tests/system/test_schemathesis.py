"""schemathesis makes requests out of docs/api/openapi.yaml, good ones and bad, and compares what
comes back with what the document promises."""

import os
import pathlib
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
TOOL = ROOT / '.venv/bin/st'
CHECKS = ('not_a_server_error,status_code_conformance,response_schema_conformance,'
          'content_type_conformance')


@pytest.mark.long
def test_no_request_makes_the_server_fail_or_break_its_own_description(server, tmp_path):
    if not TOOL.exists() and 'CI' not in os.environ:
        pytest.skip('schemathesis is not installed; script/test installs it')
    done = subprocess.run(
        [TOOL, 'run', f'{server.url}/openapi.yaml', '--url', server.url, '--checks', CHECKS,
         '--phases', 'examples,coverage,fuzzing', '--max-examples', '5', '--seed', '1',
         '--generation-database', 'none'],
        cwd=tmp_path, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout
    assert 'Tested: 56' in done.stdout, done.stdout
