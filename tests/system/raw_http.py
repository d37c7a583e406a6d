"""HTTP over a bare socket: sends exactly the bytes it is given, and shows exactly those it gets."""

import dataclasses
import socket

from tls_socket import TlsSocket
from waits import WAIT_SECONDS_MAX


@dataclasses.dataclass
class Answer:
    status: int
    reason: str
    headers: list  # of (name, value), as sent
    body: bytes

    def header(self, name):
        found = [value for key, value in self.headers if key.lower() == name.lower()]
        assert len(found) <= 1, f'{name} is repeated'
        return found[0] if found else None


class Closed(Exception):
    """The server closed the connection before a whole answer had come."""


class Connection:
    def __init__(self, host, port, seconds_max=WAIT_SECONDS_MAX, context=None):
        """context: of TLS."""
        self.socket = socket.create_connection((host, port), seconds_max)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if context is not None:
            self.socket = TlsSocket(self.socket, context, host)
        self.host = f'{host}:{port}'
        self.buffer = b''

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def send(self, octets):
        self.socket.sendall(octets)

    def request(self, method, target, body=b'', headers=()):
        """Sends a well-formed request around a target and a body that need not be."""
        lines = [f'{method} '.encode() + (target if isinstance(target, bytes) else target.encode())
                 + b' HTTP/1.1', f'Host: {self.host}'.encode()]
        lines += [f'{name}: {value}'.encode() for name, value in headers]
        if body:
            lines += [b'Content-Type: application/json',
                      f'Content-Length: {len(body)}'.encode()]
        self.send(b'\r\n'.join(lines) + b'\r\n\r\n' + body)

    def answer(self):
        head, _, self.buffer = self._until(b'\r\n\r\n').partition(b'\r\n\r\n')
        lines = head.decode('latin-1').split('\r\n')
        version, status, reason = lines[0].split(' ', 2)
        assert version == 'HTTP/1.1'
        headers = [tuple(line.split(': ', 1)) for line in lines[1:]]
        answer = Answer(int(status), reason, headers, b'')
        if answer.status == 100:
            return self.answer()
        length = int(answer.header('Content-Length') or 0)
        while len(self.buffer) < length:
            self._receive()
        answer.body, self.buffer = self.buffer[:length], self.buffer[length:]
        return answer

    def ask(self, method, target, body=b'', headers=()):
        self.request(method, target, body, headers)
        return self.answer()

    def at_end(self):
        """True when the server has closed and nothing is left to read."""
        try:
            return not self.buffer and self.socket.recv(1) == b''
        except ConnectionResetError:
            return True

    def _until(self, mark):
        while mark not in self.buffer:
            self._receive()
        return self.buffer

    def _receive(self):
        try:
            octets = self.socket.recv(65536)
        except ConnectionError as error:
            raise Closed(str(error)) from error
        if not octets:
            raise Closed('end of stream')
        self.buffer += octets
