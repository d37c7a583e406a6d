"""Certificates for tests, made when they are wanted by the openssl command."""

import pathlib
import ssl
import subprocess

from waits import WAIT_SECONDS_MAX

EXTENSIONS = 'subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1\nextendedKeyUsage=serverAuth\n'


def openssl(*arguments):
    subprocess.run(['openssl', *map(str, arguments)], check=True, stdin=subprocess.DEVNULL,
                   capture_output=True, timeout=WAIT_SECONDS_MAX)


class Pair:
    """A certificate and its key."""

    def __init__(self, certificate, key):
        self.certificate, self.key = pathlib.Path(certificate), pathlib.Path(key)

    @property
    def serial(self):
        return int(ssl_text(self.certificate).split('=')[1], 16)

    @property
    def options(self):
        return ['--tls-cert', str(self.certificate), '--tls-key', str(self.key)]

    def install(self, other):
        """Puts another pair into the place of this one."""
        self.key.write_bytes(other.key.read_bytes())
        self.certificate.write_bytes(other.certificate.read_bytes())


def ssl_text(certificate):
    return subprocess.run(['openssl', 'x509', '-in', certificate, '-noout', '-serial'],
                          check=True, capture_output=True, text=True).stdout.strip()


class Authority:
    """Issues certificates for loopback; trust is the file to believe them by."""

    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.trust, self.key = self.directory / 'ca.pem', self.directory / 'ca.key'
        (self.directory / 'extensions').write_text(EXTENSIONS)
        self._key(self.key)
        openssl('req', '-x509', '-new', '-key', self.key, '-out', self.trust, '-days', 2, '-subj',
                '/CN=an authority for tests', '-addext', 'keyUsage=critical,keyCertSign')

    def _key(self, path):
        openssl('ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', path)

    def issue(self, name):
        pair = Pair(self.directory / f'{name}.pem', self.directory / f'{name}.key')
        request = self.directory / f'{name}.csr'
        self._key(pair.key)
        openssl('req', '-new', '-key', pair.key, '-out', request, '-subj', '/CN=localhost')
        openssl('x509', '-req', '-in', request, '-CA', self.trust, '-CAkey', self.key,
                '-CAcreateserial', '-days', 2, '-extfile', self.directory / 'extensions', '-out',
                pair.certificate)
        return pair

    def context(self, version=None, protocols=None):
        context = ssl.create_default_context(cafile=self.trust)
        context.options &= ~ssl.OP_IGNORE_UNEXPECTED_EOF  # an end that was not announced is none
        if version is not None:
            context.minimum_version = context.maximum_version = version
        if protocols is not None:
            context.set_alpn_protocols(protocols)
        return context
