"""The written rules of the code, as a program: prints a line per offence, exits 1 if there is one.

Every rule is a function of a Source that yields (line, message). RULES lists them all, and
test_tidy.py holds for each a snippet that breaks it.
"""

import re
import sys
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

LINE_WIDTH_MAX = 100
FUNCTION_LINES_MAX = 70
FILE_LINES_MAX = 600

# Which of our own headers a folder under src/ may include, as patterns. main.c and serve*.c wire
# the parts together and may include all.
OWN_HEADERS = {
    'base': ['base/*'],
    'domain': ['domain/*', 'base/*'],
    'store': ['store/*', 'domain/*', 'base/*'],
    'engine': ['engine/*', 'store/store.h', 'domain/*', 'base/*'],
    'wire': ['wire/*', 'proto/messages.h', 'engine/request.h', 'domain/*', 'base/*'],
    'front': ['front/*', 'engine/*', 'wire/*', 'domain/*', 'base/*'],
    'cli': ['cli/*', 'wire/*', 'domain/*', 'base/*'],
}
WIRES_EVERYTHING = ['src/main.c', 'src/serve*.[ch]', 'src/cli/serve*.[ch]']

# Where a library may be included; nowhere else, so that it can be replaced in one place.
LIBRARY_HEADERS = {
    'sqlite3.h': ['src/store/store_sqlite*', 'tests/*', 'bench/bench_rows.c'],
    'libpq-fe.h': ['src/store/store_postgres*', 'bench/bench_postgres.c', 'tests/*'],
    'event2/*': ['src/front/http_*.c', 'tests/*'],
    'nats/*': ['src/front/front_nats*.c', 'src/cli/nats_*.c', 'bench/bench_nats_*.c', 'tests/*'],
    'protobuf-c/*': ['src/wire/message*', 'tests/*'],
    'curl/*': ['src/cli/*.c', 'tests/*'],
    'zlib.h': ['src/cli/*.c', 'tests/*'],
    'yaml.h': ['src/serve_yaml.c'],
    'openssl/*': ['src/wire/*.c', 'src/front/http_tls.c', 'tests/*'],
    'bid_*.h': ['src/domain/amount*.c'],
    'sanitizer/*': ['src/base/arena.c'],
    'jansson.h': ['tests/*'],
    'cmocka.h': ['tests/*'],
}
C_LIBRARY_HEADERS = set('''
    alloca.h arpa/inet.h assert.h ctype.h dirent.h dlfcn.h endian.h errno.h fcntl.h fenv.h float.h
    getopt.h grp.h inttypes.h langinfo.h limits.h linux/sockios.h locale.h math.h netdb.h
    netinet/in.h netinet/tcp.h poll.h pthread.h pwd.h sched.h semaphore.h setjmp.h signal.h
    stdalign.h stdarg.h stdatomic.h stdbool.h stddef.h stdint.h stdio.h stdlib.h stdnoreturn.h
    string.h strings.h sys/epoll.h sys/eventfd.h sys/file.h sys/ioctl.h sys/mman.h sys/queue.h
    sys/random.h sys/resource.h sys/signalfd.h sys/socket.h sys/stat.h sys/time.h sys/timerfd.h
    sys/syscall.h sys/types.h sys/uio.h sys/un.h sys/utsname.h sys/wait.h termios.h time.h uchar.h
    unistd.h wchar.h
'''.split())

# (calls, why, where they are allowed)
BANNED_CALLS = [
    ('strcpy stpcpy strcat strncat strncpy sprintf vsprintf gets strtok',
     'does not know its bounds', []),
    ('atoi atol atoll atof', 'cannot report an error', []),
    ('exit _exit quick_exit', 'only main ends the process', ['src/main.c', 'tests/*', 'bench/*']),
    ('abort', 'only the arena ends the process', ['src/base/arena.c', 'tests/*', 'bench/*']),
    ('malloc calloc realloc reallocarray free strdup strndup asprintf vasprintf',
     'heap memory comes from base/arena.h', ['src/base/arena.c', 'tests/*', 'bench/*']),
]
# The rules decide from facts and the time they are given.
BANNED_IN_DOMAIN = ('time gettimeofday clock_gettime clock_wall_us clock_monotonic_us localtime '
                    'fopen open read write printf fprintf fputs puts log_write log_format '
                    'pthread_create getenv rand random getrandom')

# What SQLite has learned since 3.37, the oldest we run on (Ubuntu 22.04).
NEWER_SQLITE = 'unixepoch unhex octet_length string_agg timediff concat concat_ws'

