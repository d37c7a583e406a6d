"""Our HTTP parser against two that others wrote: h11, which is strict, and httptools, which is the
lenient one of Node.js. Whatever ours accepts, both must understand in the same way.

Where ours is stricter is listed in STRICTER; nothing else may be refused that h11 accepts.
"""

import dataclasses
import json
import random
import subprocess

import h11
import httptools
import pytest

from server import BINARY

PROGRAM = BINARY.parent / 'tests' / 'support' / 'http_parse_tool'
MUTATIONS = 10000


@dataclasses.dataclass
class Request:
    method: str
    target: str
    headers: list  # of (name in lower case, value)
    body: str


def stream(lines, body=b''):
    return b'\r\n'.join(lines) + b'\r\n\r\n' + body


HOST = b'Host: localhost'
TABLE = [
    stream([b'GET / HTTP/1.1', HOST]),
    stream([b'GET /users/ada/overages?x=%20y HTTP/1.1', HOST, b'Accept: */*', b'X:', b'Y:  a b ']),
    stream([b'HEAD /a HTTP/1.1', HOST, b'X-Bytes: \xc3\xa9\xff', b'X-Tab: a\tb']),
    stream([b'OPTIONS * HTTP/1.1', HOST]),
    stream([b'GET http://localhost/a?b HTTP/1.1', HOST]),
    stream([b'GET / HTTP/1.0']),
    stream([b'GET / HTTP/1.0', b'Connection: keep-alive']),
    stream([b'GET / HTTP/1.1', HOST, b'Connection: close']),
    stream([b'PUT /user/ada/updates HTTP/1.1', HOST, b'Content-Type: application/json',
            b'Content-Length: 5'], b'hello'),
    stream([b'POST /a HTTP/1.1', HOST, b'Content-Length: 0']),
    stream([b'POST /a HTTP/1.1', HOST, b'Expect: 100-continue', b'content-length:0003'], b'abc'),
    stream([b'POST /v2/usages HTTP/1.1', HOST, b'Transfer-Encoding: chunked'], b'0\r\n\r\n'),
    stream([b'POST /v2/usages HTTP/1.1', HOST, b'transfer-encoding: Chunked'],
           b'5\r\nhello\r\n0006;a=b\r\n world\r\n0\r\n\r\n'),
    stream([b'POST /a HTTP/1.1', HOST, b'Transfer-Encoding: chunked'],
           b'A\r\n0123456789\r\n0\r\nX: y\r\nZ: a\r\n\r\n'),
    stream([b'DELETE /a/b HTTP/1.1', HOST]) + stream([b'PATCH /c HTTP/1.1', HOST]),
    stream([b'POST /a HTTP/1.1', HOST, b'Content-Length: 3'], b'GET')
    + stream([b'POST /b HTTP/1.1', HOST, b'Transfer-Encoding: chunked'], b'1\r\na\r\n0\r\n\r\n')
    + stream([b'GET /c HTTP/1.1', HOST]),
    stream([b'GET / HTTP/1.1', b'Host: [::1]:80', b'Upgrade: websocket', b'Connection: upgrade']),
]

# What h11 accepts and we refuse.
DOUBTFUL = [
    stream([b'POST /a HTTP/1.1', HOST, b'Content-Length: 5', b'Transfer-Encoding: chunked'],
           b'5\r\nhello\r\n0\r\n\r\n'),
    stream([b'POST /a HTTP/1.1', HOST, b'Content-Length: 5', b'Content-Length: 5'], b'hello'),
    stream([b'POST /a HTTP/1.1', HOST, b'Content-Length: 5, 5'], b'hello'),
    stream([b'POST /a HTTP/1.0', b'Transfer-Encoding: chunked'], b'0\r\n\r\n'),
    stream([b'POST /a HTTP/1.1', HOST, b'Transfer-Encoding: chunked'],
           b'5 \r\nhello\r\n0\r\n\r\n'),
    stream([b'POST /a HTTP/1.1', HOST, b'Transfer-Encoding: chunked'], b'0\r\nX: y\n\r\n'),
    stream([b'POST /a HTTP/1.1', HOST, b'Transfer-Encoding: chunked'],
           b'5;\r\r\nhello\r\n0\r\n\r\n'),
    stream([b'POST /a HTTP/1.1', HOST, b'Transfer-Encoding:', b' chunked'], b'0\r\n\r\n'),
    stream([b'POST /a HTTP/1.1', HOST, b'Expect: wonders', b'Content-Length: 5'], b'hello'),
    stream([b'GET / HTTP/1.2', HOST]),
    stream([b'GET / HTTP/1.1', b'Host: a/b']),
    stream([b'GET /a#b HTTP/1.1', HOST]),
    stream([b'GET a HTTP/1.1', HOST]),
    stream([b'GET http://[/ HTTP/1.1', HOST]),
    stream([b'GET http://other/ HTTP/1.1', HOST]),
    stream([b'GET / HTTP/1.1', HOST, b'X: y', b' folded']),
    stream([b'GET / HTTP/1.1', HOST]).replace(b'\r', b''),
]

