"""What only shows on a real server: bodies that stream, and connections that stay."""

import socket
from collections.abc import Iterator

import httpx
import pytest

from reconciler.web.http.web_settings import WebSettings
from tests.integration.web.serving import Server, serving
from tests.support.waiting import PATIENCE


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("house"), WebSettings(body_seconds=0.3)) as server:
        yield server


def _endless() -> Iterator[bytes]:
    for _ in range(1000):
        yield b" " * 65_536


def test_an_endless_body_is_cut_off(server: Server) -> None:
    url = f"{server.url}/api/v1/plans/plan_1/approve"
    try:
        answer = httpx.post(url, content=_endless(), headers={"Authorization": "Bearer wzr_admin"})
    except httpx.WriteError:
        return  # the server hung up while we were still talking, which is as good
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


def test_a_body_that_does_not_come_is_not_waited_for(server: Server) -> None:
    url = httpx.URL(server.url)
    head = (
        "POST /api/v1/plans/plan_1/approve HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer wzr_admin\r\n"
        "Content-Type: application/json\r\nContent-Length: 10\r\n\r\n"
    )
    with socket.create_connection((url.host, url.port or 80), timeout=PATIENCE) as connection:
        connection.sendall(head.encode())
        answer = connection.recv(65_536)

    assert answer.startswith(b"HTTP/1.1 408 ")


def test_polls_share_a_connection_and_cost_no_body(server: Server) -> None:
    with httpx.Client(base_url=server.url, headers={"Authorization": "Bearer wzr_viewer"}) as client:
        first = client.get("/api/v1/chatbots")
        tag = first.headers["etag"]
        again = [client.get("/api/v1/chatbots", headers={"If-None-Match": tag}) for _ in range(5)]

    assert (first.status_code, {answer.status_code for answer in again}) == (200, {304})
    assert {answer.content for answer in again} == {b""}


def test_a_name_that_is_not_ours_is_refused(server: Server) -> None:
    answer = httpx.get(f"{server.url}/api/v1/status", headers={"Host": "evil.example.net"})

    assert (answer.status_code, answer.json()["code"]) == (400, "host_not_allowed")
