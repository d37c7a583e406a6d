"""What could be understood in two ways is refused, and nothing after it is taken for a request.

A proxy in front of qms and qms itself must agree on where each request ends. Each case is a request
whose end is doubtful, followed by a second one; the second must never be answered.
"""

import pytest

from http_server import http  # noqa: F401 (a fixture)
from raw_http import Closed, Connection

SECOND = b'GET /second HTTP/1.1\r\nHost: localhost\r\n\r\n'


def post(*headers, body=b'', version=b'1.1', host=b'Host: localhost'):
    lines = [b'POST /echo HTTP/' + version, *([host] if host else []), *headers]
    return b'\r\n'.join(lines) + b'\r\n\r\n' + body


LENGTH_5 = b'Content-Length: 5'
CHUNKED = b'Transfer-Encoding: chunked'
LAST = b'0\r\n\r\n'

CASES = {
    # both ways of saying the length
    'length and chunked': (400, post(LENGTH_5, CHUNKED, body=LAST)),
    'chunked and length': (400, post(CHUNKED, LENGTH_5, body=LAST)),
    'zero length and chunked': (400, post(b'Content-Length: 0', CHUNKED, body=LAST)),
    # lengths that differ by reader
    'two lengths': (400, post(b'Content-Length: 0', LENGTH_5)),
    'two equal lengths': (400, post(LENGTH_5, LENGTH_5, body=b'hello')),
    'list of lengths': (400, post(b'Content-Length: 5, 5', body=b'hello')),
    'signed length': (400, post(b'Content-Length: +5', body=b'hello')),
    'negative length': (400, post(b'Content-Length: -1')),
    'hexadecimal length': (400, post(b'Content-Length: 0x5', body=b'hello')),
    'length with a fraction': (400, post(b'Content-Length: 5.0', body=b'hello')),
    'length with a space inside': (400, post(b'Content-Length: 1 0', body=b'hello')),
    'empty length': (400, post(b'Content-Length:')),
    'overflowing length': (413, post(b'Content-Length: 18446744073709551621', body=b'hello')),
    'length behind a space': (400, post(b'Content-Length : 5', body=b'hello')),
    'length behind a tab': (400, post(b'Content-Length\t: 5', body=b'hello')),
    'length with a folded value': (400, post(b'Content-Length:\r\n 5', body=b'hello')),
    'length in a folded line': (400, post(b'X: y\r\n Content-Length: 5', body=b'hello')),
    'length after a bare line feed': (400, post(b'X: y\nContent-Length: 5', body=b'hello')),
    'length after a bare return': (400, post(b'X: y\rContent-Length: 5', body=b'hello')),
    'length behind a zero byte': (400, post(b'\0Content-Length: 5', body=b'hello')),
    'length ended by a zero byte': (400, post(b'Content-Length: 5\0', body=b'hello')),
    # codings that differ by reader
    'chunked behind a space': (400, post(b'Transfer-Encoding : chunked', body=LAST)),
    'chunked after a vertical tab': (400, post(b'Transfer-Encoding:\x0bchunked', body=LAST)),
    'chunked twice': (400, post(CHUNKED, CHUNKED, body=LAST)),
    'chunked and identity': (400, post(CHUNKED, b'Transfer-Encoding: identity', body=LAST)),
    'list of codings': (501, post(b'Transfer-Encoding: gzip, chunked', body=LAST)),
    'chunked not last': (501, post(b'Transfer-Encoding: chunked, gzip', body=LAST)),
    'almost chunked': (501, post(b'Transfer-Encoding: xchunked', body=LAST)),
    'quoted chunked': (501, post(b'Transfer-Encoding: "chunked"', body=LAST)),
    'empty coding': (501, post(b'Transfer-Encoding:', body=LAST)),
    'identity with length': (501, post(b'Transfer-Encoding: identity', LENGTH_5, body=b'hello')),
    'coding with parameter': (501, post(b'Transfer-Encoding: chunked;q=0', body=LAST)),
    'chunked in HTTP/1.0': (400, post(CHUNKED, body=LAST, version=b'1.0')),
    # chunks that differ by reader
    'bare line feed after a chunk size': (400, post(CHUNKED, body=b'5\nhello\r\n' + LAST)),
    'bare line feed after a chunk': (400, post(CHUNKED, body=b'5\r\nhello\n' + LAST)),
    'bare line feed in an extension': (400, post(CHUNKED, body=b'5;\nhello\r\n' + LAST)),
    'bare return in an extension': (400, post(CHUNKED, body=b'5;\rx\r\nhello\r\n' + LAST)),
    'too long a chunk': (400, post(CHUNKED, body=b'5\r\nhello!\r\n' + LAST)),
    'signed chunk size': (400, post(CHUNKED, body=b'+5\r\nhello\r\n' + LAST)),
    'prefixed chunk size': (400, post(CHUNKED, body=b'0x5\r\nhello\r\n' + LAST)),
    'space before a chunk size': (400, post(CHUNKED, body=b' 5\r\nhello\r\n' + LAST)),
    'space after a chunk size': (400, post(CHUNKED, body=b'5 \r\nhello\r\n' + LAST)),
    'overflowing chunk size': (400, post(CHUNKED, body=b'10000000000000005\r\nhello\r\n' + LAST)),
    'empty chunk size': (400, post(CHUNKED, body=b'\r\nhello\r\n' + LAST)),
    'bare line feed after the last chunk': (400, post(CHUNKED, body=b'0\r\n\n')),
    'bare line feed in the trailers': (400, post(CHUNKED, body=b'0\r\nX: y\n\r\n')),
    'a trailer without a colon': (400, post(CHUNKED, body=b'0\r\n' + SECOND)),
    # whom it is for
    'no host': (400, post(host=None)),
    'two hosts': (400, post(b'Host: localhost')),
    'two spellings of host': (400, post(b'hOST: localhost')),
    'list of hosts': (400, post(host=b'Host: localhost, localhost')),
    'host behind a space': (400, post(host=b'Host : localhost')),
    'host with a user': (400, post(host=b'Host: evil@localhost')),
    'another host in the target':
        (400, b'GET http://127.0.0.1/ HTTP/1.1\r\nHost: localhost\r\n\r\n'),
    # request lines
    'two requests in one line': (400, b'GET /echo GET /second HTTP/1.1\r\nHost: localhost\r\n\r\n'),
    'no version': (400, b'GET /echo\r\n'),
    'space after the version': (400, b'GET /echo HTTP/1.1 \r\nHost: localhost\r\n\r\n'),
    'tabs for spaces': (400, b'GET\t/echo\tHTTP/1.1\r\nHost: localhost\r\n\r\n'),
    'two spaces': (400, b'GET  /echo HTTP/1.1\r\nHost: localhost\r\n\r\n'),
    'bare line feeds': (400, b'GET /echo HTTP/1.1\nHost: localhost\n\n'),
    'a line feed in the target': (400, b'GET /ec\nho HTTP/1.1\r\nHost: localhost\r\n\r\n'),
    'a space before the first header': (400, b'GET /echo HTTP/1.1\r\n Host: localhost\r\n\r\n'),
    'a header without a name': (400, post(b': x')),
    'a header without a colon': (400, post(b'Content-Length 5')),
    'two empty lines first': (400, b'\r\n\r\n' + post(LENGTH_5, body=b'hello')),
    'HTTP/2': (505, b'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
    'HTTP/1.2': (505, post(version=b'1.2')),
    'something else entirely': (400, b'\x16\x03\x01\x00\xa5\x01\x00\n'),
}


def all_answers(connection):
    found = []
    try:
        while True:
            found.append(connection.answer())
    except Closed:
        return found


@pytest.mark.parametrize('split', [False, True], ids=['at once', 'byte by byte'])
@pytest.mark.parametrize('case', CASES, ids=str)
def test_a_doubtful_request_is_refused_and_nothing_after_it_answered(http, case, split):  # noqa
    status, octets = CASES[case]
    with http.connect() as connection:
        if split:
            for i in range(len(octets)):
                try:
                    connection.send(octets[i:i + 1])
                except ConnectionError:
                    break
        else:
            connection.send(octets + SECOND)
        answers = all_answers(connection)
        assert [answer.status for answer in answers] == [status]
        assert answers[0].header('Connection') == 'close'


@pytest.mark.parametrize('case', CASES, ids=str)
def test_qms_itself_refuses_it_too(shared, case):
    status, octets = CASES[case]
    with Connection(shared.host, shared.port) as connection:
        connection.send(octets.replace(b'POST /echo', b'PUT /users/ada/usages') + SECOND)
        answers = all_answers(connection)
        assert [answer.status for answer in answers] == [status]
        assert answers[0].header('Connection') == 'close'
        assert answers[0].header('Content-Type') == 'application/json'


GOOD = {
    'length': post(LENGTH_5, body=b'hello'),
    'length with zeros': post(b'Content-Length: 0005', body=b'hello'),
    'length in another case': post(b'content-LENGTH:5', body=b'hello'),
    'chunks': post(CHUNKED, body=b'2\r\nhe\r\n3\r\nllo\r\n' + LAST),
    'chunk extensions': post(CHUNKED, body=b'5;a=b;c\r\nhello\r\n0;d\r\n\r\n'),
    'trailers': post(CHUNKED, body=b'5\r\nhello\r\n0\r\nContent-Length: 9\r\nX:\r\n\r\n'),
    'one empty line first': b'\r\n' + post(LENGTH_5, body=b'hello'),
    'the same host in the target':
        post(LENGTH_5, body=b'hello').replace(b'/echo', b'http://LOCALHOST/echo'),
}


@pytest.mark.parametrize('case', GOOD, ids=str)
def test_a_request_beyond_doubt_ends_where_it_ends(http, case):  # noqa: F811
    with http.connect() as connection:
        connection.send(GOOD[case] + SECOND)
        assert connection.answer().body == b'hello'
        assert connection.answer().status == 404
        assert connection.ask('GET', '/echo').status == 200
