"""Credentials as NATS has them: keys of an operator, an account and a user (Ed25519, as nkeys
spells them), and the JSON Web Tokens that they sign for one another."""

import base64
import binascii
import hashlib
import json
import time

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (Encoding, NoEncryption, PrivateFormat,
                                                          PublicFormat)

PREFIXES = {'operator': 14 << 3, 'account': 0, 'user': 20 << 3}
SEED = 18 << 3


def spell(data):
    """Base 32 with a checksum, CRC-16 with the polynomial 0x1021."""
    data += binascii.crc_hqx(data, 0).to_bytes(2, 'little')
    return base64.b32encode(data).decode().rstrip('=')


def base64url(data):
    return base64.urlsafe_b64encode(data).decode().rstrip('=')


class Key:
    def __init__(self, kind):
        self.kind, self.key = kind, Ed25519PrivateKey.generate()
        prefix = PREFIXES[kind]
        public = self.key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        private = self.key.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
        self.public = spell(bytes([prefix]) + public)
        self.seed = spell(bytes([SEED | prefix >> 5, (prefix & 31) << 3]) + private)

    def token(self, subject, name, **claims):
        """What this key says of another, or of itself."""
        body = {'iat': int(time.time()), 'iss': self.public, 'name': name, 'sub': subject.public,
                'nats': {'type': subject.kind, 'version': 2, **claims}}
        body['jti'] = base64.b32encode(
            hashlib.sha256(json.dumps(body).encode()).digest()).decode().rstrip('=')
        parts = [base64url(json.dumps(part).encode())
                 for part in ({'typ': 'JWT', 'alg': 'ed25519-nkey'}, body)]
        signed = '.'.join(parts)
        return f'{signed}.{base64url(self.key.sign(signed.encode()))}'


class Accounts:
    """An operator with one account."""

    def __init__(self):
        self.operator, self.account = Key('operator'), Key('account')

    def config(self):
        """Of a nats-server that lets in the users of the account, and nobody else."""
        unlimited = {name: -1 for name in ('subs', 'data', 'payload', 'conn', 'leaf', 'imports',
                                           'exports')}
        account = self.operator.token(self.account, 'quotas',
                                      limits={**unlimited, 'wildcards': True})
        return ('authorization { timeout: 60 }\n'
                f'operator: {self.operator.token(self.operator, "tests")}\nresolver: MEMORY\n'
                f'resolver_preload {{ {self.account.public}: {account} }}\n')

    def new_user(self):
        user = Key('user')
        return user, self.account.token(user, 'ada', subs=-1, data=-1, payload=-1)

    def client_options(self):
        """A new user, for nats-py."""
        user, token = self.new_user()
        return {'user_jwt_cb': lambda: token.encode(),
                'signature_cb': lambda nonce: base64.b64encode(user.key.sign(nonce.encode()))}

    def write_credentials(self, path):
        """The file of a new user."""
        user, token = self.new_user()
        path.write_text(f'-----BEGIN NATS USER JWT-----\n{token}\n------END NATS USER JWT------\n\n'
                        f'-----BEGIN USER NKEY SEED-----\n{user.seed}\n'
                        '------END USER NKEY SEED------\n')
        return path
