"""What the clients make of a network that fails, on real sockets (rule 4: what may have been sent is never re-sent)."""

import asyncio
import gzip
import json
import logging
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from api_client import (
    ApplyOutcomeUnknown,
    AsyncWizChatClient,
    WizChatClient,
    WizChatConnectionError,
    WizChatResponseError,
)
from api_client._transport import MAX_CONNECTIONS
from tests.support.waiting import PATIENCE, holds_in_time

DOCUMENT = {"apiVersion": "v1", "kind": "ChatbotConfig", "spec": {"core": {"name": "Acme"}}}
SUMMARY = {"create": 0, "update": 0, "delete": 0, "noop": 0}
RESULT = json.dumps({"dryRun": False, "plan": {"ops": [], "summary": SUMMARY}}).encode()
BOTS = b'{"chatbots": [{"id": "bot_1", "name": "Acme"}]}'


def whole(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)


def truncated(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body) + 10, body)


def hang_up(connection: socket.socket, _: int) -> None:
    connection.shutdown(socket.SHUT_RDWR)


def cut_short(connection: socket.socket, _: int) -> None:
    connection.sendall(truncated(RESULT))
    connection.shutdown(socket.SHUT_RDWR)


def malformed(connection: socket.socket, _: int) -> None:
    connection.sendall(whole(b"<html>hello</html>"))


def keep_silent(connection: socket.socket, _: int) -> None:
    connection.recv(1)


def trickle(connection: socket.socket, _: int) -> None:
    """One byte at a time, each well within any time limit for a single read."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    connection.settimeout(0.05)
    while True:
        connection.sendall(b" ")
        try:
            if connection.recv(1) == b"":
                return
        except TimeoutError:
            continue


def trickle_head(connection: socket.socket, _: int) -> None:
    """As `trickle`, before the head of the answer is complete."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    connection.settimeout(0.05)
    while True:
        connection.sendall(b"a")
        try:
            if connection.recv(1) == b"":
                return
        except TimeoutError:
            continue


@pytest.mark.parametrize("behaviour", [hang_up, cut_short, malformed, keep_silent, trickle, trickle_head])
def test_an_apply_without_a_whole_readable_answer_is_unknown_and_sent_once(
    call: Callable[..., Any], raw_server: Callable[..., Any], behaviour: Any
) -> None:
    def is_unknown_and_sent(timeout: float) -> bool:
        with raw_server(behaviour) as server, pytest.raises(ApplyOutcomeUnknown, match="bot_1") as caught:
            call("apply_config", "bot_1", DOCUMENT, base_url=server.url, timeout=timeout)
        assert caught.value.chatbot_id == "bot_1"
        assert len(server.bodies) <= 1
        return len(server.bodies) == 1

    assert holds_in_time(is_unknown_and_sent, 0.6)


def test_an_apply_that_no_connection_could_carry_was_provably_not_sent(
    call: Callable[..., Any], unused_url: str
) -> None:
    with pytest.raises(WizChatConnectionError) as caught:
        call("apply_config", "bot_1", DOCUMENT, base_url=unused_url)
    assert not caught.value.maybe_sent


@pytest.fixture
def unanswered_url() -> Iterator[str]:
    """A port whose queue of connections is full: the next one is neither taken nor refused."""
    with socket.socket() as listener, ExitStack() as waiting:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(8):
            connection = waiting.enter_context(socket.socket())
            connection.setblocking(False)  # noqa: FBT003  it takes no name
            connection.connect_ex(listener.getsockname())
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


def test_an_apply_whose_connection_is_overdue_was_provably_not_sent(
    call: Callable[..., Any], unanswered_url: str
) -> None:
    with pytest.raises(WizChatConnectionError) as caught:
        call("apply_config", "bot_1", DOCUMENT, base_url=unanswered_url, timeout=2)
    assert not caught.value.maybe_sent


@pytest.mark.parametrize("behaviour", [hang_up, cut_short])
def test_reads_and_dry_runs_are_sent_again_after_a_lost_connection(
    call: Callable[..., Any], raw_server: Callable[..., Any], behaviour: Any
) -> None:
    def fail_once(connection: socket.socket, number: int) -> None:
        if number == 1:
            behaviour(connection, number)
        else:
            connection.sendall(whole(RESULT))

    with raw_server(fail_once) as server:
        result = call("apply_config", "bot_1", DOCUMENT, apply={"dry_run": True}, base_url=server.url)
    assert result.plan.ops == []
    assert len(server.bodies) == 2


def test_a_refused_connection_is_tried_again_until_the_limit(call: Callable[..., Any], unused_url: str) -> None:
    waits: list[int] = []
    with pytest.raises(WizChatConnectionError):
        call("list_chatbots", base_url=unused_url, max_retries=2, on_retry=lambda number, *_: waits.append(number))
    assert waits == [1, 2]