# Split, so that this file does not offend.
LEFTOVERS = ['FIX' + 'ME', 'TO' + 'DO', 'XX' + 'X', 'HA' + 'CK']
MACHINE_PATHS = re.compile(r'(?<![\w.$}/-])/(?:work|root|home)/\w|(?<![\w.$}/-])/tmp/\w')

TEXT_SUFFIXES = {'.c', '.h', '.py', '.md', '.build', '.txt', '.sql', '.swf', '.svg', ''}


@dataclass
class Source:
    """A file of the tree: its path from the root with slashes, and its text."""
    path: str
    text: str

    @property
    def lines(self):
        return self.text.splitlines()

    @cached_property
    def code(self):
        """The text of a C file with comments and the insides of literals blanked, line by line."""
        return blank(self.text)

    @property
    def name(self):
        return self.path.rsplit('/', 1)[-1]

    def matches(self, *patterns):
        return any(fnmatch(self.path, pattern) for pattern in patterns)

    @property
    def is_c(self):
        return self.path.endswith(('.c', '.h'))

    @property
    def is_script(self):
        return self.matches('script/*', '.ci/*') and not self.path.endswith('.py')


LITERAL_OR_COMMENT = re.compile(
    r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.DOTALL)


def blank(text):
    def blanks(match):
        piece = match.group()
        if piece[0] in '"\'':
            return piece[0] + ' ' * (len(piece) - 2) + piece[0]
        return re.sub(r'[^\n]', ' ', piece)

    return LITERAL_OR_COMMENT.sub(blanks, text)


def included(source, opening, closing):
    """(line, header) of every #include with these quotes."""
    pattern = re.compile(rf'\s*#\s*include\s*{opening}([^{closing}]+){closing}')
    for number, line in enumerate(source.lines, 1):
        match = pattern.match(line)
        if match:
            yield number, match.group(1)


def folders_keep_their_direction(source):
    if not source.is_c or not source.matches('src/*') or source.matches(*WIRES_EVERYTHING):
        return
    folder = source.path.split('/')[1]
    if folder not in OWN_HEADERS:
        yield 1, f'src/{folder} is not in the table of who may include whom'
        return
    for number, header in included(source, '"', '"'):
        if not any(fnmatch(header, pattern) for pattern in OWN_HEADERS[folder]):
            yield number, f'src/{folder} may not include "{header}"'


def libraries_stay_in_their_place(source):
    if not source.is_c:
        return
    for number, header in included(source, '<', '>'):
        if header in C_LIBRARY_HEADERS:
            continue
        places = [place for pattern, where in LIBRARY_HEADERS.items()
                  if fnmatch(header, pattern) for place in where]
        if not source.matches(*places):
            yield number, f'<{header}> may not be included here'


def headers_open_with_their_contract(source):
    if not source.path.endswith('.h'):
        return
    if not source.text.startswith(f'/* {source.name}: '):
        yield 1, f'a header opens with its contract: /* {source.name}: ...'


def headers_are_guarded(source):
    if not source.path.endswith('.h'):
        return
    *folders, name = re.sub(r'[^\w/]', '_', source.path.removeprefix('src/')).upper().split('/')
    guard = '_'.join(['QMS', *folders, name])
    # Tests and benches may leave folders out of the name.
    pattern = guard if source.matches('src/*') else rf'QMS_(\w+_)?{name}'
    directives = '\n'.join(line for line in source.code.splitlines() if line.startswith('#'))
    if not re.match(rf'#ifndef ({pattern})\n#define \1\n', directives) or \
            source.lines[-1] != '#endif':
        yield 1, f'a header is guarded by {guard} from its contract to its end'


FUNCTION = re.compile(r'^[A-Za-z_][^;{}=#]*?\b(\w+)\s*\([^;{}]*\)\s*\{$.*?^\}',
                      re.MULTILINE | re.DOTALL)


def functions(source):
    """(first line, name, number of lines) of every function definition."""
    for match in FUNCTION.finditer(source.code):
        start = source.code.count('\n', 0, match.start()) + 1
        yield start, match.group(1), match.group().count('\n') + 1


def functions_fit_a_screen(source):
    if not source.is_c:
        return
    for start, name, lines in functions(source):
        if lines > FUNCTION_LINES_MAX:
            yield start, f'{name} has {lines} lines; {FUNCTION_LINES_MAX} is the limit'


def files_stay_readable(source):
    if (source.is_c or source.path.endswith('.py')) and len(source.lines) > FILE_LINES_MAX:
        yield 1, f'{len(source.lines)} lines; {FILE_LINES_MAX} is the limit'


def lines_fit(source):
    if not (source.is_c or source.is_script or source.path.endswith(('.py', '.build'))):
        return
    for number, line in enumerate(source.lines, 1):
        if len(line) > LINE_WIDTH_MAX:
            yield number, f'{len(line)} columns; {LINE_WIDTH_MAX} is the limit'


