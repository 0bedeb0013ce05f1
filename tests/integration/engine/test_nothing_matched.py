"""A source in which no document is found is not ready, and says what was looked for."""

from pathlib import Path

import pytest

from reconciler.domain.entities import RunStatus, SourceState
from reconciler.domain.status import Reason
from reconciler.engine.decide.acceptance import accept_revision
from reconciler.engine.reconcile.schedule import start_up
from reconciler.errors import SourceCause
from tests.fakes.source import FakeSource
from tests.support.world import document, path_of, spec, world

pytestmark = pytest.mark.anyio

BOTS = [f"bot_{n}" for n in range(1, 5)]
LIVE = {key: spec() for key in BOTS}
FILES = {path_of(key): document(spec(), key) for key in BOTS}


@pytest.mark.parametrize(
    ("files", "near"),
    [
        ({"README.md": "x"}, "there is no YAML or JSON file at all"),
        ({"bots/a.json": document(spec())}, "1 document in bots/"),
        ({"chatbots/a.yaml": "# later\n"}, "no document is in the files that match"),
    ],
)
async def test_a_first_read_that_finds_nothing_is_no_success(tmp_path: Path, files: dict[str, str], near: str) -> None:
    async with world(tmp_path, LIVE, files) as w:
        record = await w.source_record()
        assert (record.state, record.cause) == (SourceState.UNKNOWN, SourceCause.NOTHING_MATCHED)
        assert near in (record.message or "")
        assert "chatbots/**/*.yaml" in (record.message or "")
        assert (await w.run(record.last_run_id or "")).status is RunStatus.FAILED
        w.commit(FILES)
        await w.refresh()
        assert (await w.source_record()).state is SourceState.READY
        assert (await w.chatbot()).reason is Reason.IN_SYNC


async def test_a_beginning_without_documents_can_be_accepted(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, {"README.md": "x"}) as w:
        head = w.source.tip
        accepted = await accept_revision(w.engine, await w.person(), "bots", head, "they come next week")
        await w.idle()
        assert accepted.source.good_revision == head
        assert (await w.source_record()).state is SourceState.READY
        w.commit({"README.md": "y"})
        await w.refresh()
        assert (await w.source_record()).state is SourceState.READY


async def test_documents_that_are_all_refused_are_something(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, {path_of(): "{"}) as w:
        assert (await w.source_record()).state is SourceState.READY


async def test_emptied_paths_leave_the_good_revision_and_say_what_is_near(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        good = (await w.source_record()).good_revision
        w.commit(dict.fromkeys(FILES) | {path.replace("chatbots", "bots"): text for path, text in FILES.items()})
        await w.refresh()
        record = await w.source_record()
        assert (record.cause, record.good_revision) == (SourceCause.PATHS_EMPTIED, good)
        assert "4 documents in bots/" in (record.message or "")


async def test_other_paths_at_the_same_revision_do_not_orphan_the_fleet_until_accepted(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, FILES) as w:
        w.source.read_from(["bots/**/*.json"])
        await start_up(w.engine, only_process=True)
        await w.idle()
        record = await w.source_record()
        assert (record.state, record.cause) == (SourceState.UNKNOWN, SourceCause.PATHS_EMPTIED)
        assert {(await w.chatbot(key)).reason for key in BOTS} == {Reason.SOURCE_UNKNOWN}
        w.source.read_from(["chatbots/bot_1.json"])
        await w.refresh()
        assert (await w.source_record()).cause == SourceCause.DOCUMENTS_VANISHED
        accepted = await accept_revision(w.engine, await w.person(), "bots", w.source.tip, "only this one is ours now")
        await w.idle()
        assert accepted.orphaned == tuple(BOTS[1:])
        assert (await w.source_record()).state is SourceState.READY


async def test_a_folder_that_becomes_a_link_keeps_the_chatbots_behind_it(tmp_path: Path) -> None:
    moved = {path.replace("chatbots/", "chatbots/team/"): FILES[path] for path in list(FILES)[:2]}
    rest = dict(list(FILES.items())[2:])
    async with world(tmp_path, LIVE, {**moved, **rest}) as w:
        w.source.commit(rest, symlinks={"chatbots/team": "../shared/team"})
        run = await w.refresh()
        assert run.status is RunStatus.SUCCEEDED
        assert [(found.severity, found.path) for found in run.diagnostics] == [("error", "chatbots/team")]
        assert [(await w.chatbot(key)).reason for key in BOTS] == [Reason.DOCUMENT_INVALID] * 2 + [Reason.IN_SYNC] * 2
        assert "chatbots/team:1:1 this is a symbolic link" in ((await w.chatbot()).message or "")
        assert (await w.chatbot()).path == "chatbots/team/bot_1.json"


async def test_a_link_is_told_in_the_run(tmp_path: Path) -> None:
    second = FakeSource({path_of("bot_x"): document(spec(), "bot_x")})
    second.commit({path_of("bot_x"): document(spec(), "bot_x")}, symlinks={"chatbots/more": "../more"})
    async with world(tmp_path, {**LIVE, "bot_x": spec()}, FILES, more_sources={"second": second}) as w:
        run = await w.refresh(source="second")
        assert [(found.severity, found.path) for found in run.diagnostics] == [("warning", "chatbots/more")]
        assert (await w.source_record("second")).state is SourceState.READY
