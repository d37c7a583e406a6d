"""Connections as clients see them: reuse, order, bodies of every kind, slow and rude clients."""

import resource
import socket
import subprocess
import threading
import time
from http.client import HTTPConnection

import httpx
import pytest

from http_server import descriptors, eventually, has_read_everything, rests, sent_at_once, settled
from http_server import http as http  # noqa: F401 (fixtures)
from http_server import start_http as start_http
from raw_http import Closed, Connection
from server import has_ipv6_loopback
from waits import WAIT_SECONDS_MAX

GET = b'GET /echo HTTP/1.1\r\nHost: localhost\r\n\r\n'
MEBIBYTE = 1 << 20
IN_GOOD_TIME = 8  # seconds: much longer than what is asked for, less than what holds by default


def head(method, target, *headers, version='1.1'):
    return '\r\n'.join([f'{method} {target} HTTP/{version}', 'Host: localhost', *headers, '', ''
                        ]).encode()


def chunked(*chunks):
    return b''.join(b'%x\r\n%s\r\n' % (len(chunk), chunk) for chunk in chunks) + b'0\r\n\r\n'


def asked(connection, octets):
    connection.send(octets)
    return connection.answer()


# ---- reuse and order ----

def test_a_connection_serves_many_requests(http):
    with http.connect() as connection:
        for i in range(100):
            answer = connection.ask('POST', '/echo', b'%d' % i)
            assert (answer.status, answer.body) == (200, b'%d' % i)
            assert answer.header('Connection') is None
            assert answer.header('Date').endswith(' GMT')


def test_pipelined_answers_keep_the_order_though_the_first_takes_longest(http):
    with http.connect() as connection:
        connection.send(b''.join(
            head('POST', f'/slow?ms={(20 - i) * 10}', 'Content-Length: 2') + b'%02d' % i
            if i % 2 else head('POST', '/echo', 'Content-Length: 2') + b'%02d' % i
            for i in range(20)))
        assert [connection.answer().body for _ in range(20)] == [b'%02d' % i for i in range(20)]


def test_far_more_requests_than_fit_the_pipeline_are_all_answered(http):
    count = 5000
    with http.connect() as connection:
        sender = threading.Thread(target=connection.send, args=(b''.join(
            head('GET', '/slow' if i % 3 == 0 else '/constant') for i in range(count)),))
        sender.start()
        assert all(connection.answer().status == 200 for _ in range(count))
        sender.join()


def test_the_client_may_ask_to_close(http):
    with http.connect() as connection:
        answer = asked(connection, head('GET', '/echo', 'Connection: close') + GET)
        assert answer.status == 200
        assert answer.header('Connection') == 'close'
        assert connection.at_end()


def test_the_handler_may_ask_to_close(http):
    with http.connect() as connection:
        answer = asked(connection, head('GET', '/echo?close=1') + GET + head('GET', '/slow'))
        assert answer.header('Connection') == 'close'
        assert connection.at_end()


def test_http_1_0_closes_unless_asked_to_stay(http):
    with http.connect() as connection:
        answer = asked(connection, b'GET /echo HTTP/1.0\r\nHost: localhost\r\n\r\n')
        assert answer.header('Connection') == 'close'
        assert connection.at_end()
    with http.connect() as connection:
        old = head('GET', '/echo', 'Connection: keep-alive', version='1.0')
        for _ in range(3):
            assert asked(connection, old).header('Connection') == 'keep-alive'


def test_a_client_that_closes_its_half_still_gets_its_answers(http):
    with http.connect() as connection:
        connection.send(head('GET', '/slow?ms=100') + GET + b'GET /cut')
        connection.socket.shutdown(socket.SHUT_WR)
        assert [connection.answer().status for _ in range(2)] == [200, 200]
        assert connection.at_end()