# What mutations put in: what has confused readers of HTTP before.
PIECES = [
    b'\r\n', b'\n', b'\r', b' ', b'\t', b'\0', b'\x0b', b':', b',', b';', b'0', b'1', b'+', b'-',
    b'"', b'\x80', b'\xff', b'%', b'?', b'#', b'*', b'/', b'//', b'HTTP/1.1', b'HTTP/1.0',
    b'HTTP/2.0', b'GET', b'POST', b'Host: localhost\r\n', b'Host:\r\n', b'Host: a b\r\n',
    b'Content-Length: 5\r\n', b'Content-Length: 0\r\n', b'Content-Length : 5\r\n',
    b'Content-Length: 5, 5\r\n', b'Transfer-Encoding: chunked\r\n',
    b'Transfer-Encoding: gzip, chunked\r\n', b'Transfer-Encoding: identity\r\n',
    b'Transfer-Encoding : chunked\r\n', b'Connection: close\r\n', b'Connection: a, close\r\n',
    b'Expect: 100-continue\r\n', b'0\r\n\r\n', b'5\r\nhello\r\n', b'5;x="y\r\n', b'ffffffff\r\n',
    b' folded\r\n', b'X: y\r\n', b'X : y\r\n', b': y\r\n', b'http://localhost', b'http://other/',
]


def mutate(source, octets):
    octets = bytearray(octets)
    for _ in range(source.choice([1, 1, 1, 2, 3])):
        at = source.randrange(len(octets) + 1)
        end = min(len(octets), at + source.choice([0, 0, 1, 1, 2, 8]))
        change = source.randrange(5)
        if change == 0:
            octets[at:end] = source.choice(PIECES)
        elif change == 1:
            del octets[at:end]
        elif change == 2:
            octets[at:at] = octets[at:end]
        elif change == 3:  # a line of another request
            octets[at:end] = source.choice(source.choice(TABLE).splitlines(keepends=True))
        else:  # a whole line between two others
            lines = bytes(octets).splitlines(keepends=True)
            lines.insert(source.randrange(len(lines) + 1), source.choice(PIECES))
            octets = bytearray(b''.join(lines))
    return bytes(octets)


def cases():
    source = random.Random(1)
    return TABLE + DOUBTFUL + [mutate(source, source.choice(TABLE)) for _ in range(MUTATIONS)]


@pytest.fixture(scope='module')
def readings():
    """[(octets, lines of our transcript)]"""
    all_cases = cases()
    output = subprocess.run([PROGRAM], check=True, capture_output=True, input=b''.join(
        b'%d\n' % len(octets) + octets for octets in all_cases)).stdout.decode('ascii')
    blocks = output.split('\n\n')[:-1]
    assert len(blocks) == len(all_cases)
    return [(octets, [json.loads(line) for line in block.splitlines()])
            for octets, block in zip(all_cases, blocks)]


def normalized(request):
    """h11 writes this one value small."""
    request.headers = [(name, value.lower() if name == 'transfer-encoding' else value)
                       for name, value in request.headers]
    return request


def ours(lines):
    """The requests a server would act upon: those up to the first that closes the connection."""
    found = []
    for line in lines[:-1]:
        found.append(normalized(Request(
            line['method'], line['target'],
            [(name.lower(), value) for name, value in line['headers']], line['body'])))
        if not line['keep_alive'] or line['minor'] == 0:
            return found, True
    return found, False


def h11_reading(octets):
    """([Request], the error if it ends with one)"""
    connection = h11.Connection(h11.SERVER, max_incomplete_event_size=1 << 20)
    found, now = [], None
    try:
        connection.receive_data(octets)
        while True:
            event = connection.next_event()
            if isinstance(event, h11.Request):
                now = Request(event.method.decode(), event.target.decode('latin-1'),
                              [(name.decode(), value.decode('latin-1'))
                               for name, value in event.headers], '')
                now = normalized(now)
            elif isinstance(event, h11.Data):
                now.body += event.data.decode('latin-1')
            elif isinstance(event, h11.EndOfMessage):
                found.append(now)
                connection.send(h11.Response(status_code=200, headers=[('Content-Length', '0')]))
                connection.send(h11.EndOfMessage())
                if connection.our_state is not h11.DONE:
                    return found, None
                connection.start_next_cycle()
            else:
                return found, None
    except h11.RemoteProtocolError as error:
        return found, error