@pytest.mark.parametrize("behaviour", [trickle, trickle_head, keep_silent])
def test_an_answer_that_takes_too_long_in_all_ends_the_call(
    call: Callable[..., Any], raw_server: Callable[..., Any], behaviour: Any
) -> None:
    def ends_though_it_was_sent(timeout: float) -> bool:
        with raw_server(behaviour) as server, pytest.raises(WizChatConnectionError) as caught:
            call("list_chatbots", base_url=server.url, timeout=timeout, max_retries=0)
        return caught.value.maybe_sent and len(server.bodies) == 1

    assert holds_in_time(ends_though_it_was_sent, 0.5)


def test_an_answer_beyond_the_size_cap_is_not_read_to_its_end(
    call: Callable[..., Any], raw_server: Callable[..., Any]
) -> None:
    def endless(connection: socket.socket, _: int) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            connection.sendall(b"10000\r\n" + b" " * 0x10000 + b"\r\n")

    with raw_server(endless) as server, pytest.raises(WizChatResponseError, match="larger than 1000000 bytes"):
        call("list_chatbots", base_url=server.url, max_answer_bytes=1_000_000)


def test_a_redirect_is_not_followed_so_the_key_goes_nowhere_else(
    call: Callable[..., Any], raw_server: Callable[..., Any]
) -> None:
    with raw_server(lambda connection, _: connection.sendall(whole(BOTS))) as elsewhere:
        location = elsewhere.url.encode()

        def redirect(connection: socket.socket, _: int) -> None:
            connection.sendall(b"HTTP/1.1 302 Found\r\nLocation: %s/\r\nContent-Length: 0\r\n\r\n" % location)

        with raw_server(redirect) as server, pytest.raises(Exception, match="http_302"):
            call("list_chatbots", base_url=server.url)
    assert elsewhere.bodies == []


def test_an_apply_never_meets_a_dead_connection_of_an_earlier_call(raw_server: Callable[..., Any]) -> None:
    peers: list[tuple[str, int]] = []

    def answer(connection: socket.socket, number: int) -> None:
        peers.append(connection.getpeername())
        connection.sendall(whole(BOTS if number == 1 else RESULT))

    with raw_server(answer) as server, WizChatClient("wpk_live_x", server.url) as client:
        client.list_chatbots()
        client.apply_config("bot_1", DOCUMENT)
    assert len(set(peers)) == 2


class _Standstill(logging.Handler):
    """Lets the whole process stand still at a step of a request, as when its machine is paused."""

    def __init__(self, step: str, seconds: float) -> None:
        super().__init__()
        self._step, self._seconds = step, seconds

    def emit(self, record: logging.LogRecord) -> None:
        if str(record.msg).startswith(self._step):
            threading.Event().wait(self._seconds)


@pytest.mark.parametrize("step", ["connect_tcp.started", "send_request_headers.started", "send_request_body.started"])
def test_an_apply_that_stood_still_beyond_its_time_sends_no_body(raw_server: Callable[..., Any], step: str) -> None:
    async def apply(url: str) -> None:
        async with AsyncWizChatClient("wpk_live_x", url, timeout=1.0) as client:
            await client.apply_config("bot_1", DOCUMENT)

    log, handler = logging.getLogger("httpcore"), _Standstill(step, 1.5)
    level = log.level
    log.addHandler(handler)
    log.setLevel(logging.DEBUG)
    try:
        with raw_server(hang_up) as server, pytest.raises(ApplyOutcomeUnknown):
            asyncio.run(apply(server.url))
    finally:
        log.removeHandler(handler)
        log.setLevel(level)
    assert server.bodies == []


def test_waiting_for_a_turn_is_no_part_of_a_requests_time(raw_server: Callable[..., Any]) -> None:
    """Five calls for each connection; in turns that take longer in all than one may."""
    arrived: list[tuple[str, int]] = []
    first_are_here, never, slowness = threading.Event(), threading.Event(), 0.3

    def answer(connection: socket.socket, _: int) -> None:
        arrived.append(connection.getpeername())
        if len(arrived) >= MAX_CONNECTIONS:
            first_are_here.set()
        first_are_here.wait(PATIENCE)
        never.wait(slowness)  # the server's own slowness is what is shown here
        connection.sendall(whole(BOTS))

    async def calls(url: str) -> int:
        async with AsyncWizChatClient("wpk_live_x", url, timeout=3 * slowness, max_retries=0) as client:
            tasks = [asyncio.create_task(client.list_chatbots()) for _ in range(5 * MAX_CONNECTIONS)]
            done = await asyncio.gather(*tasks, return_exceptions=True)
            return sum(len(found) for found in done if not isinstance(found, BaseException))

    def all_are_answered(seconds: float) -> bool:
        nonlocal slowness
        slowness = seconds
        arrived.clear()
        first_are_here.clear()
        with raw_server(answer) as server:
            return asyncio.run(calls(server.url)) == 5 * MAX_CONNECTIONS and len(set(arrived)) == MAX_CONNECTIONS

    assert holds_in_time(all_are_answered, slowness)


