"""Slow, large and many connections, on a real server."""

import hashlib
import hmac
import json
import re
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from ipaddress import ip_network
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from reconciler.runtime.connection_limits import ConnectionLimits
from reconciler.runtime.http_protocol import GuardedProtocol, guarded
from reconciler.web.http.header_limits import MAX_BYTES
from reconciler.web.monitoring.vitals import Activity, ConnectionCounts
from tests.integration.web.conftest import SECRET
from tests.integration.web.serving import Server, serving
from tests.support.loopback import LOOPBACK
from tests.support.waiting import PATIENCE, eventually, holds_in_time, wait_until

TOKEN = "wzr_admin"
PROXIES = (ip_network("127.0.0.99"),)


@contextmanager
def a_server(folder: Path, **limits: float) -> Iterator[Server]:
    folder.mkdir(exist_ok=True)
    protocol = guarded(ConnectionLimits(**limits), proxies=PROXIES)  # type: ignore[arg-type]  # whole numbers stay whole
    with serving(folder, http=protocol, ws="none", h11_max_incomplete_event_size=MAX_BYTES) as server:
        yield server


@contextmanager
def a_socket(server: Server, source: str = "127.0.0.1") -> Iterator[socket.socket]:
    address = ("127.0.0.1", urlsplit(server.url).port or 0)
    with socket.create_connection(address, PATIENCE, source_address=(source, 0)) as connection:
        yield connection


def counts(server: Server) -> ConnectionCounts:
    protocol: type[GuardedProtocol] = server.more["http"]
    return protocol.places.counts


def answered(connection: socket.socket, said: bytes) -> bytes:
    """What comes to one request: its head, and its body by its length."""
    connection.sendall(said)
    got = b""
    while b"\r\n\r\n" not in got:
        part = connection.recv(65536)
        assert part, f"closed after {got!r}"
        got += part
    head, _, body = got.partition(b"\r\n\r\n")
    length = int(re.search(rb"content-length: (\d+)", head)[1])  # type: ignore[index]  # every answer here has one
    while len(body) < length:
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


def is_open(connection: socket.socket) -> bool:
    """Whether the other side has not closed; nothing may be on the way."""
    connection.settimeout(0)
    try:
        return connection.recv(1) != b""
    except BlockingIOError:
        return True
    except ConnectionResetError:
        return False
    finally:
        connection.settimeout(PATIENCE)


def everything(connection: socket.socket) -> bytes:
    """What comes until the other side closes."""
    got = bytearray()
    try:
        while part := connection.recv(65536):
            got += part
    except ConnectionResetError:
        pass
    return bytes(got)


def request(method: str = "GET", path: str = "/api/v1/me", *headers: str) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", f"Authorization: Bearer {TOKEN}", *headers]
    return "\r\n".join([*lines, "", ""]).encode()


