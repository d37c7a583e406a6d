"""Which kind of store the servers under test have: QMS_TEST_STORE=sqlite (the default) or postgres.

With PostgreSQL every server has a database of its own, a copy of one that was prepared once, in a
cluster of the tests' own. A server whose clock stands still has it in another cluster, whose clock
stands still, too.
"""

import functools
import itertools
import os
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / 'support'))
from postgres_cluster import Cluster, Session  # noqa: E402
from stored import Stored  # noqa: E402
from stored_postgres import StoredPostgres  # noqa: E402

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
BINARY = pathlib.Path(os.environ.get('QMS_BINARY', REPOSITORY / 'build' / 'qms')).resolve()
KIND = os.environ.get('QMS_TEST_STORE', 'sqlite')
assert KIND in ('sqlite', 'postgres'), KIND
ROLE = 'qms'  # what rows say they were written by, with either store
ADMINISTRATOR = 'admin'  # the stranger who writes to databases

numbers = itertools.count(1)


def environment(**more):
    """The tests' own environment without what would configure qms."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith('QMS_')}
    kept.update(more)
    return kept


def built_library(name):
    """Beside the binary; an installed binary uses the repository's."""
    found = [path for build in (BINARY.parent, REPOSITORY / 'build')
             if (path := build / 'tests' / 'system' / name).exists()]
    assert found, f'{name} is not built'
    return found[0]


class File:
    """An SQLite database."""

    def __init__(self, path):
        self.path = pathlib.Path(path)
        self.url = f'sqlite:{self.path}'

    def stored(self):
        return Stored(self.path)

    def drop(self):
        """It goes with its directory."""

    def __str__(self):
        return str(self.path)


class Database:
    """A database of a cluster; it is made at once, from another."""

    def __init__(self, cluster, template='qms_empty', owner=ROLE):
        self.name = f'qms_{next(numbers)}'
        cluster.create_database(self.name, owner, template)
        self.url = cluster.url(self.name, owner)
        self.is_in(cluster)

    def is_in(self, cluster):
        """Which of several that have it is asked."""
        self.cluster = cluster
        self.session = Session(self.url_of(ADMINISTRATOR), "SET timezone = 'UTC'",
                               'SET search_path = public, qms_server')

    def url_of(self, role):
        return self.cluster.url(self.name, role)

    def stored(self):
        return StoredPostgres(self.session)

    def execute(self, *statements, role='postgres'):
        return self.cluster.execute(*statements, database=self.name, role=role)

    def dump(self, *options):
        return self.cluster.dump(self.name, *options)

    def drop(self):
        self.session.close()
        if self.cluster.process is not None:
            self.cluster.drop_database(self.name)

    def __str__(self):
        return self.name


def new_cluster(clock=None, **options):
    cluster = Cluster(clock=clock, **options).start()
    cluster.create_qms_template(owner=ROLE)
    cluster.execute(f'CREATE ROLE {ADMINISTRATOR} LOGIN SUPERUSER')
    return cluster


@functools.cache
def postgres_cluster():
    """The session's own; it ends with the process."""
    return new_cluster()


@functools.cache
def still_postgres_cluster():
    """The one whose clock Clock.set() sets."""
    return new_cluster(built_library('still_clock_server.so'))


@functools.cache
def prepared(cluster):
    """The name of a database as a server has made it at its first start."""
    database = Database(cluster)
    subprocess.run([BINARY, 'migrate', '--store', database.url], env=environment(), check=True,
                   capture_output=True)
    return database.name


def new_store(directory, is_still=False):
    if KIND == 'sqlite':
        return File(pathlib.Path(directory) / 'qms.db')
    cluster = still_postgres_cluster() if is_still else postgres_cluster()
    return Database(cluster, prepared(cluster))
