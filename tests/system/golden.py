"""Golden answers: status line, headers and body, byte for byte, with new ids numbered.

An id made by the server becomes <id 1>, <id 2>, ... in the order of its first appearance, so two
places that must hold the same id are compared too. Seeded ids stand as they are.
"""

import pathlib
import re

GOLDEN = pathlib.Path(__file__).resolve().parents[1] / 'golden' / 'system'
NEW_ID = re.compile(rb'[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}')


def normalised(answer):
    """The answer as text, and nothing left in it that differs from run to run."""
    assert int(answer.header('Content-Length')) == len(answer.body)
    numbers = {}

    def numbered(match):
        return b'<id %d>' % numbers.setdefault(match[0], len(numbers) + 1)

    lines = [f'HTTP/1.1 {answer.status} {answer.reason}']
    for name, value in answer.headers:
        value = {'content-length': '<length>'}.get(name.lower(), value)
        lines.append(f'{name}: {value}')
    return '\n'.join(lines) + '\n\n' + NEW_ID.sub(numbered, answer.body).decode()


def expected(name, folder='system'):
    return (GOLDEN.parent / folder / f'{name}.http').read_text()


def status(name, folder='system'):
    return int(expected(name, folder).split()[1])


def names(folder='system'):
    return sorted(path.stem for path in (GOLDEN.parent / folder).glob('*.http'))
