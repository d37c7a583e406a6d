"""The documents: what they link to is there, and their tables are whole."""

import re

import pytest
from tidy import ROOT

DOCUMENTS = sorted([*ROOT.glob('*.md'), *ROOT.glob('docs/*.md'), *ROOT.glob('bench/*.md')])
LINK = re.compile(r'\]\(([^)\s]+)\)')
BAR = re.compile(r'(?<!\\)\|')


def prose(document):
    """(number, line) of what is not in a fence."""
    fenced = False
    for number, line in enumerate(document.read_text().splitlines(), 1):
        if line.startswith('```'):
            fenced = not fenced
        elif not fenced:
            yield number, line


def anchors(document):
    """The names that a heading can be linked by, as the usual readers of Markdown make them."""
    names = []
    for _, line in prose(document):
        if heading := re.match(r'#+ (.+)', line):
            text = re.sub(r'\[([^]]*)\]\([^)]*\)', r'\1', heading[1]).strip().lower()
            names.append(re.sub(r'[^\w -]', '', text).replace(' ', '-'))
    return names


def named(document):
    return str(document.relative_to(ROOT))


@pytest.mark.parametrize('document', DOCUMENTS, ids=named)
def test_every_link_leads_somewhere(document):
    dead = []
    for number, line in prose(document):
        for target in LINK.findall(line):
            if target.startswith(('http://', 'https://')):
                continue
            path, _, anchor = target.partition('#')
            place = (document.parent / path).resolve() if path else document
            if not place.exists() or anchor and anchor not in anchors(place):
                dead.append(f'{number}: {target}')
    assert not dead


@pytest.mark.parametrize('document', DOCUMENTS, ids=named)
def test_every_row_of_a_table_has_the_cells_of_its_head(document):
    broken, bars = [], None
    for number, line in prose(document):
        if not line.startswith('|'):
            bars = None
            continue
        bars = bars or len(BAR.findall(line))
        if len(BAR.findall(line)) != bars:
            broken.append(f'{number}: {line}')
    assert not broken


@pytest.mark.parametrize('document', DOCUMENTS, ids=named)
def test_no_two_headings_have_the_same_name(document):
    names = anchors(document)
    assert len(names) == len(set(names))


def test_every_member_of_the_log_is_described():
    names = {name for path in ROOT.glob('src/**/*.c')
             for name in re.findall(r'\.key = "(\w+)"', path.read_text())}
    page = (ROOT / 'docs/operating.md').read_text().split('\n## The log\n')[1]
    assert len(names) > 10
    assert [name for name in sorted(names) if f'`{name}`' not in page.split('\n## ')[0]] == []