def test_clients_of_others_are_served(http):
    with httpx.Client(base_url=http.url, timeout=WAIT_SECONDS_MAX) as client:
        for _ in range(3):
            assert client.post('/echo', content=b'x' * 100000).content == b'x' * 100000
            pieces = iter([b'a', b'b' * 70000])
            assert client.post('/slow', content=pieces).text == 'a' + 'b' * 70000
            assert client.head('/constant').headers['Content-Length'] == '198'
    connection = HTTPConnection(http.host, http.port)
    for _ in range(3):
        connection.request('GET', '/slow?ms=5')
        assert connection.getresponse().read() == b''
    curl = subprocess.run(['curl', '-s', '--data-binary', '@-', f'{http.url}/length'],
                          input=b'x' * (3 * MEBIBYTE), capture_output=True)
    assert curl.stdout == b'%d\n' % (3 * MEBIBYTE)


# ---- bodies ----

@pytest.mark.parametrize('size', [0, 1, 65535, 65536, 65537, 5 * MEBIBYTE, 16 * MEBIBYTE])
def test_bodies_of_any_length_arrive_and_return(http, size):
    body = (b'0123456789abcdef' * (size // 16 + 1))[:size]
    with http.connect() as connection:
        assert connection.ask('POST', '/slow', body).body == body
        connection.send(head('POST', '/echo', 'Transfer-Encoding: chunked'))
        sender = threading.Thread(target=connection.send, args=(
            chunked(*[body[i:i + 50000] for i in range(0, size, 50000)]),))
        sender.start()
        assert connection.answer().body == body
        sender.join()


def test_a_body_may_come_byte_by_byte(http):
    octets = head('POST', '/echo', 'Content-Length: 5') + b'hello' \
        + head('POST', '/echo', 'Transfer-Encoding: chunked') + chunked(b'wor', b'ld')
    with http.connect() as connection:
        for i in range(len(octets)):
            connection.send(octets[i:i + 1])
        assert connection.answer().body == b'hello'
        assert connection.answer().body == b'world'


def test_a_client_whose_body_waits_for_an_acknowledgement_loses_no_time(http):
    """The system acknowledges late, after 40 ms, unless it is told not to."""
    def seconds(connection):
        start = time.monotonic()
        connection.send(head('POST', '/echo', 'Content-Length: 4'))
        connection.send(b'body')
        assert connection.answer().body == b'body'
        return time.monotonic() - start

    with http.connect() as connection:
        connection.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 0)
        # What comes on a young connection is acknowledged at once anyway.
        assert min([seconds(connection) for _ in range(60)][30:]) < 0.04


def test_too_large_a_body_is_refused_before_it_is_read(http):
    with http.connect() as connection:
        answer = asked(connection, head('PUT', '/echo', 'Content-Length: 1001'))
        assert (answer.status, answer.header('Connection')) == (413, 'close')
        assert connection.at_end()
    with http.connect() as connection:
        assert connection.ask('PUT', '/echo', b'x' * 1000).status == 200


def test_too_large_a_chunked_body_is_refused_on_the_way(http):
    with http.connect() as connection:
        connection.send(head('PUT', '/echo', 'Transfer-Encoding: chunked') + b'3e8\r\n'
                        + b'x' * 1000 + b'\r\n')
        answer = asked(connection, b'1\r\n')
        assert (answer.status, answer.header('Connection')) == (413, 'close')


def test_the_client_can_read_the_refusal_while_it_is_still_sending(http):
    with http.connect() as connection:
        connection.send(head('POST', '/length', f'Content-Length: {17 * MEBIBYTE}'))
        try:
            for _ in range(17):
                connection.send(b'x' * MEBIBYTE)
        except ConnectionError:
            pass
        assert connection.answer().status == 413


def test_a_body_for_nobody_is_skipped_when_small(http):
    with http.connect() as connection:
        assert connection.ask('POST', '/nowhere', b'x' * 60000).status == 404
        assert connection.ask('DELETE', '/echo', b'x' * 60000).status == 405
        assert connection.ask('GET', '/echo', b'hello').body == b'hello'
        answer = asked(connection, head('POST', '/nowhere', 'Content-Length: 65537'))
        assert (answer.status, answer.header('Connection')) == (404, 'close')
        assert connection.at_end()


def test_continue_is_said_before_a_body_that_will_be_taken(http):
    with http.connect() as connection:
        expecting = head('POST', '/echo', 'Expect: 100-continue', 'Content-Length: 5')
        connection.send(expecting)
        assert connection._until(b'\r\n\r\n') == b'HTTP/1.1 100 Continue\r\n\r\n'
        connection.buffer = b''
        assert asked(connection, b'hello').body == b'hello'
        # Not when the body is there already.
        connection.send(expecting + b'hello')
        assert connection._until(b'\r\n\r\n').startswith(b'HTTP/1.1 200 ')
        connection.answer()
        # In its turn, after the answers before it.
        connection.send(head('GET', '/slow?ms=50') + expecting)
        assert connection._until(b'\r\n\r\n').startswith(b'HTTP/1.1 200 ')
        connection.answer()
        assert connection._until(b'\r\n\r\n') == b'HTTP/1.1 100 Continue\r\n\r\n'
        connection.buffer = b''
        assert asked(connection, b'world').body == b'world'


@pytest.mark.parametrize('status, request_head', [
    (413, head('PUT', '/echo', 'Expect: 100-continue', 'Content-Length: 1001')),
    (404, head('PUT', '/nowhere', 'Expect: 100-continue', 'Content-Length: 5')),
    (405, head('PATCH', '/echo', 'Expect: 100-continue', 'Content-Length: 5')),
    (417, head('PUT', '/echo', 'Expect: a-miracle', 'Content-Length: 5')),
])
def test_continue_is_not_said_before_a_refusal(http, status, request_head):
    with http.connect() as connection:
        connection.send(request_head)
        assert connection._until(b'\r\n\r\n').startswith(b'HTTP/1.1 %d ' % status)
        assert connection.answer().header('Connection') == 'close'


# ---- routes ----

def test_head_answers_as_get_without_the_body(http):
    with http.connect() as connection:
        connection.send(head('HEAD', '/constant') + GET)
        first = connection._until(b'\r\n\r\n').partition(b'\r\n\r\n')[0]
        assert b'\r\nContent-Length: 198\r\n' in first
        connection.buffer = connection.buffer[len(first) + 4:]
        assert connection.answer().status == 200


def test_unknown_paths_and_methods_are_told_in_the_words_of_their_tree(http):
    with http.connect() as connection:
        answer = connection.ask('GET', '/nowhere')
        assert (answer.status, answer.body) == (404, b'root 404 Not Found\n')
        answer = connection.ask('GET', '/v2/nowhere')
        assert (answer.status, answer.body) == (404, b'v2 404 Not Found /v2/nowhere\n')
        assert answer.header('Content-Type') == 'application/problem+json'
        answer = connection.ask('DELETE', '/echo')
        assert (answer.status, answer.header('Allow')) == (405, 'GET, HEAD, PUT, POST')
        answer = connection.ask('OPTIONS', '/v2/length')
        assert (answer.status, answer.header('Allow')) == (405, 'POST')
        assert answer.body.startswith(b'v2 405 ')
        assert connection.ask('OPTIONS', '*').status == 404
        assert connection.ask('BREW', '/echo').status == 405
        assert connection.ask('GET', '/echo/').status == 404
        answer = connection.ask('POST', '/v2/length', b'x' * 1001)
        assert (answer.status, answer.body[:7]) == (413, b'v2 413 ')


def test_segments_reach_the_handler_decoded_once(http):
    with http.connect() as connection:
        assert connection.ask('GET', '/segments/a%2Fb%2520/%C3%A9').body == \
            'a/b%20\né\n'.encode()
        assert connection.ask('GET', '/segments/%2e%2e/..').body == b'..\n..\n'
        for bad in ['/segments/%00', '/segments/%', '/segments/%zz', '/segments/%ff']:
            assert connection.ask('GET', bad).status == 400
        assert connection.ask('GET', '/echo').status == 200


# ---- whom it is for ----

@pytest.mark.parametrize('host', [
    'localhost', 'LOCALHOST:1', '127.0.0.1', '127.8.8.8:80', '[::1]:7', 'qms.example',
    'qms.example:80', 'other.example:8080'])
def test_our_own_names_are_served(http, host):
    with http.connect() as connection:
        octets = f'GET /echo HTTP/1.1\r\nHost: {host}\r\n\r\n'.encode()
        assert asked(connection, octets).status == 200


@pytest.mark.parametrize('host', [
    'evil.example', 'localhost.evil.example', '127.0.0.1.evil.example', 'other.example',
    '10.0.0.1', '[::2]', '', '0x7f000001'])
def test_foreign_names_are_not_served(http, host):
    with http.connect() as connection:
        octets = f'GET /echo HTTP/1.1\r\nHost: {host}\r\n\r\n'.encode()
        assert asked(connection, octets).status == 403
        assert asked(connection, GET).status == 200


def test_pages_of_others_are_not_served(http):
    with http.connect() as connection:
        for origin in ['http://evil.example', 'null', 'http://localhost.evil.example']:
            assert connection.ask('GET', '/echo', headers=[('Origin', origin)]).status == 403
        for origin in ['http://localhost:3000', 'https://qms.example']:
            assert connection.ask('GET', '/echo', headers=[('Origin', origin)]).status == 200
        assert connection.ask('GET', '/echo', headers=[('Origin', 'http://localhost'),
                                                       ('Origin', 'null')]).status == 403
        assert asked(connection, b'GET /echo HTTP/1.0\r\n\r\n').status == 403


def test_any_name_is_served_when_told_so_but_no_foreign_page(start_http):
    start = b'GET /echo HTTP/1.1\r\nHost: some.example\r\n'
    with start_http(check_host=0).connect() as connection:
        assert asked(connection, start + b'\r\n').status == 200
        assert asked(connection, start + b'Origin: http://some.example\r\n\r\n').status == 200
        assert asked(connection, start + b'Origin: null\r\n\r\n').status == 403


def test_ipv6(start_http):
    if not has_ipv6_loopback():
        return
    server = start_http(address='::1')
    with Connection('::1', server.port) as connection:
        assert asked(connection, head('GET', '/constant')).status == 200


# ---- slow clients ----

def test_a_slow_head_is_answered_408(start_http):
    with settled(start_http(head_ms=300)) as connection:
        began = time.monotonic()
        connection.send(b'GET /echo HTTP/1.1\r\n')
        answer = connection.answer()
        assert (answer.status, answer.header('Connection')) == (408, 'close')
        assert 0.25 < time.monotonic() - began < IN_GOOD_TIME
        assert connection.at_end()


def test_a_head_that_drips_is_answered_408(start_http):
    with settled(start_http(head_ms=300)) as connection:
        try:
            for i in range(100):
                connection.send(GET[:-2][i:i + 1] or b'x')
                time.sleep(0.02)
        except ConnectionError:
            pass
        assert connection.answer().status == 408


def test_a_slow_body_is_answered_408_in_its_turn(start_http):
    with start_http(body_ms=300).connect() as connection:
        connection.send(head('GET', '/slow?ms=1000') + head('POST', '/echo', 'Content-Length: 9')
                        + b'12345678')
        assert connection.answer().status == 200
        answer = connection.answer()
        assert (answer.status, answer.header('Connection')) == (408, 'close')
        assert connection.at_end()


def test_the_time_for_a_head_begins_with_the_request(start_http):
    with settled(start_http(head_ms=500)) as connection:
        time.sleep(0.6)  # longer than a head may take
        began = time.monotonic()
        assert asked(connection, GET[:20]).status == 408
        assert time.monotonic() - began > 0.45


def test_an_idle_connection_is_closed_in_silence(start_http):
    server = start_http(idle_ms=300)
    began = time.monotonic()
    with server.connect() as connection:
        assert connection.at_end()
        assert 0.25 < time.monotonic() - began < IN_GOOD_TIME


def test_a_connection_is_idle_from_its_last_answer_on(start_http):
    began, connection = sent_at_once(start_http(idle_ms=1000), head('GET', '/slow?ms=700') * 2)
    assert [connection.answer().status for _ in range(2)] == [200, 200]
    assert connection.at_end()
    assert 1.65 < time.monotonic() - began < IN_GOOD_TIME
    connection.close()


def test_waiting_for_us_is_not_the_clients_fault(start_http):
    limits = dict.fromkeys(['idle_ms', 'head_ms', 'body_ms', 'send_ms'], 1500)
    _, connection = sent_at_once(start_http(**limits), head('GET', '/slow?ms=3000'))
    assert connection.answer().status == 200
    connection.close()


def test_a_client_that_does_not_read_is_dropped(start_http):
    server = start_http(send_ms=300)
    with server.connect() as connection:
        assert asked(connection, GET).status == 200
        connected = descriptors(server)
        connection.send(head('GET', f'/large?bytes={64 * MEBIBYTE}'))
        eventually(lambda: descriptors(server) < connected)
        with pytest.raises(Closed):
            connection.answer()


def read_slowly(server):
    """What a client gets that takes twice the time of send_ms=1500, and the longest time that it
    took nothing."""
    pieces, longest = [], 0
    with server.connect() as connection:
        connection.send(head('GET', f'/large?bytes={26 * MEBIBYTE}', 'Connection: close'))
        before = time.monotonic()
        while not pieces or pieces[-1]:
            if len(pieces) < 60:
                time.sleep(0.05)
            try:
                pieces.append(connection.socket.recv(1 << 17))
            except ConnectionError:
                pieces.append(b'')
            longest = max(longest, time.monotonic() - before)
            before = time.monotonic()
    return b''.join(pieces).partition(b'\r\n\r\n')[2], longest


def test_a_client_that_reads_slowly_gets_everything(start_http):
    server = start_http(send_ms=1500)
    body, longest = read_slowly(server)
    while longest > 1:  # the client was held up itself
        body, longest = read_slowly(server)
    assert body == b'abcdefghijklmnopqrstuvwxyz' * MEBIBYTE


# ---- too much ----

def test_a_connection_too_many_is_told_so(start_http):
    server = start_http(connections=3)
    kept = [server.connect() for _ in range(3)]
    assert all(asked(connection, GET).status == 200 for connection in kept)
    with server.connect() as connection:
        answer = asked(connection, GET)
        assert (answer.status, answer.header('Retry-After')) == (503, '1')
    kept.pop().close()
    eventually(lambda: asked(server.connect(), GET).status == 200)
    assert all(asked(connection, GET).status == 200 for connection in kept)


def test_too_many_bytes_held_at_once_are_refused(start_http):
    server = start_http(buffered=3 * MEBIBYTE, loops=1)  # what was read was counted, then
    holding = [server.connect() for _ in range(3)]
    for connection in holding:
        connection.send(head('POST', '/echo', f'Content-Length: {MEBIBYTE}')
                        + b'x' * (MEBIBYTE - 1))
    eventually(lambda: has_read_everything(server))
    with server.connect() as connection:
        connection.send(head('POST', '/echo', f'Content-Length: {MEBIBYTE}'))
        try:
            connection.send(b'x' * MEBIBYTE)
        except ConnectionError:
            pass
        answer = connection.answer()
        assert (answer.status, answer.header('Retry-After')) == (503, '1')
    for connection in holding:
        assert asked(connection, b'x').body == b'x' * MEBIBYTE
        connection.close()
    with server.connect() as connection:
        for _ in range(20):
            assert connection.ask('POST', '/echo', b'x' * MEBIBYTE).status == 200


def test_an_answer_that_breaks_all_bounds_is_an_error_of_ours(http):
    with http.connect() as connection:
        assert asked(connection, head('GET', f'/large?bytes={300 * MEBIBYTE}')).status == 500
        assert asked(connection, GET).status == 200


# ---- rude clients ----

def test_clients_that_vanish_do_no_harm(http):
    for i in range(300):
        connection = http.connect()
        if i % 2:
            connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b'\1\0\0\0\0\0\0\0')
        connection.send([
            b'', b'GET /ec', GET, GET * 100, head('GET', '/slow?ms=20'),
            head('GET', '/slow?ms=20') * 50 + GET,
            head('POST', '/slow', 'Content-Length: 9') + b'x',
            head('POST', '/slow', 'Transfer-Encoding: chunked') + b'5\r\nhe',
            head('GET', '/large?bytes=10000000'), head('POST', '/echo', 'Expect: 100-continue',
                                                       'Content-Length: 5'),
            b'rubbish\r\n' * 1000,
        ][i % 11])
        connection.close()
    with http.connect() as connection:
        assert asked(connection, GET).status == 200


