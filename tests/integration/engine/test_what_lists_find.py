"""What lists find and runs tell while something is wrong."""

from pathlib import Path

import pytest

from reconciler.domain.entities import RunStatus
from reconciler.domain.listing import ChatbotFilter
from reconciler.domain.status import Reason
from reconciler.engine.decide.acceptance import accept_revision
from reconciler.errors import SourceCause, TargetUnreachable
from tests.support.world import BOT, World, document, path_of, spec, world

pytestmark = pytest.mark.anyio

LABELLED = document(spec(), metadata={"chatbotId": BOT, "labels": {"team": "support"}})
BROKEN = LABELLED.replace('"spec"', '"spek"')
UNREADABLE = LABELLED[:-2]


async def found(w: World, label: str) -> list[str]:
    page = await w.store.queries.chatbots(ChatbotFilter(label=label), limit=10, cursor=None)
    return [chatbot.id for chatbot in page.items]


@pytest.mark.parametrize("text", [BROKEN, UNREADABLE])
async def test_a_chatbot_whose_document_is_refused_is_found_by_the_labels_that_it_had(
    tmp_path: Path, text: str
) -> None:
    async with world(tmp_path, {BOT: spec()}, {path_of(): LABELLED}) as w:
        assert await found(w, "team=support") == [BOT]
        w.commit({path_of(): text})
        await w.refresh()
        await w.refresh()
        assert (await w.chatbot()).reason is Reason.DOCUMENT_INVALID
        assert await found(w, "team=support") == [BOT]
        revisions = [entry for entry in await w.audit() if entry.action == "source.revision"]
        assert len(revisions) == 2, "what did not change is not adopted again"
        w.commit({path_of(): LABELLED.replace("support", "sales")})
        await w.refresh()
        assert await found(w, "team=sales") == [BOT]
        assert await found(w, "team=support") == []


async def test_a_claim_that_another_document_makes_too_keeps_its_labels(tmp_path: Path) -> None:
    async with world(tmp_path, {BOT: spec()}, {path_of(): LABELLED}) as w:
        w.commit({"chatbots/second.json": document(spec())})
        await w.refresh()
        assert (await w.chatbot()).reason is Reason.CLAIMED_TWICE
        assert await found(w, "team") == [BOT]


async def test_labels_are_kept_also_through_an_accepted_revision(tmp_path: Path) -> None:
    async with world(tmp_path, {BOT: spec()}, {path_of(): LABELLED}) as w:
        revision = w.source.force_push({path_of(): BROKEN})
        await w.refresh()
        await accept_revision(w.engine, await w.person(), "bots", revision, "looked at")
        await w.idle()
        assert await found(w, "team=support") == [BOT]


async def test_a_run_that_does_not_trust_what_it_saw_tells_both_revisions(tmp_path: Path) -> None:
    async with world(tmp_path, {BOT: spec()}, {path_of(): document(spec())}) as w:
        good = (await w.source_record()).good_revision
        assert (await w.refresh()).seen_revision == good
        revision = w.source.force_push({path_of(): document(spec(prompt="rewritten"))})
        run = await w.refresh()
        assert (run.status, run.seen_revision, run.revision) == (RunStatus.FAILED, revision, good)
        w.source.fail(SourceCause.UNREACHABLE)
        run = await w.refresh()
        assert (run.status, run.seen_revision, run.revision) == (RunStatus.FAILED, None, good)


async def test_what_several_things_say_is_told_in_sentences(tmp_path: Path) -> None:
    async with world(tmp_path, {BOT: spec()}, {path_of(): document(spec())}) as w:
        w.source.fail(SourceCause.UNREACHABLE)
        w.target.fail(TargetUnreachable("down"), BOT)
        run = await w.refresh()
        assert run.message is not None
        assert run.message.endswith(".")
        assert "; " not in run.message
        assert (await w.chatbot()).message == "down."
