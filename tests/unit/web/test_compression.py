"""Which answers are compressed, for whom."""

import gzip
from collections.abc import AsyncIterator

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from reconciler.executors import NamedExecutor
from reconciler.web.http.compression import SMALLEST_COMPRESSED, Compression, accepts_gzip

pytestmark = pytest.mark.anyio

TEXT = "a chatbot and another chatbot " * 100
LARGE = "0123456789abcdef" * 32_768


@pytest.mark.parametrize(
    ("accepted", "is_taken"),
    [
        ("gzip", True),
        ("GZip", True),
        ("gzip, deflate, br", True),
        ("br;q=1.0, gzip;q=0.8", True),
        ("x-gzip", True),
        ("*", True),
        ("*;q=0.1", True),
        ("gzip;q=0", False),
        ("gzip; q=0.000", False),
        ("gzip;q=0, *", False),
        ("*;q=0", False),
        ("gzip;q=much", False),
        ("gzip;q=nan", False),
        ("gzipped", False),
        ("notgzip, br", False),
        ("identity", False),
        ("", False),
        (",;,;q=1,", False),
        (",".join(["br"] * 5_000) + ",gzip", False),
    ],
)
def test_gzip_is_taken_as_the_header_says(accepted: str, *, is_taken: bool) -> None:
    assert accepts_gzip(accepted) is is_taken


async def _text(_: Request) -> Response:
    return Response(TEXT, media_type="text/html")


async def _json(_: Request) -> Response:
    return Response(LARGE, media_type="application/json")


async def _short(_: Request) -> Response:
    return Response("x" * (SMALLEST_COMPRESSED - 1), media_type="text/html")


async def _picture(_: Request) -> Response:
    return Response(TEXT, media_type="image/png")


async def _ready(_: Request) -> Response:
    return Response(gzip.compress(TEXT.encode()), media_type="text/html", headers={"content-encoding": "gzip"})


async def _in_parts(_: Request) -> Response:
    return StreamingResponse(iter([TEXT, TEXT]), media_type="text/html")


async def _events(_: Request) -> Response:
    return Response(TEXT, media_type="text/event-stream")


async def _gone(_: Request) -> Response:
    return Response(status_code=304)


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    routes = [
        Route("/text", _text, methods=["GET", "POST"]),
        Route("/json", _json),
        Route("/short", _short),
        Route("/picture", _picture),
        Route("/ready", _ready),
        Route("/parts", _in_parts),
        Route("/events", _events),
        Route("/gone", _gone),
    ]
    async with NamedExecutor("compression") as executor:
        app = Compression(Starlette(routes=routes), executor=executor)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as http:
            yield http


@pytest.mark.parametrize(("path", "text"), [("/text", TEXT), ("/json", LARGE)])
async def test_a_read_is_answered_smaller_to_whoever_takes_that(
    client: httpx.AsyncClient, path: str, text: str
) -> None:
    small = await client.get(path, headers={"Accept-Encoding": "gzip"})
    plain = await client.get(path, headers={"Accept-Encoding": "gzip;q=0"})
    assert small.text == plain.text == text
    assert small.headers["content-encoding"] == "gzip"
    assert int(small.headers["content-length"]) < len(text) // 10
    assert "content-encoding" not in plain.headers
    # a cache in between must not hand one to who asked for the other
    assert {answer.headers["vary"] for answer in (small, plain)} == {"Accept-Encoding"}


@pytest.mark.parametrize("path", ["/short", "/picture", "/parts", "/events"])
async def test_what_is_short_or_no_text_or_comes_in_parts_passes_as_it_is(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path, headers={"Accept-Encoding": "gzip"})
    assert answer.status_code == 200
    assert not {"content-encoding", "vary"} & answer.headers.keys()


async def test_what_is_compressed_already_is_not_compressed_again(client: httpx.AsyncClient) -> None:
    assert (await client.get("/ready", headers={"Accept-Encoding": "gzip"})).text == TEXT


async def test_an_answer_without_a_body_stays_without(client: httpx.AsyncClient) -> None:
    answer = await client.get("/gone", headers={"Accept-Encoding": "gzip"})
    assert (answer.status_code, answer.content) == (304, b"")


async def test_an_answer_to_what_was_sent_never_travels_compressed(client: httpx.AsyncClient) -> None:
    """It may hold a new secret beside what was typed."""
    answer = await client.post("/text", headers={"Accept-Encoding": "gzip"})
    assert answer.text == TEXT
    assert "content-encoding" not in answer.headers
