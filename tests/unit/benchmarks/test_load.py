"""The benchmarks' client polls as a dashboard does, and takes no other answer for one to a poll."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from benchmarks.load import repeat

pytestmark = pytest.mark.anyio

BODY = b'{"items": []}\r\n\r\n'


@asynccontextmanager
async def server(answer: Callable[[str], bytes]) -> AsyncIterator[str]:
    """A server that answers each request by the tag that it presents."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                request = (await reader.readuntil(b"\r\n\r\n")).decode()
                writer.write(answer(request.partition("If-None-Match: ")[2].partition("\r\n")[0]))
        except asyncio.IncompleteReadError:
            writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as listening:
        yield f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/chatbots"


def unchanged(tag: str) -> bytes:
    return f"HTTP/1.1 304 Not Modified\r\netag: {tag}\r\n\r\n".encode()


def changed(tag: str) -> bytes:
    return f"HTTP/1.1 200 OK\r\nContent-Length: {len(BODY)}\r\nETag: {tag}\r\n\r\n".encode() + BODY


async def test_a_tag_that_moves_while_it_is_polled_is_followed() -> None:
    asked: list[str] = []

    def answer(tag: str) -> bytes:
        asked.append(tag)
        now = 'W/"a"' if len(asked) <= 100 else 'W/"b"'
        return unchanged(tag) if tag == now else changed(now)

    async with server(answer) as url:
        assert await repeat(url, {"If-None-Match": 'W/"a"'}, requests=400) > 0
    assert len(asked) == 400
    assert asked[-1] == 'W/"b"'
    assert asked[100:].count('W/"a"') <= 8, "what was under way on each connection"


async def test_an_answer_in_pieces_is_one_answer() -> None:
    answers = iter([changed("b")[:-3], changed("b")[-3:], *[unchanged("b")] * 9])

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        for piece in (next(answers), next(answers)):
            writer.write(piece)
            await writer.drain()
        for piece in answers:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(piece)
        await reader.read()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as listening:
        url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/"
        assert await repeat(url, {"If-None-Match": "a"}, requests=10, connections=1) > 0


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (lambda tag: changed(f"{tag}x"), "not 304: 50 of 50 answers were new ones"),
        (lambda _: b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n", "not a 304: b'HTTP/1.1 503"),
    ],
)
async def test_what_is_no_answer_to_a_poll_is_an_error(answer: Callable[[str], bytes], says: str) -> None:
    async with server(answer) as url:
        with pytest.raises(RuntimeError, match=says):
            await repeat(url, {"If-None-Match": "a"}, requests=50)
