"""Somebody who answers requests over NATS, by the protocol itself: so that a test sees what was
sent, to the byte."""

import contextlib
import json
import re
import socket
import ssl
import threading

from waits import WAIT_SECONDS_MAX

LINE = re.compile(r'(\S+) (\d+)(?: (\S+))? (\d+)(?: (\d+))?\Z')


class Request:
    def __init__(self, subject, headers, payload):
        self.subject, self.headers, self.payload = subject, headers, payload


class Responder:
    """Answers each request on one subject with what answer(request) returns, bytes; None: nothing.
    What came is in requests."""

    def __init__(self, server, subject, answer, tls=None, login=None):
        self.requests, self.answer = [], answer
        self.asked = threading.Event()
        self.socket = socket.create_connection(('127.0.0.1', server.port), WAIT_SECONDS_MAX)
        self.stream = self.socket.makefile('rb', buffering=0)
        assert self.stream.readline().startswith(b'INFO ')
        if tls:
            self.socket = tls.wrap_socket(self.socket, server_hostname='localhost')
        self.stream = self.socket.makefile('rb')
        self.send(b'CONNECT %s' % json.dumps({
            'verbose': False, 'headers': True, 'no_responders': True, **(login or {})}).encode())
        self.send(b'SUB %s 1' % subject.encode())
        self.send(b'PING')
        self.read_until_pong()
        self.socket.settimeout(None)
        self.thread = threading.Thread(target=self.serve)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.thread.join(WAIT_SECONDS_MAX)
        self.stream.close()
        self.socket.close()

    def await_request(self):
        assert self.asked.wait(WAIT_SECONDS_MAX)

    def send(self, line, payload=None):
        self.socket.sendall(line + b'\r\n' + (b'' if payload is None else payload + b'\r\n'))

    def read_until_pong(self):
        while (line := self.stream.readline()) != b'PONG\r\n':
            assert line.split(b' ')[0] not in (b'', b'-ERR'), line

    def serve(self):
        with contextlib.suppress(OSError, ValueError):
            while line := self.stream.readline().decode().rstrip():
                if line == 'PING':
                    self.send(b'PONG')
                elif line.startswith(('MSG ', 'HMSG ')):
                    self.take(line)

    def take(self, line):
        verb, _, rest = line.partition(' ')
        subject, _, reply, first, second = LINE.match(rest).groups()
        header = self.stream.read(int(first)) if verb == 'HMSG' else b''
        length = int(second) - int(first) if verb == 'HMSG' else int(first)
        payload = self.stream.read(length)
        self.stream.read(2)
        headers = dict(pair.split(': ', 1) for pair in header.decode().splitlines()[1:] if pair)
        self.requests.append(Request(subject, headers, payload))
        self.asked.set()
        answer = self.answer(self.requests[-1])
        if answer is not None:
            self.send(b'PUB %s %d' % (reply.encode(), len(answer)), answer)


def trusting(ca):
    """The TLS context of a client that trusts one certificate."""
    return ssl.create_default_context(cafile=str(ca))
