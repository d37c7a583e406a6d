"""A PostgreSQL cluster of the tests' own: a directory, a server, and nothing left of them.

As a program: postgres_cluster.py [--clock LIBRARY] -- COMMAND...
runs COMMAND with QMS_TEST_POSTGRES set to a URL that wants only the name of a database at its end.
"""

import argparse
import atexit
import ctypes
import os
import pathlib
import pwd
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import psycopg
from psycopg.rows import dict_row

from ports import held_port, number_of
from waits import WAIT_SECONDS_MAX

SOCKET_PATH_MAX = 100  # the system's limit is 107, with the name of the socket
PR_SET_PDEATHSIG = 1

# A small machine runs several of these. Nothing is vacuumed, so that nothing happens by itself, and
# nothing waits for the disk: what a killed process has written the system still has.
SETTINGS = {
    'fsync': 'off',
    'full_page_writes': 'off',
    'dynamic_shared_memory_type': 'mmap',  # in the directory: what is killed leaves nothing behind
    'listen_addresses': '',
    'shared_buffers': '32MB',
    'max_connections': '200',
    'min_wal_size': '32MB',
    'max_wal_size': '64MB',
    'autovacuum': 'off',
    'timezone': 'UTC',
    'log_timezone': 'UTC',
    'lc_messages': 'C',
    'log_line_prefix': '%m [%p] %u@%d ',
}


def installed_versions():
    """{major version: directory of its programs}, as Debian lays them out, or those on the path."""
    found = {int(path.parent.parent.name): path.parent
             for path in pathlib.Path('/usr/lib/postgresql').glob('*/bin/postgres')
             if path.parent.parent.name.isdigit()}
    if not found and (program := shutil.which('postgres')):
        text = subprocess.run([program, '--version'], capture_output=True, text=True, check=True)
        number = int(re.search(r'(\d+)', text.stdout)[1])
        found[number] = pathlib.Path(program).resolve().parent
    return found


def server_account():
    """The ordinary user that PostgreSQL runs as; None: whoever runs the tests is one."""
    if os.geteuid() != 0:
        return None
    for name in ('postgres', 'nobody'):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise RuntimeError('PostgreSQL refuses to run as root, and there is no ordinary user')


