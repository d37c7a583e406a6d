"""The tidy test: the tree keeps every written rule, and every rule can be broken."""

import re
import subprocess

import pytest
import tidy
from tidy import ROOT, RULES, Source, every_source_is_built, read_tree

TREE = read_tree(ROOT)
CONTRACT = '/* arena.h: memory. */\n'


def function_of(lines):
    return 'int sum(int a,\n        int b) {\n' + '    a += b;\n' * (lines - 3) + '}\n'


# For each rule: a file that keeps it, then files that break it.
CASES = {
    tidy.folders_keep_their_direction: [
        ('src/engine/batch.c', '#include "store/store.h"\n#include "base/arena.h"\n'),
        ('src/engine/batch.c', '#include "store/store_sqlite.h"\n'),
        ('src/domain/decide.c', '#include "engine/request.h"\n'),
        ('src/wire/qms_json.c', '  # include "engine/engine.h"\n'),
        ('src/base/arena.c', '#include "domain/amount.h"\n'),
        ('src/cli/ingest.c', '#include "store/store.h"\n'),
        ('src/plugins/plugin.c', '#include "base/arena.h"\n'),
    ],
    tidy.libraries_stay_in_their_place: [
        ('src/store/store_sqlite.c', '#include <sqlite3.h>\n#include <stdint.h>\n'),
        ('src/store/store.h', '#include <sqlite3.h>\n'),
        ('src/front/front.c', '#include <event2/event.h>\n'),
        ('src/front/http_server.h', '#include <event2/event.h>\n'),
        ('src/engine/engine.c', '#include <curl/curl.h>\n'),
        ('src/domain/decide.c', '#include <bid_functions.h>\n'),
        ('src/front/front_http.c', '#include <evhttp.h>\n'),
    ],
    tidy.headers_open_with_their_contract: [
        ('src/base/arena.h', CONTRACT),
        ('src/base/arena.h', '#ifndef QMS_BASE_ARENA_H\n'),
        ('src/base/buffer.h', CONTRACT),
    ],
    tidy.headers_are_guarded: [
        ('src/base/arena.h',
         CONTRACT + '#ifndef QMS_BASE_ARENA_H\n#define QMS_BASE_ARENA_H\nint x;\n#endif\n'),
        ('src/base/arena.h', CONTRACT + 'int x;\n'),
        ('src/base/arena.h', CONTRACT + '#ifndef ARENA_H\n#define ARENA_H\n#endif\n'),
        ('src/base/arena.h',
         CONTRACT + '#ifndef QMS_BASE_ARENA_H\n#define QMS_BASE_ARENA_H\n#endif\nint x;\n'),
    ],
    tidy.functions_fit_a_screen: [
        ('src/base/sum.c', function_of(70) + 'struct sum {\n' + '    int a;\n' * 80 + '};\n'),
        ('src/base/sum.c', function_of(71)),
        ('tests/unit/base/test_sum.c', 'int one;\n\n' + function_of(200) + function_of(4)),
    ],
    tidy.files_stay_readable: [
        ('src/base/sum.c', 'int x;\n' * 600),
        ('src/base/sum.c', 'int x;\n' * 601),
        ('tests/system/test_sum.py', 'x = 1\n' * 601),
    ],
    tidy.lines_fit: [
        ('src/base/sum.c', '/* ' + 'ä' * 94 + ' */\n'),
        ('src/base/sum.c', '/* ' + 'a' * 95 + ' */\n'),
        ('script/server', '#' * 101 + '\n'),
    ],
    tidy.lines_are_clean: [
        ('src/base/sum.c', 'int x;\n'),
        ('src/base/sum.c', 'int x; \n'),
        ('src/base/sum.c', '\tint x;\n'),
        ('src/base/sum.c', 'int x;'),
    ],
    tidy.no_banned_calls: [
        ('src/wire/put.c',
         '/* strcpy(a, b) */ say("exit(1)"); memory_give(x); row->free(x); snprintf(a, 1, b);\n'),
        ('src/wire/put.c', 'void put(void) { strcpy(a, b); }\n'),
        ('src/wire/put.c', 'char *copy = malloc (3);\n'),
        ('src/store/store_sqlite.c', 'if (failed) exit(1);\n'),
        ('src/domain/decide.c', 'int64_t now = clock_wall_us(&clock_system);\n'),
        ('tests/unit/base/test_text.c', 'sprintf(line, "x");\n'),
    ],
    tidy.sql_is_known_to_the_oldest_sqlite: [
        ('migrations/sqlite/0001_rows.sql', "SELECT strftime('%s', 'now');\n"),
        ('migrations/sqlite/0001_rows.sql', 'SELECT unixepoch();\n'),
        ('src/store/store_sqlite_load.c', '"SELECT unhex(name) FROM users"\n'),
    ],
    tidy.structs_have_no_typedefs: [
        ('src/base/sum.c', 'typedef enum sign check(int);\nstruct sum { int a; };\n'),
        ('src/base/sum.c', 'typedef struct sum { int a; } sum;\n'),
        ('src/base/sum.c', 'typedef struct\n{\n    int a;\n} sum;\n'),
        ('src/base/sum.h', '    typedef enum kind *kind;\n'),
    ],
    tidy.nothing_is_left_over: [
        ('src/base/sum.c', '/* a todo list */\n'),
        ('src/base/sum.c', '/* TO' 'DO: sum */\n'),
        ('docs/design.md', 'FIX' 'ME\n'),
    ],
    tidy.no_machine_has_a_name: [
        ('docs/ingest.md', 'http://127.0.0.1/home/work $root/tmp/x ../root/a\n'),
        ('docs/ingest.md', 'see /ho' 'me/ada/qms\n'),
        ('src/main.c', 'open("/t' 'mp/qms.db");\n'),
        ('README.md', 'cd /wo' 'rk/qms\n'),
    ],
}


