"""qms serve --plugins: what service connections can measure, and quotas must limit."""

import json
import subprocess
import time


from server import BINARY, environment
from waits import WAIT_SECONDS_MAX

DESCRIPTOR = {
    'type': 'cluster',
    'quotaMetricIdentifiers': ['instance.cpu.count'],
    'metricDescriptors': [
        {'metricIdentifier': 'instance.cpu.count', 'resourceMetricType': 'GAUGE',
         'nameLabelKey': 'name', 'unitLabelKey': 'unit', 'entityType': 'instances'},
        {'metricIdentifier': 'traffic.gb', 'resourceMetricType': 'COUNTER'}]}


def described(server, key, type_):
    return server.get(f'/api/v2/services/descriptors/{type_}', headers={'MC-Api-Key': key})


def test_descriptors_of_the_file_take_the_place_of_those_built_in(start_server, tmp_path):
    path = tmp_path / 'plugins.json'
    path.write_text(json.dumps([DESCRIPTOR]))
    server = start_server('--plugins', str(path))
    made = subprocess.run([BINARY, 'apikey', 'create', '--store', server.store.url],
                          capture_output=True, text=True, env=environment(),
                          timeout=WAIT_SECONDS_MAX,
                          check=True)
    key, deadline = made.stdout.strip(), time.monotonic() + WAIT_SECONDS_MAX
    while described(server, key, 'cluster').status_code == 401:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    answer = described(server, key, 'cluster').json()['data']
    assert answer['quotaMetricIdentifiers'] == DESCRIPTOR['quotaMetricIdentifiers']
    assert answer['metricDescriptors'] == DESCRIPTOR['metricDescriptors']
    assert answer['supportsQuota'] is True
    assert described(server, key, 'aws').status_code == 404


def test_a_file_that_cannot_be_used_is_refused_at_the_start_and_by_check(tmp_path):
    path = tmp_path / 'plugins.json'
    for text, why in ((None, 'cannot open'), ('[', 'at byte'), ('{}', 'at byte'),
                      ('[{"type":"a","quotaMetricIdentifiers":["x"]}]', 'no metricDescriptor')):
        if text is not None:
            path.write_text(text)
        for words in (['--check'], ['--store', 'sqlite::memory:']):
            done = subprocess.run([BINARY, 'serve', '--plugins', str(path), *words],
                                  capture_output=True, text=True, env=environment(),
                                  timeout=WAIT_SECONDS_MAX)
            assert done.returncode == 2, (text, words)
            assert why in done.stdout + done.stderr