def test_waiting_clients_cost_nothing(start_http):
    server = start_http()
    with server.connect() as half, server.connect() as full, server.connect() as unread:
        half.send(head('GET', '/slow?ms=600000'))
        half.socket.shutdown(socket.SHUT_WR)
        full.send(head('GET', '/slow?ms=600000') * 200)
        unread.send(head('GET', f'/large?bytes={8 * MEBIBYTE}') * 3)
        time.sleep(0.5)
        eventually(lambda: rests(server))
        server.release()
        assert half.answer().status == 200
        assert all(full.answer().status == 200 for _ in range(200))


def test_running_out_of_descriptors_passes(start_http):
    server = start_http()
    with server.connect() as first:
        assert asked(first, GET).status == 200
        used = descriptors(server)
        resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, (used + 5, used + 5))
        more = [server.connect() for _ in range(20)]
        for connection in more:
            connection.send(GET)
        assert all(connection.answer().status == 200 for connection in more[:5])
        eventually(lambda: rests(server))
        assert asked(first, GET).status == 200
        for connection in more[:5]:
            connection.close()
        assert all(connection.answer().status == 200 for connection in more[5:10])
        for connection in more[5:]:
            connection.close()
    with server.connect() as connection:
        assert asked(connection, GET).status == 200
    assert 1 <= server.log.read_text().count('cannot accept connections') <= 3  # not ten a second


