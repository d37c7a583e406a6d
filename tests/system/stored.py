"""What lies in the SQLite file, read exactly (amounts as Decimal), and written as a stranger would.

Another process than the server opens the file, as an administrator with sqlite3 could.
"""

import contextlib
import datetime
import decimal
import sqlite3
import time
import uuid

from waits import WAIT_SECONDS_MAX

EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
CPU = uuid.UUID('99e3bc7e-950a-11ec-84a4-406c8f3e9cbb').bytes
DATA = uuid.UUID('99e3f91e-950a-11ec-84a4-406c8f3e9cbb').bytes
NOTICED_SECONDS = 0.01  # so long may a read be answered from what was known before a foreign write
RESOURCES = {'cpu.hours': CPU, 'data.size': DATA}
BASIC = uuid.UUID('99e47c22-950a-11ec-84a4-406c8f3e9cbb').bytes
REGULAR = uuid.UUID('c6d39580-98dc-11ec-bbe3-406c8f3e9cbb').bytes
PRO = uuid.UUID('cdf7ac7a-98dc-11ec-bbe3-406c8f3e9cbb').bytes
COMMERCIAL = uuid.UUID('d80b5482-98dc-11ec-bbe3-406c8f3e9cbb').bytes
PRO_RATE = uuid.UUID('29f6cff6-82a0-11ef-aac3-5a8d7f4f1112').bytes
BASIC_RATE = uuid.UUID('120c56e0-82a0-11ef-aac3-5a8d7f4f1112').bytes


def microseconds(text):
    """'2026-08-12 10:00:00' in UTC, as the store writes times."""
    moment = datetime.datetime.fromisoformat(text).replace(tzinfo=datetime.timezone.utc)
    return (moment - EPOCH) // datetime.timedelta(microseconds=1)


def new_id():
    """A version 7 id, as the server makes them, so that golden files number it."""
    return uuid.UUID(int=uuid.uuid4().int & ~(0xf << 76) | 0x7 << 76).bytes