@pytest.mark.parametrize('rule', RULES, ids=lambda rule: rule.__name__)
def test_the_tree_keeps_the_rule(rule):
    found = [f'{source.path}:{line}: {message}'
             for source in TREE for line, message in rule(source)]
    assert not found, '\n'.join(found)


def test_every_rule_has_cases():
    assert set(CASES) == set(RULES)


@pytest.mark.parametrize('rule', CASES, ids=lambda rule: rule.__name__)
def test_the_rule_lets_good_code_pass(rule):
    assert list(rule(Source(*CASES[rule][0]))) == []


@pytest.mark.parametrize('rule, path, text', [
    (rule, path, text) for rule, cases in CASES.items() for path, text in cases[1:]
], ids=lambda value: getattr(value, '__name__', None))
def test_the_rule_finds_what_breaks_it(rule, path, text):
    assert list(rule(Source(path, text)))


def test_every_source_of_the_tree_is_built():
    found = [message for path, line, message in every_source_is_built(TREE)]
    assert not found, '\n'.join(found)


@pytest.mark.parametrize('build, found', [
    ("files(\n  'arena.c',\n)\n", False),
    ("foreach name : ['arena']\n", False),
    ("files('arenas.c')\n", True),
    ('', True),
])
def test_a_source_that_is_not_built_is_found(build, found):
    sources = [Source('src/base/arena.c', ''), Source('src/base/meson.build', build)]
    assert bool(list(every_source_is_built(sources))) == found


def test_the_scripts_pass_shellcheck():
    scripts = [source.path for source in TREE if source.is_script]
    subprocess.run(['shellcheck', '-x', '-P', 'SCRIPTDIR', '-s', 'bash', *scripts], cwd=ROOT,
                   check=True)


def test_a_server_is_built_without_what_only_tests_need(tmp_path):
    subprocess.run(['meson', 'setup', '-Dtests=false', tmp_path, ROOT], check=True)
    build = (tmp_path / 'build.ninja').read_text(encoding='utf-8')
    assert re.search(r'^build qms: ', build, re.MULTILINE)
    assert 'cmocka' not in build and 'jansson' not in build


def test_the_tree_is_read_whole():
    paths = {source.path for source in TREE}
    assert {'src/base/arena.c', 'tests/tidy.py', 'script/test', '.ci/run', 'README.md'} <= paths
    assert not any(path.startswith('build') for path in paths)


def test_the_program_prints_offences_and_fails(tmp_path, monkeypatch, capsys):
    (tmp_path / 'meson.build').write_text("executable('qms', 'main.c')\n")
    (tmp_path / 'main.c').write_text('int main(void) {\n    return system("x");\n}\n')
    monkeypatch.setattr(tidy, 'ROOT', tmp_path)
    assert tidy.main() == 0
    (tmp_path / 'main.c').write_text('int main(void) {\n    return atoi("1");\n}\n')
    assert tidy.main() == 1
    assert capsys.readouterr().out == 'main.c:2: atoi(): cannot report an error\n'