def test_a_refused_client_that_goes_on_sending_is_cut_off(http):
    with http.connect() as connection:
        began = time.monotonic()
        connection.send(b'rubbish\r\n')
        assert connection.answer().status == 400
        with pytest.raises(ConnectionError):
            while time.monotonic() - began < 20:
                connection.send(b'rubbish\r\n')
                time.sleep(0.01)
        assert 1 < time.monotonic() - began < IN_GOOD_TIME


# ---- stopping ----

def test_stopping_answers_what_was_asked(start_http):
    server = start_http()
    with server.connect() as idle, server.connect() as busy:
        assert asked(idle, GET).status == 200
        # What is sent at once is read at once: with the first answer the rest is known, too.
        assert asked(busy, GET + head('GET', '/slow?ms=600000')).status == 200
        server.terminate()
        assert idle.at_end()
        server.release()
        answer = busy.answer()
        assert (answer.status, answer.header('Connection')) == (200, 'close')
        with pytest.raises(ConnectionRefusedError):
            server.connect()
        busy.close()
        assert server.finish() == 'closed with 0 connections open\n'


def test_stopping_answers_what_was_asked_in_part(start_http):
    """It gives the rest a second."""
    took = 1
    while took > 0.5:  # again if that was the client
        server = start_http()
        with server.connect() as idle, server.connect() as unread:
            assert asked(idle, GET).status == 200
            assert asked(unread, GET + GET[:20]).status == 200
            began = time.monotonic()
            server.terminate()
            assert idle.at_end()
            unread.send(GET[20:])
            took = time.monotonic() - began
            try:
                answer = unread.answer()
            except Closed:
                assert took > 0.5
                continue
            assert (answer.status, answer.header('Connection')) == (200, 'close')
            unread.close()
            assert server.finish() == 'closed with 0 connections open\n'
