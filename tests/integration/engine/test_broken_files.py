"""A document that cannot be told apart keeps its chatbot: refused with its place, never vanished, never Orphaned."""

from pathlib import Path

import pytest

from reconciler.domain.entities import RunStatus, SourceState
from reconciler.domain.status import Reason, Sync
from reconciler.engine.decide.acceptance import accept_revision
from reconciler.errors import SourceCause
from tests.support.world import World, document, path_of, spec, world

pytestmark = pytest.mark.anyio

BOTS = [f"bot_{n}" for n in range(1, 5)]
LIVE = {key: spec() for key in BOTS}
TEAM = "chatbots/team.yaml"
ALONE = "chatbots/support.yaml"


def part(chatbot_id: str, more: str = "") -> str:
    """One of several documents, as YAML."""
    return (
        "apiVersion: v1\nkind: ChatbotConfig\n"
        f"metadata:\n  chatbotId: {chatbot_id}\n"
        f"spec:\n  core: {{name: Acme, behavior: {{systemPrompt: Be kind.}}}}\n{more}"
    )


WHOLE = "---\n".join(part(key) for key in BOTS)


async def reasons(w: World) -> list[Reason]:
    return [(await w.chatbot(key)).reason for key in BOTS]


def joined(*parts: str) -> str:
    return "---\n".join(parts)


INVALID = Reason.DOCUMENT_INVALID
GOOD = Reason.IN_SYNC
BREAK = {
    "in the first document": ("key: 'open\n" + WHOLE, 0, f"{TEAM}:"),
    "at the end of the first": (joined(part("bot_1", "x: @y\n"), *map(part, BOTS[1:])), 0, f"{TEAM}:7:4"),
    "in the second": (joined(part("bot_1"), part("bot_2", "x: @y\n"), *map(part, BOTS[2:])), 1, f"{TEAM}:14:4"),
    "in the second before its id": (joined(part("bot_1"), "\tx\n" + part("bot_2"), *map(part, BOTS[2:])), 1, TEAM),
    "within the id of the third": (WHOLE.replace("chatbotId: bot_3", "chatbotId: 'bot_3"), 2, f"{TEAM}:"),
    "a mapping as a key": (joined(part("bot_1", "? {a: 1}\n: 2\n"), *map(part, BOTS[1:])), None, f"{TEAM}:7:3"),
    "two documents that merge": (WHOLE.replace("---\n", "", 1), None, f"{TEAM}:7:1"),
    "an id that is lost": (WHOLE.replace("  chatbotId: bot_2\n", "  labels: {}\n"), None, f"{TEAM}:8:1"),
    "a key of metadata with a slip": (WHOLE.replace("chatbotId: bot_2", "chatbotID: bot_2"), None, f"{TEAM}:8:1"),
    "metadata that is lost": (WHOLE.replace("metadata:\n  chatbotId: bot_2\n", ""), None, f"{TEAM}:8:1"),
    "too many aliases": (
        joined(part("bot_1"), f"a: &a x\nb: [{'*a, ' * 101}]\n" + part("bot_2"), *map(part, BOTS[2:])),
        None,
        f"{TEAM}:9:",
    ),
    "metadata that stands twice": (
        joined(part("bot_1"), "metadata: {chatbotId: bot_9}\n" + part("bot_2"), *map(part, BOTS[2:])),
        None,
        f"{TEAM}:11:1",
    ),
}


@pytest.mark.parametrize(("text", "good", "place"), BREAK.values(), ids=BREAK)
async def test_what_follows_a_break_keeps_its_chatbots(tmp_path: Path, text: str, good: int | None, place: str) -> None:
    async with world(tmp_path, LIVE, {TEAM: WHOLE}) as w:
        w.commit({TEAM: text})
        run = await w.refresh()
        assert (run.status, (await w.source_record()).state) == (RunStatus.SUCCEEDED, SourceState.READY)
        assert any(found.place.startswith(place) for found in run.diagnostics)
        found = await reasons(w)
        assert set(found) <= {INVALID, GOOD}
        assert INVALID in found
        if good is not None:
            assert found == [GOOD] * good + [INVALID] * (4 - good)
        for key, reason in zip(BOTS, found, strict=True):
            chatbot = await w.chatbot(key)
            assert chatbot.path == TEAM
            assert reason is GOOD or f"{place}" in (chatbot.message or "")
        w.commit({TEAM: WHOLE})
        await w.refresh(full=False)
        assert await reasons(w) == [GOOD] * 4


@pytest.mark.parametrize(
    "content",
    [
        "",
        "# nothing\n",
        "---\n",
        "\0",
        "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n",
        "#" * (1024 * 1024 + 1),
        "- a\n",
        "<<<<<<< HEAD\n" + WHOLE,
    ],
    ids=["empty", "comment", "blank document", "nul", "lfs", "too large", "list", "conflict"],
)
async def test_a_file_in_which_nothing_can_be_read_keeps_its_chatbots(tmp_path: Path, content: str) -> None:
    async with world(tmp_path, LIVE, {TEAM: WHOLE, "chatbots/x.json": document(spec(), "bot_x")}) as w:
        w.commit({TEAM: content})
        run = await w.refresh()
        assert (run.status, (await w.source_record()).state) == (RunStatus.SUCCEEDED, SourceState.READY)
        assert [found.path for found in run.diagnostics if found.severity == "error"] == [TEAM]
        assert await reasons(w) == [INVALID] * 4
        assert f"{TEAM}:" in ((await w.chatbot()).message or "")


