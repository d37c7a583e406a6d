"""What the README, its picture and the pages behind it show is what a newcomer sees."""

import re
import shlex
import subprocess
import xml.etree.ElementTree as ElementTree

import pytest

from server import BINARY, REPOSITORY, environment
from waits import WAIT_SECONDS_MAX

README = REPOSITORY / 'README.md'
PICTURE = REPOSITORY / 'docs' / 'first-minutes.svg'
VARIES = [
    (r'jobs a second +\d+  in [\d.]+ s', 'SPEED'),
    (r'[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}', 'NEW ID'),
    (r'\w\w\w, \d\d \w\w\w \d{4} [\d:]{8} GMT|(?!2026-08-12)\d{4}-\d\d-\d\d(T[\d:.]+Z)?', 'TIME'),
]


def steady(text):
    for pattern, name in VARIES:
        text = re.sub(pattern, name, text)
    # Columns are as wide as the speed needs.
    return [re.sub(' +', ' ', line).rstrip() for line in text.strip().splitlines()]


def commands(page):
    """(command, output) of each console block of the page, in order."""
    text = page.read_text(encoding='utf-8')
    for block in re.findall(r'^```console\n\$ (.*?)^```', text, re.DOTALL | re.MULTILINE):
        yield block.split('\n', 1)


def run(command, server):
    words = shlex.split(command.replace('http://127.0.0.1:60000', server.url))
    if words[0] == 'build/qms':
        words[0] = str(BINARY)
    else:
        words[1:1] = ['--silent', '--show-error']
    return subprocess.run(words, check=True, capture_output=True, text=True, cwd=REPOSITORY,
                          timeout=WAIT_SECONDS_MAX, env=environment(QMS_URL=server.url)).stdout


@pytest.mark.parametrize('page, least', [(README, 6), (REPOSITORY / 'docs' / 'http.md', 7)],
                         ids=lambda value: getattr(value, 'name', None))
def test_the_commands_of_a_page_answer_what_it_says(server, page, least):
    shown = [(command, steady(output)) for command, output in commands(page)]
    assert len(shown) >= least
    assert [(command, steady(run(command, server))) for command, _ in shown] == shown


def test_the_picture_shows_what_the_readme_says():
    lines = [''.join(line.itertext()) for line in ElementTree.parse(PICTURE).iter()
             if line.tag.endswith('}text')]
    told = steady(README.read_text(encoding='utf-8'))
    assert [line for line in steady('\n'.join(lines)) if line and line not in told] == []
    assert sum(line.startswith('$ ') for line in lines) >= 3


def test_every_route_is_in_the_table_of_routes():
    source = (REPOSITORY / 'src' / 'front' / 'front_routes.c').read_text(encoding='utf-8')
    served = {(method, path.rstrip('/') or '/')
              for method, path in re.findall(r'\{HTTP_(\w+), "([^"]+)"', source)}
    table = ''.join((REPOSITORY / 'docs' / page).read_text(encoding='utf-8')
                    for page in ('http.md', 'cloudmc.md'))
    assert set(re.findall(r'^\| `(\w+) (/[^`]*)` \|', table, re.MULTILINE)) == served


def test_every_metric_is_described(server):
    names = re.findall(r'^# TYPE (\w+)', server.get('/metrics').text, re.MULTILINE)
    page = (REPOSITORY / 'docs' / 'operating.md').read_text(encoding='utf-8')
    assert len(names) > 20
    assert [name for name in names if not re.search(rf'`{name}[`{{]', page)] == []
