from typing import Any

import pytest

from reconciler.domain.document import Document, Refusal, Snapshot
from reconciler.domain.plan import Proposal
from reconciler.domain.status import Reason
from reconciler.engine.local_plan import plan_locally
from reconciler.errors import (
    BadAnswer,
    ChatbotNotFound,
    NotFound,
    QuotaExceeded,
    ScopeMissing,
    TargetError,
    TargetUnauthorized,
    TargetUnreachable,
)
from tests.fakes.target import FakeTarget

pytestmark = pytest.mark.anyio


@pytest.fixture
def target() -> FakeTarget:
    return FakeTarget()


async def _document(target: FakeTarget, chatbot_id: str, **core: Any) -> Document:
    body = dict(await target.export(chatbot_id))
    body["spec"] = {**body["spec"], "core": {**body["spec"]["core"], **core}}
    return Document(chatbot_id, f"chatbots/{chatbot_id}.yaml", 1, body)


def _snapshot(*documents: Document, refusals: tuple[Refusal, ...] = ()) -> Snapshot:
    return Snapshot(None, documents, refusals, (), len(documents), len(documents))


async def test_each_document_gets_its_own_outcome_in_order(target: FakeTarget) -> None:
    same = await _document(target, "bot_7f3a")
    changed = await _document(target, "bot_51c2", name="Renamed")
    missing = Document("bot_nope", "chatbots/nope.yaml", 1, same.body)
    seen: list[tuple[int, int]] = []
    made = await plan_locally(
        target,
        _snapshot(same, changed, missing),
        tenant="default",
        progress=lambda done, total: seen.append((done, total)),
    )
    outcomes = [one.outcome for one in made.planned]
    assert outcomes[0] is None
    assert isinstance(outcomes[1], Proposal)
    assert isinstance(outcomes[2], ChatbotNotFound)
    assert seen == [(1, 3), (2, 3), (3, 3)]


async def test_an_error_about_one_chatbot_stays_its_own(target: FakeTarget) -> None:
    documents = [await _document(target, chatbot.id) for chatbot in target.fleet]
    target.fail(ScopeMissing("no"), documents[0].chatbot_id)
    made = await plan_locally(target, _snapshot(*documents), tenant="default")
    assert [isinstance(one.outcome, ScopeMissing) for one in made.planned] == [True, *[False] * (len(documents) - 1)]


@pytest.mark.parametrize("error", [TargetUnauthorized("no"), QuotaExceeded("no")])
async def test_what_would_meet_every_chatbot_is_met_once(target: FakeTarget, error: TargetError) -> None:
    documents = [await _document(target, chatbot.id) for chatbot in target.fleet]
    target.calls.clear()
    target.fail(error, documents[0].chatbot_id)
    with pytest.raises(type(error)):
        await plan_locally(target, _snapshot(*documents), tenant="default")
    assert len(target.calls) == 1


@pytest.mark.parametrize("error", [TargetUnreachable("check base_url"), BadAnswer("check base_url")])
async def test_what_the_list_meets_too_is_met_by_no_other_chatbot(target: FakeTarget, error: TargetError) -> None:
    documents = [await _document(target, chatbot.id) for chatbot in target.fleet]
    target.calls.clear()
    for what in (None, *(document.chatbot_id for document in documents)):
        target.fail(error, what, times=None)
    with pytest.raises(type(error)):
        await plan_locally(target, _snapshot(*documents), tenant="default")
    assert target.calls == [("dry_run", documents[0].chatbot_id), ("chatbots", None)]


@pytest.mark.parametrize("error", [TargetUnreachable("status 500"), BadAnswer("odd text")])
async def test_what_one_chatbot_alone_meets_stops_no_other(target: FakeTarget, error: TargetError) -> None:
    documents = [await _document(target, chatbot.id) for chatbot in target.fleet]
    target.fail(error, documents[0].chatbot_id)
    made = await plan_locally(target, _snapshot(*documents), tenant="default")
    assert [one.outcome for one in made.planned] == [error, *[None] * (len(documents) - 1)]


async def test_an_outage_in_the_middle_is_not_tried_out_with_each_chatbot_that_is_left(target: FakeTarget) -> None:
    documents = [await _document(target, chatbot.id) for chatbot in target.fleet]
    target.calls.clear()
    gone = TargetUnreachable("check base_url and the network")
    for what in (None, *(document.chatbot_id for document in documents[2:])):
        target.fail(gone, what, times=None)
    made = await plan_locally(target, _snapshot(*documents), tenant="default", concurrency=1)
    assert [one.outcome for one in made.planned] == [None, None, *[gone] * (len(documents) - 2)]
    asked = [("dry_run", document.chatbot_id) for document in documents[:3]]
    assert target.calls == [*asked, ("chatbots", None)]


async def test_a_chatbot_can_be_chosen_also_a_refused_one(target: FakeTarget) -> None:
    documents = [await _document(target, chatbot_id) for chatbot_id in ("bot_7f3a", "bot_51c2")]
    refusal = Refusal("bot_90de", "chatbots/desk.yaml", Reason.DOCUMENT_INVALID, "no")
    snapshot = _snapshot(*documents, refusals=(refusal,))
    made = await plan_locally(target, snapshot, tenant="default", chatbots=["bot_51c2"])
    assert [one.document.chatbot_id for one in made.planned] == ["bot_51c2"]
    assert made.refusals == ()
    made = await plan_locally(target, snapshot, tenant="default", chatbots=["bot_90de"])
    assert (made.planned, made.refusals) == ((), (refusal,))
    with pytest.raises(NotFound, match="no document claims chatbot bot_x"):
        await plan_locally(target, snapshot, tenant="default", chatbots=["bot_7f3a", "bot_x"])


async def test_no_documents_ask_nothing(target: FakeTarget) -> None:
    made = await plan_locally(target, _snapshot(), tenant="default")
    assert made.planned == ()
    assert target.calls == []
