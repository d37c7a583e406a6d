"""A socket through TLS whose two halves are apart: what TLS makes of the octets can be seen, held
back and cut off, and one thread may send while another receives."""

import ssl
import threading


class TlsSocket:
    def __init__(self, plain, context, host, shake=True):
        self.plain = plain
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_hostname=host)
        self.lock = threading.Lock()
        if shake:
            self.shake()

    def flight(self):
        """What TLS wants to have sent."""
        return self.outgoing.read()

    def shake(self):
        while True:
            try:
                self.tls.do_handshake()
            except ssl.SSLWantReadError:
                self.plain.sendall(self.flight())
                self._receive()
                continue
            finally:
                self.plain.sendall(self.flight())
            return

    def _receive(self):
        octets = self.plain.recv(1 << 17)
        if octets:
            self.incoming.write(octets)
        else:
            self.incoming.write_eof()

    def sendall(self, octets):
        for start in range(0, len(octets), 65536):
            with self.lock:
                self.tls.write(octets[start:start + 65536])
                flight = self.flight()
            self.plain.sendall(flight)

    def recv(self, size):
        """b'' after the server's word that it has said all; another end is an error."""
        parts, left = [], size
        while left > 0:
            with self.lock:
                try:
                    part = self.tls.read(left)
                except ssl.SSLWantReadError:
                    part = None
                except ssl.SSLZeroReturnError:
                    part = b''
                except ssl.SSLError as error:
                    if 'UNEXPECTED_EOF' not in str(error):
                        raise
                    raise ConnectionAbortedError('an end that was not announced') from None
            if part:
                parts.append(part)
                left -= len(part)
            elif parts or part == b'':
                break
            else:
                self._receive()
        return b''.join(parts)

    def shutdown(self, how):
        """Ends the connection beneath, without a word in TLS."""
        self.plain.shutdown(how)

    def finish(self):
        """Says that no more will come (close_notify), and leaves the connection open."""
        with self.lock:
            try:
                self.tls.unwrap()
            except ssl.SSLWantReadError:
                pass
            flight = self.flight()
        self.plain.sendall(flight)

    def settimeout(self, seconds):
        self.plain.settimeout(seconds)

    def setsockopt(self, *arguments):
        self.plain.setsockopt(*arguments)

    def getsockname(self):
        return self.plain.getsockname()

    def close(self):
        self.plain.close()