async def test_bytes_of_another_encoding_and_a_link_keep_their_chatbots(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, {TEAM: WHOLE}) as w:
        w.source.commit({TEAM: WHOLE.encode("utf-16")})
        await w.refresh()
        assert await reasons(w) == [INVALID] * 4
        w.source.commit({"other.yaml": WHOLE}, symlinks={TEAM: "../other.yaml"})
        await w.refresh()
        assert await reasons(w) == [INVALID] * 4
        assert "symbolic link" in ((await w.chatbot()).message or "")


async def test_a_json_file_that_is_cut_in_half_keeps_its_chatbot(tmp_path: Path) -> None:
    files = {path_of(key): document(spec(), key) for key in BOTS}
    async with world(tmp_path, LIVE, files) as w:
        for cut in (10, 60, 110, len(files[path_of()]) - 1):
            w.commit({path_of(): files[path_of()][:cut]})
            await w.refresh(full=False)
            assert await reasons(w) == [INVALID] + [GOOD] * 3
            assert f"{path_of()}:1:" in ((await w.chatbot()).message or "")
        w.commit({path_of(): document(spec(), "bot_9") + files[path_of()]})
        await w.refresh(full=False)
        assert (await w.chatbot()).reason is INVALID


@pytest.mark.parametrize("broken", ["", "x: @y\n"], ids=["whole", "broken"])
async def test_a_lone_document_that_loses_its_id_speaks_for_no_other_chatbot(tmp_path: Path, broken: str) -> None:
    async with world(tmp_path, LIVE, {ALONE: part("bot_1"), TEAM: joined(*map(part, BOTS[1:]))}) as w:
        w.commit({ALONE: part("bot_1", broken).replace("metadata:\n  chatbotId: bot_1\n", "")})
        run = await w.refresh()
        assert await reasons(w) == [INVALID] + [GOOD] * 3
        async with w.store.read() as uow:
            assert await uow.chatbots.get("acme", "support") is None
        assert [found.path for found in run.diagnostics] == [ALONE]
        assert broken or '"bot_1"' in run.diagnostics[0].message
        w.commit({ALONE: part("support")})  # stated, it is another chatbot's document, and the first one's is gone
        await w.refresh()
        assert await reasons(w) == [Reason.ORPHANED] + [GOOD] * 3


async def test_documents_that_are_refused_are_no_reason_to_distrust_a_source(tmp_path: Path) -> None:
    files = {path_of(key): document(spec(), key) for key in BOTS}
    async with world(tmp_path, LIVE, files) as w:
        w.commit(
            {
                path_of("bot_1"): document({"skils": []}, "bot_1"),
                path_of("bot_2"): "{",
                path_of("bot_3"): document(spec(), "bot_4"),
            }
        )
        run = await w.refresh()
        assert (run.status, (await w.source_record()).state) == (RunStatus.SUCCEEDED, SourceState.READY)
        assert await reasons(w) == [INVALID, INVALID, INVALID, Reason.CLAIMED_TWICE]


async def test_a_removed_document_is_orphaned_however_broken_other_files_are(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, {ALONE: part("bot_1"), TEAM: joined(*map(part, BOTS[1:]))}) as w:
        w.commit({ALONE: None, TEAM: "x: @y\n"})
        await w.refresh()
        assert await reasons(w) == [Reason.ORPHANED] + [INVALID] * 3


async def test_a_document_that_moves_out_of_a_file_that_breaks_is_found_where_it_is(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, {TEAM: WHOLE}) as w:
        w.commit({TEAM: "x: @y\n", "chatbots/other.yaml": part("bot_2")})
        await w.refresh()
        assert await reasons(w) == [INVALID, GOOD, INVALID, INVALID]
        assert (await w.chatbot("bot_2")).path == "chatbots/other.yaml"


async def test_a_document_that_is_taken_out_of_a_whole_file_orphans_its_chatbot(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, {TEAM: WHOLE}) as w:
        w.commit({TEAM: joined(*map(part, BOTS[:3]))})
        await w.refresh()
        assert await reasons(w) == [GOOD] * 3 + [Reason.ORPHANED]


async def test_accepting_a_revision_orphans_nothing_that_only_cannot_be_told_apart(tmp_path: Path) -> None:
    async with world(tmp_path, LIVE, {TEAM: WHOLE}) as w:
        head = w.source.force_push({TEAM: joined(part("bot_1"), part("bot_2", "x: @y\n"), *map(part, BOTS[2:]))})
        await w.refresh()
        assert (await w.source_record()).cause == SourceCause.HISTORY_REWRITTEN
        accepted = await accept_revision(w.engine, await w.person(), "bots", head, "rebased on purpose")
        await w.idle()
        assert accepted.orphaned == ()
        assert await reasons(w) == [GOOD] + [INVALID] * 3
        assert (await w.chatbot("bot_4")).sync is Sync.UNKNOWN
