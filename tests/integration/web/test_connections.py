"""Slow, large and many connections, on a real server."""

import hashlib
import hmac
import json
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from reconciler.runtime.connections import Limits, guarded
from reconciler.web.middleware.heads import MOST_BYTES
from tests.integration.web.conftest import SECRET
from tests.integration.web.serving import Server, serving

PATIENCE = 10.0
TOKEN = "wzr_admin"


@contextmanager
def a_server(folder: Path, **limits: float) -> Iterator[Server]:
    protocol = guarded(Limits(**limits))  # type: ignore[arg-type]  # whole numbers stay whole
    with serving(folder, http=protocol, ws="none", h11_max_incomplete_event_size=MOST_BYTES) as server:
        yield server


@contextmanager
def a_socket(server: Server) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", urlsplit(server.url).port or 0), PATIENCE) as connection:
        yield connection


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
        begun = time.monotonic()
        answer = everything(connection)

    assert time.monotonic() - begun < PATIENCE / 2
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"content-security-policy" in answer


def test_a_head_that_trickles_is_given_up(tmp_path: Path) -> None:
    with a_server(tmp_path, head_seconds=0.5) as server, a_socket(server) as connection:
        connection.settimeout(0.05)
        answer = b""
        until = time.monotonic() + PATIENCE
        connection.sendall(b"GET / HTTP/1.1\r\n")
        while not answer and time.monotonic() < until:
            try:
                connection.sendall(b"X")
                answer = connection.recv(100)
            except TimeoutError:
                continue

    assert answer.startswith(b"HTTP/1.1 408 ")


def test_a_connection_that_is_kept_alive_may_be_slower_than_a_head(tmp_path: Path) -> None:
    with a_server(tmp_path, head_seconds=0.5) as server, httpx.Client(trust_env=False) as client:
        ports = set()
        until = time.monotonic() + 1.5
        while time.monotonic() < until:
            answer = client.get(f"{server.url}/api/v1/me", headers={"Authorization": f"Bearer {TOKEN}"})
            assert answer.status_code == 200
            ports.add(answer.extensions["network_stream"].get_extra_info("client_addr"))
    assert len(ports) == 1


def test_the_head_of_a_later_request_is_held_to_the_same_time(tmp_path: Path) -> None:
    with a_server(tmp_path, head_seconds=0.5) as server, a_socket(server) as connection:
        connection.sendall(request())
        assert connection.recv(65536).startswith(b"HTTP/1.1 200 ")
        connection.sendall(b"GET / HTTP/1.1\r\nX-Slow: ")
        assert b"HTTP/1.1 408 " in everything(connection)


@pytest.mark.parametrize("token", [TOKEN, "wzr_wrong"])
def test_a_body_that_does_not_end_is_given_up_also_after_the_answer(tmp_path: Path, token: str) -> None:
    with a_server(tmp_path, body_seconds=0.5) as server, a_socket(server) as connection:
        head = request("POST", "/api/v1/suspend", "Content-Type: application/json", "Content-Length: 1000")
        connection.sendall(head.replace(TOKEN.encode(), token.encode()))
        connection.settimeout(0.05)
        begun = time.monotonic()
        open_still = True
        while open_still and time.monotonic() - begun < PATIENCE:
            try:
                connection.sendall(b" ")
                open_still = connection.recv(65536) != b""
            except TimeoutError:
                continue
            except OSError:
                open_still = False

    assert not open_still


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
    with a_server(tmp_path) as server, httpx.Client(base_url=server.url, trust_env=False) as client:
        answers = [
            client.post("/api/v1/webhooks/main", content=body, headers={"X-Hub-Signature-256": f"sha256={signature}"})
            for _ in range(2)
        ]

    assert [answer.status_code for answer in answers] == [202, 202]


def test_many_slow_senders_keep_nobody_else_out(tmp_path: Path) -> None:
    with a_server(tmp_path, connections=20) as server, ExitStack() as slow:
        for _ in range(60):
            slow.enter_context(a_socket(server)).sendall(b"GET / HTTP/1.1\r\nX-Slow: ")
        with httpx.Client(trust_env=False) as client:
            for _ in range(10):
                answer = client.get(f"{server.url}/api/v1/me", headers={"Authorization": f"Bearer {TOKEN}"})
                assert answer.status_code == 200
        assert len(server.server_state.connections) <= 21


def test_an_event_stream_outlives_every_limit_of_those_who_are_slow(tmp_path: Path) -> None:
    short = {"head_seconds": 0.2, "body_seconds": 0.2, "stall_seconds": 0.2, "connections": 2}
    with a_server(tmp_path, **short) as server, a_socket(server) as stream, ExitStack() as others:
        stream.sendall(request("GET", "/api/v1/events"))
        begun = stream.recv(65536)
        while b"retry:" not in begun:
            begun += stream.recv(65536)
        for _ in range(5):
            others.enter_context(a_socket(server)).sendall(b"GET")
        stream.settimeout(1.5)
        with pytest.raises(TimeoutError):
            stream.recv(65536)

    assert begun.startswith(b"HTTP/1.1 200 ")