@pytest.mark.parametrize("said", [b"", b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ", b"GE"])
def test_a_head_that_does_not_end_is_given_up(tmp_path: Path, said: bytes) -> None:
    with a_server(tmp_path, head_seconds=0.3) as server, a_socket(server) as connection:
        connection.sendall(said)
        answer = everything(connection)

    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"content-security-policy" in answer


def test_a_head_that_trickles_is_given_up(tmp_path: Path) -> None:
    with a_server(tmp_path, head_seconds=0.5) as server, a_socket(server) as connection:
        answer = bytearray()

        def is_answered() -> bool:
            connection.settimeout(0.05)
            try:
                connection.sendall(b"X")
                answer.extend(connection.recv(100))
            except TimeoutError:
                return False
            return True

        connection.sendall(b"GET / HTTP/1.1\r\n")
        wait_until(is_answered)

    assert answer.startswith(b"HTTP/1.1 408 ")


def test_a_connection_that_is_kept_alive_may_be_slower_than_a_head(tmp_path: Path) -> None:
    def lives_on(head_seconds: float) -> bool:
        with (
            a_server(tmp_path / f"{head_seconds}", head_seconds=head_seconds) as server,
            a_socket(server) as connection,
        ):
            first = answered(connection, request())
            # the time that a head has passes, and more
            eventually(lambda: not is_open(connection), 3 * head_seconds)
            return first.startswith(b"HTTP/1.1 200 ") and is_open(connection)

    assert holds_in_time(lives_on, 0.5)


def test_the_head_of_a_later_request_is_held_to_the_same_time(tmp_path: Path) -> None:
    def is_held(head_seconds: float) -> bool:
        with (
            a_server(tmp_path / f"{head_seconds}", head_seconds=head_seconds) as server,
            a_socket(server) as connection,
        ):
            first = answered(connection, request())
            connection.sendall(b"GET / HTTP/1.1\r\nX-Slow: ")
            return first.startswith(b"HTTP/1.1 200 ") and b"HTTP/1.1 408 " in everything(connection)

    assert holds_in_time(is_held, 0.5)


@pytest.mark.parametrize("token", [TOKEN, "wzr_wrong"])
def test_a_body_that_does_not_end_is_given_up_also_after_the_answer(tmp_path: Path, token: str) -> None:
    with a_server(tmp_path, body_seconds=0.5) as server, a_socket(server) as connection:
        head = request("POST", "/api/v1/suspend", "Content-Type: application/json", "Content-Length: 1000")
        connection.sendall(head.replace(TOKEN.encode(), token.encode()))
        connection.settimeout(0.05)

        def is_closed() -> bool:
            try:
                connection.sendall(b" ")
                return connection.recv(65536) == b""
            except TimeoutError:
                return False
            except OSError:
                return True

        wait_until(is_closed)


@pytest.mark.parametrize("filling", [b"x" * 20_000, b"x\r\nX-More: " * 2_000, b"x" * 20_000 + b"\r\n\r\n"])
def test_a_head_that_is_too_large_is_431(tmp_path: Path, filling: bytes) -> None:
    with a_server(tmp_path) as server, a_socket(server) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nX-Large: " + filling)
        answer = everything(connection)

    assert answer.startswith(b"HTTP/1.1 431 "), answer[:100]
    assert b"headers_too_large" in answer
    assert b"x-content-type-options" in answer


def test_what_is_no_request_is_400_with_the_usual_headers(tmp_path: Path) -> None:
    with a_server(tmp_path) as server, a_socket(server) as connection:
        connection.sendall(b"\x16\x03\x01 hello\r\n\r\n")
        answer = everything(connection)

    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"application/problem+json" in answer
    assert b"frame-ancestors 'none'" in answer


TWO_LENGTHS = ("Content-Type: application/json", "Content-Length: 5", "Transfer-Encoding: chunked")


@pytest.mark.parametrize("path", ["/api/v1/suspend", "/login", "/api/v1/webhooks/main"])
@pytest.mark.parametrize("headers", [TWO_LENGTHS, TWO_LENGTHS[::-1]])
def test_a_request_that_says_two_lengths_is_400_and_the_last_one(
    tmp_path: Path, path: str, headers: tuple[str, ...]
) -> None:
    with a_server(tmp_path) as server, a_socket(server) as connection:
        connection.sendall(request("POST", path, *headers) + b"0\r\n\r\n" + request())
        answer = everything(connection)

    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"connection: close" in answer
    assert b"bad_request" in answer
    assert answer.count(b"HTTP/1.1 ") == 1


def test_an_unsigned_delivery_is_refused_before_its_body_comes(tmp_path: Path) -> None:
    with a_server(tmp_path) as server, a_socket(server) as connection:
        connection.sendall(request("POST", "/api/v1/webhooks/main", "Content-Length: 26214400"))
        answer = connection.recv(65536)

    assert answer.startswith(b"HTTP/1.1 401 ")


def test_a_large_body_arrives_whole(tmp_path: Path) -> None:
    body = json.dumps({"ref": "refs/heads/main", "pad": "x" * 5_000_000}).encode()
    signature = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    with a_server(tmp_path) as server, httpx.Client(base_url=server.url, **LOOPBACK) as client:
        answers = [
            client.post("/api/v1/webhooks/main", content=body, headers={"X-Hub-Signature-256": f"sha256={signature}"})
            for _ in range(2)
        ]

    assert [answer.status_code for answer in answers] == [202, 202]


def test_many_slow_senders_keep_nobody_else_out(tmp_path: Path) -> None:
    with a_server(tmp_path, connections=20) as server, ExitStack() as slow:
        for _ in range(60):
            slow.enter_context(a_socket(server)).sendall(b"GET / HTTP/1.1\r\nX-Slow: ")
        with httpx.Client(**LOOPBACK) as client:
            for _ in range(10):
                answer = client.get(f"{server.url}/api/v1/me", headers={"Authorization": f"Bearer {TOKEN}"})
                assert answer.status_code == 200
        assert len(server.server_state.connections) <= 21


def test_an_event_stream_outlives_every_limit_of_those_who_are_slow(tmp_path: Path) -> None:
    def outlives(seconds: float) -> bool:
        short = {"head_seconds": seconds, "body_seconds": seconds, "stall_seconds": seconds, "connections": 2}
        with a_server(tmp_path / f"{seconds}", **short) as server, a_socket(server) as stream, ExitStack() as others:
            stream.sendall(request("GET", "/api/v1/events"))
            begun = stream.recv(65536)
            while begun.startswith(b"HTTP/1.1 200 ") and b"retry:" not in begun:
                begun += stream.recv(65536)
            for _ in range(5):
                others.enter_context(a_socket(server)).sendall(b"GET")
            eventually(lambda: not is_open(stream), 5 * seconds)
            return b"retry:" in begun and is_open(stream)

    assert holds_in_time(outlives, 0.2)


HEALTH = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
LARGE = b"GET /openapi.json HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


def idle(server: Server, held: ExitStack, number: int, source: str = "127.0.0.1") -> list[socket.socket]:
    """Connections that have asked once and are kept alive, in the order in which they fell silent."""
    opened = []
    for _ in range(number):
        connection = held.enter_context(a_socket(server, source))
        assert answered(connection, HEALTH).startswith(b"HTTP/1.1 200 ")
        opened.append(connection)
    return opened


@pytest.mark.parametrize("source", ["127.0.0.1", "127.0.0.2"])
@pytest.mark.parametrize("token", [TOKEN, None])
def test_idle_connections_of_one_address_keep_nobody_out(tmp_path: Path, source: str, token: str | None) -> None:
    said = request() if token else HEALTH
    with a_server(tmp_path, connections=16) as server, ExitStack() as held:
        for _ in range(4):
            idle(server, held, 5)
            for _ in range(5):
                held.enter_context(a_socket(server))
            with a_socket(server, source) as colleague:
                assert answered(colleague, said).startswith(b"HTTP/1.1 200 ")
        wait_until(lambda: counts(server).open <= 8)


def test_who_holds_is_the_one_who_is_closed_and_the_oldest_first(tmp_path: Path) -> None:
    with a_server(tmp_path, connections=16) as server, ExitStack() as held:
        colleague = idle(server, held, 1, "127.0.0.2")[0]
        person = held.enter_context(a_socket(server))
        assert answered(person, request()).startswith(b"HTTP/1.1 200 ")
        # they are asked nothing: from the eighth on, an answer would end its connection
        holding = [held.enter_context(a_socket(server)) for _ in range(12)]
        wait_until(lambda: counts(server).closed["address"] == 4)
        wait_until(lambda: not any(map(is_open, holding[:4])))
        assert all(map(is_open, holding[4:]))
        for connection, said in ((colleague, HEALTH), (person, request())):
            assert answered(connection, said).startswith(b"HTTP/1.1 200 ")


def test_answers_to_strangers_end_their_connection_when_these_are_nearly_used_up(tmp_path: Path) -> None:
    with a_server(tmp_path, connections=16) as server, ExitStack() as held:
        idle(server, held, 7)
        connection = held.enter_context(a_socket(server))
        assert b"\r\nconnection: close\r\n" in answered(connection, HEALTH).lower()
        assert everything(connection) == b""
        person, stranger = held.enter_context(a_socket(server)), held.enter_context(a_socket(server, "127.0.0.2"))
        for kept, said in ((person, request()), (stranger, HEALTH)):
            assert b"connection: close" not in answered(kept, said).lower()
            assert answered(kept, said).startswith(b"HTTP/1.1 200 ")


def test_behind_a_trusted_proxy_all_connections_may_be_used(tmp_path: Path) -> None:
    with a_server(tmp_path, connections=16) as server, ExitStack() as held:
        holding = [held.enter_context(a_socket(server, "127.0.0.99")) for _ in range(14)]
        wait_until(lambda: counts(server).open == 14)
        assert all(map(is_open, holding))
        assert not counts(server).closed


def not_reading(server: Server, held: ExitStack, times: int = 400) -> socket.socket:
    """Somebody who asks for much, on one connection, and reads nothing of it."""
    connection = held.enter_context(a_socket(server))
    connection.settimeout(0)
    try:
        for _ in range(times):
            connection.send(LARGE)
    except BlockingIOError:
        pass
    return connection


def test_strangers_who_read_nothing_make_room(tmp_path: Path) -> None:
    with a_server(tmp_path, connections=16) as server, ExitStack() as held:
        for _ in range(3):
            not_reading(server, held)
        wait_until(lambda: counts(server).doing[Activity.STALLED] == 3)
        for _ in range(9):
            held.enter_context(a_socket(server))
        wait_until(lambda: counts(server).doing[Activity.STALLED] == 0)
        with a_socket(server) as person:
            assert answered(person, request()).startswith(b"HTTP/1.1 200 ")


def test_a_connection_that_closes_does_not_wait_for_ever_for_who_reads_nothing(tmp_path: Path) -> None:
    with a_server(tmp_path, stall_seconds=0.3) as server, ExitStack() as held:
        connection = held.enter_context(a_socket(server))
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        wait_until(lambda: counts(server).open == 1)
        # all of it fits into what the server keeps, so that it is never told that the reader is slow
        connection.sendall(LARGE[:-2] + b"Connection: close\r\n\r\n")
        wait_until(lambda: counts(server).open == 0)