def test_a_call_that_waits_for_its_turn_is_refused_when_the_client_is_closed(raw_server: Callable[..., Any]) -> None:
    arrived = threading.Barrier(MAX_CONNECTIONS + 1)

    def hold(connection: socket.socket, _: int) -> None:
        arrived.wait(PATIENCE)
        connection.recv(1)

    async def calls(url: str) -> list[Any]:
        client = AsyncWizChatClient("wpk_live_x", url, max_retries=0)
        tasks = [asyncio.create_task(client.list_chatbots()) for _ in range(MAX_CONNECTIONS + 1)]
        await asyncio.to_thread(arrived.wait, PATIENCE)
        await client.aclose()
        return await asyncio.gather(*tasks, return_exceptions=True)

    with raw_server(hold) as server:
        *sent, waited = asyncio.run(calls(server.url))
    assert {type(each) for each in sent} == {WizChatConnectionError}
    assert (type(waited), str(waited)) == (RuntimeError, "the client is closed")


def test_calls_one_after_the_other_share_one_connection(raw_server: Callable[..., Any]) -> None:
    peers: list[tuple[str, int]] = []

    def answer(connection: socket.socket, _: int) -> None:
        peers.append(connection.getpeername())
        connection.sendall(whole(BOTS))

    async def calls(url: str) -> None:
        async with AsyncWizChatClient("wpk_live_x", url) as client:
            for _ in range(3):
                await client.list_chatbots()

    with raw_server(answer) as server:
        asyncio.run(calls(server.url))
    assert len(peers) == 3
    assert len(set(peers)) == 1


@pytest.mark.parametrize("coding", ["gzip, gzip", "gzip,deflate", "identity, gzip, gzip"])
def test_what_is_packed_twice_is_not_unpacked(
    call: Callable[..., Any], raw_server: Callable[..., Any], coding: str
) -> None:
    """A kilobyte of it may hold a gigabyte, which is there before anybody could count it."""

    def packed(connection: socket.socket, _: int) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Encoding: %s\r\nContent-Length: 9\r\n\r\n" % coding.encode())
        connection.sendall(b"no matter")

    with raw_server(packed) as server, pytest.raises(WizChatResponseError, match="packed more than once"):
        call("list_chatbots", base_url=server.url)


def test_what_is_packed_once_is_read(call: Callable[..., Any], raw_server: Callable[..., Any]) -> None:
    body = gzip.compress(BOTS)

    def packed(connection: socket.socket, _: int) -> None:
        head = b"HTTP/1.1 200 OK\r\nContent-Encoding: identity, gzip\r\nContent-Length: %d\r\n\r\n"
        connection.sendall(head % len(body) + body)

    with raw_server(packed) as server:
        assert [chatbot.id for chatbot in call("list_chatbots", base_url=server.url)] == ["bot_1"]


def answer_bots(connection: socket.socket, _: int) -> None:
    connection.sendall(whole(BOTS))


def test_both_clients_send_the_same_headers(raw_server: Callable[..., Any]) -> None:
    async def dry_run(url: str) -> None:
        async with AsyncWizChatClient("wpk_live_x", url) as client:
            await client.apply_config("bot_1", DOCUMENT, dry_run=True)

    with raw_server(lambda connection, _: connection.sendall(whole(RESULT))) as server:
        with WizChatClient("wpk_live_x", server.url) as client:
            client.apply_config("bot_1", DOCUMENT, dry_run=True)
        asyncio.run(dry_run(server.url))
    of_sync, of_async = (sorted(head.lower().split(b"\r\n")) for head in server.heads)
    assert of_sync == of_async
    assert server.bodies[0] == server.bodies[1]


def test_a_proxy_of_the_environment_carries_the_calls(
    call: Callable[..., Any], raw_server: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    with raw_server(answer_bots) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        call("list_chatbots", base_url="http://api.example")
    assert proxy.heads[0].startswith(b"GET http://api.example/api/v1/chatbots HTTP/1.1\r\n")


def test_a_connection_that_the_server_closed_is_opened_again(raw_server: Callable[..., Any]) -> None:
    """Without another attempt, which a caller would have to pay for."""
    hung_up = threading.Event()

    def answer_and_hang_up(connection: socket.socket, _: int) -> None:
        connection.sendall(whole(BOTS))
        connection.shutdown(socket.SHUT_RDWR)
        hung_up.set()

    async def calls(url: str) -> None:
        async with AsyncWizChatClient("wpk_live_x", url, max_retries=0) as client:
            await client.list_chatbots()
            assert await asyncio.to_thread(hung_up.wait, PATIENCE)
            await client.list_chatbots()

    with raw_server(answer_and_hang_up) as server:
        asyncio.run(calls(server.url))
    assert len(server.heads) == 2
