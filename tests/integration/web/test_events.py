"""The event stream through the whole application: what it tells to whom, and when it ends."""

import json
import logging
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from reconciler.domain.access import Person, Role
from reconciler.domain.suspensions import ScopeKind
from reconciler.engine.access.people import bar
from reconciler.engine.access.sessions import begin_session, end_session
from reconciler.engine.access.tokens import revoke_token
from reconciler.engine.context import Actor
from reconciler.errors import StoreError
from reconciler.web.app import create_app
from reconciler.web.events.streams import StreamLimits
from tests.fakes.clock import START
from tests.integration.web.conftest import House
from tests.integration.web.test_error_handlers import BrokenStore
from tests.support.records import a_chatbot, a_run, a_suspension, a_token
from tests.support.streaming import Reader, reading

pytestmark = pytest.mark.anyio

ROOT = Actor("root", Role.ADMIN)
LIMITS = StreamLimits()


def events(part: str) -> list[tuple[str, Any]]:
    """The events of a part: kind and id."""
    found = []
    for block in part.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.split("\n") if ": " in line and not line.startswith(":"))
        if "event" in fields:
            found.append((fields["event"], json.loads(fields["data"])["id"]))
    return found


def place(part: str) -> str:
    """The last id of a part."""
    return [line for line in part.split("\n") if line.startswith("id: ")][-1].removeprefix("id: ")


async def run(house: House, run_id: str, source: str = "main") -> None:
    async with house.store.begin() as uow:
        await uow.runs.add(a_run(run_id, source=source))


async def opened(house: House, reader: Reader) -> str:
    """The place that a stream begins at, once it waits for news."""
    first = await reader.part()
    await let_pause_pass(house)
    return place(first)


async def let_pause_pass(house: House) -> None:
    """After it has told something, a stream gathers for a moment."""
    await house.clock.until_asleep()
    house.clock.advance(LIMITS.pause)
    await house.clock.until_asleep()


