"""Turns migrations into a C source, so that the server carries them inside.

Usage: embed.py OUTPUT HEADER NAME FILE...

A file is called NNNN_title.sql; its number is its version, and versions go 1, 2, 3 without gaps.
"""

import pathlib
import re
import sys


def c_string(line):
    return '"' + line.replace('\\', '\\\\').replace('"', '\\"') + '\\n"'


def migration(path, version):
    if not re.fullmatch(rf'{version:04}_[a-z_]+\.sql', path.name):
        sys.exit(f'{path.name}: expected {version:04}_title.sql')
    lines = '\n'.join('     ' + c_string(line) for line in path.read_text().splitlines())
    return f'    {{{version}, "{path.stem}",\n{lines}}},'


def main(output, header, name, *files):
    paths = sorted(map(pathlib.Path, files), key=lambda path: path.name)
    rows = '\n'.join(migration(path, index + 1) for index, path in enumerate(paths))
    pathlib.Path(output).write_text(
        f'#include "{header}"\n\n'
        f'const struct migration {name}[] = {{\n{rows}\n}};\n'
        f'const size_t {name}_count = {len(paths)};\n')


main(*sys.argv[1:])
