"""Turns documents into a C source, so that the server can show them.

Usage: embed_document.py OUTPUT NAME=FILE...    (each becomes `const struct text document_NAME`)
"""

import pathlib
import sys


def c_string(line):
    return '"' + line.replace('\\', '\\\\').replace('"', '\\"').replace('??', '?\\?') + '\\n"'


def document(name, path):
    lines = pathlib.Path(path).read_text(encoding='utf-8').splitlines()
    body = '\n'.join('    ' + c_string(line) for line in lines)
    return (f'static const char {name}_bytes[] =\n{body};\n'
            f'const struct text document_{name} = '
            f'{{{name}_bytes, sizeof {name}_bytes - 1}};\n')


def main(output, *documents):
    parts = [document(*each.split('=', 1)) for each in documents]
    pathlib.Path(output).write_text('#include "front/front_documents.h"\n\n' + '\n'.join(parts),
                                    encoding='utf-8')


main(*sys.argv[1:])