async def test_what_is_committed_is_told_at_once_with_kind_id_and_source(house: House) -> None:
    async with reading(house.app, "wzr_viewer") as reader:
        first = await opened(house, reader)
        await run(house, "run_9")
        part = await reader.part()

    assert (reader.status, reader.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
    assert part == (f'id: {house.store.feed.last}\nevent: run\ndata: {{"kind":"run","id":"run_9","source":"main"}}\n\n')
    assert first != place(part)


async def test_no_middleware_keeps_tags_or_compresses_a_stream(house: House) -> None:
    more = {"accept_encoding": "gzip", "if_none_match": "*"}
    async with reading(house.app, "wzr_viewer", **more) as reader:
        assert (await reader.part()).startswith("retry: ")

    assert reader.headers["cache-control"] == "no-store"
    assert not {"etag", "content-encoding", "content-length"} & reader.headers.keys()


@pytest.mark.parametrize("way", ["header", "query"])
async def test_who_comes_back_is_told_what_was_missed(house: House, way: str) -> None:
    before = house.store.feed.last
    await run(house, "run_8")
    await run(house, "run_9")
    path = "/api/v1/events" + (f"?after={before}" if way == "query" else "")
    more = {"last_event_id": before} if way == "header" else {}
    async with reading(house.app, "wzr_viewer", path, **more) as reader:
        assert events(await reader.part()) == [("run", "run_8"), ("run", "run_9")]


@pytest.mark.parametrize("after", ["elsewhere-3", "0", "x" * 3000])
async def test_who_was_elsewhere_is_told_to_read_everything_again(house: House, after: str) -> None:
    async with reading(house.app, "wzr_viewer", last_event_id=after) as reader:
        part = await reader.part()

    assert events(part) == [("reset", None)]
    assert place(part) == house.store.feed.last


async def test_a_reader_who_takes_nothing_is_told_to_reset_instead_of_being_kept_for(house: House) -> None:
    async with reading(house.app, "wzr_viewer") as reader:
        await opened(house, reader)
        reader.gate.clear()
        for number in range(1100):
            await run(house, f"run_slow{number}")
        reader.gate.set()
        told = events(await reader.part())
        await let_pause_pass(house)
        told += events(await reader.part())

    assert told[-1] == ("reset", None)
    assert len(told) < 10


async def test_a_token_limited_to_sources_is_told_of_these_only(house: House) -> None:
    async with reading(house.app, "wzr_main-only") as reader:
        start = await opened(house, reader)
        async with house.store.begin() as uow:
            await uow.runs.add(a_run("run_of_side", source="side"))
            await uow.chatbots.add(a_chatbot("bot_unmanaged"))
            await uow.tokens.save(replace((await uow.tokens.all())[0], name="other"))
            await uow.suspensions.add(a_suspension("suspension_side", kind=ScopeKind.SOURCE, subject="side"))
            await uow.suspensions.add(a_suspension("suspension_all"))
            await uow.runs.add(a_run("run_main2", source="main"))
        part = await reader.part()
        for secret in ("run_of_side", "bot_unmanaged", "tok_", "suspension_side", "suspension_all"):
            assert secret not in part
        assert events(part) == [("suspension", None), ("run", "run_main2")]
        # nothing of what follows is for this reader, but the place goes on, so that coming back costs no reset
        await let_pause_pass(house)
        await run(house, "run_of_side2", source="side")
        await _heartbeat(house)
        beat = await reader.part()

    assert events(beat) == []
    assert place(beat) == house.store.feed.last != start


@pytest.mark.parametrize(
    ("who", "told"),
    [
        ("admin", [("person", "ana"), ("token", "tok_another"), ("run", "run_9")]),
        ("approver", [("run", "run_9")]),
        ("main-only", [("run", "run_9")]),
    ],
)
async def test_tokens_and_people_are_told_to_admins_of_everything_only(
    house: House, who: str, told: list[tuple[str, str]]
) -> None:
    async with reading(house.app, f"wzr_{who}") as reader:
        await opened(house, reader)
        async with house.store.begin() as uow:
            await uow.people.add(Person(name="ana", issuer="i", subject="ana", groups=(), seen_at=START))
            await uow.tokens.add(a_token("tok_another", name="another"))
            await uow.runs.add(a_run("run_9"))
        assert events(await reader.part()) == told


async def _heartbeat(house: House) -> None:
    """Let the time of a heartbeat come."""
    waited = 0.0
    while waited <= LIMITS.heartbeat:
        await house.clock.until_asleep()
        house.clock.advance(LIMITS.look)
        waited += LIMITS.look
    await house.clock.until_asleep()


async def test_a_stream_says_that_it_is_still_there_every_fifteen_seconds(house: House) -> None:
    async with reading(house.app, "wzr_viewer") as reader:
        first = await opened(house, reader)
        for _ in range(13):
            house.clock.advance(LIMITS.look)
            await house.clock.until_asleep()
        assert reader.parts.empty()
        house.clock.advance(2)
        assert await reader.part() == f": still here\nid: {first}\n\n"


async def test_a_revoked_tokens_stream_ends_and_tells_nothing_more(house: House) -> None:
    async with reading(house.app, "wzr_viewer") as reader:
        await opened(house, reader)
        await revoke_token(house.engine, ROOT, "tok_viewer")
        await run(house, "run_after")
        await reader.end()
        assert reader.parts.empty()


async def test_an_expired_tokens_stream_ends(house: House) -> None:
    async with house.store.begin() as uow:
        token = await uow.tokens.get("tok_viewer")
        assert token is not None
        await uow.tokens.save(replace(token, expires_at=START.replace(minute=5)))
    async with reading(house.app, "wzr_viewer") as reader:
        await opened(house, reader)
        house.clock.advance(5 * 60)
        await reader.end()


async def test_a_session_that_ends_ends_its_stream(house: House) -> None:
    new = await begin_session(house.engine, Actor("viewer", Role.VIEWER, "tok_viewer"), timedelta(hours=8))
    async with reading(house.app, cookie=f"reconciler={new.secret}") as reader:
        await opened(house, reader)
        await end_session(house.engine, new.secret, None)
        house.clock.advance(LIMITS.look)
        await reader.end()
    assert reader.status == 200


async def test_a_barred_persons_stream_ends(house: House) -> None:
    async with house.store.begin() as uow:
        await uow.people.add(Person(name="viewer", issuer="i", subject="v", groups=(), seen_at=START))
    async with reading(house.app, "wzr_viewer") as reader:
        await opened(house, reader)
        await bar(house.engine, ROOT, "viewer", "left")
        await reader.end()


async def test_a_person_has_so_many_streams_and_no_more_whatever_they_show(house: House) -> None:
    house.app.state.streams.limits = StreamLimits(of_person=2)
    async with house.store.begin() as uow:
        token = await uow.tokens.get("tok_viewer")
        assert token is not None
        await uow.tokens.add(replace(token, id="tok_second", name="second", hash="h"))
    async with AsyncExitStack() as open_:
        for _ in range(2):
            await open_.enter_async_context(reading(house.app, "wzr_viewer"))
        async with reading(house.app, "wzr_viewer") as third:
            refusal = json.loads(await third.part())
        async with reading(house.app, "wzr_operator") as another:
            assert another.status == 200
    assert (third.status, refusal["code"], third.headers["retry-after"]) == (429, "too_many_streams", "60")
    async with reading(house.app, "wzr_viewer") as again:
        assert again.status == 200
    assert house.app.state.streams.open == 0


async def test_there_are_so_many_streams_in_all(house: House) -> None:
    house.app.state.streams.limits = StreamLimits(streams=1)
    async with reading(house.app, "wzr_viewer"), reading(house.app, "wzr_admin") as second:
        refusal = json.loads(await second.part())
    assert (second.status, refusal["code"]) == (503, "no_stream_left")


async def test_a_further_stream_takes_the_place_of_the_oldest_of_whoever_has_the_most(house: House) -> None:
    streams = house.app.state.streams
    streams.limits = StreamLimits(streams=3)
    async with AsyncExitStack() as open_:
        held = [await open_.enter_async_context(reading(house.app, "wzr_viewer")) for _ in range(3)]
        other = await open_.enter_async_context(reading(house.app, "wzr_operator"))
        await held[0].end()
        assert (other.status, streams.open) == (200, 3)
        async with house.client() as client:
            assert "reconciler_event_streams 3.0" in (await client.get("/metrics")).text
        assert not held[1].ended.is_set()
        second = await open_.enter_async_context(reading(house.app, "wzr_operator"))
        refusal = json.loads(await second.part())
        assert refusal["code"] == "no_stream_left"
        assert not any(reader.ended.is_set() for reader in (held[1], held[2], other))
    assert streams.open == 0


async def test_a_stream_ends_when_the_database_cannot_say_who_reads(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    streams = house.app.state.streams
    async with reading(house.app, "wzr_viewer") as reader:
        await opened(house, reader)
        store = BrokenStore(house, StoreError("the database is locked: try again"))
        store.queries.tokens = store.queries.that_fail
        streams.gate = create_app(replace(house.engine, store=store), settings=house.settings).state.gate
        house.clock.advance(LIMITS.look)
        await reader.end()
        assert reader.parts.empty()
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []
    assert streams.open == 0


async def test_a_stop_ends_every_stream_and_lets_none_begin(house: House) -> None:
    async with reading(house.app, "wzr_viewer") as reader:
        await opened(house, reader)
        house.app.state.streams.stop()
        await reader.end()
    async with reading(house.app, "wzr_viewer") as late:
        assert late.status == 503


async def test_what_is_not_known_of_the_query_is_refused(house: House) -> None:
    async with reading(house.app, "wzr_viewer", "/api/v1/events?kind=plan") as reader:
        assert reader.status == 422