def end_with_parent():
    """In the child: a runner that is killed takes the server along."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGQUIT)


class Session:
    """A connection for statements of tests, made when there is something to do and again when it is
    lost: to make one takes longer than most of what is done with it."""

    def __init__(self, url, *settings):
        self.url = url
        self.settings = settings
        self._connection = None

    def connection(self):
        if self._connection is not None and self._is_lost():
            self.close()
        if self._connection is None:
            # Tables change meanwhile, which statements that were prepared do not bear.
            self._connection = psycopg.connect(self.url, autocommit=True, prepare_threshold=None,
                                               row_factory=dict_row)
            for setting in self.settings:
                self._connection.execute(setting)
        return self._connection

    def _is_lost(self):
        """Nothing but a farewell comes unasked."""
        return self._connection.closed or \
            select.select([self._connection], [], [], 0)[0]

    def close(self):
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()


class Cluster:
    """clock: the library of a wall clock that stands still; it reads self.clock_file, eight bytes,
    microseconds since 1970. tcp: also listens on a port of 127.0.0.1, self.port."""

    def __init__(self, version=None, clock=None, tcp=False, settings=None, source=None):
        versions = installed_versions()
        if not versions:
            raise RuntimeError('PostgreSQL is not installed')
        self.version = version or max(versions)
        self.programs = versions[self.version]
        self.account = server_account()
        base = tempfile.gettempdir()
        if len(base) > SOCKET_PATH_MAX - 40:
            base = '/var/tmp'
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix='qms-pg-', dir=base))
        self.data = self.directory / 'data'
        self.log_file = self.directory / 'log'
        self.clock_file = self.directory / 'clock' if clock else None
        self.env = {'PATH': os.environ.get('PATH', '/usr/bin:/bin'), 'LC_ALL': 'C.UTF-8',
                    'TZ': 'UTC', 'HOME': str(self.directory)}
        self.process = self.held = None
        self.port = 5432
        self.settings = dict(SETTINGS, unix_socket_directories=str(self.directory),
                             **(settings or {}))
        if tcp:
            self.held = held_port()
            self.port = number_of(self.held)
            self.settings['listen_addresses'] = '127.0.0.1'
        self.session = Session(self.url('postgres'))
        self.clock = None
        if clock:
            # Where the server's user can read it, wherever the build is.
            self.clock = shutil.copy(clock, self.directory / 'clock.so')
            self.clock_file.write_bytes(bytes(8))
            self.set_clock(time.time_ns() // 1000)
        self.own(self.directory, *self.directory.iterdir())
        atexit.register(self.close)
        if source is None:
            self._run('initdb', '-D', self.data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8',
                      '--locale=C.UTF-8', '--no-sync')
        else:
            self._run('pg_basebackup', '-c', 'fast', '-D', self.data, '-R', '-d', source)

    # -- the server ----------------------------------------------------------------------------

    def start(self):
        assert self.process is None, 'it runs already'
        settings = [word for name, value in self.settings.items()
                    for word in ('-c', f'{name}={value}')]
        env = dict(self.env)
        if self.clock:
            env.update(LD_PRELOAD=str(self.clock), QMS_STILL_CLOCK=str(self.clock_file))
        with open(self.log_file, 'ab') as log:
            self.process = subprocess.Popen(
                [self.programs / 'postgres', '-D', self.data, '-p', str(self.port), *settings],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=env, cwd=self.directory,
                preexec_fn=end_with_parent, start_new_session=True, **self.identity())
        deadline = time.monotonic() + WAIT_SECONDS_MAX
        while not self._ready():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise RuntimeError('PostgreSQL did not start:\n' + self.log())
            time.sleep(0.01)
        return self

    def _ready(self):
        try:
            lines = (self.data / 'postmaster.pid').read_text().splitlines()
        except OSError:
            return False
        return len(lines) > 7 and lines[7].strip() in ('ready', 'standby') \
            and int(lines[0]) == self.process.pid

    def stop(self, mode='fast'):
        """fast ends every session; immediate is like a crash, but leaves no process behind."""
        process, self.process = self.process, None
        process.send_signal({'fast': signal.SIGINT, 'immediate': signal.SIGQUIT}[mode])
        process.wait(WAIT_SECONDS_MAX)

    def kill(self):
        """As if the machine had lost its power, as far as processes can tell."""
        process, self.process = self.process, None
        children = pathlib.Path(f'/proc/{process.pid}/task/{process.pid}/children')
        if process.poll() is None:
            process.send_signal(signal.SIGSTOP)  # it starts no more of them
            backends = [int(pid) for pid in children.read_text().split()]
            for pid in (*backends, process.pid):
                os.kill(pid, signal.SIGKILL)
            while any(pathlib.Path(f'/proc/{pid}').exists() for pid in backends):
                time.sleep(0.002)
        process.wait()
        (self.data / 'postmaster.pid').unlink(missing_ok=True)

    def restart(self, mode='fast'):
        self.stop(mode)
        return self.start()

    def promote(self):
        self._run('pg_ctl', 'promote', '-D', self.data, '-w')

    def close(self):
        atexit.unregister(self.close)
        self.session.close()
        if self.process is not None:
            self.stop('immediate')
        if self.held:
            self.held.close()
        shutil.rmtree(self.directory, ignore_errors=True)

    def __enter__(self):
        return self.start()

    def __exit__(self, *error):
        self.close()

    def log(self):
        return self.log_file.read_text(errors='replace') if self.log_file.exists() else ''

    def set_clock(self, microseconds):
        """All of this cluster's sessions see this time at once."""
        with open(self.clock_file, 'r+b', buffering=0) as file:
            file.write(microseconds.to_bytes(8, sys.byteorder))

    # -- its databases -------------------------------------------------------------------------

    def url(self, database='', role='postgres'):
        host = str(self.directory).replace('/', '%2F')
        return f'postgresql://{role}@{host}:{self.port}/{database}'

    def tcp_url(self, database='', role='postgres'):
        return f'postgresql://{role}@127.0.0.1:{self.port}/{database}'

    def execute(self, *statements, database='postgres', role='postgres'):
        """Each is a transaction of its own; returns what psql prints, unaligned."""
        commands = [word for statement in statements for word in ('-c', statement)]
        return self.tool('psql', '-X', '-q', '-At', '-v', 'ON_ERROR_STOP=1', *commands,
                         self.url(database, role))

    def create_database(self, name, owner='postgres', template='template0'):
        # To copy files is faster than to log every page, where nothing waits for the disk.
        strategy = ' STRATEGY file_copy' if self.version >= 15 else ''
        self._command(f'CREATE DATABASE "{name}" OWNER "{owner}" TEMPLATE "{template}"{strategy}')

    def drop_database(self, name):
        self._command(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def _command(self, statement):
        """Hundreds of databases are made, and psql takes longer to start than this takes."""
        self.session.connection().execute(statement)

    def create_qms_template(self, name='qms_empty', owner='qms'):
        """A database with the extensions and nothing else, of a role that is no administrator."""
        self.execute(f'CREATE ROLE "{owner}" LOGIN CREATEDB')
        self.create_database(name, owner)
        self.execute(*(f'CREATE EXTENSION "{extension}"' for extension in
                       ('uuid-ossp', 'moddatetime', 'insert_username', 'btree_gist')),
                     database=name)
        return name

    def dump(self, database, *options, role='postgres'):
        """pg_dump's text, without the marks that are made up for each dump."""
        text = self.tool('pg_dump', *options, '-d', self.url(database, role))
        return re.sub(r'^\\(un)?restrict .*\n', '', text, flags=re.MULTILINE)

    def tool(self, program, *args, **options):
        """A client program of this version."""
        done = subprocess.run([self.programs / program, *args], capture_output=True, text=True,
                              env=self.env, cwd='/', timeout=WAIT_SECONDS_MAX * 2, **options)
        if done.returncode != 0:
            raise RuntimeError(f'{program}: {done.stderr}')
        return done.stdout

    # -- as the server's user ------------------------------------------------------------------

    def identity(self):
        if self.account is None:
            return {}
        return {'user': self.account.pw_uid, 'group': self.account.pw_gid, 'extra_groups': []}

    def own(self, *paths):
        for path in paths:
            if self.account:
                os.chown(path, self.account.pw_uid, self.account.pw_gid)

    def _run(self, program, *args):
        self.tool(program, *map(str, args), **self.identity())


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--clock')
    parser.add_argument('command', nargs='+')
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(1))
    with Cluster(clock=options.clock) as cluster:
        cluster.create_qms_template()
        env = dict(os.environ, QMS_TEST_POSTGRES=cluster.url(role='qms'))
        if cluster.clock_file:
            env['QMS_STILL_CLOCK'] = str(cluster.clock_file)
        done = subprocess.run(options.command, env=env)
        if done.returncode != 0:
            print('\n'.join(cluster.log().splitlines()[-40:]), file=sys.stderr)
    return done.returncode if done.returncode >= 0 else 128 - done.returncode


if __name__ == '__main__':
    sys.exit(main())