class Stored:
    def __init__(self, path):
        self.path = path

    @contextlib.contextmanager
    def _connection(self):
        connection = sqlite3.connect(self.path, timeout=WAIT_SECONDS_MAX, isolation_level=None)
        connection.row_factory = sqlite3.Row
        try:
            yield connection
        finally:
            connection.close()

    def rows(self, sql, *parameters):
        with self._connection() as connection:
            return [dict(row) for row in connection.execute(sql, parameters)]

    def value(self, sql, *parameters):
        (row,) = self.rows(sql, *parameters)
        (value,) = row.values()
        return value

    def execute(self, sql, *parameters):
        """Returns when a running server must have noticed."""
        with self._connection() as connection:
            connection.execute('PRAGMA foreign_keys = ON')
            connection.execute(sql, parameters)
        time.sleep(2 * NOTICED_SECONDS)

    def add_users(self, users):
        """Many at once, as (id, name)."""
        with self._connection() as connection:
            connection.execute('BEGIN')
            connection.executemany('INSERT INTO users (id, username) VALUES (?, ?)', users)
            connection.execute('COMMIT')

    def count(self, table):
        return self.value(f'SELECT count(*) FROM {table}')

    def subscriptions(self, username):
        """Oldest first."""
        return self.rows('SELECT s.* FROM subscriptions s JOIN users u ON u.id = s.user_id '
                         'WHERE u.username = ? ORDER BY s.effective_start_date, s.id', username)

    def amounts(self, table, username):
        """{(subscription id, resource name): Decimal} of usages or quotas."""
        column = {'usages': 'usage', 'quotas': 'quota'}[table]
        rows = self.rows(f'SELECT t.subscription_id, r.name, t.{column} AS amount FROM {table} t '
                         'JOIN subscriptions s ON s.id = t.subscription_id '
                         'JOIN users u ON u.id = s.user_id '
                         'JOIN resource_types r ON r.id = t.resource_type_id '
                         'WHERE u.username = ?', username)
        return {(row['subscription_id'], row['name']): decimal.Decimal(row['amount'])
                for row in rows}

    def amount(self, table, username, resource='cpu.hours'):
        """The amount in the user's newest subscription; None when there is no row."""
        newest = self.subscriptions(username)[-1]['id']
        return self.amounts(table, username).get((newest, resource))

    def usage(self, username, resource='cpu.hours'):
        return self.amount('usages', username, resource)

    def quota(self, username, resource='cpu.hours'):
        return self.amount('quotas', username, resource)

    def all_usages(self, resource='cpu.hours'):
        """{username: Decimal}; every user must have one subscription."""
        rows = self.rows('SELECT u.username, t.usage FROM usages t '
                         'JOIN subscriptions s ON s.id = t.subscription_id '
                         'JOIN users u ON u.id = s.user_id '
                         'WHERE t.resource_type_id = ?', RESOURCES[resource])
        usages = {row['username']: decimal.Decimal(row['usage']) for row in rows}
        assert len(usages) == len(rows), 'a user has several subscriptions'
        return usages

    def updates(self, username):
        """The audit trail, in the order it was written."""
        rows = self.rows('SELECT p.*, o.name AS operation, r.name AS resource FROM updates p '
                         'JOIN users u ON u.id = p.user_id '
                         'JOIN update_operations o ON o.id = p.update_operation_id '
                         'JOIN resource_types r ON r.id = p.resource_type_id '
                         'WHERE u.username = ? ORDER BY p.created_at, p.id', username)
        for row in rows:
            row['value'] = decimal.Decimal(row['value'])
        return rows

    def request_keys(self):
        return {row['key'] for row in self.rows('SELECT "key" FROM request_keys')}

    def assert_sound(self):
        assert self.value('PRAGMA integrity_check') == 'ok'
        assert self.rows('PRAGMA foreign_key_check') == []

    def everything(self):
        """Every row of every table, to compare before and after."""
        with self._connection() as connection:
            connection.execute('BEGIN')
            tables = [row[0] for row in connection.execute(
                "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")]
            return {table: sorted((tuple(row) for row in connection.execute(
                f'SELECT * FROM "{table}"')), key=repr) for table in tables}

    def snapshot(self):
        """The same, for comparing only."""
        return self.everything()

    # -- what nobody but a stranger writes -------------------------------------------------------

    def add_subscription(self, username, plan, rate, start, end, quotas, paid=True):
        """start and end are texts, end may be None; quotas are {resource name: text}."""
        subscription = new_id()
        now = microseconds('2026-01-01 00:00:00')
        (user,) = self.rows('SELECT id FROM users WHERE username = ?', username)
        self.execute('INSERT INTO subscriptions (id, user_id, plan_id, effective_start_date, '
                     'effective_end_date, created_by, created_at, last_modified_by, '
                     'last_modified_at, paid, plan_rate_id) VALUES (?,?,?,?,?,?,?,?,?,?,?)',
                     subscription, user['id'], plan, microseconds(start),
                     None if end is None else microseconds(end), 'admin', now, 'admin', now, paid,
                     rate)
        for resource, amount in quotas.items():
            self.execute('INSERT INTO quotas (id, quota, resource_type_id, subscription_id, '
                         'created_by, created_at, last_modified_by, last_modified_at) '
                         'VALUES (?,?,?,?,?,?,?,?)', new_id(), amount,
                         RESOURCES[resource], subscription, 'admin', now, 'admin', now)
        return subscription

    def add_default(self, plan, resource, value, effective):
        self.execute('INSERT INTO plan_quota_defaults (id, plan_id, resource_type_id, '
                     'quota_value, effective_date) VALUES (?,?,?,?,?)', new_id(), plan,
                     RESOURCES[resource], value, microseconds(effective))

    def add_rate(self, plan, rate, effective):
        self.execute('INSERT INTO plan_rates (id, plan_id, effective_date, rate) '
                     'VALUES (?,?,?,?)', new_id(), plan, microseconds(effective), rate)