class Collector:
    def __init__(self):
        self.found, self.parser = [], httptools.HttpRequestParser(self)

    def on_message_begin(self):
        self.now = Request('', '', [], '')
        self.in_head = True

    def on_url(self, url):
        self.now.target += url.decode('latin-1')

    def on_header(self, name, value):
        if self.in_head:  # not in the trailers
            self.now.headers.append((name.decode('latin-1').lower(),
                                     value.decode('latin-1').strip(' \t')))

    def on_headers_complete(self):
        self.now.method = self.parser.get_method().decode()
        self.now = normalized(self.now)
        self.in_head = False

    def on_body(self, body):
        self.now.body += body.decode('latin-1')

    def on_message_complete(self):
        self.found.append(self.now)


def httptools_reading(octets):
    collector = Collector()
    try:
        collector.parser.feed_data(octets)
    except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
        return collector.found, error
    return collector.found, None


# What they say about requests that we take and they do not -> why we are right to take them.
TOLERATED = {
    'no request line received': 'h11 allows no empty line before a request',
    'invalid character in content-length header': 'httptools allows no tab behind the number',
}
# Trailers are dropped unread; they read them.
ABOUT_TRAILERS = ['content-length', 'transfer-encoding']


def tolerated(line, error):
    about_trailers = line['chunked'] and any(
        name in str(error).lower() for name in ABOUT_TRAILERS)
    return about_trailers or str(error) in TOLERATED


def test_what_we_accept_h11_understands_in_the_same_way(readings):
    compared = 0
    for octets, lines in readings:
        mine, _ = ours(lines)
        theirs, error = h11_reading(octets.removeprefix(b'\r\n'))
        for i, request in enumerate(mine):
            if i == len(theirs) and tolerated(lines[i], error):
                break
            assert i < len(theirs), f'{octets}\nwe read {request}\nh11 {error}'
            if request.method == 'other':
                request.method = theirs[i].method
            assert request == theirs[i], octets
            compared += 1
    assert compared > MUTATIONS / 4  # else the mutations are too wild to tell anything


def test_what_we_accept_httptools_understands_in_the_same_way(readings):
    compared = 0
    for octets, lines in readings:
        mine, _ = ours(lines)
        theirs, error = httptools_reading(octets)
        for i, request in enumerate(mine):
            # It knows a fixed list of methods, and hands the connection over at an Upgrade.
            # It takes Transfer-Encodings for Transfer-Encoding with a bad value.
            if request.method == 'other' or any(
                    name == 'upgrade' or name.startswith('transfer-encoding') and len(name) > 17
                    for name, _ in request.headers):
                break
            if i == len(theirs) and tolerated(lines[i], error):
                break
            assert i < len(theirs), f'{octets}\nwe read {request}\nhttptools {error}'
            assert request == theirs[i], octets
            compared += 1
    assert compared > MUTATIONS / 4


# Our reason -> why it is right to be stricter than h11.
STRICTER = {
    'a chunk size is malformed': 'h11 allows white space after it, to please a broken server',
    'a line ends without a carriage return': 'h11 takes a bare line feed for the end of a line',
    'a trailer is malformed': 'the same',
    'a chunk is malformed': 'h11 allows a bare return in an extension',
    'the only transfer coding is chunked': 'h11 joins folded lines',
    'Content-Length is repeated': 'h11 allows equal ones',
    'Content-Length is not a number': 'h11 allows a list of equal ones',
    'Content-Length beside Transfer-Encoding': 'h11 believes Transfer-Encoding',
    'Transfer-Encoding needs HTTP/1.1': 'h11 believes it in HTTP/1.0',
    'Host is malformed': 'h11 does not look into it',
    'the expectation is not known': 'h11 leaves it to the application',
    'the target holds a character that must be escaped': 'h11 allows any visible character',
    'the target is neither a path nor an http URL': 'h11 leaves it to the application',
    'the target is not a valid URL': 'the same',
    'the target names another host than Host': 'the same',
    'only HTTP/1.1 and HTTP/1.0 are spoken here': 'h11 leaves it to the application',
    'a header line is malformed': 'h11 joins folded lines',
}


def test_where_we_are_stricter_is_known(readings):
    reasons = set()
    for octets, lines in readings:
        mine, closes = ours(lines)
        reason = lines[-1].get('reason')
        theirs, _ = h11_reading(octets)
        if reason is None or closes or len(theirs) <= len(mine):
            continue
        assert reason in STRICTER, f'{octets}\n{reason}\n{theirs[len(mine)]}'
        reasons.add(reason)
    assert reasons == set(STRICTER), 'a difference that no longer exists'
