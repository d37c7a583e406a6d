#!/usr/bin/python3
"""Makes docs/api/index.html, the readable form of docs/api/openapi.yaml and cloudmc.yaml: one page
that needs no network. Usage: api_docs.py [--check]; --check says whether the page is up to date.
"""

import html
import json
import pathlib
import sys

import yaml

API = pathlib.Path(__file__).resolve().parents[1] / 'docs' / 'api'
STYLE = '''
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem;
  color: #222; background: #fff; }
code, pre { font: 14px/1.4 ui-monospace, monospace; }
pre { background: #f4f4f4; padding: .8rem; overflow-x: auto; }
summary { cursor: pointer; padding: .3rem 0; }
summary b { display: inline-block; min-width: 4.5rem; }
summary code { overflow-wrap: anywhere; }
nav p { margin: .2rem 0; } nav a { white-space: nowrap; margin-right: .6rem; }
h1 { margin-top: 3rem; } nav + h1 { margin-top: 1.5rem; }
details details { margin-left: 1.5rem; }
table { border-collapse: collapse; } td, th { text-align: left; padding: .1rem 1rem .1rem 0; }
.get b { color: #06c; } .put b { color: #a60; } .post b { color: #080; } .delete b { color: #b00; }
.deprecated code { text-decoration: line-through; }
@media (prefers-color-scheme: dark) {
  body { color: #ddd; background: #181818; } pre { background: #242424; } a { color: #8bf; }
  .get b { color: #6bf; } .put b { color: #fb5; } .post b { color: #5c5; }
  .delete b { color: #f77; } }
'''


def text(value):
    return html.escape(str(value))


def example(title, content):
    parts = []
    for media, entry in content.items():
        schema = json.dumps(entry['schema'], ensure_ascii=False, indent=1)
        parts.append(f'<p>{text(title)} <code>{text(media)}</code></p>')
        if 'example' in entry:
            shown = entry['example']
            if not isinstance(shown, str):
                shown = json.dumps(shown, ensure_ascii=False, indent=1)
            parts.append(f'<pre>{text(shown)}</pre>')
        parts.append(f'<details><summary>schema</summary><pre>{text(schema)}</pre></details>')
    return parts


def parameters(operation, shared):
    rows = []
    for each in operation.get('parameters', []):
        if '$ref' in each:
            each = shared[each['$ref'].rsplit('/', 1)[1]]
        need = 'required' if each.get('required') else ''
        rows.append(f"<tr><td><code>{text(each['name'])}</code><td>{text(each['in'])}"
                    f"<td>{need}<td>{text(each.get('description', ''))}</tr>")
    return ['<table>', *rows, '</table>'] if rows else []


def operation(method, path, entry, shared):
    kind = method + (' deprecated' if entry.get('deprecated') else '')
    lines = [f'<details class="{kind}" id="{text(entry["operationId"])}">'
             f'<summary><b>{method.upper()}</b> <code>{text(path)}</code> '
             f'{text(entry["summary"])}</summary>']
    lines += parameters(entry, shared)
    if 'requestBody' in entry:
        lines += example('request', entry['requestBody']['content'])
    for status, answer in entry['responses'].items():
        title = f'{status}: {answer["description"]}'
        if status == '200':
            lines += example(title, answer['content'])
        else:
            lines.append(f'<p>{text(title)}</p>')
    return [*lines, '</details>']


def contents(document):
    """A line of links to the parts of a document."""
    links = [f'<a href="#{text(tag["name"])}">{text(tag["name"])}</a>' for tag in document['tags']]
    return f'<p>{text(document["info"]["title"])}: {" ".join(links)}</p>'


def part(document, served, prefix):
    """One document; prefix keeps the places of its schemas apart from those of others."""
    info = document['info']
    lines = [f'<h1>{text(info["title"])}</h1>', f'<p>{text(info["description"])}</p>',
             f'<p>For programs: <a href="/{served}">{served}</a></p>']
    for tag in document['tags']:
        lines.append(f'<h2 id="{text(tag["name"])}">{text(tag["name"])}</h2>'
                     f'<p>{text(tag["description"])}</p>')
        for path, methods in document['paths'].items():
            for method, entry in methods.items():
                if tag['name'] in entry['tags']:
                    lines += operation(method, path, entry, document['components']['parameters'])
    lines.append('<h2>schemas</h2>')
    for name, schema in document['components']['schemas'].items():
        shown = text(json.dumps(schema, ensure_ascii=False, indent=1))
        lines.append(f'<details id="{prefix}-{text(name)}"><summary><code>{text(name)}</code>'
                     f'</summary><pre>{shown}</pre></details>')
    return lines


def page():
    lines = ['<!doctype html>', '<html lang="en"><meta charset="utf-8">',
             '<meta name="viewport" content="width=device-width">',
             '<title>qms HTTP API</title>', f'<style>{STYLE}</style>']
    parts = [(yaml.safe_load((API / served).read_text(encoding='utf-8')), served, prefix)
             for served, prefix in (('openapi.yaml', 'schema'), ('cloudmc.yaml', 'cloudmc-schema'))]
    lines += ['<nav>', *(contents(document) for document, _, _ in parts), '</nav>']
    for document, served, prefix in parts:
        lines += part(document, served, prefix)
    return '\n'.join([*lines, '</html>', ''])


def main():
    made = page()
    place = API / 'index.html'
    if '--check' in sys.argv[1:]:
        if place.read_text(encoding='utf-8') != made:
            sys.exit('docs/api/index.html is out of date: run script/api_docs.py')
    else:
        place.write_text(made, encoding='utf-8')


main()
