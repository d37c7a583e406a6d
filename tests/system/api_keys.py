"""Users with API keys, put into the store of a server that does not run."""

import base64
import hashlib
import os

# The fixed roles and what they may do in the trees of QMS; numbers are those of the store.
GUEST, USER, ADMINISTRATOR, RESELLER, OPERATOR, REPORTER = range(6)
ORG_BASE = 0
NOW_US = 1_700_000_000_000_000


def new_key():
    return 'qms_' + base64.urlsafe_b64encode(os.urandom(32)).rstrip(b'=').decode()


def add_user(server, name, role, disabled=False, key=None):
    """A user of the system organization; his key."""
    key = key or new_key()
    user = os.urandom(16)
    stored = server.stored()
    organization = stored.value('SELECT id FROM organizations WHERE parent_id IS NULL')
    stored.execute(
        'INSERT INTO organization_users (id, organization_id, name, status, created_at)'
        ' VALUES (?, ?, ?, ?, ?)', user, organization, name, int(disabled), NOW_US)
    stored.execute(
        'INSERT INTO role_bindings (id, user_id, role, scope, organization_id, is_primary,'
        ' created_at) VALUES (?, ?, ?, ?, ?, ?, ?)',
        os.urandom(16), user, role, ORG_BASE, organization, True, NOW_US)
    stored.execute(
        'INSERT INTO api_keys (id, user_id, name, hash, created_at) VALUES (?, ?, ?, ?, ?)',
        os.urandom(16), user, f'key of {name}', hashlib.sha256(key.encode()).digest(), NOW_US)
    return key


def keyed(start_server, *args, **options):
    """A server that wants keys, and the keys of one who reads, reports, administers."""
    server = start_server(*args, **options)
    server.stop()
    keys = {'read': add_user(server, 'reader', GUEST),
            'report': add_user(server, 'reporter', REPORTER),
            'administer': add_user(server, 'administrator', ADMINISTRATOR)}
    if '--auth' not in server.args:
        server.args.append('--auth')
    server.start()
    return server, keys