def lines_are_clean(source):
    if source.matches('examples/*', 'LICENSE'):
        return
    for number, line in enumerate(source.lines, 1):
        if line != line.rstrip() and not source.path.endswith('.md'):
            yield number, 'white space at the end'
        if '\t' in line:
            yield number, 'a tab'
    if source.text and not source.text.endswith('\n'):
        yield len(source.lines), 'no newline at the end of the file'


def no_banned_calls(source):
    if not source.is_c:
        return
    banned = {call: why for calls, why, allowed in BANNED_CALLS if not source.matches(*allowed)
              for call in calls.split()}
    if source.matches('src/domain/*'):
        banned.update((call, 'domain does no I/O and takes its time as an argument')
                      for call in BANNED_IN_DOMAIN.split())
    for number, line in enumerate(source.code.splitlines(), 1):
        for call in re.findall(r'(?<![\w.>])(\w+)\s*\(', line):
            if call in banned:
                yield number, f'{call}(): {banned[call]}'


def sql_is_known_to_the_oldest_sqlite(source):
    if not source.matches('migrations/sqlite/*', 'src/store/store_sqlite*'):
        return
    for number, line in enumerate(source.lines, 1):
        for call in re.findall(r'\b(\w+)\s*\(', line):
            if call in NEWER_SQLITE.split():
                yield number, f'{call}(): SQLite 3.37 does not know it'


def structs_have_no_typedefs(source):
    if not source.is_c:
        return
    for number, line in enumerate(source.code.splitlines(), 1):
        if re.match(r'\s*typedef\s+(struct|union|enum)\b\s*\w*\s*(\{|\**\s*\w+\s*;|$)', line):
            yield number, 'structs, unions and enums are called by their tags'


def nothing_is_left_over(source):
    for number, line in enumerate(source.lines, 1):
        for word in LEFTOVERS:
            if re.search(rf'\b{word}\b', line):
                yield number, f'a leftover {word}'


def no_machine_has_a_name(source):
    for number, line in enumerate(source.lines, 1):
        match = MACHINE_PATHS.search(line)
        if match and not line.startswith('#!'):
            yield number, f'a path of one machine: {match.group()}'


RULES = [
    folders_keep_their_direction, libraries_stay_in_their_place, headers_open_with_their_contract,
    headers_are_guarded, functions_fit_a_screen, files_stay_readable, lines_fit, lines_are_clean,
    no_banned_calls, sql_is_known_to_the_oldest_sqlite, structs_have_no_typedefs,
    nothing_is_left_over, no_machine_has_a_name,
]


def every_source_is_built(sources):
    """A rule of the whole tree: (path, line, message) for each C file that no meson.build names."""
    builds = {source.path: source.text for source in sources if source.name == 'meson.build'}
    for source in sources:
        if not source.path.endswith('.c'):
            continue
        folder = source.path[:-len(source.name)]
        # The program's own files are named at the root, where build/qms is made.
        beside = builds.get(folder + 'meson.build', '') + builds.get('meson.build', '')
        stem = source.name[:-len('.c')]
        # Lists of test programs leave out what all their names begin with.
        short = re.sub(r'^(test|fuzz|bench)_', '', stem)
        if not re.search(rf"'(?:[\w/]*/)?(?:{stem}(?:\.c)?|{short})'", beside):
            yield source.path, 1, f'{source.name} is not listed in the meson.build beside it'


def read_tree(root):
    """Every text file of the project; not what was built, fetched or stored."""
    skipped = re.compile(r'^(\.git|build.*|data|\.venv|\.hypothesis|__pycache__|\.pytest_cache)$')
    sources = []
    folders = [root]
    while folders:
        for path in sorted(folders.pop().iterdir()):
            if skipped.match(path.name):
                continue
            relative = path.relative_to(root).as_posix()
            if path.is_dir():
                if not fnmatch(relative, 'tests/*/corpus'):
                    folders.append(path)
            elif path.suffix in TEXT_SUFFIXES and not fnmatch(relative, 'tests/golden/*'):
                sources.append(Source(relative, path.read_text(encoding='utf-8')))
    return sources


def offences(sources):
    for source in sources:
        for rule in RULES:
            for number, message in rule(source):
                yield f'{source.path}:{number}: {message}'
    for path, number, message in every_source_is_built(sources):
        yield f'{path}:{number}: {message}'


def main():
    found = sorted(offences(read_tree(ROOT)))
    print(*found, sep='\n', end='\n' if found else '')
    return 1 if found else 0


if __name__ == '__main__':
    sys.exit(main())
