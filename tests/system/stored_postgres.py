"""What lies in a PostgreSQL database, in the words of stored.py: ids are 16 bytes, times
microseconds since 1970, booleans 0 and 1, amounts text. A stranger, too: an administrator's own
connection reads and writes."""

import datetime
import decimal
import uuid

from stored import EPOCH, Stored

INSTANT_MIN = 10**14  # a whole number from here on is meant as microseconds: 1973


def taken(value):
    if isinstance(value, uuid.UUID):
        return value.bytes
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, decimal.Decimal):
        return format(value, 'f')
    if isinstance(value, datetime.datetime):
        return (value - EPOCH) // datetime.timedelta(microseconds=1)
    return value


def given(value):
    if isinstance(value, bytes) and len(value) == 16:
        return uuid.UUID(bytes=value)
    if isinstance(value, int) and value >= INSTANT_MIN:
        return EPOCH + datetime.timedelta(microseconds=value)
    return value


class StoredPostgres(Stored):
    def __init__(self, session):
        """The session is an administrator's, and somebody else closes it."""
        self.session = session
        self.all_rows = None

    def _run(self, sql, parameters):
        return self.session.connection().execute(sql.replace('%', '%%').replace('?', '%s'),
                                                 [given(value) for value in parameters])

    def snapshot(self):
        """In one statement, which is many times faster."""
        connection = self.session.connection()
        if self.all_rows is None:
            self.all_rows = ' UNION ALL '.join(
                f"SELECT '{table}' AS name, t::text AS row FROM {table} t"
                for table in self._tables(connection))
        return sorted((row['name'], row['row']) for row in connection.execute(self.all_rows))

    def rows(self, sql, *parameters):
        return [{name: taken(value) for name, value in row.items()}
                for row in self._run(sql, parameters)]

    def execute(self, sql, *parameters):
        """Every batch reads the database: what is committed is noticed."""
        self._run(sql, parameters)

    def add_users(self, users):
        with self.session.connection().cursor() as cursor, \
                cursor.copy('COPY users (id, username) FROM STDIN') as copy:
            for identity, name in users:
                copy.write_row((identity.hex(), name))

    def request_keys(self):
        return {row['key'] for row in self.rows('SELECT key FROM qms_server.idempotency')}

    def assert_sound(self):
        """The database itself sees to it."""

    def _tables(self, connection):
        """All but the record of batches, which a server at rest clears away an hour later."""
        return [row['name'] for row in connection.execute(
            "SELECT CASE schemaname WHEN 'public' THEN '' ELSE 'qms_server.' END || tablename "
            "AS name FROM pg_tables WHERE schemaname IN ('public', 'qms_server') "
            "AND tablename <> 'batches'")]

    def everything(self):
        connection = self.session.connection()
        with connection.transaction():
            connection.execute('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ')
            tables = self._tables(connection)
            return {table: sorted((tuple(taken(value) for value in row.values())
                                   for row in connection.execute(f'SELECT * FROM {table}')),
                                  key=repr) for table in tables}
